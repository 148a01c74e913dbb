"""fit_unequal against closed forms, another optimiser, and simulated truth."""

import math

import pytest
import torch
from torch.testing import assert_close

from firstdescent.estimation import unequal_noise
from firstdescent.estimation.unequal_noise import fit_unequal


def table(n, dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = 0.5 + 2 * torch.rand(n, generator=g, dtype=torch.float64)
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    S = torch.stack([x.log(), torch.ones_like(x)], dim=1)
    y = A @ A.new_tensor([2, 1]) + 0.3 * x * torch.randn(n, generator=g).double()
    return A.to(dtype), y.to(dtype), S.to(dtype)


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_with_one_sigma_it_is_least_squares_and_the_root_mean_square():
    A, y, S = table(25)
    fit = fit_unequal(A, y, S[:, 1:])
    theta = torch.linalg.lstsq(A, y[:, None]).solution[:, 0]
    s2 = (A @ theta - y).square().mean()
    assert_close(fit.theta, theta)
    assert_close(fit.phi, s2.log()[None] / 2)
    assert_close(fit.phi_se, numbers(1 / math.sqrt(50)))
    covariance = s2 * 25 / 23 * torch.linalg.inv(A.T @ A)
    assert_close(fit.theta_se, covariance.diag().sqrt())
    assert_close(fit.nll, s2.log() / 2 + math.log(2 * math.pi) / 2 + 0.5)


def test_two_groups_get_their_own_mean_and_root_mean_square():
    y = numbers(1, 2, 3, 6, 10, 30, 20)
    group = (torch.arange(7) < 4).double()
    A = torch.stack([group, 1 - group], dim=1)
    fit = fit_unequal(A, y, A)
    assert_close(fit.theta, numbers(3, 20))
    s2 = numbers((4 + 1 + 0 + 9) / 4, 200 / 3)
    assert_close(fit.phi, s2.log() / 2, rtol=1e-6, atol=1e-7)
    assert_close(fit.phi_se, numbers(1 / math.sqrt(8), 1 / math.sqrt(6)))


def test_another_optimiser_from_another_start_finds_no_better_point():
    A, y, S = table(80, seed=4)
    fit = fit_unequal(A, y, S)
    numbers_ = numbers(2, 1, 1, math.log(0.3)).requires_grad_()  # the truth
    optimiser = torch.optim.LBFGS(
        [numbers_],
        max_iter=300,
        tolerance_grad=1e-11,
        tolerance_change=1e-15,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimiser.zero_grad()
        variance = (2 * (S @ numbers_[2:])).exp()
        loss = torch.nn.GaussianNLLLoss(full=True, eps=1e-30)
        value = loss(A @ numbers_[:2], y, variance)
        value.backward()
        return value

    optimiser.step(closure)
    assert_close(fit.nll, closure().detach())
    found = torch.cat([fit.theta, fit.phi])
    assert_close(found, numbers_.detach(), rtol=1e-5, atol=1e-6)


def test_other_units_of_y_change_theta_and_the_level_of_sigma_only():
    A, y, S = table(60, seed=5)
    fit, scaled = fit_unequal(A, y, S), fit_unequal(A, 1000 * y, S)
    assert_close(scaled.theta, 1000 * fit.theta, rtol=1e-6, atol=0)
    shift = numbers(0, math.log(1000))
    assert_close(scaled.phi, fit.phi + shift, rtol=1e-6, atol=1e-7)


def test_a_batch_is_fitted_one_by_one():
    A, y, S = table(40, seed=6)
    many = torch.stack([y, 3 - 2 * y, y.flip(0)])
    fits = fit_unequal(A, many, S)
    for k in range(3):
        one = fit_unequal(A, many[k], S)
        for a, b in zip(fits, one, strict=True):
            assert_close(a[k], b, rtol=1e-6, atol=1e-6)
    tables = fit_unequal(A.expand(3, 40, 2), many, S.expand(3, 40, 2))
    assert_close(tables.theta, fits.theta)


def test_float32_and_many_rows_come_to_the_truth():
    A, y, S = table(100_000, torch.float32)
    fit = fit_unequal(A, y, S)
    assert fit.theta.dtype == torch.float32
    truth = torch.tensor([2, 1, 1, math.log(0.3)])
    off = torch.cat([fit.theta, fit.phi]) - truth
    assert (off.abs() < 4 * torch.cat([fit.theta_se, fit.phi_se])).all()


def test_a_row_that_can_be_hit_and_has_its_own_sigma_is_refused():
    A, y, S = table(30)
    pool = torch.zeros(30, 1).double()
    pool[3] = 1
    with pytest.raises(ValueError, match="may be falling to 0"):
        fit_unequal(torch.hstack([pool, A]), y, torch.hstack([pool, S]))
    both = fit_unequal(torch.hstack([pool, A]), y, S)  # in the mean alone it may
    assert both.theta.isfinite().all()


def test_it_refuses_what_it_cannot_fit():
    A, y, S = table(10)
    with pytest.raises(ValueError, match="100 roundings"):
        fit_unequal(A, A @ numbers(3, 1), S)
    with pytest.raises(ValueError, match="100 roundings"):
        fit_unequal(A, 0 * y, S)
    with pytest.raises(RuntimeError, match="did not settle in 1 steps"):
        fit_unequal(A, y, S, steps=1)
    for bad in (S[:9], S.float(), S[:, 0]):
        with pytest.raises(ValueError, match="expected S"):
            fit_unequal(A, y, bad)
    with pytest.raises(ValueError, match="expected S"):
        fit_unequal(A, y[0], S)
    with pytest.raises(torch.linalg.LinAlgError):
        fit_unequal(A, y, S[:, :1].repeat(1, 2))
    with pytest.raises(ValueError, match="finite"):
        fit_unequal(A, y / 0, S)
    with pytest.raises(ValueError, match="finite"):
        fit_unequal(A, y, S / 0)
    with pytest.raises(TypeError, match="float32 or float64"):
        fit_unequal(A.half(), y.half(), S.half())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("wrong", [30, 1e4])
def test_it_settles_with_one_wrong_label(seed, wrong):
    A, y, S = table(60, seed=seed)
    y[0] += wrong
    fit = fit_unequal(A, y, S)
    numbers_ = torch.cat([fit.theta, fit.phi]).requires_grad_()
    variance = (2 * (S @ numbers_[2:])).exp()
    loss = torch.nn.GaussianNLLLoss(full=True, eps=1e-30)
    loss(A @ numbers_[:2], y, variance).backward()
    slope = numbers_.grad * torch.cat([fit.theta_se, fit.phi_se])
    assert slope.abs().max() < 1e-6


@pytest.mark.parametrize(
    ("dtype", "unit"), [(torch.float32, 1e-19), (torch.float64, 1e-160)]
)
def test_no_unit_of_y_is_too_small(dtype, unit):
    A, y, S = table(60, dtype, seed=5)
    fit, small = fit_unequal(A, y, S), fit_unequal(A, unit * y, S)
    rtol = 1e-3 if dtype == torch.float32 else 1e-6
    assert_close(small.theta / unit, fit.theta, rtol=rtol, atol=0)
    assert_close(small.phi[0], fit.phi[0], rtol=rtol, atol=0)


def test_sigmas_that_differ_too_much_for_float32_are_refused():
    g = torch.Generator().manual_seed(0)
    x = 1e4 ** torch.rand(500, generator=g, dtype=torch.float64)
    A, S = (torch.stack([v, torch.ones_like(x)], dim=1) for v in (x, x.log()))
    y = 2 * x + 0.1 * x * torch.randn(500, generator=g).double()
    assert abs(fit_unequal(A, y, S).phi[0] - 1) < 0.1
    with pytest.raises(ValueError, match="may be falling to 0"):
        fit_unequal(A.float(), y.float(), S.float())


def test_it_starts_with_the_equal_noise_of_plain_least_squares(monkeypatch):
    A, y, S = table(25)
    seen, step = [], unequal_noise.noise_step

    def watched(phi, r, S):
        seen.append(phi)
        return step(phi, r, S)

    monkeypatch.setattr(unequal_noise, "noise_step", watched)
    fit_unequal(A, y, S)
    theta = torch.linalg.lstsq(A, y[:, None]).solution[:, 0]
    sigma = ((A @ theta - y).square().sum() / 23).sqrt()
    assert_close(seen[0], torch.stack([0 * sigma, sigma.log()]))
