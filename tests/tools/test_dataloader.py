"""firstdescent.tools.dataloader against PyTorch's loader and counting by hand."""

import inspect
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    default_collate,
)

from firstdescent.tools.dataloader import epoch_mean, load, padded
from firstdescent.tools.figures.dataloader import draw_pipeline

PAGE = Path(__file__).parents[2] / "docs/en/tools/dataloader.md"
ROW = re.compile(r"^\| `(\w+)`{ .pp-nowrap }: ", re.MULTILINE)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def lists(batches):
    return [batch.tolist() for batch in batches]


@pytest.mark.parametrize("n", [1, 7, 8, 10])
@pytest.mark.parametrize("size", [1, 4, 50])
def test_load_gives_the_shuffled_epochs_of_a_dataloader(n, size):
    g, h = seeded(3), seeded(3)
    loader = DataLoader(range(n), batch_size=size, shuffle=True, generator=g)
    for _ in range(4):
        ours = load(range(n), RandomSampler(range(n), generator=h), size, h)
        assert lists(ours) == lists(loader)
        assert torch.equal(g.get_state(), h.get_state())


def test_load_draws_from_the_global_state_as_a_dataloader_does():
    rows = range(10)
    for shuffle, kind in ((True, RandomSampler), (False, SequentialSampler)):
        torch.manual_seed(5)
        theirs = lists(DataLoader(rows, batch_size=4, shuffle=shuffle))
        state = torch.get_rng_state()
        torch.manual_seed(5)
        assert lists(load(rows, kind(rows), 4, None)) == theirs
        assert torch.equal(torch.get_rng_state(), state)


def test_load_reads_a_row_only_when_its_batch_is_asked_for():
    read = []

    class Rows(list):
        def __getitem__(self, row):
            read.append(row)
            return super().__getitem__(row)

    batches = load(Rows(range(10)), range(10), 4, seeded(0))
    assert read == []
    next(batches)
    assert read == [0, 1, 2, 3]
    next(batches)
    assert read == list(range(8))


def test_load_of_no_rows_gives_no_batch():
    assert list(load([], [], 4, seeded(0))) == []


@pytest.mark.parametrize("size", [0, -1, 4.0])
def test_load_refuses_a_batch_size_that_is_not_a_positive_integer(size):
    with pytest.raises(ValueError, match="positive integer"):
        next(load(range(3), range(3), size, seeded(0)))


def test_padded_fills_up_with_zeros_and_tells_the_lengths():
    items = [torch.tensor([5, 3]), torch.tensor([8]), torch.tensor([0, 4, 2])]
    words, lengths = padded(items)
    assert words.tolist() == [[5, 3, 0], [8, 0, 0], [0, 4, 2]]
    assert lengths.tolist() == [2, 1, 3]


def test_padded_loses_nothing_and_fills_nothing_where_lengths_are_equal():
    items = [torch.randn(4, generator=seeded(k)) for k in range(3)]
    words, lengths = padded(items)
    torch.testing.assert_close(words, torch.stack(items))
    assert lengths.tolist() == [4, 4, 4]
    words, lengths = padded([torch.tensor([7.0])])
    assert words.tolist() == [[7.0]] and lengths.tolist() == [1]


def test_padded_refuses_an_empty_list():
    with pytest.raises(ValueError, match="got none"):
        padded([])


def test_epoch_mean_is_the_mean_over_all_rows_for_any_batch_size():
    losses = torch.randn(23, generator=seeded(0), dtype=torch.float64)
    for size in (1, 4, 5, 23, 50):
        parts = losses.split(size)
        means = [part.mean().item() for part in parts]
        mean = epoch_mean(means, [len(part) for part in parts])
        assert mean == pytest.approx(losses.mean().item(), abs=1e-12)


def test_epoch_mean_equals_the_mean_of_means_only_when_batches_are_equal():
    assert epoch_mean([1.0, 3.0], [5, 5]) == 2.0
    assert epoch_mean([1.0, 3.0], [3, 1]) == 1.5


def test_epoch_mean_refuses_no_batch_an_empty_batch_and_a_missing_count():
    with pytest.raises(ValueError, match="positive counts"):
        epoch_mean([], [])
    with pytest.raises(ValueError, match=r"\[4, 0\]"):
        epoch_mean([1.0, 2.0], [4, 0])
    with pytest.raises(ValueError, match="zip"):
        epoch_mean([1.0, 2.0], [4])


def test_the_picture_shows_each_row_number_in_each_of_its_stages():
    squares = [(i, i * i) for i in range(10)]
    order = list(RandomSampler(squares, generator=seeded(1)))
    groups = list(BatchSampler(order, 4, drop_last=False))
    items = [[squares[row] for row in group] for group in groups]
    draw_pipeline(order, groups, items, [default_collate(part) for part in items])
    drawn = [text.get_text() for text in plt.gca().texts]
    plt.close()
    numbers = [int(text) for text in drawn if text.isdigit()]
    twice = [row for row, _ in squares] * 4 + [square for _, square in squares] * 2
    assert sorted(numbers) == sorted(twice)
    assert numbers[:10] == order


def test_the_tables_name_each_argument_of_the_dataloader_once():
    table = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert sorted(table) == sorted(inspect.signature(DataLoader).parameters)


def test_there_are_as_many_arguments_as_the_question_says():
    assert len(inspect.signature(DataLoader).parameters) == 17
