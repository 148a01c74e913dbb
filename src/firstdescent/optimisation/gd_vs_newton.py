"""Gradient descent and Newton's method, and two ways to judge where they went.

Page: docs/en/optimisation/gd_vs_newton.md
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf, log

import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap


# --8<-- [start:check_start]
def check_start(start: Tensor, steps: int) -> None:
    """Return None if a path of `steps` steps can begin at `start`, else raise.

    Shapes: start (d,) or (k, d), k, d > 0.
    Raises: ValueError if start has another shape, is not of a floating-point
            dtype, or holds inf or nan, or if steps is negative.
    """
    if start.dim() not in (1, 2) or not start.numel() or not start.is_floating_point():
        raise ValueError(
            "expected a floating-point start of shape (d,) or (k, d), "
            f"got {start.dtype} of shape {tuple(start.shape)}"
        )
    if not start.isfinite().all():
        raise ValueError(f"expected finite numbers, got {start.tolist()}")
    if steps < 0:
        raise ValueError(f"expected steps >= 0, got {steps}")
    # --8<-- [end:check_start]


# --8<-- [start:descend]
def descend(
    loss: Callable[[Tensor], Tensor], start: Tensor, lr: float, steps: int
) -> Tensor:
    """Return the path of `steps` gradient steps of size `lr`, `start` first.

    Shapes: start (d,) or (k, d): k starts, side by side; loss(w) () for w (d,);
            result (steps + 1, d) or (steps + 1, k, d), detached.
    Units:  if `loss` is a sum over n examples, its gradient, and so the
            useful `lr`, differ from the mean's by a factor n.
    Raises: ValueError if start is not finite, lr not positive and finite, or
            steps < 0; FloatingPointError if a path overflows.
    """
    check_start(start, steps)
    if not 0 < lr < inf:
        raise ValueError(f"expected a positive, finite lr, got {lr}")
    slope = vmap(grad(loss)) if start.dim() == 2 else grad(loss)
    path = [start.detach()]
    for k in range(steps):
        path.append((path[-1] - lr * slope(path[-1])).detach())
        if not path[-1].isfinite().all():
            raise FloatingPointError(f"gradient step {k + 1} is not finite")
    return torch.stack(path)
    # --8<-- [end:descend]


# --8<-- [start:newton]
def newton(loss: Callable[[Tensor], Tensor], start: Tensor, steps: int = 1) -> Tensor:
    """Return the path of `steps` full Newton steps, `start` first.

    The path heads for a stationary point of any kind, and may diverge.

    Shapes: as for `descend`.
    Units:  no step size; a sum and a mean of losses give the same path.
    Raises: ValueError if start is not finite or steps < 0; FloatingPointError
            if a path overflows; torch.linalg.LinAlgError if a Hessian is
            singular (exactly: rounding can hide it).
    """
    check_start(start, steps)
    slope, curvature = grad(loss), jacrev(grad(loss))
    if start.dim() == 2:
        slope, curvature = vmap(slope), vmap(curvature)
    path = [start.detach()]
    for k in range(steps):
        w = path[-1]
        # Solving H s = g is cheaper and more accurate than inverting H.
        path.append((w - torch.linalg.solve(curvature(w), slope(w))).detach())
        if not path[-1].isfinite().all():
            raise FloatingPointError(f"Newton step {k + 1} is not finite")
    return torch.stack(path)
    # --8<-- [end:newton]


# --8<-- [start:measured_order]
def measured_order(errors: Sequence[float]) -> list[float]:
    """Return the order q of e_next = C e^q, one from each three errors in a row.

    Units:  none; the errors may be in any unit, the same for all.
    Raises: ValueError if there are fewer than three errors, or they are not
            positive, finite and strictly decreasing.
    """
    if len(errors) < 3 or not 0 < min(errors) <= max(errors) < inf:
        raise ValueError(f"expected three or more positive errors, got {errors}")
    if not all(after < before for before, after in pairwise(errors)):
        raise ValueError(f"expected strictly decreasing errors, got {errors}")
    drops = [log(after) - log(before) for before, after in pairwise(errors)]
    return [later / earlier for earlier, later in pairwise(drops)]
    # --8<-- [end:measured_order]


# --8<-- [start:classify_stationary]
def classify_stationary(
    loss: Callable[[Tensor], Tensor], w: Tensor, tol: float = 1e-6
) -> str:
    """Return "minimum", "maximum", "saddle", "undecided" or "not stationary".

    "undecided" is a stationary point whose curvatures leave the kind open.

    Shapes: w (d,), loss(w) ().
    Units:  tol bounds the gradient's length and the curvatures, so its meaning
            changes with the units of the loss and of w.
    Raises: ValueError if w is not one finite point or tol is not positive.
    """
    check_start(w, steps=0)
    if w.dim() != 1 or not 0 < tol < inf:
        raise ValueError(f"expected w (d,), tol > 0, got {tuple(w.shape)}, {tol}")
    if not grad(loss)(w).norm() <= tol:
        return "not stationary"
    curvatures = torch.linalg.eigvalsh(jacrev(grad(loss))(w))  # (d,), ascending
    if curvatures[0] > tol:
        return "minimum"
    if curvatures[-1] < -tol:
        return "maximum"
    mixed = curvatures[0] < -tol and curvatures[-1] > tol
    return "saddle" if mixed else "undecided"
    # --8<-- [end:classify_stationary]
