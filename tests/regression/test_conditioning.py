"""The four routes against fits worked by hand, torch.linalg.lstsq and fractions."""

import math

import pytest
import torch
from torch import Generator
from torch.linalg import LinAlgError
from torch.testing import assert_close

from firstdescent.regression.conditioning import (
    by_cholesky,
    by_inverse,
    by_qr,
    by_svd,
    check_problem,
    condition,
    ill_conditioned,
)

D = torch.float64
ROUTES = [by_inverse, by_cholesky, by_qr, by_svd]
every_route = pytest.mark.parametrize("solve", ROUTES)
refusing = pytest.mark.parametrize("solve", [by_cholesky, by_qr, by_svd])


def tensor(rows):
    return torch.tensor(rows, dtype=D)


@every_route
def test_a_line_through_three_points_is_the_one_worked_by_hand(solve):
    # Points (0, 1), (1, 2), (2, 5): slope 4/2 = 2, mean 8/3 at x = 1.
    A, y = tensor([[0, 1], [1, 1], [2, 1]]), tensor([1, 2, 5])
    assert_close(solve(A, y), tensor([2.0, 2 / 3]))


@every_route
def test_one_row_and_one_column_is_a_division(solve):
    assert_close(solve(tensor([[4.0]]), tensor([2.0])), tensor([0.5]))


@every_route
def test_a_square_matrix_is_solved_exactly(solve):
    assert_close(solve(tensor([[1, 1], [1, 1.1]]), tensor([2, 2.2])), tensor([0.0, 2]))


@every_route
@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_each_route_agrees_with_lstsq_and_leaves_a_perpendicular_residual(solve, dtype):
    generator = Generator().manual_seed(0)
    A = torch.randn(30, 4, generator=generator, dtype=dtype)
    y = torch.randn(30, generator=generator, dtype=dtype)
    theta = solve(A, y)
    expected = torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]
    assert_close(theta, expected)
    # The sums of 30 products of size 1 round to about 30 eps.
    assert (A.T @ (y - A @ theta)).abs().max() < 200 * torch.finfo(dtype).eps


@every_route
def test_the_order_of_the_rows_does_not_matter(solve):
    A, y = tensor([[0, 1], [1, 1], [2, 1]]), tensor([1, 2, 5])
    assert_close(solve(A.flip(0), y.flip(0)), solve(A, y))


@every_route
@pytest.mark.parametrize(
    ("A", "y", "message"),
    [
        (torch.ones(3, 2), torch.ones(3, 1), r"A \(n, p\) needs y \(n,\)"),
        (torch.ones(3, 2), torch.ones(2), r"A \(n, p\) needs y \(n,\)"),
        (torch.ones(3), torch.ones(3), r"A \(n, p\) needs y \(n,\)"),
        (torch.ones(1, 2), torch.ones(1), "n >= p >= 1"),
        (torch.ones(3, 0), torch.ones(3), "n >= p >= 1"),
        (torch.full((3, 2), math.nan), torch.ones(3), "must be finite"),
        (torch.ones(3, 2), torch.full((3,), math.inf), "must be finite"),
    ],
)
def test_what_is_no_least_squares_problem_is_refused(solve, A, y, message):
    with pytest.raises(ValueError, match=message):
        solve(A, y)


@every_route
@pytest.mark.parametrize(
    ("one", "two"),
    [(D, torch.float32), (torch.long, torch.long), (torch.half, torch.half)],
)
def test_other_or_mixed_types_are_refused(solve, one, two):
    with pytest.raises(TypeError, match="one float dtype"):
        solve(torch.ones(3, 2, dtype=one), torch.ones(3, dtype=two))
    with pytest.raises(TypeError, match="float32 or float64"):
        condition(torch.ones(3, 2, dtype=torch.long))


def test_a_good_problem_passes_the_check_in_silence():
    assert check_problem(torch.ones(3, 2), torch.ones(3)) is None


@every_route
def test_a_column_twice_is_refused(solve):
    A = tensor([[1, 1], [2, 2], [2, 2]])
    with pytest.raises(LinAlgError):
        solve(A, tensor([1, 2, 3]))


@refusing
def test_a_column_of_zeros_is_refused_with_advice(solve):
    A = tensor([[1, 0, 2], [2, 0, 1], [2, 0, 5]])
    with pytest.raises(LinAlgError, match=r"use by_qr|drop one or take"):
        solve(A, tensor([1, 2, 3]))


@pytest.mark.parametrize("solve", [by_qr, by_svd])
def test_a_sum_of_other_columns_is_found_although_it_is_rounded(solve):
    X = torch.randn(50, 3, generator=Generator().manual_seed(0), dtype=D)
    A = torch.hstack([X, (X @ tensor([0.1, 0.7, -1.3]))[:, None]])
    with pytest.raises(LinAlgError, match="dependent columns"):
        solve(A, X[:, 0])


@pytest.mark.parametrize("unit", [1e30, 1e-30])
def test_qr_takes_units_that_differ_by_thirty_powers_of_ten(unit):
    A = tensor([[1, unit], [2, unit], [4, unit]])
    expected = tensor([3, 2 / unit])
    assert_close(by_qr(A, A @ expected), expected, rtol=1e-12, atol=0)


