"""The figures of minibatch show what their captions say."""

from math import inf

import matplotlib.pyplot as plt
import pytest
import torch
from numpy.testing import assert_allclose

from firstdescent.optimisation.figures.minibatch import (
    draw_clouds,
    draw_elbows,
    draw_floors,
    draw_orders,
)


@pytest.fixture
def ax():
    yield plt.figure().gca()
    plt.close("all")


def test_a_cloud_shows_the_last_two_entries_and_the_full_gradient(ax):
    cloud = torch.tensor([[9.0, 1.0, 2.0], [9.0, 3.0, 5.0]])
    draw_clouds(ax, {1: cloud, 4: cloud + 1}, torch.tensor([9.0, -1.0, -2.0]))
    one, four, star, origin = ax.lines
    assert_allclose(one.get_xydata(), [[1, 2], [3, 5]])
    assert_allclose(four.get_xydata(), [[2, 3], [4, 6]])
    assert_allclose(star.get_xydata(), [[-1, -2]])
    assert_allclose(origin.get_xydata(), [[0, 0]])
    assert [t.get_text() for t in ax.texts][:2] == ["B = 1", "B = 4"]


def test_floors_are_drawn_over_their_runs_and_the_rest_dashed(ax):
    expected = torch.rand(51, 2, generator=torch.Generator().manual_seed(0)) + 5
    draw_floors(ax, expected, [expected[:, 0] + 1], ["a", "b"])
    runs, first, second = ax.lines
    assert_allclose(runs.get_ydata(), expected[::25, 0] + 1)
    assert_allclose(first.get_xydata()[:, 0], [0, 25, 50])
    assert_allclose(second.get_ydata(), expected[::25, 1])
    assert (first.get_linestyle(), second.get_linestyle()) == ("-", "--")
    assert ax.get_yscale() == "log"


def test_the_asymptotes_meet_at_the_elbow(ax):
    draw_elbows(ax, [1, 16, inf], {10: [800, 90, 20]})
    curve, falling, level, elbow = ax.lines
    assert_allclose(curve.get_xydata(), [[1, 800], [16, 90]])
    assert_allclose(falling.get_xydata(), [[1, 800], [40, 20]])  # 800 / B
    assert_allclose(level.get_ydata(), [20, 20])
    assert_allclose(elbow.get_xydata(), [[40, 20]])
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_orders_are_drawn_from_the_first_epoch_on(ax):
    draw_orders(ax, {"a": torch.tensor([8.0, 4.0, 2.0])}, level=3)
    assert_allclose(ax.lines[0].get_xydata(), [[1, 8], [2, 4], [3, 2]])
    assert_allclose(ax.lines[1].get_ydata(), [3, 3])
    assert ax.get_xscale() == ax.get_yscale() == "log"
