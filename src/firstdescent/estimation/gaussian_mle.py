"""The normal density, its likelihood, and the noise that a fit estimates.

Page: docs/en/estimation/gaussian_mle.md
"""

import math
import operator

import torch
from torch import Tensor

from firstdescent.regression.coefficients import coef_table


# --8<-- [start:check_sigma]
def check_sigma(values: Tensor, sigma: float | Tensor) -> Tensor:
    """Return sigma as a tensor of the dtype and on the device of `values`.

    It keeps its graph, so that you can differentiate by sigma.

    Shapes: values (any), sigma (any), result as sigma.
    Raises: TypeError unless values are float32 or float64 and sigma is real;
            ValueError unless sigma is positive and finite in that dtype.
    """
    if values.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64 numbers, got {values.dtype}")
    if isinstance(sigma, Tensor) and sigma.is_complex():
        raise TypeError(f"sigma must be real, got {sigma.dtype}")
    sigma = torch.as_tensor(sigma, dtype=values.dtype, device=values.device)
    bad = sigma[~((sigma > 0) & sigma.isfinite())]
    if bad.numel():
        raise ValueError(f"sigma must be positive and finite, got {bad[0].item()}")
    return sigma
    # --8<-- [end:check_sigma]


# --8<-- [start:normal_pdf]
def normal_pdf(x: Tensor, mu: float | Tensor, sigma: float | Tensor) -> Tensor:
    """Return the normal density at x, for mean mu and standard deviation sigma.

    Shapes: x, mu and sigma broadcast; result as they do together.
    Units:  one over the unit of x: times a small width it is a probability.
    Raises: TypeError and ValueError as `check_sigma`, TypeError for a complex
            mu; ValueError for nan, or if the density overflows.
    """
    sigma = check_sigma(x, sigma)
    if isinstance(mu, complex) or (isinstance(mu, Tensor) and mu.is_complex()):
        raise TypeError(f"mu must be real, got {mu}")
    mu = torch.as_tensor(mu, dtype=x.dtype, device=x.device)
    z = (x - mu) / sigma
    if z.isnan().any():
        raise ValueError("x and mu must be numbers, got nan, or inf - inf")
    density = torch.exp(-(z**2) / 2) / (math.sqrt(2 * math.pi) * sigma)
    if density.isinf().any():
        raise ValueError("the density overflows: expected a larger sigma")
    return density
    # --8<-- [end:normal_pdf]


# --8<-- [start:gaussian_nll]
def gaussian_nll(r: Tensor, sigma: float | Tensor) -> Tensor:
    """Return the mean negative log-likelihood of residuals, noise N(0, sigma).

    Leading dimensions are a batch. One sigma serves all n rows.

    Shapes: r (..., n), sigma () or (...), result (...).
    Units:  nats per row, a mean: n times it is -log L. Other units, of r and
            sigma, shift it by a constant, and it may be negative.
    Raises: ValueError if n = 0, sigma is not () or (...), or the mean of
            (r / sigma)^2 is nan or overflows; and as `check_sigma`.
    """
    sigma = check_sigma(r, sigma)
    if r.dim() == 0 or r.shape[-1] == 0 or sigma.shape not in ((), r.shape[:-1]):
        got = f"r {tuple(r.shape)} and sigma {tuple(sigma.shape)}"
        raise ValueError(f"expected r (..., n > 0), sigma () or (...), got {got}")
    square = ((r / sigma[..., None]) ** 2).mean(dim=-1)
    if not square.isfinite().all():
        raise ValueError("(r / sigma)**2 must be finite, got nan, inf or an overflow")
    return sigma.log() + math.log(2 * math.pi) / 2 + square / 2
    # --8<-- [end:gaussian_nll]


# --8<-- [start:sigma2_hat]
def sigma2_hat(A: Tensor, y: Tensor, correction: int) -> Tensor:
    """Return RSS / (n - correction), an estimate of the noise's variance.

    RSS is the residual sum of squares of the least-squares fit of y on A.
    For normal noise 0 gives the likelihood's maximum; p gives the unbiased
    one. One A serves many y.

    Shapes: A (..., n, p), y (..., n), result (...).
    Units:  those of y, squared.
    Raises: TypeError unless correction is a whole number; ValueError unless it
            is below n; and as `coef_table`: n must be larger than p.
    """
    if isinstance(correction, bool):
        raise TypeError(f"expected a whole correction, got {correction}")
    correction = operator.index(correction)
    table, n = coef_table(A, y), A.shape[-2]
    if correction >= n:
        raise ValueError(f"expected a correction below {n}, got {correction}")
    return table.sigma**2 * (table.df / (n - correction))
    # --8<-- [end:sigma2_hat]
