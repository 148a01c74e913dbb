"""Newton's method without the Hessian: truncated conjugate gradients, and L-BFGS.

Page: docs/en/optimisation/newton_in_practice.md
"""

from collections.abc import Callable, Sequence
from math import inf, sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from firstdescent.optimisation.gd_vs_newton import check_start
from firstdescent.optimisation.safe_newton import backtrack
from firstdescent.tools.autograd_deeper import recorded_gradient


# --8<-- [start:CGStep]
class CGStep(NamedTuple):
    """A step, the products it took, and why conjugate gradients stopped.

    "small residual": |H s + g| is at most rtol |g|.
    "negative curvature": a direction had no positive curvature.
    "out of steps": `steps` products were not enough.
    "not finite": a product or the step overflowed, or was nan.

    Shapes: step (d,).
    """

    step: Tensor
    products: int
    reason: str
    # --8<-- [end:CGStep]


# --8<-- [start:truncated_cg]
def truncated_cg(
    product: Callable[[Tensor], Tensor], g: Tensor, rtol: float, steps: int
) -> CGStep:
    """Return a step s with H s close to -g, from products v -> H v.

    It stops at the first direction without positive curvature, with the steps
    made so far: the result is downhill. If that is the very first direction, -g,
    the result goes along it, as far as |curvature| says. A step that overflows
    is replaced by -g.

    Shapes: g (d,), product(v) (d,); H symmetric, which is not checked.
    Units:  g and H of one loss, a sum or a mean; rtol has none.
    Raises: TypeError if g is not float32 or float64; ValueError if g is not (d,),
            d > 0, and finite, rtol not in [0, 1), steps < 1, or product(v) not of
            the shape and dtype of v.
    Source: Nocedal and Wright (2006), Numerical Optimization, algorithm 7.1.
    """
    if g.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64, got {g.dtype}")
    if g.dim() != 1 or not len(g) or not g.isfinite().all():
        raise ValueError(f"expected a finite g (d,), d > 0, got {tuple(g.shape)}")
    if not 0 <= rtol < 1 or steps < 1:
        raise ValueError(f"expected rtol in [0, 1), steps > 0, got {rtol}, {steps}")
    g = g.detach()
    size = g.abs().max()  # with g / size no square under- or overflows
    s, residual = torch.zeros_like(g), -g / size if size > 0 else -g
    p, length = residual, residual @ residual
    goal, reason = max(rtol, torch.finfo(g.dtype).eps) ** 2 * length, "out of steps"
    if not size > 0:
        return CGStep(s, 0, "small residual")
    for k in range(1, steps + 1):
        Hp = product(p.clone()).detach()
        if Hp.shape != p.shape or Hp.dtype != p.dtype:
            got = f"{tuple(Hp.shape)}, {Hp.dtype}"
            raise ValueError(f"expected a product like v, {p.dtype}, got {got}")
        bend = p @ Hp
        if not bend.isfinite() or not Hp.isfinite().all():
            reason = "not finite"
        elif bend <= 0:
            reason = "negative curvature"
        if reason != "out of steps":
            if k == 1:
                far = length / bend.abs()
                s = far * p if 0 < far < inf else p
            break
        s = s + length / bend * p
        residual = residual - length / bend * Hp
        shorter = residual @ residual
        if shorter <= goal:
            reason = "small residual"
            break
        p, length = residual + shorter / length * p, shorter
    step = size * s
    if not step.isfinite().all():
        return CGStep(-g, k, "not finite")
    return CGStep(step, k, reason)
    # --8<-- [end:truncated_cg]


# --8<-- [start:FreeDescent]
class FreeDescent(NamedTuple):
    """Where a Hessian-free search ended, what it took, and why it stopped.

    "small gradient": at most tol. Where curvature is negative this may be a saddle.
    "unbounded": the loss fell below the floor.
    "stalled": no step lowers the loss by more than rounding, or the next point
    or gradient would not be finite, or the slope along the step under- or overflows.
    "out of steps": the number of steps was not enough.

    Shapes: w (d,); losses: one number more than products, which has one a step.
    Units:  losses as the loss.
    """

    w: Tensor
    losses: list[float]
    products: list[int]
    reason: str
    # --8<-- [end:FreeDescent]


# --8<-- [start:check_free]
def check_free(start: Tensor, steps: int, tol: float, inner: int, floor: float) -> None:
    """Return None if a Hessian-free search can begin at `start`, else raise.

    Shapes: start (d,).
    Raises: TypeError unless start is float32 or float64; ValueError if it is not
            (d,), d > 0, and finite, steps < 0, inner < 1, tol not positive and
            finite, or floor nan or inf.
    """
    if start.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64, got {start.dtype}")
    check_start(start, steps)
    if start.dim() != 1:
        raise ValueError(f"expected one start (d,), got {tuple(start.shape)}")
    if not 0 < tol < inf or inner < 1:
        raise ValueError(f"expected tol > 0 and inner > 0, got {tol} and {inner}")
    if not floor < inf:
        raise ValueError(f"expected a floor below inf, got {floor}")
    # --8<-- [end:check_free]


