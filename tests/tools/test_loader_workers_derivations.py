"""The model of a loader against schedules by hand, its rules and a closed form."""

import itertools
from math import nan

import pytest
import torch

from firstdescent.tools.loader_workers import (
    loader_schedule,
)

CASES = list(itertools.product(range(6), range(6), range(1, 4), range(1, 9)))


def test_without_workers_main_loads_and_trains_in_turn():
    loads, steps = loader_schedule([2, 3], 1, workers=0)
    assert loads == [(-1, 0, 2), (-1, 3, 6)]
    assert steps == [(2, 3), (6, 7)]


def test_one_worker_loads_while_main_trains():
    loads, steps = loader_schedule([2, 2, 2], 1, workers=1)
    assert loads == [(0, 0, 2), (0, 2, 4), (0, 4, 6)]
    assert steps == [(2, 3), (4, 5), (6, 7)]


def test_two_workers_take_turns():
    loads, steps = loader_schedule([2, 2, 2, 2], 1, workers=2)
    assert loads == [(0, 0, 2), (1, 0, 2), (0, 2, 4), (1, 2, 4)]
    assert steps == [(2, 3), (3, 4), (4, 5), (5, 6)]


def test_a_factor_of_1_lets_the_worker_idle_until_a_batch_is_taken():
    loads, steps = loader_schedule([1, 1, 1], 3, workers=1, prefetch=1)
    assert loads == [(0, 0, 1), (0, 1, 2), (0, 4, 5)]
    assert steps == [(1, 4), (4, 7), (7, 10)]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_no_batches_take_no_time(workers):
    assert loader_schedule([], 1, workers) == ([], [])


@pytest.mark.parametrize(
    "wrong",
    [
        ([-1], 1, 1, 1),
        ([1], -1, 1, 1),
        ([1], 1, -1, 1),
        ([1], 1, 1, 0),
        ([nan], 1, 1, 1),
    ],
)
def test_the_schedule_refuses_what_cannot_be(wrong):
    with pytest.raises(ValueError, match="expected durations >= 0"):
        loader_schedule(*wrong)


@pytest.mark.parametrize("prefetch", [1, 2, 5])
def test_an_evenly_loaded_epoch_takes_the_time_of_the_closed_form(prefetch):
    """So `prefetch_factor` does not matter, and a round of W costs max(W T, L)."""
    for L, T, W, n in CASES:
        rounds, rest = divmod(n - 1, W)
        total = L + T + rounds * max(W * T, L) + rest * T
        assert loader_schedule([L] * n, T, W, prefetch)[1][-1][1] == total


def test_in_the_long_run_a_batch_costs_the_slower_of_step_and_shared_load():
    for L, T, W, _ in CASES:
        n = 600
        per_batch = loader_schedule([L] * n, T, W)[1][-1][1] / n
        assert per_batch == pytest.approx(max(T, L / W), abs=0.03)
        assert loader_schedule([L] * n, T, 0)[1][-1][1] == n * (L + T)


def test_workers_beyond_load_over_train_gain_nothing():
    ends = [loader_schedule([6] * 60, 2, W)[1][-1][1] for W in (1, 2, 3, 4, 9)]
    assert ends[0] > ends[1] > ends[2] == ends[3] == ends[4]
    ends = [loader_schedule([5] * 60, 2, W)[1][-1][1] for W in (2, 3, 4)]
    assert ends[0] > ends[1] == ends[2]  # 5 / 2, rounded up


@pytest.fixture
def uneven():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 9, (40,), generator=generator).tolist()


@pytest.mark.parametrize(
    "workers, prefetch", [*itertools.product((0, 1, 2, 3), (1, 2, 4))]
)
def test_any_schedule_obeys_the_three_rules(uneven, workers, prefetch):
    loads, steps = loader_schedule(uneven, 3, workers, prefetch)
    for k, ((worker, start, end), step) in enumerate(zip(loads, steps, strict=True)):
        assert worker == (k % workers if workers else -1)
        assert end - start == uneven[k] and step[1] - step[0] == 3
        assert step[0] >= end, "trained before it was loaded"
        if k:
            assert step[0] >= steps[k - 1][1], "two steps at once"
        if k >= workers > 0:
            assert start >= loads[k - workers][2], "two loads at once in a worker"
        waiting = sum(s <= start for _, s, _ in loads[: k + 1])
        taken = sum(s <= start for s, _ in steps[:k])
        assert waiting - taken <= max(workers * prefetch, 1)


def test_reading_further_ahead_never_makes_an_epoch_longer(uneven):
    for workers in (1, 2, 3):
        ends = [loader_schedule(uneven, 3, workers, F)[1][-1][1] for F in (1, 2, 4, 8)]
        assert ends == sorted(ends, reverse=True)
    hard = [1, 1, 1, 1, 1, 6, 1, 1]
    assert [loader_schedule(hard, 2, 1, F)[1][-1][1] for F in (1, 4)] == [21, 17]
