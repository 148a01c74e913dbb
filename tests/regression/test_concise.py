"""The six lines against closed forms, plain lists and the loop written by hand."""

import math

import pytest
import torch
from torch import Generator, nn
from torch.testing import assert_close

from firstdescent.regression.concise import load_array, train_concise
from firstdescent.regression.from_scratch import data_iter, synthetic_linear, train


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def data(n: int, sigma: float = 0.5):
    w = torch.tensor([2.0, -3.4], dtype=torch.float64)
    return synthetic_linear(w, 4.2, n, sigma, seeded())


def linear(value: float, d: int = 2):
    net = nn.Linear(d, 1, dtype=torch.float64)
    for param in net.parameters():
        nn.init.constant_(param, value)
    return net


def path_of(batches, lr, loss=None, epochs=1, value=0.0, **sgd):
    net = linear(value)
    optimiser = torch.optim.SGD(net.parameters(), lr=lr, **sgd)
    return train_concise(net, batches, loss or nn.MSELoss(), optimiser, epochs)


def test_a_loader_hands_out_every_row_once_with_its_label():
    rows = torch.arange(10)
    loader = load_array((rows, 2 * rows), 4, True, seeded())
    batches = list(loader)
    assert [len(X) for X, _ in batches] == [4, 4, 2]
    assert sorted(torch.cat([X for X, _ in batches]).tolist()) == list(range(10))
    assert all(torch.equal(y, 2 * X) for X, y in batches)


@pytest.mark.parametrize("n", [1, 7])
def test_a_loader_that_does_not_shuffle_keeps_the_order(n):
    (batches,) = load_array((torch.arange(n),), 100, False, seeded())
    assert batches[0].tolist() == list(range(n))


def test_the_generator_decides_the_order():
    def order(seed):
        loader = load_array((torch.arange(50),), 50, True, seeded(seed))
        return next(iter(loader))[0].tolist()

    assert order(0) == order(0) != order(1)


@pytest.mark.parametrize("lengths", [(3, 4), (0, 0)])
def test_arrays_of_different_or_no_length_are_refused(lengths):
    with pytest.raises(ValueError, match="one length n > 0"):
        load_array([torch.zeros(k) for k in lengths], 2, True, seeded())


def test_full_batches_follow_the_closed_form_of_gradient_descent():
    X, y = data(20)
    A = torch.hstack([X, torch.ones(20, 1, dtype=torch.float64)])
    best = torch.linalg.solve(A.T @ A, A.T @ y)
    shrink = torch.eye(3, dtype=torch.float64) - 0.1 * 2 * A.T @ A / 20
    path = path_of([(X, y[:, None])], 0.1, epochs=5, value=3.0)
    assert path.shape == (6, 3)
    for k, theta in enumerate(path):
        expected = best + torch.linalg.matrix_power(shrink, k) @ (path[0] - best)
        assert_close(theta, expected)


def test_a_recorded_path_does_not_move_when_training_goes_on():
    X, y = data(5)
    net = linear(0.0)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    batches = [(X, y[:, None])]
    path = train_concise(net, batches, nn.MSELoss(), optimiser, 2)
    kept = path.clone()
    train_concise(net, batches, nn.MSELoss(), optimiser, 2)
    assert torch.equal(path, kept) and not path.requires_grad


def test_no_epoch_leaves_the_start_alone():
    assert path_of([], 0.1, epochs=0, value=7.0).tolist() == [[7.0] * 3]


@pytest.mark.parametrize("shape", [(5,), (1, 5), (5, 2)])
def test_labels_that_would_broadcast_are_refused_where_mse_loss_only_warns(shape):
    X, _ = data(5)
    with pytest.raises(ValueError, match=r"got \(5, 1\) and \("):
        path_of([(X, torch.zeros(shape, dtype=X.dtype))], 0.1)


def test_a_loader_that_can_be_walked_once_serves_one_epoch_only():
    X, y = data(20)
    batches = data_iter(10, X, y[:, None], seeded())
    assert len(path_of(batches, 0.1)) == 3
    with pytest.raises(ValueError, match="used up after one epoch"):
        path_of(data_iter(10, X, y[:, None], seeded()), 0.1, epochs=2)


def test_training_leaves_the_mode_of_the_net_alone():
    X, y = data(5)
    net = linear(0.0).eval()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    train_concise(net, [(X, y[:, None])], nn.MSELoss(), optimiser, 1)
    assert not net.training
    assert net.weight.grad is not None


def test_an_overflow_is_said():
    X, y = data(50)
    with pytest.raises(FloatingPointError, match="lr is too large"):
        path_of([(X, y[:, None])], 1e6, epochs=100)


@pytest.mark.parametrize("batch_size", [10, 48])
@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.HuberLoss(delta=1e6)])
def test_the_loop_by_hand_is_matched_when_factor_rows_and_start_agree(loss, batch_size):
    X, y = data(100)
    generator = seeded(1)
    batches = [
        (a, c[:, None])
        for _ in range(3)
        for a, c in data_iter(batch_size, X, y, generator)
    ]
    factor = 2 if isinstance(loss, nn.MSELoss) else 1
    hand = train(X, y, 0.03, batch_size, 3, seeded(1))
    assert_close(path_of(batches, 0.03 / factor, loss), hand, rtol=1e-12, atol=1e-12)
    other = path_of(batches, 0.03 * factor, loss) if factor == 2 else hand + 1
    assert (other - hand).abs().max() > 0.5


def test_a_step_of_one_and_a_half_is_too_long_without_the_half():
    X, y = data(1000, 0.01)
    hand = train(X, y, 1.5, 1000, 200, seeded())
    assert_close(hand[-1], hand.new_tensor([2.0, -3.4, 4.2]), rtol=0, atol=0.01)
    with pytest.raises(FloatingPointError):
        path_of([(X, y[:, None])], 1.5, epochs=1000)


def test_a_row_of_labels_trains_mse_loss_to_the_mean_label():
    X, y = data(50)
    net = linear(0.0)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.2)
    for _ in range(300):
        optimiser.zero_grad()
        with pytest.warns(UserWarning, match="different to the input size"):
            nn.MSELoss()(net(X), y).backward()
        optimiser.step()
    assert_close(net.weight, torch.zeros_like(net.weight))
    assert_close(net.bias[0], y.mean())


@pytest.mark.parametrize("inside", ["model", "optimiser"])
def test_momentum_goes_on_only_with_the_optimisers_state(inside):
    X, y = data(50)
    batches = [(X, y[:, None])]

    def fresh():
        net = linear(0.0)
        return net, torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    whole = path_of(batches, 0.1, epochs=8, momentum=0.9)
    net, optimiser = fresh()
    train_concise(net, batches, nn.MSELoss(), optimiser, 3)
    again, fresh_optimiser = fresh()
    again.load_state_dict(net.state_dict())
    if inside == "optimiser":
        fresh_optimiser.load_state_dict(optimiser.state_dict())
    rest = train_concise(again, batches, nn.MSELoss(), fresh_optimiser, 5)
    assert_close(rest[0], whole[3])
    assert torch.allclose(rest, whole[3:]) == (inside == "optimiser")


def test_infinite_labels_are_an_overflow_too():
    X, y = data(5)
    with pytest.raises(FloatingPointError):
        path_of([(X, torch.full_like(y, math.inf)[:, None])], 0.1)


def test_a_negative_number_of_epochs_is_refused():
    with pytest.raises(ValueError, match="epochs must be at least 0, got -3"):
        path_of([], 0.1, epochs=-3)
