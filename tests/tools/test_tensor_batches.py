"""Batches of tensors against PyTorch's own loader, and against counting by hand."""

import weakref

import pytest
import torch
from torch import Generator
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader, TensorDataset

from firstdescent.tools.tensor_batches import TensorBatches, WholeBatches, count_rows
from firstdescent.tools.vectorise import CountCalls, best_time


def table(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.arange(2.0 * n).view(n, 2), torch.arange(n)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def rows(batches) -> list[int]:
    return [int(row) for _, y in batches for row in y]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("n", "batch_size"), [(10, 3), (9, 3), (1, 1), (5, 1), (7, 7)])
def test_without_a_generator_the_batches_are_a_dataloaders(n, batch_size, drop_last):
    ours = TensorBatches(*table(n), batch_size=batch_size, drop_last=drop_last)
    data = TensorDataset(*table(n))
    theirs = list(DataLoader(data, batch_size, drop_last=drop_last))
    assert len(ours) == len(theirs)
    for (X, y), (Xt, yt) in zip(ours, theirs, strict=True):
        assert torch.equal(X, Xt)
        assert torch.equal(y, yt)


def test_a_batch_larger_than_the_set_is_the_whole_set():
    batches = TensorBatches(*table(3), batch_size=10)
    assert [len(y) for _, y in batches] == [3] and len(batches) == 1


@pytest.mark.parametrize("n", [1, 2, 10, 101])
def test_an_epoch_has_each_row_once_and_x_goes_with_its_y(n):
    batches = TensorBatches(*table(n), batch_size=4, generator=seeded())
    for X, y in batches:
        assert torch.equal(X[:, 0], 2.0 * y)
    assert sorted(rows(batches)) == list(range(n))


def test_the_same_seed_gives_the_same_epochs_and_another_seed_others():
    epochs = []
    for seed in (0, 0, 1):
        batches = TensorBatches(*table(50), batch_size=8, generator=seeded(seed))
        epochs.append([rows(batches) for _ in range(3)])
    assert epochs[0] == epochs[1] != epochs[2]
    assert len({tuple(order) for order in epochs[0]}) == 3


def test_the_order_is_the_generators_permutation():
    batches = TensorBatches(*table(20), batch_size=6, generator=seeded())
    assert rows(batches) == torch.randperm(20, generator=seeded()).tolist()


def test_the_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    rows(TensorBatches(*table(20), batch_size=6, generator=seeded()))
    assert torch.equal(torch.get_rng_state(), before)


def test_drop_last_leaves_out_what_the_order_has_last():
    order = torch.randperm(10, generator=seeded()).tolist()
    batches = TensorBatches(
        *table(10), batch_size=4, generator=seeded(), drop_last=True
    )
    assert rows(batches) == order[:8]
    assert len(batches) == 2


def test_writing_into_a_batch_leaves_the_data_alone():
    X, y = table(6)
    for generator in (None, seeded()):
        for batch, _ in TensorBatches(X, y, batch_size=2, generator=generator):
            batch.zero_()
    assert torch.equal(X, table(6)[0])


def test_the_data_are_kept_and_not_copied():
    X, y = table(4)
    batches = TensorBatches(X, y, batch_size=4)
    X[0, 0] = 7.0
    assert next(iter(batches))[0][0, 0] == 7.0


def test_two_epochs_may_be_open_at_once():
    batches = TensorBatches(*table(6), batch_size=2)
    pairs = list(zip(batches, batches, strict=True))
    assert all(torch.equal(a[1], b[1]) for a, b in pairs) and len(pairs) == 3


class Peak(TorchDispatchMode):
    """The most bytes that were alive at once of all that was made inside."""

    def __init__(self):
        super().__init__()
        self.alive, self.most, self.known = 0, 0, set()

    def free(self, key, size):
        self.alive -= size
        self.known.discard(key)

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                storage = leaf.untyped_storage()
                key, size = storage._cdata, storage.nbytes()
                if key not in self.known:
                    self.known.add(key)
                    self.alive += size
                    weakref.finalize(storage, self.free, key, size)
        self.most = max(self.most, self.alive)
        return result


