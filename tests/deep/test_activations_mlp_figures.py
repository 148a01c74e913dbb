"""The drawings show what they are given."""

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from firstdescent.deep.activations_mlp import mlp
from firstdescent.deep.figures.activations_mlp import (
    draw_activations,
    draw_folds,
    draw_regions,
    draw_xor,
)

D = torch.float64


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_folds_are_marked_on_the_sum():
    net = mlp([1, 2, 1], torch.Generator().manual_seed(0))
    for p, values in zip(net.parameters(), ([1, -1], [1, 2], [3, 1], [0]), strict=True):
        p.data = torch.tensor(values, dtype=D).view(p.shape)
    draw_folds(net, -3, 3)
    dots = plt.gcf().axes[1].lines[-1].get_xydata().tolist()
    assert dots == [[-1, 3], [2, 9]]


def test_the_slopes_stand_below_their_functions():
    draw_activations({"tanh": torch.tanh})
    top, low = plt.gcf().axes
    z, value = top.lines[0].get_data()
    _, slope = low.lines[0].get_data()
    expected = 1 / torch.cosh(torch.as_tensor(z)) ** 2
    torch.testing.assert_close(torch.as_tensor(value), torch.tanh(torch.as_tensor(z)))
    torch.testing.assert_close(torch.as_tensor(slope), expected)
    assert list(low.lines[1].get_ydata()) == [0.25, 0.25]


def test_the_hidden_points_of_label_one_lie_in_the_shaded_half():
    X = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=D)
    H = torch.stack([X.sum(1), (X.sum(1) - 1).relu()], 1)
    y = torch.tensor([0, 1, 1, 0])
    draw_xor(X, y, H)
    for axes, points in zip(plt.gcf().axes, (X, H), strict=True):
        (shade,) = axes.collections[0].get_paths()
        inside = [shade.contains_point(point) for point in points.tolist()]
        assert inside == [False, True, True, False]
    top, low = plt.gcf().axes
    folds = [line.get_xydata().sum(1).tolist() for line in top.lines[:2]]
    assert folds == [[0, 0], [1, 1]]  # on a dotted line x1 + x2 is 0, or 1
    for h1, h2 in low.lines[0].get_xydata():
        assert h1 - 2 * h2 == 0.5


def test_each_region_has_the_colour_of_the_rows_the_net_puts_there():
    right = nn.Linear(2, 2, dtype=D)
    with torch.no_grad():
        right.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
        right.bias.zero_()
    X, y = torch.tensor([[-1, 0], [1, 0]], dtype=D), torch.tensor([0, 1])
    draw_regions({"a": right, "b": right}, X, y)
    for axes in plt.gcf().axes:
        shade = axes.collections[0]
        inside = [path.contains_point((1, 0.01)) for path in shade.get_paths()]
        assert inside == [False, True]
        assert axes.lines[1].get_xydata().tolist() == [[1, 0]]
