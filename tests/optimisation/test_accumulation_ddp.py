"""firstdescent.optimisation.accumulation_ddp on one process."""

from fractions import Fraction
from math import inf, nan

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from firstdescent.optimisation.accumulation_ddp import (
    accumulate,
    check_sum,
    ddp_loss,
    linear_from_zero,
    rows_per_rank,
    squared_sum,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def data(n, d=3, dtype=torch.float64, seed=0):
    g = seeded(seed)
    X = torch.randn(n, d, generator=g, dtype=dtype)
    return X, torch.randn(n, 1, generator=g, dtype=dtype)


def cut(X, y, *counts):
    return list(zip(X.split(counts), y.split(counts), strict=True))


def grads(model):
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def net(dtype=torch.float64):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).to(dtype)


@pytest.mark.parametrize("counts", [(30,), (4, 26), (1, 2, 27), (0, 30), (15, 0, 15)])
def test_accumulate_leaves_the_gradient_of_torchs_mean(counts):
    X, y = data(30)
    expected, model = net(), net()
    loss = mse_loss(expected(X), y) / 2
    loss.backward()
    value = accumulate(model, cut(X, y, *counts), squared_sum, 30)
    torch.testing.assert_close(grads(model), grads(expected))
    assert value == pytest.approx(loss.item(), rel=1e-12)


def test_accumulate_counts_tokens_and_leaves_the_padding_out():
    X, labels = data(12)[0], torch.tensor([0, 1, 2, -100] * 3)

    def loss_sum(scores, labels):
        return cross_entropy(scores, labels, reduction="sum", ignore_index=-100)

    torch.manual_seed(0)
    model = nn.Linear(3, 3, dtype=torch.float64)
    cross_entropy(model(X), labels, ignore_index=-100).backward()
    expected = grads(model).clone()
    model.zero_grad()
    accumulate(model, cut(X, labels, 5, 7), loss_sum, 9)
    torch.testing.assert_close(grads(model), expected)


def test_a_total_learned_at_the_end_may_divide_the_gradients():
    X, y = data(30)
    late, model = linear_from_zero(X), linear_from_zero(X)
    accumulate(late, cut(X, y, 4, 26), squared_sum, 1)
    for p in late.parameters():
        p.grad /= 30
    accumulate(model, cut(X, y, 4, 26), squared_sum, 30)
    torch.testing.assert_close(grads(late), grads(model))


def test_accumulate_adds_to_the_gradients_that_are_there():
    X, y = data(7)
    model = linear_from_zero(X)
    for times in (1, 2):
        accumulate(model, [(X, y)], squared_sum, 7)
        residual = -y / 7  # the prediction is 0
        expected = torch.cat([(residual * X).sum(0), residual.sum(0)])
        torch.testing.assert_close(grads(model), times * expected)


def test_accumulate_keeps_its_digits_in_float32_with_many_rows():
    X, y = data(100_000, dtype=torch.float32)
    model = linear_from_zero(X)
    value = accumulate(model, cut(X, y, 1, 99_999), squared_sum, 100_000)
    assert value == pytest.approx((y.double() ** 2).mean().item() / 2, rel=1e-5)
    expected = (-y.double() * X.double()).mean(0)
    torch.testing.assert_close(grads(model)[:3].double(), expected, rtol=0, atol=1e-5)


def test_accumulate_takes_one_row_and_an_iterator():
    X, y = data(1)
    model = linear_from_zero(X)
    value = accumulate(model, iter([(X, y)]), squared_sum, 1)
    assert value == pytest.approx(y.item() ** 2 / 2)


@pytest.mark.parametrize("total", [Fraction(4), 4.0])
def test_accumulate_takes_any_real_total(total):
    X, y = data(4)
    value = accumulate(linear_from_zero(X), [(X, y)], squared_sum, total)
    assert value == pytest.approx(y.square().mean().item() / 2)


@pytest.mark.parametrize("total", [0, -1, nan, inf, 10**400])
def test_accumulate_refuses_a_total_that_is_no_count(total):
    X, y = data(2)
    with pytest.raises(ValueError, match="positive, finite total"):
        accumulate(linear_from_zero(X), [(X, y)], squared_sum, total)


@pytest.mark.parametrize("total", [True, "2", torch.tensor(2), None, 2j])
def test_accumulate_refuses_a_total_that_is_no_number(total):
    X, y = data(2)
    with pytest.raises(TypeError, match="expected a number for total"):
        accumulate(linear_from_zero(X), [(X, y)], squared_sum, total)


