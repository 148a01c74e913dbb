"""firstdescent.tools.backward_on_vectors against answers that it did not compute."""

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from firstdescent.tools.backward_on_vectors import (
    cross_example_leak,
    own_input_grads,
    per_example_grads,
    sum_input_grads,
    vjp,
)
from firstdescent.tools.figures.backward_on_vectors import draw_jacobian

D = torch.float64
X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [8.0, 7.0]], dtype=D)
W = torch.tensor([0.5, -1.0], dtype=D)


def two_outputs(x):
    return torch.stack([x[0] * x[1], x[0] + x[1] ** 2])


def row_wise(X):
    return (X @ W) ** 2


def batch_normed(X):
    return (((X - X.mean(0)) / X.std(0, correction=0)) @ W) ** 2


def nudged(g, X, i, j, k, h=1e-5):
    """d g(X)[i] / d X[j, k] by a central difference."""
    step = torch.zeros_like(X)
    step[j, k] = h
    return ((g(X + step)[i] - g(X - step)[i]) / (2 * h)).item()


@pytest.mark.parametrize("v", [[1, 1], [0.5, 0.5], [1, 0], [0, 1], [3, -2]])
def test_vjp_is_v_times_the_jacobian_found_by_hand(v):
    v = torch.tensor(v, dtype=D)
    J = torch.tensor([[2, 1], [1, 4]], dtype=D)  # at (1, 2)
    found = vjp(two_outputs, torch.tensor([1, 2], dtype=D), v)
    torch.testing.assert_close(found, v @ J)


def test_vjp_leaves_its_input_and_its_grad_alone():
    x = torch.tensor([1.0, 2.0], dtype=D, requires_grad=True)
    result = vjp(two_outputs, x, torch.ones(2, dtype=D))
    assert x.grad is None and not result.requires_grad
    plain = torch.tensor([1.0, 2.0], dtype=D)
    vjp(two_outputs, plain, torch.ones(2, dtype=D))
    assert not plain.requires_grad


def test_vjp_is_linear_in_v():
    x = torch.tensor([0.3, -0.7], dtype=D)
    u, v = torch.tensor([1.0, -2.0], dtype=D), torch.tensor([0.5, 4.0], dtype=D)
    expected = 3 * vjp(two_outputs, x, u) + vjp(two_outputs, x, v)
    torch.testing.assert_close(vjp(two_outputs, x, 3 * u + v), expected)


def test_vjp_of_one_number_is_its_gradient_and_of_no_number_is_empty():
    x = torch.tensor([2.0, 5.0], dtype=D)
    torch.testing.assert_close(vjp(torch.prod, x, x.new_ones(())), x.flip(0))
    assert vjp(torch.exp, x[:0], x[:0]).shape == (0,)


def test_vjp_refuses_weights_of_another_shape_and_a_constant():
    x = torch.ones(2)
    with pytest.raises(ValueError, match=r"shape \(2,\), got \(3,\)"):
        vjp(two_outputs, x, torch.ones(3))
    with pytest.raises(RuntimeError, match="does not require grad"):
        vjp(lambda x: torch.ones(2), x, torch.ones(2))


def test_row_by_row_own_and_sum_are_the_closed_form():
    expected = 2 * (X @ W)[:, None] * W
    torch.testing.assert_close(own_input_grads(row_wise, X), expected)
    torch.testing.assert_close(sum_input_grads(row_wise, X), expected)


def test_own_is_the_diagonal_and_the_sum_is_the_column_by_finite_differences():
    own, total = own_input_grads(batch_normed, X), sum_input_grads(batch_normed, X)
    for j in range(4):
        for k in range(2):
            column = [nudged(batch_normed, X, i, j, k) for i in range(4)]
            assert own[j, k].item() == pytest.approx(column[j], abs=1e-8)
            assert total[j, k].item() == pytest.approx(sum(column), abs=1e-8)


@pytest.mark.parametrize("found", [own_input_grads, sum_input_grads])
def test_one_example_alone_and_rows_of_any_shape(found):
    one = torch.tensor([3.0], dtype=D)
    torch.testing.assert_close(found(torch.square, one), 2 * one)
    images = torch.arange(12, dtype=D).reshape(3, 2, 2)
    result = found(lambda X: (X**2).sum((1, 2)), images)
    torch.testing.assert_close(result, 2 * images)


@pytest.mark.parametrize(
    ("g", "shape"),
    [
        (torch.sum, r"\(\)"),
        (torch.square, r"\(4, 2\)"),
        (lambda X: X.sum(1)[:2], r"\(2,\)"),
    ],
)
def test_input_grads_refuse_what_is_not_one_number_a_row(g, shape):
    with pytest.raises(ValueError, match=rf"of shape \(4,\), got {shape}$"):
        own_input_grads(g, X)
    with pytest.raises(ValueError, match=rf"of shape {shape}, got \(4,\)$"):
        sum_input_grads(g, X)


