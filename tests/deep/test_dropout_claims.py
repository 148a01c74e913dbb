"""Sentences of docs/en/deep/dropout.md that no block of it shows."""

import math
from itertools import product

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from firstdescent.deep.activations_mlp import spirals
from firstdescent.deep.dropout import dropout

D = torch.float64


def trained(noise, p, seed, tables, steps=160):
    """Log-loss and accuracy on new rows of networks trained on tables of 100."""
    data, coins = (torch.Generator().manual_seed(seed + k) for k in (0, 1))
    (X, y), (X_val, y_val) = (spirals(tables * n, data, noise) for n in (100, 501))
    X, X_val = (t.float().view(tables, -1, 2) for t in (X, X_val))
    y, y_val = y.view(tables, 100), y_val.view(tables, 501)
    weights = []
    for a, b in ((2, 32), (32, 32), (32, 2)):
        W = torch.randn(tables, a, b, generator=data) * math.sqrt(2 / a)
        weights += [W, torch.zeros(tables, 1, b)]
    for t in weights:
        t.requires_grad_()

    def logits(X, training):
        h = X
        for W, b in zip(weights[:4:2], weights[1:4:2], strict=True):
            h = dropout(torch.baddbmm(b, h, W).relu(), p, training, coins)
        return torch.baddbmm(weights[5], h, weights[4]).transpose(1, 2)

    optimiser = torch.optim.Adam(weights, lr=0.01, fused=True)
    for _ in range(steps):
        optimiser.zero_grad()
        cross_entropy(logits(X, True), y, reduction="sum").div(100).backward()
        optimiser.step()
    with torch.no_grad():
        o = logits(X_val, False).double()
    loss = cross_entropy(o, y_val, reduction="none").mean(dim=1)
    return loss, (o.argmax(dim=1) == y_val).to(D).mean(dim=1)


def test_dropout_lowers_the_log_loss_on_all_of_12_more_noisy_tables(page_says):
    page_says("Dropout lowers the log-loss on all of 12 more noisy tables")
    plain, before = trained(0.3, 0.0, 100, tables=12)
    dropped, after = trained(0.3, 0.2, 100, tables=12)
    assert (dropped < plain).all()
    assert (after - before).mean() > 0.005


def test_on_40_clean_tables_dropout_costs_accuracy_and_lowers_half_of_the_losses(
    page_says,
):
    page_says("On 40 more clean ones it *costs* about a point of accuracy")
    page_says("lowers the log-loss on only about half of them")
    plain_loss, plain = trained(0.12, 0.0, 7000, tables=40)
    dropped_loss, dropped = trained(0.12, 0.2, 7000, tables=40)
    gain = 100 * (dropped - plain)
    assert -1.8 < gain.mean() < -2 * gain.std() / math.sqrt(40)
    assert 10 < (dropped_loss < plain_loss).sum() < 30


def test_after_100_steps_dropout_adds_no_accuracy_on_noisy_tables(page_says):
    page_says("Stop after 100 steps, and a test finds no gain in accuracy")
    plain, before = trained(0.3, 0.0, 100, tables=24, steps=100)
    dropped, after = trained(0.3, 0.2, 100, tables=24, steps=100)
    gain = 100 * (after - before)
    print(gain.mean(), gain.std() / 24**0.5, (dropped < plain).sum())
    assert gain.mean() < 2 * gain.std() / math.sqrt(24)


def test_the_rate_of_a_dropout_layer_is_a_half_unless_said_otherwise():
    assert nn.Dropout().p == 0.5


def test_cross_entropy_is_convex_in_the_logits():
    g = torch.Generator().manual_seed(0)
    a, b = 5 * torch.randn(2, 1000, 4, generator=g, dtype=D)
    y = torch.randint(4, (1000,), generator=g)
    ends = [cross_entropy(o, y, reduction="none") for o in (a, b)]
    middle = cross_entropy((a + b) / 2, y, reduction="none")
    assert (middle <= sum(ends) / 2 + 1e-12).all()


def test_eval_mode_without_no_grad_keeps_a_graph_and_gives_the_same_numbers():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 1)).eval()
    x = torch.ones(2, 3)
    with torch.no_grad():
        quiet = net(x)
    assert net(x).grad_fn is not None
    assert torch.equal(net(x), quiet)


def test_dropout2d_gives_one_coin_to_a_channel_of_an_image():
    torch.manual_seed(0)
    kept = nn.Dropout2d(0.5)(torch.ones(8, 16, 5, 5)).flatten(2) != 0
    assert (kept.all(2) | ~kept.any(2)).all()
    assert kept.any()
    assert not kept.all()


def test_with_one_lr_the_papers_weights_move_by_the_factor_1_minus_p_squared(page_says):
    """Half the square, one weight, its unit kept."""
    page_says(r"move as if $\text{lr}$ were smaller by the factor $(1 - p)^2$")
    h, y, p, lr = 1.5, 1.0, 0.25, 0.1
    w, v = 2.0, 1.5  # the same model: v = (1 - p) w
    slope = (v * h / (1 - p) - y) * h / (1 - p)  # in v
    assert math.isclose(slope, (w * h - y) * h / (1 - p))
    w -= lr * (w * h - y) * h  # the paper's: kept, not divided
    assert math.isclose((1 - p) * w, v - lr * (1 - p) ** 2 * slope)


def test_two_layers_of_dropout_are_exact_if_only_linear_layers_follow():
    g = torch.Generator().manual_seed(0)
    x, W, v = (torch.randn(*s, generator=g, dtype=D) for s in ((2,), (3, 2), (3,)))
    mean, p = torch.tensor(0.0, dtype=D), 0.3
    for mask in product((0.0, 1.0), repeat=5):
        coin = torch.tensor(mask, dtype=D)
        chance = torch.where(coin == 1, 1 - p, p).prod()
        hidden = W @ (coin[:2] * x / (1 - p))
        mean += chance * (v @ (coin[2:] * hidden / (1 - p)))
    torch.testing.assert_close(mean, v @ W @ x)


def test_the_average_over_masks_needs_their_chances():
    h, v = (1.0, 2.0, 1.5), (2.0, -1.0, 1.0)
    outputs = [
        sum(a * b * c for a, b, c in zip(v, m, h, strict=True)) / 0.75
        for m in product((0, 1), repeat=3)
    ]
    assert math.isclose(sum(outputs) / 8, 1.0)  # and eval() gives 1.5


def test_a_gradient_of_a_sum_over_networks_is_that_of_each_network():
    W = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(0), dtype=D)
    W.requires_grad_()
    losses = (torch.ones(3, 4, 2, dtype=D) @ W).tanh().square().mean(dim=(1, 2))
    (together,) = torch.autograd.grad(losses.sum(), W, retain_graph=True)
    (alone,) = torch.autograd.grad(losses[1], W)
    assert torch.equal(together[1], alone[1])
    assert alone[[0, 2]].abs().max() == 0
