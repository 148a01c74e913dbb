"""Noise, likelihood and fits against closed forms, torch, counting and bounds."""

import math
from itertools import combinations

import pytest
import torch
from torch import Generator
from torch.distributions import Laplace
from torch.linalg import LinAlgError
from torch.testing import assert_close

from firstdescent.estimation import laplace_robust
from firstdescent.estimation.laplace_robust import (
    laplace_nll,
    laplace_noise,
    least_absolute,
    scaled_table,
    subgradient_path,
    through_points,
)
from firstdescent.regression.coefficients import with_ones
from firstdescent.regression.house_prices import make_houses

D = torch.float64
FIVE = torch.tensor([1.0, 2, 4, 9, 30], dtype=D)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def table(n: int, d: int, seed: int = 0, dtype=D):
    X = torch.randn(n, d, generator=seeded(seed), dtype=D)
    A = with_ones(X)
    return A.to(dtype), (A.sum(1) + laplace_noise(n, 1.0, seeded(seed + 1))).to(dtype)


def total(A, y, theta):
    return (A.double() @ theta.double() - y.double()).abs().sum().item()


def least_by_counting(A, y):
    """The least sum over all lines through p rows, one by one."""
    n, p = A.shape
    sums = []
    for rows in map(list, combinations(range(n), p)):
        if torch.linalg.matrix_rank(A[rows]) == p:
            sums.append(total(A, y, torch.linalg.solve(A[rows], y[rows])))
    return min(sums)


def test_the_noise_has_the_distribution_of_torch():
    noise = laplace_noise(100_000, 3.0, seeded())
    assert noise.dtype == D and noise.shape == (100_000,)
    # If it is Laplace, its distribution function makes it uniform.
    u = Laplace(torch.tensor(0.0, dtype=D), 3.0).cdf(noise).sort().values
    gap = (u - torch.linspace(0, 1, 100_000, dtype=D)).abs().max()
    assert gap < 1.95 / math.sqrt(100_000)  # Kolmogorov: exceeded once in 1000


def test_the_noise_comes_from_the_generator_alone():
    first, again = laplace_noise(5, 1.0, seeded(3)), laplace_noise(5, 1.0, seeded(3))
    assert torch.equal(first, again)
    assert_close(laplace_noise(5, 7.0, seeded(3)), 7 * first)
    assert laplace_noise(0, 1.0, seeded()).shape == (0,)


def test_no_uniform_number_makes_infinite_noise(monkeypatch):
    low, high = 0.0, 1 - 2**-53  # the ends of what torch.rand returns
    ends = torch.tensor([low, high, 0.5, 0.5 - 2**-53], dtype=D)
    monkeypatch.setattr(laplace_robust.torch, "rand", lambda *a, **k: ends)
    noise = laplace_noise(4, 1.0, seeded())
    assert_close(noise[0].item(), -53 * math.log(2))
    assert torch.equal(noise[::2], -noise[1::2])  # symmetric, and never 0
    assert laplace_noise(4, 1e300, seeded()).isfinite().all()
    assert (laplace_noise(4, 1e-300, seeded()) != 0).all()


@pytest.mark.parametrize("bad", [(-1, 1.0), (3, 0.0), (3, -1.0), (3, math.nan)])
def test_noise_needs_a_count_and_a_scale(bad):
    with pytest.raises(ValueError, match="n >= 0, scale"):
        laplace_noise(*bad, seeded())
    with pytest.raises(ValueError, match="scale"):
        laplace_noise(3, 1e301, seeded())


@pytest.mark.parametrize("scale", [0.01, 1.0, 250.0])
@pytest.mark.parametrize("n", [1, 7])
def test_the_likelihood_is_that_of_torch(n, scale):
    r = torch.randn(n, generator=seeded(), dtype=D)
    expected = -Laplace(r.new_zeros(()), r.new_tensor(scale)).log_prob(r).sum()
    assert_close(laplace_nll(r, scale), expected)


