"""What is refused of the tools that explain a model, and how."""

import pytest
import torch
from torch import Generator

from firstdescent.regression.interpretability import (
    contributions,
    permutation_importance,
    slice_report,
)

X, Y = torch.ones(3, 2), torch.ones(3)


def test_the_refusal_of_weights_names_both_shapes():
    with pytest.raises(ValueError, match=r"got \(2,\) and \(3,\)"):
        contributions(torch.ones(2), X, torch.ones(3))


def test_the_refusal_of_residuals_names_their_shape():
    with pytest.raises(ValueError, match=r"got \(3, 2\)"):
        slice_report(X, ["a"] * 3)


def test_the_refusal_of_labels_names_both_shapes():
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(1,\)"):
        permutation_importance(lambda H: H[:, 0], X, Y[:1], Generator())


def test_the_refusal_of_predictions_names_their_shape():
    with pytest.raises(ValueError, match=r"got \(3, 1\)"):
        permutation_importance(lambda H: H[:, :1], X, Y, Generator())


def test_errors_whose_squares_overflow_are_refused():
    large = torch.tensor([1e200, -1e200, 0.0], dtype=torch.float64)
    with pytest.raises(ValueError, match="squares of the errors overflow"):
        permutation_importance(lambda H: H[:, 0], X, large, Generator())
