"""firstdescent.estimation.unequal_noise against answers it did not compute."""

import math
from fractions import Fraction

import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from firstdescent.estimation.unequal_noise import (
    noise_step,
    unequal_nll,
    weighted_least_squares,
)


def table(n, dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = 0.5 + 2 * torch.rand(n, generator=g, dtype=torch.float64)
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    S = torch.stack([x.log(), torch.ones_like(x)], dim=1)
    y = A @ A.new_tensor([2, 1]) + 0.3 * x * torch.randn(n, generator=g).double()
    return A.to(dtype), y.to(dtype), S.to(dtype)


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_weighted_fit_of_a_constant_is_the_weighted_mean_with_its_error():
    y, w = numbers(1, 5, 6), numbers(2, 1, 1)
    fit = weighted_least_squares(torch.ones(3, 1).double(), y, w)
    assert_close(fit.estimate, numbers(13 / 4))
    squares = (2 * 2.25**2 + 1.75**2 + 2.75**2) / 2
    assert_close(fit.sigma, numbers(squares**0.5)[0])
    assert_close(fit.se, numbers((squares / 4) ** 0.5))


def test_the_weighted_fit_solves_the_weighted_normal_equations():
    A, y, _ = table(30)
    w = torch.linspace(0.1, 5, 30).double()
    expected = torch.linalg.solve(A.T @ torch.diag(w) @ A, A.T @ (w * y))
    assert_close(weighted_least_squares(A, y, w).estimate, expected)


def test_a_whole_weight_counts_as_so_many_rows():
    A, y, _ = table(12)
    w = torch.tensor([1, 2, 3] * 4)
    copies, prices = A.repeat_interleave(w, dim=0), y.repeat_interleave(w)
    expected = torch.linalg.lstsq(copies, prices[:, None]).solution[:, 0]
    assert_close(weighted_least_squares(A, y, w.double()).estimate, expected)


def test_only_ratios_of_weights_matter_and_sigma_is_that_of_weight_one():
    A, y, S = table(20)
    w = S[:, 0].exp() ** -2
    one, many = (weighted_least_squares(A, y, c * w) for c in (1, 1e8))
    assert_close(many.estimate, one.estimate)
    assert_close(many.se, one.se)
    assert_close(many.sigma, 1e4 * one.sigma)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_of_weights_is_fitted_one_by_one(dtype):
    A, y, _ = table(15, dtype)
    w = torch.rand(4, 15, generator=torch.Generator().manual_seed(1)).to(dtype) + 0.1
    many = weighted_least_squares(A, y, w)
    assert many.estimate.dtype == dtype
    for k in range(4):
        assert_close(many.se[k], weighted_least_squares(A, y, w[k]).se)


def test_very_unequal_weights_keep_the_rows_that_matter():
    A, y, _ = table(20)
    w = torch.full((20,), 1e-12).double()
    w[:5] = 1
    first = torch.linalg.lstsq(A[:5], y[:5, None]).solution[:, 0]
    fit = weighted_least_squares(A, y, w).estimate
    assert_close(fit, first, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("heavy", [0, 7, 19])
def test_one_heavy_row_in_any_place_costs_no_digits(heavy):
    """Against the normal equations in fractions."""
    A, y, _ = table(20)
    w = torch.full((20,), 1e-16).double()
    w[heavy] = 1
    G, h = [[Fraction(0)] * 2 for _ in range(2)], [Fraction(0)] * 2
    for row, label, weight in zip(A.tolist(), y.tolist(), w.tolist(), strict=True):
        a, b, v = [Fraction(x) for x in row], Fraction(label), Fraction(weight)
        for j in range(2):
            h[j] += v * a[j] * b
            G[j] = [G[j][k] + v * a[j] * a[k] for k in range(2)]
    det = G[0][0] * G[1][1] - G[0][1] * G[1][0]
    exact = [h[0] * G[1][1] - h[1] * G[0][1], h[1] * G[0][0] - h[0] * G[1][0]]
    expected = numbers(*(float(x / det) for x in exact))
    fit = weighted_least_squares(A, y, w).estimate
    assert_close(fit, expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf, math.nan])
def test_a_weight_must_be_positive_and_finite(bad):
    A, y, _ = table(5)
    w = torch.ones(5).double()
    w[2] = bad
    with pytest.raises(ValueError, match="positive and finite"):
        weighted_least_squares(A, y, w)


def test_weights_must_fit_the_table():
    A, y, _ = table(5)
    for w in (torch.ones(4).double(), torch.ones(5), torch.ones(5, dtype=torch.int64)):
        with pytest.raises(ValueError, match="n weights of its dtype"):
            weighted_least_squares(A, y, w)
    with pytest.raises(ValueError, match="finite"):
        weighted_least_squares(1e200 * A, y, torch.ones(5).double() * 1e300)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loss_is_minus_the_mean_log_density(dtype):
    g = torch.Generator().manual_seed(2)
    r, u = torch.randn(3, 7, generator=g).to(dtype), torch.randn(7, generator=g)
    u = u.to(dtype)
    expected = -Normal(torch.zeros_like(u), u.exp()).log_prob(r).mean(dim=-1)
    assert_close(unequal_nll(r, u), expected)
    torch_loss = torch.nn.GaussianNLLLoss(full=True)
    assert_close(unequal_nll(r[0], u), torch_loss(r[0], 0 * r[0], (2 * u).exp()))
    assert_close(unequal_nll(r[0, :1], u[:1]), -Normal(0, u[0].exp()).log_prob(r[0, 0]))


def test_the_loss_of_a_tiny_sigma_is_infinite_and_never_nan():
    assert unequal_nll(numbers(1.0), numbers(-700)) == math.inf
    assert_close(
        unequal_nll(numbers(0.0), numbers(-700)),
        torch.tensor(-700 + math.log(2 * math.pi) / 2).double(),
    )
    with pytest.raises(ValueError, match="finite"):
        unequal_nll(numbers(0.0), numbers(-800))


def test_the_loss_refuses_what_is_no_row_of_numbers():
    r = numbers(1, 2)
    for bad in (numbers(1, math.nan), numbers(1, math.inf)):
        with pytest.raises(ValueError, match="finite"):
            unequal_nll(bad, r)
        with pytest.raises(ValueError, match="finite"):
            unequal_nll(r, bad)
    for a, b in ((r, numbers(1)), (r[:0], r[:0]), (r[0], r[0])):
        with pytest.raises(ValueError, match="n > 0"):
            unequal_nll(a, b)
    for bad in (torch.ones(2, dtype=torch.int64), r.cfloat(), r > 1):
        with pytest.raises(TypeError, match="float32 or float64"):
            unequal_nll(bad, r)


def test_one_step_of_one_sigma_moves_by_half_the_excess_of_the_mean_square():
    ones = torch.ones(4, 1).double()
    r = numbers(1, -1, 1, 2)  # mean square 7 / 4
    assert_close(noise_step(numbers(0), r, ones), numbers((7 / 4 - 1) / 2))


def test_a_step_stands_still_at_the_root_mean_square_and_is_never_uphill():
    ones = torch.ones(4, 1).double()
    r = numbers(3, -1, 4, 1)
    top = 0.5 * r.square().mean().log()[None]
    assert_close(noise_step(top, r, ones), top)
    wild = numbers(1e6, 1, -1, 2)  # a full step would be far too long
    phi = numbers(0.0)
    for _ in range(60):
        new = noise_step(phi, wild, ones)
        losses = [unequal_nll(wild, p.expand(4)) for p in (phi, new)]
        assert losses[1] <= losses[0]
        phi = new
    assert_close(phi, 0.5 * wild.square().mean().log()[None], rtol=1e-6, atol=0)


def test_of_many_steps_from_anywhere_none_is_uphill():
    g = torch.Generator().manual_seed(0)
    x, level, z = (torch.randn(5000, 6, generator=g).double() for _ in range(3))
    S, r = torch.stack([x, torch.ones_like(x)], dim=-1), z * (2 * level).exp()
    phi = torch.randn(5000, 2, generator=g).double()
    new = noise_step(phi, r, S)
    old, now = (unequal_nll(r, (S @ p[..., None])[..., 0]) for p in (phi, new))
    assert (now <= old).all()
    full = new - phi
    assert ((S @ full[..., None]).abs() <= 1 + 1e-9).all()


def test_a_step_refuses_what_does_not_match():
    _, y, S = table(6)
    phi = numbers(0, 0)
    for args in ((phi[:1], y, S), (phi, y[:5], S), (phi, y, S.float()), (phi, y, y)):
        with pytest.raises(ValueError, match="expected phi"):
            noise_step(*args)
    with pytest.raises(ValueError, match="expected phi"):
        noise_step(phi.float(), y, S)
