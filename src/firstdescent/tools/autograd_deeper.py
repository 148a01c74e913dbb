"""Second derivatives: the Hessian row by row, and its product with a vector.

Page: docs/en/tools/autograd_deeper.md
"""

from collections.abc import Callable

import torch
from torch import Tensor


# --8<-- [start:recorded_gradient]
def recorded_gradient(
    f: Callable[[Tensor], Tensor], w: Tensor
) -> tuple[Tensor, Tensor]:
    """Return (leaf, g): a fresh leaf with the numbers of `w`, the gradient of f there.

    The way from leaf to g is recorded, so g can be differentiated by leaf.

    Shapes: w (d,), f(w) (), leaf (d,), g (d,).
    Units:  those of f over those of w: a mean stays a mean, a sum a sum.
    Raises: ValueError if w is not a vector of floating-point numbers, or f(w)
            not one number that was computed from w.
    """
    if w.dim() != 1 or not w.is_floating_point():
        kind = f"{w.dtype} of shape {tuple(w.shape)}"
        raise ValueError(f"expected floating-point w of shape (d,), got {kind}")
    leaf = w.detach().clone().requires_grad_()
    value = f(leaf)
    if value.shape != () or not value.requires_grad:
        kind = f"shape {tuple(value.shape)}, recorded: {value.requires_grad}"
        raise ValueError(f"expected one number computed from w, got {kind}")
    (g,) = torch.autograd.grad(value, leaf, create_graph=True)
    return leaf, g
    # --8<-- [end:recorded_gradient]


# --8<-- [start:hessian_rows]
def hessian_rows(f: Callable[[Tensor], Tensor], w: Tensor) -> Tensor:
    """Return the Hessian of f at w: d backward passes through one recorded gradient.

    Shapes: w (d,), f(w) (), result (d, d), detached.
    Units:  those of f over those of w squared.
    Raises: ValueError as `recorded_gradient` does.
    """
    leaf, g = recorded_gradient(f, w)
    if not g.requires_grad or not len(w):  # f is linear in w: g is a constant
        return w.new_zeros(len(w), len(w))
    rows = []
    for i in range(len(w)):
        (row,) = torch.autograd.grad(
            g[i], leaf, retain_graph=True, materialize_grads=True
        )
        rows.append(row)
    return torch.stack(rows)
    # --8<-- [end:hessian_rows]


# --8<-- [start:hvp]
def hvp(f: Callable[[Tensor], Tensor], w: Tensor, v: Tensor) -> Tensor:
    """Return H v, with H the Hessian of f at w, without forming H.

    Shapes: w (d,), v (d,), f(w) (), result (d,), detached.
    Units:  those of f over those of w squared, times those of v.
    Raises: ValueError as `recorded_gradient` does, and if v and w differ in shape.
    """
    if v.shape != w.shape:
        raise ValueError(f"expected v like w, got {tuple(v.shape)}, {tuple(w.shape)}")
    leaf, g = recorded_gradient(f, w)
    if not g.requires_grad:  # f is linear in w: g is a constant
        return torch.zeros_like(w)
    # materialize_grads: zeros if g is made of other tensors only
    (product,) = torch.autograd.grad(g, leaf, v, materialize_grads=True)
    return product
    # --8<-- [end:hvp]


# --8<-- [start:conjugate_gradient]
def conjugate_gradient(
    product: Callable[[Tensor], Tensor], b: Tensor, steps: int
) -> Tensor:
    """Return x with H x close to b, from at most `steps` calls product(v) = H v.

    H must be symmetric and positive definite; d steps are then exact but for
    rounding, and fewer are often close. It stops where rounding begins.

    Shapes: b (d,), product(v) (d,), result (d,).
    Units:  those of b over those of H.
    Raises: ValueError if steps < 0, a square of b is not finite, or a direction
            of no or negative curvature shows that H is not positive definite.
    Source: Nocedal and Wright, Numerical Optimization (2006), algorithm 5.2.
    """
    if steps < 0:
        raise ValueError(f"expected steps >= 0, got {steps}")
    if not b.norm().isfinite():
        raise ValueError("expected finite squares of b, got nan, inf or an overflow")
    x, residual, p = torch.zeros_like(b), b, b
    solved = torch.finfo(b.dtype).eps * b.norm()
    for _ in range(steps):
        if residual.norm() <= solved:
            break
        Hp = product(p)
        if not p @ Hp > 0:
            raise ValueError(f"expected positive curvature, got {(p @ Hp).item()}")
        length = residual @ residual
        x = x + length / (p @ Hp) * p
        residual = residual - length / (p @ Hp) * Hp
        p = residual + residual @ residual / length * p
    return x
    # --8<-- [end:conjugate_gradient]
