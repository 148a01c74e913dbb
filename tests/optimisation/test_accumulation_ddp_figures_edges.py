"""The figures of accumulation_ddp with fewer rows, and with ranks on either side."""

import matplotlib.pyplot as plt
import pytest
import torch
from numpy.testing import assert_allclose

from firstdescent.optimisation.figures.accumulation_ddp import draw_ranks, draw_weights


@pytest.fixture
def figure():
    yield plt.gcf
    plt.close("all")


def test_of_two_rows_each_village_and_town_has_one(figure):
    draw_weights([3 / 4, 1 / 4], 1)
    (axes,) = figure().axes
    village, _, town = axes.texts
    assert village.get_text() == "1/1 each, in the village"
    assert_allclose(village.get_position(), (3, 0.9 * 3 / 4))
    assert town.get_text() == "1/4 each, in the town"
    assert_allclose(town.xy, (2 / 3, 1 / 4))
    assert_allclose(town.get_position(), (3, 0.5 * 3 / 4))
    assert not any(line.get_visible() for line in axes.get_xgridlines())


def test_a_rank_is_named_on_the_side_to_which_it_points(figure):
    sent = torch.tensor([0.5, 100.0]), torch.tensor([0.0, 300.0])
    draw_ranks({"one": sent}, torch.tensor([40.0, 260.0]))
    (panel,) = figure().axes
    names = {text.get_text(): text for text in panel.texts if text.get_text()}
    assert list(names) == ["rank 0", "rank 1"]
    assert [names[name].get_ha() for name in names] == ["left", "right"]
    assert [names[name].get_position() for name in names] == [(6, 0), (-6, 0)]
    assert panel.get_xlabel() == "downhill, area"


def test_only_the_lowest_panel_names_the_horizontal_axis(figure):
    sent = torch.tensor([0.5, 100.0]), torch.tensor([0.0, 300.0])
    draw_ranks(dict.fromkeys("abc", sent), torch.tensor([40.0, 260.0]))
    assert [ax.get_xlabel() for ax in figure().axes] == ["", "", "downhill, area"]
    (legend,) = figure().legends
    arrow, right = legend.get_lines()
    assert (arrow.get_color(), arrow.get_linewidth()) == ("C2", 2)
    assert right.get_marker() == "o"
