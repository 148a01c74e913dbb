"""firstdescent.tools.weighted_sampling against answers that it did not compute."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from firstdescent.tools.weighted_sampling import (
    balanced_weights,
    fit_logistic,
    precision_recall,
    prior_correction,
)

X = torch.tensor([[0.0], [1.0], [2.0], [3.0], [1.0], [2.0]], dtype=torch.float64)
Y = torch.tensor([0, 0, 0, 1, 1, 1], dtype=torch.float64)


def gradient_at(w, b, X, y, weights):
    """The gradient of the weighted log-loss, by its closed form."""
    miss = weights * ((X @ w + b).sigmoid() - y)
    return torch.cat([X.T @ miss, miss.sum()[None]])


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32, torch.float64])
def test_a_balanced_weight_is_one_over_the_rows_of_its_class(dtype):
    y = torch.tensor([0, 0, 1, 0], dtype=dtype)
    expected = torch.tensor([1 / 3, 1 / 3, 1, 1 / 3], dtype=torch.float64)
    torch.testing.assert_close(balanced_weights(y), expected)


def test_each_of_three_classes_weighs_one_in_all():
    y = torch.tensor([7, 2, 2, 9, 9, 9, 7, 2])
    weights = balanced_weights(y)
    for label in (2, 7, 9):
        assert weights[y == label].sum().item() == pytest.approx(1)


def test_rows_of_one_class_weigh_the_same():
    torch.testing.assert_close(
        balanced_weights(torch.ones(4)), torch.full((4,), 0.25, dtype=torch.float64)
    )


@pytest.mark.parametrize("shape", [(0,), (), (3, 1)])
def test_balanced_weights_refuses_what_is_no_list_of_labels(shape):
    with pytest.raises(ValueError, match="expected labels"):
        balanced_weights(torch.zeros(shape))


@pytest.mark.parametrize("weights", [None, torch.arange(1.0, 7.0).double()])
def test_the_gradient_vanishes_at_the_fit(weights):
    w, b = fit_logistic(X, Y, weights)
    assert (w.shape, b.shape) == ((1,), ()) and not w.requires_grad
    used = torch.ones(6).double() if weights is None else weights
    found = gradient_at(w, b, X, Y, used)
    torch.testing.assert_close(found, torch.zeros(2).double(), atol=1e-5, rtol=0)


def test_a_fit_on_a_label_alone_gives_the_log_odds_of_its_classes():
    x = torch.tensor([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]]).double()
    y = torch.tensor([0, 0, 1, 0, 1, 1]).double()
    w, b = fit_logistic(x, y)  # p(1) is 1/3 where x = 0 and 2/3 where x = 1
    assert b.item() == pytest.approx(-math.log(2), abs=1e-5)
    assert w.item() == pytest.approx(2 * math.log(2), abs=1e-5)


def test_weights_count_a_row_as_often_as_its_weight_says():
    copies = torch.tensor([1, 2, 3, 1, 2, 3])
    weighted = fit_logistic(X, Y, copies.double())
    repeated = fit_logistic(X.repeat_interleave(copies, 0), Y.repeat_interleave(copies))
    torch.testing.assert_close(weighted, repeated, atol=1e-5, rtol=0)


def test_only_the_proportions_of_the_weights_matter():
    weights = torch.tensor([1.0, 2, 3, 4, 5, 6]).double()
    small, large = fit_logistic(X, Y, weights), fit_logistic(X, Y, 1000 * weights)
    torch.testing.assert_close(small, large, atol=1e-5, rtol=0)


def test_fit_logistic_works_in_float32():
    w, b = fit_logistic(X.float(), Y.float())
    exact = fit_logistic(X, Y)
    assert w.dtype == b.dtype == torch.float32
    torch.testing.assert_close(
        (w.double(), b.double()), exact, atol=1e-2, rtol=0
    )  # the flat bottom of the loss, in 7 digits


def test_no_line_separates_and_has_a_smallest_loss():
    x, y = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([0.0, 1.0]).double()
    w, b = fit_logistic(x, y)
    assert w.item() > 10 and binary_cross_entropy_with_logits(x @ w + b, y) < 1e-3


def test_fit_logistic_refuses_shapes_that_disagree():
    for bad in ((X, Y[:5]), (Y, Y), (X, Y[:, None]), (X, Y, Y[:3])):
        with pytest.raises(ValueError, match=r"expected \(n, d\)"):
            fit_logistic(*bad)


@pytest.mark.parametrize("y", [torch.zeros(6), torch.ones(6), 2 * Y, Y * 2 - 1])
def test_fit_logistic_refuses_other_labels_than_both_0_and_1(y):
    with pytest.raises(ValueError, match="expected labels 0 and 1"):
        fit_logistic(X, y.double())


def test_precision_and_recall_count_alarms_by_hand():
    score = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    y = torch.tensor([1, 0, 1, 0, 0, 1])
    # alarms: the first four; two of them right, of three positives
    precision, recall = precision_recall(score, y, 0.55)
    assert (precision, recall) == pytest.approx((2 / 4, 2 / 3))


def test_balanced_weights_refuse_nan():
    with pytest.raises(ValueError, match="got nan"):
        balanced_weights(torch.tensor([0.0, float("nan")]))


@pytest.mark.parametrize("weights", [[-1.0, 1, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0]])
def test_the_fit_refuses_weights_that_leave_a_label_without_any(weights):
    X, y = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([0.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="some above 0 for each label"):
        fit_logistic(X, y, torch.tensor(weights))


def test_the_fit_does_not_depend_on_where_a_column_has_its_zero():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(500, 1, generator=g, dtype=torch.float64)
    y = (x[:, 0] + torch.randn(500, generator=g, dtype=torch.float64) > 0).double()
    w, b = fit_logistic(x, y)
    there, intercept = fit_logistic(2000 + 10 * x, y)
    torch.testing.assert_close(10 * there, w, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(intercept + 2000 * there[0], b, rtol=1e-5, atol=1e-4)


def test_a_score_at_the_threshold_raises_no_alarm():
    precision, recall = precision_recall(torch.zeros(2), torch.ones(2), 0.0)
    assert math.isnan(precision) and recall == 0


def test_recall_is_nan_without_positives():
    precision, recall = precision_recall(torch.ones(2), torch.zeros(2), 0.0)
    assert precision == 0 and math.isnan(recall)


def test_precision_recall_refuses_shapes_that_disagree():
    with pytest.raises(ValueError, match="a score for each label"):
        precision_recall(torch.zeros(3, 1), torch.zeros(3), 0.5)


def test_prior_correction_subtracts_the_log_odds_that_were_added():
    logit = torch.tensor([-1.0, 0.0, 2.0]).double()
    found = prior_correction(logit, share=0.05, drawn=0.5)
    torch.testing.assert_close(found, logit - math.log(19))


def test_prior_correction_there_and_back_is_nothing():
    logit = torch.tensor([[-1000.0, 1000.0]]).double()
    there = prior_correction(logit, 0.3, 0.6)
    torch.testing.assert_close(prior_correction(there, 0.6, 0.3), logit)
    torch.testing.assert_close(prior_correction(logit, 0.2, 0.2), logit)


def test_prior_correction_is_the_formula_of_king_and_zeng():
    tau, y_bar = 0.02, 0.4  # their names: population share, sample share
    found = prior_correction(torch.zeros(()).double(), tau, y_bar).item()
    assert found == pytest.approx(-math.log((1 - tau) / tau * y_bar / (1 - y_bar)))


@pytest.mark.parametrize("shares", [(0, 0.5), (0.5, 1), (0.5, 1.2), (math.nan, 0.5)])
def test_prior_correction_refuses_what_is_no_share(shares):
    with pytest.raises(ValueError, match="shares between 0 and 1"):
        prior_correction(torch.zeros(1), *shares)
