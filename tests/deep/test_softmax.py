"""firstdescent.deep.softmax against answers that it did not compute."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional

from firstdescent.deep.softmax import (
    ce_grad,
    cross_entropy,
    fit_softmax,
    log_softmax,
    log_sum_exp,
    softmax,
)

D = torch.float64
INF = math.inf


def scores(n, k, size=1.0, dtype=D, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (size * torch.randn(n, k, generator=generator, dtype=D)).to(dtype)


def labels(n, k, seed=1):
    return torch.randint(k, (n,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize(
    ("n", "k", "size"), [(1, 1, 1), (1, 3, 1), (5, 4, 300), (0, 3, 1), (100_000, 3, 9)]
)
def test_all_agree_with_torch(n, k, size, dtype):
    o, y = scores(n, k, size, dtype), labels(n, k)
    torch.testing.assert_close(log_sum_exp(o), o.logsumexp(1))
    torch.testing.assert_close(log_softmax(o), functional.log_softmax(o, 1))
    torch.testing.assert_close(softmax(o), functional.softmax(o, 1))
    expected = functional.cross_entropy(o, y, reduction="none")
    torch.testing.assert_close(cross_entropy(o, y), expected)


def test_a_vector_is_one_row_and_more_dimensions_are_rows_too():
    o = scores(6, 4).view(2, 3, 4)
    torch.testing.assert_close(log_sum_exp(o), o.logsumexp(2))
    torch.testing.assert_close(softmax(o[0, 0]), o[0, 0].softmax(0))


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize("big", [1e3, -1e3, 1e30, -1e30])
def test_nothing_overflows_far_from_zero(big, dtype):
    o = torch.tensor([[big, big]], dtype=dtype)
    assert softmax(o)[0].tolist() == pytest.approx([0.5, 0.5])
    assert log_sum_exp(o).item() == pytest.approx(big + math.log(2))
    assert cross_entropy(o, torch.tensor([0])).item() == pytest.approx(math.log(2))


def test_large_scores_keep_the_digits_of_their_differences():
    o = torch.tensor([1e6, 1e6 + 0.5], dtype=torch.float32)
    lead = torch.tensor([0.0, 0.5], dtype=D).log_softmax(0).float()
    torch.testing.assert_close(log_softmax(o), lead)


def test_a_class_of_score_minus_infinity_is_impossible():
    o = torch.tensor([[0.0, 0.0, -INF]], dtype=D, requires_grad=True)
    assert softmax(o).tolist()[0] == pytest.approx([0.5, 0.5, 0])
    assert cross_entropy(o, torch.tensor([2])).item() == INF
    cross_entropy(o, torch.tensor([0])).sum().backward()
    assert o.grad.tolist()[0] == pytest.approx([-0.5, 0.5, 0])


@pytest.mark.parametrize("f", [log_sum_exp, log_softmax, softmax])
def test_the_slopes_are_right_also_at_ties_and_twice(f):
    for row in ([0.3, -1.2, 2.0], [1.0, 1.0, 0.0]):
        o = torch.tensor([row], dtype=D, requires_grad=True)
        assert gradcheck(f, o)
        assert gradgradcheck(f, o)


@pytest.mark.parametrize("size", [0.0, 1.0, 500.0])
def test_the_gradient_is_that_of_torchs_loss(size):
    o, y = scores(7, 5, size).requires_grad_(), labels(7, 5)
    (expected,) = torch.autograd.grad(
        functional.cross_entropy(o, y, reduction="sum"), o
    )
    torch.testing.assert_close(ce_grad(o.detach(), y), expected)
    assert ce_grad(o.detach().float(), y).dtype == torch.float32


def test_fit_softmax_walks_as_descent_by_autograd_on_an_nn_linear_from_zero():
    X, y = scores(40, 3, seed=2), labels(40, 4)
    model = torch.nn.Linear(3, 4, dtype=D)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    for _ in range(25):
        model.zero_grad()
        functional.cross_entropy(model(X), y).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.3 * parameter.grad
    W, b = fit_softmax(X, y, 4, 0.3, 25)
    torch.testing.assert_close(W, model.weight.detach())
    torch.testing.assert_close(b, model.bias.detach())


def test_no_steps_leave_zeros_and_one_class_has_nothing_to_learn():
    X, y = scores(5, 2), labels(5, 3)
    W, b = fit_softmax(X, y, 3, 1.0, 0)
    assert W.shape == (3, 2) and b.shape == (3,) and not W.any() and not b.any()
    W, b = fit_softmax(X.float(), y * 0, 1, 1.0, 5)
    assert W.dtype == torch.float32 and not W.any() and not b.any()


def test_fit_softmax_records_no_graph():
    X = scores(5, 2).requires_grad_()
    assert not any(v.requires_grad for v in fit_softmax(X, labels(5, 3), 3, 0.1, 2))
