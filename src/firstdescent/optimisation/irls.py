"""Logistic regression by Newton's method, which is reweighted least squares.

Page: docs/en/optimisation/irls.md
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


# --8<-- [start:check_classes]
def check_classes(A: Tensor, y: Tensor) -> None:
    """Return nothing, or raise if A and y are no table of labelled rows.

    Whether A is finite is left to `column_scales`, which reads it anyway.

    Shapes: A (n, p), y (n,), n, p > 0.
    Raises: TypeError unless A is float32 or float64, and for complex y;
            ValueError for other shapes and for a label that is not 0 or 1.
    """
    if A.dtype not in (torch.float32, torch.float64) or y.is_complex():
        got = f"A {A.dtype} and y {y.dtype}"
        raise TypeError(f"expected A in float32 or float64 and real y, got {got}")
    if A.dim() != 2 or A.numel() == 0 or y.shape != A.shape[:1]:
        shapes = f"{tuple(A.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected A (n, p) and y (n,), n, p > 0, got {shapes}")
    wrong = y[(y != 0) & (y != 1)]
    if len(wrong) > 0:
        raise ValueError(f"expected labels 0 and 1, got {wrong[0].item()}")
    # --8<-- [end:check_classes]


# --8<-- [start:column_scales]
def column_scales(A: Tensor) -> Tensor:
    """Return for each column the power of two that brings its largest size to [1, 2).

    Dividing by it rounds nothing, and then squares neither over- nor underflow.

    Shapes: A (n, p), result (p,), float64.
    Raises: ValueError if A is not (n, p) and real, or a number is not finite.
    """
    if A.dim() != 2 or A.is_complex():
        raise ValueError(f"expected real A (n, p), got {A.dtype} {tuple(A.shape)}")
    largest = A.abs().amax(dim=0).double()
    if not largest.isfinite().all():
        raise ValueError("A must be finite, got nan or inf")
    mantissa, _ = torch.frexp(largest)  # in [1/2, 1), or 0
    return torch.where(largest > 0, largest / (2 * mantissa), 1.0)
    # --8<-- [end:column_scales]


# --8<-- [start:penalties]
def penalties(A: Tensor, penalty: float | Tensor) -> Tensor:
    """Return one penalty for each column of A.

    A number goes to every column, except that a last column of ones, the
    intercept, gets 0. A vector is taken as it is.

    Shapes: A (n, p), penalty () or (p,), result (p,), float64.
    Raises: ValueError for another shape, or unless all are finite and >= 0;
            TypeError for complex numbers.
    """
    if A.is_complex() or torch.as_tensor(penalty).is_complex():
        raise TypeError(f"expected real A and penalty, got {A.dtype} and {penalty}")
    ridge = torch.as_tensor(penalty, dtype=torch.float64, device=A.device).detach()
    if ridge.shape not in ((), A.shape[1:]):
        raise ValueError(f"expected penalty () or (p,), got {tuple(ridge.shape)}")
    if not ((ridge >= 0) & (ridge < math.inf)).all():
        raise ValueError(f"penalty must be finite and not negative, got {penalty}")
    if ridge.dim() == 0:
        ridge = ridge.repeat(A.shape[1])
        ridge[-1] *= not (A[:, -1] == 1).all()
    return ridge
    # --8<-- [end:penalties]


# --8<-- [start:weighted_gram]
def weighted_gram(A: Tensor, s: Tensor) -> Tensor:
    """Return A^T S A, where S is diagonal with s on its diagonal.

    Some thousand rows at a time go through one buffer, small enough for a cache.

    Shapes: A (n, p), s (n,), result (p, p).
    Raises: ValueError if A is not (n, p), n, p > 0, or s not (n,);
            torch.linalg.LinAlgError if the result is not finite.
    """
    if A.dim() != 2 or not A.numel() or s.shape != A.shape[:1]:
        shapes = f"{tuple(A.shape)} and {tuple(s.shape)}"
        raise ValueError(f"expected A (n, p) and s (n,), n, p > 0, got {shapes}")
    n, p = A.shape
    rows = max(256, 2**18 // p)
    H, buffer = A.new_zeros(p, p), A.new_empty(min(n, rows), p)
    for part, weights in zip(A.split(rows), s.split(rows), strict=True):
        weighted = torch.mul(part, weights[:, None], out=buffer[: len(part)])
        H.addmm_(weighted.T, part)
    if not H.isfinite().all():
        raise torch.linalg.LinAlgError("A^T S A must be finite, got nan or inf")
    return H
    # --8<-- [end:weighted_gram]


# --8<-- [start:inverse_hessian]
def inverse_hessian(
    A: Tensor, s: Tensor, ridge: Tensor, every: int = 1, margin: float = 1000.0
) -> tuple[Tensor, int]:
    """Return the inverse of H = A^T S A + diag(ridge), and `every`.

    S is diagonal with s. From every 2nd (3rd, ...) row H is estimated; if that
    cannot be inverted, it takes all rows, and returns 1 for `every`.

    Shapes: A (n, p), s (n,), ridge (p,), inverse (p, p).
    Raises: torch.linalg.LinAlgError if of a column, with its rows weighted by S,
            the others leave nothing, up to `margin` rounding errors; ValueError if
            ridge is not (p,); and as `weighted_gram`.
    """
    if ridge.shape != A.shape[1:]:
        shapes = f"{tuple(A.shape)} and {tuple(ridge.shape)}"
        raise ValueError(f"expected A (n, p) and ridge (p,), got {shapes}")
    H = weighted_gram(A[::every], every * s[::every]) + ridge.diag()
    L, info = torch.linalg.cholesky_ex(H)
    column = int(info) - 1
    if column < 0:
        inverse = torch.cholesky_inverse(L)
        left = 1 / (H.diag() * inverse.diag())  # a share of the column's square
        column = int(left.argmin())
        if left[column] > margin * len(H) ** 0.5 * torch.finfo(H.dtype).eps:
            return inverse, every
    if every > 1:
        return inverse_hessian(A, s, ridge, 1, margin)
    cure = "penalise it more" if ridge[column] > 0 else "drop it or penalise"
    raise torch.linalg.LinAlgError(f"column {column} is dependent: {cure}")
    # --8<-- [end:inverse_hessian]


# --8<-- [start:separates]
def separates(A: Tensor, sign: Tensor, direction: Tensor) -> bool:
    """Return whether `direction` moves some scores, none towards the wrong label.

    A wrong move below 1e-10 of the largest right one counts as none.

    Shapes: A (n, p), sign (n,): -1 for label 0 and 1 for label 1; direction (p,).
    """
    gains = sign * (A @ direction)
    most = gains.max().item()
    return most > 0 and gains.min().item() >= -1e-10 * most
    # --8<-- [end:separates]


# --8<-- [start:refuse_separated]
def refuse_separated(A: Tensor, sign: Tensor, ridge: Tensor, *ways: Tensor) -> None:
    """Return nothing, or raise if one of the ways separates the labels.

    Only columns without penalty count: along the others the penalty grows.

    Shapes: A (n, p), sign (n,): -1 for label 0 and 1 for label 1; ridge (p,);
            each way (p,).
    Raises: ValueError, which says so if all labels are the same.
    """
    if not any(separates(A, sign, way * (ridge == 0)) for way in ways):
        return
    if (sign == sign[0]).all():
        raise ValueError(f"expected labels 0 and 1, all are {int(sign[0] > 0)}")
    raise ValueError("labels are separated: penalise")
    # --8<-- [end:refuse_separated]


# --8<-- [start:summed_loss]
def summed_loss(sign: Tensor, ridge: Tensor, point: Tensor) -> float:
    """Return the sum of -log(probability of the label), plus ridge @ theta^2 / 2.

    Shapes: sign (n,): -1 for label 0 and 1 for label 1; ridge (p,); point (p + n,):
            theta, then the scores A theta.
    Units:  a sum over the rows, in nats.
    Raises: ValueError for other shapes.
    """
    if sign.dim() != 1 or point.shape != (len(ridge) + len(sign),):
        got = [tuple(t.shape) for t in (sign, ridge, point)]
        raise ValueError(f"expected sign (n,), ridge (p,), point (p + n,), got {got}")
    theta, scores = point.split([len(ridge), len(sign)])
    fit = -logsigmoid(sign * scores).sum()  # accurate for large scores too
    return (fit + ridge @ theta.square() / 2).item()
    # --8<-- [end:summed_loss]


# --8<-- [start:shortened]
def shortened(
    loss: Callable[[Tensor], float],
    start: float,
    slope: float,
    point: Tensor,
    step: Tensor,
) -> tuple[Tensor, float]:
    """Return the first of point + step, point + step / 2, ... lower enough; its loss.

    Enough is 1e-4 of what the slope promises, but for rounding. If 60 halvings are
    not enough, it stays at `point`.

    Shapes: point, step and result (k,).
    Units:  start is the loss of point, slope its derivative along the whole step.
    Raises: ValueError if point and step differ in shape.
    """
    if point.shape != step.shape:
        shapes = f"{tuple(point.shape)} and {tuple(step.shape)}"
        raise ValueError(f"expected a step like the point, got {shapes}")
    for halvings in range(61):
        t = 0.5**halvings
        new = loss(point + t * step)
        if new <= start + 1e-4 * t * slope + 1e-14 * start:  # never for nan
            return point + t * step, new
    return point, start
    # --8<-- [end:shortened]


# --8<-- [start:reweight]
def reweight(
    A: Tensor, sign: Tensor, ridge: Tensor, tol: float, steps: int
) -> tuple[Tensor, Tensor, list[float]]:
    """Return theta, the inverse of H, and the losses, of Newton's method from 0.

    H costs most, so it is made with care: of many rows it first takes every k-th, for
    ten steps or until no score moves by 0.02. Then it takes all rows, and is kept
    until a score has moved by 0.01, which changes it by about 1 % at most.

    Shapes: A (n, p), sign (n,): -1 for label 0 and 1 for label 1; ridge and
            theta (p,), inverse (p, p).
    Raises: as `irls`, for dependent columns, a singular H, separated labels and
            too few steps; ValueError if there is no step, row or column.
    """
    if steps < 1 or not A.numel():
        got = f"{steps} and {tuple(A.shape)}"
        raise ValueError(f"expected steps > 0 and A (n, p), n, p > 0, got {got}")
    loss, (n, p) = partial(summed_loss, sign, ridge), A.shape
    point, moved, every = A.new_zeros(p + n), math.inf, max(1, n // (40 * p))
    losses, step = [loss(point)], A.new_zeros(p)
    for k in range(steps):
        theta, scores = point[:p], point[p:]
        wrong = torch.sigmoid(-sign * scores)  # the probability of the other label
        if moved > 0.01:
            s, moved = wrong * torch.sigmoid(sign * scores), 0.0
            try:
                inverse, every = inverse_hessian(A, s, ridge, every)
            except torch.linalg.LinAlgError:
                every = 0
            if every == 0:  # columns or labels
                inverse_hessian(A, torch.ones_like(s), ridge, margin=1e5)
                refuse_separated(A, sign, ridge, theta, step)
                why = "labels nearly separated or columns nearly dependent"
                raise torch.linalg.LinAlgError(f"H: {why}; centre or penalise")
        g = ridge * theta - A.T @ (sign * wrong)
        step = -inverse @ g
        moves = A @ step
        largest = moves.abs().max().item()
        slope = (g @ step).item()
        whole = torch.cat([step, moves])
        point, new = shortened(loss, losses[-1], slope, point, whole)
        losses.append(new)
        moved += largest
        if largest <= tol and every == 1:
            return point[:p], inverse, losses
        if every > 1 and (largest < 0.02 or k == 9):
            moved, every = math.inf, 1
        if largest > 1 and k % 4 == 3:
            refuse_separated(A, sign, ridge, point[:p], step)
    why = f"after {steps} steps a score still moves by {largest:.1g}"
    raise RuntimeError(f"{why}: raise steps, tol or the penalty")
    # --8<-- [end:reweight]


# --8<-- [start:LogisticFit]
class LogisticFit(NamedTuple):
    """A logistic regression: coefficients, standard errors, the loss at each step.

    The last H is up to 0.01 of a score old. So se is right to about half a percent,
    if `tol` was much smaller. With a penalty it is no standard error: theta is
    pulled towards 0 as well.

    Shapes: theta (p,), se (p,).
    Units:  theta and se in log-odds per unit of the column; losses are sums over
            the rows, in nats, plus half the sum of penalty * theta^2.
    """

    theta: Tensor
    se: Tensor
    losses: list[float]
    # --8<-- [end:LogisticFit]


# --8<-- [start:irls]
def irls(
    A: Tensor,
    y: Tensor,
    penalty: float | Tensor = 0.0,
    tol: float = 1e-6,
    steps: int = 100,
) -> LogisticFit:
    """Return the logistic regression of the labels y on the columns of A.

    Newton's method from theta = 0, with steps halved where the loss would rise.
    It stops after a step that moves no score (row of A theta) by more than `tol`.
    Computes in float64 on one copy of A. For penalty see `penalties`.

    Shapes: A (n, p), y (n,) of 0 and 1.
    Units:  the loss is a sum over rows, so penalty is the 1 / C of scikit-learn.
    Raises: TypeError and ValueError as `check_classes`, `column_scales` and
            `penalties`; ValueError if tol is not in (0, 0.01] or steps not
            positive, for separated labels (a column whose penalty underflows
            in its unit counts as free), and if theta overflows;
            torch.linalg.LinAlgError for dependent columns, and if H is singular to
            rounding; RuntimeError if `steps` steps are too few, or if tol is below
            rounding.
    """
    check_classes(A, y)
    if not 0 < tol <= 0.01 or steps < 1:
        raise ValueError(f"expected tol in (0, 0.01], steps > 0, got {tol, steps}")
    A, y = A.detach(), y.detach()
    ridge = penalties(A, penalty)
    _, power = torch.frexp(ridge.sqrt())
    least = torch.where(ridge > 0, torch.ldexp(torch.ones_like(ridge), power), 0.0)
    scale = torch.maximum(column_scales(A), least)  # so that ridge / scale^2 < 1
    ridge = ridge / scale / scale
    theta, inverse, losses = reweight(A / scale, 2 * y.double() - 1, ridge, tol, steps)
    theta, se = (v.to(A) for v in (theta / scale, inverse.diag().sqrt() / scale))
    if not (theta.isfinite().all() and se.isfinite().all()):
        raise ValueError("theta overflows: expected columns of larger numbers")
    return LogisticFit(theta, se, losses)
    # --8<-- [end:irls]
