"""firstdescent.optimisation.averaging_losses against answers it did not compute."""

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

from firstdescent.optimisation.averaging_losses import (
    check_batches,
    largest_gap,
    one_a_step,
    trajectory,
)

NAN, INF = float("nan"), float("inf")


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


X = torch.tensor([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]], dtype=torch.float64)
Y = vector(1.0, -2.0, 0.5)
BATCHES = [(X, Y), (X[:2], Y[:2]), (X[2:], Y[2:])]  # 3, 2 and 1 rows


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [(SGD, {"momentum": 0.9, "weight_decay": 0.1}), (Adam, {"eps": 1e-3})],
)
def test_the_path_is_that_of_a_loop_with_nn_linear(kind, settings, reduction):
    net = nn.Linear(2, 1, dtype=torch.float64)
    for param in net.parameters():
        nn.init.zeros_(param)
    optimiser = kind(net.parameters(), lr=0.1, **settings)
    loss = nn.MSELoss(reduction=reduction)
    expected = [vector(0, 0, 0)]
    for A, b in BATCHES:
        optimiser.zero_grad()
        (loss(net(A), b[:, None]) / 2).backward()
        optimiser.step()
        expected.append(torch.cat([net.weight[0], net.bias]).detach())
    path = trajectory(BATCHES, kind, reduction, lr=0.1, **settings)
    torch.testing.assert_close(path, torch.stack(expected))


def test_one_row_and_one_step_by_hand():
    # At 0 the residual is -4, its gradient (-4 * 3, -4); lr 0.5, scale 2.
    path = trajectory([(vector(3)[None], vector(4))], SGD, lr=0.5, scale=2.0)
    torch.testing.assert_close(path, torch.tensor([[0, 0], [12, 4]]).double())


def test_each_step_takes_its_own_lr_and_its_own_scale():
    batch = (vector(0)[None], vector(1))  # only the bias moves, by lr * scale * (1 - b)
    path = trajectory([batch] * 3, SGD, lr=[0.5, 0.25, 1.0], scale=[1.0, 2.0, 0.5])
    torch.testing.assert_close(path[:, 1], vector(0, 0.5, 0.75, 0.875))


def test_before_step_gets_the_parameters_and_may_change_the_gradient():
    seen = []

    def halve(theta):
        seen.append(theta.grad.clone())
        theta.grad /= 2

    path = trajectory(BATCHES[:1], SGD, lr=1.0, before_step=halve)
    torch.testing.assert_close(path[1], -seen[0] / 2)


def test_the_path_is_detached_starts_at_zero_and_keeps_the_dtype():
    data = [(a.float(), b.float()) for a, b in BATCHES]
    path = trajectory(data, SGD, lr=0.01)
    assert path.shape == (4, 3)
    assert path.dtype == torch.float32
    assert not path.requires_grad
    assert path[0].tolist() == [0.0, 0.0, 0.0]
    assert data[0][0].grad is None


def test_many_float32_rows_give_the_mean_that_float64_gives():
    generator = torch.Generator().manual_seed(0)
    many = torch.randn(100_000, 2, generator=generator)
    data = [(many, many[:, 0] + 1)]
    exact = [(a.double(), b.double()) for a, b in data]
    path = trajectory(data, SGD, lr=1.0)
    expected = trajectory(exact, SGD, lr=1.0).float()
    torch.testing.assert_close(path, expected, rtol=1e-4, atol=1e-5)


def test_trajectory_refuses_another_reduction_and_other_lengths():
    with pytest.raises(ValueError, match="reduction must be"):
        trajectory(BATCHES, SGD, "none", lr=0.1)
    with pytest.raises(ValueError, match="expected 3 numbers, one a step, got 2"):
        trajectory(BATCHES, SGD, lr=[0.1, 0.1])
    with pytest.raises(ValueError, match="expected finite"):
        trajectory(BATCHES, SGD, lr=0.1, scale=INF)
    with pytest.raises(ValueError, match="lr >= 0"):
        trajectory(BATCHES, SGD, lr=[0.1, -0.1, 0.1])


