"""Fits that take long or have tiny weights, and what is no score or label."""

import math

import pytest
import torch

from firstdescent.tools.weighted_sampling import fit_logistic, precision_recall

D = torch.float64
X = torch.tensor([[0.0], [1.0], [2.0], [3.0], [1.0], [2.0]], dtype=D)
Y = torch.tensor([0, 0, 0, 1, 1, 1], dtype=D)


def test_a_fit_goes_on_until_it_is_done_where_columns_differ_in_scale():
    g = torch.Generator().manual_seed(0)
    X = torch.randn(100, 4, generator=g, dtype=D) * 10 ** torch.linspace(0, 2, 4)
    y = (torch.rand(100, generator=g) < 0.5).double()
    w, b = fit_logistic(X, y)
    miss = ((X @ w + b).sigmoid() - y) / 100
    slope = torch.cat([X.T @ miss, miss.sum()[None]])
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-5, rtol=0)


@pytest.mark.parametrize("unit", [2.0**-40, 2.0**-10, 2.0**40])
def test_the_unit_of_the_weights_does_not_matter_even_if_it_is_tiny(unit):
    weights = torch.tensor([1.0, 2, 3, 4, 5, 6]).double()
    fits = fit_logistic(X, Y, weights), fit_logistic(X, Y, unit * weights)
    torch.testing.assert_close(*fits)


def test_the_refusal_of_a_fit_names_all_three_shapes():
    with pytest.raises(ValueError, match=r"got \[\(6, 1\), \(5,\), \(4,\)\]$"):
        fit_logistic(X, Y[:5], Y[:4])


def test_the_refusal_of_scores_names_both_shapes():
    with pytest.raises(ValueError, match=r"got \(3, 1\) and \(2,\)$"):
        precision_recall(torch.zeros(3, 1), torch.zeros(2), 0.5)


@pytest.mark.parametrize(
    ("score", "threshold"), [([0.5, math.nan], 0.5), ([0.5, 0.6], math.nan)]
)
def test_nan_is_no_score_and_no_threshold(score, threshold):
    with pytest.raises(ValueError, match="got nan among them"):
        precision_recall(torch.tensor(score), torch.tensor([0, 1]), threshold)


def test_labels_other_than_0_and_1_are_refused_and_named():
    with pytest.raises(ValueError, match=r"labels 0 and 1, got \[-1, 1\]$"):
        precision_recall(torch.zeros(3), torch.tensor([1, -1, 1]), 0.5)
