"""What firstdescent.deep.symmetry refuses, and what it says then."""

from math import nan

import pytest
import torch

from firstdescent.deep.symmetry import (
    Weights,
    check_training,
    check_weights,
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


def sgd(net):
    return torch.optim.SGD(net, lr=0.1)


@pytest.mark.parametrize("order", [[0, 1], [0, 1, 1], [1, 2, 3], []])
def test_an_order_has_each_unit_once(order):
    with pytest.raises(ValueError, match=r"each of 0\.\.2 once"):
        permute_units(network(), order)


@pytest.mark.parametrize("order", [[True, False], [1.0, 0.0], torch.ones(2)])
def test_an_order_has_integers(order):
    with pytest.raises(TypeError, match="integers for the order"):
        permute_units(network(2), order)


@pytest.mark.parametrize("rate", [1.0, -0.5, nan])
def test_a_mask_has_a_rate_below_1(rate):
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        draw_mask(torch.zeros(2), 3, rate, generator())


@pytest.mark.parametrize(
    ("inputs", "parts", "mask", "words"),
    [
        (torch.zeros(2, dtype=D), {}, None, "X"),
        (torch.zeros(5, 2, dtype=D), {"W2": torch.ones(2, 3, dtype=D)}, None, "W2"),
        (torch.zeros(5, 2, dtype=D), {}, torch.ones(3, dtype=D), "mask"),
    ],
)
def test_two_layer_refuses_shapes_that_would_broadcast(inputs, parts, mask, words):
    with pytest.raises(ValueError, match=words):
        two_layer(inputs, broken(**parts), mask=mask)


@pytest.mark.parametrize("signs", [[1, 1], [1, 0, 1], [1, 2, 1]])
def test_signs_are_1_or_minus_1(signs):
    with pytest.raises(ValueError, match="3 signs"):
        permute_units(network(), [0, 1, 2], signs)


def broken(**parts):
    return network()._replace(**parts)


@pytest.mark.parametrize(
    ("net", "error", "words"),
    [
        (network(dtype=torch.int64), TypeError, "floating"),
        (network(dtype=torch.complex64), TypeError, "floating"),
        (broken(b1=torch.zeros(3)), TypeError, "one floating dtype"),
        (broken(W1=torch.zeros(3, dtype=D)), ValueError, r"W1 \(h, d\)"),
        (broken(W1=torch.zeros(0, 2, dtype=D)), ValueError, "h, d > 0"),
        (broken(b1=torch.zeros(2, dtype=D)), ValueError, r"\(3,\)"),
        (broken(W2=torch.zeros(3, 1, dtype=D)), ValueError, r"\(1, 3\)"),
        (broken(b2=torch.zeros((), dtype=D)), ValueError, r"\(1,\)"),
        (broken(b2=torch.tensor([nan], dtype=D)), ValueError, "finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused_everywhere(net, error, words):
    X, y = data()
    for call in (
        lambda: check_weights(net),
        lambda: distinct_units(net, 0),
        lambda: permute_units(net, [0, 1, 2]),
        lambda: train(net, X, y, sgd, 1),
    ):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize("atol", [-1e-9, nan])
def test_a_tolerance_is_not_negative(atol):
    with pytest.raises(ValueError, match="atol >= 0"):
        distinct_units(network(), atol)


X, Y = data()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"X": X.float()}, TypeError, "float64"),
        ({"y": Y.long()}, TypeError, "int64"),
        ({"X": X[:, :1]}, ValueError, r"X \(n, 2\)"),
        ({"y": Y[1:]}, ValueError, r"y \(n,\)"),
        ({"y": Y[0]}, ValueError, r"y \(n,\)"),
        ({"X": X.to("meta")}, ValueError, "one device"),
        ({"X": X[:0], "y": Y[:0]}, ValueError, r"X \(n, 2\)"),
        ({"y": Y / 0}, ValueError, "finite data"),
        ({"steps": 0}, ValueError, "steps from 1"),
        ({"steps": 1.0}, TypeError, "integer steps"),
        ({"steps": True}, TypeError, "integer steps"),
        ({"batch_size": 31}, ValueError, "batch_size from 1 to 30"),
        ({"batch_size": 0}, ValueError, "batch_size from 1 to 30"),
        ({"batch_size": 2.0}, TypeError, "integer batch_size"),
        ({"rate": 1.0}, ValueError, r"\[0, 1\)"),
        ({"rate": -0.1}, ValueError, r"\[0, 1\)"),
        ({"rate": nan}, ValueError, r"\[0, 1\)"),
        ({"rate": True}, TypeError, "number"),
        ({"rate": 0.5, "generator": None}, ValueError, "generator"),
        ({"batch_size": 5, "generator": None}, ValueError, "generator"),
    ],
)
def test_training_refuses_what_it_cannot_use(change, error, words):
    given = {"X": X, "y": Y, "net": network(), "steps": 1, "batch_size": None}
    given |= {"rate": 0.0, "generator": generator()}
    check_training(**given)
    given |= change
    with pytest.raises(error, match=words):
        check_training(**given)
    given["start"] = given.pop("net")
    with pytest.raises(error, match=words):
        train(optimiser=sgd, **given)


def test_training_that_diverges_says_so():
    with pytest.raises(ValueError, match="finite weights"):
        train(network(), X, Y, lambda net: torch.optim.SGD(net, lr=1e9), 40)


def test_training_wants_an_optimiser_of_its_own_four_weights():
    for forgets in (lambda net: sgd(network()), lambda net: sgd(net[:3])):
        with pytest.raises(ValueError, match="all four weights"):
            train(network(), X, Y, forgets, 1)
