"""How large a learning rate may be: the curvature that limits it, and momentum.

Page: docs/en/optimisation/learning_rate.md
"""

from collections.abc import Callable, Iterable
from math import inf, isfinite, sqrt

import torch
from torch import Generator, Tensor

from firstdescent.tools.autograd_deeper import hvp, recorded_gradient


# --8<-- [start:best_lr]
def best_lr(low: float, high: float) -> float:
    """Return the lr whose slowest direction is fastest, for curvatures low to high.

    On a quadratic loss no constant lr has a better worst case. The walk diverges
    above 2 / high, which is larger than the result only by the part low / high.

    Units:  curvatures of the loss that you descend: a mean's are n times smaller
            than a sum's, and the result n times larger.
    Raises: ValueError unless 0 < low <= high and both are finite, or if 2 / high
            overflows.
    """
    if not 0 < low <= high < inf:
        raise ValueError(f"expected 0 < low <= high < inf, got {low} and {high}")
    if 2 / high == inf:
        raise ValueError(f"expected curvatures whose lr is finite, got high {high}")
    return 1 / (low / 2 + high / 2)  # a sum could overflow
    # --8<-- [end:best_lr]


# --8<-- [start:best_momentum]
def best_momentum(low: float, high: float) -> tuple[float, float]:
    """Return the lr and the momentum of the fastest heavy ball on a quadratic.

    "Fastest" in the worst case, for curvatures from low to high. On a loss that
    is not quadratic the pair may never converge.

    Units:  as for `best_lr`; the momentum has none.
    Raises: ValueError unless 0 < low <= high and both are finite, or if the lr
            overflows, or the momentum rounds to 1 (high / low above 1e32).
    """
    if not 0 < low <= high < inf:
        raise ValueError(f"expected 0 < low <= high < inf, got {low} and {high}")
    root = sqrt(low / high)
    lr, momentum = 4 / (1 + root) ** 2 / high, ((1 - root) / (1 + root)) ** 2
    if lr == inf or momentum == 1:
        raise ValueError(f"{low} and {high} lead to lr {lr}, momentum {momentum}")
    return lr, momentum
    # --8<-- [end:best_momentum]


# --8<-- [start:heavy_ball]
@torch.enable_grad()
def heavy_ball(
    loss: Callable[[Tensor], Tensor],
    start: Tensor,
    lr: float,
    steps: int,
    momentum: float = 0.0,
) -> Tensor:
    """Return the path of w <- w - lr v with v <- momentum v + g, `start` first.

    Momentum 0 is gradient descent. Works under torch.no_grad() as well.

    Shapes: start (d,), loss(w) (), result (steps + 1, d), detached.
    Units:  of a sum over n examples the gradient is n times a mean's, so lr must
            be n times smaller.
    Raises: ValueError if start is not (d,) with d > 0, floating-point and finite,
            lr not positive and finite, momentum not in [0, 1), or steps < 0; if
            loss(w) is not one number computed from w, or its gradient at the
            start not finite; FloatingPointError if the path leaves the finite
            numbers.
    """
    if start.dim() != 1 or not len(start) or not start.is_floating_point():
        kind = f"{start.dtype} of shape {tuple(start.shape)}"
        raise ValueError(f"expected a floating-point start (d,), d > 0, got {kind}")
    if not start.isfinite().all():
        raise ValueError("expected a finite start, got nan or inf")
    if not (0 < lr < inf and 0 <= momentum < 1 and steps >= 0):
        got = f"lr {lr}, momentum {momentum}, steps {steps}"
        raise ValueError(f"expected lr > 0, momentum in [0, 1), steps >= 0, got {got}")
    path, v = [start.detach()], torch.zeros_like(start)
    for k in range(steps):
        g = recorded_gradient(loss, path[-1])[1]
        if k == 0 and not g.isfinite().all():
            raise ValueError("expected a finite gradient at the start, got nan or inf")
        v = (momentum * v + g).detach()
        path.append((path[-1] - lr * v).detach())
        if not path[-1].isfinite().all():
            raise FloatingPointError(f"step {k + 1} is not finite: is lr too large?")
    return torch.stack(path)
    # --8<-- [end:heavy_ball]


# --8<-- [start:largest_curvature]
@torch.enable_grad()
def largest_curvature(
    loss: Callable[[Tensor], Tensor], w: Tensor, steps: int, generator: Generator
) -> float:
    """Return the Hessian's largest eigenvalue at w, or less, from `steps` products.

    Lanczos's method: the largest curvature in the space that a random v, H v,
    H (H v), ... span. It is never above the true one, does not fall with more
    steps, and is the true one after d: up to rounding, some eps times the
    curvature that is largest in size. It may be negative.

    Shapes: w (d,) on any device, the generator on the CPU, loss(w) ().
    Units:  those of the loss over those of w squared: a mean's, or a sum's.
    Raises: TypeError if w is not float32 or float64; ValueError if w is not (d,)
            with d > 0, steps < 1, a second derivative is not finite, or loss(w)
            is not one number computed from w.
    Source: Golub and Van Loan, Matrix Computations (2013), section 10.1.
    """
    if w.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected w in float32 or float64, got {w.dtype}")
    if w.dim() != 1 or not len(w) or steps < 1:
        got = f"{tuple(w.shape)} and {steps} steps"
        raise ValueError(f"expected w (d,), d > 0, and steps >= 1, got {got}")
    v = torch.randn(w.shape, generator=generator, dtype=w.dtype).to(w.device)
    basis, products = [], []
    for _ in range(min(steps, len(w))):
        v = v / v.abs().max()  # so that no square under- or overflows
        basis.append(v / v.norm())
        products.append(hvp(loss, w, basis[-1]))
        v, V, size = products[-1], torch.stack(basis), products[-1].abs().max()
        if not size.isfinite():
            raise ValueError("expected finite second derivatives, got nan or inf")
        for _ in range(2):  # rounding leaves a little: subtract twice
            v = v - V.T @ (V @ v)
        if v.abs().max() <= 100 * torch.finfo(w.dtype).eps * size:
            break  # the products lead nowhere new
    inner = V @ torch.stack(products).T
    return torch.linalg.eigvalsh(inner / 2 + inner.T / 2)[-1].item()
    # --8<-- [end:largest_curvature]


# --8<-- [start:lr_range_test]
def lr_range_test(
    loss: Callable[[Tensor], Tensor],
    start: Tensor,
    lrs: Iterable[float],
    steps: int,
    momentum: float = 0.0,
) -> list[float]:
    """Return the loss after `steps` steps with each lr, from the same start.

    It is inf where the walk or its loss is not finite.

    Shapes: start (d,), loss(w) ().
    Units:  those of the loss, a mean or a sum.
    Raises: ValueError as `heavy_ball` does with one of the lrs.
    """
    losses = []
    for lr in lrs:
        try:
            end = heavy_ball(loss, start, lr, steps, momentum)[-1]
            final = loss(end).item()
        except FloatingPointError:
            final = inf
        losses.append(final if isfinite(final) else inf)
    return losses
    # --8<-- [end:lr_range_test]
