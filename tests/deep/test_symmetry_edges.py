"""What the refusals name, networks of one unit, and drawings of other data."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.figures.symmetry import draw_arrows, draw_escapes, draw_maps
from firstdescent.deep.symmetry import (
    Weights,
    check_training,
    check_weights,
    draw_mask,
    permute_units,
    two_layer,
)


def network(h=3, dtype=torch.float64):
    shapes = ((h, 2), (h,), (1, h), (1,))
    return Weights(*(torch.ones(shape, dtype=dtype) for shape in shapes))


@pytest.mark.parametrize(
    ("part", "shape", "words"),
    [
        ("W1", (0, 2), r"h, d > 0, got \(0, 2\)$"),
        ("b1", (2,), r"expected \(3,\), \(1, 3\), \(1,\), got \[\(2,\), \(1, 3\), "),
    ],
)
def test_shapes_of_weights_are_refused_by_those_that_came(part, shape, words):
    net = network()._replace(**{part: torch.zeros(shape, dtype=torch.float64)})
    with pytest.raises(ValueError, match=words):
        check_weights(net)


def test_two_layer_says_what_it_wants_and_what_came():
    wanted = r"X \(n, d\), W1 \(h, d\), b1 \(h,\), W2 \(1, h\) and b2 \(1,\)"
    with pytest.raises(ValueError, match=rf"^expected {wanted}, got \[\(2,\), \(3, 2"):
        two_layer(torch.zeros(2, dtype=torch.float64), network())
    with pytest.raises(ValueError, match=r"one device, got \['cpu', 'meta'\]"):
        two_layer(torch.zeros(4, 2, dtype=torch.float64, device="meta"), network())


@pytest.mark.parametrize(("shape", "rate"), [((2,), 1.0), ((2, 2), 0.5)])
def test_a_mask_is_refused_by_shape_and_rate(shape, rate):
    words = f"got {shape} and {rate}".replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=words):
        draw_mask(torch.zeros(shape), 3, rate, torch.Generator())


def test_training_is_refused_by_the_shapes_that_came():
    X, y = torch.zeros(3, 2).double(), torch.zeros(2).double()
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(2,\)"):
        check_training(X, y, network(), 1, None, 0.0, None)


@pytest.mark.parametrize("order", [[False], [0.0]])
def test_the_order_of_a_single_unit_is_an_integer_too(order):
    with pytest.raises(TypeError, match="integers for the order"):
        permute_units(network(1), order)


def test_signs_keep_the_dtype_of_a_network_in_half_precision():
    net = permute_units(network(dtype=torch.float16), [2, 1, 0], [1, -1, 1])
    assert {part.dtype for part in net} == {torch.float16}
    assert net.b1.tolist() == [1, -1, 1]


@pytest.fixture
def panels():
    yield lambda: plt.gcf().axes
    plt.close("all")


@pytest.mark.parametrize("names", ["a", "abc"])
def test_maps_share_one_scale_and_the_last_one_names_the_input(panels, names):
    draw_maps({name: lambda points: points[:, 0] for name in names})
    *maps, bar = panels()
    assert [ax.get_title() for ax in maps] == list(names)
    assert [ax.get_xlabel() for ax in maps] == [""] * (len(names) - 1) + ["x₁"]
    assert bar.get_ylabel() == "output"


def test_four_lists_of_losses_have_four_kinds_of_line(panels):
    draw_escapes({str(k): [1.0, 0.5] for k in range(4)})
    lines = panels()[0].lines
    assert [line.get_linestyle() for line in lines] == ["-", "--", "-.", ":"]
    assert panels()[0].get_yscale() == "log"


@pytest.mark.parametrize("names", ["a", "abc"])
def test_the_start_is_that_of_the_first_unit_and_the_last_panel_is_named(panels, names):
    path = torch.tensor([[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6], [0.7, 0.8]]])
    draw_arrows(dict.fromkeys(names, path))
    for ax in panels():
        *tips, dot = ax.lines
        for tip, way in zip(tips, path.transpose(0, 1), strict=True):
            assert tip.get_xydata() == pytest.approx(way.numpy())
        assert dot.get_xydata()[0] == pytest.approx((0.1, 0.2))
    labels = [ax.get_xlabel() for ax in panels()]
    assert labels == [""] * (len(names) - 1) + ["weight of x₁"]
