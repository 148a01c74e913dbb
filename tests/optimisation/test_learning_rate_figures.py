"""The figures of learning_rate show what their captions say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from firstdescent.optimisation.figures.learning_rate import (
    draw_edge,
    draw_regimes,
    draw_steps,
)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_each_panel_draws_its_walk_on_the_parabola():
    draw_regimes({0.5: "creeps", 2.0: "for ever"}, steps=3)
    creeps, for_ever = (axes.lines[1].get_xydata() for axes in plt.gcf().axes)
    np.testing.assert_allclose(creeps[:, 0], [1, 0.5, 0.25, 0.125])
    np.testing.assert_allclose(for_ever[:, 0], [1, -1, 1, -1])
    for walk in (creeps, for_ever):
        np.testing.assert_allclose(walk[:, 1], walk[:, 0] ** 2 / 2)


def test_the_line_of_steps_is_lowest_at_the_best_lr_and_ends_at_the_limit():
    axes = plt.figure().gca()
    draw_steps(axes, {"one": (1.0, 9.0)}, torch.tensor([0.1]), torch.tensor([70]))
    lr, steps = axes.lines[0].get_xydata().T
    rate = np.maximum(abs(1 - lr), abs(1 - 9 * lr))
    np.testing.assert_allclose(steps[:-1], np.log(1000) / np.log(1 / rate[:-1]), 1e-3)
    assert lr[steps.argmin()] == pytest.approx(2 / 10, rel=0.01)
    # the rate 0.8: a thousandth after ln 1000 / ln 1.25 steps
    assert steps.min() == pytest.approx(np.log(1000) / np.log(1.25), rel=0.03)
    assert lr.max() == pytest.approx(2 / 9)
    assert steps[-1] > 1e5
    assert axes.lines[1].get_xdata()[0] == pytest.approx(2 / 9)
    np.testing.assert_allclose(axes.lines[2].get_xydata(), [[0.1, 70]], rtol=1e-6)


def test_the_edge_of_each_lr_is_two_over_it():
    high = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    draw_edge([0.5, 0.25], 10, high, high / 10)
    top, below = plt.gcf().axes
    np.testing.assert_allclose(top.lines[0].get_xydata(), [[0, 1], [10, 3], [20, 5]])
    assert top.lines[1].get_ydata()[0] == 4
    assert top.lines[3].get_ydata()[0] == 8
    np.testing.assert_allclose(below.lines[1].get_ydata(), [0.2, 0.4, 0.6])
    curves, limits = top.lines[::2], top.lines[1::2]
    colours = [line.get_color() for line in curves]
    assert len(set(colours)) == 2
    assert colours == [line.get_color() for line in limits]
    assert colours == [line.get_color() for line in below.lines]
