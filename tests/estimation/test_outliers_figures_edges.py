"""What the drawings of outliers name, and how far their axes go."""

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import same_color

from firstdescent.estimation.figures.outliers import (
    STYLES,
    draw_drag,
    draw_lines,
    draw_pulls,
)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def style(line):
    """A line's colour and dashes, as they are written for `plot`."""
    number = next(k for k in range(6) if same_color(line.get_color(), f"C{k}"))
    return f"C{number}{line.get_linestyle()}"


def test_pulls_are_drawn_to_eight_scales_with_a_gap_where_they_jump():
    names = ("square", "jump", "half", "no", "two")
    weights = {name: lambda z, k=k: 0 * z + k for k, name in enumerate(names)}
    weights["jump"] = lambda z: 1 / z.abs()
    draw_pulls(weights)
    top, bottom = plt.gcf().axes
    for ax in (top, bottom):
        assert tuple(map(style, ax.lines)) == STYLES
        z = ax.lines[0].get_xdata()
        assert (z[0], z[-1], len(z)) == (-8, 8, 320)
        assert 0 not in z
    assert [line.get_label() for line in top.lines] == list(names)
    pull = torch.as_tensor(top.lines[1].get_ydata())
    assert pull.isnan().nonzero().tolist() == []
    (legend,) = top.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(names)
    assert (top.get_ylim(), bottom.get_ylim()) == ((-4, 4), (0, 2))
    assert (top.get_ylabel(), bottom.get_ylabel()) == ("pull ψ", "weight ψ / z")
    assert bottom.get_xlabel() == "z, residual / scale"
    assert top.get_shared_x_axes().joined(top, bottom)


def test_no_pull_is_drawn_where_a_weight_is_fifty_or_more():
    draw_pulls({"49": lambda z: 0 * z + 49, "50": lambda z: 0 * z + 50})
    below, above = (
        torch.as_tensor(line.get_ydata()) for line in plt.gcf().axes[0].lines
    )
    assert below.isfinite().all()
    assert above.isnan().all()


def test_the_drag_is_named_once_for_both_panels():
    x, e = torch.tensor([0.0, 1, 3]), torch.tensor([0.0, 4])
    line, shift = torch.tensor([1.0, 0]), torch.tensor([0.0, 0.3])
    draw_drag(x, x, {"a": line, "b": -line}, e, {"a": shift, "b": 2 * shift})
    top, bottom = plt.gcf().axes
    assert top.lines[2].get_xydata().tolist() == [[0, 0], [3, 3]]
    assert [style(one) for one in bottom.lines] == ["C0-", "C1--"]
    assert bottom.lines[1].get_xdata().tolist() == [0, 4]
    (legend,) = bottom.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    assert bottom.get_ylim() == (-0.05, 0.4)
    assert bottom.get_ylabel() == "shift of the line"
    assert bottom.get_xlabel() == "error of the one label, in sd of the noise"


def test_the_ring_is_empty_and_the_lines_reach_both_ends():
    x, y = torch.tensor([5.0, -1, 2]), torch.tensor([3.0, 1, 7])
    ax = plt.figure().gca()
    draw_lines(ax, x, y, {"fit": torch.tensor([2.0, -1]), "flat": torch.zeros(2)})
    points, ring, fit, flat = ax.lines
    assert points.get_xydata().tolist() == [[5, 3], [-1, 1], [2, 7]]
    assert (points.get_linestyle(), points.get_marker()) == ("None", "o")
    assert same_color(points.get_color(), plt.rcParams["axes.edgecolor"])
    assert ring.get_xydata().tolist() == [[2, 7]]
    assert ring.get_markerfacecolor() == "none"
    assert (ring.get_markersize(), ring.get_markeredgewidth()) == (14, 2)
    assert same_color(ring.get_color(), "C5")
    assert fit.get_xydata().tolist() == [[-1, -3], [5, 9]]
    assert [(style(one), one.get_label()) for one in (fit, flat)] == [
        ("C0-", "fit"),
        ("C1--", "flat"),
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
