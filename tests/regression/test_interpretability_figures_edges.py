"""Which points, colours and limits the drawings of interpretability have."""

import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from firstdescent.regression.figures.interpretability import (
    draw_shuffled,
    draw_simpson,
    draw_slices,
    draw_waterfall,
)


def test_a_small_gain_has_the_colour_of_a_gain():
    ax = Figure().subplots()
    draw_waterfall(ax, 300.0, ["a", "b", "c"], torch.tensor([0.5, 50.0, -0.5]))
    colours = [bar.get_facecolor() for bar in ax.patches]
    assert same_color(colours[0], colours[1])
    assert not same_color(colours[0], colours[2])


def test_the_waterfall_leaves_room_for_its_numbers_and_has_no_level_lines():
    ax = Figure().subplots()
    draw_waterfall(ax, 300.0, ["a", "b"], torch.tensor([-20.0, 50.0]))
    left, right = ax.get_xlim()
    assert left == pytest.approx(280 - 0.1 * 50)
    assert right == pytest.approx(330 + 0.1 * 50)
    assert not any(line.get_visible() for line in ax.yaxis.get_gridlines())


def test_the_numbers_of_the_waterfall_stand_right_of_the_bars():
    ax = Figure().subplots()
    draw_waterfall(ax, 300.0, ["a", "b"], torch.tensor([-20.0, 50.0]))
    down, up, end = (text.get_position() for text in ax.texts[:3])
    for (x, row), (edge, expected) in zip(
        (down, up, end), ((300, 0), (330, 1), (330, 2)), strict=True
    ):
        assert row == expected and edge < x < edge + 5


def test_each_panel_shows_the_first_200_houses_in_grey():
    axes, n = Figure().subplots(3), 250
    area = torch.arange(n).float()
    draw_slices(axes, area, -area, ["hills"] * n)
    for ax in axes:
        grey, inside, *_ = ax.lines
        assert grey.get_xdata().tolist() == list(range(200))
        assert grey.get_ydata().tolist() == [-i for i in range(200)]
        assert len(inside.get_xdata()) == (n if ax is axes[0] else 0)
        assert same_color(inside.get_color(), ax.title.get_color())


def test_each_district_has_its_colour_its_marker_and_a_line_over_its_own_areas():
    area = torch.tensor([[4.0, 1.0, 2.0], [7.0, 9.0, 8.0], [5.0, 3.0, 6.0]])
    lines = [(-1.0, 5.0), (2.0, 0.0), (2.0, 1.0), (2.0, 2.0)]
    axes = Figure().subplots(2)
    draw_simpson(axes, area, 2 * area, lines)
    points, pooled = axes[0].lines
    assert points.get_xdata().tolist() == area.flatten().tolist()
    assert points.get_ydata().tolist() == (2 * area.flatten()).tolist()
    assert list(pooled.get_xdata()) == [1, 9]
    dots, own = axes[1].lines[::2], axes[1].lines[1::2]
    for k, (dot, line) in enumerate(zip(dots, own, strict=True)):
        assert dot.get_xdata().tolist() == area[k].tolist()
        assert list(line.get_xdata()) == [area[k].min(), area[k].max()]
        assert same_color(dot.get_color(), line.get_color())
    assert len({dot.get_marker() for dot in dots}) == 3
    assert len({dot.get_color() for dot in dots}) == 3


def test_each_panel_of_shuffled_areas_shows_300_houses():
    axes, area = Figure().subplots(2), torch.arange(400.0)
    draw_shuffled(axes, area % 5 + 1, [area, area.flip(0)])
    for ax in axes:
        assert len(ax.lines[0].get_xdata()) == 300
        low, high = ax.get_ylim()
        assert low < 1 and high > 5
        assert list(ax.get_yticks()) == [1, 2, 3, 4, 5]
