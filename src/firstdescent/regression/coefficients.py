"""One coefficient of a linear model: what it says, and how sure it is.

Page: docs/en/regression/coefficients.md
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from firstdescent.regression.conditioning import inverse_triangle


# --8<-- [start:with_ones]
def with_ones(X: Tensor) -> Tensor:
    """Return A: the features with a column of ones, last, for the constant.

    Integers are counted in float64.

    Shapes: X (..., n, d), result (..., n, d + 1).
    Raises: ValueError if X has fewer than two dimensions; TypeError if complex.
    """
    if X.dim() < 2:
        raise ValueError(f"X must be (..., n, d), got {tuple(X.shape)}")
    if X.is_complex():
        raise TypeError(f"X must hold real numbers, got {X.dtype}")
    X = X if X.is_floating_point() else X.double()
    return torch.cat([X, X.new_ones(*X.shape[:-1], 1)], dim=-1)
    # --8<-- [end:with_ones]


# --8<-- [start:fit_matrix]
def fit_matrix(A: Tensor) -> Tensor:
    """Return B, the inverse of A^T A times A^T: B @ y are the fitted coefficients.

    Leading dimensions are a batch of tables.

    Shapes: A (..., n, p), result (..., p, n).
    Raises: ValueError if n <= p, or a number is not finite; TypeError unless A is
            float32 or float64; LinAlgError if a column of one table is, to within
            rounding, a combination of the others.
    """
    if A.dim() < 2 or A.shape[-2] <= A.shape[-1]:
        raise ValueError(f"A must have more rows than columns, got {tuple(A.shape)}")
    if A.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"A must be float32 or float64, got {A.dtype}")
    if not A.isfinite().all():
        raise ValueError("A must be finite, got nan or inf")
    scale = A.abs().amax(dim=-2, keepdim=True)
    Q, R = torch.linalg.qr(A / scale)  # orthonormal columns, upper triangle
    return inverse_triangle(R, A.shape[-2]) @ Q.mT / scale.mT
    # --8<-- [end:fit_matrix]


# --8<-- [start:CoefTable]
class CoefTable(NamedTuple):
    """The coefficients of a fit, their standard errors, and the noise they show.

    Shapes: estimate (..., p), se (..., p), sigma (...), for a batch (...) of fits.
    Units:  estimate and se in units of y per unit of the feature, sigma of y.
    """

    estimate: Tensor
    se: Tensor
    sigma: Tensor
    df: int  # degrees of freedom: rows minus coefficients
    # --8<-- [end:CoefTable]


# --8<-- [start:coef_table]
def coef_table(A: Tensor, y: Tensor) -> CoefTable:
    """Return the least-squares coefficients of y on A and their standard errors.

    One A serves many y. If y is linear in A plus independent noise of mean 0 and
    one variance, sigma and se are right in the mean of their squares. They
    themselves come out a little small, by 6 % for normal noise and df 4.

    Shapes: A (..., n, p), y (..., n).
    Raises: ValueError if y does not have n numbers, finite and of A's dtype, or
            its squares overflow; or as `fit_matrix`.
    """
    fits = A.shape[-2:-1] == y.shape[-1:] and A.dtype == y.dtype
    if not (fits and y.isfinite().all()):
        got = f"A {tuple(A.shape)} {A.dtype} and y {tuple(y.shape)} {y.dtype}"
        raise ValueError(f"A (..., n, p) needs finite y (..., n) like it, got {got}")
    B = fit_matrix(A)
    estimate = (B @ y[..., None])[..., 0]
    residual = (A @ estimate[..., None])[..., 0] - y
    df = A.shape[-2] - A.shape[-1]
    sigma = (residual.square().sum(dim=-1) / df).sqrt()
    if not sigma.isfinite().all():
        raise ValueError("y is too large: the squares of its residuals overflow")
    size = B.abs().amax(dim=-1, keepdim=True)  # so that no square under- or overflows
    length = (B / size).norm(dim=-1) * size[..., 0]
    return CoefTable(estimate, sigma[..., None] * length, sigma, df)
    # --8<-- [end:coef_table]


# --8<-- [start:t_quantile]
def t_quantile(p: float, df: int) -> float:
    """Return the t that Student's distribution stays below with chance p.

    The density is proportional to (1 + x^2 / df) ** (-(df + 1) / 2). With
    x = sqrt(df) tan(u) its area becomes that of cos(u) ** (df - 1). The chance
    of the result differs from p by less than 1e-8.

    Raises: ValueError if p is not in 0.0001 to 0.9999, or df not a whole number
            from 1 to 1e9.
    """
    if not (1e-4 <= p <= 1 - 1e-4 and 1 <= df <= 1e9 and df % 1 == 0):
        raise ValueError(f"expected p in 1e-4..1-1e-4, df in 1..1e9, got {p, df}")
    end = min(math.pi / 2, 9 / math.sqrt(df))  # beyond it lies nothing
    u = torch.linspace(0, end, 100_001, dtype=torch.float64)
    area = torch.cumulative_trapezoid(u.cos() ** (df - 1), u)
    area = torch.cat([area.new_zeros(1), area / area[-1]])
    goal = abs(2 * p - 1)  # the share of the right half
    i = max(1, int(torch.searchsorted(area, goal)))
    part = (goal - area[i - 1]) / (area[i] - area[i - 1])
    t = math.sqrt(df) * torch.tan(u[i - 1] + part * (u[i] - u[i - 1]))
    return math.copysign(t.item(), 2 * p - 1)
    # --8<-- [end:t_quantile]


# --8<-- [start:vif]
def vif(X: Tensor) -> Tensor:
    """Return each feature's variance inflation factor, 1 / (1 - R^2).

    R^2 is that of the feature's fit on the other features and a constant.
    Integers are counted in float64.

    Shapes: X (n, d), result (d,), each at least 1.
    Raises: ValueError if X is not (n, d) with n > 0; and as `with_ones` and
            `fit_matrix`: n <= d + 1, or a feature is constant or a combination
            of the others.
    """
    if X.dim() != 2 or len(X) == 0:
        raise ValueError(f"X must be (n, d) with n > 0, got {tuple(X.shape)}")
    A = with_ones(X)
    size = A.abs().amax(dim=0)
    A = A / size.where(size > 0, 1)  # units do not matter
    B, X = fit_matrix(A), A[:, :-1]
    # A row of B is what the others leave of a feature, over its squared length.
    left = 1 / B[:-1].square().sum(dim=1)
    total = (X - X.mean(dim=0)).square().sum(dim=0)
    return (total / left).clamp(min=1)  # rounding may give 0.9999
    # --8<-- [end:vif]
