"""firstdescent.deep.symmetry against torch's own layers, counting and closed forms."""

from fractions import Fraction
from itertools import permutations, product

import pytest
import torch
from torch import nn

from firstdescent.deep.symmetry import (
    Weights,
    distinct_units,
    draw_mask,
    permute_units,
    train,
    two_layer,
)

D = torch.float64


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def network(h=3, d=2, seed=0, dtype=D):
    g, shapes = generator(seed), ((h, d), (h,), (1, h), (1,))
    return Weights(*(torch.randn(s, generator=g, dtype=D).to(dtype) for s in shapes))


def data(n=30, d=2, seed=1, dtype=D):
    X = torch.randn(n, d, generator=generator(seed), dtype=D)
    return X.to(dtype), (X[:, 0] - X[:, 0] ** 2 / 3).to(dtype)


def torch_layers(net, activation):
    h, d = net.W1.shape
    layers = nn.Sequential(nn.Linear(d, h), activation, nn.Linear(h, 1)).to(net.W1)
    names = ("0.weight", "0.bias", "2.weight", "2.bias")
    layers.load_state_dict(dict(zip(names, net, strict=True)))
    return layers


def sgd(net):
    return torch.optim.SGD(net, lr=0.1)


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.ReLU(), nn.Sigmoid()])
@pytest.mark.parametrize(("h", "d", "n"), [(3, 2, 30), (1, 1, 1), (5, 4, 2)])
def test_two_layer_is_what_torchs_layers_compute(activation, h, d, n):
    net, (X, _) = network(h, d), data(n, d)
    expected = torch_layers(net, activation)(X)[:, 0]
    torch.testing.assert_close(two_layer(X, net, activation), expected)


def test_a_mask_removes_a_unit_for_one_row_only():
    net, (X, _) = network(), data(2)
    mask = torch.ones(2, 3, dtype=D)
    mask[1, 2] = 0
    both = two_layer(X, net, mask=mask)
    fewer = Weights(net.W1[:2], net.b1[:2], net.W2[:, :2], net.b2)
    torch.testing.assert_close(both[0], two_layer(X, net)[0])
    torch.testing.assert_close(both[1], two_layer(X, fewer)[1])


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.75])
def test_a_mask_has_the_rate_and_the_mean_1(rate):
    mask = draw_mask(torch.zeros(4, dtype=torch.float32), 50_000, rate, generator())
    assert mask.dtype == torch.float32
    assert mask.shape == (50_000, 4)
    scatter = (rate * (1 - rate) / 200_000) ** 0.5
    assert abs((mask == 0).double().mean().item() - rate) <= 5 * scatter
    kept = mask[mask != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)))


def test_the_coins_of_two_units_are_independent():
    mask = draw_mask(torch.zeros(2, dtype=D), 50_000, 0.5, generator())
    assert abs(torch.corrcoef(mask.T)[0, 1]) < 5 / 50_000**0.5


@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_train_takes_the_steps_that_torchs_layers_take(dtype):
    net, (X, y) = network(dtype=dtype), data(dtype=dtype)
    path = train(net, X, y, sgd, 5)
    layers = torch_layers(net, nn.Tanh())
    update = torch.optim.SGD(layers.parameters(), lr=0.1)
    for k in range(6):
        for ours, theirs in zip(path[k], layers.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs.detach())
        update.zero_grad()
        (nn.functional.mse_loss(layers(X)[:, 0], y) / 2).backward()
        update.step()


def test_train_leaves_its_start_alone_and_repeats_itself():
    net, (X, y) = network(), data()
    before = [part.clone() for part in net]
    kind = {"batch_size": 7, "rate": 0.5}
    paths = [train(net, X, y, sgd, 4, generator=generator(), **kind) for _ in "ab"]
    assert all(map(torch.equal, net, before))
    assert len(paths[0]) == 5
    for a, b in zip(*paths, strict=True):
        assert all(map(torch.equal, a, b))
        assert not any(part.requires_grad for part in a)


