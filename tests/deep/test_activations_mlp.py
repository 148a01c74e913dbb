"""firstdescent.deep.activations_mlp against answers that it did not compute."""

import math

import pytest
import torch
from torch import nn

from firstdescent.deep.activations_mlp import (
    mlp,
    slopes,
    spirals,
)

D = torch.float64


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_without_noise_a_spiral_is_as_far_out_as_it_has_turned():
    X, y = spirals(500, seeded(), noise=0.0)
    assert X.shape == (500, 2) and X.dtype == D
    assert y.dtype == torch.int64 and set(y.tolist()) == {0, 1}
    radius, angle = 4 * X.norm(dim=1), torch.atan2(X[:, 1], X[:, 0])
    off = (radius + math.pi * y - angle) / (2 * math.pi)
    torch.testing.assert_close(off, off.round())
    assert radius.min() >= 0.5 and radius.max() <= 0.5 + 2 * math.pi
    assert radius.max() - radius.min() > 6


def test_the_noise_has_the_standard_deviation_asked_for():
    clean, _ = spirals(20_000, seeded(), noise=0.0)
    noisy, _ = spirals(20_000, seeded(), noise=0.3)
    sd = (noisy - clean).std(0)
    torch.testing.assert_close(sd, torch.full((2,), 0.3, dtype=D), atol=0.01, rtol=0)


@pytest.mark.parametrize(("n", "noise"), [(0, 0.1), (5, -0.1), (5, math.nan)])
def test_spirals_refuse_no_points_and_impossible_noise(n, noise):
    with pytest.raises(ValueError, match="expected n >= 1, noise >= 0"):
        spirals(n, seeded(), noise)


def test_an_mlp_has_the_layers_and_parameters_counted_by_hand():
    net = mlp([784, 256, 10], seeded())
    assert [type(part) for part in net] == [nn.Linear, nn.ReLU, nn.Linear]
    assert sum(p.numel() for p in net.parameters()) == 203_530
    assert net(torch.zeros(7, 784, dtype=D)).shape == (7, 10)
    kinds = [type(part) for part in mlp([3, 2], seeded(), nn.Tanh)]
    assert kinds == [nn.Linear]


def test_an_mlp_starts_as_nn_linear_starts():
    net = mlp([4, 50_000, 1], seeded())
    for p, d in zip(net.parameters(), (4, 4, 50_000, 50_000), strict=True):
        assert p.requires_grad and p.abs().max() <= d**-0.5
    for p in (net[0].weight, net[0].bias, net[2].weight):
        reach = net[0].in_features if p.shape[0] > 1 else net[2].in_features
        sd = torch.tensor((3 * reach) ** -0.5, dtype=D)
        torch.testing.assert_close(p.detach().std(), sd, rtol=0.02, atol=0)
        assert p.max() > 0.999 * reach**-0.5 and p.min() < -0.999 * reach**-0.5
        assert abs(p.mean()) < 0.015 * reach**-0.5  # five standard errors


def test_an_mlp_draws_from_its_generator_and_leaves_torchs_alone():
    before = torch.get_rng_state()
    one, two = mlp([2, 3, 1], seeded(1)), mlp([2, 3, 1], seeded(1))
    other = mlp([2, 3, 1], seeded(2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one[0].weight, two[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)


@pytest.mark.parametrize("sizes", [[2], [], [2, 0], [-1, 2]])
def test_an_mlp_refuses_sizes_that_make_no_layer(sizes):
    with pytest.raises(ValueError, match="expected two or more sizes"):
        mlp(sizes, seeded())


@pytest.mark.parametrize("sizes", [[2, 3.0], [True, 2], ["2", 3]])
def test_an_mlp_refuses_sizes_that_are_no_integers(sizes):
    with pytest.raises(TypeError, match="expected integer sizes"):
        mlp(sizes, seeded())


@pytest.mark.parametrize("f", [torch.sigmoid, torch.tanh, nn.functional.gelu])
def test_slopes_agree_with_central_differences(f):
    z = torch.linspace(-4, 4, 81, dtype=D).view(9, 9)
    expected = (f(z + 1e-6) - f(z - 1e-6)) / 2e-6
    with torch.no_grad():
        got = slopes(f, z)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-9)
    assert not got.requires_grad


def test_slopes_of_an_in_place_relu_leave_z_alone():
    z = torch.tensor([-1.0, 2.0])
    assert slopes(lambda t: (t * 1).relu_(), z).tolist() == [0, 1]
    assert z.tolist() == [-1, 2]
    assert slopes(nn.ReLU(inplace=True), z).tolist() == [0, 1]
    assert slopes(torch.exp, torch.zeros(0)).shape == (0,)


def test_slopes_refuse_integers():
    with pytest.raises(TypeError, match=r"got torch\.int64"):
        slopes(torch.relu, torch.tensor([1, 2]))


@pytest.mark.parametrize("f", [torch.sum, torch.ones_like])
def test_slopes_refuse_a_function_that_changes_the_shape_or_ignores_z(f):
    with pytest.raises(ValueError, match=r"expected f\(z\)"):
        slopes(f, torch.ones(3))


def test_slopes_of_what_does_not_work_number_by_number_are_those_of_the_sum():
    """Not checked, as the docstring says."""
    z = torch.ones(4, dtype=D)
    assert slopes(lambda t: t.cumsum(0), z).tolist() == [4, 3, 2, 1]
