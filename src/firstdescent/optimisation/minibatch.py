"""Stochastic gradient descent on least squares: its noise, its floor, its runs.

Page: docs/en/optimisation/minibatch.md
"""

from typing import NamedTuple

import torch
from torch import Tensor

from firstdescent.regression.closed_form import normal_equations


# --8<-- [start:check_rows]
def check_rows(A: Tensor, y: Tensor, theta: Tensor) -> None:
    """Return None if A theta - y is a finite residual for each row, else raise.

    Shapes: A (n, p), y (n,), theta (p,), n, p > 0.
    Raises: ValueError if a shape is another or a number not finite; TypeError
            unless all are float32 or all float64.
    """
    shapes = tuple(tuple(t.shape) for t in (A, y, theta))
    if A.dim() != 2 or not A.numel() or shapes[1:] != (shapes[0][:1], shapes[0][1:]):
        raise ValueError(f"expected A (n, p), y (n,), theta (p,), got {shapes}")
    dtypes = {A.dtype, y.dtype, theta.dtype}
    if len(dtypes) > 1 or not dtypes <= {torch.float32, torch.float64}:
        raise TypeError(f"expected one floating dtype, got {dtypes}")
    if not all(t.isfinite().all() for t in (A, y, theta)):
        raise ValueError("A, y and theta must be finite, got nan or inf")
    # --8<-- [end:check_rows]


