"""The figures of accumulation_ddp show what their captions say."""

import matplotlib.pyplot as plt
import pytest
import torch
from numpy.testing import assert_allclose

from firstdescent.optimisation.figures.accumulation_ddp import draw_ranks, draw_weights


@pytest.fixture(autouse=True)
def axes():
    yield lambda: plt.gcf().axes
    plt.close("all")


def test_each_row_has_a_bar_as_high_as_its_weight_and_a_line_marks_the_mean(axes):
    weights = [1 / 4, 1 / 4] + [1 / 6] * 3
    draw_weights(weights, 2)
    bars = axes()[0].patches
    assert [bar.get_height() for bar in bars] == weights
    assert [round(bar.get_x() + bar.get_width() / 2) for bar in bars] == [0, 1, 2, 3, 4]
    assert bars[1].get_facecolor() != bars[2].get_facecolor()
    assert axes()[0].lines[0].get_ydata() == [1 / 5, 1 / 5]
    village, even, town = (text.get_text() for text in axes()[0].texts)
    assert village == "1/4 each, in the village"
    assert even == "1/5, if each counts once"
    assert town == "1/6 each, in the town"


def test_the_average_ends_half_way_and_the_circle_is_the_right_gradient(axes):
    sent = torch.tensor([0.0, 100.0]), torch.tensor([50.0, 300.0])
    right = torch.tensor([40.0, 260.0])
    draw_ranks({"one": sent, "two": sent[::-1]}, right)
    for panel, title in zip(axes(), ("one", "two"), strict=True):
        assert panel.get_title() == title
        assert_allclose(panel.lines[1].get_xydata(), [[40, 260]])
        ends = [text.xy for text in panel.texts if text.arrow_patch]
        assert_allclose(ends[2], (25, 200))
        expected = [(0, 100), (50, 300)][:: 1 if title == "one" else -1]
        assert_allclose(ends[:2], expected)
        assert_allclose(panel.lines[0].get_xydata(), expected)
