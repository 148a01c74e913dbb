"""Errors of coefficients when the noise is not equal: the bootstrap and HC2.

Page: docs/en/regression/robust_errors.md
"""

import torch
from torch import Generator, Tensor
from torch.linalg import LinAlgError

from firstdescent.regression.coefficients import coef_table, fit_matrix


# --8<-- [start:bootstrap]
def bootstrap(A: Tensor, y: Tensor, times: int, generator: Generator) -> Tensor:
    """Return the coefficients of `times` tables drawn from the rows of this one.

    Each table has n rows, drawn with replacement by a generator on the CPU.

    Shapes: A (n, p), y (n,), result (times, p).
    Raises: ValueError if times < 1, A is not (n, p), p > 0, or y not (n,), or as
            `coef_table`; so if one of the drawn tables has dependent columns
            (likely for few rows, or if a feature varies in few rows only).
            LinAlgError if A itself has.
    """
    if times < 1 or A.dim() != 2 or not A.shape[1] or y.shape != A.shape[:1]:
        got = f"{times}, {tuple(A.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected times >= 1, A (n, p) and y (n,), got {got}")
    coef_table(A, y)  # refuses what no seed can fit
    n, estimates = len(A), []
    for k in torch.tensor(range(times)).split(max(1, 10**7 // A.numel())):  # 80 MB each
        rows = torch.randint(n, (len(k), n), generator=generator).to(A.device)
        try:
            estimates.append(coef_table(A[rows], y[rows]).estimate)
        except LinAlgError as error:
            raise ValueError(
                "a drawn table has dependent columns: a feature varies in too few rows"
            ) from error
    return torch.cat(estimates)
    # --8<-- [end:bootstrap]


# --8<-- [start:robust_se]
def robust_se(A: Tensor, y: Tensor) -> Tensor:
    """Return standard errors (HC2) that allow each row a noise of its own size.

    White's sandwich, with squared residuals divided by one minus the leverage.
    If the noise is equal after all, their squares are right on average. For a
    feature that varies in few rows they scatter widely.

    Shapes: A (..., n, p), y (..., n), result (..., p).
    Raises: ValueError as `coef_table`, or if a row has leverage 1: the fit then
            goes through it and its residual tells nothing.
    Source: MacKinnon and White (1985), Journal of Econometrics 29.
    """
    residual = (A @ coef_table(A, y).estimate[..., None])[..., 0] - y
    B = fit_matrix(A)
    leverage = (A * B.mT).sum(dim=-1)  # (..., n): the diagonal of A @ B
    if (leverage > 1 - torch.finfo(A.dtype).eps ** 0.5).any():
        raise ValueError("a row has leverage 1: the fit goes through it")
    variance = residual.square() / (1 - leverage)
    size = B.abs().amax(dim=-1, keepdim=True)  # so that no square over- or underflows
    return ((B / size).square() @ variance[..., None])[..., 0].sqrt() * size[..., 0]
    # --8<-- [end:robust_se]
