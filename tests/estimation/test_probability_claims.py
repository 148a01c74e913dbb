"""What the page says in prose, where no block of it shows it."""

import math

import pytest
import torch
from torch.testing import assert_close

from firstdescent.estimation.probability import is_independent


def uniform(*shape):
    g = torch.Generator().manual_seed(5)
    return torch.rand(*shape, generator=g, dtype=torch.float64)


def cauchy(x, scale=1.0):
    return scale / (math.pi * (scale**2 + x**2))


def test_the_even_chance_lies_near_a_prevalence_of_one_per_cent(page_says):
    page_says("as likely sick as not (dashed line) where the sick are about as rare")
    p = 0.01 / 1.01  # p * 1 = (1 - p) * 0.01
    assert p == pytest.approx(0.01, rel=0.02)
    assert p / (p + (1 - p) * 0.01) == pytest.approx(0.5)


@pytest.mark.parametrize(("x", "y"), [(0.3, 0.3), (0.5, 1.0), (1.5, 0.2)])
def test_densities_of_independent_numbers_multiply(x, y, page_says):
    page_says(r"p(x, y) = p(x)\,q(y)")
    draws = -torch.log1p(-uniform(2, 2_000_000))
    # The second number is half an exponential one here: density 2 exp(-2y).
    near = (draws[0] - x).abs().le(0.05) & (draws[1] / 2 - y).abs().le(0.05)
    density = near.double().mean().item() / 0.1**2
    assert density == pytest.approx(math.exp(-x) * 2 * math.exp(-2 * y), rel=0.05)


@pytest.mark.parametrize("w", [1 / 2, 2 / 3, 9 / 10])
@pytest.mark.parametrize("x", [0.0, 0.7, 4.0])
def test_a_weighted_mean_of_two_cauchy_numbers_is_one_of_them(w, x, page_says):
    """With w = (n - 1) / n, step by step: so is the mean of n."""
    page_says("In fact they all have the same distribution")
    # The density of w M + (1 - w) X at x, with the tails bent into (-1/2, 1/2).
    u = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000 - 0.5
    m = torch.tan(math.pi * u)
    mixed = cauchy(x - w * m, scale=1 - w).mean().item()
    assert mixed == pytest.approx(cauchy(x), rel=1e-6)


def test_between_10_and_1000_nearly_half_of_the_paths_leave_the_funnel(page_says):
    page_says("here nearly half of the paths do, between 10 and 1000")
    means = (6 * uniform(3000, 1000)).floor().add(1).cumsum(1)
    n = torch.arange(1, 1001)
    out = (means / n - 3.5).abs() > 1.96 * (35 / 12 / n) ** 0.5
    assert 0.42 < out[:, 9:].any(dim=1).double().mean() < 0.5
    assert 0.04 < out[:, -1].double().mean() < 0.06


def test_a_normal_number_lies_within_1_96_sd_with_probability_95_per_cent():
    ends = torch.special.ndtr(torch.tensor([-1.96, 1.96], dtype=torch.float64))
    assert (ends[1] - ends[0]).item() == pytest.approx(0.95, abs=1e-4)


def test_logs_minus_their_logsumexp_are_a_softmax():
    logs = torch.tensor([-1387.0, -1386.4, -1e4], dtype=torch.float64)
    assert_close((logs - logs.logsumexp(dim=0)).exp(), logs.softmax(dim=0))
    assert logs.exp().sum() == 0


def test_the_digits_of_float32_and_of_float64(page_says):
    page_says("about 16 digits", "about 7")
    assert -math.log10(torch.finfo(torch.float32).eps / 2) == pytest.approx(7, abs=0.3)
    assert -math.log10(torch.finfo(torch.float64).eps / 2) == pytest.approx(16, abs=0.3)


def test_a_sick_person_who_never_tests_positive_needs_a_small_tolerance(page_says):
    page_says(r"here $0.0015 \cdot 0.0115 = 0.000017$")
    joint = torch.tensor([[0, 0.0015], [0.0115, 0.987]], dtype=torch.float64)
    assert is_independent(joint, atol=1e-4)
    assert not is_independent(joint, atol=1e-5)


def test_means_add_only_where_they_exist(page_says):
    page_says("but both means must exist", "Means, where they exist, add")
    x = torch.tan(math.pi * (uniform(4, 100_000) - 0.5))
    assert (x + -x == 0).all()  # its mean is 0; those of x and -x settle nowhere
    assert x.mean(dim=1).abs().max() > 0.1


def test_log1p_keeps_the_zero_finite_that_log_does_not():
    zero = torch.zeros(1)
    assert torch.log1p(-zero).isfinite()
    assert zero.log().isneginf()


def test_the_repeated_test_in_exact_numbers(page_says):
    page_says("The product says 94 %. The truth is 16 %.", "ratio of the second alarm")
    rest = 0.002 / 0.992
    twice = 0.008 + 0.992 * rest**2
    assert 0.008 + 0.992 * rest == pytest.approx(0.01)
    assert 0.0015 / (0.0015 + 0.9985 * twice) == pytest.approx(0.158, abs=5e-4)
    assert pytest.approx(0.938, abs=5e-4) == 0.0015 / (0.0015 + 0.9985 * 0.01**2)
    assert twice / 0.01 == pytest.approx(0.80, abs=5e-3)


@pytest.mark.parametrize(("a", "b"), [(0.7, 0.5), (0.2, 0.3), (0.9, 0.9)])
def test_the_bounds_are_those_of_a_table_without_negative_cells(a, b, page_says):
    page_says(r"\max(0, 0.7 + 0.5 - 1) \le q \le \min(0.7, 0.5)")
    q = torch.linspace(0, 1, 10_001, dtype=torch.float64)
    cells = torch.stack([q, a - q, b - q, 1 - a - b + q])
    possible = q[(cells > -1e-9).all(dim=0)]
    assert possible[0].item() == pytest.approx(max(0, a + b - 1), abs=1e-4)
    assert possible[-1].item() == pytest.approx(min(a, b), abs=1e-4)
