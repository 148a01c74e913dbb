"""The drawings of gd_vs_newton with other data than the page's."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.optimisation.figures.gd_vs_newton import (
    draw_arrows,
    draw_basins,
    draw_errors,
    draw_newton_steps,
    draw_paths,
)

D = torch.float64
STARTS = torch.tensor([[1.0, 0.5], [-1.0, 0.5]], dtype=D)


@pytest.fixture(autouse=True)
def axes():
    yield lambda: plt.gcf().axes
    plt.close("all")


@pytest.mark.parametrize(
    "draw",
    [
        lambda f: draw_newton_steps(f, STARTS[:, :1], -2.0, 2.0),
        lambda f: draw_paths(f, {"one": STARTS}),
        lambda f: draw_arrows(f, STARTS, 0.1),
    ],
)
def test_a_loss_is_asked_in_the_dtype_of_its_path(draw):
    asked = set()

    def f(w):
        asked.add(w.dtype)
        return (w**2).sum()

    draw(f)
    assert asked == {D}


def test_four_lists_of_errors_have_four_looks_and_are_named_half_way_down(axes):
    draw_errors({name: [4.0, 2.0, 1.0] for name in "abcd"}, 0.5, "level")
    drawn = axes()[0].lines[:4]
    looks = [(line.get_linestyle(), line.get_marker()) for line in drawn]
    assert looks == [("-", "None"), ("-", "o"), ("--", "s"), (":", "^")]
    assert [text.xy for text in axes()[0].texts[:4]] == [(1, 2)] * 4


def test_both_basins_have_ticks_at_whole_numbers_and_no_grid(axes):
    draw_basins(
        lambda w: (w**2).sum(), {"one": STARTS.repeat(2, 1), "two": -STARTS[:1]}
    )
    for panel in axes():
        assert panel.get_xticks().tolist() == [-2, -1, 0, 1, 2]
        lines = (*panel.get_xgridlines(), *panel.get_ygridlines())
        assert not any(line.get_visible() for line in lines)
