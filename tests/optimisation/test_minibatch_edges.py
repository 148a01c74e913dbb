"""The edges of minibatch, and what its refusals name."""

import pytest
import torch

from firstdescent.optimisation.minibatch import (
    check_choices,
    check_rows,
    gradient_noise,
    predicted_floor,
    sgd_runs,
)

A = torch.tensor([[1.0, 2.0], [-1.0, 1.0], [0.5, 1.0]], dtype=torch.float64)
Y = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
START = torch.tensor([0.5, -1.0], dtype=torch.float64)
LR = torch.tensor([0.1], dtype=torch.float64)
EYE = torch.eye(2, dtype=torch.float64)


def test_the_refusal_of_a_table_names_its_three_shapes():
    with pytest.raises(ValueError, match=r"got \(\(3, 2\), \(3,\), \(1,\)\)"):
        check_rows(A, Y, START[:1])


def test_the_refusal_of_several_dtypes_names_them():
    with pytest.raises(TypeError, match=r"got .*torch\.float16"):
        check_rows(A, Y, START.half())


def test_the_refusal_of_squares_that_overflow_says_so():
    with pytest.raises(ValueError, match="squares of the one-row gradients overflow"):
        gradient_noise(1e100 * A, Y, START)


def test_the_refusal_of_other_dtypes_of_a_run_names_both():
    rows = torch.zeros(1, 1, 1).int()
    with pytest.raises(TypeError, match=r"got torch\.float64 and torch\.int32"):
        sgd_runs(A, Y, START, LR, rows)


def test_the_refusal_of_other_shapes_of_a_run_names_both():
    rows = torch.zeros(2, 3, 1).long()
    with pytest.raises(ValueError, match=r"got \(1,\) and \(2, 3, 1\)"):
        sgd_runs(A, Y, START, LR, rows)


def test_the_refusal_of_matrices_names_their_shapes_or_their_dtypes():
    with pytest.raises(ValueError, match=r"got \(2, 2\) and \(1, 2\)"):
        predicted_floor(EYE, EYE[:1], 0.1, 1)
    with pytest.raises(TypeError, match=r"got torch\.float64 and torch\.float32"):
        predicted_floor(EYE, EYE.float(), 0.1, 1)


def test_the_refusal_of_an_lr_names_it_and_the_batch_size():
    with pytest.raises(ValueError, match=r"0 < lr < 2, .* got 2\.5 and 7"):
        predicted_floor(EYE, EYE, 2.5, 7)


def test_the_refusal_of_choices_names_what_came():
    with pytest.raises(TypeError, match=r"got torch\.float64 and torch\.bool"):
        check_choices(LR[:, None], torch.tensor([True]), torch.float64)
    with pytest.raises(ValueError, match=r"got \(1, 1\) and \(2,\)"):
        check_choices(LR[:, None], torch.ones(2), torch.float64)
    with pytest.raises(ValueError, match=r"got \[1\.0, 0\.5\]"):
        check_choices(LR.expand(1, 2), torch.tensor([1.0, 0.5]), torch.float64)
