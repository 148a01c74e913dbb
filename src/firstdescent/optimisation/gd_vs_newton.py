"""Gradient descent and Newton's method, and two ways to judge where they went.

Page: docs/en/optimisation/gd_vs_newton.md
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf, log
from numbers import Integral, Real

import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap


# --8<-- [start:check_start]
def check_start(start: Tensor, steps: int) -> None:
    """Return None if a path of `steps` steps can begin at `start`, else raise.

    Shapes: start (d,) or (k, d), k, d > 0.
    Raises: TypeError if start is no tensor or steps no integer; ValueError if
            start has another shape, is not of a floating-point dtype, or holds
            inf or nan, or if steps is negative.
    """
    if not isinstance(start, Tensor):
        raise TypeError(f"expected a tensor start, got {type(start).__name__}")
    if not isinstance(steps, Integral) or isinstance(steps, bool):
        raise TypeError(f"expected an integer number of steps, got {steps!r}")
    if start.dim() not in (1, 2) or not start.numel() or not start.is_floating_point():
        raise ValueError(
            "expected a floating-point start of shape (d,) or (k, d), "
            f"got {start.dtype} of shape {tuple(start.shape)}"
        )
    if not start.isfinite().all():
        bad = start[~start.isfinite()]
        raise ValueError(
            f"expected finite numbers, got {bad[0].item()} ({len(bad)} not finite)"
        )
    if steps < 0:
        raise ValueError(f"expected steps >= 0, got {steps}")
    # --8<-- [end:check_start]


# --8<-- [start:check_reached]
def check_reached(w: Tensor, step: str) -> None:
    """Return None if all points are finite, else say which start went wrong.

    Shapes: w (d,) or (k, d).
    Raises: FloatingPointError if a point holds inf or nan.
    """
    if not w.isfinite().all():
        bad = (~w.isfinite()).any(-1).flatten().nonzero().flatten().tolist()
        which = f" from start {bad[0]} ({len(bad)} in all)" if w.dim() == 2 else ""
        raise FloatingPointError(f"{step} is not finite{which}")
    # --8<-- [end:check_reached]


# --8<-- [start:descend]
def descend(
    loss: Callable[[Tensor], Tensor], start: Tensor, lr: float, steps: int
) -> Tensor:
    """Return the path of `steps` gradient steps of size `lr`, `start` first.

    Only the slope is looked at, never the loss: a path may leave the domain of
    log w, say, and go on. Check `loss(path[-1])`.

    Shapes: start (d,) or (k, d): k starts, side by side; loss(w) () for w (d,);
            result (steps + 1, d) or (steps + 1, k, d), detached. For k starts
            `loss` runs under torch.func.vmap: no `if` on values, no .item().
    Units:  if `loss` is a sum over n examples, its gradient, and so the
            useful `lr`, differ from the mean's by a factor n.
    Raises: as check_start; TypeError if lr is not a real number, ValueError if
            it is not positive and finite; FloatingPointError if a path
            overflows (the others are lost); RuntimeError if the loss is not ().
    """
    check_start(start, steps)
    if not isinstance(lr, Real) or isinstance(lr, bool):
        raise TypeError(f"expected a number for lr, got {lr!r}")
    if not 0 < lr < inf:
        raise ValueError(f"expected a positive, finite lr, got {lr}")
    slope = vmap(grad(loss)) if start.dim() == 2 else grad(loss)
    path = [start.detach()]
    for k in range(steps):
        path.append((path[-1] - lr * slope(path[-1])).detach())
        check_reached(path[-1], f"gradient step {k + 1}")
    return torch.stack(path)
    # --8<-- [end:descend]


# --8<-- [start:newton]
def newton(loss: Callable[[Tensor], Tensor], start: Tensor, steps: int = 1) -> Tensor:
    """Return the path of `steps` full Newton steps, `start` first.

    The path heads for a stationary point of any kind, and may diverge. Only
    slope and curvature are looked at, never the loss: a path may leave the
    domain of log w, say, and go on. Check `loss(path[-1])`.

    Shapes: as for `descend`.
    Units:  no step size; a sum and a mean of losses give the same path.
    Raises: as check_start; ValueError if start is not float32 or float64;
            FloatingPointError if a path overflows (the others are lost);
            torch.linalg.LinAlgError if a Hessian is exactly singular. Where
            rounding hides that, the path goes on to a point far off, or one of
            many: look at torch.linalg.cond. RuntimeError if the loss is not ().
    """
    check_start(start, steps)
    if start.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"expected float32 or float64, got {start.dtype}")
    slope, curvature = grad(loss), jacrev(grad(loss))
    if start.dim() == 2:
        slope, curvature = vmap(slope), vmap(curvature)
    path = [start.detach()]
    for k in range(steps):
        w = path[-1]
        # Solving H s = g is cheaper than inverting H.
        path.append((w - torch.linalg.solve(curvature(w), slope(w))).detach())
        check_reached(path[-1], f"Newton step {k + 1}")
    return torch.stack(path)
    # --8<-- [end:newton]


# --8<-- [start:measured_order]
def measured_order(errors: Sequence[float]) -> list[float]:
    """Return the order q of e_next = C e^q, one from each three errors in a row.

    Units:  none; the errors may be in any unit, the same for all.
    Raises: ValueError if there are fewer than three errors, or they are not
            positive, finite and decreasing, by more than their logs round off.
    """
    if len(errors) < 3 or not 0 < min(errors) <= max(errors) < inf:
        raise ValueError(f"expected three or more positive errors, got {errors}")
    if not all(after < before for before, after in pairwise(errors)):
        raise ValueError(f"expected strictly decreasing errors, got {errors}")
    drops = [log(after) - log(before) for before, after in pairwise(errors)]
    if 0 in drops:
        raise ValueError(f"expected errors further apart, got {errors}")
    return [later / earlier for earlier, later in pairwise(drops)]
    # --8<-- [end:measured_order]


# --8<-- [start:classify_stationary]
def classify_stationary(
    loss: Callable[[Tensor], Tensor], w: Tensor, tol: float = 1e-6
) -> str:
    """Return "minimum", "maximum", "saddle", "undecided" or "not stationary".

    "undecided" is a stationary point whose curvatures leave the kind open, to
    within tol.

    Shapes: w (d,), loss(w) ().
    Units:  tol bounds the gradient's length and the curvatures, so its meaning
            changes with the units of the loss and of w.
    Raises: ValueError if w is not one finite point, float32 or float64, or tol
            not positive; FloatingPointError if the Hessian is not finite.
    """
    check_start(w, steps=0)
    if w.dim() != 1 or not 0 < tol < inf:
        raise ValueError(f"expected w (d,), tol > 0, got {tuple(w.shape)}, {tol}")
    if w.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"expected float32 or float64, got {w.dtype}")
    if not grad(loss)(w).norm() <= tol:
        return "not stationary"
    H = jacrev(grad(loss))(w)
    if not H.isfinite().all():
        raise FloatingPointError("the Hessian is not finite")
    curvatures = torch.linalg.eigvalsh(H)  # (d,), ascending
    if curvatures[0] > tol:
        return "minimum"
    if curvatures[-1] < -tol:
        return "maximum"
    mixed = curvatures[0] < -tol and curvatures[-1] > tol
    return "saddle" if mixed else "undecided"
    # --8<-- [end:classify_stationary]