def test_no_rows_have_an_empty_sum_and_no_jacobian():
    assert sum_input_grads(row_wise, X[:0]).shape == (0, 2)
    with pytest.raises(RuntimeError):
        own_input_grads(row_wise, X[:0])


def test_the_leak_is_the_largest_entry_off_the_diagonal():
    weights = torch.tensor([[9.0, 0.5, 0.0], [0.0, 9.0, -2.0], [1.0, 0.0, 9.0]])
    assert cross_example_leak(lambda x: weights @ x, torch.ones(3)) == 2.0
    assert cross_example_leak(lambda x: weights.diag() * x, torch.ones(3)) == 0.0


def test_the_leak_sees_every_output_and_feature_of_a_row():
    def late(X):  # the last output of row 0 uses the last feature of row 3
        return X + 0.25 * torch.outer(torch.eye(4)[0], torch.eye(2)[1]) * X[3, 1]

    assert cross_example_leak(late, X.float()) == 0.25


def test_the_leak_of_one_number_a_row_is_found_in_any_feature():
    def neighbour(X):  # slopes: 1 in the row itself, 0.5 in the row above
        return X[:, 0] + 0.5 * X[:, 1].roll(1)

    assert cross_example_leak(neighbour, X) == 0.5


def test_the_leak_refuses_one_example_and_lost_rows():
    with pytest.raises(ValueError, match="at least two examples, got 1"):
        cross_example_leak(row_wise, X[:1])
    for g, shape in ((torch.sum, r"\(\)"), (lambda X: X[:3], r"\(3, 2\)")):
        with pytest.raises(ValueError, match=rf"with 4 rows, got shape {shape}$"):
            cross_example_leak(g, X)


def squared(w, x, y):
    return (x @ w - y) ** 2


def test_per_example_grads_are_the_closed_form_and_add_up_to_the_sum():
    y = torch.tensor([-1, -3, -3, -5], dtype=D)
    G = per_example_grads(squared, W, X, y)
    torch.testing.assert_close(G, 2 * (X @ W - y)[:, None] * X)
    w = W.clone().requires_grad_()
    for reduce, expected in ((torch.sum, G.sum(0)), (torch.mean, G.mean(0))):
        (found,) = torch.autograd.grad(reduce((X @ w - y) ** 2), w)
        torch.testing.assert_close(found, expected)


def test_per_example_grads_of_one_example_and_of_images():
    y = torch.tensor([2.0], dtype=D)
    expected = 2 * (X[0] @ W - 2) * X[:1]
    torch.testing.assert_close(per_example_grads(squared, W, X[:1], y), expected)
    images = torch.arange(12, dtype=D).reshape(3, 2, 2)
    found = per_example_grads(lambda w, x, y: (x.sum(0) @ w) * y, W, images, X[:3, 0])
    torch.testing.assert_close(found, images.sum(1) * X[:3, :1])


def test_per_example_grads_refuse_two_lengths_and_a_loss_of_many_numbers():
    with pytest.raises(ValueError, match="same size"):
        per_example_grads(squared, W, X, X[:3, 0])
    with pytest.raises(RuntimeError, match="scalar"):
        per_example_grads(lambda w, x, y: x * w - y, W, X, X[:, 0])


def test_the_drawing_has_a_square_for_each_entry_and_each_sum_that_is_not_zero():
    draw_jacobian(torch.tensor([[1.0, -2.0], [3.0, 2.0]]))
    groups = plt.gca().collections
    at = {tuple(xy) for group in groups for xy in group.get_offsets().round(1).tolist()}
    assert at == {(0, 0), (0, 1), (0, 2.3), (1, 0), (1, 1)}  # column 1: sum 0
    hollow = [g for g in groups if len(g.get_offsets()) and not len(g.get_facecolor())]
    assert [g.get_offsets().tolist() for g in hollow] == [[[1, 0]]]
    plt.close()


def test_the_drawing_hides_what_is_left_of_zero_by_rounding():
    bn = nn.BatchNorm1d(1, affine=False, dtype=D)
    J = torch.autograd.functional.jacobian(lambda x: bn(x[:, None])[:, 0], X[:, 0])
    draw_jacobian(J)
    points = [xy for g in plt.gca().collections for xy in g.get_offsets().tolist()]
    assert len(points) == 16 and max(height for _, height in points) == 3
    plt.close()
