"""The formula against torch's own least squares, plain Python and its invariants."""

import math

import pytest
import torch
from torch.testing import assert_close

from firstdescent.regression.closed_form import gram, normal_equations, solve_gram

LinAlgError = torch.linalg.LinAlgError


def data(n, p, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(n, p, generator=generator, dtype=dtype)
    return A, torch.randn(n, generator=generator, dtype=dtype)


@pytest.mark.parametrize(("n", "p"), [(1, 1), (5, 1), (3, 3), (50, 4), (400, 60)])
def test_the_formula_finds_the_least_squares_of_torch(n, p):
    A, y = data(n, p)
    expected = torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]
    assert_close(normal_equations(A, y), expected, rtol=1e-6, atol=1e-9)


def test_it_works_in_single_precision_and_keeps_it():
    A, y = data(50, 4, torch.float32)
    theta = normal_equations(A, y)
    expected = torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]
    assert theta.dtype == torch.float32
    assert_close(theta, expected, rtol=1e-4, atol=1e-5)


def test_labels_without_noise_give_their_parameters_back():
    A, _ = data(20, 3)
    theta = torch.tensor([2.0, -3.4, 4.2], dtype=torch.float64)
    assert_close(normal_equations(A, A @ theta), theta)


def test_gram_is_what_a_loop_over_the_rows_adds_up():
    A, y = torch.tensor([[1.0, 2], [3, 4], [5, 7]]), torch.tensor([1.0, -1, 2])
    expected = [[35.0, 49, 8], [49, 69, 12], [8, 12, 6]]  # by hand
    assert gram(A, y).tolist() == expected


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_batches_of_any_size_add_up_to_the_whole(size):
    A, y = data(100, 3)
    parts = [gram(a, t) for a, t in zip(A.split(size), y.split(size), strict=True)]
    assert_close(sum(parts), gram(A, y))


def test_no_rows_add_nothing():
    assert not gram(torch.zeros(0, 2), torch.zeros(0)).any()


def test_rows_that_are_taken_out_leave_the_fit_of_the_others():
    A, y = data(100, 3)
    left = solve_gram(gram(A, y) - gram(A[:40], y[:40]))
    expected = torch.linalg.lstsq(A[40:], y[40:, None], driver="gels").solution
    assert_close(left, expected[:, 0])


def test_the_sums_know_the_loss_at_any_theta():
    A, y = data(30, 3)
    theta = torch.tensor([1.0, -2, 0.5], dtype=torch.float64)
    t = torch.hstack([theta, -torch.ones(1, dtype=torch.float64)])
    assert_close(t @ gram(A, y) @ t, torch.nn.MSELoss(reduction="sum")(A @ theta, y))


def test_units_of_a_column_change_its_parameter_and_nothing_else():
    A, y = data(50, 3)
    units = torch.tensor([1e-6, 1.0, 1e6], dtype=torch.float64)
    assert_close(normal_equations(A * units, y) * units, normal_equations(A, y))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dependent_columns_are_refused_whatever_rounding_makes_of_them(dtype):
    for seed in range(40):
        n, p = 20 + 3 * seed, 2 + seed % 12
        A, y = data(n, p, dtype, seed)
        A[:, -1] = A[:, :-1] @ torch.arange(1, p, dtype=dtype)
        with pytest.raises(LinAlgError, match="expected independent columns"):
            normal_equations(A, y)


def test_columns_that_nearly_agree_are_accepted():
    A, y = data(100, 2)
    A[:, 1] = A[:, 0] + 1e-3 * A[:, 1]
    expected = torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]
    assert_close(normal_equations(A, y), expected, rtol=1e-6, atol=0)


def test_a_column_of_zeros_is_refused():
    A, y = data(10, 2)
    with pytest.raises(LinAlgError, match="pinv"):
        normal_equations(A * torch.tensor([1.0, 0.0]), y)


