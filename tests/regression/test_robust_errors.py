"""The bootstrap and HC2 against sums by hand, counting, and what they refuse."""

import math

import pytest
import torch
from torch import Generator
from torch.linalg import LinAlgError
from torch.testing import assert_close

from firstdescent.regression.coefficients import with_ones
from firstdescent.regression.house_prices import make_houses
from firstdescent.regression.robust_errors import bootstrap, robust_se

D = torch.float64
LINE = torch.tensor([[0.0, 1], [1, 1], [2, 1], [3, 1]], dtype=D)  # x and ones


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def random_table(n: int, d: int, seed: int = 0):
    A = torch.randn(n, d, generator=seeded(seed), dtype=D)
    A[:, -1] = 1
    return A, torch.randn(n, generator=seeded(seed + 1), dtype=D)


def test_the_bootstrap_of_a_mean_scatters_like_a_sum_of_draws():
    y = torch.tensor([1.0, 2, 4, 9], dtype=D)
    drawn = bootstrap(torch.ones(4, 1, dtype=D), y, 40_000, seeded())
    assert drawn.shape == (40_000, 1)
    # The mean of 4 draws has variance var / 4; both scatter by about 1 %.
    assert_close(drawn.mean(), y.mean(), rtol=0.01, atol=0)
    assert_close(drawn.var(), y.var(correction=0) / 4, rtol=0.03, atol=0)


def test_the_bootstrap_keeps_each_price_with_its_house():
    A, _ = random_table(20, 3)
    theta = torch.tensor([1.0, -2, 3], dtype=D)
    drawn = bootstrap(A, A @ theta, 50, seeded())
    assert_close(drawn, theta.expand(50, 3))


@pytest.mark.parametrize(
    ("A", "y", "times", "message"),
    [
        (LINE, LINE[:, 0], 0, "times >= 1"),
        (LINE[None], LINE[:, 0], 3, "times >= 1"),
        (LINE, torch.zeros(5, dtype=D), 3, "times >= 1"),
        (LINE, torch.zeros(3, dtype=D), 3, "times >= 1"),
        (LINE, torch.zeros(1, 4, dtype=D), 3, "times >= 1"),
        (LINE[:0], torch.zeros(0, dtype=D), 3, "more rows"),
        (LINE, torch.tensor([0, 0, 0, math.nan], dtype=D), 1, "finite"),
        (LINE, torch.zeros(4), 3, "float32"),
    ],
)
def test_impossible_bootstraps_are_refused(A, y, times, message):
    for seed in range(5):  # whatever rows are drawn
        with pytest.raises(ValueError, match=message):
            bootstrap(A, y, times, seeded(seed))


def test_a_drawn_table_of_one_row_repeated_is_refused():
    # In 4 of 4^4 drawn tables all rows are the same: x and 1 are then dependent.
    with pytest.raises(ValueError, match="too few rows"):
        bootstrap(LINE, LINE[:, 0], 5000, seeded())


def test_the_robust_error_of_a_mean_is_the_usual_one():
    # All leverages are 1/n: the sandwich is RSS / (1 - 1/n) / n^2.
    y = torch.tensor([1.0, 2, 4, 9], dtype=D)
    se = robust_se(torch.ones(4, 1, dtype=D), y)
    assert_close(se[0], y.std() / 2)