def test_an_epoch_needs_the_order_and_a_batch_or_two_and_no_copy_of_the_data():
    X = torch.zeros(1000, 200)
    with Peak() as peak:
        for (_,) in TensorBatches(X, batch_size=50, generator=seeded()):
            pass
    one_batch = 50 * 200 * 4
    assert 8 * 1000 < peak.most <= 8 * 1000 + 2 * one_batch < X.nbytes / 5
    with Peak() as copied:
        X[torch.randperm(1000, generator=seeded())]
    assert copied.most >= X.nbytes  # what the alternative needs


def test_it_is_faster_than_a_dataloader_by_far_more_than_a_clock_could_err():
    data = TensorDataset(*table(10_000))
    loader = DataLoader(data, 100, shuffle=True, generator=seeded())
    ours = TensorBatches(*data.tensors, batch_size=100, generator=seeded())
    slow = best_time(lambda: list(loader), repeats=3)
    assert slow > 10 * best_time(lambda: list(ours), repeats=9)


@pytest.mark.parametrize("batch_size", [0, -3])
def test_a_batch_size_below_one_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"batch_size >= 1, got {batch_size}"):
        TensorBatches(*table(3), batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [2.0, "2", None, True])
def test_a_batch_size_that_is_no_whole_number_is_refused(batch_size):
    with pytest.raises(TypeError, match="whole batch_size, got"):
        TensorBatches(*table(3), batch_size=batch_size)


@pytest.mark.parametrize("generator", [0, True, "seed"])
def test_a_seed_in_place_of_a_generator_is_refused(generator):
    with pytest.raises(TypeError, match=r"expected a torch\.Generator, got"):
        TensorBatches(*table(3), batch_size=1, generator=generator)


def test_an_epoch_without_a_batch_is_refused():
    with pytest.raises(ValueError, match="batches of 4 of 3 rows"):
        TensorBatches(*table(3), batch_size=4, drop_last=True)
    assert len(TensorBatches(*table(3), batch_size=3, drop_last=True)) == 1


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        (
            (torch.zeros(3), torch.zeros(4)),
            r"one length, got shapes \[\(3,\), \(4,\)\]",
        ),
        ((), r"one length, got shapes \[\]"),
        ((torch.tensor(1.0),), r"one length, got shapes \[\(\)\]"),
        ((torch.zeros(3), torch.tensor(1.0)), "one length"),
        ((torch.zeros(0, 2), torch.zeros(0)), "at least one row"),
        ((torch.zeros(3), torch.zeros(3, device="meta")), "one device, got"),
    ],
)
def test_tensors_that_do_not_go_together_are_refused(tensors, says):
    for entrance in (count_rows, lambda *ts: TensorBatches(*ts, batch_size=2)):
        with pytest.raises(ValueError, match=says):
            entrance(*tensors)


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="expected tensors, got a list"):
        count_rows(torch.zeros(3), [1, 2, 3])


def test_count_rows_counts_the_first_dimension():
    assert count_rows(torch.zeros(5, 2, 3), torch.zeros(5)) == 5


def test_whole_batches_give_the_rows_that_were_asked_for():
    X, y = table(5)
    examples = WholeBatches(X, y).__getitems__([3, 0, 3])
    assert [(x.tolist(), int(label)) for x, label in examples] == [
        ([6, 7], 3),
        ([0, 1], 0),
        ([6, 7], 3),
    ]


def test_a_loader_over_whole_batches_gives_what_one_over_rows_gives():
    by_rows, whole = (
        DataLoader(data, 4, shuffle=True, generator=seeded())
        for data in (TensorDataset(*table(10)), WholeBatches(*table(10)))
    )
    for (X, y), (Xw, yw) in zip(by_rows, whole, strict=True):
        assert torch.equal(X, Xw)
        assert torch.equal(y, yw)


def test_a_collate_function_that_takes_the_batch_as_it_is_avoids_the_rows():
    X, _ = table(1000)
    loader = DataLoader(range(1000), 100, collate_fn=lambda rows: X[rows])
    with CountCalls() as count:
        assert torch.equal(torch.cat(list(loader)), X)
    assert count.tensors < 100
