"""Each formula of docs/en/tools/datasets_samplers.md, by an outside judge."""

import math
from collections import Counter

import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    RandomSampler,
    WeightedRandomSampler,
    random_split,
)

from firstdescent.tools.datasets_samplers import ShuffleBuffer

Y = torch.tensor([0] * 10 + [1] * 2)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n", [1, 7, 11, 100])
@pytest.mark.parametrize("parts", [(1, 1), (2, 1, 1), (3, 3, 1, 1)])
@pytest.mark.filterwarnings("ignore:Length of split")
def test_fractions_are_rounded_down_and_the_rest_is_dealt_from_the_first_on(n, parts):
    whole = sum(parts)  # a power of two: no fraction here is rounded as a float
    expected = [n * part // whole for part in parts]
    for i in range(n - sum(expected)):
        expected[i] += 1
    fractions = [part / whole for part in parts]
    split = random_split(range(n), fractions, generator=seeded())
    assert [len(part) for part in split] == expected


def test_a_float_can_cost_a_part_one_row():
    split = random_split(range(100), [0.71, 0.29], generator=seeded())
    assert [len(part) for part in split] == [72, 28]
    assert math.floor(100 * 0.29) == 28 and math.floor(100 * 0.71) == 71


@pytest.mark.parametrize("n", [10, 1000])
def test_replacement_leaves_out_about_one_row_in_e(n):
    share = (1 - 1 / n) ** n
    assert share == pytest.approx(math.exp(-1), abs=0.03)
    generator = seeded()
    sampler = RandomSampler(range(n), True, generator=generator)
    left_out = [n - len(set(sampler)) for _ in range(200)]
    # One count has a variance below n * share * (1 - share) < n / 4.
    assert sum(left_out) / 200 == pytest.approx(
        n * share, abs=5 * math.sqrt(n / 4 / 200)
    )


def test_weights_are_one_a_row_and_share_out_the_draws():
    weights = (1 / torch.bincount(Y))[Y]
    drawn = WeightedRandomSampler(weights, 10_000, generator=seeded())
    ones = sum(row >= 10 for row in drawn)
    assert abs(ones - 5000) < 5 * 50  # binomial(10000, 1/2)
    short = WeightedRandomSampler([0.9, 0.1], 1000, generator=seeded())
    assert set(short) == {0, 1}


@pytest.mark.parametrize("seed", range(5))
def test_order_changes_the_path_and_not_the_minimum(seed):
    labels = (torch.arange(1000) >= 500).double()
    ends = []
    for order in (range(1000), RandomSampler(labels, generator=seeded(seed))):
        c = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
        total = torch.zeros((), dtype=torch.float64)
        end = 0.5
        for rows in BatchSampler(order, 20, False):
            (slope,) = torch.autograd.grad(((labels[rows] - c) ** 2).mean(), c)
            total += slope
            end -= 0.1 * 2 * (end - labels[rows].mean().item())
        assert total.item() == pytest.approx(0, abs=1e-12)
        ends.append(end)
    # 25 steps to 0, then 25 to 1, by hand.
    assert ends[0] == pytest.approx(1 - (1 - 0.5 * 0.8**25) * 0.8**25)
    assert abs(ends[1] - 0.5) < 0.2


@pytest.mark.parametrize("size", [1, 2, 30, 300])
def test_a_shuffle_buffer_lets_nothing_out_a_whole_buffer_early(size):
    left = torch.tensor(list(ShuffleBuffer(range(1000), size, seeded())))
    assert (left - torch.arange(1000)).max() <= size - 1


def test_far_from_the_ends_an_item_moves_by_about_the_size_of_the_buffer():
    n, k = 40_000, 20
    left = torch.tensor(list(ShuffleBuffer(range(n), k, seeded())))
    shift = torch.argsort(left) - torch.arange(n)  # where item i left, minus i
    middle = shift[k : n - 20 * k].double()
    # A geometric law has a heavy tail: the spread is known to about 2 %.
    assert middle.mean().item() == pytest.approx(0, abs=0.05 * k)
    assert middle.std().item() == pytest.approx(math.sqrt(k * (k - 1)), rel=0.08)
    times = Counter(middle.int().tolist())
    for late in range(5):  # P(shift = late) = (1 - 1/k) ** (late + k - 1) / k
        expected = (1 - 1 / k) ** (late + k - 1) / k * len(middle)
        assert times[late] == pytest.approx(expected, abs=6 * math.sqrt(expected))
