"""firstdescent.estimation.priors_variance against answers that it did not compute."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from firstdescent.estimation.priors_variance import (
    bias_variance,
    log_evidence,
    posterior,
)

SIGMA, TAU = 0.7, 1.3


def table(n, d, seed=0, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    A = torch.randn(n, d, generator=g, dtype=torch.float64)
    y = torch.randn(n, generator=g, dtype=torch.float64)
    return A.to(dtype), y.to(dtype)


def surprise(w, A, y):
    prior = Normal(torch.zeros_like(w), TAU).log_prob(w).sum()
    return -(Normal(A @ w, SIGMA).log_prob(y).sum() + prior)


@pytest.mark.parametrize("n, d", [(12, 3), (1, 1), (2, 4), (1, 3)])
def test_the_posterior_mean_has_no_slope_and_its_covariance_inverts_the_hessian(n, d):
    A, y = table(n, d)
    mean, cov = posterior(A, y, SIGMA, TAU)
    mean.requires_grad_()
    (slope,) = torch.autograd.grad(surprise(mean, A, y), mean)
    torch.testing.assert_close(slope, torch.zeros_like(slope))
    H = torch.autograd.functional.hessian(lambda w: surprise(w, A, y), mean.detach())
    torch.testing.assert_close(cov, torch.linalg.inv(H))


def test_centring_is_an_unknown_intercept(page_says):
    page_says("as with an unknown intercept, about which you have no belief")
    A, y = table(8, 2)
    A, raw = A - A.mean(dim=0), y + 7
    longer = torch.cat([A, torch.ones(8, 1, dtype=A.dtype)], dim=1)
    belief = torch.diag(A.new_tensor([TAU**-2, TAU**-2, 0]))  # flat for the last
    H = longer.T @ longer / SIGMA**2 + belief
    expected = torch.linalg.solve(H, longer.T @ raw / SIGMA**2)
    mean, cov = posterior(A, raw - raw.mean(), SIGMA, TAU)
    torch.testing.assert_close(mean, expected[:2])
    torch.testing.assert_close(cov, torch.linalg.inv(H)[:2, :2])


def test_the_posterior_is_the_normal_distribution_of_w_given_y():
    A, y = table(3, 2)  # condition the joint normal of (w, y) by the textbook formula
    S = TAU**2 * A @ A.T + SIGMA**2 * torch.eye(3)
    gain = TAU**2 * A.T @ torch.linalg.inv(S)
    mean, cov = posterior(A, y, SIGMA, TAU)
    torch.testing.assert_close(mean, gain @ y)
    torch.testing.assert_close(cov, TAU**2 * (torch.eye(2).double() - gain @ A))


def test_where_the_columns_say_nothing_the_belief_stays():
    A = torch.tensor([[1.0, 2.0], [2.0, 4.0]]).double()
    _, cov = posterior(A, A[:, 0], SIGMA, TAU)
    null = torch.tensor([2.0, -1.0]).double() / math.sqrt(5)
    torch.testing.assert_close(cov @ null, TAU**2 * null)


def test_a_belief_as_wide_as_can_be_leaves_least_squares():
    A, y = table(9, 3)
    mean, cov = posterior(A, y, SIGMA, 1e100)
    torch.testing.assert_close(mean, torch.linalg.lstsq(A, y[:, None]).solution[:, 0])
    torch.testing.assert_close(cov, SIGMA**2 * torch.linalg.inv(A.T @ A))


def test_units_that_square_to_zero_or_infinity_do_no_harm():
    A, y = table(9, 3)
    mean, cov = posterior(A, y, 1e-120, 1e-120)
    ours, theirs = posterior(A, y, 1.0, 1.0)
    torch.testing.assert_close(mean, ours)
    torch.testing.assert_close(cov * 1e240, theirs)
    far = log_evidence(A, 1e200 * y, 1e200, 1e200) + 9 * 200 * math.log(10)
    torch.testing.assert_close(far, log_evidence(A, y, 1.0, 1.0))


def test_a_ratio_of_scales_that_overflows_is_refused():
    with pytest.raises(ValueError, match="penalty must be finite"):
        posterior(*table(9, 3), 1e100, 1e-100)


def test_a_ratio_that_underflows_is_refused_with_dependent_columns():
    with pytest.raises(ValueError, match="penalty 0"):
        posterior(torch.ones(3, 2).double(), torch.ones(3).double(), 1e-200, 1e200)


def test_float32_with_many_rows_agrees_with_float64():
    A, y = table(100_000, 2)
    for exact, single in zip(
        (*posterior(A, y, SIGMA, TAU), log_evidence(A, y, SIGMA, TAU)),
        (
            *posterior(A.float(), y.float(), SIGMA, TAU),
            log_evidence(A.float(), y.float(), SIGMA, TAU),
        ),
        strict=True,
    ):
        assert single.dtype == torch.float32
        torch.testing.assert_close(single.double(), exact, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("n, d", [(8, 3), (1, 1), (3, 5)])
def test_the_evidence_is_torchs_density_of_the_labels(n, d):
    A, y = table(n, d)
    S = TAU**2 * A @ A.T + SIGMA**2 * torch.eye(n)
    expected = MultivariateNormal(torch.zeros_like(y), S).log_prob(y)
    torch.testing.assert_close(log_evidence(A, y, SIGMA, TAU), expected)


@pytest.mark.parametrize("penalty", [0.0, 0.3, 50])
def test_bias_and_variance_are_those_of_many_worlds(penalty):
    A, w = table(6, 2)[0], torch.tensor([1.0, -2.0]).double()
    g = torch.Generator().manual_seed(1)
    noise = torch.randn(200_000, 6, generator=g, dtype=torch.float64)
    G = A.T @ A + penalty * torch.eye(2)
    fits = (A @ w + SIGMA * noise) @ A @ torch.linalg.inv(G)
    bias2, variance = bias_variance(A, w, SIGMA, penalty)
    seen = (fits.mean(dim=0) - w).square().sum()
    torch.testing.assert_close(seen, bias2, rtol=0.02, atol=1e-4)
    torch.testing.assert_close(fits.var(dim=0).sum(), variance, rtol=0.02, atol=0)


def test_bias_and_variance_are_the_formulas_of_the_page():
    A, w = table(5, 3)[0], torch.tensor([1.0, -2.0, 0.5]).double()
    M = torch.linalg.solve(A.T @ A + 0.4 * torch.eye(3), A.T)
    bias2, variance = bias_variance(A, w, SIGMA, 0.4)
    torch.testing.assert_close(bias2, (M @ A @ w - w).norm() ** 2)
    torch.testing.assert_close(variance, SIGMA**2 * M.norm() ** 2)


def test_singular_values_whose_squares_vanish_do_no_harm():
    A, w = table(5, 3)[0], torch.tensor([1.0, -2.0, 0.5]).double()
    ours = bias_variance(1e-170 * A, w, 1e-170, 0)[1]
    torch.testing.assert_close(ours, bias_variance(A, w, 1.0, 0)[1])


def test_a_direction_below_the_cutoff_keeps_the_prior():
    A = torch.diag(torch.tensor([1.0, 1e-17]).double())
    mean, cov = posterior(A, torch.ones(2).double(), 1.0, 1e20)
    torch.testing.assert_close(mean, torch.tensor([1.0, 0.0]).double())
    assert cov[1, 1].sqrt().item() == pytest.approx(1e20)


def test_a_direction_that_is_not_seen_is_all_bias():
    A = torch.tensor([[1.0, 0.0], [2.0, 0.0]]).double()
    w = torch.tensor([0.0, 3.0]).double()
    assert bias_variance(A, w, 1.0, 0.5)[0].item() == pytest.approx(9)
