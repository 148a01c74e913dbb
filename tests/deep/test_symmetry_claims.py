"""What the page says without a block: saddles, plateaus, averages, zero starts.

A formula that is checked here is also looked up on the page.
"""

from itertools import pairwise
from math import log

import pytest
import torch
from torch.optim import SGD, Adam

from firstdescent.deep.symmetry import Weights, distinct_units, train, two_layer

D = torch.float64
X = torch.randn(100, 2, generator=torch.Generator().manual_seed(0), dtype=D)
Y = 2 * (X[:, 0] + 0.5).tanh() - (1.5 * X[:, 1]).tanh()


def constant(h, first, second):
    W1, W2 = torch.full((h, 2), first, dtype=D), torch.full((1, h), second, dtype=D)
    return Weights(W1, torch.zeros(h, dtype=D), W2, torch.zeros(1, dtype=D))


def drawn(h, seed):
    g = torch.Generator().manual_seed(seed)
    shapes = ((h, 2), (h,), (1, h), (1,))
    return Weights(*(torch.randn(s, generator=g, dtype=D) for s in shapes))


def plain(net):
    return SGD(net, lr=0.3)


def loss(net):
    return ((two_layer(X, net) - Y) ** 2).mean().item() / 2


def test_the_page_has_the_labels_and_the_network_that_are_tested_here(page_says):
    page_says("y = 2 * (X[:, 0] + 0.5).tanh() - (1.5 * X[:, 1]).tanh()")
    page_says(r"z_j &= w_j \cdot x + b_j", r"f(x) &= c + \sum_j v_j\, \varphi(z_j)")
    net, total = drawn(3, 0), 0.0
    for j in range(3):
        total += net.W2[0, j] * (net.W1[j] @ X[7] + net.b1[j]).tanh()
    torch.testing.assert_close(two_layer(X, net)[7], total + net.b2[0])


def test_two_units_can_fit_the_labels_exactly():
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.5]], dtype=D)
    b1, W2 = torch.tensor([0.5, 0.0], dtype=D), torch.tensor([[2.0, -1.0]], dtype=D)
    assert loss(Weights(rows, b1, W2, torch.zeros(1, dtype=D))) < 1e-30


def test_softmax_regression_from_zero_ends_as_from_elsewhere():
    labels = (Y > 0).long() + (Y > 1).long()
    ends = []
    for start in (0.0, 3.0):
        w = (start * torch.arange(6, dtype=D).view(2, 3).sin()).requires_grad_()
        update = torch.optim.LBFGS([w], max_iter=200, tolerance_change=0)

        def closure(w=w, update=update):
            update.zero_grad()
            value = torch.nn.functional.cross_entropy(X @ w, labels)
            value.backward()
            return value

        update.step(closure)
        ends.append(closure().item())
    assert abs(ends[0] - ends[1]) < 1e-6 < 0.5 * log(3) - ends[0] / 2


@pytest.mark.parametrize("activation", [torch.tanh, torch.relu])
@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_from_all_zeros_only_the_mean_is_learned_with_dropout_too(activation, rate):
    g = torch.Generator().manual_seed(0)
    kind = {"activation": activation, "rate": rate, "generator": g}
    end = train(constant(4, 0.0, 0.0), X, Y, plain, 80, **kind)[-1]
    assert not any(part.any() for part in end[:3])
    torch.testing.assert_close(end.b2[0], Y.mean())


def test_with_a_sigmoid_all_zeros_learn_in_two_steps_as_one_unit():
    path = train(constant(4, 0.0, 0.0), X, Y, plain, 40, activation=torch.sigmoid)
    assert [bool(net.W2.any()) for net in path[:3]] == [False, True, True]
    assert [bool(net.W1.any()) for net in path[:3]] == [False, False, True]
    assert distinct_units(path[-1], 1e-12) == 1


def test_the_plateau_is_the_best_of_many_starts_of_one_unit():
    g = torch.Generator().manual_seed(5)
    theta = torch.randn(64, 5, generator=g, dtype=D).requires_grad_()

    def losses():
        z = theta[:, :2] @ X.T + theta[:, 2:3]
        f = theta[:, 3:4] * z.tanh() + theta[:, 4:]
        return ((f - Y) ** 2).mean(dim=1) / 2

    update = torch.optim.Adam([theta], lr=0.05)
    for _ in range(600):
        update.zero_grad()
        losses().sum().backward()
        update.step()
    plateau = loss(train(constant(4, 0.5, 0.5), X, Y, plain, 300)[-1])
    assert abs(losses().min().item() - plateau) < 1e-4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hundred_times_less_noise_costs_the_same_extra_steps(page_says, seed):
    page_says(r"$$\frac{\log 100}{\log(1 + \text{lr}\,\lvert\lambda\rvert)}$$")
    noise, start, needed = drawn(4, seed).W1, constant(4, 0.5, 0.5), []
    for size in (1e-4, 1e-6):
        path = train(start._replace(W1=0.5 + size * noise), X, Y, plain, 450)
        needed.append(sum(loss(net) > 0.03 for net in path))
    assert max(needed) < 440
    assert abs(needed[1] - needed[0] - 116) <= 3