# --8<-- [start:length]
def length(g: Tensor) -> float:
    """Return the length of g, whose squares may under- or overflow.

    Shapes: g (d,), d > 0.
    Raises: ValueError if g is not (d,), or complex.
    """
    if g.dim() != 1 or g.is_complex():
        raise ValueError(f"expected real g (d,), got {g.dtype} {tuple(g.shape)}")
    top = g.abs().max()
    if 0 < top < inf:
        return top.item() * (g / top).norm().item()
    return top.item()
    # --8<-- [end:length]


# --8<-- [start:slope_and_product]
@torch.enable_grad()
def slope_and_product(
    loss: Callable[[Tensor], Tensor], w: Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return the gradient at w, and the function v -> H v there.

    The gradient is recorded once. Each product is one backward pass from it.
    Works under torch.no_grad() as well.

    Shapes: w (d,), loss(w) (), gradient (d,), v and H v (d,).
    Units:  those of the loss, a mean or a sum.
    Raises: ValueError as `recorded_gradient` does.
    """
    leaf, g = recorded_gradient(loss, w)

    def product(v: Tensor) -> Tensor:
        if not g.requires_grad:  # the loss is linear in w
            return torch.zeros_like(v)
        return torch.autograd.grad(
            g, leaf, v, retain_graph=True, materialize_grads=True
        )[0]

    return g.detach(), product
    # --8<-- [end:slope_and_product]


# --8<-- [start:newton_cg]
@torch.enable_grad()
def newton_cg(
    loss: Callable[[Tensor], Tensor],
    start: Tensor,
    steps: int = 100,
    tol: float = 1e-6,
    inner: int = 250,
    floor: float = -1e15,
) -> FreeDescent:
    """Return where Newton's method ends if it only multiplies by the Hessian.

    Each step solves H s = -g roughly, with at most `inner` products, and is then
    shortened by `backtrack`. The loss never rises by more than rounding. `loss`
    must be one that torch.func.grad can differentiate.

    Shapes: start (d,), loss(w) ().
    Units:  tol bounds the gradient's length, floor the loss: a mean's or a sum's.
    Raises: as `check_free`; ValueError if the loss or its gradient is not finite
            at the start, or loss(w) not one number computed from w.
    Source: Nocedal and Wright (2006), Numerical Optimization, section 7.1.
    """
    check_free(start, steps, tol, inner, floor)
    w, reason = start.detach(), "out of steps"
    g, product = slope_and_product(loss, w)
    losses, products, size = [loss(w).item()], [], length(g)
    if not (-inf < losses[0] < inf and size < inf):
        raise ValueError("expected a finite loss and gradient at the start")
    largest = size
    for k in range(steps + 1):
        if size <= tol or losses[-1] < floor:
            reason = "small gradient" if size <= tol else "unbounded"
        if reason != "out of steps" or k == steps:
            break
        rough = min(0.1, sqrt(size / largest))
        s = truncated_cg(product, g, rough, inner)
        # Rounding can turn a step uphill, or make it overflow: then take -g.
        step = s.step if -inf < (g @ s.step).item() < 0 else -g
        if not -inf < (g @ step).item() < 0:
            reason = "stalled"
            break
        ahead = w + backtrack(loss, w, step) * step
        new_g, product = slope_and_product(loss, ahead)
        size = length(new_g)
        largest = max(largest, size)
        if torch.equal(ahead, w) or not ahead.isfinite().all() or not size < inf:
            reason = "stalled"
            break
        w, g = ahead, new_g
        losses.append(loss(w).item())
        products.append(s.products)
    return FreeDescent(w, losses, products, reason)
    # --8<-- [end:newton_cg]


# --8<-- [start:two_loop]
def two_loop(g: Tensor, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Return L-BFGS's stand-in for H^-1 g, from pairs (step, change of gradient).

    Without pairs it is g. The matrix is symmetric and positive definite.

    Shapes: g (d,), pairs m times ((d,), (d,)), the oldest first; result (d,).
    Units:  those of g over those of H.
    Raises: TypeError if g is not float32 or float64; ValueError if g is not (d,)
            and finite, a pair not of g's shape and dtype, its s.y or y.y not
            positive and finite, or the result not finite.
    """
    if g.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64, got {g.dtype}")
    if g.dim() != 1 or not g.isfinite().all():
        raise ValueError(f"expected a finite g (d,), got shape {tuple(g.shape)}")
    for s, y in pairs:
        if not (s.shape == y.shape == g.shape and s.dtype == y.dtype == g.dtype):
            got = f"{tuple(s.shape)} {s.dtype}, {tuple(y.shape)} {y.dtype}"
            raise ValueError(f"expected s, y like g, got {got}")
        if not (0 < s @ y < inf and 0 < y @ y < inf):
            got = f"{(s @ y).item():.3g} and {(y @ y).item():.3g}"
            raise ValueError(f"expected s.y and y.y between 0 and inf, got {got}")
    q, alphas = g.clone(), []
    for s, y in reversed(pairs):
        alphas.append((s @ q) / (s @ y))
        q = q - alphas[-1] * y
    if pairs:
        s, y = pairs[-1]
        q = (s @ y) / (y @ y) * q  # how far the last step went for its change
    for s, y in pairs:
        q = q + (alphas.pop() - (y @ q) / (s @ y)) * s
    if not q.isfinite().all():
        raise ValueError("expected a finite result, got nan or inf")
    return q
    # --8<-- [end:two_loop]
