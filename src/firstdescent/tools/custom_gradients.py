"""Gradients written by hand, and the finite difference that judges them.

Page: docs/en/tools/custom_gradients.md
"""

from collections.abc import Callable

import torch
from torch import Tensor


# --8<-- [start:finite_difference]
def finite_difference(
    f: Callable[[Tensor], Tensor], x: Tensor, h: float | Tensor, scheme: str
) -> Tensor:
    """Return slopes of `f` at `x` from two of its values, without autograd.

    `f` works entry by entry; `scheme` is "forward" or "central". Where both values
    overflow, their difference is nan.

    Shapes: x (any), h a number or of a shape that broadcasts with x.
    Raises: ValueError if `h` is not positive, `scheme` unknown, or `x` integer.
    """
    if not x.is_floating_point():
        raise ValueError(f"expected a floating-point x, got {x.dtype}")
    if not (torch.as_tensor(h) > 0).all():
        raise ValueError(f"expected h > 0, got {h}")
    if scheme == "forward":
        return (f(x + h) - f(x)) / h
    if scheme == "central":
        return (f(x + h) - f(x - h)) / (2 * h)
    raise ValueError(f'expected "forward" or "central", got "{scheme}"')
    # --8<-- [end:finite_difference]


# --8<-- [start:Square]
class Square(torch.autograd.Function):
    """The square of each entry; call it as `Square.apply(x)`.

    Shapes: x (any), result and v, the gradient that comes in, as x.
    """

    generate_vmap_rule = True  # vmap may run these methods, too

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        (x,) = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, v: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return v * 2 * x

    # --8<-- [end:Square]


# --8<-- [start:Softplus]
class Softplus(torch.autograd.Function):
    """log(1 + exp(x)) of each entry, with finite gradients for all finite x.

    Shapes: x (any), result and v, the gradient that comes in, as x.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return torch.relu(x) + torch.log1p(torch.exp(-x.abs()))

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, v: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return v * torch.sigmoid(x)

    # --8<-- [end:Softplus]


# --8<-- [start:StraightThroughRound]
class StraightThroughRound(torch.autograd.Function):
    """round(x), with the gradient of x: on purpose not its derivative.

    Shapes: x (any), result and v, the gradient that comes in, as x.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        """Save nothing: backward needs nothing."""

    @staticmethod
    def backward(ctx, v: Tensor) -> Tensor:
        return v

    # --8<-- [end:StraightThroughRound]
