"""The edges of predicted_floor, which matrices it takes, and of expected_run."""

import pytest
import torch

from firstdescent.optimisation.minibatch import expected_run, predicted_floor

EPS = torch.finfo(torch.float64).eps
EYE = torch.eye(2, dtype=torch.float64)


def diagonal(*values):
    return torch.tensor(values, dtype=torch.float64).diag()


def test_a_matrix_must_be_square():
    wide = EYE.new_ones(2, 3)
    with pytest.raises(ValueError, match=r"got \(2, 3\) and \(2, 3\)"):
        predicted_floor(wide, wide, 0.1, 1)


@pytest.mark.parametrize("row", [0, 1])
def test_one_infinite_entry_is_refused(row):
    other = EYE.clone()
    other[row, 1 - row] = torch.inf
    for name, matrices in (("H", (other, EYE)), ("C", (EYE, other))):
        with pytest.raises(ValueError, match=f"{name} finite and symmetric"):
            predicted_floor(*matrices, 0.1, 1)


def test_what_rounding_leaves_uneven_passes():
    uneven = EYE.clone()
    uneven[0, 1] = 1e-10
    exact = predicted_floor(EYE, EYE, 0.1, 1)
    assert predicted_floor(uneven, uneven, 0.1, 1) == pytest.approx(exact, rel=1e-9)


def test_a_curvature_counts_from_ten_roundings_for_each_direction():
    for H in (diagonal(20 * EPS, 1), diagonal(29e6 * EPS, 1, 1e6)):
        with pytest.raises(ValueError, match="H positive definite"):
            predicted_floor(H, torch.eye(len(H)).to(H), 0.1, 1)
    assert predicted_floor(diagonal(21 * EPS, 1), EYE, 0.1, 1) > 0


def test_a_variance_is_negative_beside_the_largest():
    C = diagonal(-1e-6, 1e4)
    assert predicted_floor(EYE, C, 0.1, 1) == pytest.approx(1e4 * 0.05 / 1.9)
    with pytest.raises(ValueError, match="no negative eigenvalues"):
        predicted_floor(EYE, diagonal(-1e-6, 1), 0.1, 1)


def test_the_largest_of_three_curvatures_bounds_the_step():
    H = diagonal(1, 2, 4)
    assert predicted_floor(H, H, 0.49, 1) > 0
    with pytest.raises(ValueError, match=r"0 < lr < 0\.5, "):
        predicted_floor(H, H, 0.6, 1)


@pytest.mark.parametrize("wide", ["lr", "batch_size"])
def test_a_run_keeps_the_dtype_of_its_table(wide):
    choices = {"lr": torch.full((3, 1), 0.1), "batch_size": torch.tensor([2.0])}
    choices[wide] = choices[wide].double()
    A, y = torch.tensor([[1.0, 2], [-1, 1], [0.5, 1]]), torch.tensor([1.0, -2, 3])
    run = expected_run(A, y, torch.zeros(2), **choices)
    assert (run.excess.dtype, run.noise_scale.dtype) == (A.dtype, A.dtype)