def test_trajectory_takes_batches_that_can_be_read_once_only():
    once = trajectory(iter(BATCHES), SGD, lr=0.1)
    assert torch.equal(once, trajectory(BATCHES, SGD, lr=0.1))


def test_trajectory_says_which_step_is_not_finite():
    with pytest.raises(FloatingPointError, match="step 2 is not finite"):
        trajectory(BATCHES, SGD, lr=[0.1, 1e308, 0.1], scale=[1, 1e10, 1])
    with pytest.raises(FloatingPointError, match="step 1"):
        trajectory([(X * NAN, Y)], SGD, lr=0.1)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "at least one batch"),
        ([(X, Y[:, None])], "needs y"),
        ([(X[0], Y[:1])], "needs y"),
        ([(X[:0], Y[:0])], "m > 0"),
        ([(X, Y), (X[:, :1], Y)], "expected 2 features, got 1"),
    ],
)
def test_check_batches_refuses_other_shapes(batches, message):
    with pytest.raises(ValueError, match=message):
        check_batches(batches)


@pytest.mark.parametrize(
    "batches",
    [
        [(X.long(), Y.long())],
        [(X > 0, Y > 0)],
        [(X.cfloat(), Y.cfloat())],
        [(X, Y.float())],
        [(X, Y), (X.float(), Y.float())],
    ],
)
def test_check_batches_refuses_what_is_not_one_float_dtype(batches):
    with pytest.raises(TypeError, match=r"expected (floating point|torch\.float64)"):
        check_batches(batches)


def test_check_batches_takes_batches_of_different_sizes():
    assert check_batches(BATCHES) is None


def test_one_a_step_repeats_a_number_and_checks_a_list():
    assert one_a_step(0.5, 3) == [0.5, 0.5, 0.5]
    assert one_a_step((1, 2), 2) == [1.0, 2.0]
    assert one_a_step(1, 0) == []
    with pytest.raises(ValueError, match="expected 3 numbers"):
        one_a_step([0.5], 3)
    for bad in (NAN, INF, [1.0, -INF]):
        with pytest.raises(ValueError, match="finite"):
            one_a_step(bad, 2)
    for text in ("123", b"12"):
        with pytest.raises(TypeError, match="a number or a list"):
            one_a_step(text, 3)
    assert one_a_step(torch.tensor([1.0, 2.0]), 2) == [1.0, 2.0]
    assert one_a_step(torch.tensor(2.0), 2) == [2.0, 2.0]


def test_the_largest_gap_is_over_steps_and_parameters_and_has_no_sign():
    a = torch.tensor([[0.0, 0.0], [1.0, 5.0], [2.0, 2.0]])
    b = torch.tensor([[0.0, 0.5], [1.0, 8.0], [1.0, 2.0]])
    assert largest_gap(a, b) == largest_gap(b, a) == 3.0
    assert largest_gap(a, a) == 0.0


def test_the_largest_gap_of_large_float32_numbers_does_not_overflow():
    a = torch.full((1, 1), 3e38)
    assert largest_gap(a, -a) == 2 * a.double().item()


def test_largest_gap_refuses_what_it_cannot_compare():
    a = torch.zeros(2, 1)
    with pytest.raises(ValueError, match="one shape"):
        largest_gap(a, torch.zeros(3, 1))
    with pytest.raises(ValueError, match="one shape"):
        largest_gap(a[:0], a[:0])
    with pytest.raises(ValueError, match="one shape"):
        largest_gap(a[:, 0], a[:, 0])
    with pytest.raises(ValueError, match="finite"):
        largest_gap(a, a * NAN)
    for other in (a.long(), a.cfloat(), a > 0):
        with pytest.raises(TypeError, match="floating point"):
            largest_gap(a, other)