# --8<-- [start:gradient_noise]
def gradient_noise(A: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Return the full gradient at theta and the covariance of one-row gradients.

    Shapes: A (n, p), y (n,), theta (p,), results (p,) and (p, p).
    Units:  of half the mean square; the covariance divides by n. Where squares
            of the gradients underflow, it is 0.
    Raises: ValueError if the squares of the gradients overflow; or as
            `check_rows` does.
    """
    check_rows(A, y, theta)
    rows = (A @ theta - y)[:, None] * A  # (n, p): one gradient a row
    g = rows.mean(dim=0)
    C = (rows - g).T @ (rows - g) / len(A)
    if not C.isfinite().all():
        raise ValueError("the squares of the one-row gradients overflow")
    return g, C
    # --8<-- [end:gradient_noise]


# --8<-- [start:sgd_runs]
@torch.no_grad()
def sgd_runs(A: Tensor, y: Tensor, start: Tensor, lr: Tensor, rows: Tensor) -> Tensor:
    """Return the paths of several runs of SGD, side by side, `start` first.

    Step k of run j takes the rows rows[k, j] and moves by lr[k].

    Shapes: A (n, p), y (n,), start (p,), lr (steps,), rows (steps, runs, B),
            result (steps + 1, runs, p).
    Units:  lr is for half the mean square over the batch.
    Raises: ValueError if rows is not (steps, runs, B) with B > 0 and numbers
            from 0 to n - 1, or lr not (steps,), positive and finite in A's
            dtype; TypeError if rows is not of dtype int64, or lr not of a
            floating one; FloatingPointError if a run overflows; or as
            `check_rows` does.
    """
    check_rows(A, y, start)
    if rows.dtype != torch.int64 or not lr.is_floating_point():
        kinds = f"{lr.dtype} and {rows.dtype}"
        raise TypeError(f"expected floating lr, row numbers in int64, got {kinds}")
    if rows.dim() != 3 or lr.shape != rows.shape[:1] or rows.shape[2] == 0:
        shapes = f"{tuple(lr.shape)} and {tuple(rows.shape)}"
        raise ValueError(f"expected lr (steps,), rows (steps, runs, B), got {shapes}")
    if not ((rows >= 0) & (rows < len(A))).all():
        raise ValueError(f"expected row numbers from 0 to {len(A) - 1}")
    lr = lr.to(A)
    if not ((lr > 0) & lr.isfinite()).all():
        raise ValueError(f"expected lr positive and finite in {A.dtype}")
    path = [start.expand(rows.shape[1], -1)]
    for step, batch in zip(lr.tolist(), rows.to(A.device), strict=True):
        x = A[batch]  # (runs, B, p)
        residual = (x @ path[-1][:, :, None])[:, :, 0] - y[batch]
        g = (residual[:, None] @ x)[:, 0] / batch.shape[1]
        path.append(path[-1] - step * g)
    if not path[-1].isfinite().all():
        raise FloatingPointError("a run overflowed: lr is too large")
    return torch.stack(path)
    # --8<-- [end:sgd_runs]


# --8<-- [start:predicted_floor]
def predicted_floor(H: Tensor, C: Tensor, lr: float, batch_size: float) -> float:
    """Return where the excess loss settles if the noise of a step stays C / B.

    Noise that grows with the error makes it settle higher, or at a large lr
    nowhere: see `expected_run`.

    Shapes: H (p, p) the Hessian, C (p, p) the covariance of one-row gradients.
    Units:  of the loss whose Hessian and gradients these are.
    Raises: TypeError unless H and C are both float32 or both float64; ValueError
            if they are not (p, p) with p > 0, finite and symmetric, H is not
            positive definite, or C has a negative eigenvalue (to within
            rounding), batch_size < 1, or lr is not between 0 and 2 over H's
            largest eigenvalue, where steps without noise converge.
    """
    if H.dim() != 2 or not len(H) or H.shape[0] != H.shape[1] or C.shape != H.shape:
        shapes = f"{tuple(H.shape)} and {tuple(C.shape)}"
        raise ValueError(f"expected H and C of shape (p, p), p > 0, got {shapes}")
    if H.dtype != C.dtype or H.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected one floating dtype, got {H.dtype} and {C.dtype}")
    eps = torch.finfo(H.dtype).eps
    for name, matrix in (("H", H), ("C", C)):
        uneven = (matrix - matrix.T).abs().max()  # nan or inf if an entry is
        if not uneven <= eps**0.5 * matrix.abs().max() < torch.inf:
            raise ValueError(f"expected {name} finite and symmetric")
    curvature, V = torch.linalg.eigh(H)
    if not curvature[0] > 10 * len(H) * eps * curvature[-1]:
        raise ValueError("expected H positive definite")
    noise = torch.linalg.eigvalsh(C)
    if not noise[0] >= -(eps**0.5) * noise[-1]:
        raise ValueError("expected a covariance C: no negative eigenvalues")
    limit = 2 / curvature[-1].item()
    if not (0 < lr < limit and batch_size >= 1):
        got = f"{lr} and {batch_size}"
        raise ValueError(f"expected 0 < lr < {limit:.4g}, batch_size >= 1, got {got}")
    c = (V.T @ C @ V).diag()  # the noise along each eigenvector
    return (lr / (2 * batch_size) * (c / (2 - lr * curvature)).sum()).item()
    # --8<-- [end:predicted_floor]


# --8<-- [start:ExpectedRun]
class ExpectedRun(NamedTuple):
    """What SGD does on average, before each step, for K choices side by side.

    Shapes: excess (steps, K), noise_scale (steps, K); row k is after k steps.
    Units:  excess in units of the loss, noise_scale in rows; both are inf once a
            run has overflowed, noise_scale also where no gradient is left or
            its square over- or underflows.
    """

    excess: Tensor  # loss above the minimum
    noise_scale: Tensor  # tr(HS) / (g @ H @ g), each averaged over the runs
    # --8<-- [end:ExpectedRun]


# --8<-- [start:check_choices]
def check_choices(lr: Tensor, batch_size: Tensor, dtype: torch.dtype) -> None:
    """Return None if there is an lr for each step and choice, else raise.

    Shapes: lr (steps, K), batch_size (K,), steps, K > 0.
    Raises: ValueError if a shape is another, lr not positive and finite in this
            dtype, or batch_size < 1; TypeError if lr is not floating-point, or
            batch_size bool or complex.
    """
    odd = batch_size.dtype == torch.bool or batch_size.is_complex()
    if odd or not lr.is_floating_point():
        kinds = f"{lr.dtype} and {batch_size.dtype}"
        raise TypeError(f"expected floating lr, real batch_size, got {kinds}")
    if lr.dim() != 2 or not lr.numel() or batch_size.shape != lr.shape[1:]:
        shapes = f"{tuple(lr.shape)} and {tuple(batch_size.shape)}"
        raise ValueError(f"expected lr (steps, K), batch_size (K,), got {shapes}")
    lr = lr.to(dtype)
    if not ((lr > 0) & lr.isfinite()).all():
        raise ValueError(f"expected lr positive and finite in {dtype}")
    if not (batch_size >= 1).all():
        raise ValueError(f"expected batch_size >= 1, got {batch_size.tolist()}")
    # --8<-- [end:check_choices]


# --8<-- [start:expected_run]
def expected_run(
    A: Tensor, y: Tensor, start: Tensor, lr: Tensor, batch_size: Tensor
) -> ExpectedRun:
    """Return the averages over all draws of SGD's batches, without drawing any.

    The rows of a batch are drawn independently, with replacement. A batch_size
    of inf stands for the full gradient, and it need not be whole: only the
    noise's share 1 / batch_size counts. Exact but for rounding, which is about
    the dtype's eps times the condition number of A.T @ A, of the first excess.
    At its peak it keeps 2 n (p + 1)^2 + (p + 1)^4 numbers.

    Shapes: A (n, p), y (n,), start (p,), lr (steps, K), batch_size (K,).
    Units:  lr is for half the mean square over the batch.
    Raises: ValueError and so on as `check_rows`, `check_choices` and
            `normal_equations` do.
    """
    check_rows(A, y, start)
    check_choices(lr, batch_size, A.dtype)
    best, zero, n = normal_equations(A, y), torch.zeros_like(y), len(A)
    a, x = torch.column_stack([A, A @ best - y]), torch.column_stack([A, zero])
    aa, xx = ((t[:, :, None] * t[:, None, :]).flatten(1) for t in (a, x))
    table, H = aa.T @ xx / n, x.T @ x / n
    del aa, xx  # the largest of all
    u = torch.cat([start - best, start.new_ones(1)])
    U = (u[:, None] * u).expand(len(batch_size), -1, -1)
    share, excess, scale = 1 / batch_size.to(A)[:, None, None], [], []
    for step in lr.to(A)[:, :, None, None]:
        full = H @ U @ H
        noise = (U.flatten(1) @ table).view_as(U) - full
        excess.append((H * U).sum(dim=(1, 2)) / 2)
        scale.append((H * noise).sum(dim=(1, 2)) / (H * full).sum(dim=(1, 2)))
        # U @ H, not (H @ U).mT: with that, rounding errors would grow.
        U = U - step * (H @ U + U @ H) + step**2 * (full + noise * share)
    gone = {"nan": torch.inf, "posinf": torch.inf, "neginf": torch.inf}
    return ExpectedRun(*(torch.stack(s).nan_to_num(**gone) for s in (excess, scale)))
    # --8<-- [end:expected_run]
