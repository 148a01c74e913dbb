"""Rows whose noise is not equal: weights that are known, and weights to be learnt.

Page: docs/en/estimation/unequal_noise.md
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from firstdescent.regression.coefficients import CoefTable, coef_table, fit_matrix


# --8<-- [start:weighted_least_squares]
def weighted_least_squares(A: Tensor, y: Tensor, weight: Tensor) -> CoefTable:
    """Return the coefficients that minimise the sum of weight times r squared.

    Each row is multiplied by the root of its weight, then fitted as usual. The
    errors are right if the noise's variance is proportional to 1 / weight; its
    scale cancels. (They are not if a weight counts copies of a row.)

    Shapes: A (..., n, p), y (..., n), weight (..., n).
    Units:  sigma is the noise of a row of weight 1, in units of y.
    Raises: ValueError unless there are n y and n weights, of A's dtype, positive and
            finite; and as `coef_table`, also if a scaled number overflows.
    """
    n = A.shape[-2:-1]
    if not weight.shape[-1:] == y.shape[-1:] == n or weight.dtype != A.dtype:
        got = f"A {tuple(A.shape)} {A.dtype}, y {tuple(y.shape)}, "
        got += f"{tuple(weight.shape)} {weight.dtype}"
        raise ValueError(f"A (..., n, p) needs n y, n weights of its dtype, got {got}")
    if not ((weight > 0) & weight.isfinite()).all():
        raise ValueError("weights must be positive and finite: leave out a row of 0")
    root = weight.sqrt()
    rows, label = root[..., None] * A, root * y
    order = weight.argsort(dim=-1, descending=True)  # heavy rows first: more digits
    rows = rows.gather(-2, order[..., None].expand_as(rows))
    return coef_table(rows, label.gather(-1, order.expand_as(label)))
    # --8<-- [end:weighted_least_squares]


# --8<-- [start:unequal_nll]
def unequal_nll(r: Tensor, log_sigma: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of residuals, noise N(0, sigma_i).

    Shapes: r (..., n), log_sigma (..., n), result (...).
    Units:  nats per row, a mean; inf where the square of r / sigma overflows.
    Raises: TypeError unless r is float32 or float64; ValueError if n = 0, the
            rows differ in number, or an entry is not finite.
    """
    if r.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64 residuals, got {r.dtype}")
    if r.dim() == 0 or r.shape[-1] == 0 or r.shape[-1:] != log_sigma.shape[-1:]:
        got = f"{tuple(r.shape)} and {tuple(log_sigma.shape)}"
        raise ValueError(f"expected r and log_sigma (..., n > 0), got {got}")
    z = r * torch.exp(-log_sigma)
    if not (log_sigma.isfinite().all() and r.isfinite().all()) or z.isnan().any():
        raise ValueError("r and log_sigma must be finite, and 1 / sigma too")
    return (log_sigma + math.log(2 * math.pi) / 2 + z**2 / 2).mean(dim=-1)
    # --8<-- [end:unequal_nll]


# --8<-- [start:noise_step]
def noise_step(phi: Tensor, r: Tensor, S: Tensor) -> Tensor:
    """Return a better phi of log sigma = S phi, for residuals r that stay.

    It adds the fit of (z^2 - 1) / 2 on S, where z = r / sigma: Newton's step, with
    the mean of the Hessian. The step is shortened, so that no log sigma moves by
    more than 1, and then halved until the likelihood is not worse.

    Shapes: phi (..., q), r (..., n), S (..., n, q), result (..., q).
    Raises: ValueError if the shapes or dtypes do not match; and as `unequal_nll`
            and `fit_matrix`.
    """
    if S.shape[-2:] != (*r.shape[-1:], *phi.shape[-1:]) or not (
        phi.dtype == r.dtype == S.dtype
    ):
        got = f"{tuple(phi.shape)}, {tuple(r.shape)}, {tuple(S.shape)} {S.dtype}"
        raise ValueError(f"expected phi (q,), r (n,), S (n, q) of its dtype, got {got}")
    log_sigma = (S @ phi[..., None])[..., 0]
    old = unequal_nll(r, log_sigma)
    z2 = (r * torch.exp(-log_sigma)) ** 2
    step = (fit_matrix(S) @ (z2 - 1)[..., None] / 2)[..., 0]
    step = step / (S @ step[..., None]).abs().amax(dim=(-2, -1)).clamp(min=1)[..., None]
    for _ in range(50):
        new = unequal_nll(r, (S @ (phi + step)[..., None])[..., 0])
        worse = new > old  # also if inf
        if not worse.any():
            break
        step = torch.where(worse[..., None], step / 2, step)
    return phi + step
    # --8<-- [end:noise_step]


