"""Each claim of docs/en/tools/custom_gradients.md about PyTorch, put to PyTorch."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, vmap

from firstdescent.tools.custom_gradients import Square, StraightThroughRound

F64 = {"dtype": torch.float64}


def leaf(*values):
    return torch.tensor(values, **F64, requires_grad=True)


class OldForm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, v):
        return v * 2 * ctx.saved_tensors[0]


def test_the_old_form_works_with_backward_and_torch_func_refuses_it():
    x = leaf(3.0)
    OldForm.apply(x).backward()
    assert x.grad.item() == 6.0
    for transform in (vmap, lambda f: vmap(grad(f))):
        with pytest.raises(RuntimeError, match="setup_context"):
            transform(OldForm.apply)(torch.ones(2))


def test_without_a_vmap_rule_grad_works_and_vmap_does_not():
    class NoRule(Square):
        generate_vmap_rule = False

    assert grad(NoRule.apply)(torch.tensor(3.0)).item() == 6.0
    with pytest.raises(RuntimeError, match="vmap"):
        vmap(grad(NoRule.apply))(torch.ones(2))


def test_nothing_inside_forward_is_recorded_nor_inside_setup_context():
    modes = []

    class Listening(Square):
        @staticmethod
        def forward(x):
            modes.append(torch.is_grad_enabled())
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            modes.append((2 * inputs[0]).requires_grad)
            ctx.save_for_backward(*inputs)

    Listening.apply(leaf(1.0))
    assert modes == [False, False]


def test_only_save_for_backward_notices_a_change_in_place():
    class OnContext(Square):
        @staticmethod
        def setup_context(ctx, inputs, output):
            (ctx.x,) = inputs

        @staticmethod
        def backward(ctx, v):
            return v * 2 * ctx.x

    for function in (OnContext, Square):
        a = leaf(3.0)
        x = a * 1
        y = function.apply(x)
        x.mul_(100)
        if function is Square:
            with pytest.raises(RuntimeError, match="modified by an inplace"):
                torch.autograd.grad(y, a)
        else:
            assert torch.autograd.grad(y, a)[0].item() == 600.0  # not 6


def test_a_forward_in_numpy_is_not_recorded_and_a_function_supplies_the_slope():
    class Sinh(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return torch.from_numpy(np.sinh(x.numpy(force=True)))

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, v):
            return v * torch.cosh(ctx.saved_tensors[0])

    x = leaf(0.5, -1.0)
    assert not torch.from_numpy(np.sinh(x.numpy(force=True))).requires_grad
    assert gradcheck(Sinh.apply, x) and gradgradcheck(Sinh.apply, x, leaf(1.0, 1.0))


def test_one_line_with_detach_is_the_straight_through_estimator():
    x = leaf(0.2, 0.7, -1.6)
    y = x + (x.round() - x).detach()
    v = torch.tensor([3.0, -5.0, 7.0], **F64)
    assert torch.autograd.grad(y, x, v)[0].tolist() == v.tolist()
    torch.testing.assert_close(y, StraightThroughRound.apply(x))


def test_relu_and_clamp_give_the_careful_softplus_wrong_slopes_at_zero():
    def tail(x):
        return torch.log1p(torch.exp(-x.abs()))

    for head, slope in ((torch.relu, 0.0), (lambda x: x.clamp(min=0), 1.0)):
        x = leaf(0.0)
        (found,) = torch.autograd.grad(head(x) + tail(x), x)
        assert found.item() == slope  # one half would be right


def test_torch_has_a_softplus_that_needs_no_help():
    x = leaf(-1000.0, 0.0, 1000.0)
    (slope,) = torch.autograd.grad(torch.nn.functional.softplus(x).sum(), x)
    assert slope.tolist() == [0.0, 0.5, 1.0]


class Sigmoid(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return 1 / (1 + torch.exp(-x))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, v):
        (s,) = ctx.saved_tensors
        return v * s * (1 - s)


@pytest.mark.parametrize("function", [Sigmoid.apply, torch.sigmoid, Sigmoid.forward])
def test_the_next_layer_keeps_the_output_anyway_and_the_formula_keeps_two_more(
    function,
):
    x = torch.zeros(8, 5, **F64, requires_grad=True)
    W = torch.ones(5, 1, **F64, requires_grad=True)
    kept = {}

    def note(t):
        kept[t.data_ptr()] = t
        return t

    with torch.autograd.graph.saved_tensors_hooks(note, lambda t: t):
        s = function(x)
        s @ W
    assert {s.data_ptr(), W.data_ptr()} <= set(kept)
    extra = [t.shape for p, t in kept.items() if p not in (s.data_ptr(), W.data_ptr())]
    assert extra == (2 * [x.shape] if function is Sigmoid.forward else [])


def test_torchs_softplus_returns_x_above_20():
    x = torch.tensor([19.0, 21.0], dtype=torch.float64)
    y = torch.nn.functional.softplus(x)
    assert (y > x).tolist() == [True, False]


def test_gradcheck_accepts_zeros_where_the_slope_is_below_1e_5():
    class Zero(Square):
        @staticmethod
        def backward(ctx, v):
            return 0 * v

    assert gradcheck(Zero.apply, leaf(1e-6))
    assert not gradcheck(Zero.apply, leaf(1.0), raise_exception=False)
