"""Networks trained together take the steps that each would take alone."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from firstdescent.deep.activations_mlp import (
    adam_steps,
    mlp,
    spirals,
    train_together,
)


def tables(k, n):
    each = [spirals(n, torch.Generator().manual_seed(s)) for s in range(k)]
    return tuple(torch.stack(part) for part in zip(*each, strict=True))


def build(k):
    return [mlp([2, 5, 2], torch.Generator().manual_seed(s)) for s in range(k)]


@pytest.mark.parametrize("k", [1, 3])
def test_together_and_alone_are_the_same_path(k):
    X, y = tables(k, 30)
    together, alone = build(k), build(k)
    losses = train_together(together, X, y, lr=0.05, steps=20)
    for net, other, points, label, loss in zip(
        together, alone, X, y, losses, strict=True
    ):
        adam = torch.optim.Adam(other.parameters(), lr=0.05)
        for _ in range(20):
            adam.zero_grad()
            cross_entropy(other(points), label).backward()
            adam.step()
        for p, q in zip(net.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p, q)
            assert p.requires_grad
        torch.testing.assert_close(loss, cross_entropy(other(points), label).detach())


def test_no_steps_leave_the_weights_and_give_the_losses():
    X, y = tables(2, 10)
    nets, same = build(2), build(2)
    losses = train_together(nets, X, y, lr=0.1, steps=0)
    for k, (net, other) in enumerate(zip(nets, same, strict=True)):
        assert torch.equal(net[0].weight, other[0].weight)
        expected = cross_entropy(other(X[k]), y[k]).detach()
        torch.testing.assert_close(losses[k], expected)


@pytest.mark.parametrize("case", ["no net", "rows", "labels", "flat", "empty"])
def test_training_refuses_shapes_that_do_not_fit(case):
    X, y = tables(2, 10)
    nets = [] if case == "no net" else build(2)
    X = {"rows": X[:1], "flat": X[0], "empty": X[:, :0]}.get(case, X)
    y = {"labels": y[:, :5], "empty": y[:, :0]}.get(case, y)
    with pytest.raises(ValueError, match="expected"):
        train_together(nets, X, y, lr=0.1, steps=1)


@pytest.mark.parametrize(
    ("lr", "steps"), [(0, 1), (-1, 1), (math.nan, 1), (math.inf, 1), (0.1, -1)]
)
def test_training_refuses_an_impossible_lr_and_a_negative_number_of_steps(lr, steps):
    X, y = tables(1, 10)
    with pytest.raises(ValueError, match="a positive lr, steps >= 0"):
        train_together(build(1), X, y, lr, steps)


@pytest.mark.parametrize(
    ("sizes", "activation"),
    [([2, 6, 2], nn.ReLU), ([2, 5, 5, 2], nn.ReLU), ([2, 5, 2], nn.Tanh)],
)
def test_training_refuses_networks_of_different_layers(sizes, activation):
    X, y = tables(2, 10)
    other = mlp(sizes, torch.Generator().manual_seed(0), activation)
    with pytest.raises(ValueError, match="all of the same layers"):
        train_together([*build(1), other], X, y, lr=0.1, steps=1)


def test_training_refuses_one_network_given_twice():
    X, y = tables(2, 10)
    with pytest.raises(ValueError, match="expected different networks"):
        train_together(build(1) * 2, X, y, lr=0.1, steps=1)


@pytest.mark.parametrize("case", ["frozen", "prelu", "no bias", "nested"])
def test_training_refuses_parameters_that_it_would_not_train_rightly(case):
    X, y = tables(1, 10)
    (net,) = build(1)
    if case == "frozen":
        net[2].requires_grad_(False)
    if case == "prelu":
        net[1] = nn.PReLU(dtype=torch.float64)
    if case == "no bias":
        net[2] = nn.Linear(5, 2, bias=False, dtype=torch.float64)
    net = nn.Sequential(net) if case == "nested" else net
    with pytest.raises(ValueError, match=r"expected nn\.Linear with bias"):
        train_together([net], X, y, lr=0.1, steps=1)


def test_training_refuses_labels_and_rows_it_cannot_use_and_leaves_the_weights():
    X, y = tables(2, 10)
    nets, same = build(2), build(2)
    for wrong in (-100, 2):  # -100 is what PyTorch's cross_entropy leaves out
        with pytest.raises(ValueError, match="expected labels 0 to 1"):
            train_together(nets, X, y.index_fill(1, torch.tensor(3), wrong), 0.1, 1)
    with pytest.raises(TypeError, match="expected int64 class numbers"):
        train_together(nets, X, y.int(), 0.1, 1)
    with pytest.raises(TypeError, match=r"expected X of torch\.float64"):
        train_together(nets, X.float(), y, 0.1, 1)
    for wrong in (math.nan, math.inf):
        with pytest.raises(ValueError, match="expected rows of finite numbers"):
            train_together(nets, X.index_fill(1, torch.tensor(3), wrong), y, 0.1, 1)
    with pytest.raises(ValueError, match="losses overflow"):
        train_together(nets, X, y, 1e308, 3)
    for net, other in zip(nets, same, strict=True):
        assert torch.equal(net[0].weight, other[0].weight)


def test_adam_steps_walk_as_torchs_adam():
    own = torch.tensor([3.0, -1.0, 0.0], dtype=torch.float64, requires_grad=True)
    other = own.detach().clone().requires_grad_()
    adam = torch.optim.Adam([other], lr=0.3)
    for _ in range(40):
        adam.zero_grad()
        other.pow(4).sum().backward()
        adam.step()
    adam_steps(lambda: own.pow(4), [own], lr=0.3, steps=40)
    torch.testing.assert_close(own, other)
    adam_steps(lambda: own.pow(4), [own], lr=0.3, steps=0)
    torch.testing.assert_close(own, other)
    for lr, steps in ((0, 1), (math.nan, 1), (0.1, -1)):
        with pytest.raises(ValueError, match="a positive lr, steps >= 0"):
            adam_steps(lambda: own.pow(4), [own], lr, steps)
