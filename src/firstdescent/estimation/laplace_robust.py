"""Laplace noise, its likelihood, and three ways to make absolute errors small.

Page: docs/en/estimation/laplace_robust.md
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from math import comb, inf, log, nan

import torch
from torch import Generator, Tensor

from firstdescent.regression.coefficients import fit_matrix


# --8<-- [start:laplace_noise]
def laplace_noise(n: int, scale: float, generator: Generator) -> Tensor:
    """Return n draws of Laplace noise: median 0, mean absolute value `scale`.

    On the CPU, each of the 2^53 numbers that torch.rand draws from is moved up by
    half a gap. So no u is -1/2 or 1/2, no logarithm is infinite, and u and -u are
    as likely.

    Shapes: result (n,), float64, on the generator's device.
    Units:  those of `scale`; the standard deviation is sqrt(2) times it.
    Raises: ValueError if n < 0, or scale is not in 1e-300 to 1e300.
    """
    if n < 0 or not 1e-300 <= scale <= 1e300:
        raise ValueError(f"expected n >= 0, scale in 1e-300..1e300, got {n, scale}")
    options = {"dtype": torch.float64, "device": generator.device}
    u = torch.rand(n, generator=generator, **options) - 0.5 + 2**-54
    return -scale * u.sign() * torch.log1p(-2 * u.abs())
    # --8<-- [end:laplace_noise]


# --8<-- [start:laplace_nll]
def laplace_nll(r: Tensor, scale: float) -> Tensor:
    """Return the negative log-likelihood of residuals under Laplace noise.

    Shapes: r (n,), result ().
    Units:  nats, the sum over the rows: the scale that makes it least is the mean
            of |r|. In other units of r, n times a constant is added.
    Raises: ValueError if r is not (n,) with n > 0, or a number is not finite, or
            scale is not positive and finite, or the result is too large for r's
            dtype; TypeError unless r is floating point.
    """
    if r.dim() != 1 or len(r) == 0:
        raise ValueError(f"expected residuals (n,), n > 0, got {tuple(r.shape)}")
    if not r.is_floating_point():
        raise TypeError(f"expected floating-point residuals, got {r.dtype}")
    if not (r.isfinite().all() and 0 < scale < inf):
        raise ValueError(f"expected finite residuals and 0 < scale < inf, got {scale}")
    total = (r.double().abs() / scale).sum()
    nll = (len(r) * (log(2) + log(scale)) + total).to(r.dtype)
    if not nll.isfinite():
        raise ValueError(f"|r| / {scale} is too large for {r.dtype}")
    return nll
    # --8<-- [end:laplace_nll]


# --8<-- [start:scaled_table]
def scaled_table(A: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return A and y with entries of size at most 1, and the units taken out.

    If z fits the scaled table, units * z fits the old one. All are in float64.

    Shapes: A (n, p), p > 0, y (n,), units (p,).
    Raises: ValueError if y is not (n,), n <= p, p = 0, or a number or a unit is
            not finite; TypeError unless A and y are both float32 or both float64;
            LinAlgError if a column is, to within rounding, a combination of the
            others.
    """
    if A.dim() != 2 or A.shape[1] == 0 or y.shape != A.shape[:1]:
        shapes = f"{tuple(A.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected A (n, p) and y (n,), got {shapes}")
    if A.dtype != y.dtype:
        raise TypeError(f"expected A and y of one dtype, got {A.dtype}, {y.dtype}")
    if not y.isfinite().all():
        raise ValueError("y must be finite, got nan or inf")
    fit_matrix(A)  # refuses dependent columns, and too few rows
    A, y = A.double(), y.double()
    size, top = A.abs().amax(dim=0), y.abs().max()
    top = top.where(top > 0, 1)
    if not (top / size).isfinite().all():
        raise ValueError("y is too large for the units of A: y / A overflows")
    return A / size, y / top, top / size
    # --8<-- [end:scaled_table]


