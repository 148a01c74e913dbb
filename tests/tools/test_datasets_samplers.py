"""firstdescent.tools.datasets_samplers against answers that it did not compute."""

import math
from collections import Counter

import matplotlib.pyplot as plt
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from firstdescent.tools.datasets_samplers import (
    ShuffleBuffer,
    Table,
    stratified_batches,
)
from firstdescent.tools.figures.datasets_samplers import draw_batches, draw_strips

X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
Y = torch.tensor([0, 1, 0])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_table_gives_the_rows_that_tensordataset_gives():
    ours, theirs = Table(X, Y), TensorDataset(X, Y)
    assert len(ours) == len(theirs) == 3
    for i in (-3, -1, 0, 2):
        for a, b in zip(ours[i], theirs[i], strict=True):
            torch.testing.assert_close(a, b)


def test_a_table_transforms_a_row_each_time_it_is_asked_and_leaves_x_alone():
    asked = []

    def transform(x):
        asked.append(x.tolist())
        return -x

    before = X.clone()
    table = Table(X, Y, transform)
    assert asked == []
    assert table[1][0].tolist() == table[1][0].tolist() == [-3.0, -4.0]
    assert asked == [[3.0, 4.0]] * 2
    torch.testing.assert_close(X, before)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_loop_over_a_table_stops_after_its_last_row(n):
    assert len(list(Table(X[:n], Y[:n]))) == n


@pytest.mark.parametrize("i", [3, -4])
def test_a_table_has_no_row_past_its_ends(i):
    with pytest.raises(IndexError):
        Table(X, Y)[i]


def test_a_table_refuses_a_label_too_few():
    with pytest.raises(ValueError, match="got 3 and 2"):
        Table(X, Y[:2])


def test_a_loader_stacks_the_rows_of_a_table():
    x, y = next(iter(DataLoader(Table(X, Y), sampler=[2, 0], batch_size=2)))
    torch.testing.assert_close(x, X[[2, 0]])
    torch.testing.assert_close(y, Y[[2, 0]])


@pytest.mark.parametrize(("n", "size"), [(0, 3), (1, 1), (2, 5), (20, 7), (20, 20)])
def test_a_shuffle_buffer_gives_each_item_once(n, size):
    assert sorted(ShuffleBuffer(range(n), size, seeded())) == list(range(n))


def test_a_buffer_of_one_changes_nothing():
    assert list(ShuffleBuffer("abcdef", 1, seeded())) == list("abcdef")


def test_a_shuffle_buffer_holds_no_more_than_its_size():
    taken = []

    def source():
        for i in range(100):
            taken.append(i)
            yield i

    for left, _ in enumerate(ShuffleBuffer(source(), 10, seeded()), start=1):
        assert len(taken) <= left + 10


def test_same_seed_same_order_and_the_next_epoch_has_another():
    buffer = ShuffleBuffer(range(50), 10, seeded(1))
    first, second = list(buffer), list(buffer)
    assert first == list(ShuffleBuffer(range(50), 10, seeded(1)))
    assert first != second


def test_a_shuffle_buffer_as_large_as_the_source_makes_every_order_equally_likely():
    generator = seeded()
    orders = (tuple(ShuffleBuffer("abc", 3, generator)) for _ in range(6000))
    times = Counter(orders)
    assert len(times) == 6
    # Each is binomial(6000, 1/6): standard deviation 29.
    assert all(abs(count - 1000) < 5 * 29 for count in times.values())


@pytest.mark.parametrize("size", [0, -1])
def test_a_shuffle_buffer_needs_room_for_one(size):
    with pytest.raises(ValueError, match="1 item or more"):
        ShuffleBuffer(range(3), size, seeded())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n", "batch_size"), [(1, 1), (12, 5), (30, 7), (97, 10)])
def test_stratified_batches_give_each_label_its_share_and_each_row_once(
    n, batch_size, seed
):
    y = torch.randint(3, (n,), generator=seeded(seed))
    made = stratified_batches(y, batch_size, seeded(seed))
    k = math.ceil(n / batch_size)
    assert len(made) == k
    assert sorted(row for batch in made for row in batch) == list(range(n))
    assert {len(batch) for batch in made} <= {n // k, math.ceil(n / k)}
    for label in range(3):
        total = (y == label).sum().item()
        counts = {(y[batch] == label).sum().item() for batch in made}
        assert counts <= {total // k, math.ceil(total / k)}


def test_stratified_counts_are_exact_where_they_can_be():
    y = torch.tensor([0] * 90 + [1] * 10)
    made = stratified_batches(y, 10, seeded())
    assert [torch.bincount(y[batch]).tolist() for batch in made] == [[9, 1]] * 10


def test_stratified_batches_are_shuffled_within_a_label():
    y = torch.tensor([0] * 6 + [1] * 2)
    with_row_0 = Counter()
    generator = seeded()
    for _ in range(2000):
        first, _ = stratified_batches(y, 4, generator)
        with_row_0[0 in first] += 1
    assert abs(with_row_0[True] - 1000) < 5 * 23  # binomial(2000, 1/2)


def test_no_rows_make_no_batches():
    assert stratified_batches(torch.empty(0, dtype=torch.long), 4, seeded()) == []


@pytest.mark.parametrize(("y", "size"), [(torch.ones(2, 2), 1), (torch.ones(3), 0)])
def test_stratified_batches_refuse_a_matrix_and_an_empty_batch(y, size):
    with pytest.raises(ValueError, match=r"expected y \(n,\) and batch_size >= 1"):
        stratified_batches(y, size, seeded())


def test_the_picture_shows_each_row_of_each_batch_and_what_is_left_out():
    y = torch.tensor([0, 0, 1, 1])
    draw_batches({"some": [[0, 2, 2], [0]], "all": [[3, 2, 1, 0]]}, y)
    some, every = plt.gcf().axes
    boxes = [(bar.get_x() + 0.46, bar.get_y() + 0.43) for bar in bars(some)]
    found = sorted((round(x), round(y)) for x, y in boxes)
    plt.close()
    assert found == [(0, 0), (0, 1), (2, 0)]
    assert [text.get_text() for text in some.texts] == ["2"]
    grey = [p.get_x() for p in some.patches if p not in bars(some)]
    assert sorted(grey) == [0.5, 2.5]  # rows 1 and 3
    assert len(bars(every)) == len(every.patches) == 4


def test_the_strips_show_the_orders_themselves():
    orders = {"up": torch.arange(5), "down": torch.arange(5).flip(0)}
    draw_strips(orders)
    drawn = {ax.get_title("left"): ax.images[0].get_array() for ax in plt.gcf().axes}
    plt.close()
    assert {name: row.tolist() for name, row in drawn.items()} == {
        "up": [[0, 1, 2, 3, 4]],
        "down": [[4, 3, 2, 1, 0]],
    }


def bars(ax):
    return [bar for container in ax.containers for bar in container]