# --8<-- [start:UnequalFit]
class UnequalFit(NamedTuple):
    """A mean A theta and a noise exp(S phi), fitted together, with errors.

    Shapes: theta, theta_se (..., p); phi, phi_se (..., q); nll (...).
    Units:  theta as y per unit of its column, phi logs of y per unit of its
            column; nll in nats per row, a mean.
    """

    theta: Tensor
    theta_se: Tensor
    phi: Tensor
    phi_se: Tensor
    nll: Tensor
    # --8<-- [end:UnequalFit]


# --8<-- [start:fit_unequal]
def fit_unequal(A: Tensor, y: Tensor, S: Tensor, steps: int = 2000) -> UnequalFit:
    """Return the fit of y = A theta + exp(S phi) times standard normal noise.

    It starts with equal noise and alternates: theta by weighted least squares,
    phi by `noise_step`. S should hold a column of ones. No step is uphill, but
    the likelihood may have several summits. The errors hold for many rows. It
    refuses sigmas that differ by more than 1 / sqrt(eps): 7e7, in float32 3e3.

    Shapes: A (..., n, p), y (..., n), S (..., n, q); leading ones are a batch.
    Raises: ValueError if S does not have n rows of y's dtype; if A fits y to
            within 100 roundings of y; if the sigmas differ too much, as where the
            likelihood grows without end; RuntimeError if it does not settle; and
            as `coef_table` and `fit_matrix`.
    """
    if S.dim() < 2 or S.shape[-2:-1] != y.shape[-1:] or S.dtype != y.dtype:
        raise ValueError(f"expected S (n, q) like y, got {tuple(S.shape)} {S.dtype}")
    plain, eps = coef_table(A, y), torch.finfo(y.dtype).eps
    if not (plain.sigma > 100 * eps * y.abs().amax(dim=-1)).all():
        raise ValueError("A fits y to within 100 roundings: no noise to learn")
    level = plain.sigma[..., None].log().expand(y.shape)
    B = fit_matrix(S)
    phi = (B @ level[..., None])[..., 0]
    for _ in range(steps):
        log_sigma = (S @ phi[..., None])[..., 0]
        above = log_sigma - log_sigma.amin(dim=-1, keepdim=True)
        if (above > -math.log(eps) / 2).any():
            raise ValueError("one sigma may be falling to 0")
        mean = weighted_least_squares(A, y, torch.exp(-2 * above))
        r = (A @ mean.estimate[..., None])[..., 0] - y
        new = noise_step(phi, r, S)
        if ((S @ (new - phi)[..., None]).abs() < eps**0.5).all():
            size = B.abs().amax(dim=-1, keepdim=True)  # so that no square overflows
            phi_se = (B / size).norm(dim=-1) * size[..., 0] / 2**0.5
            nll = unequal_nll(r, log_sigma)
            return UnequalFit(
                mean.estimate, mean.se, phi, phi_se.expand(phi.shape), nll
            )
        phi = new
    raise RuntimeError(f"the fit did not settle in {steps} steps")
    # --8<-- [end:fit_unequal]
