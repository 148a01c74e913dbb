"""Fits whose x are not all of one size, fits that leave, and where labels stand."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.tools.autograd_errors import fit_on_total
from firstdescent.tools.figures.autograd_errors import draw_totals

X = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)  # mean square 7
Y = torch.tensor([3.0, 6.0, 12.0], dtype=torch.float64)  # 3 x


def test_the_slope_at_zero_is_minus_the_mean_of_x_times_y():
    for detach in (True, False):
        (first,) = fit_on_total(X, Y, lr=0.1, rounds=1, detach=detach)
        assert first[:2] == (0.0, pytest.approx(-(3 + 12 + 48) / 3))


def test_each_round_comes_nearer_by_the_mean_square_of_x_times_the_step_size():
    seen = fit_on_total(X, Y, lr=0.1, rounds=8, detach=True)
    # The loss is 7 (w - 3)² / 2, its slope 7 (w - 3).
    assert [w for w, _, _ in seen] == pytest.approx([3 - 3 * 0.3**t for t in range(8)])


def test_the_refusal_of_x_and_y_names_both_shapes():
    with pytest.raises(ValueError, match=r"got \(3,\) and \(2, 1\)$"):
        fit_on_total(X, Y[:2, None], lr=0.1, rounds=1, detach=True)


def test_a_fit_that_leaves_the_finite_numbers_is_refused_with_its_step_size():
    # The first step leads to 21e200, the second to -147e400, which is -inf.
    with pytest.raises(ValueError, match=r"finite path, got w = -inf: lr is 1e\+200$"):
        fit_on_total(X, Y, lr=1e200, rounds=2, detach=True)


def test_each_label_of_the_totals_stands_where_its_curve_ends():
    kept = [(0.0, -3.0, 7), (1.0, -5.0, 13), (4.0, -2.0, 19)]
    detached = [(0.0, -3.0, 7), (2.0, -1.0, 8), (2.5, -0.5, 9)]
    draw_totals(kept, detached)
    top, bottom = plt.gcf().axes
    plt.close()
    for axes, number in ((top, 0), (bottom, 2)):
        places = {text.get_text(): text.get_position() for text in axes.texts}
        assert places[" retained"] == (3, kept[-1][number])
        assert places[" detached"] == (3, detached[-1][number])
