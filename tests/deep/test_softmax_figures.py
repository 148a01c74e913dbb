"""The figures of softmax show what their captions say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from firstdescent.deep.figures.softmax import (
    draw_borders,
    draw_images,
    draw_lines,
    draw_pulls,
)


@pytest.fixture(autouse=True)
def axes():
    yield lambda: plt.gcf().axes
    plt.close("all")


def test_an_arrow_goes_from_each_bar_to_its_target_and_shows_the_gradient(axes):
    p = torch.tensor([0.25, 0.5, 0.25])
    draw_pulls({"a": p, "b": p}, 1, ["x", "y", "z"])
    top = axes()[0]
    assert [bar.get_height() for bar in top.patches] == [0.25, 0.5, 0.25]
    assert_allclose(
        [line.get_ydata() for line in top.lines[0::3]], [[0] * 2, [1] * 2, [0] * 2]
    )
    arrows = [line.get_ydata() for line in top.lines[1::3]]
    assert_allclose(arrows, [[0.25, 0], [0.5, 1], [0.25, 0]])
    assert [line.get_marker() for line in top.lines[2::3]] == ["v", "^", "v"]
    assert [text.get_text() for text in top.texts] == [
        "+0.25",
        "\N{MINUS SIGN}0.50",
        "+0.25",
    ]


def test_a_border_is_where_the_best_class_changes(axes):
    def rule(points):  # x below 1, above it, and a class that never leads
        return torch.stack(
            [1 - points[:, 0], points[:, 0] - 1, -9 + 0 * points[:, 0]], 1
        )

    X, y = torch.zeros(3, 2), torch.tensor([0, 1, 2])
    draw_borders(X, y, {"one": rule, "two": rule})
    contours = [c for c in axes()[0].collections if len(c.get_paths()[0])]
    points = np.vstack([c.get_paths()[0].vertices for c in contours])
    assert_allclose(points[:, 0], 1, atol=1e-6)
    assert np.ptp(points[:, 1]) == pytest.approx(6)
    dashes = [c.get_linestyle()[0][1] for c in axes()[0].collections]
    assert dashes[:3] == [None] * 3 and None not in dashes[3:]
    legend = plt.gcf().legends[0]
    assert [t.get_text() for t in legend.get_texts()] == ["one", "two"]
    assert [line.get_linestyle() for line in legend.get_lines()] == ["-", "--"]


def test_lines_are_drawn_through_their_points(axes):
    x = torch.tensor([0.0, 1.0])
    draw_lines(x, {"a": x, "b": 2 * x})
    assert_allclose([line.get_ydata() for line in axes()[0].lines], [[0, 1], [0, 2]])
    assert [t.get_text() for t in axes()[0].get_legend().get_texts()] == ["a", "b"]


def test_images_stand_side_by_side_with_a_gap_and_their_names(axes):
    images = torch.arange(128.0).view(2, 64)
    draw_images([images, images], [[3, 4], [5, 6]])
    strip = axes()[0].images[0].get_array()
    assert_allclose(strip[:, :8], images[0].view(8, 8))
    assert_allclose(strip[:, 9:], images[1].view(8, 8))
    assert np.ma.getmaskarray(np.ma.masked_invalid(strip))[:, 8].all()
    assert [t.get_text() for t in axes()[1].get_xticklabels()] == ["5", "6"]
