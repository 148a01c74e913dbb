"""What the page says without a block of its own."""

import math

import torch
from torch import Generator

from firstdescent.deep.init_stability import depth_probe, he_std

F64 = torch.float64


def probe(activation, std, depth=20, width=64, **options):
    g = Generator().manual_seed(21)
    return depth_probe(activation, std, depth, width, g, **options)


def test_relus_spread_grows_with_depth_over_width_and_faster_than_without():
    def spread(depth, width):
        found = probe(torch.relu, he_std(width), depth, width, draws=400, batch=1)
        return found.signal[:, -1].square().log().var().item()

    assert spread(16, 32) > 1.5 * 2 * 16 / 32
    assert spread(8, 32) < 0.75 * spread(16, 32)
    assert 0.7 < spread(8, 16) / spread(16, 32) < 1.4


def test_in_square_relu_layers_all_gradients_have_the_same_size():
    for std in (1.0, 0.01):
        gradient = probe(torch.relu, std).gradient.median(0).values
        assert gradient.max() < 1.5 * gradient.min()


def test_most_tanh_units_are_saturated_by_standard_normal_weights():
    g = Generator().manual_seed(0)
    h = torch.randn(50, 64, generator=g, dtype=F64)
    for _ in range(5):
        z = h @ torch.randn(64, 64, generator=g, dtype=F64)
        h = z.tanh()
        assert ((1 - h**2) < 0.1).double().mean() > 0.7  # slopes


def test_gelu_takes_a_larger_share_of_a_larger_z_and_relu_the_same_of_any():
    x = torch.linspace(-8, 8, 4001, dtype=F64)
    weight = (-x.square() / 2).exp() / math.sqrt(2 * math.pi) * (x[1] - x[0])
    for phi, rises in ((torch.nn.functional.gelu, True), (torch.relu, False)):
        sizes = torch.logspace(-1, 1, 21, dtype=F64)
        share = torch.stack([(weight * phi(s * x) ** 2).sum() / s**2 for s in sizes])
        if rises:
            assert (share.diff() > 0).all()
        else:
            torch.testing.assert_close(share, torch.full_like(share, 0.5))


def test_the_slope_of_tanh_rounds_to_zero_beyond_nineteen_or_so():
    z = torch.tensor([18.0, 19.5], dtype=F64).requires_grad_()
    (slope,) = torch.autograd.grad(z.tanh().sum(), z)
    assert slope[0] > 0
    assert slope[1] == 0


def test_xavier_and_tanh_sink_slowly():
    signal = probe(torch.tanh, 1 / 8).signal.median(0).values
    assert (signal.diff() < 0).all()
    assert 0.1 < signal[-1] < 0.3


class ExactTanh(torch.autograd.Function):
    """tanh with a slope that does not round to 0: 4e / (1 + e)^2, e = exp(-2|z|)."""

    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z.tanh()

    @staticmethod
    def backward(ctx, upstream):
        e = (-2 * ctx.saved_tensors[0].abs()).exp()
        return upstream * 4 * e / (1 + e) ** 2


def test_with_weights_of_size_100_tanhs_gradient_vanishes_also_without_rounding():
    first = probe(ExactTanh.apply, 100.0, draws=10).gradient[:, 0]
    assert first.median() < 1e-100
    same = probe(ExactTanh.apply, 1.0, draws=10).gradient
    torch.testing.assert_close(same, probe(torch.tanh, 1.0, draws=10).gradient)
    g = Generator().manual_seed(0)
    z = 100 * torch.randn(1000, 64, 64, generator=g, dtype=F64).sign().sum(-1)
    assert 750 < z.std() < 850
    z = 800 * torch.randn(1000, 64, generator=g, dtype=F64)
    assert 14 < z.abs().amin(1).mean() < 18
    assert 4 * math.exp(-32) < 1e-13


def data(seed):
    g = Generator().manual_seed(seed)
    X = torch.randn(32, 2, generator=g, dtype=F64)
    y = X[:, :1].abs() - X[:, 1:].abs()
    return X, (y - y.mean()) / y.std(correction=0)


def networks(factor, bias, draws, seed):
    """The page's networks; `factor` / n_in is the variance of the weights."""
    g, W, b = Generator().manual_seed(seed), [], []
    for n_in, n_out in [(2, 32), *18 * [(32, 32)], (32, 1)]:
        scale = math.sqrt(factor / n_in)
        w = torch.randn(draws, n_out, n_in, generator=g, dtype=F64)
        c = torch.randn(draws, 1, n_out, generator=g, dtype=F64)
        W.append((scale * w).requires_grad_())
        b.append((bias * scale * c).requires_grad_())
    return W, b


def train(phi, W, b, X, y, optimiser, steps):
    for _ in range(steps):
        h = X.expand(len(W[0]), *X.shape)
        for k in range(20):
            h = torch.baddbmm(b[k], phi(h) if k else h, W[k].mT)
        loss = (h - y).square().mean((1, 2)) / 2
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
    return loss.detach()


def test_most_of_forty_other_draws_with_hes_weights_learn_and_a_few_explode():
    W, b = networks(2, 0, 40, 9)
    sgd = torch.optim.SGD(W + b, lr=0.01)
    loss = train(torch.relu, W, b, *data(7), sgd, 60)
    assert (loss < 0.25).sum() >= 32
    assert 1 <= loss.isnan().sum() <= 6


def test_pytorchs_weights_do_not_learn_with_zero_biases_either():
    for lr in (0.01, 1.0):
        W, b = networks(1 / 3, 0, 6, 5)
        sgd = torch.optim.SGD(W + b, lr=lr)
        assert (train(torch.relu, W, b, *data(7), sgd, 60) > 0.45).all()


def with_adam(phi, factor, bias, draws, eps=1e-8):
    W, b = networks(factor, bias, draws, 22)
    adam = torch.optim.Adam(W + b, lr=0.001, eps=eps)
    return train(phi, W, b, *data(22), adam, 400)


def test_adam_wakes_most_of_pytorchs_relu_networks():
    assert (with_adam(torch.relu, 1 / 3, 1, 10) < 0.25).sum() >= 8


def test_adam_wakes_sigmoids_only_when_its_eps_is_far_smaller():
    assert (with_adam(torch.sigmoid, 1, 0, 3) > 0.45).all()
    assert (with_adam(torch.sigmoid, 1, 0, 3, eps=1e-30) < 0.4).any()


def test_the_first_gradient_of_the_sigmoids_is_far_below_adams_eps():
    W, b = networks(1, 0, 3, 22)
    sgd = torch.optim.SGD(W + b, lr=0.0)
    train(torch.sigmoid, W, b, *data(22), sgd, 1)
    assert W[0].grad.abs().max() < 1e-10
    assert torch.optim.Adam([torch.zeros(1)]).defaults["eps"] == 1e-8
