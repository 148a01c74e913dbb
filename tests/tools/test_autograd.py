"""firstdescent.tools.autograd against answers that it did not compute."""

import math

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.tools.autograd import (
    attach_grad,
    backward_edges,
    graph_nodes,
    parabola_path,
)
from firstdescent.tools.figures.autograd import draw_chain

ONE = torch.tensor(1.0, dtype=torch.float64)


@pytest.fixture
def x():
    return torch.arange(4.0, requires_grad=True)


def names(nodes):
    return [type(node).__name__ for node in nodes]


def test_graph_nodes_lists_the_operations_from_the_output_to_the_leaf(x):
    nodes = graph_nodes(2 * torch.dot(x, x))
    assert names(nodes) == ["MulBackward0", "DotBackward0", "AccumulateGrad"]
    assert nodes[-1].variable is x


def test_graph_nodes_lists_a_shared_node_once(x):
    shared = torch.exp(x)
    found = names(graph_nodes(shared * shared + torch.sin(shared)))
    operations = [f"{name}Backward0" for name in ("Add", "Exp", "Mul", "Sin")]
    assert sorted(found) == ["AccumulateGrad", *operations]


def test_graph_nodes_leaves_out_what_asks_for_no_gradient(x):
    found = graph_nodes(x * torch.ones(4))
    assert names(found) == ["MulBackward0", "AccumulateGrad"]


@pytest.mark.parametrize("asks", [True, False])
def test_graph_nodes_refuses_a_tensor_that_no_operation_made(asks):
    with pytest.raises(ValueError, match="grad_fn"):
        graph_nodes(torch.ones(3, requires_grad=asks))


def test_backward_edges_carries_the_chain_rule(x):
    edges = backward_edges(2 * torch.dot(x, x))
    route = [edge[:2] for edge in edges]
    assert route == [("MulBackward0", "DotBackward0")] + 2 * [
        ("DotBackward0", "AccumulateGrad")
    ]
    torch.testing.assert_close(edges[0][2], torch.tensor(2.0))
    for _, _, value in edges[1:]:
        torch.testing.assert_close(value, 2 * torch.arange(4.0))


def test_what_the_edges_bring_to_a_leaf_adds_up_to_its_grad(x):
    edges = backward_edges((torch.exp(x) * x + x**3).sum())
    arrived = sum(value for _, receiver, value in edges if receiver == "AccumulateGrad")
    at = torch.arange(4.0)
    torch.testing.assert_close(arrived, torch.exp(at) * (at + 1) + 3 * at**2)
    torch.testing.assert_close(x.grad, arrived)


def test_backward_edges_adds_to_grad_as_backward_does(x):
    x.grad = torch.ones(4)
    backward_edges(torch.dot(x, x))
    torch.testing.assert_close(x.grad, 1 + 2 * torch.arange(4.0))


def test_backward_edges_says_nothing_of_an_operand_that_asks_for_nothing():
    w = torch.tensor([3.0], requires_grad=True)
    ((_, receiver, value),) = backward_edges(torch.dot(w, torch.tensor([5.0])))
    assert (receiver, value.tolist()) == ("AccumulateGrad", [5.0])


def test_backward_edges_stops_listening():
    w = torch.tensor(3.0, requires_grad=True)
    y = w + w  # saves no tensor, so it can be run backwards twice
    edges = backward_edges(y)
    y.backward()
    assert len(edges) == 2 and w.grad.item() == 4.0


def test_backward_edges_refuses_a_vector_and_a_leaf(x):
    with pytest.raises(ValueError, match=r"one number, got shape \(4,\)"):
        backward_edges(x * x)
    with pytest.raises(ValueError, match="grad_fn"):
        backward_edges(torch.tensor(1.0, requires_grad=True))


def test_parabola_path_leaves_its_start_alone_and_can_stand_still():
    start = torch.tensor(3.0)
    assert parabola_path(start, "clear backward step", lr=0.1, steps=0) == [3.0]
    parabola_path(start, "clear backward step", lr=0.1, steps=2)
    assert start.item() == 3.0 and start.grad is None and not start.requires_grad


@pytest.mark.parametrize("lr", [0.0, -0.1, math.inf, math.nan])
def test_parabola_path_refuses_a_step_size_that_is_not_positive_and_finite(lr):
    with pytest.raises(ValueError, match="lr > 0"):
        parabola_path(ONE, "backward step", lr=lr, steps=1)


def test_parabola_path_refuses_steps_that_overflow():
    """Each step multiplies w by 1 - lr: 1, -1e200, and 1e400 is no float64."""
    with pytest.raises(ValueError, match=r"a finite path, got inf: lr is 1e\+200$"):
        parabola_path(ONE, "clear backward step", lr=1e200, steps=2)


def test_parabola_path_refuses_a_vector_and_an_unknown_word():
    with pytest.raises(ValueError, match="steps >= 0"):
        parabola_path(ONE, "backward step", lr=0.1, steps=-1)
    with pytest.raises(ValueError, match=r"torch\.int64"):
        parabola_path(torch.tensor(1), "backward step", lr=0.1, steps=1)
    with pytest.raises(ValueError, match=r"shape \(\)"):
        parabola_path(torch.ones(2), "backward step", lr=0.1, steps=1)
    with pytest.raises(ValueError, match="zero"):
        parabola_path(ONE, "zero backward step", lr=0.1, steps=1)


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_attach_grad_puts_zeros_of_the_same_kind_before_any_backward(shape):
    x = torch.ones(shape, dtype=torch.float64)
    assert attach_grad(x) is None
    torch.testing.assert_close(x.grad, torch.zeros(shape, dtype=torch.float64))


def test_attach_grad_lets_backward_add_to_its_zeros():
    x = torch.arange(4.0)
    attach_grad(x)
    (x * x).backward(torch.ones(4))
    torch.testing.assert_close(x.grad, torch.tensor([0.0, 2.0, 4.0, 6.0]))


def test_attach_grad_refuses_the_result_of_an_operation(x):
    with pytest.raises(ValueError, match="ExpBackward0"):
        attach_grad(torch.exp(x))


def test_the_picture_shows_each_value_that_travels(x):
    s = torch.dot(x, x)
    y = 2 * s
    draw_chain(x, s, y, backward_edges(y))
    drawn = [text.get_text() for text in plt.gca().texts]
    plt.close()
    assert (
        drawn.count("[0.0, 1.0, 2.0, 3.0]") == drawn.count("[0.0, 2.0, 4.0, 6.0]") == 2
    )
    assert {"14.0", "28.0", "1.0", "2.0"} < set(drawn)
    assert "AccumulateGrad\nx.grad = [0.0, 4.0, 8.0, 12.0]" in drawn
