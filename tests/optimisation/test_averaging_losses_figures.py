"""The drawings of averaging_losses show what they are given."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.optimisation.figures.averaging_losses import (
    draw_parting,
    draw_verdicts,
)


@pytest.fixture
def axes():
    yield plt.figure().gca()
    plt.close("all")


def test_both_paths_are_drawn_and_shared_steps_are_numbered_once(axes):
    mean = torch.tensor([[0.0, 0.0, 9.0], [1.0, 2.0, 9.0], [3.0, 3.0, 9.0]])
    total = mean.clone()
    total[2, 0] = 1.5
    draw_parting(axes, mean, total)
    one, other = (line.get_xydata().tolist() for line in axes.lines)
    assert one == mean[:, :2].tolist()
    assert other == total[:, :2].tolist()
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2", "2"]
    places = [list(text.xy) for text in axes.texts]
    assert places == [[0, 0], [1, 2], [3, 3], [1.5, 3]]
    labels = {line.get_label(): line.get_color() for line in axes.lines}
    assert labels == {"mean": "C0", "sum, lr / 32": "C1"}


def test_a_difference_in_what_is_not_drawn_separates_nothing(axes):
    mean = torch.tensor([[0.0, 0.0, 9.0], [1.0, 2.0, 9.0]])
    total = mean + torch.tensor([0.0, 0.0, 1.0])
    draw_parting(axes, mean, total)
    assert [text.get_text() for text in axes.texts] == ["0", "1"]


def test_each_verdict_has_its_own_mark_in_its_own_cell(axes):
    draw_verdicts(axes, {"a": [0, 1], "b": [2, 0]}, ["left", "right"])
    cells = {line.get_marker(): line.get_xydata().tolist() for line in axes.lines}
    assert cells == {"o": [[0, 0], [1, 1]], "s": [[1, 0]], "X": [[0, 1]]}
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["left", "right"]
    names = {line.get_marker(): line.get_label() for line in axes.lines}
    assert names == {"o": "equal", "s": "equal once repaired", "X": "not repaired"}
    bottom, top = axes.get_ylim()
    assert bottom > top  # the first row stands on top


def test_a_verdict_that_is_never_met_draws_nothing(axes):
    draw_verdicts(axes, {"a": [0]}, ["only"])
    assert [len(line.get_xydata()) for line in axes.lines] == [1, 0, 0]
