"""Fits that forgive wrong labels, what they distrust, and a search for wrong rows.

Page: docs/en/estimation/outliers.md
"""

from math import inf, lgamma, log, pi
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from firstdescent.estimation.laplace_robust import least_absolute, scaled_table
from firstdescent.regression.coefficients import fit_matrix


# --8<-- [start:huber_weight]
def huber_weight(u: Tensor, c: float) -> Tensor:
    """Return the weight of each row under Huber's loss: 1 up to c, then c / |u|.

    Shapes: u and result (any).
    Units:  u is a residual over the noise's scale.
    Raises: ValueError if c is not positive and finite, TypeError unless u is
            floating point.
    """
    if not u.is_floating_point():
        raise TypeError(f"expected floating-point residuals, got {u.dtype}")
    if not 0 < c < inf:
        raise ValueError(f"expected 0 < c < inf, got {c}")
    return (c / u.abs()).clamp(max=1)
    # --8<-- [end:huber_weight]


# --8<-- [start:t_weight]
def t_weight(u: Tensor, nu: float) -> Tensor:
    """Return the weight of each row under Student's t with nu degrees of freedom.

    Shapes: u and result (any).
    Units:  u is a residual over the noise's scale.
    Raises: ValueError if nu is not in 1e-3 to 1e6, TypeError unless u is
            floating point.
    """
    if not u.is_floating_point():
        raise TypeError(f"expected floating-point residuals, got {u.dtype}")
    if not 1e-3 <= nu <= 1e6:
        raise ValueError(f"expected nu in 1e-3..1e6, got {nu}")
    return (nu + 1) / (nu + u**2)
    # --8<-- [end:t_weight]


