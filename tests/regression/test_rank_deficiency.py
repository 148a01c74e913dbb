"""The four functions of rank_deficiency against torch.linalg and cases by hand."""

import math

import pytest
import torch
from torch import Generator
from torch.testing import assert_close

from firstdescent.regression.rank_deficiency import (
    min_norm,
    ridge,
    row_space_projection,
    visible_directions,
)

TWICE = torch.tensor([[1.0, 2.0], [2.0, 4.0], [2.0, 4.0], [4.0, 8.0]]).double()
Y = torch.tensor([50.0, 110.0, 90.0, 200.0]).double()


def randn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=dtype)


def low_rank(n, d, r, seed=0):
    return randn(n, r, seed=seed) @ randn(r, d, seed=seed + 1)


SHAPES = [(1, 1, 1), (6, 4, 4), (6, 4, 2), (3, 7, 3), (5, 7, 2), (1, 3, 1)]


@pytest.mark.parametrize(("n", "d", "r"), SHAPES)
def test_the_visible_directions_rebuild_a_matrix_and_are_as_many_as_its_rank(n, d, r):
    A = low_rank(n, d, r)
    U, s, Vh = visible_directions(A)
    assert (U.shape, s.shape, Vh.shape) == ((n, r), (r,), (r, d))
    assert_close(U @ torch.diag(s) @ Vh, A)
    eye = torch.eye(r, dtype=A.dtype)
    assert_close(U.T @ U, eye)
    assert_close(Vh @ Vh.T, eye)
    assert_close(s, s.sort(descending=True).values)


@pytest.mark.parametrize("shape", [(50, 3), (3, 50)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_the_default_cutoff_is_that_of_matrix_rank_and_pinv(shape, dtype, factor):
    tiny = factor * 50 * torch.finfo(dtype).eps
    A = torch.zeros(shape, dtype=dtype)
    A[0, 0], A[1, 1], A[2, 2] = 1.0, 0.5, tiny
    expected = 3 if factor > 1 else 2
    assert len(visible_directions(A)[1]) == expected
    assert torch.linalg.matrix_rank(A) == expected
    assert (torch.linalg.pinv(A)[2, 2] != 0) == (expected == 3)


def test_a_value_of_exactly_rcond_times_the_largest_is_cut():
    A = torch.diag(torch.tensor([4.0, 2.0, 1.0]))
    assert visible_directions(A, 0.5)[1].tolist() == [4.0]
    assert visible_directions(A, 0.49)[1].tolist() == [4.0, 2.0]
    assert visible_directions(A, 0.0)[1].tolist() == [4.0, 2.0, 1.0]


@pytest.mark.parametrize(("n", "d", "r"), SHAPES)
def test_min_norm_is_the_pseudo_inverse_times_y(n, d, r):
    A, y = low_rank(n, d, r), randn(n, seed=5)
    assert_close(min_norm(A, y), torch.linalg.pinv(A) @ y)
    svd = torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]
    assert_close(min_norm(A, y), svd)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_the_cutoff_does_not_depend_on_the_scale_of_the_whole_matrix(scale):
    assert_close(min_norm(scale * TWICE, Y) * scale, Y.new_tensor([10, 20]))


def test_a_matrix_of_zeros_sees_nothing():
    A = torch.zeros(3, 2)
    assert len(visible_directions(A)[1]) == 0
    assert min_norm(A, torch.ones(3)).tolist() == [0.0, 0.0]
    assert ridge(A, torch.ones(3), 1.0).tolist() == [0.0, 0.0]
    assert not row_space_projection(A).any()


@pytest.mark.parametrize(("n", "d", "r"), SHAPES)
def test_the_projection_keeps_each_row_and_removes_what_no_row_sees(n, d, r):
    A = low_rank(n, d, r)
    P = row_space_projection(A)
    assert_close(A @ P, A)
    assert_close(P, P.T)
    assert_close(P @ P, P)
    assert_close(P.trace(), torch.tensor(float(r)).double())
    assert_close(P, torch.linalg.pinv(A) @ A)


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize(("n", "d", "r"), SHAPES)
def test_ridge_solves_its_normal_equations(n, d, r, penalty):
    A, y = low_rank(n, d, r), randn(n, seed=5)
    gram = A.T @ A + penalty * torch.eye(d, dtype=A.dtype)
    assert_close(ridge(A, y, penalty), torch.linalg.solve(gram, A.T @ y))


def test_ridge_has_no_gradient_left():
    A, y = low_rank(6, 4, 2), randn(6)
    theta = ridge(A, y, 0.7).requires_grad_()
    loss = (y - A @ theta).square().sum() + 0.7 * theta.square().sum()
    (g,) = torch.autograd.grad(loss, theta)
    assert_close(g, torch.zeros_like(g), atol=1e-12, rtol=0)


def test_no_penalty_is_least_squares_if_the_columns_are_independent():
    A, y = randn(6, 4), randn(6, seed=5)
    expected = torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]
    assert_close(ridge(A, y, 0.0), expected)


