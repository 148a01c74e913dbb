"""What the refusals say, and drawings of other data than the page's."""

import math

import pytest
import torch
from matplotlib.figure import Figure

from firstdescent.regression.closed_form import gram
from firstdescent.regression.figures.closed_form import draw_passes, draw_projection

A = torch.tensor([[0.0, 1], [1, 1], [2, 1]], dtype=torch.float64)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_the_refusal_of_a_shape_names_both_shapes():
    with pytest.raises(ValueError, match=r"got \(4, 2\) and \(3,\)"):
        gram(torch.ones(4, 2), torch.ones(3))


def test_the_column_of_ones_points_right_whatever_the_labels(ax):
    y, theta = torch.tensor([-1.0, -7, -4]).double(), torch.tensor([-1.5, -2.5])
    draw_projection(ax, A, y, theta.double())
    one, top, foot = (note.xy for note in ax.texts[1:4])
    assert one == pytest.approx((3**0.5, 0))
    assert top[1] > foot[1]


def test_labels_of_zero_are_drawn_where_the_arrows_begin(ax):
    draw_projection(ax, A, A.new_zeros(3), A.new_zeros(2))
    for top in ax.texts[2:4]:
        assert top.xy == (0, 0)


def test_each_level_of_descent_is_twice_the_steps_to_a_millionth(ax):
    draw_passes(ax, {})
    for kappa, line in zip((10, 100, 1000), ax.lines[1:4], strict=True):
        shrinks = (kappa - 1) / (kappa + 1)  # the error, each step
        steps = line.get_ydata()[0] / 2
        assert shrinks**steps == pytest.approx(1e-6, rel=1e-9, abs=0)
        assert math.isclose(*line.get_ydata())
