"""The figures of concept_drift show what their captions say."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from firstdescent.deep.figures.concept_drift import draw_angles, draw_rules, draw_trade


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_each_panel_has_its_own_inputs_and_a_boundary_perpendicular_to_the_rule():
    X, y = torch.tensor([[1.0, 0], [-1, 0]]), torch.tensor([1.0, 0])
    now = {
        "now": (X, y, torch.tensor([0.0, 1])),
        "later": (2 * X, 1 - y, torch.tensor([1.0, 0])),
    }
    draw_rules(torch.tensor([2.0, 0]), now)
    first, second = (axes.lines for axes in plt.gcf().axes)
    for lines, sign in ((first, 1), (second, -2)):
        missed, sold, _, frozen = lines
        np.testing.assert_allclose(missed.get_xydata(), [[-sign, 0]])
        np.testing.assert_allclose(sold.get_xydata(), [[sign, 0]])
        assert missed.get_marker() != sold.get_marker()
        np.testing.assert_allclose(frozen.get_xdata(), 0)
    np.testing.assert_allclose(first[2].get_ydata(), 0)
    np.testing.assert_allclose(second[2].get_xdata(), 0, atol=1e-7)


def test_the_angles_of_the_weights_are_drawn_without_jumps_of_a_turn():
    truth = torch.linspace(0, 2 * math.pi, 201)
    turns = {"near": truth - 0.5, "far": 0 * truth, "jumps": truth + 0.7}
    models = {
        name: 3 * torch.stack([a.cos(), a.sin()], dim=1) for name, a in turns.items()
    }
    models["jumps"][100] *= -1  # half a turn away, for one step
    right = {name: torch.tensor([0.25, 0.25 + k]) for k, name in enumerate(models)}
    draw_angles(truth, models, right)
    top, below = plt.gcf().axes
    rule, near, far, jumps = (line.get_ydata() for line in top.lines)
    np.testing.assert_allclose(rule[[0, -1]], [0, 360], atol=1e-3)
    np.testing.assert_allclose(near, rule - math.degrees(0.5), atol=1e-3)
    np.testing.assert_allclose(far, 0, atol=1e-3)
    gap = np.full(21, math.degrees(0.7))
    gap[10] -= 180
    np.testing.assert_allclose(jumps, rule + gap, atol=1e-3)
    for k, line in enumerate(below.lines):
        np.testing.assert_allclose(
            line.get_xydata(), [[50.25, 0.25], [150.75, 0.25 + k]]
        )


def test_the_trade_draws_the_formula_and_a_window_at_its_lr():
    some = torch.tensor([0.01, 0.1])
    draw_trade(
        some, 2 * some, torch.tensor([19.0]), some[:1], lambda v: (v, 2 * v, 3 * v)
    )
    lag, noise, both, dots, squares = (line.get_xydata() for line in plt.gca().lines)
    for k, line in enumerate((lag, noise, both), start=1):
        np.testing.assert_allclose(line[:, 1], k * line[:, 0])
    np.testing.assert_allclose(dots, [[0.01, 0.02], [0.1, 0.2]])
    np.testing.assert_allclose(squares, [[0.1, 0.01]])
