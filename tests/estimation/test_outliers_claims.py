"""What the page says in prose about the fits, over more tables than it shows."""

import pytest
import torch
from torch import nn

from firstdescent.estimation.laplace_robust import least_absolute
from firstdescent.estimation.outliers import (
    huber_fit,
    least_trimmed,
    noise_scale,
    student_t_fit,
    t_nll,
)
from firstdescent.regression.house_prices import fair_price, make_houses

D = torch.float64


def houses(seed):
    X, y = make_houses(100, torch.Generator().manual_seed(seed))
    return torch.cat([X, torch.ones(100, 1, dtype=D)], dim=1), y, fair_price(X)


def wrong(y, k):
    y = y.clone()
    y[:k] *= 10
    return y


@pytest.mark.parametrize("seed", range(3))
def test_one_price_in_euros_hardly_moves_a_robust_fit(seed):
    A, y, _ = houses(seed)
    one = y.clone()
    one[0] *= 1000
    for fit in (huber_fit, student_t_fit):
        moved = (A @ (fit(A, one).theta - fit(A, y).theta)).square().mean().sqrt()
        assert moved < 5
    one[0] = 1e14
    assert (A @ (huber_fit(A, one).theta - huber_fit(A, y).theta)).abs().max() < 20


@pytest.mark.parametrize("seed", range(4))
def test_beyond_a_quarter_t_with_three_degrees_fails_and_with_one_does_not(seed):
    A, y, fair = houses(seed)
    for k, nu, good in ((20, 3, True), (30, 3, False), (20, 1, True), (30, 1, True)):
        theta = student_t_fit(A, wrong(y, k), nu=nu).theta
        assert ((A @ theta - fair).square().mean().sqrt() < 15) == good


@pytest.mark.parametrize("seed", range(4))
def test_a_quarter_of_wrong_labels_is_too_many_for_three_degrees(seed, page_says):
    page_says("For $\\nu = 3$ the share must stay below a quarter.")
    A, y, fair = houses(seed)
    for k, good in ((24, True), (25, False)):
        theta = student_t_fit(A, wrong(y, k)).theta
        assert ((A @ theta - fair).square().mean().sqrt() < 10) == good


def test_with_5_rows_and_4_coefficients_even_nu_3_is_too_small(page_says):
    page_says(
        r"$\nu$ must be at least $p/(n - p)$",
        r"with 5 rows and 4 coefficients even $\nu = 3$ is too small",
    )
    refused = 0
    for seed in range(40):
        g = torch.Generator().manual_seed(seed)
        A = torch.randn(5, 4, generator=g, dtype=D)
        try:
            student_t_fit(A, torch.randn(5, generator=g, dtype=D))
        except ValueError as error:
            refused += "the scale went to 0" in str(error)
    assert refused > 30


def test_53_exact_rows_of_100_leave_no_scale_and_52_do(page_says):
    page_says("(53 of these 100, as 4 zeros are left out)")
    A, y, fair = houses(0)
    for k in (52, 53):
        exact = torch.where(torch.arange(100) < k, fair, y)
        if k == 53:
            with pytest.raises(ValueError, match="most rows"):
                huber_fit(A, exact)
        else:
            assert huber_fit(A, exact).scale > 1e-4


def test_the_shift_of_the_t_ends_at_a_constant_that_is_not_zero(page_says):
    page_says("the shift of the t does not end at 0")
    g = torch.Generator().manual_seed(1)
    x = torch.linspace(-1, 1, 21, dtype=D)
    x = torch.cat([x[x != x[18]], x[18:19]])
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    y = 2 * x + 1 + torch.randn(21, generator=g, dtype=D) / 2
    y[-1] = 2 * x[-1] + 1
    fits = []
    for far in (0, 1e4, 1e8):
        y_far = y.clone()
        y_far[-1] += far
        fits.append(A[-1] @ student_t_fit(A, y_far).theta)
    assert abs(fits[1] - fits[0]) > 0.05
    assert abs(fits[2] - fits[1]) < 1e-4


@pytest.mark.parametrize("nu", [1.0, 3.0])
def test_the_t_scale_follows_the_wrong_rows_only_beyond_the_limit(nu):
    """A constant, and wrong rows a million sd away."""
    g = torch.Generator().manual_seed(0)
    z = torch.randn(400, generator=g, dtype=D)
    A = torch.ones(400, 1, dtype=D)
    for share, grows in ((0.9 / (nu + 1), False), (1.1 / (nu + 1), True)):
        if share < 0.5:  # the start is a median
            y = z.clone()
            y[: int(400 * share)] += 1e6
            assert (student_t_fit(A, y, nu=nu).scale > 1000) == grows


def test_the_sd_of_a_wrong_label_hides_it_and_the_median_does_not():
    z = torch.randn(100, generator=torch.Generator().manual_seed(0), dtype=D)
    z[0] = 1e6
    assert z.abs()[0] / z.std() < 11  # it can never be above (n - 1) / sqrt(n)
    assert 0.7 < noise_scale(z) < 1.3


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
def test_one_feature_wrong_enough_ruins_absolute_error_and_huber(size):
    A, y, _ = houses(1)
    A[0, 2] *= size
    for theta in (least_absolute(A, y), huber_fit(A, y).theta):
        assert abs(theta[2]) * A[0, 2] < 2000  # the truth: 2 * A[0, 2]
        assert abs(theta[2]) < 0.2


@pytest.mark.parametrize("seed", range(4))
def test_of_two_starts_the_trimmed_one_finds_the_likelier_t_fit(seed):
    A, y, fair = houses(seed)
    bad = A.clone()
    bad[0, 2] *= 100
    start, kept = least_trimmed(bad, y, torch.Generator().manual_seed(0))
    assert 0 not in kept
    far, near = student_t_fit(bad, y), student_t_fit(bad, y, start=start)
    values = [t_nll(bad @ fit.theta - y, fit.scale, 3) for fit in (far, near)]
    assert values[0] > values[1] + 5
    assert (A @ near.theta - fair).square().mean().sqrt() < 7
    assert near.weights[0] < 1e-4
    assert far.weights[0] > 1


def test_the_trimmed_fit_scatters_more_than_hubers():
    errors = torch.zeros(2, dtype=D)
    for seed in range(6):
        A, y, fair = houses(seed)
        start, _ = least_trimmed(A, y, torch.Generator().manual_seed(0))
        for k, theta in enumerate((start, huber_fit(A, y).theta)):
            errors[k] += (A @ theta - fair).square().mean()
    assert errors[0] > 3 * errors[1]


def test_smooth_l1_is_huber_over_beta():
    r, zero = torch.linspace(-4, 4, 33), torch.zeros(33)
    for b in (0.5, 1.0, 3.0):
        huber = nn.HuberLoss(delta=b, reduction="none")(r, zero)
        smooth = nn.SmoothL1Loss(beta=b, reduction="none")(r, zero)
        torch.testing.assert_close(smooth, huber / b)
