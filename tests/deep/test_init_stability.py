"""firstdescent.deep.init_stability against answers that it did not compute."""

import math
from fractions import Fraction

import pytest
import torch
from torch import Generator, nn

from firstdescent.deep.init_stability import (
    check_counts,
    depth_probe,
    he_std,
    rms,
    summary,
    xavier_std,
)

NAN, INF = float("nan"), float("inf")
F64 = torch.float64


def seeded(seed=0):
    return Generator().manual_seed(seed)


def probe(activation=torch.tanh, std=0.5, depth=3, width=4, **options):
    return depth_probe(activation, std, depth, width, seeded(), **options)


@pytest.mark.parametrize(("n_in", "n_out"), [(300, 100), (7, 900), (1, 1)])
def test_xaviers_and_hes_standard_deviations_are_those_of_torch(n_in, n_out):
    # torch draws std * normal: the same numbers, scaled by its own std.
    plain = torch.empty(n_out, n_in, dtype=F64).normal_(generator=seeded())
    xavier = nn.init.xavier_normal_(torch.empty_like(plain), generator=seeded())
    he = nn.init.kaiming_normal_(
        torch.empty_like(plain), nonlinearity="relu", generator=seeded()
    )
    torch.testing.assert_close(xavier, xavier_std(n_in, n_out) * plain)
    torch.testing.assert_close(he, he_std(n_in) * plain)


@pytest.mark.parametrize("bad", [2.0, True, "3", None])
def test_a_size_that_is_not_whole_is_refused(bad):
    for call in (he_std, lambda n: xavier_std(n, 3), lambda n: xavier_std(3, n)):
        with pytest.raises(TypeError, match="an integer n_"):
            call(bad)


@pytest.mark.parametrize("bad", [0, -1])
def test_a_size_below_one_is_refused(bad):
    for call in (he_std, lambda n: xavier_std(n, 3), lambda n: xavier_std(3, n)):
        with pytest.raises(ValueError, match=rf">= 1, got {bad}"):
            call(bad)
    assert check_counts(n=1) is None


@pytest.mark.parametrize(
    ("number", "dtype"), [(1e-310, F64), (5e-324, F64), (1e-40, torch.float32)]
)
def test_the_root_mean_square_of_subnormal_numbers_is_right(number, dtype):
    t = torch.tensor([[number], [-number]], dtype=dtype)
    scale = t[0, 0]
    assert torch.equal(rms(t), torch.stack([scale, scale]))


def test_the_root_mean_square_survives_huge_and_tiny_numbers():
    t = torch.tensor([[3.0, -4.0], [3e200, 4e200], [3e-200, 4e-200], [0, 0]], dtype=F64)
    ratio = rms(t) / torch.tensor([1, 1e200, 1e-200, 1], dtype=F64)
    expected = torch.tensor([3.5355339059327378] * 3 + [0], dtype=F64)
    torch.testing.assert_close(ratio, expected)


def by_modules(activation, std, depth, width, batch, bias_std, skip, k):
    """The k-th of two networks, of nn.Linear's, drawn in the order of depth_probe."""
    g = seeded()
    x = torch.randn(2, batch, width, generator=g, dtype=F64)[k]
    v = torch.randn(2, width, 1, generator=g, dtype=F64)[k, :, 0]
    layers = [nn.Linear(width, width, dtype=F64) for _ in range(depth)]
    with torch.no_grad():
        for layer in layers:
            W = torch.randn(2, width, width, generator=g, dtype=F64)[k]
            layer.weight.copy_(std * W)
            b = torch.randn(2, 1, width, generator=g, dtype=F64)[k, 0]
            layer.bias.copy_(bias_std * b)

    def forward(h):
        outputs = []
        for layer in layers:
            h = activation(layer(h)) + (h if skip else 0)
            outputs.append(h)
        return outputs

    squares = torch.zeros(depth, dtype=F64)
    for example in x:  # one backward for each
        weights = [layer.weight for layer in layers]
        loss = forward(example)[-1] @ v / v.norm()
        grads = torch.autograd.grad(loss, weights)
        squares += torch.stack([(g**2).sum() for g in grads])
    return torch.stack(forward(x)).detach(), (squares / batch).sqrt()


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("activation", [torch.sigmoid, torch.relu, torch.tanh])
def test_the_probe_measures_what_autograd_gives_in_a_network_of_modules(
    activation, skip
):
    found = depth_probe(
        activation, 0.7, 4, 5, seeded(), bias_std=0.3, draws=2, batch=6, skip=skip
    )
    for k in range(2):
        outputs, gradient = by_modules(activation, 0.7, 4, 5, 6, 0.3, skip, k)
        torch.testing.assert_close(found.gradient[k], gradient)
        size = (outputs**2).mean((1, 2)).sqrt()
        torch.testing.assert_close(found.signal[k], size)
        spread = outputs.var(1, correction=0).mean(1).sqrt()
        torch.testing.assert_close(found.contrast[k], spread)


