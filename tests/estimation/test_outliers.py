"""firstdescent.estimation.outliers against answers that it did not compute."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from firstdescent.estimation import outliers as o
from firstdescent.regression.house_prices import make_houses

D = torch.float64


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def table(n=40, seed=0, noise=1.0):
    """A line, y = 2 x + 1, with normal noise."""
    g = seeded(seed)
    x = torch.randn(n, generator=g, dtype=D)
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    return A, 2 * x + 1 + noise * torch.randn(n, generator=g, dtype=D)


FITS = {
    "huber": o.huber_fit,
    "t": o.student_t_fit,
    "trimmed": lambda A, y: o.least_trimmed(A, y, seeded()),
}
every_fit = pytest.mark.parametrize("fit", FITS.values(), ids=FITS)


@pytest.mark.parametrize("c", [0.3, 1.345, 5.0])
def test_the_huber_weight_times_u_is_the_slope_of_torchs_huber_loss(c):
    u = torch.linspace(-9, 9, 37, dtype=D, requires_grad=True)  # with 0
    nn.HuberLoss(delta=c, reduction="sum")(u, torch.zeros_like(u)).backward()
    torch.testing.assert_close(o.huber_weight(u.detach(), c) * u.detach(), u.grad)
    assert o.huber_weight(torch.zeros(1), c).item() == 1


@pytest.mark.parametrize("nu", [1.0, 3.0, 50.0])
def test_the_t_weight_and_nll_are_those_of_torchs_student_t(nu):
    r = torch.linspace(-9, 9, 37, dtype=D, requires_grad=True)
    zero, two = torch.zeros((), dtype=D), torch.full((), 2.0, dtype=D)
    df = torch.full((), nu, dtype=D)
    nll = -torch.distributions.StudentT(df, zero, two).log_prob(r).sum()
    torch.testing.assert_close(o.t_nll(r.detach(), 2.0, nu), nll.detach())
    nll.backward()
    torch.testing.assert_close(o.t_weight(r.detach() / 2, nu) * r.detach() / 4, r.grad)


def test_weights_of_huge_residuals_are_zero_and_not_nan():
    u = torch.tensor([1e30, -1e38], dtype=torch.float32)
    assert o.t_weight(u, 3.0).tolist() == [0, 0]
    assert o.huber_weight(u, 1.0).isfinite().all()


def test_the_scale_of_normal_noise_is_its_standard_deviation():
    z = 7 * torch.randn(200_000, generator=seeded(), dtype=D)
    assert o.noise_scale(z).item() == pytest.approx(7, rel=0.01)
    assert o.noise_scale(z.float()).item() == pytest.approx(7, rel=0.01)


def test_the_scale_is_a_median_of_sizes_counted_by_hand():
    quartile = math.sqrt(2) * torch.erfinv(torch.tensor(0.5, dtype=D)).item()
    assert quartile == pytest.approx(0.6745, abs=5e-5)
    r = torch.tensor([-1.0, 5, 3, 0], dtype=D)
    assert o.noise_scale(r).item() * quartile == pytest.approx(2)
    assert o.noise_scale(r, fitted=1).item() * quartile == pytest.approx(3)
    assert o.noise_scale(r[:1]).item() * quartile == pytest.approx(1)
    assert o.noise_scale(r * (1.7e308 / 5)).isfinite()


def test_a_weighted_fit_counts_a_row_of_weight_two_twice():
    A, y = table()
    w = torch.ones(40, dtype=D)
    w[:7] = 2
    twice = torch.linalg.lstsq(torch.cat([A, A[:7]]), torch.cat([y, y[:7]])).solution
    torch.testing.assert_close(o.weighted_fit(A, y, w), twice)


def test_at_hubers_fit_the_gradient_of_torchs_loss_is_zero():
    A, y = table()
    y[0] += 1000
    fit = o.huber_fit(A, y, tol=1e-12)
    theta = fit.theta.requires_grad_()
    loss = nn.HuberLoss(delta=1.345 * fit.scale.item(), reduction="sum")
    loss(A @ theta, y).backward()
    assert theta.grad.abs().max() < 1e-4
    assert fit.weights.argmin() == 0
    assert fit.weights[0] < 0.01


@pytest.mark.parametrize("c", [1e4, 1e5, 1e6])
def test_giant_labels_within_reach_of_a_large_c_are_fitted(c):
    A, y = table()
    y[0], y[1] = 1e6, -3e5
    fit = o.huber_fit(A, y, c=c)
    theta = fit.theta.requires_grad_()
    loss = nn.HuberLoss(delta=c * fit.scale.item(), reduction="sum")
    loss(A @ theta, y).backward()
    assert theta.grad.abs().max() / fit.scale < 1e-4


def test_no_step_from_hubers_fit_lowers_its_loss():
    A, y = table(seed=3)
    fit = o.huber_fit(A, y, c=0.7, tol=1e-12)
    loss = nn.HuberLoss(delta=0.7 * fit.scale.item(), reduction="sum")
    least = loss(A @ fit.theta, y)
    for step in 0.01 * torch.randn(50, 2, generator=seeded(), dtype=D):
        assert loss(A @ (fit.theta + step), y) > least


@pytest.mark.parametrize("u", [0.3, 1.0, 40.0])
def test_the_gap_bounds_what_huber_can_lose(u):
    """For a constant, A.T @ u = 0 says that the u add up to 0."""
    r = torch.tensor([-3.0, 0.5, 2.5], dtype=D)
    loss, gap = o.huber_gap(r, u * torch.tensor([-1.0, 0, 1], dtype=D), 1.0)
    b = torch.linspace(-4, 4, 8001, dtype=D)[:, None]
    huber = nn.HuberLoss(reduction="none")
    sums = huber(r + b, torch.zeros(8001, 3, dtype=D)).sum(dim=1)
    assert loss.item() == pytest.approx(2.5 + 0.125 + 2)
    assert sums.min() >= loss - gap


def test_the_t_fit_is_a_stationary_point_of_torchs_likelihood():
    A, y = table()
    y[:5] += 30
    fit = o.student_t_fit(A, y)
    theta, scale = fit.theta.requires_grad_(), fit.scale.requires_grad_()
    r = A @ theta - y
    (-torch.distributions.StudentT(3.0, 0.0, scale).log_prob(r).sum()).backward()
    assert theta.grad.abs().max() < 1e-5
    assert scale.grad.abs() < 1e-5
    assert set(fit.weights.topk(5, largest=False).indices.tolist()) == set(range(5))


def test_the_likelihood_rises_at_each_em_step(monkeypatch):
    A, y = table(seed=5)
    y[:9] += 20
    y[10] -= 400
    start, seen, fit = torch.tensor([-30.0, 50.0], dtype=D), [], o.weighted_fit

    def watched(Z, t, w):
        step = fit(Z, t, w)
        seen.append((t - Z @ step, w))
        return step

    monkeypatch.setattr(o, "weighted_fit", watched)
    rest = o.student_t_fit(A, y, start=start)
    values = []
    for r, w in seen:  # residuals in units of the first scale
        values.append(o.t_nll(r, (w * r**2).mean().sqrt(), 3.0).item())
    assert len(values) > 5
    assert all(a >= b - 1e-9 for a, b in pairwise(values))
    assert values[0] - values[-1] > 1
    torch.testing.assert_close(rest.theta, em(A, y, start, 400)[0])


def em(A, y, theta, steps):
    """The textbook's steps with normal equations, one after the other."""
    scale = (A @ theta - y).abs().sort().values[2:].median() / 0.6745
    for _ in range(steps):
        w = 4 / (3 + (A @ theta - y) ** 2 / scale**2)
        theta = torch.linalg.solve((A.T * w) @ A, (A.T * w) @ y)
        scale = (w * (A @ theta - y) ** 2).mean().sqrt()
    return theta, scale


