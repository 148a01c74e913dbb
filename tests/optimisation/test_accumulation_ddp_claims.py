"""Sentences of the page that no block of it shows."""

import torch
from torch import nn
from torch.nn.functional import cosine_similarity
from torch.utils.data import DistributedSampler

from firstdescent.optimisation.accumulation_ddp import (
    accumulate,
    linear_from_zero,
    squared_sum,
)
from firstdescent.regression.house_prices import make_houses, standardise


def village():
    X, y = make_houses(112, torch.Generator().manual_seed(0))
    y[:11] -= 40
    return standardise(X)[0], y[:, None]


def test_the_mean_of_means_has_the_weighted_minimum_of_the_bars(page_says):
    page_says(
        "mean of means 21.0 -21.0 422.5",
        "accumulate 39.8 -4.3 266.4",
        "from 52,407 to 423",
        r"the residuals add up to zero, $11 \cdot 39.8 \approx 101 \cdot 4.3$",
    )
    X, y = village()
    A = torch.hstack([X, torch.ones_like(y)])
    short = torch.arange(112)[:, None] < 11
    bars = torch.where(short, y.new_tensor(1 / 22), 1 / 202)
    for weights, expected in (
        (bars, (21.0, -21.0, 422.5)),
        (torch.ones_like(y), (39.8, -4.3, 266.4)),
    ):
        root = weights.sqrt()
        theta = torch.linalg.lstsq(A * root, y * root, driver="gels").solution
        r = A @ theta - y
        places = [round(part.mean().item(), 1) for part in r.split([11, 101])]
        assert (*places, round(r.square().mean().item() / 2, 1)) == expected
    assert round((y.square().mean() / 2).item()) == 52407
    assert abs(r.sum().item()) < 1e-8  # of the right minimum


def test_chunks_of_whole_texts_err_to_one_side_however_they_are_shuffled(page_says):
    page_says("If short texts are harder, shuffling does not help")
    tokens = torch.tensor([10, 20, 40, 80, 100, 160, 300, 600], dtype=torch.float64)
    mean_losses = 4 - 0.004 * tokens  # short texts are harder
    sums = tokens * mean_losses
    shuffles = torch.rand(5000, 8, generator=torch.Generator().manual_seed(0))
    chunks = shuffles.argsort(1).view(5000, 4, 2)  # two texts each
    means = (sums[chunks].sum(2) / tokens[chunks].sum(2)).mean(1)
    errors = means / (sums.sum() / tokens.sum()) - 1
    assert errors.mean() > 0.2
    assert errors.min() > 0


def test_batch_norm_turns_the_gradient_and_does_not_scale_it():
    X, y = village()
    found = []
    for counts in ((112,), (28,) * 4):
        torch.manual_seed(0)
        parts = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)
        model = nn.Sequential(*parts).to(X)
        chunks = zip(X.split(counts), y.split(counts), strict=True)
        accumulate(model, chunks, squared_sum, 112)
        found.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert cosine_similarity(*found, dim=0) < 0.999999


def test_accumulate_frees_what_a_chunk_has_stored():
    X, y = village()
    held = []

    def loss_sum(y_hat, y):
        held.append(y_hat)
        return squared_sum(y_hat, y)

    model = linear_from_zero(X)
    accumulate(model, [(X, y)], loss_sum, 112)
    try:
        held[0].sum().backward()
    except RuntimeError as error:
        assert "second time" in str(error)
    else:
        raise AssertionError("the graph is still there")


def test_without_set_epoch_the_epochs_have_one_order_and_miss_one_row():
    dropped = set()
    for _ in range(5):
        rows = set()
        for rank in range(2):
            rows |= set(DistributedSampler(range(7), 2, rank, drop_last=True))
        dropped |= set(range(7)) - rows
    assert len(dropped) == 1


def test_a_shuffled_sampler_repeats_the_first_row_or_drops_the_last():
    for epoch in range(9):
        g = torch.Generator().manual_seed(epoch)
        order = torch.randperm(7, generator=g).tolist()
        rows = {False: [], True: []}
        for drop, rank in ((False, 0), (False, 1), (True, 0), (True, 1)):
            sampler = DistributedSampler(range(7), 2, rank, drop_last=drop)
            sampler.set_epoch(epoch)
            rows[drop] += sampler
        assert sorted(rows[False]) == sorted([*order, order[0]])
        assert sorted(rows[True]) == sorted(order[:6])


def test_the_circle_lies_26_30ths_of_the_way_to_rank_1(page_says):
    page_says("26/30 of the way from rank 0's tip to rank 1's")
    X, y = make_houses(30, torch.Generator().manual_seed(7))
    A = torch.hstack([standardise(X)[0], torch.ones_like(y)[:, None]])
    rows = -y[:, None] * A
    tips = [part.mean(0) for part in rows.split([4, 26])]
    torch.testing.assert_close(rows.mean(0), tips[0] + 26 / 30 * (tips[1] - tips[0]))
    lengths = [tip[[2, 3]].norm().item() for tip in tips]
    assert 0.8 < lengths[0] / lengths[1] < 1


def test_the_sampler_gives_each_row_once_where_the_ranks_divide_the_rows():
    rows = [i for r in range(2) for i in DistributedSampler(range(8), 2, r)]
    assert sorted(rows) == list(range(8))