def test_a_batch_is_drawn_without_replacement():
    net, (X, y) = network(), data(9)
    whole = train(net, X, y, sgd, 3)[-1]
    drawn = train(net, X, y, sgd, 3, batch_size=9, generator=generator())[-1]
    for a, b in zip(whole, drawn, strict=True):
        torch.testing.assert_close(a, b)
    one = train(net, X, y, sgd, 1, batch_size=1, generator=generator())[-1]
    singles = [train(net, X[i, None], y[i, None], sgd, 1)[-1] for i in range(9)]
    assert sum(torch.allclose(one.W1, s.W1) for s in singles) == 1


def test_units_are_counted_by_all_their_weights_and_by_the_tolerance():
    net = Weights(torch.zeros(4, 2), torch.zeros(4), torch.zeros(1, 4), torch.ones(1))
    assert distinct_units(net, 0) == 1
    for part, place in ((net.W1, (1, 1)), (net.b1, 2), (net.W2, (0, 3))):
        part[place] = 0.25
    assert distinct_units(net, 0.2) == 4
    assert distinct_units(net, 0.25) == 1  # a difference of atol is within it
    assert distinct_units(network(1, 1), 0) == 1


@pytest.mark.parametrize("h", [1, 2, 3])
def test_no_order_and_no_sign_of_tanh_units_changes_the_outputs(h):
    net, (X, _) = network(h), data()
    expected = torch_layers(net, nn.Tanh())(X)[:, 0]
    for order in permutations(range(h)):
        for signs in product((1, -1), repeat=h):
            copy = permute_units(net, order, signs)
            torch.testing.assert_close(two_layer(X, copy), expected)
            j = order[0]
            torch.testing.assert_close(copy.W1[0], signs[0] * net.W1[j])
            torch.testing.assert_close(copy.b1[0], signs[0] * net.b1[j])


def test_an_order_alone_works_for_relu_and_a_sign_does_not():
    net, (X, _) = network(), data()
    expected = torch_layers(net, nn.ReLU())(X)[:, 0]
    copy = permute_units(net, iter([2, 0, 1]))
    torch.testing.assert_close(two_layer(X, copy, torch.relu), expected)
    flipped = permute_units(net, [0, 1, 2], [-1, 1, 1])
    assert (two_layer(X, flipped, torch.relu) - expected).abs().max() > 0.1


def test_a_hundred_thousand_rows_in_float32():
    inputs, labels = data(100_000, dtype=torch.float32)
    path = train(network(dtype=torch.float32), inputs, labels, sgd, 2)
    exact = train(network(), inputs.double(), labels.double(), sgd, 2)
    torch.testing.assert_close(path[-1].W1, exact[-1].W1.float())


def test_train_draws_a_new_batch_and_mask_each_step():
    net, (X, y) = network(), data()
    kind = {"batch_size": 7, "rate": 0.5}
    path = train(net, X, y, sgd, 3, generator=generator(9), **kind)
    twin, layers = generator(9), torch_layers(net, nn.Tanh())
    for k in range(4):
        for ours, theirs in zip(path[k], layers.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs.detach())
        rows = torch.randperm(30, generator=twin)[:7]
        kept = 2 * (torch.rand(7, 3, generator=twin, dtype=D) >= 0.5)
        out = layers[2](layers[1](layers[0](X[rows])) * kept)[:, 0]
        layers.zero_grad()
        (nn.functional.mse_loss(out, y[rows]) / 2).backward()
        with torch.no_grad():
            for part in layers.parameters():
                part -= 0.1 * part.grad


def test_the_path_holds_copies_without_gradients():
    net, (X, y) = network(), data()
    start = Weights(*(part.clone().requires_grad_() for part in net))
    path = train(start, X, y, sgd, 1)
    assert not any(part.requires_grad for part in path[0])
    path[0].W1.zero_()
    torch.testing.assert_close(start.W1.detach(), net.W1)


def test_an_order_may_be_a_tensor():
    net, order, signs = network(), torch.tensor([2, 0, 1]), torch.tensor([1, -1, 1])
    found = permute_units(net, order, signs)
    torch.testing.assert_close(found.b1, net.b1[[2, 0, 1]] * signs)


def test_a_rate_may_be_a_fraction():
    net, (X, y) = network(), data()
    a, b = (
        train(net, X, y, sgd, 1, rate=rate, generator=generator())[-1]
        for rate in (Fraction(1, 2), 0.5)
    )
    torch.testing.assert_close(a.W1, b.W1)