@every_fit
def test_a_fit_moves_with_the_labels_and_with_the_units(fit):
    A, y = table()
    base, units = fit(A, y)[0], torch.tensor([1e6, 1e-4], dtype=D)
    shift = torch.tensor([5.0, -3.0], dtype=D)
    torch.testing.assert_close(fit(A, y + A @ shift)[0], base + shift)
    torch.testing.assert_close(fit(A, 1e100 * y)[0], 1e100 * base)
    torch.testing.assert_close(fit(A / units, 1e-100 * y)[0], 1e-100 * units * base)


@every_fit
def test_a_fit_of_float32_agrees_with_float64_for_many_rows(fit):
    A, y = table(n=20_000)
    many = fit(A.float(), y.float())[0]
    assert many.dtype == torch.float32
    torch.testing.assert_close(many.double(), fit(A, y)[0], atol=2e-3, rtol=1e-3)


@every_fit
def test_a_fit_refuses_what_no_line_can_fit(fit):
    A, y = table()
    with pytest.raises(ValueError, match="expected A"):
        fit(A, y[1:])
    with pytest.raises(TypeError, match="dtype"):
        fit(A, y.float())
    with pytest.raises(ValueError, match="finite"):
        fit(A, y.where(y > 0, torch.inf))
    with pytest.raises(torch.linalg.LinAlgError):
        fit(torch.cat([A, A[:, :1]], dim=1), y)
    with pytest.raises(ValueError, match="more rows"):
        fit(A[:2], y[:2])