# --8<-- [start:noise_scale]
def noise_scale(r: Tensor, fitted: int = 0) -> Tensor:
    """Return the median of |r| over 0.6745: the sd, if the noise is normal.

    A fit through p rows has p residuals that say nothing. With `fitted` = p the
    p smallest are left out.

    Shapes: r (n,), result ().
    Units:  those of r.
    Raises: ValueError if r is not (n,) with n > fitted >= 0, or not finite;
            TypeError unless it is floating point.
    """
    if r.dim() != 1 or not 0 <= fitted < len(r):
        raise ValueError(f"expected r (n,), n > {fitted} >= 0, got {tuple(r.shape)}")
    if not r.is_floating_point():
        raise TypeError(f"expected floating-point residuals, got {r.dtype}")
    if not r.isfinite().all():
        raise ValueError("expected finite residuals, got nan or inf")
    size = r.abs().sort().values[fitted:]
    middle = (size[(len(size) - 1) // 2] / 2) + (size[len(size) // 2] / 2)
    quartile = torch.special.ndtri(middle.new_tensor(0.75))  # 0.6745
    return middle / quartile
    # --8<-- [end:noise_scale]


# --8<-- [start:weighted_fit]
def weighted_fit(A: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Return the theta with the least sum of w * (A theta - y)^2.

    The columns of A must be independent; `huber_fit` and its like check that.

    Shapes: A (n, p), y (n,), w (n,), result (p,).
    Units:  w may be multiplied by any positive number.
    Raises: ValueError if A is not (n, p), n, p > 0, y or w not (n,), or a number
            not finite.
    """
    if A.dim() != 2 or not A.numel() or not y.shape == w.shape == A.shape[:1]:
        got = f"{tuple(A.shape)}, {tuple(y.shape)} and {tuple(w.shape)}"
        raise ValueError(f"expected A (n, p), y (n,) and w (n,), got {got}")
    if not all(t.isfinite().all() for t in (A, y, w)):
        raise ValueError("A, y and w must be finite, got nan or inf")
    root = w.sqrt()[:, None]
    fit = torch.linalg.lstsq(root * A, root * y[:, None], driver="gels")
    return fit.solution[:, 0]
    # --8<-- [end:weighted_fit]


# --8<-- [start:RobustFit]
class RobustFit(NamedTuple):
    """A fit, the scale of its noise, and how far it trusted each row.

    Shapes: theta (p,), scale (), weights (n,).
    Units:  scale in units of y; a weight is 1 for a row that counts in full
            (for Student's t, up to (nu + 1) / nu).
    """

    theta: Tensor
    scale: Tensor
    weights: Tensor
    # --8<-- [end:RobustFit]


# --8<-- [start:start_scale]
def start_scale(A: Tensor, y: Tensor, theta: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the scale of a fit's residuals.

    Shapes: A (n, p), y (n,), theta (p,), result ().
    Raises: ValueError if A is not (n, p) or y not (n,); if more than half of the
            rows are fitted exactly, to within the rounding of labels of that dtype;
            or if the scale is 1e-25 of the largest label, 1 in a scaled table.
    """
    if A.dim() != 2 or y.shape != A.shape[:1]:
        shapes = f"{tuple(A.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected A (n, p) and y (n,), got {shapes}")
    scale = noise_scale(A @ theta - y, fitted=len(theta))
    size = (A.abs() @ theta.abs() + y.abs()).median()
    if scale <= 4 * torch.finfo(dtype).eps * size:
        raise ValueError("most rows are fitted exactly")
    if scale <= 1e-25:
        raise ValueError("one label is 1e25 times the scale: leave it out")
    return scale
    # --8<-- [end:start_scale]


# --8<-- [start:absolute_start]
def absolute_start(A: Tensor, y: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the least-absolute theta and the scale of its residuals.

    A giant residual would swamp the tolerance of `least_absolute`, a share of the
    sum. A label may be moved towards the line as long as it does not cross it. So
    labels are moved to 1000 scales, and fitted again until the scale stops falling.

    Shapes: A (n, p), y (n,), theta (p,), scale ().
    Raises: as `start_scale` and `least_absolute`.
    """
    theta = least_absolute(A, y)
    scale, before = start_scale(A, y, theta, dtype), inf
    r = A @ theta - y
    while r.abs().max() > 1000 * scale and scale < 0.99 * before:
        theta = theta - least_absolute(A, r.clamp(-1000 * scale, 1000 * scale))
        r = A @ theta - y
        scale, before = start_scale(A, y, theta, dtype), scale
    return theta, scale
    # --8<-- [end:absolute_start]


# --8<-- [start:huber_gap]
def huber_gap(r: Tensor, u: Tensor, c: float) -> tuple[Tensor, Tensor]:
    """Return Huber's loss of the residuals r, and a bound on what it can still lose.

    The bound holds if A.T @ u = 0; a u above c is first made smaller.

    Shapes: r (n,), u (n,), both results ().
    Units:  sums over the rows, in units of r squared.
    Raises: ValueError if r and u are not (n,), or c not positive and finite.
    """
    if r.dim() != 1 or u.shape != r.shape or not 0 < c < inf:
        got = f"{tuple(r.shape)}, {tuple(u.shape)} and {c}"
        raise ValueError(f"expected r (n,), u (n,) and 0 < c < inf, got {got}")
    u = u / (u.abs().max() / c).clamp(min=1)
    size = r.abs()
    loss = torch.where(size <= c, r**2 / 2, c * size - c**2 / 2)
    return loss.sum(), (loss - u * r + u**2 / 2).sum()
    # --8<-- [end:huber_gap]


# --8<-- [start:huber_fit]
def huber_fit(
    A: Tensor, y: Tensor, c: float = 1.345, tol: float = 1e-8, steps: int = 10_000
) -> RobustFit:
    """Return the theta with the least sum of Huber's loss, at delta = c * scale.

    The scale is that of the least-absolute fit, and then stays, so the loss is
    convex. Stops when the sum is proved to be least, up to tol * scale^2 (and
    up to rounding, 1e-13 of itself).

    Shapes: A (n, p), y (n,).
    Units:  c in standard deviations of normal noise.
    Raises: ValueError if c is not in 1e-6 to 1e6 or tol not in 1e-12 to 1;
            RuntimeError if `steps` fits do not prove it, as where rows of high
            leverage have giant labels; and as `scaled_table`, `start_scale` and
            `least_absolute`.
    """
    if not (1e-6 <= c <= 1e6 and 1e-12 <= tol <= 1):
        raise ValueError(f"expected c in 1e-6..1e6, tol in 1e-12..1, got {c, tol}")
    Z, t, units = scaled_table(A, y)
    z, scale = absolute_start(Z, t, y.dtype)
    r_0 = (Z @ z - t) / scale  # what is left to fit, in units of the noise
    t = r = r_0.clamp(-1e4 - c, 1e4 + c)  # beyond c the pull is the same
    for _ in range(steps):
        w = huber_weight(r, c)
        step = weighted_fit(Z, t, w)  # from z, backwards
        r = t - Z @ step
        loss, gap = huber_gap(r, w * r, c)
        same = torch.equal(r.clamp(-c, c), (r_0 - Z @ step).clamp(-c, c))
        if gap <= tol + 1e-13 * loss:
            z, r_0 = z - scale * step, r_0 - Z @ step
            if same:
                return in_old_units(y, units, z, scale, huber_weight(r_0, c))
            t = r = r_0.clamp(-1e4 - c, 1e4 + c)  # a row came near: cut anew
    raise RuntimeError(f"not proved up to {tol} scale^2 in {steps} fits")
    # --8<-- [end:huber_fit]


# --8<-- [start:in_old_units]
def in_old_units(
    y: Tensor, units: Tensor, z: Tensor, scale: Tensor, weights: Tensor
) -> RobustFit:
    """Return a fit of a scaled table as one of the table before scaling.

    Shapes: y (n,), units (p,), z (p,), scale (), weights (n,).
    Raises: TypeError unless all but y are float64; ValueError if a shape does not
            fit, or a coefficient or the scale is too large for y's dtype.
    """
    dtypes = {part.dtype for part in (units, z, scale, weights)}
    if dtypes != {torch.float64} or not y.is_floating_point():
        raise TypeError(f"expected float64 and floating y, got {dtypes}, {y.dtype}")
    if units.shape != z.shape or weights.shape != y.shape or scale.dim():
        shapes = [tuple(part.shape) for part in (y, units, z, scale, weights)]
        raise ValueError(f"expected (n,), (p,), (p,), () and (n,), got {shapes}")
    top = y.double().abs().max()
    parts = units * z, top.where(top != 0, 1) * scale, weights  # nan stays
    fit = RobustFit(*(part.to(y.dtype) for part in parts))
    if not (fit.theta.isfinite().all() and fit.scale.isfinite()):
        raise ValueError(f"theta or the scale is too large for {y.dtype}")
    return fit
    # --8<-- [end:in_old_units]


# --8<-- [start:t_nll]
def t_nll(r: Tensor, scale: float | Tensor, nu: float) -> Tensor:
    """Return the negative log-likelihood of residuals under Student's t noise.

    Shapes: r (n,), scale (), result ().
    Units:  nats, the sum over the rows. In other units of r, n times a constant
            is added.
    Raises: ValueError if r is not (n,) with n > 0, scale is not positive and
            finite, nu is not in 1e-3 to 1e6, or the result is not finite;
            TypeError unless r is floating point.
    """
    if r.dim() != 1 or len(r) == 0:
        raise ValueError(f"expected residuals (n,), n > 0, got {tuple(r.shape)}")
    if not r.is_floating_point():
        raise TypeError(f"expected floating-point residuals, got {r.dtype}")
    scale = float(scale)
    if not (0 < scale < inf and 1e-3 <= nu <= 1e6):
        got = f"{scale} and {nu}"
        raise ValueError(f"expected scale > 0, nu in 1e-3..1e6, got {got}")
    constant = lgamma(nu / 2) - lgamma((nu + 1) / 2) + log(nu * pi) / 2
    far = torch.log1p((r.double() / scale) ** 2 / nu).sum()
    total = len(r) * (constant + log(scale)) + (nu + 1) / 2 * far
    total = total.to(r.dtype)
    if not total.isfinite():
        raise ValueError("r / scale is too large, or not a number")
    return total
    # --8<-- [end:t_nll]


# --8<-- [start:student_t_fit]
def student_t_fit(
    A: Tensor,
    y: Tensor,
    nu: float = 3.0,
    start: Tensor | None = None,
    tol: float = 1e-8,
    steps: int = 10_000,
) -> RobustFit:
    """Return a theta and a scale where EM for Student's t noise comes to rest.

    The likelihood may have several maxima; from `start` (or the least-absolute
    fit) it only rises. Stops when a step moves no fitted value by more than
    tol * scale, nor the scale by a share tol (up to rounding).

    Shapes: A (n, p), y (n,), start (p,).
    Units:  scale is that of the t: its sd is sqrt(nu / (nu - 2)) times larger.
    Raises: ValueError if nu is not in 1e-3 to 1e6, tol not in 1e-12 to 1, start
            is not (p,) and finite, or the scale becomes 0, as it can if
            nu < p / (n - p); RuntimeError if `steps` do not suffice; and as
            `scaled_table`, `start_scale` and `least_absolute`.
    """
    if not 1e-12 <= tol <= 1:
        raise ValueError(f"expected tol in 1e-12..1, got {tol}")
    Z, labels, units = scaled_table(A, y)
    if start is None:
        z = absolute_start(Z, labels, y.dtype)[0]
    elif start.shape == units.shape and start.isfinite().all() and start.isreal().all():
        z = start.double() / units
    else:
        raise ValueError(f"expected a finite start (p,), got {tuple(start.shape)}")
    scale = start_scale(Z, labels, z, y.dtype)
    t = r = (Z @ z - labels) / scale  # what is left to fit, in units of the scale
    fitted, s = torch.zeros_like(t), torch.ones_like(scale)
    for _ in range(steps):
        w = t_weight(r / s, nu)  # E step
        step = weighted_fit(Z, t, w)  # M step: from z, backwards
        before, fitted, old = fitted, Z @ step, s
        r = t - fitted
        s = (w * r**2).mean().sqrt()
        if s <= 1e-6:  # the start was far off: begin anew from here
            z, scale = z - scale * step, scale * s
            if scale <= 1e-14 * (Z.abs() @ z.abs() + labels.abs()).median():
                raise ValueError(f"the scale went to 0: nu = {nu} allows it here")
            t = r = (Z @ z - labels) / scale
            fitted, s = torch.zeros_like(t), torch.ones_like(scale)
            continue
        slack = tol + 1e-13 * fitted.abs().max() / s
        if (fitted - before).abs().max() / s <= slack and (s / old).log().abs() <= tol:
            theta, w = z - scale * step, t_weight(r / s, nu)
            return in_old_units(y, units, theta, scale * s, w)
    raise RuntimeError(f"not at rest after {steps} steps")
    # --8<-- [end:student_t_fit]


# --8<-- [start:leverage]
def leverage(A: Tensor) -> Tensor:
    """Return h: the weight of each row's label in its own least-squares prediction.

    No label is looked at. Each h is between 0 and 1, and they add up to p.

    Shapes: A (n, p), result (n,).
    Raises: ValueError if A is not (n, p) with n > p, or not finite; TypeError
            unless A is float32 or float64; LinAlgError if a column is, to within
            rounding, a combination of the others.
    """
    if A.dim() != 2:
        raise ValueError(f"expected A (n, p), got {tuple(A.shape)}")
    return (A * fit_matrix(A).T).sum(dim=1)
    # --8<-- [end:leverage]


# --8<-- [start:least_trimmed]
def least_trimmed(
    A: Tensor,
    y: Tensor,
    generator: Generator,
    keep: int | None = None,
    tries: int = 500,
) -> tuple[Tensor, Tensor]:
    """Return a theta with a small sum of the `keep` smallest r^2, and those rows.

    Tries fits through p random rows; then, from the best, fits the kept rows by
    least squares as long as the sum falls. The least sum is not guaranteed.

    Shapes: A (n, p), y (n,), theta (p,), rows (keep,) of int64, ascending.
    Units:  keep is (n + p + 1) // 2 unless given. The generator is on the CPU.
    Raises: ValueError if keep is not in p + 1 to n, tries < 1, all tries drew
            dependent rows, or theta is too large for y's dtype; and as
            `scaled_table`.
    """
    Z, t, units = scaled_table(A, y)
    middle = t.abs().median()
    middle = middle.where(middle > 0, 1)
    t, units = t / middle, units * middle  # a giant label must not hide the others
    n, p = Z.shape
    keep = (n + p + 1) // 2 if keep is None else keep
    if not (p < keep <= n and tries >= 1):
        raise ValueError(
            f"expected keep in {p + 1}..{n}, tries >= 1, got {keep, tries}"
        )
    choices = torch.randint(n, (tries, p), generator=generator).to(A.device)
    least, z = inf, None
    for rows in choices.split(max(1, 10**6 // n)):
        some, info = torch.linalg.solve_ex(Z[rows], t[rows][..., None])
        some = some[..., 0].where(info[:, None] == 0, inf)  # rows were dependent
        square = ((some @ Z.T - t) ** 2).nan_to_num(inf, inf)
        total = square.topk(keep, largest=False).values.sum(dim=1)
        if total.min() < least:
            least, z = total.min(), some[total.argmin()]
    if z is None:
        raise ValueError(f"all {tries} tries drew dependent rows")
    while True:
        rows = ((Z @ z - t) ** 2).topk(keep, largest=False).indices
        new = weighted_fit(Z[rows], t[rows], torch.ones_like(t[rows]))
        total = ((Z @ new - t) ** 2).topk(keep, largest=False).values.sum()
        if not total < least:
            break
        least, z = total, new
    theta = (units * z).to(y.dtype)
    if not theta.isfinite().all():
        raise ValueError(f"theta is too large for {y.dtype}")
    return theta, rows.sort().values
    # --8<-- [end:least_trimmed]
