"""What lies just on either side of the bounds of irls."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.optimisation import irls as module
from firstdescent.optimisation.figures.irls import draw_valley
from firstdescent.optimisation.irls import (
    inverse_hessian,
    irls,
    refuse_separated,
    reweight,
    shortened,
    weighted_gram,
)

D = torch.float64
X = torch.tensor([[-2.0], [-1.0], [0.5], [1.0], [3.0]], dtype=D)
A = torch.hstack([X, torch.ones_like(X)])
MIXED = torch.tensor([0.0, 1, 0, 1, 1], dtype=D)
FREE = torch.zeros(2, dtype=D)


def nearly_dependent(left):
    """Two columns, of which the second has `left` of its square without the first."""
    return torch.tensor([[1.0, 1.0], [0.0, left**0.5]], dtype=D)


@pytest.mark.parametrize("table", [X[:, 0], A[:0]])
def test_a_table_without_rows_or_columns_has_no_gram(table):
    got = f"got {tuple(table.shape)} and {tuple(table.shape[:1])}"
    with pytest.raises(ValueError, match=got.replace("(", r"\(").replace(")", r"\)")):
        weighted_gram(table, table.new_ones(table.shape[:1]))


def test_squares_that_overflow_are_named():
    with pytest.raises(torch.linalg.LinAlgError, match="A must be finite, got nan or"):
        weighted_gram(1e200 * A, MIXED)


def test_all_rows_are_taken_unless_fewer_are_asked_for():
    inverse, every = inverse_hessian(A, torch.ones(5, dtype=D), FREE)
    assert every == 1
    torch.testing.assert_close(inverse, torch.linalg.inv(A.T @ A))


def test_a_column_needs_a_thousand_roundings_times_the_root_of_p():
    ones = torch.ones(2, dtype=D)  # 1000 * 2**0.5 * eps = 3.14e-13
    assert inverse_hessian(nearly_dependent(3.25e-13), ones, FREE)[1] == 1
    with pytest.raises(torch.linalg.LinAlgError, match="is dependent"):
        inverse_hessian(nearly_dependent(3.05e-13), ones, FREE)


def test_every_second_row_may_be_too_few():
    rare = torch.tensor([[0.0], [1], [0], [1]], dtype=D)
    table = torch.hstack([rare, torch.ones_like(rare)])
    inverse, every = inverse_hessian(table, torch.ones(4, dtype=D), FREE, 2)
    assert every == 1
    torch.testing.assert_close(inverse, torch.linalg.inv(table.T @ table))


def test_all_rows_are_held_to_the_margin_of_the_sample():
    table = torch.zeros(4, 2, dtype=D)
    table[1:3] = nearly_dependent(1e-12)
    ones = torch.ones(4, dtype=D)
    assert inverse_hessian(table, ones, FREE, 4)[1] == 1
    with pytest.raises(torch.linalg.LinAlgError, match="is dependent"):
        inverse_hessian(table, ones, FREE, 4, margin=1e5)


def test_a_penalty_that_is_lost_is_to_grow():
    table = torch.hstack([1e6 * X, 1e6 * X])
    with pytest.raises(torch.linalg.LinAlgError, match=r"dependent: penalise it more$"):
        inverse_hessian(table, torch.ones(5, dtype=D), FREE + 1e-9)


def test_a_single_row_has_one_label():
    with pytest.raises(ValueError, match="all are 1"):
        refuse_separated(A[4:], MIXED.new_ones(1), FREE, FREE + 1)


def test_a_step_is_tried_whole_and_halved_60_times():
    tried = []
    end, _ = shortened(lambda v: tried.append(v) or 2.0, 1.0, -1.0, X[:, 0], MIXED)
    assert len(tried) == 61
    assert end.tolist() == X[:, 0].tolist()


@pytest.mark.parametrize(
    ("losses", "start", "slope", "halvings"),
    [
        ([-1.0, -1.0], 0.0, -1e4, 0),  # exactly what is asked
        ([1.0, -1e-4, -1.0], 0.0, -1.0, 1),  # of a half step half is asked
        ([100 + 5e-13, 0.0], 100.0, -1e-20, 0),  # higher by no more than rounding
    ],
)
def test_enough_is_a_ten_thousandth_of_the_promise(losses, start, slope, halvings):
    left = iter(losses)
    end, loss = shortened(lambda _: next(left), start, slope, 0 * FREE, FREE + 1)
    assert end.tolist() == [0.5**halvings] * 2
    assert loss == losses[halvings]


def test_one_step_may_be_enough():
    assert irls(torch.ones(2, 1), torch.tensor([0, 1]), steps=1).theta.item() == 0


def test_the_hessian_is_kept_once_the_scores_hardly_move(monkeypatch):
    made = []

    def counted(*given, **options):
        made.append(given)
        return inverse_hessian(*given, **options)

    monkeypatch.setattr(module, "inverse_hessian", counted)
    theta, _, losses = reweight(A, 2 * MIXED - 1, FREE, 1e-12, 100)
    assert len(made) < len(losses) - 1
    wrong = torch.sigmoid(A @ theta) - MIXED
    assert (A.T @ wrong).abs().max() < 1e-12


def test_labels_or_columns_that_are_nearly_at_fault_are_both_named():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(20_000, 1, generator=g, dtype=D)
    y = torch.bernoulli(torch.sigmoid(60 * x[:, 0]), generator=g)
    why = (
        r"^H: labels nearly separated or columns nearly dependent; centre or penalise$"
    )
    with pytest.raises(torch.linalg.LinAlgError, match=why):
        irls(torch.hstack([x + 1e5, torch.ones_like(x)]), y)


def test_there_are_100_steps_unless_more_are_asked_for():
    with pytest.raises(RuntimeError, match=r"^after 100 steps a score still moves"):
        irls(A, MIXED, tol=1e-17)


def test_a_hundredth_of_a_score_is_the_largest_tolerance():
    exact, near = irls(A, MIXED), irls(A, MIXED, tol=0.01)
    assert len(near.losses) < len(exact.losses)
    assert (near.theta - exact.theta).abs().max() < 0.01


def test_an_error_that_overflows_alone_is_refused_too():
    tiny = torch.full((2, 1), 2.0**-140)  # theta is 0, its error 1.4 times 2^140
    with pytest.raises(ValueError, match="overflows"):
        irls(tiny, torch.tensor([0, 1]))


def test_contours_have_two_levels_for_each_power_of_ten_and_one_end_is_named():
    asked = []

    def bowl(theta):
        asked.append(theta.dtype)
        return (theta**2).sum() + 0.01

    draw_valley(bowl, FREE.expand(2, 2), {"one": FREE})
    (axes,) = plt.gcf().axes
    names = [text.get_text() for text in plt.gcf().legends[0].get_texts()]
    plt.close("all")
    assert axes.collections[0].levels == pytest.approx([k / 2 for k in range(-6, 3)])
    assert asked == [D]
    assert names == ["Newton's steps", "least with a penalty"]


def test_labels_that_only_the_coefficients_separate_are_refused_at_once():
    # After eight steps the coefficients separate the labels; the last step does not.
    x = torch.tensor([2.0, 10, 0, 2000], dtype=D)
    table = torch.stack([x, torch.ones_like(x)], dim=1)
    with pytest.raises(ValueError, match="labels are separated"):
        irls(table, x > 1, steps=8)


def test_where_the_hessian_fails_separated_labels_are_the_reason_to_give():
    rows = [[1000, -2000, 1], [-500, 100, 1], [10, -30, 1], [10_000, -10_000, 1]]
    table = torch.tensor(rows, dtype=D).repeat_interleave(
        torch.tensor([1, 10, 100, 1]), 0
    )
    with pytest.raises(ValueError, match="labels are separated"):
        irls(table, table[:, 0] < 0)


def test_coefficients_that_separate_are_the_reason_where_the_hessian_fails():
    x = torch.tensor([-2000.0, -200, 30, -30], dtype=D)
    x = x.repeat_interleave(torch.tensor([100, 1, 1, 100]))
    with pytest.raises(ValueError, match="labels are separated"):
        irls(torch.stack([x, torch.ones_like(x)], dim=1), x < 1)
