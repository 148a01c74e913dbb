"""The drawings of probability show what their captions say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from firstdescent.estimation.figures.probability import (
    draw_inverse,
    draw_paths,
    draw_people,
    draw_prevalence,
)


def test_each_positive_is_drawn_at_its_place_and_in_the_room():
    figure = Figure()
    draw_people(figure, torch.tensor([0, 199, 9900, 9999, 42, 7]), sick=2)
    crowd, room = figure.axes
    rows, marked = crowd.lines[:100], crowd.lines[100:]
    assert sorted(line.get_ydata()[0] for line in rows) == list(range(100))
    places = [list(zip(*line.get_data(), strict=True)) for line in marked]
    assert places == [[(0, 0), (99, 1)], [(0, 99), (99, 99), (42, 0), (7, 0)]]
    assert [len(line.get_xdata()) for line in room.lines] == [2, 4]
    seats = {s for line in room.lines for s in zip(*line.get_data(), strict=True)}
    assert len(seats) == 6
    assert room.get_title() == "those who test positive: 2 sick, 4 healthy"


def test_each_row_of_the_crowd_has_its_dots_where_people_stand():
    figure = Figure()
    draw_people(figure, torch.tensor([5, 6]), sick=1)
    crowd = figure.axes[0]
    width = crowd.get_position().width * figure.get_figwidth() * 72
    low, high = crowd.get_xlim()
    row = crowd.lines[0]
    period = sum(row._unscaled_dash_pattern[1]) * row.get_linewidth()
    assert period == pytest.approx(width / (high - low))
    assert row.get_xdata()[0] == 0
    assert 99 < row.get_xdata()[1] < 100


def test_each_panel_holds_its_paths():
    axes = plt.figure().subplots(2)
    n = torch.tensor([1, 10, 100])
    first, second = torch.arange(6.0).view(2, 3), torch.arange(9.0).view(3, 3)
    draw_paths(axes, n, {"a": first, "b": second}, ylim=(-1, 7))
    for ax, values in zip(axes, (first, second), strict=True):
        assert_allclose([line.get_ydata() for line in ax.lines], values)
        assert ax.get_xscale() == "log"
        assert ax.get_ylim() == (-1, 7)
    assert [ax.get_ylabel() for ax in axes] == ["a", "b"]
    plt.close()


def test_each_level_goes_to_the_curve_and_down():
    ax = Figure().subplots()
    draw_inverse(ax, torch.tensor([0.5]), torch.tensor([2.0]).log())
    curve, way, tip = ax.lines
    x, y = curve.get_data()
    assert_allclose(y, 1 - np.exp(-x), atol=1e-6)
    assert_allclose(way.get_data(), [[0, 0.693147, 0.693147], [0.5, 0.5, 0]], rtol=1e-5)
    assert_allclose(tip.get_xdata(), [0.693147], rtol=1e-5)


def test_you_are_marked_on_the_curve():
    ax = Figure().subplots()
    draw_prevalence(
        ax, torch.tensor([0.001, 0.1]), torch.tensor([0.09, 0.9]), 0.01, 0.5
    )
    even, curve, you = ax.lines
    assert set(even.get_ydata()) == {0.5}
    assert_allclose(curve.get_data(), [[0.001, 0.1], [0.09, 0.9]], rtol=1e-6)
    assert_allclose(you.get_data(), [[0.01], [0.5]])
    assert ax.get_xscale() == "log"
    ticks = dict(zip(ax.get_xticks(), ax.get_xticklabels(), strict=True))
    assert {k: v.get_text() for k, v in ticks.items()}[1e-2] == "1 %"
