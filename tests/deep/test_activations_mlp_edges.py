"""Single points, the default dtype, what the refusals name, other drawings."""

import math

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.activations_mlp import (
    adam_steps,
    bends,
    dead_units,
    mlp,
    slopes,
    spirals,
    train_together,
)
from firstdescent.deep.figures.activations_mlp import (
    draw_activations,
    draw_folds,
    draw_regions,
)

D = torch.float64


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_spirals_are_the_same_whatever_the_default_dtype(defaults):
    (X, y), (same, labels) = (spirals(5, seeded()) for _ in defaults)
    assert X.dtype == same.dtype == D and torch.equal(y, labels)
    # pi times a label, an integer, is rounded to the default dtype.
    torch.testing.assert_close(X, same, rtol=0, atol=1e-6)


def test_one_point_is_a_spiral_and_endless_noise_is_refused():
    X, y = spirals(1, seeded())
    assert X.shape == (1, 2) and y.shape == (1,)
    with pytest.raises(ValueError, match="noise >= 0, got 3 and inf"):
        spirals(3, seeded(), math.inf)


def test_the_refusals_of_slopes_and_bends_name_what_came():
    with pytest.raises(ValueError, match=r"got \(\), from z: True"):
        slopes(torch.sum, torch.ones(3))
    with pytest.raises(TypeError, match=r"got \['Linear', 'Tanh', 'Linear'\]"):
        bends(mlp([1, 3, 1], seeded(), torch.nn.Tanh))
    with pytest.raises(ValueError, match="1 output, got 1, 2"):
        bends(mlp([1, 3, 2], seeded()))


def test_dead_units_are_found_without_a_graph():
    net, recorded = mlp([2, 3, 1], seeded()), []
    net[0].register_forward_hook(lambda *_: recorded.append(torch.is_grad_enabled()))
    dead_units(net, torch.zeros(2, 2, dtype=D))
    assert recorded == [False]


@pytest.mark.parametrize(
    ("networks", "X", "y"),
    [(0, (0, 10, 2), (0, 10)), (2, (2, 10), (2, 10)), (2, (2, 10, 2), (2, 5))],
)
def test_the_refusal_of_shapes_counts_networks_rows_and_labels(networks, X, y):
    nets = [mlp([2, 3, 2], seeded()) for _ in range(networks)]
    words = f"got {networks} networks, X {X}, y {y}"
    words = words.replace("(", r"\(").replace(")", r"\)")
    rows, labels = torch.zeros(X, dtype=D), torch.zeros(y, dtype=torch.int64)
    with pytest.raises(ValueError, match=words):
        train_together(nets, rows, labels, 0.1, 1)


def test_tables_without_rows_are_refused_by_their_shape():
    X, y = torch.zeros(1, 0, 2, dtype=D), torch.zeros(1, 0, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"finite numbers, got X \(1, 0, 2\)"):
        train_together([mlp([2, 3, 2], seeded())], X, y, 0.1, 1)


def test_a_layer_that_cannot_be_trained_is_named():
    net = mlp([2, 3, 2], seeded())
    net[0].bias.requires_grad_(False)
    X, y = torch.zeros(1, 4, 2, dtype=D), torch.zeros(1, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"Linear\(.*trainable: \[True, False\]"):
        train_together([net], X, y, 0.1, 1)


def test_a_gradient_too_long_to_square_is_told():
    p = torch.ones(1, dtype=D, requires_grad=True)
    with pytest.raises(ValueError, match="a squared gradient is not finite"):
        adam_steps(lambda: 1e200 * p, [p], 0.1, 1)


def test_a_last_step_too_far_is_told_with_its_lr_and_not_taken():
    net = mlp([2, 3, 2], seeded())
    before = net[0].weight.detach().clone()
    X, y = torch.ones(1, 4, 2, dtype=D), torch.tensor([[0, 1, 0, 1]])
    with pytest.raises(ValueError, match=r"smaller lr than 1e\+308"):
        train_together([net], X, y, 1e308, 1)
    assert torch.equal(net[0].weight, before)


@pytest.fixture
def panels():
    yield lambda: plt.gcf().axes
    plt.close("all")


def test_a_fourth_unit_is_drawn_as_the_first(panels):
    draw_folds(mlp([1, 4, 1], seeded()), -1, 1)
    styles = [line.get_linestyle() for line in panels()[0].lines]
    assert styles == ["-", "--", "-.", "-"]


def test_six_functions_are_asked_in_float64_and_drawn_in_four_kinds_of_line(panels):
    asked = []

    def f(z):
        asked.append(z.dtype)
        return 2 * z

    draw_activations({str(k): f for k in range(6)})
    assert set(asked) == {D}
    for axes in panels():
        styles = [line.get_linestyle() for line in axes.lines[:6]]
        assert styles == ["-", "-", "-", "--", "-.", ":"]


def test_regions_of_a_float32_net_are_drawn_over_named_axes(panels):
    nets = {name: mlp([2, 3, 2], seeded()).float() for name in "ab"}
    draw_regions(nets, torch.zeros(2, 2), torch.tensor([0, 1]))
    for axes in panels():
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("x₁", "x₂")
        for ticks in (axes.get_xticks(), axes.get_yticks()):
            assert ticks.tolist() == [-2, -1, 0, 1, 2]
