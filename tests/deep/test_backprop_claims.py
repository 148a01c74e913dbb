"""What the page says about PyTorch in passing, put to PyTorch."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, nll_loss, silu
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from firstdescent.deep.backprop import LiveBytes, saved_bytes


def leaf(*shape):
    return torch.ones(*shape, requires_grad=True)


def count(f):
    with FlopCounterMode(display=False) as counter:
        f()
    return counter.get_total_flops()


@pytest.mark.parametrize("f", [torch.relu, torch.tanh, torch.sigmoid])
def test_these_keep_their_output(f):
    a = leaf(8)
    assert saved_bytes(lambda: f(a), but=[a]) == 32


@pytest.mark.parametrize("f", [gelu, silu])
def test_these_keep_their_input(f):
    a = leaf(8)
    assert saved_bytes(lambda: f(a)) == 32
    assert saved_bytes(lambda: f(a), but=[a]) == 0


def test_relu_has_slope_zero_at_zero():
    a = torch.zeros(1, requires_grad=True)
    assert torch.autograd.grad(a.relu(), a)[0].item() == 0


def test_biases_keep_nothing():
    X = torch.ones(4, 3)
    with_bias, without = nn.Linear(3, 2), nn.Linear(3, 2, bias=False)
    for layer in (with_bias, without):
        assert saved_bytes(lambda m=layer: m(X), but=layer.parameters()) == 48


def test_the_total_weight_of_a_mean_is_one_kept_number():
    log_p, y = leaf(5, 3).log_softmax(1), torch.zeros(5, dtype=torch.int64)
    node = nll_loss(log_p, y).grad_fn
    assert node._saved_total_weight.shape == ()
    assert node._saved_total_weight.item() == 5


@pytest.mark.parametrize("f", [torch.relu, torch.sum, lambda a: a.softmax(1)])
def test_only_products_of_matrices_are_counted(f):
    a = leaf(4, 4)
    assert count(lambda: f(a).sum().backward()) == 0
    assert count(lambda: a @ a[0]) == 0
    assert count(lambda: a @ a) == 2 * 4 * 4 * 4


@pytest.mark.parametrize("sizes", [(3, 5), (3, 5, 2), (7, 2, 9, 4)])
def test_the_ratio_is_two_minus_the_share_of_the_first_layer(page_says, sizes):
    page_says(
        "the ratio is 2, minus the first layer's share of the forward pass",
        "between once and twice",
        "the ratio stays between 1 and 2",
        "It is 2 if the slopes in the input are wanted too",
    )
    net = nn.Sequential(*[nn.Linear(a, b) for a, b in pairwise(sizes)])
    out = []
    ahead = count(lambda: out.append(net(torch.ones(6, sizes[0])).sum()))
    behind = count(lambda: out[0].backward())
    products = [2 * 6 * a * b for a, b in pairwise(sizes)]
    assert (ahead, behind) == (sum(products), 2 * sum(products) - products[0])
    assert behind == round((2 - products[0] / sum(products)) * ahead)
    assert ahead <= behind < 2 * ahead
    X = torch.ones(6, sizes[0], requires_grad=True)
    assert count(lambda: net(X).sum().backward()) == 3 * ahead


def test_checkpoint_draws_the_same_random_numbers_again():
    part = nn.Sequential(nn.Dropout(0.5))
    a = leaf(1000)
    torch.manual_seed(0)
    out = checkpoint(part, a * 1, use_reentrant=False)
    (slope,) = torch.autograd.grad(out.sum(), a)
    assert torch.equal(slope, out.detach())  # 0 or 2, the same mask twice


def test_from_a_generator_of_ones_own_checkpoint_draws_others():
    generator, a = torch.Generator().manual_seed(0), leaf(1000)

    def part(t):
        return t * (torch.rand(t.shape, generator=generator) < 0.5)

    out = checkpoint(part, a * 1, use_reentrant=False)
    (slope,) = torch.autograd.grad(out.sum(), a)
    assert 0.3 < (slope != out.detach()).float().mean() < 0.7  # and no error


def test_attention_keeps_no_probabilities_and_computes_them_again():
    q = torch.ones(1, 2, 64, 16, requires_grad=True)
    attention = nn.functional.scaled_dot_product_attention
    assert saved_bytes(lambda: attention(q, q, q)) < 4 * 2 * 64 * 64


def test_while_another_tensor_of_the_graph_is_held_the_graph_stays():
    net, X = (
        nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)),
        torch.ones(4, 8),
    )
    with LiveBytes() as live:
        out = net(X)
        loss = out.sum()
        loss.backward(retain_graph=True)
        net.zero_grad()
        del loss
        held = live.now
        del out
        assert held > live.now == 0


def test_without_a_graph_the_peak_does_not_grow_with_depth():
    peaks = []
    for depth in (4, 16):
        net = nn.Sequential(*[nn.Linear(8, 8) for _ in range(depth)])
        with torch.no_grad(), LiveBytes() as live:
            net(torch.ones(32, 8))
        peaks.append(live.peak)
    assert peaks[0] == peaks[1]
