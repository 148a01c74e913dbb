"""The drawings show what the page says of them."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.estimation.figures.laplace_robust import (
    draw_bounce,
    draw_densities,
    draw_kinks,
    draw_lines,
)

FIVE = torch.tensor([1.0, 2, 4, 9, 30], dtype=torch.float64)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_slopes_are_counts_and_the_bar_at_the_median_crosses_zero():
    draw_kinks(FIVE, low=-1, high=12)
    top, bottom = plt.gcf().axes
    texts = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in bottom.texts]
    assert texts == ["-5", "-3", "-1", "+1", "+3"]
    bars = [line for line in bottom.lines if line.get_linestyle() == ":"]
    ends = {line.get_xdata()[0]: list(line.get_ydata()) for line in bars}
    assert ends == {1: [-5, -3], 2: [-3, -1], 4: [-1, 1], 9: [1, 3]}
    assert [line.get_color() for line in bars] == ["C0", "C0", "C1", "C0"]
    assert top.lines[0].get_ydata().tolist() == [51, 41, 38, 36, 41, 50]


def test_the_densities_have_area_one_and_the_normal_tail_is_lower():
    draw_densities(0.5**0.5, sd=1.0)
    top, bottom = plt.gcf().axes
    for line in top.lines:
        x, y = (torch.as_tensor(v) for v in line.get_data())
        assert abs(torch.trapezoid(y, x) - 1) < 2e-3
    laplace, normal = (line.get_ydata() for line in bottom.lines)
    assert normal[0] > 1.5 * laplace[0]


def test_the_ringed_points_lie_on_their_line():
    x = torch.tensor([-0.5, 0, 0.5], dtype=torch.float64)
    y = torch.tensor([0.0, 3, 2], dtype=torch.float64)
    line = torch.tensor([2.0, 1], dtype=torch.float64)
    draw_lines(x, y, {"least": line, "other": 0 * line}, torch.tensor([0, 2]))
    lines = plt.gca().lines
    assert list(lines[1].get_ydata()) == [-1, 3]
    assert lines[3].get_xdata().tolist() == [-0.5, 0.5]


def test_the_dots_lie_on_the_two_losses():
    path = torch.tensor([-0.3, -0.1, 0.1, -0.1])
    draw_bounce(path, 0.5 ** torch.arange(4.0), slope=0.3)
    top, bottom = plt.gcf().axes
    assert top.lines[1].get_ydata().tolist() == pytest.approx([0.09, 0.03, 0.03, 0.03])
    assert bottom.lines[1].get_ydata().tolist() == [0.5, 0.125, 0.03125, 0.0078125]
