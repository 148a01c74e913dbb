"""The parts of the hand-written loop against torch.optim, torch.nn and plain Python."""

import math
import random

import pytest
import torch
from torch import Generator, nn
from torch.testing import assert_close

from firstdescent.regression.from_scratch import (
    data_iter,
    sgd_,
    synthetic_linear,
)
from firstdescent.regression.house_prices import predict, squared_loss

W = torch.tensor([2.0, -3.4], dtype=torch.float64)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def data(n: int):
    return synthetic_linear(W, 4.2, n, 0.5, seeded())


def zeros():
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    return w, torch.zeros((), dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("w", [[2.0, -3.4], [0.5]])
@pytest.mark.parametrize("n", [1, 5])
def test_labels_without_noise_lie_on_the_plane(n, w):
    X, y = synthetic_linear(torch.tensor(w), 4.2, n, 0.0, seeded())
    assert X.shape == (n, len(w))
    assert_close(y, torch.einsum("nd,d->n", X, torch.tensor(w)) + 4.2)


def test_whole_numbers_as_weights_are_refused():
    with pytest.raises(TypeError, match="floating point"):
        synthetic_linear(torch.tensor([2, 3]), 0.0, 5, 0.1, seeded())


def test_the_features_and_the_noise_have_mean_0_and_their_deviations():
    X, y = data(40_000)
    assert X.mean(dim=0).abs().max() < 5 / math.sqrt(40_000)
    assert (X.std(dim=0) - 1).abs().max() < 5 / math.sqrt(80_000)
    noise = (y - (X @ W + 4.2)) / 0.5
    # Five standard errors: 1 / sqrt(n) of a mean, 1 / sqrt(2 n) of a deviation.
    assert abs(noise.mean()) < 5 / math.sqrt(40_000)
    assert abs(noise.std() - 1) < 5 / math.sqrt(80_000)


@pytest.mark.parametrize(
    ("w", "n", "sigma", "message"),
    [
        (W[:, None], 5, 0.1, "w must be"),
        (W, 0, 0.1, "n must be"),
        (W, 5, -0.1, "sigma must be"),
        (W, 5, math.nan, "sigma must be"),
        (W, 5, math.inf, "sigma must be"),
        (W[:0], 5, 0.1, "w must be"),
    ],
)
def test_impossible_data_is_refused(w, n, sigma, message):
    with pytest.raises(ValueError, match=message):
        synthetic_linear(w, 0.0, n, sigma, seeded())


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [(6, 3, [3, 3]), (7, 3, [3, 3, 1]), (2, 9, [2]), (1, 1, [1])],
)
def test_each_row_comes_once_with_its_own_label(n, batch_size, sizes):
    X = torch.arange(2.0 * n).reshape(n, 2)
    batches = list(data_iter(batch_size, X, 10 * X[:, 0], seeded()))
    assert [len(y) for _, y in batches] == sizes
    rows = torch.cat([X_batch for X_batch, _ in batches])
    assert_close(torch.cat([y for _, y in batches]), 10 * rows[:, 0])
    assert sorted(rows.tolist()) == X.tolist()


def test_a_shuffled_python_list_covers_the_same_rows_in_the_same_sizes():
    rows = random.Random(0).sample(range(1000), 1000)
    lists = [rows[i : min(i + 48, 1000)] for i in range(0, 1000, 48)]
    numbers = torch.arange(1000)
    ours = [y for _, y in data_iter(48, numbers[:, None], numbers, seeded())]
    assert [len(y) for y in ours] == [len(batch) for batch in lists]
    assert sorted(torch.cat(ours).tolist()) == sorted(rows)


def test_each_epoch_has_an_order_of_its_own():
    numbers, generator = torch.arange(50), seeded()
    first, second = (
        torch.cat([y for _, y in data_iter(8, numbers[:, None], numbers, generator)])
        for _ in range(2)
    )
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("batch_size", "n", "m"), [(0, 3, 3), (2, 0, 0), (2, 3, 4)])
def test_impossible_batches_are_refused_when_the_first_is_asked_for(batch_size, n, m):
    batches = data_iter(batch_size, torch.zeros(n, 1), torch.zeros(m), seeded())
    with pytest.raises(ValueError, match="must"):
        next(batches)


def test_sgd_takes_the_step_of_torch_and_clears_the_gradient_of_the_same_leaf():
    (w, b), (v, c) = zeros(), zeros()
    X, y = data(5)
    optimiser = torch.optim.SGD([v, c], lr=0.1)
    squared_loss(predict(X, w, b), y).backward()
    squared_loss(predict(X, v, c), y).backward()
    sgd_([w, b], lr=0.1)
    optimiser.step()
    assert_close(torch.hstack([w, b]), torch.hstack([v, c]))
    assert w.is_leaf and w.requires_grad and not w.grad.any() and not b.grad.any()


@pytest.mark.parametrize("lr", [0.0, -0.1, math.nan, math.inf])
def test_a_step_size_that_is_not_positive_and_finite_is_refused(lr):
    w, _ = zeros()
    w.sum().backward()
    with pytest.raises(ValueError, match="lr must be positive"):
        sgd_([w], lr)


def test_an_update_before_backward_is_refused():
    with pytest.raises(ValueError, match=r"call backward\(\) first"):
        sgd_(list(zeros()), lr=0.1)


def test_an_update_takes_what_parameters_returns():
    layer = nn.Linear(1, 1)
    nn.init.ones_(layer.weight)
    layer(torch.ones(1)).sum().backward()
    sgd_(layer.parameters(), lr=0.25)
    assert layer.weight.item() == 0.75 and not layer.weight.grad.any()
