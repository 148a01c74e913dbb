"""What the refusal of a table says, and the plane of the drawn loss."""

import pytest
import torch
from matplotlib.figure import Figure

from firstdescent.regression.figures.from_scratch import draw_path
from firstdescent.regression.from_scratch import train


def test_the_refusal_of_a_shape_names_both_shapes():
    X, y = torch.ones(4, 2), torch.ones(3)
    with pytest.raises(ValueError, match=r"got \(4, 2\) and \(3,\)"):
        train(X, y, 0.1, 2, 1, torch.Generator())


def test_the_loss_is_drawn_for_the_last_bias():
    asked = []

    def loss_at(theta):
        asked.append(theta)
        return theta.square().sum(dim=-1)

    path = torch.arange(21.0).reshape(7, 3)
    draw_path(Figure().subplots(), loss_at, path)
    assert set(torch.cat(asked)[..., 2].flatten().tolist()) == {20.0}


def test_the_cross_stands_where_the_path_starts():
    ax, path = Figure().subplots(), torch.arange(21.0).reshape(7, 3)
    draw_path(ax, lambda theta: theta.square().sum(dim=-1), path)
    (cross,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert cross.get_xydata().tolist() == [[1.0, 0.0]]  # w2, w1
