"""The drawings show what the page says of them."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.estimation.figures.outliers import draw_drag, draw_lines, draw_pulls


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_upper_curve_is_the_weight_times_u():
    draw_pulls({"absolute": lambda u: 1 / u.abs(), "half": lambda u: 0 * u + 0.5})
    top, bottom = plt.gcf().axes
    u = top.lines[0].get_xdata()
    assert set(top.lines[0].get_ydata()) <= {-1, 1} or max(
        abs(abs(v) - 1) for v in top.lines[0].get_ydata()
    ) == pytest.approx(0, abs=1e-12)
    assert list(top.lines[1].get_ydata()) == pytest.approx(list(u / 2))
    assert list(bottom.lines[1].get_ydata()) == [0.5] * len(u)


def test_the_ring_is_around_the_last_point_and_the_lines_are_the_fits():
    x, y = torch.tensor([0.0, 1, 2]), torch.tensor([3.0, 1, 7])
    draw_lines(plt.figure().gca(), x, y, {"fit": torch.tensor([2.0, -1])})
    points, ring, line = plt.gca().lines
    assert list(points.get_ydata()) == [3, 1, 7]
    assert [ring.get_xdata()[0], ring.get_ydata()[0]] == [2, 7]
    assert list(line.get_ydata()) == [-1, 3]


def test_the_lower_panel_holds_the_shifts_as_given():
    x, y, e = torch.tensor([0.0, 1]), torch.tensor([0.0, 1]), torch.tensor([0.0, 4])
    draw_drag(x, y, {"a": torch.tensor([1.0, 0])}, e, {"a": torch.tensor([0.0, 0.3])})
    line = plt.gcf().axes[1].lines[0]
    assert list(line.get_ydata()) == pytest.approx([0, 0.3])
