"""The names of the classes and methods stand on the right, whatever is drawn there."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.figures.label_shift import draw_gain, draw_worlds


@pytest.fixture
def place():
    """The middle of the names in shares of the panel's width and height."""

    def place(axes):
        axes.figure.canvas.draw()
        box = axes.get_legend().get_window_extent()
        inside = box.transformed(axes.transAxes.inverted())
        return (inside.x0 + inside.x1) / 2, (inside.y0 + inside.y1) / 2

    yield place
    plt.close("all")


def test_the_classes_are_named_at_the_upper_right(place):
    X = 4 - torch.rand(300, 2, generator=torch.Generator().manual_seed(0))
    y = torch.arange(300) % 3
    draw_worlds(dict.fromkeys("ab", (X, y)), lambda rows: rows[:, [0, 1, 1]])
    x, height = place(plt.gcf().axes[0])
    assert x > 0.7
    assert height > 0.7


def test_the_methods_are_named_in_the_middle_of_the_right(place):
    band = torch.tensor([[0.1, 0.1, 0.1], [0.1, 0.5, 0.9]])
    draw_gain([20, 200], {"one": band, "two": band}, {"low": 0.1, "high": 0.9})
    x, height = place(plt.gca())
    assert x > 0.7
    assert 0.4 < height < 0.6
