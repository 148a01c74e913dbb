"""The default dtype, and drawings of other data."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.dropout import dropout
from firstdescent.deep.figures.dropout import draw_gains, draw_thinned


def test_the_same_units_are_dropped_whatever_the_default_dtype(defaults):
    one, two = (
        dropout(torch.ones(50).half(), 0.5, True, torch.Generator().manual_seed(0))
        for _ in defaults
    )
    assert torch.equal(one, two)


@pytest.fixture
def panels():
    yield lambda: plt.gcf().axes
    plt.close("all")


def test_each_kept_unit_of_a_thinned_network_has_its_three_lines(panels):
    masks = torch.arange(8)[:, None] // torch.tensor([4, 2, 1]) % 2
    draw_thinned(masks, torch.arange(8) - 4.0)
    heights = torch.tensor([1.0, 0.0, -1.0])
    for k, (ax, mask) in enumerate(zip(panels(), masks, strict=True)):
        assert len(ax.lines) == 3 * mask.sum()
        for line, y in zip(
            ax.lines, heights[mask == 1].repeat_interleave(3), strict=True
        ):
            assert line.get_xydata()[1].tolist() == [1, y]
        *units, ends = ax.collections
        assert [unit.get_offsets()[0].tolist() for unit in units] == [
            [1, y] for y in heights
        ]
        hollow = [len(unit.get_facecolor()) == 0 for unit in units]
        assert hollow == (mask == 0).tolist()
        assert ends.get_offsets().tolist() == [[0, 0.6], [0, -0.6], [2, 0]]
        assert ax.texts[0].get_text() == f"{k - 4}".replace("-", "\N{MINUS SIGN}")


def test_dots_stand_around_their_group_and_a_bar_at_their_mean(panels):
    values = torch.tensor([[0.0, 2.0], [4.0, 8.0], [1.0, 1.0]])
    draw_gains(["a", "b", "c"], {"off": values, "on": values + 1}, {"off": values})
    losses, shares = panels()
    for ax, shifts in ((losses, (0, 1)), (shares, (0,))):
        dots, bars = ax.lines[0::2], ax.lines[1::2]
        for i, shift in enumerate(shifts):
            for k, row in enumerate((values + shift).tolist()):
                assert list(dots[3 * i + k].get_ydata()) == row
                assert list(bars[3 * i + k].get_ydata()) == [sum(row) / 2] * 2
                middle = sum(bars[3 * i + k].get_xdata()) / 2
                assert middle == pytest.approx(k + (0.18 if i else -0.18))
    names = [text.get_text() for text in plt.gcf().legends[0].get_texts()]
    assert names == ["off", "on"]
    assert [tick.get_text() for tick in shares.get_xticklabels()] == ["a", "b", "c"]


def test_one_group_is_named_in_the_legend_too(panels):
    values = torch.tensor([[0.5, 0.25]])
    draw_gains(["a"], {"off": values, "on": values}, {"off": values})
    names = [text.get_text() for text in plt.gcf().legends[0].get_texts()]
    assert names == ["off", "on"]
