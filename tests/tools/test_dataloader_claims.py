"""What docs/en/tools/dataloader.md says of PyTorch, where no block shows it."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, default_collate

ROWS = range(10)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def order(loader):
    return [int(row) for batch in loader for row in batch]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(ROWS)


class Draws:
    """Rows that draw from the random state of the process that reads them."""

    def __len__(self):
        return 4

    def __getitem__(self, row):
        return row, torch.rand(()).item()


def refused(error, dataset=ROWS, **options):
    with pytest.raises(error) as caught:
        list(DataLoader(dataset, **options))
    return str(caught.value)


@pytest.mark.parametrize("value", [0, -1, 4.0, True, "4"])
def test_a_batch_size_must_be_a_positive_int(value):
    assert "positive integer" in refused(ValueError, batch_size=value)


def test_a_dataset_must_have_a_length():
    assert "len()" in refused(TypeError, dataset=(row for row in ROWS))


@pytest.mark.parametrize(
    "other",
    [
        {"batch_size": 2},
        {"batch_size": None},
        {"shuffle": True},
        {"sampler": [7]},
        {"drop_last": True},
    ],
)
def test_a_batch_sampler_excludes_what_it_replaces(other):
    assert "exclusive" in refused(ValueError, batch_sampler=[[7]], **other)


def test_a_batch_sampler_takes_the_default_batch_size_given_by_hand():
    loader = DataLoader(ROWS, batch_size=1, batch_sampler=[[1, 8]])
    assert order(loader) == [1, 8]


def test_other_exclusions():
    assert "exclusive" in refused(ValueError, sampler=[7], shuffle=True)
    assert "exclusive" in refused(ValueError, batch_size=None, drop_last=True)
    for option in ({"shuffle": True}, {"sampler": [7]}, {"batch_sampler": [[7]]}):
        assert "IterableDataset" in refused(ValueError, Stream(), **option)
    assert "num_samples" in refused(ValueError, [], shuffle=True)


def test_a_stream_takes_batch_size_and_drop_last():
    loader = DataLoader(Stream(), batch_size=4, drop_last=True)
    assert order(loader) == list(range(8))


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"num_workers": -1}, ValueError),
        ({"timeout": -1}, ValueError),
        ({"timeout": 9}, AssertionError),
        ({"multiprocessing_context": "spawn"}, ValueError),
        ({"prefetch_factor": 2}, ValueError),
        ({"persistent_workers": True}, ValueError),
        ({"generator": 0}, TypeError),
    ],
)
def test_what_the_table_says_is_refused_without_workers(option, error):
    refused(error, **option)


@pytest.mark.parametrize("option", [{"timeout": 9}, {"generator": 0, "shuffle": True}])
def test_these_are_refused_only_at_iter(option):
    loader = DataLoader(ROWS, **option)
    with pytest.raises((AssertionError, TypeError)):
        next(iter(loader))


def test_without_workers_worker_init_fn_is_never_called_and_in_order_has_no_effect():
    called = []
    loader = DataLoader(ROWS, worker_init_fn=called.append, in_order=False)
    assert order(loader) == list(ROWS)
    assert called == []


def test_pin_memory_without_an_accelerator_warns_and_pins_nothing(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.warns(UserWarning, match="no accelerator"):
        batch = next(iter(DataLoader(ROWS, pin_memory=True)))
    assert not batch.is_pinned()


@pytest.mark.filterwarnings("ignore:'pin_memory'")
def test_pin_memory_device_warns_only_together_with_pin_memory():
    order(DataLoader(ROWS, pin_memory_device="cuda"))  # a warning would fail
    with pytest.warns(UserWarning, match="deprecated"):
        order(DataLoader(ROWS, pin_memory=True, pin_memory_device="cuda"))


def test_a_worker_leaves_the_order_alone_but_not_numbers_drawn_in_the_dataset():
    read = []
    for workers in (0, 1):
        torch.manual_seed(0)
        loader = DataLoader(Draws(), shuffle=True, num_workers=workers)
        read.append([(int(row), float(drawn)) for row, drawn in loader])
    here, there = read
    assert [row for row, _ in here] == [row for row, _ in there]
    assert [drawn for _, drawn in here] != [drawn for _, drawn in there]


def test_iter_draws_once_and_an_unshuffled_epoch_draws_no_more():
    g, h = seeded(0), seeded(0)
    epoch = iter(DataLoader(ROWS, generator=g))
    torch.empty((), dtype=torch.int64).random_(generator=h)
    assert torch.equal(g.get_state(), h.get_state())
    assert len(list(epoch)) == 10
    assert torch.equal(g.get_state(), h.get_state())


def test_a_loader_with_its_own_generator_leaves_the_global_state_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    order(DataLoader(ROWS, shuffle=True, generator=seeded(0)))
    assert torch.equal(torch.get_rng_state(), state)
    order(DataLoader(ROWS))
    assert not torch.equal(torch.get_rng_state(), state)


def test_a_sampler_of_its_own_follows_its_own_generator():
    def epoch(sampler_seed, loader_seed):
        own = RandomSampler(ROWS, generator=seeded(sampler_seed))
        return order(DataLoader(ROWS, sampler=own, generator=seeded(loader_seed)))

    assert epoch(1, 0) == epoch(1, 9) != epoch(2, 0)


def test_the_batch_size_of_a_loader_cannot_be_set():
    with pytest.raises(ValueError, match="should not be set"):
        DataLoader(ROWS).batch_size = 8


def test_dropping_the_last_batch_costs_each_row_its_share_of_epochs():
    loader = DataLoader(ROWS, 4, True, drop_last=True, generator=seeded(0))
    seen = torch.zeros(10)
    for _ in range(500):
        seen[order(loader)] += 1
    # seen in 8 of 10 epochs: 400, with a standard deviation of 9
    assert seen.sum() == 4000
    assert seen.min() > 350 and seen.max() < 450


def test_a_row_of_a_short_batch_weighs_more_under_a_mean_loss():
    for size in (2, 4):
        losses = torch.ones(size, requires_grad=True)
        losses.mean().backward()
        torch.testing.assert_close(losses.grad, torch.full((size,), 1 / size))


def test_float64_items_cannot_meet_float32_weights():
    batch = next(iter(DataLoader([[1.5], [2.5]], batch_size=2)))[0]
    assert batch.dtype == torch.float64 != torch.nn.Linear(1, 1).weight.dtype
    with pytest.raises(RuntimeError, match="same dtype"):
        batch[:, None] @ torch.ones(1, 1)


def test_the_type_of_the_first_item_decides():
    def kind(items):
        return next(iter(DataLoader(items, batch_size=2))).dtype

    assert kind([1, 2.5]) == torch.float32
    assert kind([2.5, 1]) == torch.float64
    assert kind([1, 2]) == torch.int64


def test_batch_normalisation_takes_one_row_in_eval_mode_only():
    norm = torch.nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match="more than 1 value"):
        norm(torch.zeros(1, 3))
    assert norm.eval()(torch.zeros(1, 3)).shape == (1, 3)


def test_without_batches_numpy_becomes_a_tensor_and_all_else_stays():
    items = [np.ones(2), "word", 3]
    given = list(DataLoader(items, batch_size=None))
    assert torch.equal(given[0], torch.ones(2, dtype=torch.float64))
    assert given[1:] == ["word", 3]


def test_a_plain_tuple_comes_out_of_collate_as_a_list():
    assert isinstance(default_collate([(1, 2), (3, 4)]), list)