# --8<-- [start:through_points]
def through_points(A: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the theta with the least sum of |A theta - y|, and p rows it fits.

    Tries each choice of p rows, and so takes n * comb(n, p) residuals. If several
    are best, up to rounding, it returns one of them.

    Shapes: A (n, p), y (n,), theta (p,), rows (p,) of int64.
    Units:  a sum and a mean of |r| have the same theta.
    Raises: ValueError if those are more than 1e8 residuals, or theta is too large
            for its dtype; and as `scaled_table`.
    """
    Z, t, units = scaled_table(A, y)
    n, p = Z.shape
    if n * comb(n, p) > 10**8:
        raise ValueError(f"too many choices of {p} of {n} rows: {comb(n, p):,}")
    choices = torch.tensor(list(combinations(range(n), p)), device=A.device)
    least = inf
    for rows in choices.split(max(1, 10**6 // n)):
        z, info = torch.linalg.solve_ex(Z[rows], t[rows][..., None])  # (k, p, 1)
        total = (z[..., 0] @ Z.T - t).abs().sum(dim=1)
        # Rows that are dependent fix no theta.
        total = total.where((info == 0) & total.isfinite(), inf)
        if total.min() < least:
            least, i = total.min(), total.argmin()
            theta, best = (units * z[i, :, 0]).to(y.dtype), rows[i]
    if not theta.isfinite().all():
        raise ValueError(f"theta is too large for {y.dtype}")
    return theta, best
    # --8<-- [end:through_points]


# --8<-- [start:corner]
def corner(A: Tensor, y: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the theta through p rows, and the u that can prove it best.

    A.T @ u = 0, and u is sign(r) in the other rows. If no |u| is above 1, no
    theta has a smaller sum of |A theta - y|. Singular rows give nan; rows that
    are dependent up to rounding give a theta and a u that are of no use.

    Shapes: A (n, p), y (n,), rows (p,) of int64, theta (p,), u (n,).
    Raises: ValueError if rows is not (p,), or on another device.
    """
    if rows.shape != A.shape[1:] or rows.device != A.device:
        got = f"{tuple(rows.shape)} on {rows.device}"
        raise ValueError(f"expected rows (p,) on the device of A, got {got}")
    theta, info = torch.linalg.solve_ex(A[rows], y[rows])
    theta = theta.where(info == 0, nan)
    u = (A @ theta - y).sign()
    u[rows] = 0
    u[rows] = torch.linalg.solve_ex(A[rows].T, -(A.T @ u))[0]
    return theta, u
    # --8<-- [end:corner]


# --8<-- [start:best_proved]
def best_proved(
    A: Tensor, y: Tensor, pairs: Sequence[tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Return the best theta of the pairs (theta, u), and what its sum may still lose.

    Each u has A.T @ u = 0, so it bounds the sum of |A theta - y| of every theta.
    The second result is what the sum has above the highest bound and above an
    allowance for rounding, n times 1e-14, as a share of the sum (0 if nothing).

    Shapes: A (n, p), y (n,), theta (p,), u (n,), share ().
    Raises: ValueError if A, y and u differ in n.
    """
    theta, u = (torch.stack(parts) for parts in zip(*pairs, strict=True))
    if not u.shape[1:] == y.shape == A.shape[:1] or A.device != y.device:
        got = f"{tuple(A.shape)}, {tuple(y.shape)} and {tuple(u.shape[1:])}"
        raise ValueError(f"expected A (n, p), y, u (n,) on one device, got {got}")
    r = theta @ A.T - y  # (pairs, n)
    total = r.abs().sum(dim=1)
    bound = (u * r).sum(dim=1) / u.abs().amax(dim=1).clamp(min=1)
    bound = bound.where(total.isfinite() & bound.isfinite(), -inf)
    total = total.where(total.isfinite(), inf)
    i = total.argmin()
    gap = total[i] - bound.max() - 1e-14 * len(y)
    return theta[i], (gap / total[i]).where(gap > 0, 0)
    # --8<-- [end:best_proved]


# --8<-- [start:least_absolute]
def least_absolute(
    A: Tensor, y: Tensor, tol: float = 1e-6, steps: int = 10_000
) -> Tensor:
    """Return a theta with the least sum of |A theta - y|, up to a share `tol` of it.

    Repeats weighted least squares until a lower bound for the sum of every theta
    proves that share (or n times 1e-14 of the largest |y|, for rounding). If
    several theta are best, it returns one that is as good.

    Two limits. The share is one of the whole sum: a residual 1 / tol times as large
    as the others hides them, and their fit may be far off. (Move such a label
    nearer first. If it stays on its side of the best line, that line stays best.)
    And theta is rounded to its dtype after the proof: with float32, or columns
    that are nearly dependent, that may cost more than tol.

    Shapes: A (n, p), y (n,), result (p,).
    Units:  a sum and a mean of |r| have the same theta.
    Raises: ValueError if tol is not in 1e-9 to 1, or theta is too large for its
            dtype; RuntimeError if `steps` fits do not prove it; and as
            `scaled_table`.
    """
    if not 1e-9 <= tol <= 1:
        raise ValueError(f"expected tol in 1e-9..1, got {tol}")
    Z, t, units = scaled_table(A, y)
    r, eps = Z @ (fit_matrix(Z) @ t) - t, inf  # least squares
    for _ in range(steps):
        eps = max(min(eps, tol * r.abs().mean().item()), 1e-14)
        size = r.abs().clamp(min=eps)  # the weights are 1 / size
        root = size.rsqrt()[:, None]
        fit = torch.linalg.lstsq(root * Z, root * t[:, None], driver="gels")
        z = fit.solution[:, 0]
        r = Z @ z - t
        near = r.abs().topk(Z.shape[1], largest=False).indices
        theta, share = best_proved(Z, t, [corner(Z, t, near), (z, r / size)])
        if share <= tol:
            theta = (units * theta).to(y.dtype)
            if not theta.isfinite().all():
                raise ValueError(f"theta is too large for {y.dtype}")
            return theta
    raise RuntimeError(f"not proved to a share of {tol} in {steps} fits")
    # --8<-- [end:least_absolute]


# --8<-- [start:subgradient_path]
def subgradient_path(
    y: Tensor, start: float, lr: float | Callable[[int], float], steps: int
) -> Tensor:
    """Return the path of b under steps of -lr times a slope of the mean of |b - y|.

    At a kink, sign(0) = 0 picks one slope. Step k, from 0, has the size lr(k) if
    lr is a function.

    Shapes: y (n,), result (steps + 1,), `start` first.
    Units:  of the mean; the slopes of the sum are n times as large.
    Raises: ValueError if y is not (n,) with n > 0, a number (of the path, too) is
            not finite, steps is negative, or an lr not positive; TypeError unless
            y is floating point.
    """
    if y.dim() != 1 or len(y) == 0 or steps < 0:
        raise ValueError(f"expected y (n,), steps >= 0, got {tuple(y.shape)}, {steps}")
    if not y.is_floating_point():
        raise TypeError(f"expected floating-point numbers, got {y.dtype}")
    path = [y.new_tensor(start)]
    if not (y.isfinite().all() and path[0].isfinite()):
        raise ValueError(f"expected finite y and start, got {start} in {y.dtype}")
    for k in range(steps):
        size = lr(k) if callable(lr) else lr
        if not 0 < size < inf:
            raise ValueError(f"expected a positive, finite lr, got {size}")
        path.append(path[-1] - size * (path[-1] - y).sign().mean())
    if not path[-1].isfinite():
        raise ValueError(f"expected smaller steps: the path leaves {y.dtype}")
    return torch.stack(path)
    # --8<-- [end:subgradient_path]