def test_cholesky_refuses_a_gram_matrix_that_overflowed():
    A = tensor([[1e200, 1], [1, 2], [3, 1]])
    with pytest.raises(LinAlgError, match="too large"):
        by_cholesky(A, tensor([1, 2, 3]))


def test_the_condition_number_of_a_diagonal_is_its_largest_over_its_smallest():
    assert condition(tensor([[3, 0], [0, -12], [0, 0]])) == pytest.approx(4)
    assert condition(tensor([[5.0]])) == 1
    assert condition(tensor([[1, 0], [0, 0]])) == math.inf
    assert condition(torch.zeros(3, 2)) == math.inf


def test_the_condition_number_ignores_a_common_factor_and_rotations():
    A = ill_conditioned(9, 4, 100, Generator().manual_seed(0))
    Q = torch.linalg.qr(torch.randn(9, 9, generator=Generator().manual_seed(1))).Q
    for B in (7 * A, Q.to(D) @ A):
        assert condition(B) == pytest.approx(100, rel=1e-4)


@pytest.mark.parametrize(
    ("A", "message"),
    [
        (torch.ones(3), "n >= p"),
        (torch.ones(2, 3), "n >= p"),
        (torch.ones(2, 0), "n >= p"),
        (torch.full((3, 2), math.nan), "finite"),
    ],
)
def test_no_condition_number_of_what_is_no_tall_finite_matrix(A, message):
    with pytest.raises(ValueError, match=message):
        condition(A)


@pytest.mark.parametrize(("n", "d"), [(2, 2), (12, 4)])
@pytest.mark.parametrize("kappa", [1.0, 1e3])
def test_the_built_matrix_has_the_eigenvalues_that_were_asked_for(n, d, kappa):
    A = ill_conditioned(n, d, kappa, Generator().manual_seed(3))
    squares = torch.linalg.eigvalsh(A.T @ A).flip(0)  # another routine than svd
    expected = [kappa ** (-2 * j / (d - 1)) for j in range(d)]
    assert A.shape == (n, d)
    assert_close(squares, tensor(expected), rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize(
    ("n", "d", "kappa", "message"),
    [
        (3, 1, 10.0, "n >= p >= 2"),
        (3, 4, 10.0, "n >= p >= 2"),
        (3, 2, 0.5, "kappa must be"),
        (3, 2, math.inf, "kappa must be"),
        (3, 2, math.nan, "kappa must be"),
    ],
)
def test_an_impossible_matrix_is_refused(n, d, kappa, message):
    with pytest.raises(ValueError, match=message):
        ill_conditioned(n, d, kappa, Generator())


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize("n", [40, 20_000])
def test_qr_refuses_columns_that_depend_jointly(n, dtype):
    for seed in range(20 if n == 40 else 3):
        generator = Generator().manual_seed(seed)
        a, b, y = torch.randn(3, n, generator=generator, dtype=dtype)
        year = torch.randint(1950, 2026, (n,), generator=generator).to(dtype)
        for columns in (
            [a, a + 2**-10 * b, 2**-10 * b],
            [torch.ones_like(a), year, 2026 - year],
        ):
            with pytest.raises(LinAlgError, match="dependent columns"):
                by_qr(torch.stack(columns, dim=1), y)


@pytest.mark.parametrize("solve", [by_qr, by_svd])
def test_many_rows_in_single_precision_are_no_dependence(solve):
    generator = Generator().manual_seed(0)
    x = 12 + torch.randn(500_000, generator=generator)
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    theta = solve(A, 2 * x + 3)
    # Half a million float32 rows round by about 700 eps, times kappa, 24.
    assert_close(theta, torch.tensor([2.0, 3.0]), rtol=0, atol=0.02)


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_qr_takes_columns_whose_squares_overflow_or_vanish(size):
    A = tensor([[size, 1], [2 * size, 1], [5 * size, 1]])
    expected = tensor([3 / size, 2])
    assert_close(by_qr(A, A @ expected), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize(("solve", "factor"), [(by_qr, 1), (by_svd, 2)])
@pytest.mark.parametrize(("parts", "accepted"), [(128, True), (64, False)])
def test_the_cutoff_is_ten_root_n_roundings(solve, factor, dtype, parts, accepted):
    # 64 rows: 80 eps. The columns differ by `parts`; the smallest singular value of
    # two nearly equal columns is half of that, the largest being 1.
    sign = torch.tensor([1.0, -1.0], dtype=dtype).repeat(32)
    gap = factor * parts * torch.finfo(dtype).eps
    A = torch.stack([torch.ones_like(sign), 1 + gap * sign], dim=1)
    if accepted:
        assert solve(A, A.sum(dim=1)).isfinite().all()
    else:
        with pytest.raises(LinAlgError, match="dependent columns"):
            solve(A, A.sum(dim=1))


@pytest.mark.parametrize("solve", [by_qr, by_svd])
@pytest.mark.parametrize("n", [50, 100_000])
def test_years_in_single_precision_are_no_dependence(solve, n):
    year = torch.randint(1950, 2026, (n,), generator=Generator().manual_seed(0))
    A = torch.stack([year.float(), torch.ones(n)], dim=1)
    slope = solve(A, 0.5 * year.float() - 900)[0]
    assert_close(slope, torch.tensor(0.5), rtol=0.02, atol=0)