@pytest.mark.parametrize(
    ("shape_A", "shape_y"),
    [((4,), (4,)), ((4, 2), (4, 1)), ((4, 2), (3,)), ((4, 0), (4,))],
)
def test_other_shapes_are_refused(shape_A, shape_y):
    for function in (gram, normal_equations):
        with pytest.raises(ValueError, match=r"expected A \(n, p\) and y \(n,\)"):
            function(torch.ones(shape_A), torch.ones(shape_y))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(value):
    A, y = data(4, 2)
    with pytest.raises(ValueError, match="must be finite"):
        gram(A, y.index_fill(0, torch.tensor([1]), value))
    A[2, 1] = value
    with pytest.raises(ValueError, match="must be finite"):
        normal_equations(A, y)


def test_integers_and_mixed_types_are_refused():
    whole = torch.ones(4, 2, dtype=torch.long)
    with pytest.raises(TypeError, match="one floating dtype"):
        gram(whole, whole[:, 0])
    with pytest.raises(TypeError, match="one floating dtype"):
        gram(torch.ones(4, 2), torch.ones(4).double())


def test_fewer_rows_than_columns_are_refused():
    with pytest.raises(ValueError, match="as many rows as columns, got 2 < 3"):
        normal_equations(*data(2, 3))


@pytest.mark.parametrize("shape", [(), (3,), (1, 1), (3, 2), (2, 3, 3), (0, 0)])
def test_sums_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="expected M of shape"):
        solve_gram(torch.ones(shape))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [200, 100_000])
def test_columns_that_depend_jointly_are_refused(n, dtype):
    for seed in range(20 if n == 200 else 3):
        generator = torch.Generator().manual_seed(seed)
        year = torch.randint(1950, 2026, (n,), generator=generator).to(dtype)
        a, b = torch.randn(2, n, generator=generator, dtype=dtype)
        y = torch.randn(n, generator=generator, dtype=dtype)
        for columns in (
            [torch.ones_like(year), year, 2026 - year],
            [a, a + 2**-10 * b, 2**-10 * b],
        ):
            with pytest.raises(LinAlgError, match="expected independent columns"):
                normal_equations(torch.stack(columns, dim=1), y)


def test_many_correlated_columns_are_accepted_in_single_precision():
    p = 600
    step = torch.arange(p, dtype=torch.float64)
    correlation = 0.975 ** (step[:, None] - step).abs()
    assert 70 < torch.linalg.cond(correlation) ** 0.5 < 80
    M = torch.zeros(p + 1, p + 1)
    M[:p, :p] = correlation.float()
    M[:p, p] = correlation.sum(dim=1).float()  # so that theta is all ones
    M[p, p] = 1e6
    assert_close(solve_gram(M), torch.ones(p), rtol=0, atol=0.01)


def test_sums_that_overflowed_or_are_not_floating_are_refused():
    large = torch.tensor([[1e200], [2e200]], dtype=torch.float64)
    with pytest.raises(ValueError, match="overflowed"):
        normal_equations(large, large[:, 0])
    with pytest.raises(ValueError, match="overflowed"):
        solve_gram(torch.tensor([[1.0, math.nan], [math.nan, 1.0]]))
    for dtype in (torch.float16, torch.int64):
        with pytest.raises(TypeError, match="float32 or float64"):
            solve_gram(torch.eye(3, dtype=dtype))
    with pytest.raises(TypeError, match="one floating dtype"):
        gram(torch.ones(4, 2).half(), torch.ones(4).half())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("parts", "accepted"), [(1024, True), (512, False)])
def test_the_cutoff_is_a_thousand_root_p_roundings_of_a_square(dtype, parts, accepted):
    # p = 2: 1414 eps. Of each column the other leaves the share 1 - c^2.
    c = 1 - parts * torch.finfo(dtype).eps
    M = torch.tensor([[1, c, 1], [c, 1, 1], [1, 1, 2]], dtype=dtype)
    if accepted:
        assert_close(
            solve_gram(M), torch.full((2,), 0.5, dtype=dtype), rtol=0.01, atol=0
        )
    else:
        with pytest.raises(LinAlgError):
            solve_gram(M)
