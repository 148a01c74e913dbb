"""The figures of backprop show what their captions say."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.figures.backprop import (
    EDGES,
    PLACES,
    draw_graph,
    draw_memory,
    numbers,
)


@pytest.fixture(autouse=True)
def axes():
    yield lambda: plt.gcf().axes[0]
    plt.close("all")


def test_numbers_are_written_row_by_row_without_a_negative_zero():
    minus = "\N{MINUS SIGN}"
    assert numbers(torch.tensor(0.693147)) == "0.69"
    assert numbers(torch.tensor([-0.5, -0.0])) == f"{minus}0.5, 0"
    assert numbers(torch.tensor([[1.0, 2.0], [3.0, 4.0]])) == "1, 2\n3, 4"


def test_every_value_and_every_adjoint_is_written_once(axes):
    values = {name: torch.tensor(float(k)) for k, name in enumerate(PLACES)}
    edges = [edge.split() for edge in EDGES if edge != "x z"]
    back = {f"{b} {a}": torch.tensor(100.0 + k) for k, (a, b) in enumerate(edges)}
    draw_graph(values, back)
    texts = [t.get_text() for t in axes().texts if t.get_text()]
    for k, name in enumerate(PLACES):
        (box,) = [t for t in texts if t.endswith(f"\n{k}")]
        assert box[0] == name[0]
    assert sorted(t for t in texts if "\n" not in t) == [str(100 + k) for k in range(9)]


def test_every_arrow_but_the_one_from_x_goes_both_ways(axes):
    values = dict.fromkeys(PLACES, torch.ones(()))
    back = {" ".join(reversed(e.split())): torch.ones(()) for e in EDGES}
    draw_graph(values, back)
    arrows = [t for t in axes().texts if getattr(t, "arrow_patch", None)]
    styles = [t.arrow_patch.get_linestyle() for t in arrows]
    assert len(arrows) == 19 and styles.count("--") == 9
    for arrow, style in zip(arrows, styles, strict=True):
        up = arrow.xy[1] - arrow.xyann[1]  # the head is at xy
        assert up > 0 if style == "--" else up < 0


def test_memory_is_drawn_in_megabytes(axes):
    draw_memory([1, 2], {"deep": [2_000_000, 4_000_000], "none": [0, 0]})
    deep, none = axes().lines
    assert list(deep.get_ydata()) == [2, 4]
    assert list(none.get_ydata()) == [0, 0]