@pytest.mark.parametrize("penalty", [1e-12, 1e-30, 1e-300])
def test_the_least_penalty_gives_the_least_norm(penalty):
    A, y = low_rank(6, 4, 2), randn(6)
    assert_close(ridge(A, y, penalty), torch.linalg.pinv(A) @ y)


@pytest.mark.parametrize(
    ("A", "rcond", "error", "message"),
    [
        (torch.ones(3), None, ValueError, "A must be"),
        (torch.ones(0, 2), None, ValueError, "A must be"),
        (torch.ones(2, 0), None, ValueError, "A must be"),
        (torch.ones(3, 2, dtype=torch.int64), None, TypeError, "floating point"),
        (torch.ones(3, 2, dtype=torch.float16), None, TypeError, "floating point"),
        (torch.ones(3, 2, dtype=torch.complex64), None, TypeError, "floating point"),
        (torch.full((3, 2), math.nan), None, ValueError, "finite"),
        (torch.full((3, 2), math.inf), None, ValueError, "finite"),
        (torch.ones(3, 2), -0.1, ValueError, "rcond"),
        (torch.ones(3, 2), 1.0, ValueError, "rcond"),
        (torch.ones(3, 2), math.nan, ValueError, "rcond"),
    ],
)
def test_a_matrix_or_cutoff_that_makes_no_sense_is_refused(A, rcond, error, message):
    y = torch.ones(A.shape[:1], dtype=A.dtype)
    for call in (visible_directions, row_space_projection):
        with pytest.raises(error, match=message):
            call(A, rcond)
    with pytest.raises(error, match=message):
        min_norm(A, y, rcond)


@pytest.mark.parametrize("y", [Y[:3], Y[:, None], Y * math.nan])
def test_labels_that_do_not_fit_are_refused(y):
    for call in (min_norm, lambda A, y: ridge(A, y, 1.0)):
        with pytest.raises(ValueError, match=r"finite y \(n,\)"):
            call(TWICE, y)


@pytest.mark.parametrize("penalty", [-1.0, math.nan, math.inf])
def test_a_penalty_that_is_negative_or_not_finite_is_refused(penalty):
    with pytest.raises(ValueError, match="penalty must be"):
        ridge(TWICE, Y, penalty)


def test_no_penalty_with_dependent_columns_is_refused():
    with pytest.raises(ValueError, match="use min_norm"):
        ridge(TWICE, Y, 0.0)
    with pytest.raises(TypeError, match="floating point"):
        ridge(TWICE.int(), Y.int(), 1.0)


@pytest.mark.parametrize("solve", [min_norm, lambda A, y: ridge(A, y, 1.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_labels_of_another_dtype_are_refused(solve, dtype):
    with pytest.raises(TypeError, match="share a dtype"):
        solve(TWICE, Y.to(dtype))
