"""The figures of irls show what their captions say."""

import matplotlib.pyplot as plt
import pytest
import torch
from numpy.testing import assert_allclose

from firstdescent.optimisation.figures.irls import draw_responses, draw_valley


@pytest.fixture(autouse=True)
def axes():
    yield lambda: plt.gcf().axes
    plt.close("all")


def test_dots_lie_at_the_responses_are_as_large_as_the_weights_and_a_line_is_fitted(
    axes,
):
    x, y = torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([0.0, 1.0, 1.0])
    z, s = torch.tensor([-3.0, 2.0, 5.0]), torch.tensor([0.1, 0.25, 0.05])
    theta = torch.tensor([2.0, 1.0])
    draw_responses(x, y, {1: (z, s, theta), 4: (z, s / 2, theta)})
    first, second = axes()
    ones, zeros = first.collections
    assert_allclose(ones.get_offsets(), [[0, 2], [2, 5]])
    assert_allclose(zeros.get_offsets(), [[-1, -3]])
    assert_allclose(ones.get_sizes(), [40, 8])
    assert_allclose(second.collections[0].get_sizes(), [20, 4])
    assert_allclose(first.lines[0].get_xydata(), [[-1, -1], [2, 5]])
    assert [panel.get_title() for panel in axes()] == ["step 1", "step 4"]


def test_the_path_and_the_ends_are_drawn_on_the_contours(axes):
    path = torch.tensor([[0.0, 0.0], [1.0, 0.5], [2.0, 0.0]])
    end = torch.tensor([1.5, 0.25])

    def bowl(theta):
        return (theta**2).sum() + 0.01

    draw_valley(bowl, path, {"here": end})
    line, square = axes()[0].lines
    assert_allclose(line.get_xydata(), path)
    assert_allclose(square.get_xydata(), [[1.5, 0.25]])
    assert axes()[0].texts[0].get_text() == "here"
    contours = axes()[0].collections[0]
    for level, part in zip(contours.levels, contours.get_paths(), strict=True):
        for point in part.vertices:
            height = bowl(torch.tensor(point)).log10().item()
            assert height == pytest.approx(level, abs=0.05)
