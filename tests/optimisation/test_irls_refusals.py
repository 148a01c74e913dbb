"""What the refusals of irls name."""

import pytest
import torch

from firstdescent.optimisation.irls import (
    check_classes,
    column_scales,
    inverse_hessian,
    irls,
    penalties,
    reweight,
    shortened,
    summed_loss,
    weighted_gram,
)

A = torch.tensor([[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]], dtype=torch.float64)
Y = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)


def test_a_table_is_named_by_its_dtypes_or_its_shapes():
    with pytest.raises(TypeError, match=r"got A torch\.int64 and y torch\.float64"):
        check_classes(A.long(), Y)
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(2,\)"):
        check_classes(A, Y[:2])
    with pytest.raises(ValueError, match=r"labels 0 and 1, got 2\.0"):
        check_classes(A, 2 * Y)


def test_the_columns_of_no_table_are_named_by_dtype_and_shape():
    with pytest.raises(ValueError, match=r"got torch\.float64 \(3,\)"):
        column_scales(Y)


def test_a_penalty_is_named():
    with pytest.raises(TypeError, match=r"got torch\.float64 and 1j"):
        penalties(A, 1j)
    with pytest.raises(ValueError, match=r"got \(3,\)"):
        penalties(A, torch.ones(3))
    with pytest.raises(ValueError, match=r"not negative, got -1\.5"):
        penalties(A, -1.5)


def test_weights_and_penalties_of_other_shapes_are_named():
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(2,\)"):
        weighted_gram(A, Y[:2])
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(3,\)"):
        inverse_hessian(A, Y, Y)


def test_the_three_shapes_of_a_loss_are_named():
    with pytest.raises(ValueError, match=r"got \[\(3,\), \(2,\), \(4,\)\]"):
        summed_loss(Y, Y[:2], torch.ones(4))


def test_a_step_unlike_its_point_is_named():
    with pytest.raises(ValueError, match=r"got \(3,\) and \(2,\)"):
        shortened(lambda _: 0.0, 0.0, -1.0, Y, Y[:2])


def test_steps_and_tolerances_are_named():
    with pytest.raises(ValueError, match=r"got 0 and \(3, 2\)"):
        reweight(A, 2 * Y - 1, 0 * Y[:2], 1e-6, 0)
    with pytest.raises(ValueError, match=r"got \(0\.5, 7\)"):
        irls(A, Y, tol=0.5, steps=7)
