"""Items that are not there, the range of the draws, and the usual prefetching."""

import random

import matplotlib.pyplot as plt
import numpy as np
import pytest
from torch.utils.data import DataLoader

from firstdescent.tools.figures.loader_workers import draw_schedules
from firstdescent.tools.loader_workers import (
    Calls,
    Incident,
    Noisy,
    loader_schedule,
    numpy_draw,
    python_draw,
)


@pytest.mark.parametrize("i", [-1, 3])
@pytest.mark.parametrize("dataset", [Calls(3, int), Incident(3, 9, int), Noisy(3)])
def test_an_item_that_is_not_there_is_named(dataset, i):
    with pytest.raises(IndexError, match=rf"^expected 0 <= i < 3, got {i}$"):
        dataset[i]


NOISY = Noisy(1)


@pytest.mark.parametrize("draw", [lambda: NOISY[0][1], numpy_draw, python_draw])
def test_a_draw_is_any_whole_number_below_1000(draw):
    """One of them is missing after 30,000 draws in 1 of 10**10 seeds."""
    before = random.getstate(), np.random.get_state()
    NOISY.rng.seed(0)
    random.seed(0)
    np.random.seed(0)
    drawn = {draw() for _ in range(30_000)}
    random.setstate(before[0])
    np.random.set_state(before[1])
    assert drawn == set(range(1000))


def test_a_schedule_prefetches_by_default_what_a_dataloader_does():
    usual = DataLoader(range(1), num_workers=1).prefetch_factor
    loads, train = [1.0] * 8, 5.0
    found = loader_schedule(loads, train, workers=1)
    assert found == loader_schedule(loads, train, workers=1, prefetch=usual)
    assert [start for _, start, _ in found[0]] == [0, 1, 2, 6, 11, 16, 21, 26]


def test_the_refusal_of_a_schedule_names_all_that_was_given():
    with pytest.raises(ValueError, match=r"got \[1, -2\], 0\.5, 2, 3$"):
        loader_schedule([1, -2], 0.5, workers=2, prefetch=3)


@pytest.mark.parametrize("grid", [True, False])
def test_no_level_line_crosses_the_bars_of_a_schedule(grid):
    with plt.rc_context({"axes.grid": grid}):
        draw_schedules({f"{W}": loader_schedule([1, 1], 1, W) for W in (0, 1)})
    panels = plt.gcf().axes
    plt.close()
    for panel in panels:
        assert not any(line.get_visible() for line in panel.yaxis.get_gridlines())
        upright = {line.get_visible() for line in panel.xaxis.get_gridlines()}
        assert upright == {grid}


def test_one_schedule_is_drawn_too():
    draw_schedules({"alone": loader_schedule([1, 1], 1, 0)})
    [panel] = plt.gcf().axes
    plt.close()
    assert panel.get_title(loc="left") == "alone"
    assert panel.get_xlabel() == "time (in any unit)"
