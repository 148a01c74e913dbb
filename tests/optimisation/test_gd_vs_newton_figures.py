"""The figures of gd_vs_newton show what their captions say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from firstdescent.optimisation.figures.gd_vs_newton import (
    draw_arrows,
    draw_basins,
    draw_cost,
    draw_errors,
    draw_newton_steps,
    draw_paths,
)


@pytest.fixture(autouse=True)
def axes():
    yield lambda: plt.gcf().axes
    plt.close("all")


def cubic(w):
    return (w**3 / 3 - 2 * w).sum()


def quadratic(w):
    return w[0] ** 2 - w[1] ** 2 / 4


def test_the_parabola_is_lowest_above_or_below_the_next_point(axes):
    path = torch.tensor([[1.0], [1.5]]).double()  # f' = -1, f'' = 2 at 1
    draw_newton_steps(cubic, path, 0.5, 2.0)
    parabola = axes()[0].lines[1].get_xydata()
    x, y = parabola[parabola[:, 1].argmin()]
    assert x == pytest.approx(1.5, abs=0.01)
    assert y == pytest.approx(1 / 3 - 2 - 1 / 4, abs=1e-3)
    assert_allclose(axes()[0].lines[3].get_xydata(), [[1.5, 1 / 3 - 2 - 1 / 4]])


def test_each_path_is_drawn_through_its_points(axes):
    path = torch.tensor([[0.0, 1.0], [2.0, 3.0], [-1.0, 0.5]])
    draw_paths(quadratic, {"one": path, "two": path[:2]})
    one, two = axes()[0].lines
    assert_allclose(one.get_xydata(), path)
    assert_allclose(two.get_xydata(), path[:2])


def test_errors_below_the_floor_are_left_out_and_the_axis_is_logarithmic(axes):
    draw_errors({"one": [1.0, 0.1, 1e-13, 0.0]}, 0.5, "level", floor=1e-12)
    assert axes()[0].lines[0].get_ydata().tolist() == [1.0, 0.1]
    assert axes()[0].lines[1].get_ydata() == [0.5, 0.5]
    assert axes()[0].get_yscale() == "log"


def test_newtons_arrows_point_at_the_saddle_and_the_others_fall(axes):
    starts = torch.tensor([[1.0, 0.5], [-0.5, 1.0]]).double()
    draw_arrows(quadratic, starts, 0.5)
    falling, jumping = [c for c in axes()[0].collections if hasattr(c, "U")]
    assert_allclose(np.c_[jumping.U, jumping.V], -0.5 * starts)
    assert_allclose(np.c_[falling.U, falling.V], [[-1, 0.125], [0.5, 0.25]])


def test_the_colour_of_a_start_is_that_of_the_kind_of_its_end(axes):
    def waves(w):
        return torch.sin(torch.pi * w).sum()

    top, bottom = 0.5, -0.5
    ends = [[bottom, bottom], [bottom, top], [top, bottom], [top, top]]
    draw_basins(waves, {"a": torch.tensor(ends), "b": torch.tensor(ends[:1] * 4)})
    first, second = (panel.images[0].get_array() for panel in axes())
    assert first[1, 1] > max(first[0, 1], first[1, 0]) > first[0, 0]
    assert min(first[0, 1], first[1, 0]) > first[0, 0] + 0.4
    assert (second == first[0, 0]).all()
    titles = [panel.get_title() for panel in axes()]
    assert titles == ["a: 25%, 50%, 25%", "b: 100%, 0%, 0%"]


def test_costs_of_powers_of_d_are_lines_with_those_slopes(axes):
    d = torch.tensor([1.0, 10, 100])
    draw_cost(d, {"a": d, "b": d**2, "c": d**3}, memory=4 * d**2)
    top, low = axes()
    slopes = [
        np.diff(np.log10(line.get_ydata()))[0] for line in (*top.lines, low.lines[0])
    ]
    assert_allclose(slopes, [1, 2, 3, 2], atol=1e-6)
    assert top.get_xscale() == top.get_yscale() == low.get_yscale() == "log"
    assert low.lines[1].get_ydata()[0] == 16e9
    assert [text.get_text() for text in top.texts] == ["a", "b", "c"]
