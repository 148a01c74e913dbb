"""Explain one prediction, find where a model errs, and ask what it leans on.

Page: docs/en/regression/interpretability.md
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor


# --8<-- [start:contributions]
def contributions(w: Tensor, X: Tensor, mean: Tensor) -> Tensor:
    """Return what each feature adds to a linear prediction, compared with `mean`.

    A row's contributions sum to its prediction minus the prediction at `mean`.

    Shapes: w (d,), X (n, d), mean (d,), result (n, d).
    Units:  those of the prediction.
    Raises: ValueError if w and mean are not (d,), or X is not (n, d).
    """
    if w.dim() != 1 or mean.shape != w.shape:
        shapes = f"{tuple(w.shape)} and {tuple(mean.shape)}"
        raise ValueError(f"w and mean must both be (d,), got {shapes}")
    if X.dim() != 2 or X.shape[1] != len(w):
        raise ValueError(f"X must be (n, {len(w)}), got {tuple(X.shape)}")
    return w * (X - mean)
    # --8<-- [end:contributions]


# --8<-- [start:Slice]
class Slice(NamedTuple):
    """The errors of a model on one group of rows.

    Units: mean and se are in units of y, mse in units of y squared.
    """

    name: str
    n: int
    mean: float  # bias: above 0, the model asks too much on average
    se: float  # standard error of that mean
    mse: float  # mean, over the n rows, of the squared residual
    # --8<-- [end:Slice]


# --8<-- [start:slice_report]
def slice_report(residual: Tensor, group: Sequence[str]) -> list[Slice]:
    """Return one `Slice` for each group, the largest mean squared error first.

    The standard error is that of independent rows. One row tells nothing of
    its scatter, so the standard error of a group of one is nan.

    Shapes: residual (n,), prediction minus label; group holds n names.
    Raises: ValueError if residual is not (n,) with n > 0, if there is not one
            name a row, or if a residual is not finite; TypeError if group is a
            tensor, or residual holds integers.
    """
    if isinstance(group, Tensor) or not residual.is_floating_point():
        raise TypeError("expected names (a list, not a tensor) and float residuals")
    if residual.dim() != 1 or len(residual) == 0:
        shape = tuple(residual.shape)
        raise ValueError(f"residual must be (n,) with n > 0, got {shape}")
    if len(group) != len(residual):
        raise ValueError(f"expected {len(residual)} names, got {len(group)}")
    if not residual.isfinite().all():
        raise ValueError("residuals must be finite, got nan or inf")
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(group):
        rows.setdefault(name, []).append(i)
    report = []
    for name, chosen in rows.items():
        r, n = residual[chosen].double(), len(chosen)
        se = r.std().item() / math.sqrt(n) if n > 1 else math.nan
        mse = r.square().mean().item()
        report.append(Slice(name, n, r.mean().item(), se, mse))
    return sorted(report, key=lambda s: -s.mse)
    # --8<-- [end:slice_report]


# --8<-- [start:permutation_importance]
def permutation_importance(
    model: Callable[[Tensor], Tensor],
    X: Tensor,
    y: Tensor,
    generator: Generator,
    groups: Sequence[Sequence[int]] | None = None,
    repeats: int = 20,
) -> Tensor:
    """Return how much the mean squared error grows when columns are shuffled.

    The columns of one group travel together. Without `groups`, each column is
    a group of its own. The growth is averaged over `repeats` shuffles, drawn
    from a generator on the CPU. No gradients are recorded.

    Shapes: X (n, d), y (n,), model(X) (n,), result (len(groups),).
    Units:  a mean, in units of y squared, without the half of `squared_loss`.
    Raises: ValueError if X is not (n, d) with n > 0, y or model(X) is not
            (n,), a number in X, y or model(X) is not finite, a group is empty
            or names no column of X, repeats < 1, or a squared error overflows.
    """
    if X.dim() != 2 or len(X) == 0 or y.shape != X.shape[:1]:
        shapes = f"{tuple(X.shape)} and {tuple(y.shape)}"
        raise ValueError(f"X (n, d) with n > 0 needs y (n,), got {shapes}")
    if not (X.isfinite().all() and y.isfinite().all()):
        raise ValueError("X and y must be finite, got nan or inf")
    groups = [[j] for j in range(X.shape[1])] if groups is None else groups
    for group in groups:
        if not group or not all(j in range(X.shape[1]) for j in group):
            raise ValueError(f"expected columns of X in each group, got {group}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")

    def error(H: Tensor) -> Tensor:
        with torch.no_grad():
            y_hat = model(H)
        if y_hat.shape != y.shape or not y_hat.isfinite().all():
            shape = tuple(y_hat.shape)
            raise ValueError(f"model(X) must be (n,) and finite, got {shape}")
        return (y_hat - y).square().mean()

    before = error(X.clone())
    growth = before.new_zeros(len(groups))
    for k, group in enumerate(groups):
        for _ in range(repeats):
            order = torch.randperm(len(X), generator=generator)
            shuffled = X.clone()
            shuffled[:, list(group)] = X[order][:, list(group)]
            growth[k] += error(shuffled) - before
    if not growth.isfinite().all():
        raise ValueError("the squares of the errors overflow")
    return growth / repeats
    # --8<-- [end:permutation_importance]
