"""Folds and dead units, against weights written by hand."""

import math

import pytest
import torch
from torch import nn

from firstdescent.deep.activations_mlp import bends, dead_units, mlp, slopes

D = torch.float64


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def folded(w, b, v, c=0.0):
    """A network of one input and one hidden layer, with these weights."""
    net = mlp([1, len(w), 1], seeded())
    for p, values in zip(net.parameters(), (w, b, v, [c]), strict=True):
        p.data = torch.tensor(values, dtype=D).view(p.shape)
    return net


def test_bends_are_where_the_slope_was_seen_to_change():
    net = mlp([1, 40, 1], seeded(3))
    places, changes = bends(net)
    assert len(places) == 40 and (places.diff() > 0).all()
    middle = (places[1:] + places[:-1]) / 2
    probe = torch.cat([places[:1] - 1, middle, places[-1:] + 1])
    seen = slopes(lambda x: net(x[:, None])[:, 0], probe)  # one in each piece
    torch.testing.assert_close(seen.diff(), changes)


def test_bends_at_one_place_are_added_and_may_cancel():
    net = folded(w=[1.0, 2.0, -1.0], b=[-1.0, -2.0, 1.0], v=[1.0, 1.0, 2.0])
    places, changes = bends(net)
    assert places.tolist() == [1] and changes.tolist() == [5]
    straight = folded(w=[1.0, -1.0, 0.0], b=[0.0, 0.0, 3.0], v=[1.0, -1.0, 9.0])
    assert [len(t) for t in bends(straight)] == [0, 0]  # relu(x) - relu(-x) = x


def test_bends_know_layers_without_bias_and_never_say_minus_zero():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1))
    nn.init.ones_(net[0].weight)
    assert [math.copysign(1, p) for p in bends(net)[0].tolist()] == [1]


def test_bends_refuse_other_networks():
    with pytest.raises(TypeError, match="expected Linear, ReLU, Linear"):
        bends(mlp([1, 3, 1], seeded(), nn.Tanh))
    for sizes in ([2, 3, 1], [1, 3, 2]):
        with pytest.raises(ValueError, match="expected 1 input, 1 output"):
            bends(mlp(sizes, seeded()))


@pytest.mark.parametrize(
    ("w", "b", "v"),
    [
        (1e-320, 1, 1),
        (1, math.nan, 1),
        (0, math.nan, 1),
        (1, 1, math.inf),
        (math.inf, 1, 1),
        (1e200, 1, 1e200),
    ],
)
def test_bends_refuse_what_is_not_finite(w, b, v):
    with pytest.raises(ValueError, match="expected finite weights"):
        bends(folded([float(w)], [float(b)], [float(v)]))


def test_bends_refuse_changes_at_one_place_that_are_inf_minus_inf():
    with pytest.raises(ValueError, match="expected finite weights"):
        bends(folded([1e200, 1e200], [0.0, 0.0], [1e200, -1e200]))


def test_dead_units_are_the_planted_ones_in_each_layer():
    net = mlp([2, 8, 8, 2], seeded())
    X = torch.rand(300, 2, generator=seeded(), dtype=D)
    with torch.no_grad():
        for layer in (net[0], net[2]):
            layer.bias.fill_(10)
        net[0].bias[3] = -10
        net[2].bias[[0, 6]] = -100
    dead = dead_units(net, X)
    assert [d.nonzero()[:, 0].tolist() for d in dead] == [[3], [0, 6]]


def test_a_unit_that_is_zero_on_all_rows_but_one_is_alive():
    net = folded(w=[1.0], b=[-2.0], v=[1.0])
    X = torch.tensor([[0.0], [1.0], [2.0], [2.5]], dtype=D)
    assert dead_units(net, X[:3])[0].tolist() == [True]
    assert dead_units(net, X)[0].tolist() == [False]


def test_dead_units_see_a_relu_that_is_used_twice_and_leave_x_alone():
    relu = nn.ReLU(inplace=True)
    net = nn.Sequential(relu, nn.Linear(3, 2), relu)
    nn.init.constant_(net[1].bias, -100)
    X = -torch.ones(4, 3)
    assert [d.tolist() for d in dead_units(net, X)] == [[True] * 3, [True] * 2]
    assert (X == -1).all()


@pytest.mark.parametrize("shape", [(0, 2), (2,), (3, 2, 2)])
def test_dead_units_refuse_what_is_no_table_of_rows(shape):
    with pytest.raises(ValueError, match="expected rows X"):
        dead_units(mlp([2, 3, 1], seeded()), torch.zeros(shape, dtype=D))


def test_dead_units_refuse_nan_other_modules_and_networks_without_relu():
    X = torch.zeros(2, 2, dtype=D)
    with pytest.raises(ValueError, match="got nan"):
        dead_units(mlp([2, 3, 1], seeded()), X * math.nan)
    with pytest.raises(TypeError, match=r"expected an nn\.Sequential, got Linear"):
        dead_units(nn.Linear(2, 1), X)
    inside = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.ReLU())
    with pytest.raises(TypeError, match=r"without modules inside, got \['Sequential'"):
        dead_units(inside, X)
    with pytest.raises(RuntimeError, match="dtype"):
        dead_units(mlp([2, 3, 1], seeded()), X.float())
    with pytest.raises(ValueError, match=r"expected an nn\.ReLU"):
        dead_units(mlp([2, 3, 1], seeded(), nn.Tanh), X)
