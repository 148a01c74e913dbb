"""The drawings of gaussian_mle show what their captions say."""

import math

import pytest
import torch
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from firstdescent.estimation.figures.gaussian_mle import draw_bells, draw_divisors


def test_each_bar_reaches_the_bell_and_each_panel_names_its_product():
    figure, prices = Figure(), torch.tensor([290.0, 320.0], dtype=torch.float64)
    draw_bells(figure, prices, (280, 300), sigma=20)
    for ax, mean in zip(figure.axes, (280, 300), strict=True):
        heights = [
            math.exp(-((x - mean) ** 2) / 800) / math.sqrt(800 * math.pi)
            for x in (290, 320)
        ]
        bars = ax.collections[0].get_segments()
        assert_allclose(
            bars, [[[290, 0], [290, heights[0]]], [[320, 0], [320, heights[1]]]]
        )
        texts = [text.get_text() for text in ax.texts]
        assert texts == [f"b = {mean}", f"{heights[0] * heights[1]:.1e}"]
        x, y = ax.lines[0].get_data()
        assert x[y.argmax()] == mean


def test_each_panel_counts_its_estimates_and_marks_their_mean():
    figure = Figure()
    values = torch.tensor([100.0, 110.0, 900.0, 5000.0], dtype=torch.float64)
    draw_divisors(figure, {"n": values[:3], "n - p": values}, truth=400)
    first, second = figure.axes
    assert sum(patch.get_height() for patch in first.patches) == 3
    assert sum(patch.get_height() for patch in second.patches) == 3  # one lies beyond
    assert first.lines[0].get_xdata() == [400, 400]
    assert first.lines[1].get_xdata()[0] == pytest.approx(370)
    one = Figure()  # a single panel works, too
    draw_divisors(one, {"n": values[:3]}, truth=400)
    assert len(one.axes) == 1
    names = [ax.texts[0].get_text() for ax in figure.axes]
    assert names == ["divided by n", "divided by n - p"]
