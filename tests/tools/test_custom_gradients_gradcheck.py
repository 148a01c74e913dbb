"""What docs/en/tools/custom_gradients.md says of gradcheck, put to gradcheck."""

import ast
import inspect

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.autograd.function import once_differentiable

from firstdescent.tools.custom_gradients import Square

F64 = {"dtype": torch.float64}


def leaf(*values):
    return torch.tensor(values, **F64, requires_grad=True)


class StoredSlope(Square):
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(2 * inputs[0])

    @staticmethod
    def backward(ctx, v):
        return v * ctx.saved_tensors[0]


class ForgotTwo(Square):
    @staticmethod
    def backward(ctx, v):
        return v * ctx.saved_tensors[0]


def test_gradcheck_steps_to_both_sides_by_1e_6_and_sends_ones_in_one_place():
    points, sent = [], []

    class Recorder(Square):
        @staticmethod
        def forward(x):
            points.append(x.tolist())
            return x * x

        @staticmethod
        def backward(ctx, v):
            sent.append(v.tolist())
            return v * 2 * ctx.saved_tensors[0]

    assert gradcheck(Recorder.apply, leaf(0.5, 2.0))
    stepped = {tuple(p) for p in points} - {(0.5, 2.0)}
    assert stepped == {
        (0.5 + 1e-6, 2.0),
        (0.5 - 1e-6, 2.0),
        (0.5, 2.0 + 1e-6),
        (0.5, 2.0 - 1e-6),
    }
    assert [1.0, 0.0] in sent and [0.0, 1.0] in sent
    assert {tuple(v) for v in sent} <= {(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)}


def test_the_matrix_of_the_message_is_the_transpose_of_the_jacobian():
    class WrongPair(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return torch.stack([x[0], 2 * x[1], 3 * x[0]])

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(ctx, v):
            return 0 * v[:2]

    with pytest.raises(RuntimeError, match="mismatch") as caught:
        gradcheck(WrongPair.apply, leaf(1.0, 1.0))
    numbers = str(caught.value).split("numerical:tensor(")[1].split(", dtype")[0]
    assert ast.literal_eval(numbers) == [
        [1.0, 0.0, 3.0],
        [0.0, 2.0, 0.0],
    ]  # inputs x outputs


def test_gradcheck_lets_a_tenth_of_a_percent_pass_and_not_more():
    defaults = inspect.signature(gradcheck).parameters
    found = [defaults[name].default for name in ("eps", "rtol", "atol")]
    assert found == [1e-6, 1e-3, 1e-5]
    for factor, passed in ((2.0019, True), (2.0021, False)):

        class Nearly(Square):
            @staticmethod
            def backward(ctx, v, factor=factor):
                return v * factor * ctx.saved_tensors[0]

        assert gradcheck(Nearly.apply, leaf(2.0), raise_exception=False) == passed


def test_gradcheck_fails_in_float32_even_for_a_square():
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    with pytest.warns(UserWarning, match="double precision"):
        assert not gradcheck(Square.apply, x, raise_exception=False)
    with pytest.warns(UserWarning, match="double precision"):
        assert not gradcheck(torch.square, x, raise_exception=False)


@pytest.mark.parametrize(
    ("function", "first", "second"),
    [(Square, True, True), (StoredSlope, True, False), (ForgotTwo, False, True)],
)
def test_each_of_the_two_checks_sees_what_the_other_does_not(function, first, second):
    x, v = leaf(0.5, 2.0), leaf(1.0, 1.0)
    assert gradcheck(function.apply, x, raise_exception=False) == first
    assert gradgradcheck(function.apply, x, v, raise_exception=False) == second


def test_once_differentiable_stops_backward_and_not_autograd_grad():
    class Once(StoredSlope):
        @staticmethod
        @once_differentiable
        def backward(ctx, v):
            return v * ctx.saved_tensors[0]

    x = leaf(1.0)
    y = Once.apply(x) ** 2 + x**3  # second derivative 12 + 6
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    assert first.item() == 7.0
    assert torch.autograd.grad(first, x, retain_graph=True)[0].item() == 6.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.backward()


def test_at_a_kink_the_check_takes_the_mean_of_both_slopes():
    assert gradcheck(torch.abs, leaf(0.0))
    with pytest.raises(RuntimeError, match=r"0\.5000"):
        gradcheck(torch.relu, leaf(0.0))


def test_a_clipped_gradient_passes_for_one_and_fails_for_one_half():
    class Clip(torch.autograd.Function):
        @staticmethod
        def forward(x, c):
            return x.clone()

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, ctx.c = inputs

        @staticmethod
        def backward(ctx, v):
            return v.clamp(-ctx.c, ctx.c), None

    x = leaf(0.3)
    for c, passed in ((1.0, True), (0.5, False)):

        def clip(x, c=c):
            return Clip.apply(x, c)

        assert gradcheck(clip, x, raise_exception=False) == passed
        (g,) = torch.autograd.grad((7 * clip(x)).sum(), x)
        assert g.item() == c  # linear in v, it would be 7 times that of v = 1