def test_the_likelihood_is_differentiable_and_exact_in_single_precision():
    r = torch.tensor([2.0, -3.0, 0.0], requires_grad=True)
    laplace_nll(r, 0.5).backward()
    assert r.grad.tolist() == [2.0, -2.0, 0.0]
    many = torch.full((100_000,), 0.1)
    exact = 100_000 * (math.log(2) + many[0].item())
    assert laplace_nll(many, 1.0).dtype == torch.float32
    assert_close(laplace_nll(many, 1.0).item(), exact, rtol=1e-7, atol=0)
    assert laplace_nll(torch.zeros(2), 1e-60).isfinite()
    largest = laplace_nll(FIVE.new_zeros(1), 1e308).item()  # 2e308 overflows
    assert_close(largest, math.log(2) + 308 * math.log(10))


@pytest.mark.parametrize(
    ("r", "scale", "error"),
    [
        (torch.zeros(0), 1.0, ValueError),
        (torch.zeros(3, 1), 1.0, ValueError),
        (torch.zeros(()), 1.0, ValueError),
        (torch.tensor([1.0, math.nan]), 1.0, ValueError),
        (torch.ones(2), 0.0, ValueError),
        (torch.ones(2), math.inf, ValueError),
        (torch.ones(2), math.nan, ValueError),
        (torch.ones(2, dtype=torch.int64), 1.0, TypeError),
        (torch.ones(2, dtype=torch.bool), 1.0, TypeError),
        (torch.ones(2, dtype=torch.complex64), 1.0, TypeError),
    ],
)
def test_a_likelihood_needs_residuals_and_a_scale(r, scale, error):
    with pytest.raises(error, match="expected"):
        laplace_nll(r, scale)


@pytest.mark.parametrize(("n", "d"), [(3, 1), (9, 1), (8, 2), (9, 3)])
def test_the_best_fit_goes_through_p_points(n, d):
    A, y = table(n, d)
    theta, rows = through_points(A, y)
    assert rows.shape == (d + 1,) and rows.dtype == torch.int64
    assert_close(A[rows] @ theta, y[rows])
    assert_close(total(A, y, theta), least_by_counting(A, y))


def test_more_choices_than_one_chunk_holds_are_all_tried():
    A, y = table(400, 1)  # 79,800 pairs, in chunks of 2500
    theta, _ = through_points(A, y)
    assert_close(total(A, y, theta), total(A, y, least_absolute(A, y, tol=1e-9)))


def test_a_constant_is_fitted_by_a_median():
    ones = torch.ones(5, 1, dtype=D)
    theta, rows = through_points(ones, FIVE)
    assert theta.tolist() == [4.0] and rows.tolist() == [2]
    assert_close(least_absolute(ones, FIVE, tol=1e-9).item(), 4.0)


@pytest.mark.parametrize("fit", [lambda *t: through_points(*t)[0], least_absolute])
@pytest.mark.parametrize("seed", range(6))
def test_tables_with_many_ties_are_fitted(fit, seed):
    g = seeded(seed)
    A = with_ones(torch.randint(-2, 3, (11, 1), generator=g).double())
    y = torch.randint(-3, 4, (11,), generator=g).double()
    assert total(A, y, fit(A, y)) <= least_by_counting(A, y) * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize("seed", range(8))
def test_reweighting_is_as_good_as_it_promises(seed):
    n, d = 4 + 3 * seed, seed % 3
    X = torch.randn(n, d, generator=seeded(seed), dtype=D)
    A, y = with_ones(X), laplace_noise(n, 1.0, seeded(seed)).exp()
    for tol in (1e-2, 1e-9):
        least = least_by_counting(A, y)
        assert total(A, y, least_absolute(A, y, tol)) <= least / (1 - tol) + 1e-12


@pytest.mark.parametrize("fit", [lambda *t: through_points(*t)[0], least_absolute])
def test_units_do_not_matter(fit):
    A, y = table(10, 1, seed=2)
    theta = fit(A, y)
    for scale, unit in ((1e-150, 1e150), (1e150, 1e150), (1e-150, 1e-150)):
        found = fit(A * A.new_tensor([unit, 1]), y * scale)
        expected = theta * scale * theta.new_tensor([1 / unit, 1])
        assert_close(found / expected, torch.ones(2, dtype=D), rtol=1e-4, atol=0)


