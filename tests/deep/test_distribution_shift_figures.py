"""The figures of distribution_shift show what their captions say."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import same_color, to_rgb
from numpy.testing import assert_allclose

from firstdescent.deep.figures.distribution_shift import draw_kinds, draw_lines

D = torch.float64


@pytest.fixture(autouse=True)
def axes():
    yield lambda: plt.gcf().axes
    plt.close("all")


def test_bars_are_as_high_as_the_shares_and_filled_as_far_as_sold(axes):
    source = torch.tensor([[0.1, 0.3], [0.4, 0.2]], dtype=D)
    target = torch.tensor([[0.2, 0.2], [0.5, 0.1]], dtype=D)
    draw_kinds(source, {"one": target, "two": source}, ["a", "b"])
    first, second = axes()
    heights = [[bar.get_height() for bar in group] for group in first.containers]
    assert_allclose(heights, [[0.4, 0.6], [0.3, 0.2], [0.4, 0.6], [0.2, 0.1]])
    places = [group[0].get_x() for group in first.containers]
    assert places[0] == places[1] < places[2] == places[3]
    assert [panel.get_title() for panel in (first, second)] == ["one", "two"]
    names = [group.get_label() for group in first.containers]
    assert names[1::2] == ["January: sold", "July: sold"]
    legend = plt.gcf().legends[0]
    assert [t.get_text() for t in legend.get_texts()] == names[1::2]
    for k in (0, 1):
        assert same_color(
            first.containers[2 * k + 1][0].get_facecolor()[:3], to_rgb(f"C{k}")
        )
    assert [t.get_text() for t in second.get_xticklabels()] == ["a", "b"]


def test_dots_are_as_large_as_the_weights_and_lines_have_their_slopes(axes):
    x, y, w = (torch.tensor(v, dtype=D) for v in ([1, 2.0], [3, 4.0], [2, 0.5]))
    lines = {k: torch.tensor([i, 1.0]) for i, k in enumerate("abc")}
    months = {"q": (2.0, 0.5), "p": (1.5, 0.3)}
    draw_lines(months, (x, y, w), lambda v: v**2, lines)
    top, low = axes()
    (dots,) = low.collections
    assert_allclose(dots.get_offsets(), [[1, 3], [2, 4]])
    assert_allclose(dots.get_sizes(), [40, 10])
    curve, *drawn = low.lines
    assert_allclose(curve.get_ydata(), curve.get_xdata() ** 2)
    for slope, line in enumerate(drawn):
        assert_allclose(line.get_ydata(), slope * line.get_xdata() + 1)
    peaks = [line.get_xdata()[line.get_ydata().argmax()] for line in top.lines]
    assert_allclose(peaks, [2, 1.5])
    heights = [line.get_ydata().max() for line in top.lines]
    assert_allclose(heights, [1 / (sd * (2 * math.pi) ** 0.5) for sd in (0.5, 0.3)])
    assert [line.get_label() for line in top.lines] == ["q", "p"]
    assert [line.get_label() for line in low.lines] == ["true curve", *"abc"]
    for line, color in zip(drawn, ("C0", "C2", "C1"), strict=True):
        assert same_color(line.get_color(), color)
    for line, color in zip(top.lines, ("C0", "C1"), strict=True):
        assert same_color(line.get_color(), color)
    assert same_color(dots.get_facecolor()[0][:3], to_rgb("C0"))
    assert low.get_xlabel() == "size, in 100 m²"
    assert low.get_ylabel() == "price, in 100,000 euros"
