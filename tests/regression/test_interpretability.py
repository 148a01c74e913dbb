"""The tools that explain and dissect a model, against counting by hand."""

import math

import pytest
import torch
from torch import Generator
from torch.testing import assert_close

from firstdescent.regression.interpretability import (
    contributions,
    permutation_importance,
    slice_report,
)

D = torch.float64
W = torch.tensor([2.0, -3.0], dtype=D)
X = torch.tensor([[1.0, 5.0], [4.0, 1.0], [2.0, 0.0]], dtype=D)
Y = torch.tensor([1.0, 0.0, 7.0], dtype=D)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def model(H):
    return H @ W + 4


def test_contributions_are_weight_times_distance_from_the_mean():
    mean = torch.tensor([1.0, 2.0], dtype=D)
    assert contributions(W, X, mean).tolist() == [[0, -9], [6, 3], [2, 6]]
    assert contributions(W, X[:0], mean).shape == (0, 2)


def test_contributions_sum_to_the_prediction_minus_the_mean_prediction():
    parts = contributions(W, X, X.mean(dim=0))
    assert_close(parts.sum(dim=1), model(X) - model(X).mean())


@pytest.mark.parametrize(
    ("w", "rows", "mean", "message"),
    [
        ((2, 1), (3, 2), (2,), "w and mean"),
        ((2,), (3, 2), (3,), "w and mean"),
        ((2,), (3, 3), (2,), "X must be"),
        ((2,), (2,), (2,), "X must be"),
    ],
)
def test_contributions_of_other_shapes_are_refused(w, rows, mean, message):
    with pytest.raises(ValueError, match=message):
        contributions(torch.zeros(w), torch.zeros(rows), torch.zeros(mean))


def test_a_slice_tells_count_mean_standard_error_and_mean_square():
    r = torch.tensor([1.0, -4.0, 3.0, 2.0, -8.0], dtype=D)
    worst, other = slice_report(r, ["a", "b", "a", "a", "b"])
    assert (worst.name, worst.n, worst.mean, worst.mse) == ("b", 2, -6, 40)
    # (-4, -8) has variance 8 about its mean, over n - 1 = 1; then sqrt(8 / 2).
    assert worst.se == pytest.approx(2)
    assert (other.name, other.n, other.mean) == ("a", 3, 2)
    assert other.mse == pytest.approx(14 / 3)
    assert other.se == pytest.approx(1 / math.sqrt(3))


def test_a_slice_of_one_row_has_no_standard_error():
    (only,) = slice_report(torch.tensor([3.0]), ["a"])
    assert only.n == 1 and only.mean == 3 and only.mse == 9
    assert math.isnan(only.se)


def test_the_slices_share_out_all_rows_and_all_squared_error():
    r = torch.randn(100, generator=seeded(), dtype=D)
    report = slice_report(r, [str(i % 7) for i in range(100)])
    assert sum(s.n for s in report) == 100
    assert_close(sum(s.n * s.mse for s in report), r.square().sum().item())
    assert [s.mse for s in report] == sorted((s.mse for s in report), reverse=True)


@pytest.mark.parametrize(
    ("residual", "group", "message"),
    [
        (torch.zeros(0), [], "n > 0"),
        (torch.zeros(2, 1), ["a", "a"], "n > 0"),
        (torch.zeros(2), ["a"], "expected 2 names, got 1"),
        (torch.tensor([0.0, math.nan]), ["a", "b"], "finite"),
        (torch.tensor([0.0, math.inf]), ["a", "b"], "finite"),
    ],
)
def test_slices_of_nothing_are_refused(residual, group, message):
    with pytest.raises(ValueError, match=message):
        slice_report(residual, group)


def test_a_feature_that_the_model_ignores_has_no_importance():
    found = permutation_importance(lambda H: H[:, 0], X, Y, seeded())
    assert found[1] == 0
    assert found[0] != 0


def test_importance_is_the_mean_growth_over_the_shuffles_drawn():
    generator, growth = seeded(), []
    for _ in range(3):
        order = torch.randperm(3, generator=generator)
        shuffled = torch.stack([X[:, 0], X[order, 1]], dim=1)
        growth.append((Y - model(shuffled)).square().mean())
    expected = torch.stack(growth).mean() - (Y - model(X)).square().mean()
    found = permutation_importance(model, X, Y, seeded(), [[1]], repeats=3)
    assert_close(found, expected[None])


def test_all_columns_shuffled_together_only_reorder_the_predictions():
    generator = seeded()
    order = torch.randperm(3, generator=generator)
    expected = (Y - model(X)[order]).square() - (Y - model(X)).square()
    found = permutation_importance(model, X, Y, seeded(), [[0, 1]], repeats=1)
    assert_close(found, expected.mean()[None])


def test_one_row_and_no_groups_have_nothing_to_shuffle():
    assert permutation_importance(model, X[:1], Y[:1], seeded()).tolist() == [0, 0]
    assert permutation_importance(model, X, Y, seeded(), []).shape == (0,)


def test_shuffling_leaves_the_data_alone():
    before = X.clone()
    permutation_importance(model, X, Y, seeded())
    assert torch.equal(X, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": X[:, 0]}, "needs y"),
        ({"y": Y[:2]}, "needs y"),
        ({"y": Y[:, None]}, "needs y"),
        ({"X": X[:0], "y": Y[:0]}, "n > 0"),
        ({"model": lambda H: H[:, :1]}, r"model\(X\) must be \(n,\)"),
        ({"model": lambda H: (H[:, 1] - H[:, 0] + 3.5).log()}, "and finite"),
        ({"X": X * math.nan}, "finite"),
        ({"y": Y + math.inf}, "finite"),
        ({"groups": [[]]}, "columns of X"),
        ({"groups": [[2]]}, "columns of X"),
        ({"groups": [[-1]]}, "columns of X"),
        ({"repeats": 0}, "repeats"),
        ({"model": lambda H: H[:, 0] * math.nan}, "finite"),
    ],
)
def test_importances_that_make_no_sense_are_refused(change, message):
    call = {"model": model, "X": X, "y": Y, "generator": seeded(), **change}
    with pytest.raises(ValueError, match=message):
        permutation_importance(**call)


def test_names_in_a_tensor_and_whole_residuals_are_refused():
    with pytest.raises(TypeError, match="not a tensor"):
        slice_report(torch.zeros(2), torch.tensor([0, 1]))
    with pytest.raises(TypeError, match="float residuals"):
        slice_report(torch.zeros(2, dtype=torch.int64), ["a", "b"])


def test_a_model_with_parameters_records_nothing_and_its_data_are_left_alone():
    v = W.clone().requires_grad_()

    def greedy(H):
        H += 1  # changes what it was handed
        return H @ v

    before = X.clone()
    found = permutation_importance(greedy, X, Y, seeded())
    assert not found.requires_grad and torch.equal(X, before)


def test_whole_numbers_as_features_have_an_importance():
    whole = torch.tensor([[1, 5], [4, 1], [2, 0]])
    found = permutation_importance(lambda H: H.double() @ W, whole, Y, seeded())
    assert_close(found, permutation_importance(lambda H: H @ W, X, Y, seeded()))


def test_twenty_shuffles_are_the_default():
    found = permutation_importance(model, X, Y, seeded())
    assert_close(found, permutation_importance(model, X, Y, seeded(), repeats=20))


def test_a_slice_of_large_numbers_does_not_overflow():
    report = slice_report(torch.tensor([300.0, -300.0]).half(), ["a", "a"])
    assert report[0].mse == 300**2