@pytest.mark.parametrize("fit", [o.huber_fit, o.student_t_fit])
def test_no_scale_is_an_error_and_a_small_one_is_not(fit):
    A, y = table()
    line = A @ torch.tensor([2.0, 1.0], dtype=D)
    for dtype in (torch.float32, D):
        exact = torch.where(torch.arange(40) < 30, line, y)
        with pytest.raises(ValueError, match="most rows are fitted exactly"):
            fit(A.to(dtype), exact.to(dtype))
    with pytest.raises(ValueError, match="most rows are fitted exactly"):
        fit(A, 0 * y)
    half = [torch.where(torch.arange(40) < k, line, y) for k in (21, 22)]
    assert fit(A, half[0]).scale > 1e-3  # p = 2 zeros are left out
    with pytest.raises(ValueError, match="most rows are fitted exactly"):
        fit(A, half[1])
    y_far = y.clone()
    y_far[0] = 1e100
    with pytest.raises(ValueError, match="one label is 1e25 times the scale"):
        fit(A, y_far)
    small = fit(A, line + 1e-9 * (y - line))
    assert 0.5e-9 < small.scale < 2e-9


def test_arguments_out_of_range_are_refused():
    A, y = table()
    for c, tol in ((0, 1e-8), (1e300, 1e-8), (math.nan, 1e-8), (1, 0), (1, 2)):
        with pytest.raises(ValueError, match="c in 1e-6"):
            o.huber_fit(A, y, c=c, tol=tol)
    for tol in (math.nan, -1, 0, math.inf):
        with pytest.raises(ValueError, match="tol in"):
            o.student_t_fit(A, y, tol=tol)
    for nu in (0, -1, math.inf, math.nan):
        with pytest.raises(ValueError, match="nu in"):
            o.student_t_fit(A, y, nu=nu)
        with pytest.raises(ValueError, match="nu in"):
            o.t_nll(y, 1.0, nu)
    with pytest.raises(ValueError, match="c < inf"):
        o.huber_weight(y, 0)
    for f in (lambda r: o.huber_weight(r, 1), lambda r: o.t_weight(r, 3),
              o.noise_scale, lambda r: o.t_nll(r, 1.0, 3.0)):  # fmt: skip
        with pytest.raises(TypeError, match="floating"):
            f(torch.arange(3))
    for bad in (torch.zeros(2, 2), torch.zeros(0)):
        with pytest.raises(ValueError, match="expected r"):
            o.noise_scale(bad)
        with pytest.raises(ValueError, match="expected residuals"):
            o.t_nll(bad, 1.0, 3.0)
    with pytest.raises(ValueError, match="expected r"):
        o.noise_scale(y, fitted=40)
    with pytest.raises(ValueError, match="finite"):
        o.noise_scale(torch.tensor([math.nan, 1]))
    for scale in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="scale > 0"):
            o.t_nll(y, scale, 3.0)
    with pytest.raises(ValueError, match="too large"):
        o.t_nll(torch.tensor([math.inf], dtype=D), 1.0, 3.0)
    with pytest.raises(ValueError, match="too large"):
        o.t_nll(torch.ones(70_000, dtype=torch.half), 1.0, 3.0)
    for start in (torch.zeros(3, dtype=D), torch.tensor([math.nan, 0.0], dtype=D)):
        with pytest.raises(ValueError, match="start"):
            o.student_t_fit(A, y, start=start)


