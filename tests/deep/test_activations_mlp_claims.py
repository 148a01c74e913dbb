"""What the page says in prose, measured."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, gelu, silu

from firstdescent.deep.activations_mlp import (
    bends,
    dead_units,
    mlp,
    slopes,
    spirals,
    train_together,
)

D = torch.float64
CORNERS = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=D)
PARITY = torch.tensor([0, 1, 1, 0])


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_a_dead_unit_of_the_first_layer_stays_under_plain_sgd():
    X, y = spirals(100, seeded(0))
    net = mlp([2, 8, 8, 2], seeded(0))
    with torch.no_grad():
        net[0].bias[3] = -10
    start = [p.detach().clone() for p in net[0].parameters()]
    sgd = torch.optim.SGD(net.parameters(), lr=0.3)
    for rows in torch.randint(100, (200, 10), generator=seeded(1)):
        sgd.zero_grad()
        cross_entropy(net(X[rows]), y[rows]).backward()
        sgd.step()
    for p, before in zip(net[0].parameters(), start, strict=True):
        moved = (p != before).flatten(1).any(1) if p.dim() == 2 else p != before
        assert not moved[3] and moved[:3].any()
    assert dead_units(net, X)[0][3]


def test_decay_of_the_weights_alone_can_wake_a_unit():
    """Why the page excludes weight decay."""
    layer = nn.Linear(1, 1, dtype=D)
    nn.init.constant_(layer.weight, -2)
    nn.init.constant_(layer.bias, 1)
    groups = [{"params": [layer.weight], "weight_decay": 1.0}]
    sgd = torch.optim.SGD([*groups, {"params": [layer.bias]}], lr=0.1)
    row = torch.ones(1, 1, dtype=D)
    assert layer(row).relu().item() == 0
    for _ in range(20):
        sgd.zero_grad()
        layer(row).relu().sum().mul(0).backward()
        sgd.step()
    assert layer(row).relu().item() > 0


def test_momentum_moves_a_unit_whose_gradient_is_zero():
    """Why the page excludes momentum."""
    w = torch.ones(1, dtype=D, requires_grad=True)
    sgd = torch.optim.SGD([w], lr=0.6, momentum=0.9)
    path = []
    for _ in range(3):
        sgd.zero_grad()
        (w.relu() ** 2).sum().backward()
        sgd.step()
        path.append(w.item())
    assert path[0] < 0 and path[2] < path[1] < path[0]


def test_a_unit_drifts_on_under_adam_after_it_has_died():
    w = torch.ones(1, dtype=D, requires_grad=True)
    adam = torch.optim.Adam([w], lr=0.6)
    path = []
    for _ in range(4):
        adam.zero_grad()
        w.relu().sum().backward()
        adam.step()
        path.append(w.item())
    assert path[1] < 0 and path[3] < path[2] < path[1]


def test_ten_layers_of_sigmoid_learn_from_larger_and_centred_weights(page_says):
    page_says("six times as large", "the lr 0.02 and 200 steps", "if less surely")

    def tables(n, first):
        each = [spirals(n, seeded(s)) for s in range(first, first + 5)]
        return (torch.stack(part) for part in zip(*each, strict=True))

    X, y = tables(200, 0)
    nets = [mlp([2] + [16] * 10 + [2], seeded(s), nn.Sigmoid) for s in range(5)]
    with torch.no_grad():
        for net in nets:
            for k, layer in enumerate(net[::2]):
                layer.weight *= 6
                if k:  # its inputs lie around 1/2, so its sums now around 0
                    layer.bias.copy_(-layer.weight.sum(1) / 2)
    train_together(nets, X, y, lr=0.02, steps=200)
    right = [
        (net(points).argmax(1) == label).double().mean().item()
        for net, points, label in zip(nets, *tables(2000, 100), strict=True)
    ]
    assert min(right) > 0.58 and sum(share > 0.85 for share in right) >= 2


@pytest.mark.parametrize("first", [50])
def test_dead_units_with_other_seeds(page_says, first):
    page_says("about 150 to 175, then 50 to 60, then 30")
    each = [spirals(200, seeded(s)) for s in range(first, first + 5)]
    X, y = (torch.stack(part) for part in zip(*each, strict=True))
    nets = [mlp([2, 32, 32, 2], seeded(s)) for s in range(first, first + 5)]

    def count(rows):
        found = [dead_units(net, x[:rows]) for net, x in zip(nets, X, strict=True)]
        return sum(int(d.sum()) for masks in found for d in masks)

    assert 25 <= count(200) <= 38
    train_together(nets, X, y, lr=0.02, steps=100)
    assert 140 <= count(1) <= 185 and 45 <= count(200) <= 65


def test_with_one_living_unit_no_weights_solve_xor():
    g = seeded(0)
    w = torch.randn(20_000, 2, generator=g, dtype=D)
    b, v, c = torch.randn(3, 20_000, 1, generator=g, dtype=D)
    score = c + v * (w @ CORNERS.T + b).relu()
    assert not ((score > 0) == (PARITY > 0)).all(1).any()


def test_more_steps_save_few_of_the_living_networks_that_fail_at_xor(page_says):
    page_says("a thousand more steps save only 4 of these 35")
    nets = [mlp([2, 2, 2], seeded(s)) for s in range(200)]
    X, y = CORNERS.expand(200, 4, 2), PARITY.expand(200, 4)

    def wrong(net):
        return bool((net(CORNERS).argmax(1) != PARITY).any())

    train_together(nets, X, y, lr=0.05, steps=200)
    living = [net for net in nets if not dead_units(net, CORNERS)[0].any()]
    failing = [net for net in living if wrong(net)]
    k = len(failing)
    assert 32 <= k <= 38  # 35 here
    train_together(failing, X[:k], y[:k], lr=0.05, steps=1000)
    assert sum(not wrong(net) for net in failing) <= 6  # 4 here


def test_along_a_line_a_relu_network_is_made_of_straight_pieces():
    """Between folds the network is linear: its second differences are zero."""
    net = mlp([2, 6, 6, 2], seeded(0))
    way = torch.linspace(-2, 2, 4001, dtype=D)
    line = torch.stack([way, 0.3 * way + 0.1], 1)
    bend = net(line)[:, 0].detach().diff(n=2).abs() > 1e-10
    folds = 6 + 6 * 7  # a unit of layer 2 folds each of 7 pieces once at most
    assert 0 < bend.sum() <= 2 * folds  # a fold touches at most two of them


def test_the_64_pieces_of_six_tents_take_64_units_in_one_layer(page_says):
    """63 units are one for each fold, where the slope changes by -128 or 128.

    Left of all folds the slope is minus the sum of the changes of the units with
    w < 0, a multiple of 128. The tents begin with the slope 64.
    """
    page_says("For this very curve it needs one unit more.")
    folds = torch.arange(64, dtype=D) / 64
    net = mlp([1, 64, 1], seeded(0))
    with torch.no_grad():
        net[0].weight.fill_(1)
        net[0].bias.copy_(-folds)
        net[2].weight.copy_(128 * (1 - 2 * (torch.arange(64) % 2)))
        net[2].weight[0, 0] = 64
        net[2].bias.zero_()
    x = torch.linspace(0, 1, 1001, dtype=D)
    tents = x.clone()
    for _ in range(6):
        tents = 1 - (2 * tents - 1).abs()
    got = net(x[:, None])[:, 0].detach()
    torch.testing.assert_close(got, tents, atol=1e-9, rtol=0)
    assert bends(net)[1][1:].abs().unique().tolist() == [128]


def test_largest_slopes_of_the_smooth_relatives():
    z = torch.linspace(-20, 20, 40_001, dtype=D)
    phi = torch.exp(-(z**2) / 2) / (2 * torch.pi) ** 0.5
    below = (1 + torch.erf(z / 2**0.5)) / 2
    torch.testing.assert_close(gelu(z), z * below, atol=1e-12, rtol=0)
    torch.testing.assert_close(slopes(gelu, z), below + z * phi, atol=1e-12, rtol=0)
    torch.testing.assert_close(silu(z), z * torch.sigmoid(z))
    assert slopes(torch.relu, torch.zeros(1)).item() == 0


def test_through_a_gate_the_memory_is_multiplied_by_the_gate():
    torch.manual_seed(0)
    cell = nn.LSTMCell(2, 4, dtype=D)
    x, h = torch.randn(2, 1, 2, dtype=D)[0], torch.randn(1, 4, dtype=D)
    c = torch.randn(1, 4, dtype=D, requires_grad=True)
    (got,) = torch.autograd.grad(cell(x, (h, c))[1].sum(), c)
    keep = nn.functional.linear(x, cell.weight_ih, cell.bias_ih)
    keep = keep + nn.functional.linear(h, cell.weight_hh, cell.bias_hh)
    torch.testing.assert_close(got, keep[:, 4:8].sigmoid())
