"""A rule that turns: streams, online SGD, sliding windows, a chart of the errors.

Page: docs/en/deep/concept_drift.md
"""

from collections.abc import Callable
from math import isfinite, sin
from typing import NamedTuple

import torch
from torch import Generator, Tensor


# --8<-- [start:turning_stream]
def turning_stream(
    angle: Tensor, streams: int, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs, the rule at each step, and its score rule . x for each input.

    The inputs are standard normal at every step: only the rule turns, a unit
    vector at `angle` to the first axis.

    Shapes: angle (T,), result X (T, streams, 2), rule (T, 2), score (T, streams);
            float64, on the CPU, as the generator is.
    Units:  angles in radians.
    Raises: ValueError unless T and streams are at least 1 and angles are finite.
    """
    if angle.dim() != 1 or len(angle) == 0 or streams < 1:
        found = f"{tuple(angle.shape)} and {streams}"
        raise ValueError(f"expected angles (T,), T > 0, and streams >= 1, got {found}")
    if angle.is_complex() or not angle.isfinite().all():
        raise ValueError("expected finite angles, got complex numbers, nan or inf")
    angle = angle.cpu().double()
    rule = torch.stack([angle.cos(), angle.sin()], dim=1)
    size = (len(angle), streams, 2)
    X = torch.randn(size, generator=generator, dtype=torch.float64)
    return X, rule, (X * rule[:, None]).sum(dim=-1)
    # --8<-- [end:turning_stream]


# --8<-- [start:labels_needed]
def labels_needed(
    before: float, after: float, false_alarm: float = 0.01, miss: float = 0.1
) -> tuple[int, int]:
    """Return the fewest labels n and a limit c: ring the bell at c errors or more.

    At the error rate `before` it rings with a chance of at most `false_alarm`, at
    the rate `after` it stays silent with at most `miss`. Errors are independent.

    Raises: ValueError unless 0 <= before < after <= 1, unless both chances lie
            strictly between 0 and 1, or if 2000 labels do not suffice.
    """
    if not 0 <= before < after <= 1:
        raise ValueError(f"expected 0 <= before < after <= 1, got {before}, {after}")
    if not (0 < false_alarm < 1 and 0 < miss < 1):
        raise ValueError(f"expected chances in (0, 1), got {false_alarm}, {miss}")
    rates = torch.tensor([[before], [after]], dtype=torch.float64)
    chance = torch.ones(2, 1, dtype=torch.float64)  # of 0, ..., n errors in n labels
    for n in range(1, 2001):
        grown = torch.zeros(2, n + 1, dtype=torch.float64)
        grown[:, :-1] += chance * (1 - rates)
        grown[:, 1:] += chance * rates
        chance = grown
        tails = chance.flip(1).cumsum(dim=1).flip(1)  # of c errors or more
        # tails fall with c; 1e-9 forgives rounding where a chance is met exactly
        limit = int((tails[0] > false_alarm * (1 + 1e-9)).sum())
        if limit <= n and tails[1, limit] >= 1 - miss - 1e-9:
            return n, limit
    raise ValueError(f"2000 labels do not tell {before} from {after}")
    # --8<-- [end:labels_needed]


# --8<-- [start:alarm_step]
def alarm_step(wrong: Tensor, window: int, limit: int) -> Tensor:
    """Return how many rows had come when a window first held `limit` errors.

    T + 1 where that never happens. A window is the last `window` rows; there is
    no alarm before the first one is full.

    Shapes: wrong (T, ...), of 0 and 1 or booleans, result (...), int64.
    Raises: ValueError unless 1 <= window <= T and limit >= 1, or if an entry is
            neither 0 nor 1.
    """
    if wrong.dim() == 0 or not 1 <= window <= len(wrong) or not limit >= 1:
        found = f"{tuple(wrong.shape)}, {window} and {limit}"
        raise ValueError(f"expected (T, ...), 1 <= window <= T, limit >= 1: {found}")
    if wrong.dtype != torch.bool and not ((wrong == 0) | (wrong == 1)).all():
        raise ValueError("expected errors of 0 and 1")
    total = wrong.cumsum(dim=0, dtype=torch.int32)
    inside = total[window - 1 :].clone()
    inside[1:] -= total[:-window]
    rings = inside >= limit
    first = rings.byte().argmax(dim=0)  # 0 as well where it never rings
    return torch.where(rings.any(dim=0), first + window, len(wrong) + 1)
    # --8<-- [end:alarm_step]


# --8<-- [start:check_stream]
def check_stream(X: Tensor, y: Tensor) -> None:
    """Return nothing if X and y are rows in order, with a label each.

    Shapes: X (T, ..., d), y (T, ...): the same number of axes without d.
    Raises: TypeError unless X and y are of one floating dtype; ValueError unless
            T > 0 and the shapes fit, or if an entry is not finite.
    """
    if X.dtype != y.dtype or not X.is_floating_point():
        raise TypeError(f"expected one floating dtype, got {X.dtype} and {y.dtype}")
    if y.dim() == 0 or X.dim() != y.dim() + 1 or len(X) != len(y) or len(y) == 0:
        shapes = f"{tuple(X.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected X (T, ..., d) and y (T, ...), got {shapes}")
    if not (X.isfinite().all() and y.isfinite().all()):
        raise ValueError("expected finite numbers in X and y, got nan or inf")
    # --8<-- [end:check_stream]


# --8<-- [start:Run]
class Run(NamedTuple):
    """Weights and scores *before* the label of each step was seen.

    Shapes: weights (T, ..., d), scores (T, ...).
    """

    weights: Tensor
    scores: Tensor
    # --8<-- [end:Run]


# --8<-- [start:same]
def same(score: Tensor) -> Tensor:
    """Return the score itself: the prediction of a linear regression.

    Shapes: score (...), result (...).
    """
    return score
    # --8<-- [end:same]


# --8<-- [start:online_sgd]
def online_sgd(
    X: Tensor,
    y: Tensor,
    lr: float | Tensor,
    mean: Callable[[Tensor], Tensor] = same,
    start: Tensor | None = None,
    seen: Callable[[Tensor], Tensor] | None = None,
) -> Run:
    """Return what a linear model predicts before it learns from each row.

    The gradient is (mean(score) - y) x: `same` is linear regression, and
    `torch.sigmoid` logistic regression. `seen(scores)` multiplies the gradient:
    0 where no label comes. All streams run at once.

    Shapes: X (T, ..., d), y (T, ...), start (d,), zeros by default; lr a number,
            or a tensor that broadcasts against y and has no more axes. With as
            many axes its first one is time.
    Units:  one row a step; the loss is half the squared residual, or minus the log
            of a probability.
    Raises: as `check_stream`; ValueError if an lr is negative or nan, if lr or start
            has another shape, if start is not finite, or if the weights overflow.
    """
    check_stream(X, y)
    lr = torch.as_tensor(lr, dtype=X.dtype, device=X.device)
    if not (lr >= 0).all():
        raise ValueError("expected lr >= 0")
    if lr.dim() > y.dim() or (lr.dim() == y.dim() and len(lr) not in (1, len(y))):
        found = f"{tuple(lr.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected lr to fit y, the first axis being time: {found}")
    shape = torch.broadcast_shapes(X.shape[:-1], y.shape, lr.shape)
    lr, y = lr.expand(shape), y.expand(shape)
    w = X.new_zeros(X.shape[-1]) if start is None else start.to(X)
    odd = start is not None and start.is_complex()
    if odd or w.shape != X.shape[-1:] or not w.isfinite().all():
        raise ValueError(f"expected a finite start of shape (d,), got {start}")
    w = w.expand(*shape[1:], X.shape[-1])
    weights, scores = [], []
    for t in range(len(X)):
        score = (X[t] * w).sum(dim=-1)
        weights.append(w)
        scores.append(score)
        step = lr[t] * (mean(score) - y[t])
        if seen is not None:
            step = step * seen(score)
        w = w - step[..., None] * X[t]
    if not w.isfinite().all():
        raise ValueError("the weights are not finite: perhaps lr is too large")
    return Run(torch.stack(weights), torch.stack(scores))
    # --8<-- [end:online_sgd]


# --8<-- [start:window_fit]
def window_fit(X: Tensor, y: Tensor, length: int) -> Tensor:
    """Return least squares on rows k, ..., k + length - 1, for each k.

    Entry k is the model that may predict row k + length. No constant is added.
    Computed in float64, from sums over blocks of 1, 2, 4, ... rows: no row enters
    a window that does not hold it.

    Shapes: X (T, ..., d), y (T, ...), result (T - length + 1, ..., d).
    Raises: as `check_stream`; ValueError unless d <= length <= T, or if squares
            overflow; torch.linalg.LinAlgError if the columns of a window are dependent
            (rounding may hide it, and one row of huge numbers may bring it about).
    """
    check_stream(X, y)
    if X.shape[:-1] != y.shape:
        shapes = f"{tuple(X.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected X (T, ..., d) and y (T, ...), got {shapes}")
    if not X.shape[-1] <= length <= len(X):
        raise ValueError(f"expected d <= length <= T, got {length}, {tuple(X.shape)}")
    X, y = X.double(), y.double()
    rows = torch.cat(
        [X[..., None] * X[..., None, :], (X * y[..., None])[..., None]], -1
    )
    inside, begin, width, count = 0, 0, 1, len(X) - length + 1
    while width <= length:  # rows: sums of `width` rows, (..., d, d + 1)
        if length & width:
            inside = inside + rows[begin : begin + count]
            begin += width
        rows, width = rows[:-width] + rows[width:], 2 * width
    if not inside.isfinite().all():
        raise ValueError("the sums of squares overflow")
    return torch.linalg.solve(inside[..., :-1], inside[..., -1])
    # --8<-- [end:window_fit]


# --8<-- [start:track_error]
def track_error(
    lr: float, speed: float, noise: float, d: int = 2, length: float = 1.0
) -> float:
    """Return the mean squared distance of online SGD from a turning rule, settled.

    Linear regression with standard normal inputs, one fresh row a step. The rule
    has the norm `length` and turns in a plane by `speed` at each step. It is also
    the mean squared error above that of the rule. Exact.

    Units:  speed in radians a step, noise the standard deviation in y.
    Raises: ValueError unless d >= 1 (2 if the rule turns), 0 < lr < 2 / (d + 2),
            and the other numbers are finite, noise and length not negative.
    """
    if d < 1 or not 0 < lr < 2 / (d + 2):
        raise ValueError(f"expected d >= 1, 0 < lr < 2 / (d + 2), got {d} and {lr}")
    if not all(map(isfinite, (speed, noise, length))) or min(noise, length) < 0:
        found = f"{speed}, {noise}, {length}"
        raise ValueError(f"expected finite speed, noise >= 0, length >= 0: {found}")
    if d == 1 and speed != 0:
        raise ValueError("expected d >= 2 for a rule that turns in a plane, got 1")
    step = 4 * sin(speed / 2) ** 2  # squared, for a rule of length 1
    lag = 0.0
    if step > 0:
        lag = length**2 * step * (2 - lr) / (lr**2 + (1 - lr) * step)
    return (lr * d * noise**2 + lag) / (2 - lr * (d + 2))
    # --8<-- [end:track_error]
