"""The valley's curve of Adam, and its frame."""

import torch
from matplotlib.figure import Figure

from firstdescent.regression.figures.rank_deficiency import draw_valley

A = torch.tensor([[1.0, 2.0], [2.0, 4.0]]).double()
Y = torch.tensor([50.0, 100.0]).double()
SHORTEST = torch.tensor([10.0, 20.0]).double()


def drawn(path):
    ax = Figure().subplots()
    draw_valley(ax, A, Y, [], torch.tensor(path).double(), SHORTEST)
    return ax


def test_the_curve_of_adam_passes_its_points_and_ends_in_a_square():
    path = [[0.0, 1], [20, 30], [8, 21]]
    _, curve, _, end = drawn(path).lines
    assert curve.get_xydata().tolist() == path
    assert end.get_xydata().tolist() == path[-1:]
    assert end.get_marker() == "s"


def test_the_frame_is_where_the_loss_is_drawn_wherever_a_path_leads():
    ax = drawn([[-300.0, 500], [700, -900]])
    line = ax.lines[0]
    assert ax.get_xlim() == tuple(line.get_xdata())
    low, high = ax.get_ylim()
    assert low < min(line.get_ydata()) and max(line.get_ydata()) < high
    corners = ax.collections[0].get_datalim(ax.transData)
    assert high - low < 1.5 * corners.height


def test_the_valley_has_no_grid():
    lines = drawn([[0.0, 0], [1, 1]]).xaxis.get_gridlines()
    assert lines and not any(line.get_visible() for line in lines)
