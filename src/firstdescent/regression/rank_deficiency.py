"""Least squares when columns depend on each other: least norm, projection, ridge.

Page: docs/en/regression/rank_deficiency.md
"""

import torch
from torch import Tensor


# --8<-- [start:visible_directions]
def visible_directions(
    A: Tensor, rcond: float | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the r singular directions (U, s, Vh) that A sees, the largest first.

    A sees a direction if its singular value is above rcond times the largest.
    The default, max(n, p) machine epsilons, is that of `matrix_rank`.

    Shapes: A (n, p), U (n, r), s (r,), Vh (r, p), where r is the numerical rank.
    Raises: TypeError if A is not float32 or float64; ValueError if it is not (n, p)
            with n, p > 0, not finite, or if rcond is not in [0, 1).
    """
    if A.dim() != 2 or A.numel() == 0:
        raise ValueError(f"A must be (n, p) with n, p > 0, got {tuple(A.shape)}")
    if A.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"A must be of floating point (32, 64 bits), got {A.dtype}")
    if not A.isfinite().all():
        raise ValueError("A must be finite, got nan or inf")
    if rcond is None:
        rcond = max(A.shape) * torch.finfo(A.dtype).eps
    if not 0 <= rcond < 1:
        raise ValueError(f"rcond must be in [0, 1), got {rcond}")
    U, s, Vh = torch.linalg.svd(A, full_matrices=False)
    seen = s > rcond * s[0]
    return U[:, seen], s[seen], Vh[seen]
    # --8<-- [end:visible_directions]


# --8<-- [start:check_labels]
def check_labels(A: Tensor, y: Tensor) -> None:
    """Return nothing, or raise if y is no column of labels for A.

    Shapes: A (n, p), y (n,).
    Raises: ValueError if y is not (n,) or not finite; TypeError if its dtype is
            not A's.
    """
    if y.shape != A.shape[:1] or not y.isfinite().all():
        raise ValueError(f"A (n, p) needs a finite y (n,), got {tuple(y.shape)}")
    if y.dtype != A.dtype:
        raise TypeError(f"A and y must share a dtype, got {A.dtype} and {y.dtype}")
    # --8<-- [end:check_labels]


# --8<-- [start:min_norm]
def min_norm(A: Tensor, y: Tensor, rcond: float | None = None) -> Tensor:
    """Return the shortest of all least-squares solutions of A theta = y.

    With independent columns there is one solution, and this is it.

    Shapes: A (n, p), y (n,), result (p,).
    Raises: ValueError and TypeError as `check_labels` and `visible_directions`.
    """
    check_labels(A, y)
    U, s, Vh = visible_directions(A, rcond)
    return Vh.T @ ((U.T @ y) / s)
    # --8<-- [end:min_norm]


# --8<-- [start:row_space_projection]
def row_space_projection(A: Tensor, rcond: float | None = None) -> Tensor:
    """Return P, which keeps of a vector of weights the part that A sees.

    I - P keeps the rest, the part that no prediction on A's rows depends on.

    Shapes: A (n, p), result (p, p), symmetric.
    Raises: as `visible_directions`.
    """
    _, _, Vh = visible_directions(A, rcond)
    return Vh.T @ Vh
    # --8<-- [end:row_space_projection]


# --8<-- [start:ridge]
def ridge(A: Tensor, y: Tensor, penalty: float) -> Tensor:
    """Return theta with the least |y - A theta|^2 + penalty * |theta|^2.

    Every weight is penalised: leave the intercept out of A, and centre A and y.
    Directions below the default cutoff of `visible_directions` get 0.

    Shapes: A (n, p), y (n,), result (p,).
    Units:  both squares are sums. For a mean over the n examples, penalise by
            n times what you would add to the mean.
    Raises: ValueError if penalty is negative or infinite, or 0 with dependent
            columns; and as `check_labels` and `visible_directions`.
    """
    check_labels(A, y)
    if not 0 <= penalty < float("inf"):
        raise ValueError(f"penalty must be finite and not negative, got {penalty}")
    U, s, Vh = visible_directions(A)
    if penalty == 0 and len(s) < A.shape[1]:
        raise ValueError("penalty 0 needs independent columns: use min_norm")
    return Vh.T @ ((U.T @ y) / (s + penalty / s))
    # --8<-- [end:ridge]
