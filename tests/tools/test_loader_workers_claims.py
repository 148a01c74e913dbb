"""What docs/en/tools/loader_workers.md says of PyTorch without showing it."""

import inspect
import multiprocessing
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from firstdescent.tools.loader_workers import (
    Calls,
    Noisy,
    ShardedStream,
    Stream,
    numpy_draw,
    python_draw,
)

PAGE = Path(__file__).parents[2] / "docs/en/tools/loader_workers.md"
OWN = ["num_workers", "pin_memory", "timeout", "worker_init_fn", "in_order"]
OWN += ["multiprocessing_context", "prefetch_factor", "persistent_workers"]
OWN += ["pin_memory_device"]


def draws(dataset, workers=2, epochs=1, **settings):
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(dataset, num_workers=workers, generator=generator, **settings)
    return [[draw.item() for _, draw in loader] for _ in range(epochs)]


@pytest.mark.parametrize("name", OWN)
def test_each_argument_of_this_page_exists_and_stands_in_its_table(name):
    assert name in inspect.signature(DataLoader).parameters
    assert f"\n| `{name}`{{ .pp-nowrap }} (" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name, default, shown",
    [
        ("num_workers", 0, "0"),
        ("prefetch_factor", None, "2 with workers"),
        ("persistent_workers", False, "`False`"),
        ("multiprocessing_context", None, "by system"),
        ("timeout", 0, "0: for ever"),
        ("worker_init_fn", None, "`None`"),
        ("in_order", True, "`True`"),
        ("pin_memory", False, "`False`"),
        ("pin_memory_device", "", '`""`'),
    ],
)
def test_the_table_gives_the_defaults(name, default, shown):
    assert inspect.signature(DataLoader).parameters[name].default == default
    assert f"\n| `{name}`{{ .pp-nowrap }} ({shown}): " in PAGE.read_text(
        encoding="utf-8"
    )
    assert DataLoader(range(3), num_workers=1).prefetch_factor == 2


def test_more_workers_than_cores_bring_a_warning():
    with pytest.warns(UserWarning, match="worker processes in total"):
        DataLoader(range(3), num_workers=(os.cpu_count() or 1) + 1)


def test_the_main_process_draws_the_order():
    """The items of an epoch follow from the generator, whoever loads them."""
    expected = torch.randperm(8, generator=seeded_after_base()).tolist()
    for workers in (0, 1, 2):
        generator = torch.Generator().manual_seed(0)
        loader = DataLoader(
            range(8), shuffle=True, generator=generator, num_workers=workers
        )
        assert [item.item() for item in loader] == expected


def seeded_after_base():
    """A generator that has given away the seed of the workers."""
    generator = torch.Generator().manual_seed(0)
    torch.empty((), dtype=torch.int64).random_(generator=generator)
    return generator


def test_the_seeds_of_the_workers_come_from_the_generator_of_the_loader():
    base = torch.empty((), dtype=torch.int64).random_(
        generator=torch.Generator().manual_seed(0)
    )
    (seeds,) = draws(Calls(2, torch.initial_seed))
    assert seeds == [base.item(), base.item() + 1]


@pytest.mark.parametrize("call", [python_draw, partial(torch.randint, 1000, ())])
def test_what_is_drawn_in_items_depends_on_the_number_of_workers(call):
    assert draws(Calls(4, call), workers=1) != draws(Calls(4, call), workers=2)


def test_numpy_is_seeded_anew_in_each_worker_and_epoch():
    first, second = draws(Calls(4, numpy_draw), epochs=2)
    assert len({*first, *second}) == 8


def test_a_stored_generator_repeats_in_workers_and_goes_on_if_they_persist():
    first, second = draws(Noisy(4), epochs=2)
    assert first == second and first[0::2] == first[1::2]
    kept, later = draws(Noisy(4), epochs=2, persistent_workers=True)
    assert kept == first and later != kept and later[0::2] == later[1::2]
    alone, after = draws(Noisy(4), workers=0, epochs=2)
    assert len({*alone, *after}) == 8


def test_any_kind_of_stored_generator_repeats():
    stored = torch.Generator().manual_seed(0)
    forked = {"multiprocessing_context": "fork"}  # the other ways cannot send `stored`
    for call in (
        partial(np.random.default_rng(0).integers, 10**6),
        partial(torch.randint, 10**6, (), generator=stored),
    ):
        first, second = draws(Calls(4, call), epochs=2, **forked)
        assert first == second and first[0::2] == first[1::2]


def test_persistent_workers_change_the_order_from_the_second_epoch_on():
    def orders(keep):
        loader = DataLoader(
            range(10),
            shuffle=True,
            num_workers=1,
            persistent_workers=keep,
            generator=torch.Generator().manual_seed(0),
        )
        return [[int(batch) for batch in loader] for _ in range(2)]

    (first, second), (kept, later) = orders(False), orders(True)
    assert first == kept and second != later


def test_worker_init_fn_is_called_once_by_each_worker_that_starts():
    for keep, starts in ((False, 4), (True, 2)):
        called = multiprocessing.get_context("fork").Value("i", 0)

        def init(_, called=called):
            with called.get_lock():
                called.value += 1

        loader = DataLoader(
            range(4),
            num_workers=2,
            worker_init_fn=init,
            persistent_workers=keep,
            multiprocessing_context="fork",
        )
        for _ in range(2):
            assert len([*loader]) == 4
        del loader
        assert called.value == starts


def test_without_workers_worker_init_fn_is_never_called():
    def init(_):
        raise AssertionError

    assert len([*DataLoader(range(3), worker_init_fn=init, in_order=False)]) == 3


def test_pin_memory_device_alone_does_nothing():
    loader = DataLoader(TensorDataset(torch.ones(2)), pin_memory_device="cuda")
    ((batch,), _) = loader
    assert not batch.is_pinned()


def test_a_stream_may_outgrow_its_length_and_then_torch_warns():
    loader = DataLoader(Stream(3), batch_size=None, num_workers=2)
    assert len(loader) == 3
    with pytest.warns(UserWarning, match="was reported to be 3"):
        assert len([item for item in loader]) == 6


def test_shards_with_short_batches_make_more_batches_than_len_says():
    loader = DataLoader(ShardedStream(10), batch_size=4, num_workers=2)
    assert sum(1 for _ in loader) == 4 and len(loader) == 3