def test_the_probe_returns_a_row_for_each_draw_and_a_column_for_each_layer():
    for values in probe(draws=7, depth=5):
        assert values.shape == (7, 5)
        assert values.dtype == F64
        assert not values.requires_grad


def test_one_of_everything_is_enough_and_has_no_contrast():
    found = probe(depth=1, width=1, draws=1, batch=1)
    assert found.contrast.tolist() == [[0]]
    assert found.signal.item() > 0


def test_the_probe_leaves_the_global_generator_alone_and_repeats():
    state = torch.get_rng_state()
    one, other = probe(), probe()
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_probe_differentiates_also_where_nothing_is_recorded(mode):
    with mode():
        found = probe()
    torch.testing.assert_close(found.gradient, probe().gradient)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(
    ("activation", "error", "said"),
    [
        (lambda z: z.float().tanh(), TypeError, r"torch\.float64, got torch\.float32"),
        (lambda z: 0.5, TypeError, "got float"),
        (lambda z: z[..., :1], ValueError, r"\(30, 16, 4\), got \(30, 16, 1\)"),
        (torch.ones_like, ValueError, "got a constant"),
    ],
)
def test_an_activation_must_give_a_number_for_each(activation, error, said, skip):
    with pytest.raises(error, match=said):
        probe(activation, skip=skip)


def test_a_standard_deviation_may_be_a_fraction():
    half = probe(std=Fraction(1, 2), bias_std=Fraction(1, 4))
    torch.testing.assert_close(half, probe(std=0.5, bias_std=0.25))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_generator_and_networks_may_be_on_any_device():
    on_gpu = torch.Generator("cuda").manual_seed(0)
    for device in ("cpu", "cuda"):
        found = depth_probe(torch.tanh, 0.5, 3, 4, on_gpu, device=device)
        assert found.signal.device.type == device


def test_a_relu_network_scales_with_its_weights():
    # relu(c z) = c relu(z): layer l has c^l, each gradient c^(L-1).
    one, three = probe(torch.relu), probe(torch.relu, 1.5)
    factor = 3.0 ** torch.arange(1, 4, dtype=F64)
    torch.testing.assert_close(three.signal, one.signal * factor)
    torch.testing.assert_close(three.gradient, one.gradient * 9)


def test_tiny_weights_do_not_underflow_before_they_must():
    one, tiny = probe(torch.relu), probe(torch.relu, 0.5e-80)
    torch.testing.assert_close(tiny.signal[:, 2] * 1e240, one.signal[:, 2])
    torch.testing.assert_close(tiny.gradient * 1e160, one.gradient)
    least = probe(torch.relu, 0.5e-103).signal[:, 2]  # below the normal numbers
    torch.testing.assert_close(least * 1e300 * 1e9, one.signal[:, 2])


def test_an_overflow_is_named():
    with pytest.raises(FloatingPointError, match="signal of layer 4 is not finite"):
        probe(torch.relu, 1e100, depth=5)
    ones = (torch.ones(1, 2, 3),)
    with pytest.raises(FloatingPointError, match="gradient of layer 1"):
        summary([ones[0]], (ones[0] * NAN,), [ones[0]])


@pytest.mark.parametrize("name", ["depth", "width", "draws", "batch"])
def test_counts_must_be_whole_and_positive(name):
    with pytest.raises(ValueError, match=f"{name} >= 1, got 0"):
        probe(**{name: 0})
    with pytest.raises(TypeError, match=f"an integer {name}, got 2.5"):
        probe(**{name: 2.5})


@pytest.mark.parametrize("bad", [-1.0, NAN, INF])
def test_a_standard_deviation_must_be_finite_and_not_negative(bad):
    with pytest.raises(ValueError, match="a finite weight_std >= 0"):
        probe(std=bad)
    with pytest.raises(ValueError, match="a finite bias_std >= 0"):
        probe(bias_std=bad)


def test_weights_must_not_all_be_zero():
    with pytest.raises(ValueError, match="weight_std > 0, got 0"):
        probe(std=0)


@pytest.mark.parametrize("bad", [True, "0.1", 1j, torch.tensor(0.1)])
def test_a_standard_deviation_must_be_a_real_number(bad):
    with pytest.raises(TypeError, match="a number for weight_std"):
        probe(std=bad)
    with pytest.raises(TypeError, match="a number for bias_std"):
        probe(bias_std=bad)


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match=r"a torch\.Generator, got 0"):
        depth_probe(torch.tanh, 0.5, 2, 3, 0)


def test_the_probe_scales_he_weights_to_a_mean_square_of_one():
    found = depth_probe(torch.relu, math.sqrt(2 / 50), 5, 50, seeded(), draws=200)
    assert abs(found.signal.square().mean().item() - 1) < 0.05
