"""Tensors that do not fit, and drawings of other panels than the page's."""

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from firstdescent.deep.figures.init_stability import (
    draw_layers,
    draw_products,
    label_ends,
)
from firstdescent.deep.init_stability import summary


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_summary_wants_tensors_of_one_shape_and_names_those_that_came():
    one, other = torch.ones(1, 2, 3), torch.ones(1, 2, 2)
    for inputs, delta, outputs in (
        (one, one, other),
        (one, other, one),
        (other, one, one),
    ):
        with pytest.raises(ValueError, match=r"got \[\(1, 2, 2\), \(1, 2, 3\)\]"):
            summary([inputs], (delta,), [outputs])


def test_a_panel_may_have_one_curve_of_few_layers():
    draw_layers({"only": {"a": torch.tensor([1.0, 10, 100, 1000])}}, "signal")
    (ax,) = plt.gcf().axes
    assert ax.get_xticks().tolist() == [1]
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [1, 2, 3, 4]
    assert line.get_ydata().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("depth", "ticks"), [(5, [1, 5]), (9, [1, 5]), (10, [1, 5, 10])]
)
def test_every_fifth_layer_has_a_tick(depth, ticks):
    draw_layers({"only": {"a": torch.ones(depth)}}, "signal")
    assert plt.gca().get_xticks().tolist() == ticks


def test_a_label_stands_at_its_height_if_there_is_room():
    ax = Figure().subplots()
    ax.set_ylim(0, 10)
    label_ends(ax, [7.0, 2.0, 5.0], ["a", "b", "c"], 3.0)
    assert [text.get_position() for text in ax.texts] == [(3, 7), (3, 2), (3, 5)]
    for i, text in enumerate(ax.texts):
        assert text.get_text() == "abc"[i]
        assert same_color(text.get_color(), f"C{i}")


def test_labels_that_would_cover_each_other_are_a_tenth_of_the_panel_apart():
    ax = Figure().subplots()
    ax.set_ylim(-10, 0)
    label_ends(ax, [-5.0, -5.0, -0.5, -0.1, -20], list("abcde"), 1.0)
    heights = [text.get_position()[1] for text in ax.texts]
    # from below; from above: a third of a line may stand out at the top
    assert heights == pytest.approx([-5, -4, 1 / 3 - 1, 1 / 3, -10])


def test_the_lengths_of_each_draw_and_their_last_mean_are_drawn():
    lengths = torch.tensor([[1.0, 10, 100], [1, 1, 1]])
    draw_products({"a": lengths}, {"b": lengths, "c": 100 * lengths})
    for ax, shifts in zip(plt.gcf().axes, ((0,), (0, 2)), strict=True):
        lines = [line.get_xydata().tolist() for line in ax.lines]
        assert lines == [
            [[1, shift], [2, y + shift], [3, 2 * y + shift]]
            for shift in shifts
            for y in (1, 0)
        ]
        assert [text.get_position()[1] for text in ax.texts] == [s + 1 for s in shifts]
