"""Each claim of docs/en/tools/backward_on_vectors.md about PyTorch, put to PyTorch."""

import pytest
import torch
from torch import nn
from torch.func import grad, vmap

from firstdescent.tools.autograd import backward_edges, graph_nodes
from firstdescent.tools.backward_on_vectors import (
    cross_example_leak,
    own_input_grads,
    sum_input_grads,
    vjp,
)

D = torch.float64
X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [8.0, 7.0]], dtype=D)


@pytest.fixture
def x():
    return torch.arange(4.0, requires_grad=True)


def test_the_sum_changes_the_value_and_the_mean_makes_another(x):
    loss = x * x
    assert loss.tolist() == [0, 1, 4, 9]
    assert (loss.sum().item(), loss.mean().item()) == (14.0, 3.5)


@pytest.mark.parametrize(("reduce", "weight"), [(torch.sum, 1), (torch.mean, 0.25)])
def test_the_node_of_a_sum_sends_ones_and_that_of_a_mean_sends_shares(
    x, reduce, weight
):
    _, _, sent = backward_edges(reduce(x * x))[0]
    torch.testing.assert_close(sent, torch.full((4,), float(weight)))
    first = x.grad
    x.grad = None
    (x * x).backward(torch.full((4,), float(weight)))
    torch.testing.assert_close(x.grad, first)
    torch.testing.assert_close(first, 2 * weight * torch.arange(4.0))


def test_the_sum_adds_one_node_to_the_graph(x):
    loss = x * x
    assert len(graph_nodes(loss.sum())) == len(graph_nodes(loss)) + 1


def test_torch_autograd_grad_adds_nothing_to_grad(x):
    (returned,) = torch.autograd.grad((x * x).sum(), x)
    assert x.grad is None and returned.tolist() == [0, 2, 4, 6]


def test_a_second_walk_needs_the_graph_retained(x):
    loss = (x * x).sum()
    torch.autograd.grad(loss, x, retain_graph=True)
    torch.autograd.grad(loss, x)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, x)


def test_a_step_on_the_sum_is_a_step_on_the_mean_with_n_times_the_learning_rate():
    y = torch.tensor([-1, -3, -3, -5], dtype=D)
    after = []
    for reduce, lr in ((torch.sum, 0.01), (torch.mean, 0.04)):
        w = torch.tensor([0.5, -1.0], dtype=D, requires_grad=True)
        reduce((X @ w - y) ** 2).backward()
        torch.optim.SGD([w], lr=lr).step()
        after.append(w.detach())
    torch.testing.assert_close(*after)


def test_losses_of_torch_are_means_unless_told_otherwise():
    for loss in (nn.MSELoss(), nn.CrossEntropyLoss(), nn.L1Loss(), nn.BCELoss()):
        assert loss.reduction == "mean"
    assert nn.MSELoss()(torch.tensor([1.0, 3.0]), torch.zeros(2)).item() == 5.0


def test_batch_norm_in_training_has_a_sum_that_cannot_move_even_scaled_and_shifted():
    bn = nn.BatchNorm1d(2, dtype=D)
    with torch.no_grad():
        bn.weight.copy_(torch.tensor([3.0, -0.5]))
        bn.bias.copy_(torch.tensor([1.0, 2.0]))
    assert vjp(bn, X, torch.ones_like(X)).abs().max() < 1e-12
    out = bn(X).sum(0)
    torch.testing.assert_close(out, 4 * torch.tensor([1.0, 2.0], dtype=D))


def test_batch_norm_in_eval_uses_stored_statistics_and_mixes_nothing():
    bn = nn.BatchNorm1d(1, affine=False, dtype=D)

    def normed(x):
        return bn(x[:, None])[:, 0]

    x = X[:, 0]
    assert (own_input_grads(normed, x) > 0.05).all()
    assert cross_example_leak(normed, x) > 0.01
    bn.eval()
    slope = (bn.running_var + bn.eps).rsqrt().expand(4)
    torch.testing.assert_close(own_input_grads(normed, x), slope)
    torch.testing.assert_close(sum_input_grads(normed, x), slope)
    assert cross_example_leak(normed, x) == 0.0


def test_the_sum_of_a_layer_norm_is_constant_while_its_scales_are_equal():
    A = torch.tensor([[1.0, 2.0, 4.0], [0.0, 5.0, 3.0]], dtype=D)
    norm = nn.LayerNorm(3, dtype=D)
    assert vjp(norm, A, torch.ones_like(A)).abs().max() < 1e-12
    with torch.no_grad():
        norm.weight[0] = 2.0
    assert vjp(norm, A, torch.ones_like(A)).abs().max() > 0.01
    assert cross_example_leak(norm, A) == 0.0


def test_the_sign_of_the_sum_can_be_wrong_for_one_example():
    w = torch.tensor([0.5, -1.0], dtype=D)

    def batch_normed(X):
        return (((X - X.mean(0)) / X.std(0, correction=0)) @ w) ** 2

    own, total = (
        own_input_grads(batch_normed, X)[1],
        sum_input_grads(batch_normed, X)[1],
    )
    assert (own * total < 0).all()


def test_batch_norm_refuses_the_single_example_that_vmap_shows_it():
    bn = nn.BatchNorm1d(2, affine=False, track_running_stats=False, dtype=D)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        vmap(grad(lambda row: bn(row[None]).sum()))(X)


def test_a_vjp_of_a_hundred_thousand_outputs_builds_no_jacobian():
    n = 100_000  # its Jacobian would take 80 GB
    ones = torch.ones(n, dtype=D)
    slopes = vjp(lambda x: x.cumsum(0), torch.zeros(n, dtype=D), ones)
    torch.testing.assert_close(slopes, torch.arange(n, 0, -1, dtype=D))


def test_m_calls_of_backward_give_the_m_rows():
    x = torch.tensor([1.0, 2.0], dtype=D)

    def f(x):
        return torch.stack([x[0] * x[1], x[0] + x[1] ** 2])

    rows = [vjp(f, x, v) for v in torch.eye(2, dtype=D)]
    assert torch.stack(rows).tolist() == [[2, 1], [1, 4]]


def test_under_vmap_batch_norm_raises_in_1d_and_is_silent_in_2d():
    flat = nn.BatchNorm1d(2, affine=False, track_running_stats=False)
    image = nn.BatchNorm2d(2, affine=False, track_running_stats=False)
    X = torch.arange(32.0).view(4, 2, 2, 2).sin()
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        vmap(lambda x: flat(x[None]))(X[:, :, 0, 0])
    alone = vmap(lambda x: image(x[None])[0])(X)
    assert alone.isfinite().all() and not torch.allclose(alone, image(X))
