"""The drawings of the page on K-fold show what they are given."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.figures.kfold_houses import (
    draw_choice,
    draw_dots,
    draw_folds,
    draw_luck,
    draw_promises,
)

D = torch.float64


@pytest.fixture
def ax():
    yield plt.figure().gca()
    plt.close("all")


def bars(ax):
    return {
        (round(b.get_x() + b.get_width() / 2), round(b.get_y() + b.get_height() / 2)): (
            b.get_facecolor()[:3]
        )
        for b in ax.patches
    }


def test_each_row_of_a_fold_has_its_cell_and_no_other(ax):
    draw_folds(ax, [([1, 2], [0]), ([0], [1])], 4)
    drawn = bars(ax)
    assert drawn.keys() == {(1, 0), (2, 0), (0, 0), (0, 1), (1, 1)}
    assert drawn[0, 0] == drawn[1, 1] != drawn[1, 0] == drawn[2, 0] == drawn[0, 1]
    (text,) = ax.texts
    assert text.get_text() == "never held out"
    assert text.get_position()[0] == 2.5  # between rows 2 and 3


def test_nothing_is_said_if_all_are_held_out(ax):
    draw_folds(ax, [([1], [0]), ([0], [1])], 2)
    assert not ax.texts
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["fold 1", "fold 2"]


def test_each_table_is_a_dot_and_the_line_stands_at_their_mean(ax):
    series = {"a": torch.tensor([1.0, 2, 6]), "b": torch.tensor([4.0, 6])}
    draw_dots(ax, series)
    for i, values in enumerate(series.values()):
        dots, line = ax.lines[2 * i : 2 * i + 2]
        assert dots.get_xdata().tolist() == values.tolist()
        assert all(abs(h - i) <= 0.31 for h in dots.get_ydata())
        assert [float(v) for v in line.get_xdata()] == [values.mean()] * 2
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]


def test_the_curves_of_a_choice_are_roots_and_the_dots_their_lowest(ax):
    penalties = torch.tensor([0.1, 1, 10], dtype=D)
    parts = torch.tensor([[4, 1, 16], [4, 7, 20]], dtype=D)
    draw_choice(ax, penalties, parts, torch.tensor([3, 2, 1], dtype=D))
    cv, lowest, risk, least = ax.lines
    assert cv.get_ydata().tolist() == pytest.approx([2, 2, 18**0.5])
    assert risk.get_ydata().tolist() == [3, 2, 1]
    assert float(lowest.get_xdata()[0]) in (0.1, 1)
    assert (float(least.get_xdata()[0]), float(least.get_ydata()[0])) == (10, 1)
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    # means 4, 4, 18; naive errors 0, 3, 2
    assert min(heights) == pytest.approx(1)
    assert max(heights) == pytest.approx(20**0.5)
    assert ax.get_legend().texts[0].get_text() == "2-fold, ± naive s.e."


def test_promises_lie_across_and_what_came_lies_up(ax):
    draw_promises(ax, torch.tensor([1.0, 3]), torch.tensor([2.0, 5]))
    dots, line = ax.lines
    assert dots.get_xdata().tolist() == [1, 3]
    assert dots.get_ydata().tolist() == [2, 5]
    assert list(line.get_xdata()) == list(line.get_ydata()) == [1, 5]


def test_the_three_curves_of_luck_begin_at_one_setting(ax):
    draw_luck(ax, torch.tensor([3.0, 4]), torch.tensor([2.0, 1]), [2.5, 1.5])
    names = ["true risk of the one kept", "its CV score", "formula"]
    curves = [[3, 4], [2, 1], [2.5, 1.5]]
    for line, name, curve in zip(ax.lines, names, curves, strict=True):
        assert line.get_label() == name
        assert list(line.get_xdata()) == [1, 2]
        assert list(map(float, line.get_ydata())) == curve