@pytest.mark.parametrize("fit", [lambda *t: through_points(*t)[0], least_absolute])
def test_a_line_without_noise_is_found(fit):
    A, _ = table(9, 1)
    truth = A.new_tensor([2.0, -3.0])
    assert_close(fit(A, A @ truth), truth)
    assert_close(fit(A, A.new_zeros(9)), A.new_zeros(2))
    wrong = A @ truth
    wrong[4] = 1e6
    assert_close(fit(A, wrong), truth, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("giant", [1e10, -1e14])
def test_a_giant_label_hides_the_others_until_it_is_moved(giant):
    A, y = table(31, 1, seed=4)
    y[4] = giant
    near = y.clone()
    near[4] = math.copysign(10, giant)  # on the same side of the line
    best = through_points(A, near)[0]
    hidden = least_absolute(A, y)
    assert total(A, y, hidden) <= total(A, y, best) * (1 + 1e-6)  # as promised
    assert total(A, near, hidden) > 1.3 * total(A, near, best)
    assert_close(least_absolute(A, near), best)
    assert_close(total(A, y, best), total(A, y, through_points(A, y)[0]))


def test_the_share_holds_before_single_precision_rounds():
    z = torch.randn(9, generator=seeded(), dtype=D)
    A, y = with_ones(z[:, None]).float(), (1000 + 0.1 * z).float()
    least = least_by_counting(A.double(), y.double())
    assert total(A, y, least_absolute(A.double(), y.double(), 1e-9)) < least * 1.000001
    assert total(A, y, least_absolute(A, y, 1e-9)) > least * 1.0001


def test_the_guard_never_rises(monkeypatch):
    guards, fits, biggest, lstsq = [], [], max, torch.linalg.lstsq

    def spy(*values):
        guards.append(biggest(*values))
        return guards[-1]

    def worse_at_times(Z, t, **options):
        fit = lstsq(Z, t, **options)
        fits.append(fit)
        if len(fits) % 3 == 0:
            fit.solution.mul_(100)
        return fit

    monkeypatch.setattr(laplace_robust, "max", spy, raising=False)
    monkeypatch.setattr(torch.linalg, "lstsq", worse_at_times)
    least_absolute(*table(30, 2), tol=1e-9)
    assert len(guards) > 3 and guards == sorted(guards, reverse=True)


def test_single_precision_is_kept_and_many_rows_are_fitted():
    A, y = table(100_000, 2, dtype=torch.float32)
    theta = least_absolute(A, y, tol=1e-3)
    assert theta.dtype == torch.float32
    assert_close(theta, torch.ones(3), atol=0.02, rtol=0)  # four s.e.
    small = through_points(A[:9], y[:9])[0]
    assert small.dtype == torch.float32
    assert_close(small, through_points(A[:9].double(), y[:9].double())[0].float())


LINE = with_ones(torch.arange(4.0, dtype=D)[:, None])
Y = torch.tensor([0.0, 1, 3, 2], dtype=D)


@pytest.mark.parametrize("fit", [scaled_table, through_points, least_absolute])
@pytest.mark.parametrize(
    ("A", "y", "error", "message"),
    [
        (LINE, Y[:3], ValueError, "expected A"),
        (LINE, Y[:, None], ValueError, "expected A"),
        (LINE[None], Y, ValueError, "expected A"),
        (LINE[:, 0], Y, ValueError, "expected A"),
        (LINE[:, :0], Y, ValueError, "expected A"),
        (LINE, Y.float(), TypeError, "one dtype"),
        (LINE.long(), Y.long(), TypeError, "float"),
        (LINE.half(), Y.half(), TypeError, "float"),
        (LINE * 1j, Y * 1j, TypeError, "float"),
        (LINE, Y / 0, ValueError, "finite"),
        (LINE / 0, Y, ValueError, "finite"),
        (LINE[:2], Y[:2], ValueError, "more rows"),
        (LINE[:, [0, 0]], Y, LinAlgError, "dependent"),
        (LINE[:, [0, 0]].float() * 1.1, Y.float(), LinAlgError, "dependent"),
    ],
)
def test_tables_that_cannot_be_fitted_are_refused(fit, A, y, error, message):
    with pytest.raises(error, match=message):
        fit(A, y)


def test_a_table_without_units_has_entries_of_size_one():
    A, y, units = scaled_table(LINE * 7, Y * 5)
    assert A.abs().amax(dim=0).tolist() == [1, 1] and y.abs().max() == 1
    assert_close((LINE * 7) @ (units * Y[:2]), 15 * (A @ Y[:2]))


def test_what_is_too_large_is_refused():
    many = torch.ones(20_000, 1, dtype=D)
    with pytest.raises(ValueError, match="too many choices of 1 of 20000 rows"):
        through_points(many, many[:, 0])
    A, y = LINE.float() * 1e-30, Y.float() * 1e30
    for fit in (through_points, least_absolute):
        with pytest.raises(ValueError, match="theta is too large"):
            fit(A, y)
    for fit in (scaled_table, through_points, least_absolute):
        with pytest.raises(ValueError, match="overflows"):
            fit(LINE * 1e-300, Y * 1e300)
    for r, scale in (
        (torch.ones(1, dtype=D), 1e-310),
        (torch.tensor([1e30]), 1e-20),
        (torch.ones(100_000, dtype=torch.half), 1.0),
    ):
        with pytest.raises(ValueError, match="too large for"):
            laplace_nll(r, scale)


@pytest.mark.parametrize("tol", [0.0, 1e-10, 1.1, math.nan, -1])
def test_a_share_is_needed(tol):
    with pytest.raises(ValueError, match="expected tol"):
        least_absolute(LINE, Y, tol)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_too_few_fits_are_told(steps):
    with pytest.raises(RuntimeError, match=f"in {steps} fits"):
        least_absolute(*table(30, 2), tol=1e-9, steps=steps)


def test_each_step_goes_down_the_slope_by_hand():
    # Slopes of the mean: -1 below 1, -3/5 up to 2, -1/5 up to 4, 1/5 up to 9.
    path = subgradient_path(FIVE, 0.5, 1.0, 3)
    assert_close(path, FIVE.new_tensor([0.5, 1.5, 2.1, 2.3]))
    path = subgradient_path(FIVE, 5.0, lambda k: 10.0 / (k + 1), 2)
    assert_close(path, FIVE.new_tensor([5.0, 3.0, 4.0]))
    assert subgradient_path(FIVE, 4.0, 1.0, 5).tolist() == [4.0] * 6
    assert subgradient_path(FIVE.float(), 1, 1.0, 0).tolist() == [1.0]


@pytest.mark.parametrize(
    ("y", "start", "lr", "steps", "error"),
    [
        (FIVE[:0], 0.0, 1.0, 1, ValueError),
        (FIVE[:, None], 0.0, 1.0, 1, ValueError),
        (FIVE / 0, 0.0, 1.0, 1, ValueError),
        (FIVE, math.inf, 1.0, 1, ValueError),
        (FIVE, 0.0, 0.0, 1, ValueError),
        (FIVE, 0.0, math.nan, 1, ValueError),
        (FIVE, 0.0, lambda k: 1 - k, 3, ValueError),
        (FIVE, 0.0, 1.0, -1, ValueError),
        (FIVE.float(), 1e39, 1.0, 1, ValueError),
        (FIVE.float(), 0.0, 1e39, 1, ValueError),
        (FIVE.long(), 0.0, 1.0, 1, TypeError),
    ],
)
def test_a_path_needs_numbers_and_positive_steps(y, start, lr, steps, error):
    with pytest.raises(error, match="expected"):
        subgradient_path(y, start, lr, steps)


def test_thirty_houses_with_collinear_rows_are_proved_truly():
    X, y = make_houses(30, Generator().manual_seed(30))
    A = with_ones(X)  # among its rows are four that depend on each other
    found, exact = least_absolute(A, y), through_points(A, y)[0]
    sums = [(A @ theta - y).abs().sum() for theta in (found, exact)]
    assert_close(sums[0], sums[1], rtol=1e-6, atol=0)