def test_the_robust_error_is_the_sandwich_written_out():
    A, y = random_table(12, 3)
    inverse = torch.linalg.inv(A.T @ A)
    r = y - A @ inverse @ A.T @ y
    h = (A @ inverse @ A.T).diag()
    meat = A.T @ torch.diag(r**2 / (1 - h)) @ A
    assert_close(robust_se(A, y), (inverse @ meat @ inverse).diag().sqrt())


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize("n", [3, 30, 3000])
def test_a_row_that_the_fit_goes_through_has_no_robust_error(n, dtype):
    A = torch.randn(n, 2, generator=seeded(3), dtype=D)
    A[:, 1], A[1:, 0] = 1, 0  # only the first house has a pool
    A[0, 0] = 0.3
    y = torch.randn(n, generator=seeded(4), dtype=D)
    with pytest.raises(ValueError, match="leverage 1"):
        robust_se(A.to(dtype), y.to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_a_leverage_that_rounding_moves_a_little_off_1_is_refused(dtype):
    for seed in range(20):
        X, y = make_houses(200, seeded(seed))
        pool = torch.zeros(200, 1, dtype=D)
        pool[seed] = 1
        A = with_ones(torch.cat([X, pool], dim=1)).to(dtype)
        with pytest.raises(ValueError, match="leverage 1"):
            robust_se(A, y.to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize("leverage", [0.98, 0.998])
def test_a_high_leverage_below_1_has_its_robust_error(leverage, dtype):
    # A slope through 0 on (x, 1, 1, ...): the first leverage is x^2 / (x^2 + n - 1).
    n = 5
    A = torch.ones(n, 1, dtype=D)
    A[0] = math.sqrt((n - 1) * leverage / (1 - leverage))
    y = torch.tensor([1.0, 2, 0, 5, 3], dtype=D)
    total = (A**2).sum()
    r = A[:, 0] * (A[:, 0] @ y) / total - y
    h = A[:, 0] ** 2 / total
    expected = ((A[:, 0] / total) ** 2 * r**2 / (1 - h)).sum().sqrt()
    se = robust_se(A.to(dtype), y.to(dtype))[0]
    assert_close(se.double(), expected, rtol=1e-3, atol=0)


def test_a_batch_of_tables_has_its_robust_errors_table_by_table():
    A = torch.stack([random_table(6, 3, seed)[0] for seed in range(4)])
    y = torch.stack([random_table(6, 3, seed)[1] for seed in range(4)])
    for a, b, se in zip(A, y, robust_se(A, y), strict=True):
        assert_close(robust_se(a, b), se)


@pytest.mark.parametrize(
    ("A", "y", "message"),
    [
        (LINE, torch.zeros(3, dtype=D), "needs finite y"),
        (LINE, torch.full((4,), math.inf, dtype=D), "needs finite y"),
        (LINE[:2], torch.zeros(2, dtype=D), "more rows"),
    ],
)
def test_what_has_no_fit_has_no_robust_error(A, y, message):
    with pytest.raises(ValueError, match=message):
        robust_se(A, y)


@pytest.mark.parametrize("gap", [1e-9, 1e-12])
def test_a_leverage_next_to_1_is_refused_before_its_residual_is_rounding(gap):
    n = 5
    A = torch.ones(n, 1, dtype=D)
    A[0] = math.sqrt((n - 1) * (1 - gap) / gap)
    with pytest.raises(ValueError, match="leverage 1"):
        robust_se(A, torch.tensor([1.0, 2, 0, 5, 3], dtype=D))


def test_a_bootstrap_in_pieces_draws_the_rows_of_one_in_a_whole():
    A, y = random_table(3000, 2)
    drawn = bootstrap(A, y, 2000, seeded())  # 10^7 / 6000 = 1666 tables at a time
    generator = seeded()
    first = torch.randint(3000, (1666, 3000), generator=generator)
    rows = torch.randint(3000, (334, 3000), generator=generator)[-1]
    assert drawn.shape == (2000, 2) and first.shape[0] == 1666
    best = torch.linalg.lstsq(A[rows], y[rows, None], driver="gels").solution[:, 0]
    assert_close(drawn[-1], best)


def test_dependent_columns_have_no_robust_error_and_no_bootstrap():
    A, y = torch.ones(4, 2, dtype=D), torch.zeros(4, dtype=D)
    for call in (lambda: robust_se(A, y), lambda: bootstrap(A, y, 3, seeded())):
        with pytest.raises(LinAlgError, match="dependent columns"):
            call()
