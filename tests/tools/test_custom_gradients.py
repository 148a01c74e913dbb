"""firstdescent.tools.custom_gradients against answers that it did not compute."""

import inspect
import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, vmap

from firstdescent.tools.custom_gradients import (
    Softplus,
    Square,
    StraightThroughRound,
    finite_difference,
)

F64 = {"dtype": torch.float64}


def leaf(*values):
    return torch.tensor(values, **F64, requires_grad=True)


@pytest.mark.parametrize("scheme", ["forward", "central"])
def test_the_finite_difference_of_a_straight_line_is_its_slope(scheme):
    x = torch.tensor([-1.0, 0.0, 2.0], **F64)
    slope = finite_difference(lambda x: 3 * x + 1, x, 0.25, scheme)
    assert slope.tolist() == [3.0, 3.0, 3.0]


def test_the_forward_difference_of_a_parabola_is_off_by_h_and_the_central_exact():
    x = torch.tensor([[-1.0, 0.5]], **F64)
    by_hand = [[-2 + 0.25, 1 + 0.25]]  # ((x + h)^2 - x^2) / h = 2x + h
    assert finite_difference(torch.square, x, 0.25, "forward").tolist() == by_hand
    assert finite_difference(torch.square, x, 0.25, "central").tolist() == [[-2, 1]]


def test_the_finite_difference_takes_many_steps_at_once():
    h = torch.tensor([1.0, 0.5], **F64)
    x = torch.tensor([[0.0], [1.0], [2.0]], **F64)
    found = finite_difference(torch.square, x, h, "forward")
    assert found.tolist() == [[1.0, 0.5], [3.0, 2.5], [5.0, 4.5]]


def test_the_finite_difference_agrees_with_autograd_and_leaves_x_alone():
    x = leaf(0.3, 1.7)
    (exact,) = torch.autograd.grad(x.sin().sum(), x)
    found = finite_difference(torch.sin, x.detach(), 1e-5, "central")
    torch.testing.assert_close(found, exact)
    assert x.tolist() == [0.3, 1.7] and x.grad is None


def test_the_finite_difference_of_nothing_is_nothing():
    assert finite_difference(torch.sin, torch.ones(0), 0.1, "central").shape == (0,)


def test_the_finite_difference_refuses_what_it_cannot_use():
    one = torch.tensor(1.0)
    for h in (0.0, -0.1, math.nan, torch.tensor([0.1, 0.0])):
        with pytest.raises(ValueError, match="h > 0"):
            finite_difference(torch.sin, one, h, "forward")
    with pytest.raises(ValueError, match="backward"):
        finite_difference(torch.sin, one, 0.1, "backward")
    with pytest.raises(ValueError, match=r"torch\.int64"):
        finite_difference(torch.sin, torch.tensor(1), 0.1, "forward")


def test_square_squares_and_sends_back_v_times_2x():
    x = leaf(0.5, -1.0, 2.0)
    y = Square.apply(x)
    assert y.tolist() == [0.25, 1.0, 4.0]
    y.backward(torch.tensor([1.0, 10.0, 100.0], **F64))
    assert x.grad.tolist() == [1.0, -20.0, 400.0]


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3)])
@pytest.mark.parametrize("function", [Square, Softplus])
def test_square_and_softplus_have_right_first_and_second_derivatives(function, shape):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=g, **F64).requires_grad_()
    v = torch.randn(shape, generator=g, **F64).requires_grad_()
    if x.numel():
        assert gradcheck(function.apply, x) and gradgradcheck(function.apply, x, v)
    y = function.apply(x)
    assert y.shape == torch.autograd.grad(y.sum(), x)[0].shape == shape


def test_the_functions_work_with_torch_func_to_any_order():
    x = torch.tensor([0.5, -1.0, 2.0], **F64)
    assert vmap(grad(Square.apply))(x).tolist() == [1.0, -2.0, 4.0]
    assert vmap(grad(grad(Square.apply)))(x).tolist() == [2.0, 2.0, 2.0]
    torch.testing.assert_close(vmap(grad(Softplus.apply))(x), torch.sigmoid(x))
    assert vmap(grad(StraightThroughRound.apply))(x).tolist() == [1.0, 1.0, 1.0]


def test_softplus_is_that_of_torch_also_far_out():
    x = leaf(-1000.0, -50.0, -1.0, 0.0, 1.0, 50.0, 1000.0)
    y, expected = Softplus.apply(x), torch.logaddexp(x, torch.zeros_like(x))
    torch.testing.assert_close(y, expected)
    (slope,) = torch.autograd.grad(y.sum(), x)
    by_hand = [1 / (1 + math.exp(-t)) if t > -700 else 0.0 for t in x.tolist()]
    torch.testing.assert_close(slope, torch.tensor(by_hand, **F64))


def test_straight_through_rounds_forward_and_passes_v_on():
    x = leaf(0.2, 0.7, -1.6)
    y = StraightThroughRound.apply(x)
    assert y.tolist() == [0.0, 1.0, -2.0]
    v = torch.tensor([3.0, -5.0, 7.0], **F64)
    assert torch.autograd.grad(y, x, v)[0].tolist() == [3.0, -5.0, 7.0]


def test_straight_through_is_not_the_derivative_and_gradcheck_says_so():
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradcheck(StraightThroughRound.apply, leaf(0.2))
    x = leaf(0.2)
    (derivative,) = torch.autograd.grad(x.round().sum(), x)
    assert derivative.item() == 0.0


@pytest.mark.parametrize("function", [Square, Softplus, StraightThroughRound])
@pytest.mark.parametrize("method", ["forward", "setup_context", "backward"])
def test_the_methods_of_a_function_are_static_as_pytorch_asks(function, method):
    assert isinstance(inspect.getattr_static(function, method), staticmethod)
