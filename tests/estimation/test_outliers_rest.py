"""Where the searches of outliers come to rest, and where they refuse to go on."""

import math

import pytest
import torch

from firstdescent.estimation import outliers as o

D = torch.float64
EPS = torch.finfo(D).eps


def line(x, *, slope, constant, noise, seed):
    g = torch.Generator().manual_seed(seed)
    y = slope * x + constant + noise * torch.randn(len(x), generator=g).to(D)
    return torch.stack([x, torch.ones_like(x)], dim=1), y


X = torch.linspace(-2, 2, 40, dtype=D)
A, Y = line(X, slope=3, constant=1, noise=1, seed=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda just_above: o.t_weight(Y, just_above),
        lambda just_above: o.t_nll(Y, 1.0, just_above),
        lambda just_above: o.huber_fit(A, Y, c=just_above),
    ],
    ids=["t_weight", "t_nll", "huber_fit"],
)
def test_a_million_is_the_most(call):
    with pytest.raises(ValueError, match=r"1000000\.5"):
        call(1_000_000.5)


def test_labels_fitted_to_four_roundings_are_fitted_exactly():
    """Both steps are whole numbers of eps: |y - 1| / 0.6745 against 4 * eps * 2."""
    one, ones = torch.ones(1, dtype=D), torch.ones(7, dtype=D)
    with pytest.raises(ValueError, match="fitted exactly"):
        o.start_scale(ones[:, None], ones + 5 * EPS, one, D)
    scale = o.start_scale(ones[:, None], ones + 6 * EPS, one, D)
    assert 8 * EPS < scale < 9 * EPS


@pytest.mark.parametrize("far", [1e4, -1e4])
def test_a_start_far_off_comes_to_rest_as_exactly(far):
    start = torch.tensor([0, far], dtype=D)
    fit = o.student_t_fit(A, Y, start=start, tol=1e-12, steps=45)
    torch.testing.assert_close(fit.theta, o.student_t_fit(A, Y).theta)


def test_a_step_of_more_than_a_tenth_of_the_scale_is_not_rest():
    start = torch.tensor([3.0, 1], dtype=D)
    with pytest.raises(RuntimeError, match="not at rest after 2 steps"):
        o.student_t_fit(A, Y, start=start, tol=0.1, steps=2)
    o.student_t_fit(A, Y, start=start, tol=0.1, steps=3)


def test_a_label_that_dwarfs_the_others_does_not_end_the_fit():
    """From a start as far off as that label the scale falls by eleven powers of ten."""
    x = torch.arange(12, dtype=D)
    B, y = line(x, slope=1e-11, constant=1e-10, noise=1e-11, seed=0)
    y[5] = 1
    start = torch.tensor([0, 0.5], dtype=D)
    fit = o.student_t_fit(B, y, start=start)
    assert fit.scale < 2e-11
    rest = torch.arange(12) != 5
    alone = o.student_t_fit(B[rest], y[rest])
    torch.testing.assert_close(fit.theta, alone.theta, rtol=0.1, atol=0)


def test_a_scale_that_goes_to_0_is_told_where_all_labels_have_one_sign():
    x = torch.arange(1, 13, dtype=D)
    B, y = line(x, slope=2, constant=1, noise=0, seed=0)
    y[-3:] += torch.tensor([1, 2, 3], dtype=D)
    start = torch.tensor([1.9, 1.2], dtype=D)
    with pytest.raises(ValueError, match=r"scale went to 0: nu = 0\.05 allows"):
        o.student_t_fit(B, y, nu=0.05, start=start, steps=3000)


def test_the_trimmed_fit_draws_500_tries_unless_told():
    first, second = (torch.Generator().manual_seed(3) for _ in range(2))
    o.least_trimmed(A, Y, first)
    o.least_trimmed(A, Y, second, tries=500)
    assert torch.equal(first.get_state(), second.get_state())


def test_most_labels_may_be_0_in_a_trimmed_fit():
    x = torch.arange(6, dtype=D)
    B = torch.stack([x, torch.ones_like(x)], dim=1)
    y = torch.tensor([0, 0, 0, 0, 3, -5], dtype=D)
    theta, rows = o.least_trimmed(B, y, torch.Generator().manual_seed(0))
    assert (theta.tolist(), rows.tolist()) == ([0, 0], [0, 1, 2, 3])


@pytest.mark.parametrize("seed", [73, 165, 228, *range(20)])
def test_a_trimmed_fit_ends_where_one_more_step_lowers_nothing(seed):
    g = torch.Generator().manual_seed(seed)
    x = (2 * torch.randn(8, generator=g).to(D)).round()
    y = (4 * torch.randn(8, generator=g).to(D)).round()
    B, keep = torch.stack([x, torch.ones_like(x)], dim=1), (8 + 2 + 1) // 2
    try:
        theta, rows = o.least_trimmed(B, y, g.manual_seed(seed), tries=1)
    except ValueError as error:
        assert "dependent rows" in str(error)  # the one try drew x twice
        return

    def least(theta):
        return ((B @ theta - y) ** 2).topk(keep, largest=False).values.sum()

    more = o.weighted_fit(B[rows], y[rows], torch.ones(keep, dtype=D))
    if more.isfinite().all() and len(x[rows].unique()) > 1:
        assert least(more) >= least(theta) * (1 - 1e-9) - math.ulp(1.0)
