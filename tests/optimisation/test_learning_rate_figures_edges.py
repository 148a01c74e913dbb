"""Which colours, limits and labels the drawings of learning_rate have."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from firstdescent.optimisation.figures.learning_rate import (
    draw_edge,
    draw_regimes,
    draw_steps,
)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_the_panels_share_their_scale_and_the_lowest_names_it():
    draw_regimes({0.5: "creeps", 1.0: "arrives", 2.5: "diverges"}, steps=2)
    panels = plt.gcf().axes
    assert {axes.get_xlim() for axes in panels} == {panels[0].get_xlim()}
    assert [bool(axes.get_xlabel()) for axes in panels] == [False, False, True]
    assert [axes.get_ylabel() for axes in panels] == ["loss"] * 3
    assert {axes.get_ylim() for axes in panels} == {(-0.15, 2)}
    assert panels[1].get_title() == "lr = 1.0/λ: arrives"


def test_each_walk_has_its_colour_and_begins_in_a_dot_larger_than_its_own():
    draw_regimes({0.5: "creeps", 1.0: "arrives"}, steps=2)
    for k, axes in enumerate(plt.gcf().axes):
        parabola, walk, start = axes.lines
        assert start.get_xydata().tolist() == [[1, 0.5]]
        assert start.get_markersize() > walk.get_markersize()
        assert same_color(walk.get_color(), f"C{k}")
        assert same_color(start.get_color(), parabola.get_color())
        assert not same_color(start.get_color(), walk.get_color())


def steps_drawn():
    axes = Figure().subplots()
    axes.set_prop_cycle(color=["black"])
    tables = {"one": (1.0, 9.0), "two": (0.5, 40.0)}
    draw_steps(axes, tables, torch.tensor([0.1]), torch.tensor([70]))
    return axes


def test_each_table_has_its_colour_whatever_was_drawn_before():
    axes = steps_drawn()
    one, _, two, _, counted = axes.lines
    for line, colour in ((one, "C0"), (two, "C1"), (counted, "C0")):
        assert same_color(line.get_color(), colour)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["one", "two", "counted"]


def test_the_steps_are_exact_from_a_hundredth_to_a_millionth_below_the_limit():
    lr, steps = steps_drawn().lines[0].get_xydata().T
    assert lr.min() == pytest.approx(0.01 * 2 / 9)
    assert 1 - lr.max() * 9 / 2 == pytest.approx(1e-6)
    rate = np.maximum(abs(1 - lr), abs(1 - 9 * lr))
    np.testing.assert_allclose(steps, np.log(1000) / -np.log(rate), 1e-6)


def test_the_limits_are_dotted_and_lie_behind_the_lines():
    one, limit, *_ = steps_drawn().lines
    assert limit.get_linestyle() == ":"
    assert limit.get_zorder() < one.get_zorder()


def edge_drawn():
    draw_edge([0.5, 0.25], 10, torch.ones(3, 2), torch.ones(3, 2) / 10)
    return plt.gcf().axes


def test_the_walk_is_drawn_over_the_same_steps_above_and_below():
    top, below = edge_drawn()
    assert top.get_xlim() == below.get_xlim()
    assert (top.get_xlabel(), below.get_xlabel()) == ("", "step")
    assert top.get_ylim() == pytest.approx((0, 1.15 * 8))
    ticks = [text.get_text() for text in below.get_yticklabels()]
    assert ticks == ["0.02", "0.05", "0.1", "0.3"]


def test_each_limit_has_its_name_above_its_right_end():
    top, _ = edge_drawn()
    assert [text.get_text() for text in top.texts] == ["2/0.5", "2/0.25"]
    assert [text.xy for text in top.texts] == [(20, 4), (20, 8)]
    plt.gcf().draw_without_rendering()
    for text in top.texts:
        x, y = top.transData.transform(text.xy)
        box = text.get_window_extent()
        assert box.x1 == pytest.approx(x, abs=1)
        assert y < box.y0 < y + 20
