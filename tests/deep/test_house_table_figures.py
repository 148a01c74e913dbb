"""The drawings of house_table show the rows and residuals they are given."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.figures.house_table import draw_gaps, draw_residuals
from firstdescent.deep.house_table import HOUSES, read_table


@pytest.fixture
def ax():
    figure = plt.figure()
    yield figure.gca()
    plt.close(figure)


def bars(ax):
    """Left edge, width and whether it is a gap, for each bar by its height."""
    found = {}
    for bar in ax.patches:
        row = round(bar.get_y() + bar.get_height() / 2)
        gap = bar.get_alpha() == 1
        found.setdefault(row, []).append((bar.get_x(), bar.get_width(), gap))
    return found


def test_each_column_has_a_bar_as_wide_as_the_table_and_its_gaps_stand_together(ax):
    rows = [{"a": 1.0, "b": None}, {"a": None, "b": None}, {"a": 2.0, "b": 1.0}]
    draw_gaps(ax, rows)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    assert bars(ax) == {
        0: [(0, 2, False), (2, 1, True)],
        1: [(0, 1, False), (1, 2, True)],
    }
    assert sorted(t.get_text() for t in ax.texts) == ["1", "2"]


def test_the_file_has_the_gaps_that_the_figure_is_said_to_show(ax, page_says):
    page_says("Heating has 43 gaps, frontage 82 and garage 83, in partly the same")
    rows = read_table(HOUSES)
    draw_gaps(ax, rows)
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names[-3:] == ["heating", "frontage", "garage"]
    gaps = {names[k]: sum(w for _, w, g in b if g) for k, b in bars(ax).items()}
    assert {n: g for n, g in gaps.items() if g} == {
        "heating": 43,
        "frontage": 82,
        "garage": 83,
    }
    for row in bars(ax).values():
        assert sum(width for _, width, _ in row) == 400
    both = [r for r in rows if r["frontage"] is None and r["garage"] is None]
    assert 0 < len(both) < 82


def test_residuals_are_drawn_over_predictions_and_not_turned_round(ax):
    hat, label = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([3.0, 2.0, 1.0])
    draw_residuals(ax, hat, hat - label, "log price")
    dots, line = ax.lines
    assert dots.get_xdata().tolist() == [1, 2, 4]
    assert dots.get_ydata().tolist() == [-2, 0, 3]  # prediction - label
    assert list(line.get_ydata()) == [0, 0]
    assert ax.get_xlabel() == "prediction, log price"
