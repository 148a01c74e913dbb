"""Four routes to the least-squares answer, and the number that says how far to trust.

Page: docs/en/regression/conditioning.md
"""

import math

import torch
from torch import Generator, Tensor
from torch.linalg import LinAlgError


# --8<-- [start:check_problem]
def check_problem(A: Tensor, y: Tensor) -> None:
    """Return nothing, or raise if A and y are no least-squares problem.

    Shapes: A (n, p), y (n,), n >= p >= 1.
    Raises: ValueError for other shapes and for an entry that is not finite;
            TypeError unless both are float32 or both float64.
    """
    if A.dim() != 2 or y.shape != A.shape[:1]:
        shapes = f"{tuple(A.shape)} and {tuple(y.shape)}"
        raise ValueError(f"A (n, p) needs y (n,), got {shapes}")
    if not 1 <= A.shape[1] <= len(A):
        raise ValueError(f"A (n, p) needs n >= p >= 1, got {tuple(A.shape)}")
    if A.dtype not in (torch.float32, torch.float64) or y.dtype != A.dtype:
        raise TypeError(f"expected one float dtype, got {A.dtype} and {y.dtype}")
    if not (A.isfinite().all() and y.isfinite().all()):
        raise ValueError("A and y must be finite, got nan or inf")
    # --8<-- [end:check_problem]


# --8<-- [start:by_inverse]
def by_inverse(A: Tensor, y: Tensor) -> Tensor:
    """Return least squares as the formula is typed. Do not use it.

    Shapes: A (n, p), y (n,), result (p,).
    Raises: as `check_problem`; LinAlgError if A^T A overflowed, or on an
            exact zero pivot only, so dependent columns may return noise.
    """
    check_problem(A, y)
    G = A.T @ A  # (p, p)
    if not G.isfinite().all():
        raise LinAlgError("A^T A overflowed: columns too large; use by_qr")
    return torch.linalg.inv(G) @ (A.T @ y)
    # --8<-- [end:by_inverse]


# --8<-- [start:by_cholesky]
def by_cholesky(A: Tensor, y: Tensor) -> Tensor:
    """Return least squares from A^T A = L L^T.

    Shapes: A (n, p), y (n,), result (p,).
    Raises: as `check_problem`; LinAlgError if rounding has left
            A^T A not positive definite, or A^T A overflowed.
    """
    check_problem(A, y)
    L, info = torch.linalg.cholesky_ex(A.T @ A)  # (p, p)
    if info > 0 or not L.isfinite().all():
        raise LinAlgError(
            "no Cholesky factor: columns nearly dependent or too large; use by_qr"
        )
    return torch.cholesky_solve((A.T @ y)[:, None], L)[:, 0]
    # --8<-- [end:by_cholesky]


# --8<-- [start:inverse_triangle]
def inverse_triangle(R: Tensor, n: int) -> Tensor:
    """Return the inverse of R, the triangle of QR of a matrix with n rows.

    One over the length of its row j is the length of what the other columns of
    that matrix leave of column j. If that is rounding, the columns are dependent.

    Shapes: R (..., p, p), result (..., p, p).
    Raises: LinAlgError if a column is a combination of others, to within rounding.
    """
    one = torch.eye(R.shape[-1], dtype=R.dtype, device=R.device)
    inverse = torch.linalg.solve_triangular(R, one, upper=True)
    left = 1 / (R.norm(dim=-2) * inverse.norm(dim=-1))  # as a share of the column
    if not (left > 10 * n**0.5 * torch.finfo(R.dtype).eps).all():
        raise LinAlgError("dependent columns: drop one or take the least norm")
    return inverse
    # --8<-- [end:inverse_triangle]


# --8<-- [start:by_qr]
def by_qr(A: Tensor, y: Tensor) -> Tensor:
    """Return least squares from A = Q R, without A^T A.

    Shapes: A (n, p), y (n,), result (p,).
    Raises: as `check_problem` and `inverse_triangle`.
    """
    check_problem(A, y)
    scale = A.abs().amax(dim=0)
    Q, R = torch.linalg.qr(A / scale)  # (n, p), (p, p)
    inverse_triangle(R, len(A))  # refuses dependent columns
    theta = torch.linalg.solve_triangular(R, (Q.T @ y)[:, None], upper=True)[:, 0]
    return theta / scale
    # --8<-- [end:by_qr]


# --8<-- [start:by_svd]
def by_svd(A: Tensor, y: Tensor) -> Tensor:
    """Return least squares from A = U S V^T, without A^T A.

    Shapes: A (n, p), y (n,), result (p,).
    Raises: as `check_problem`; LinAlgError if a singular value, of the columns
            at one scale, is zero to within rounding.
    """
    check_problem(A, y)
    scale = A.abs().amax(dim=0)
    if not (scale > 0).all():
        raise LinAlgError("dependent columns: drop one or take the least norm")
    U, S, Vt = torch.linalg.svd(A / scale, full_matrices=False)
    rounding = 10 * len(A) ** 0.5 * torch.finfo(A.dtype).eps
    if not S[-1] > rounding * S[0]:
        raise LinAlgError("dependent columns: drop one or take the least norm")
    return Vt.T @ ((U.T @ y) / S) / scale
    # --8<-- [end:by_svd]


# --8<-- [start:condition]
def condition(A: Tensor) -> float:
    """Return the condition number: largest over smallest singular value.

    It is infinite where the smallest is 0. Above 1 / eps of A's dtype the
    smallest is rounding noise, and so is the result.

    Shapes: A (n, p).
    Raises: ValueError if A is not (n, p) with n >= p >= 1, or not finite;
            TypeError unless A is float32 or float64.
    """
    if A.dim() != 2 or not 1 <= A.shape[1] <= len(A):
        raise ValueError(f"expected A (n, p), n >= p >= 1, got {tuple(A.shape)}")
    if A.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64, got {A.dtype}")
    if not A.isfinite().all():
        raise ValueError("A must be finite, got nan or inf")
    S = torch.linalg.svdvals(A)  # (p,), falling
    return (S[0] / S[-1]).item() if S[-1] > 0 else math.inf
    # --8<-- [end:condition]


# --8<-- [start:ill_conditioned]
def ill_conditioned(n: int, p: int, kappa: float, generator: Generator) -> Tensor:
    """Return a random matrix whose condition number is kappa, up to rounding.

    Its singular values fall from 1 to 1 / kappa by equal factors.

    Shapes: result (n, p), float64, on the CPU.
    Raises: ValueError unless n >= p >= 2 and kappa is finite and at least 1.
    """
    if not 2 <= p <= n:
        raise ValueError(f"expected n >= p >= 2, got n {n} and p {p}")
    if not 1 <= kappa < math.inf:
        raise ValueError(f"kappa must be at least 1 and finite, got {kappa}")
    options = {"generator": generator, "dtype": torch.float64}
    U = torch.linalg.qr(torch.randn(n, p, **options)).Q
    V = torch.linalg.qr(torch.randn(p, p, **options)).Q
    S = torch.logspace(0, -math.log10(kappa), p, dtype=torch.float64)
    return U @ S.diag() @ V.T
    # --8<-- [end:ill_conditioned]
