"""Ridge as a belief about the weights: its posterior, its bias and its evidence.

Page: docs/en/estimation/priors_variance.md
"""

import math

import torch
from torch import Tensor

from firstdescent.regression.rank_deficiency import (
    check_labels,
    ridge,
    row_space_projection,
    visible_directions,
)


# --8<-- [start:check_scales]
def check_scales(sigma: float, tau: float = 1.0) -> None:
    """Return nothing, or raise if a standard deviation is none.

    Raises: ValueError unless sigma and tau are positive and finite; TypeError
            if they are no real numbers.
    """
    for name, value in (("sigma", sigma), ("tau", tau)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a real number, got {value!r}")
        if not 0 < value <= torch.finfo(torch.float64).max:
            raise ValueError(f"{name} must be positive and finite, got {value}")
    # --8<-- [end:check_scales]


# --8<-- [start:posterior]
def posterior(A: Tensor, y: Tensor, sigma: float, tau: float) -> tuple[Tensor, Tensor]:
    """Return mean and covariance of the weights, given y = A w + noise.

    The noise is normal with standard deviation sigma. Before y was seen, each
    weight was, too: mean 0, standard deviation tau, all of them independent.
    The mean is ridge with penalty sigma^2 / tau^2. Directions below the cutoff of
    `visible_directions` keep the prior, even if tau is so large that y would speak.

    Shapes: A (n, d), y (n,), mean (d,), covariance (d, d).
    Units:  sigma that of y, tau that of the weights: y's per unit of a feature.
    Raises: as `check_scales` and `ridge`: also if (sigma / tau)^2 overflows, or
            underflows with dependent columns, or if the covariance over- or
            underflows.
    """
    check_scales(sigma, tau)
    mean = ridge(A, y, (sigma / tau) * (sigma / tau))
    _, s, Vh = visible_directions(A)
    sd = 1 / torch.hypot(s / sigma, s.new_tensor(1 / tau))
    spread = sd[:, None] * Vh
    cov = spread.T @ spread
    if len(s) < A.shape[1]:  # where A does not see, the belief stays
        one = torch.eye(A.shape[1], dtype=A.dtype, device=A.device)
        cov = cov + tau * tau * (one - row_space_projection(A))
    if not (cov.isfinite().all() and (cov.diag() > 0).all()):
        raise ValueError(f"sigma {sigma}, tau {tau} over- or underflow in {A.dtype}")
    return mean, cov
    # --8<-- [end:posterior]


# --8<-- [start:bias_variance]
def bias_variance(
    A: Tensor, w: Tensor, sigma: float, penalty: float
) -> tuple[Tensor, Tensor]:
    """Return |bias|^2 and total variance of ridge's weights, if w is the truth.

    Their sum is the mean of |estimate - w|^2 over all draws of the noise, which
    has mean 0, standard deviation sigma, and is uncorrelated from row to row.

    Shapes: A (n, d), w (d,), both results ().
    Units:  those of w, squared: sums over the d weights.
    Raises: ValueError if w is not (d,) or not finite, if penalty is negative
            or infinite, or 0 with dependent columns, or if a result overflows;
            TypeError if dtypes differ; and as `check_scales` and
            `visible_directions`.
    """
    check_scales(sigma)
    U, s, Vh = visible_directions(A)
    if w.shape != A.shape[1:] or not w.isfinite().all():
        raise ValueError(f"expected a finite w (d,), got {tuple(w.shape)}")
    if w.dtype != A.dtype:
        raise TypeError(f"A and w must share a dtype, got {A.dtype} and {w.dtype}")
    if not 0 <= penalty < math.inf:
        raise ValueError(f"penalty must be finite and not negative, got {penalty}")
    if penalty == 0 and len(s) < A.shape[1]:
        raise ValueError("penalty 0 needs independent columns")
    M = Vh.T @ (U / (s + penalty / s)).T  # (d, n): estimate = M y
    bias = M @ (A @ w) - w
    bias2, variance = bias.square().sum(), (sigma * M).square().sum()
    if not (bias2 + variance).isfinite():
        raise ValueError(f"bias or variance overflows in {A.dtype}")
    return bias2, variance
    # --8<-- [end:bias_variance]


# --8<-- [start:log_evidence]
def log_evidence(A: Tensor, y: Tensor, sigma: float, tau: float) -> Tensor:
    """Return the log density of y, averaged over the weights that tau allows.

    Without the weights, y is normal with mean 0 and covariance
    tau^2 A A^T + sigma^2 I.

    Shapes: A (n, d), y (n,), result ().
    Units:  nats, for all of y: a sum over its n numbers. Other units of y add
            a constant.
    Raises: ValueError if the result is not finite, as sigma or tau over- or
            underflow; and as `check_scales`, `check_labels` and
            `visible_directions`.
    """
    check_scales(sigma, tau)
    U, s, _ = visible_directions(A)
    check_labels(A, y)
    seen = U.T @ y
    unseen = y - U @ seen
    sd = torch.hypot(tau * s, s.new_tensor(sigma))
    squares = (seen / sd).square().sum() + (unseen / sigma).square().sum()
    logs = sd.log().sum() + (len(y) - len(s)) * math.log(sigma)
    result = -squares / 2 - logs - len(y) * math.log(2 * math.pi) / 2
    if not result.isfinite():
        raise ValueError(f"sigma {sigma}, tau {tau} over- or underflow in {A.dtype}")
    return result
    # --8<-- [end:log_evidence]