def test_accumulate_refuses_a_used_up_iterator():
    X, y = data(2)
    chunks = iter([(X, y)])
    accumulate(linear_from_zero(X), chunks, squared_sum, 2)
    with pytest.raises(ValueError, match="at least one chunk"):
        accumulate(linear_from_zero(X), chunks, squared_sum, 2)


def test_accumulate_refuses_a_loss_that_is_not_one_number():
    X, y = data(2)
    with pytest.raises(ValueError, match=r"shape \(\), got \(2, 1\)"):
        accumulate(linear_from_zero(X), [(X, y)], lambda a, b: a - b, 2)


@pytest.mark.parametrize("loss", [1.0, torch.tensor(1j)])
def test_accumulate_and_ddp_loss_refuse_a_loss_that_is_no_real_tensor(loss):
    X, y = data(2)
    with pytest.raises(TypeError, match="expected a real tensor, got"):
        accumulate(linear_from_zero(X), [(X, y)], lambda a, b: loss, 2)
    with pytest.raises(TypeError, match="expected a real tensor, got"):
        ddp_loss(loss, 2)
    assert check_sum(torch.tensor(1.0)) is None


@pytest.mark.parametrize("bad", [nan, inf, 1e200])
def test_accumulate_stops_at_a_loss_that_is_not_finite(bad):
    X, y = data(4)
    y[3] = bad
    with pytest.raises(FloatingPointError, match="chunk 1 has loss"):
        accumulate(linear_from_zero(X), cut(X, y, 2, 2), squared_sum, 4)


def test_after_an_error_the_gradient_of_the_chunks_before_is_left():
    X, y = data(4)
    y[3] = nan
    model, expected = linear_from_zero(X), linear_from_zero(X)
    with pytest.raises(FloatingPointError):
        accumulate(model, cut(X, y, 2, 2), squared_sum, 4)
    accumulate(expected, [(X[:2], y[:2])], squared_sum, 4)
    assert grads(model).any()
    torch.testing.assert_close(grads(model), grads(expected))


def test_accumulate_stops_where_loss_over_total_overflows():
    X, y = data(2, dtype=torch.float32)
    model = linear_from_zero(X)
    with pytest.raises(FloatingPointError, match="total 1e-45"):
        accumulate(model, [(X, y)], squared_sum, 1e-45)
    assert model.weight.grad is None


def test_squared_sum_is_half_of_torchs_sum():
    a, b = data(9)[0], data(9, seed=1)[0]
    torch.testing.assert_close(squared_sum(a, b), mse_loss(a, b, reduction="sum") / 2)


def test_squared_sum_of_no_rows_is_zero():
    assert squared_sum(torch.zeros(0, 1), torch.zeros(0, 1)) == 0


def test_squared_sum_refuses_a_row_against_a_column():
    with pytest.raises(ValueError, match=r"one shape, got \(3, 1\) and \(3,\)"):
        squared_sum(torch.zeros(3, 1), torch.zeros(3))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.int8, torch.bool])
def test_squared_sum_refuses_what_is_not_floating_point(dtype):
    good, bad = torch.zeros(3), torch.zeros(3, dtype=dtype)
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(TypeError, match="expected floating point"):
            squared_sum(*pair)


def test_linear_from_zero_has_the_dtype_of_x_and_predicts_zero():
    X = data(0, d=2, dtype=torch.float32)[0]
    model = linear_from_zero(X)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert [tuple(p.shape) for p in model.parameters()] == [(1, 2), (1,)]
    assert not model(torch.ones(5, 2)).any()


@pytest.mark.parametrize(
    "X",
    [
        torch.zeros(3),
        torch.zeros(3, 2, dtype=torch.int64),
        torch.zeros(1, 1, 1),
        torch.zeros(3, 0),
    ],
)
def test_linear_from_zero_refuses_what_is_no_table(X):
    with pytest.raises(ValueError, match=r"floating-point X of shape \(n, d\)"):
        linear_from_zero(X)


@pytest.mark.parametrize("n", [True, 2.0, torch.tensor(2), "2"])
def test_rows_per_rank_refuses_what_is_no_count(n):
    with pytest.raises(TypeError, match="expected an integer n_local"):
        rows_per_rank(n, "cpu")


def test_rows_per_rank_refuses_a_negative_count():
    with pytest.raises(ValueError, match="n_local >= 0, got -1"):
        rows_per_rank(-1, "cpu")


def test_ddp_loss_refuses_losses_that_were_not_summed():
    with pytest.raises(ValueError, match=r"a sum of shape \(\), got \(4,\)"):
        ddp_loss(torch.zeros(4), 4)
