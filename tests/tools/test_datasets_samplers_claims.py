"""Each claim of docs/en/tools/datasets_samplers.md, put to Python and to PyTorch."""

import inspect
import textwrap
from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    random_split,
)

from firstdescent.tools.datasets_samplers import Table

X = torch.arange(12.0)[:, None] * torch.tensor([1.0, 10.0])
Y = torch.tensor([0] * 10 + [1] * 2)
NOTES = "assert all(tensors[0].size(0) == tensor.size(0) for tensor in tensors)"


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Squares(Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return i * i


def test_a_loop_over_a_dataset_without_index_error_passes_its_length():
    assert sum(1 for _ in islice(Squares(), 10_000)) == 10_000
    assert [int(v) for v in DataLoader(Squares())] == [0, 1, 4]


def test_the_page_s_check_ends_the_loop():
    class Stopping(Squares):
        def __getitem__(self, i):
            if not 0 <= i < len(self):
                raise IndexError(i)
            return i * i

    assert list(Stopping()) == [0, 1, 4]


def test_any_index_error_ends_the_loop_in_silence_but_not_the_loader():
    class Mistaken(Squares):
        def __getitem__(self, i):
            return ["zero", "one"][i]  # a name is missing

    assert list(Mistaken()) == ["zero", "one"]
    with pytest.raises(IndexError):
        list(DataLoader(Mistaken()))


@pytest.mark.parametrize(("optimize", "refused"), [(0, True), (1, False)])
def test_the_notes_check_says_nothing_and_vanishes_under_o(optimize, refused):
    code = compile(NOTES, "notes", "exec", optimize=optimize)  # 1 is python -O
    if not refused:
        exec(code, {"tensors": (X, Y[:11])})
        return
    with pytest.raises(AssertionError) as caught:
        exec(code, {"tensors": (X, Y[:11])})
    assert str(caught.value) == ""


def test_today_s_check_has_a_message_and_survives_o():
    source = textwrap.dedent(inspect.getsource(TensorDataset.__init__))
    made = {"Tensor": torch.Tensor}
    exec(compile(source, "torch", "exec", optimize=1), made)
    with pytest.raises(AssertionError, match="Size mismatch"):
        made["__init__"](TensorDataset(X), X, Y[:11])


def test_tensordataset_keeps_the_tensors_themselves():
    data = TensorDataset(X, Y)
    assert data.tensors[0] is X
    assert data[7][0].data_ptr() == X[7].data_ptr()
    for index in (3, -1, slice(2, 5), [0, 4], Y == 1):
        torch.testing.assert_close(data[index], (X[index], Y[index]))


@pytest.mark.parametrize("bad", [[0, 1], np.zeros(2)])
def test_as_tensor_mends_what_tensordataset_refuses(bad):
    with pytest.raises((AttributeError, TypeError)):
        TensorDataset(bad)
    assert len(TensorDataset(torch.as_tensor(bad))) == 2


def test_zip_drops_rows_in_silence_and_strict_does_not():
    # no strict=: what zip does by itself is what is tested
    assert len(list(zip(X, Y[:11]))) == 11  # noqa: B905
    with pytest.raises(ValueError, match="shorter"):
        list(zip(X, Y[:11], strict=True))


def test_a_list_of_pairs_is_a_dataset():
    pairs = list(zip(X, Y, strict=True))
    for ours, theirs in zip(
        DataLoader(pairs, batch_size=5),
        DataLoader(TensorDataset(X, Y), batch_size=5),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)
    assert isinstance(pairs[0:5], list) and len(pairs[0:5]) == 5
    assert [len(part) for part in TensorDataset(X, Y)[0:5]] == [5, 5]


def test_a_subset_is_a_view_that_looks_up_once_for_each_level():
    values = X.clone()
    outer = Subset(TensorDataset(values), [5, 3, 8])
    inner = Subset(outer, [2, 0])
    assert [inner[i][0][0].item() for i in range(2)] == [8.0, 5.0]
    values[8, 0] = -1.0
    assert inner[0][0][0].item() == -1.0


def test_a_subset_is_sampled_by_its_own_positions():
    train, _ = random_split(TensorDataset(X, Y), [9, 3], generator=seeded())
    drawn = DataLoader(train, sampler=SubsetRandomSampler(range(9)), batch_size=9)
    assert set(next(iter(drawn))[0][:, 0].tolist()) == set(train.indices)
    with pytest.raises(IndexError):
        list(DataLoader(train, sampler=SubsetRandomSampler(train.indices)))


def test_both_parts_of_a_split_share_one_transform():
    table = Table(X, Y, torch.neg)
    for part in random_split(table, [9, 3], generator=seeded()):
        assert (part[0][0] <= 0).all()


def test_a_split_uses_each_row_once():
    split = random_split(range(12), [5, 4, 3], generator=seeded())
    assert sorted(row for part in split for row in part.indices) == list(range(12))


def test_concat_counts_from_either_end_and_a_loop_over_it_stops():
    both = ConcatDataset([range(3), range(10, 12)])
    assert [both[i] for i in range(-5, 5)] == [0, 1, 2, 10, 11] * 2
    assert list(ConcatDataset([Squares(), Squares()])) == [0, 1, 4] * 2
    with pytest.raises(IndexError):
        both[5]
    with pytest.raises(ValueError, match="should not exceed dataset length"):
        both[-6]


def test_stackdataset_pairs_any_datasets_and_checks_their_lengths():
    assert StackDataset(square=Squares(), name="abc")[2] == {"square": 4, "name": "c"}
    with pytest.raises(ValueError, match="Size mismatch"):
        StackDataset(Squares(), "abcd")


def test_shuffle_true_is_a_random_sampler():
    assert isinstance(DataLoader(range(3), shuffle=True).sampler, RandomSampler)


@pytest.mark.parametrize("num_samples", [5, 12, 18, 24])
def test_without_replacement_no_row_comes_again_before_all_have_come(num_samples):
    rows = list(RandomSampler(X, num_samples=num_samples, generator=seeded()))
    for start in range(0, num_samples, 12):
        turn = rows[start : start + 12]
        assert len(set(turn)) == len(turn)


def test_any_list_of_rows_is_a_sampler_and_a_list_of_lists_a_batch_sampler():
    order = [b.tolist() for b in DataLoader(range(12), sampler=[7, 7, 2], batch_size=2)]
    assert order == [[7, 7], [2]]
    loader = DataLoader(range(12), batch_sampler=[[0, 9], [1, 8, 7]])
    assert [b.tolist() for b in loader] == [[0, 9], [1, 8, 7]]
    assert list(BatchSampler([7, 7, 2], 2, True)) == [[7, 7]]
    for other in ({"batch_size": 2}, {"shuffle": True}, {"drop_last": True}):
        with pytest.raises(ValueError, match="mutually exclusive"):
            DataLoader(range(12), batch_sampler=[[0]], **other)
    with pytest.raises(ValueError, match="mutually exclusive"):
        DataLoader(range(12), batch_sampler=[[0]], sampler=[0])


def test_a_sampler_that_is_an_iterator_is_empty_in_the_second_epoch():
    once = DataLoader(range(12), sampler=iter([7, 7, 2]))
    assert [len(list(once)) for _ in range(2)] == [3, 0]
    again = DataLoader(range(12), sampler=[7, 7, 2])
    assert [len(list(again)) for _ in range(2)] == [3, 3]


def test_a_stream_has_no_length_and_refuses_a_sampler():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(5))

    with pytest.raises(TypeError, match="no len"):
        len(Stream())
    for order in ({"shuffle": True}, {"sampler": [0]}):
        with pytest.raises(ValueError, match="IterableDataset"):
            DataLoader(Stream(), **order)
    assert [b.tolist() for b in DataLoader(Stream(), batch_size=2)] == [
        [0, 1],
        [2, 3],
        [4],
    ]


def test_a_subset_hands_getitems_on():
    class AtOnce(Table):
        asked = ()

        def __getitems__(self, rows):
            self.asked = rows
            return [self[i] for i in rows]

    table = AtOnce(X, Y)
    next(iter(DataLoader(Subset(table, [8, 4, 6]), batch_size=2)))
    assert table.asked == [8, 4]


def test_fractions_whose_sum_in_floats_exceeds_one_are_refused():
    """Python 3.12 adds floats more exactly, so there `sum` may be 1."""
    fractions = [0.33, 0.56, 0.11]
    assert (0.33 + 0.56) + 0.11 > 1
    if sum(fractions) > 1:
        with pytest.raises(ValueError, match="Sum of input lengths"):
            random_split(range(100), fractions, generator=seeded())
    else:
        parts = random_split(range(100), fractions, generator=seeded())
        assert sum(map(len, parts)) == 100