def test_what_is_not_finished_is_not_returned():
    A, y = table()
    with pytest.raises(RuntimeError, match="not proved"):
        o.huber_fit(A, y, steps=1)
    with pytest.raises(RuntimeError, match="not at rest"):
        o.student_t_fit(A, y, steps=1)


@every_fit
def test_a_theta_beyond_float32_is_an_error(fit):
    A, y = table()
    A = torch.cat([A[:, :1] * 1e-30, A[:, 1:]], dim=1).float()
    with pytest.raises(ValueError, match="too large"):
        fit(A, (1e15 * y).float())


def test_the_t_fit_comes_home_from_a_start_that_is_far_off():
    A, y = table()
    near = o.student_t_fit(A, y)
    far = o.student_t_fit(A, y, start=torch.full((2,), 1e12, dtype=D))
    for found, expected in zip(far, near, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    high = o.student_t_fit(A, y + 1e13, start=torch.zeros(2, dtype=D))
    torch.testing.assert_close(high.scale, near.scale, rtol=1e-2, atol=0)


def test_one_giant_label_does_not_hide_the_others_from_the_trimmed_fit():
    A, y = table()
    expected = None
    for giant in (1e10, 1e165, 1.7e308):
        y[0] = giant
        theta, rows = o.least_trimmed(A, y, seeded())
        expected = theta if expected is None else expected
        torch.testing.assert_close(theta, expected)
        assert 0 not in rows
    assert abs(theta[0] - 2) < 1


def test_t_with_a_tiny_nu_runs_into_a_line_through_points_and_says_so():
    A, y = table(n=5)
    with pytest.raises(ValueError, match="the scale went to 0"):
        o.student_t_fit(A, y, nu=0.05)


def test_leverages_are_the_derivative_of_each_prediction_by_its_label():
    X, y = make_houses(12, seeded())
    A = torch.cat([X, torch.ones(12, 1, dtype=D)], dim=1)
    h = o.leverage(A)

    def fitted(y):
        return A @ torch.linalg.lstsq(A, y).solution

    for i in range(12):
        e = torch.zeros(12, dtype=D)
        e[i] = 1
        assert h[i].item() == pytest.approx((fitted(y + e) - fitted(y))[i].item())
    assert h.sum().item() == pytest.approx(4)
    with pytest.raises(ValueError, match="expected A"):
        o.leverage(A[None])


def test_the_trimmed_fit_finds_the_half_that_lies_on_a_line():
    A, y = table(n=41)
    good = torch.arange(41) % 9 < 5
    y = torch.where(good, A @ torch.tensor([2.0, 1], dtype=D), 50 + 9 * y)
    theta, rows = o.least_trimmed(A, y, seeded(), keep=22)
    torch.testing.assert_close(theta, torch.tensor([2.0, 1], dtype=D))
    assert good[rows].all()
    assert len(rows) == 22


def test_the_trimmed_fit_is_least_squares_when_all_rows_are_kept():
    A, y = table()
    theta, rows = o.least_trimmed(A, y, seeded(), keep=40)
    torch.testing.assert_close(theta, torch.linalg.lstsq(A, y).solution)
    assert rows.tolist() == list(range(40))


def test_the_trimmed_fit_refuses_bad_counts_and_hopeless_draws():
    A, y = table()
    for keep, tries in ((2, 1), (41, 1), (30, 0)):
        with pytest.raises(ValueError, match="expected keep"):
            o.least_trimmed(A, y, seeded(), keep=keep, tries=tries)
    pool = torch.zeros(40, 1, dtype=D)
    (drawn,) = torch.randint(40, (1, 3), generator=seeded())
    pool[(set(range(40)) - set(drawn.tolist())).pop()] = 1  # not drawn
    with pytest.raises(ValueError, match="dependent rows"):
        o.least_trimmed(torch.cat([pool, A], dim=1), y, seeded(), tries=1)