def test_a_difference_of_one_rounding_frees_the_units():
    start = constant(4, 0.5, 0.5)
    start.W1[0, 0] += 2.0**-53
    assert start.W1[0, 0] - start.W1[1, 0] == 2.0**-53
    assert loss(train(start, X, Y, plain, 1300)[-1]) < 0.03


def test_two_trained_networks_average_badly_for_most_seeds(page_says):
    page_says("Average their *outputs*, not their weights.")
    starts = [drawn(3, seed) for seed in range(6)]
    ends = [train(net, X, Y, plain, 200)[-1] for net in starts]
    worse, outputs = [], []
    for a, b in pairwise(ends):
        halfway = Weights(*((p + q) / 2 for p, q in zip(a, b, strict=True)))
        worse.append(loss(halfway) > 5 * max(loss(a), loss(b)))
        mean = (two_layer(X, a) + two_layer(X, b)) / 2
        outputs.append(((mean - Y) ** 2).mean().item() / 2 <= max(loss(a), loss(b)))
    assert sum(worse) >= 4
    assert all(outputs)


@pytest.mark.parametrize("optimiser", [plain, lambda net: Adam(net, lr=0.01)])
def test_opposite_tanh_units_never_part(page_says, optimiser):
    page_says("each weight of one the negative of the other's, never part either")
    start = constant(2, 0.5, 0.5)
    for part in (start.W1[1], start.W2[:, 1]):
        part.neg_()
    start.b1.copy_(torch.tensor([0.3, -0.3]))
    end = train(start, X, Y, optimiser, 300)[-1]
    assert (end.W1[0] + end.W1[1]).abs().max() < 1e-12
    assert (end.b1.sum() + end.W2.sum()).abs() < 1e-12
    assert loss(train(start, X, Y, plain, 300)[-1]) > 0.06  # the plateau of one unit


def test_biases_of_two_signs_and_zero_weights_make_two_units():
    b1 = torch.tensor([-1.0, -0.5, 0.5, 1.0], dtype=D)
    path = train(constant(4, 0.0, 0.0)._replace(b1=b1), X, Y, plain, 200)
    assert (path[-1].W1 + path[-1].W1.flip(0)).abs().max() < 1e-12
    assert distinct_units(path[-1], 1e-3) == 4


def test_with_a_sigmoid_and_centred_labels_all_zeros_are_stuck():
    zero, kind = constant(4, 0.0, 0.0), {"activation": torch.sigmoid}
    end = train(zero, X, Y - Y.mean(), plain, 20, **kind)[-1]
    assert all(part.abs().max() < 1e-12 for part in end)


def test_with_a_sigmoid_dropout_parts_even_all_zeros():
    g = torch.Generator().manual_seed(0)
    kind = {"activation": torch.sigmoid, "rate": 0.2, "generator": g}
    assert (
        distinct_units(train(constant(4, 0.0, 0.0), X, Y, plain, 9, **kind)[-1], 1e-9)
        == 4
    )


def test_a_positive_bias_frees_relu_with_zero_rows():
    zero, kind = constant(4, 0.0, 0.5), {"activation": torch.relu}
    for bias, moves in ((0.1, True), (0.0, False)):
        start = zero._replace(b1=torch.full((4,), bias, dtype=D))
        assert train(start, X, Y, plain, 3, **kind)[-1].W1.any() == moves


def test_adams_first_step_hardly_parts_the_rows_and_later_ones_do():
    W2 = torch.tensor([[0.2, 0.4, 0.6, 0.8]], dtype=D)
    start = constant(4, 0.5, 0.5)._replace(W2=W2)
    path = train(start, X, Y, lambda net: Adam(net, lr=0.01), 50)
    gaps = [(net.W1 - net.W1[0]).abs().max() for net in path]
    assert gaps[1] < 1e-8
    assert gaps[50] > 1e-3


def test_relu_units_at_the_kink_stay_equal():
    start = constant(4, 0.0, 0.5)._replace(b1=torch.full((4,), 0.1, dtype=D))
    rows = torch.cat([X, torch.zeros(5, 2, dtype=D)])
    labels, kind = torch.cat([Y, Y[:5]]), {"activation": torch.relu}
    at_kink = start._replace(b1=torch.zeros(4, dtype=D), W1=start.W1 + 0.5)
    for net in (start, at_kink):
        assert distinct_units(train(net, rows, labels, plain, 60, **kind)[-1], 0) == 1
