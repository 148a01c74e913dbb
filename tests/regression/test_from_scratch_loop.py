"""The hand-written loop against torch.optim and closed forms; its five bugs."""

import math

import pytest
import torch
from torch import Generator, nn
from torch.testing import assert_close

from firstdescent.regression.from_scratch import (
    data_iter,
    sgd_,
    synthetic_linear,
    train,
)
from firstdescent.regression.house_prices import predict, squared_loss


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def data(n: int, sigma: float = 0.5):
    w = torch.tensor([2.0, -3.4], dtype=torch.float64)
    return synthetic_linear(w, 4.2, n, sigma, seeded())


def zeros():
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    return w, torch.zeros((), dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("batch_size", [10, 48])
def test_train_takes_the_path_of_torch_with_mse_loss_at_half_the_step(batch_size):
    X, y = data(100)
    path = train(X, y, 0.06, batch_size, 2, seeded(1))
    layer = nn.Linear(2, 1, dtype=torch.float64)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.03)
    visited, generator = [torch.zeros(3, dtype=torch.float64)], seeded(1)
    for _ in range(2):
        for X_batch, y_batch in data_iter(batch_size, X, y, generator):
            optimiser.zero_grad()
            nn.MSELoss()(layer(X_batch)[:, 0], y_batch).backward()
            optimiser.step()
            visited.append(torch.hstack([layer.weight[0], layer.bias]).detach())
    assert_close(path, torch.stack(visited))


@pytest.mark.parametrize("batch_size", [20, 256])
def test_full_batches_follow_the_closed_form_of_gradient_descent(batch_size):
    X, y = data(20)
    A = torch.hstack([X, torch.ones(20, 1, dtype=torch.float64)])
    best = torch.linalg.solve(A.T @ A, A.T @ y)
    shrink = torch.eye(3, dtype=torch.float64) - 0.1 * A.T @ A / 20
    path = train(X, y, 0.1, batch_size, 5, seeded(), start=1000.0)
    for k, theta in enumerate(path):
        expected = best + torch.linalg.matrix_power(shrink, k) @ (path[0] - best)
        assert_close(theta, expected)


def test_no_epoch_leaves_the_start_alone():
    assert train(*data(3), 0.1, 2, 0, seeded(), start=7.0).tolist() == [[7.0] * 3]


@pytest.mark.parametrize("start", [0.0, 1000.0])
def test_without_noise_any_start_finds_the_truth(start):
    path = train(*data(200, sigma=0.0), 0.1, 10, 30, seeded(), start)
    assert_close(path[-1], torch.tensor([2.0, -3.4, 4.2], dtype=torch.float64))


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (torch.zeros(4), torch.zeros(4), "needs y"),
        (torch.zeros(4, 2), torch.zeros(4, 1), "needs y"),
        (torch.zeros(4, 2), torch.zeros(3), "needs y"),
        (torch.full((4, 2), math.nan), torch.zeros(4), "finite"),
        (torch.zeros(4, 2), torch.full((4,), math.inf), "finite"),
    ],
)
def test_train_refuses_data_it_cannot_learn_from(X, y, message):
    with pytest.raises(ValueError, match=message):
        train(X, y, 0.1, 2, 1, seeded())


def test_train_refuses_whole_numbers_and_a_negative_number_of_epochs():
    with pytest.raises(TypeError, match="X must be floating point"):
        train(torch.ones(4, 1, dtype=torch.int64), torch.ones(4), 0.1, 2, 1, seeded())
    with pytest.raises(ValueError, match="epochs must be at least 0, got -1"):
        train(*data(4), 0.1, 2, -1, seeded())


def test_train_keeps_the_dtype_of_the_features():
    X, y = data(4)
    assert train(X.float(), y.float(), 0.1, 2, 1, seeded()).dtype == torch.float32


@pytest.mark.parametrize("start", [math.nan, math.inf, -math.inf])
def test_train_refuses_a_start_that_is_not_a_number(start):
    with pytest.raises(ValueError, match="start must be finite"):
        train(*data(4), 0.1, 2, 1, seeded(), start)


def test_train_says_when_the_parameters_overflow():
    with pytest.raises(FloatingPointError, match="is too large"):
        train(*data(100), 1e6, 10, 20, seeded())


def test_bug_1_torch_has_no_gradient_of_a_loss_for_each_example():
    (w, b), (X, y) = zeros(), data(10)
    each = (predict(X, w, b) - y) ** 2 / 2
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        each.backward()
    each.sum().backward()
    total, w.grad = w.grad / 10, None
    squared_loss(predict(X, w, b), y).backward()
    assert_close(total, w.grad)


def test_bug_2_torch_refuses_a_recorded_update_and_a_new_tensor_is_no_leaf():
    w, _ = zeros()
    w.sum().backward()
    assert not (w - 0.1 * w.grad).is_leaf
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        w -= 0.1 * w.grad


def test_bug_3_a_column_of_labels_trains_to_the_mean_label():
    (w, b), (X, y) = zeros(), data(50)
    for _ in range(200):
        gap = predict(X, w, b) - y[:, None]
        (gap**2).mean().div(2).backward()
        sgd_([w, b], lr=0.3)
    assert gap.shape == (50, 50)
    assert_close(w, torch.zeros_like(w))
    assert_close(b, y.mean())
    # What remains is half the variance of the labels.
    assert_close((gap**2).mean() / 2, y.var(correction=0) / 2)


def test_bug_3_is_only_a_warning_in_mse_loss():
    with pytest.warns(UserWarning, match="different to the input size"):
        nn.MSELoss()(torch.zeros(4), torch.zeros(4, 1))


def test_bug_4_a_nominal_batch_size_takes_the_steps_of_a_smaller_lr():
    (w, b), (X, y) = zeros(), data(20)
    for _ in range(5):
        (predict(X, w, b) - y).square().sum().div(2).backward()
        sgd_([w, b], lr=0.3 / 256)
    path = train(X, y, 0.3 * 20 / 256, 20, 5, seeded())
    assert_close(torch.hstack([w, b]).detach(), path[-1])


def test_bug_5_is_none_a_far_start_reaches_the_same_floor():
    X, y = data(1000, sigma=0.01)
    near = train(X, y, 0.03, 10, 5, seeded())[-1]
    far = train(X, y, 0.03, 10, 5, seeded(), start=1000.0)[-1]
    # 500 updates multiply a distance of 1700 by about 0.97^500 = 2e-7.
    assert_close(near, far, rtol=0, atol=2e-3)
