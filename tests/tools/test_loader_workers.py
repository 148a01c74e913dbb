"""firstdescent.tools.loader_workers against answers that it did not compute."""

import itertools
import os
import random
import time
from functools import partial

import matplotlib.pyplot as plt
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from firstdescent.tools.figures.loader_workers import draw_schedules
from firstdescent.tools.loader_workers import (
    Calls,
    Counting,
    EpochNoise,
    Incident,
    Noisy,
    ShardedStream,
    Stream,
    loader_schedule,
    seed_worker,
)


def test_the_drawing_has_a_row_for_each_process_and_a_bar_for_each_load_and_step():
    draw_schedules({f"{W}": loader_schedule([1, 1, 1], 1, W) for W in (0, 1, 2)})
    panels = plt.gcf().axes
    assert [len(panel.get_yticks()) for panel in panels] == [1, 2, 3]
    assert [len(panel.patches) for panel in panels] == [6, 6, 6]
    plt.close()


def test_calls_runs_its_function_where_the_item_is_loaded():
    dataset = Calls(3, os.getpid)
    assert len(dataset) == 3 and dataset[1] == (1, os.getpid())
    elsewhere = [pid.item() for _, pid in DataLoader(dataset, num_workers=1)]
    assert len(set(elsewhere)) == 1 and os.getpid() not in elsewhere


@pytest.mark.parametrize("dataset", [Calls(3, int), Incident(3, 9, int), Noisy(3)])
def test_a_loop_over_a_dataset_ends_with_its_last_item(dataset):
    assert len(list(itertools.islice(dataset, 5))) == len(dataset) == 3


def test_seed_worker_finds_the_generator_below_subsets():
    def epoch(dataset):
        generator = torch.Generator().manual_seed(0)
        settings = {"num_workers": 1, "generator": generator}
        loader = DataLoader(dataset, worker_init_fn=seed_worker, **settings)
        return [draw.item() for _, draw in loader]

    assert epoch(Subset(Subset(Noisy(8), [0, 1, 2]), [0, 1])) == epoch(Noisy(2))


def test_incident_acts_at_one_item_only():
    acted = []
    dataset = Incident(3, 1, partial(acted.append, "now"))
    assert len(dataset) == 3
    assert dataset[0] == 0 and acted == []
    assert dataset[1] == 1 and acted == ["now"]


def test_counting_counts_its_own_and_everyones():
    dataset = Counting(3)
    assert len(dataset) == 3 and [dataset[2], dataset[2]] == [1, 2]
    assert dataset.served == 2 and dataset.shared.tolist() == [0, 0, 2]


def test_noisy_draws_what_its_generator_would():
    generator = random.Random(7)
    expected = [generator.randrange(1000), generator.randrange(1000)]
    dataset = Noisy(2, seed=7)
    assert len(dataset) == 2
    assert [dataset[0], dataset[1]] == [(0, expected[0]), (1, expected[1])]


def test_seed_worker_is_for_workers_only():
    with pytest.raises(RuntimeError, match="in a worker"):
        seed_worker(0)


def two_epochs(seed=0, **settings):
    generator = torch.Generator().manual_seed(seed)
    settings = {"num_workers": 2, "worker_init_fn": seed_worker, **settings}
    loader = DataLoader(Noisy(4), generator=generator, **settings)
    return [[draw.item() for _, draw in loader] for _ in range(2)]


@pytest.mark.parametrize("keep", [False, True])
def test_seeded_workers_differ_and_agree_from_run_to_run(keep):
    first, second = epochs = two_epochs(persistent_workers=keep)
    assert len({*first, *second}) == 8
    assert two_epochs(persistent_workers=keep) == epochs
    assert two_epochs(seed=1, persistent_workers=keep) != epochs


@pytest.mark.parametrize("n", [0, 1, 7])
def test_a_sharded_stream_comes_once_whatever_the_number_of_workers(n):
    for workers in (0, 1, 2):
        loader = DataLoader(ShardedStream(n), batch_size=None, num_workers=workers)
        assert sorted(item for item in loader) == list(range(n))
        stream = DataLoader(Stream(n), batch_size=None, num_workers=workers)
        copies = max(workers, 1)
        assert sorted(item for item in stream) == sorted([*range(n)] * copies)
    assert len(Stream(n)) == len(ShardedStream(n)) == n


def test_epoch_noise_depends_on_seed_epoch_and_item_only():
    index = list(itertools.product(range(3), range(4)))
    values = [EpochNoise(seed)[pair] for seed in (0, 1) for pair in index]
    assert len(set(values)) == 24 and 0 <= min(values) <= max(values) < 1
    backwards = DataLoader(EpochNoise(0), sampler=index[::-1], num_workers=2)
    assert [x.item() for x in backwards] == values[:12][::-1]


def test_workers_load_on_while_main_is_busy():
    """What the timeline shows, by counting: main takes one batch, and 5 are loaded."""
    dataset = Counting(40)
    for workers, expected in ((0, 1), (2, 5)):
        dataset = Counting(40)
        batches = iter(DataLoader(dataset, num_workers=workers))
        next(batches)
        deadline = time.monotonic() + 30
        while dataset.shared.sum() < expected and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert dataset.shared.sum() == expected
        del batches
