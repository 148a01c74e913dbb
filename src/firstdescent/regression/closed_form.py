"""The least-squares line by a formula, from sums that add up over batches.

Page: docs/en/regression/closed_form.md
"""

import torch
from torch import Tensor


# --8<-- [start:gram]
def gram(A: Tensor, y: Tensor) -> Tensor:
    """Return the sums that least squares needs: B.T @ B for B = [A, y].

    Its blocks are A.T @ A, A.T @ y and y.T @ y. Those of two batches add up
    to those of both; subtract a batch's to take it out.

    Shapes: A (n, p), y (n,), result (p + 1, p + 1).
    Units:  sums over the rows, not means.
    Raises: ValueError if A is not (n, p) with p > 0, y is not (n,), or a
            number or a sum is not finite; TypeError unless A and y are both float32 or
            both float64.
    """
    if A.dim() != 2 or A.shape[1] == 0 or y.shape != A.shape[:1]:
        shapes = f"{tuple(A.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected A (n, p) and y (n,), p > 0, got {shapes}")
    if A.dtype != y.dtype or A.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected one floating dtype, got {A.dtype} and {y.dtype}")
    if not (A.isfinite().all() and y.isfinite().all()):
        raise ValueError("A and y must be finite, got nan or inf")
    B = torch.hstack([A, y[:, None]])
    M = B.T @ B
    if not M.isfinite().all():
        raise ValueError("the sums overflowed: expected columns of moderate size")
    return M
    # --8<-- [end:gram]


# --8<-- [start:solve_gram]
def solve_gram(M: Tensor) -> Tensor:
    """Return the theta that solves the normal equations in the sums of `gram`.

    Refuses columns that are dependent, or so nearly that few digits of theta
    would be right. Sums of millions of rows in float32 round by more than that.

    Shapes: M (p + 1, p + 1), result (p,).
    Raises: ValueError if M is not (p + 1, p + 1) with p > 0, or not finite;
            TypeError if M is not float32 or float64; torch.linalg.LinAlgError
            if a column is a combination of others, to within rounding.
    """
    p = len(M) - 1 if M.dim() else 0
    if p < 1 or M.shape != (p + 1, p + 1):
        raise ValueError(f"expected M of shape (p + 1, p + 1), got {tuple(M.shape)}")
    if M.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected sums in float32 or float64, got {M.dtype}")
    if not M.isfinite().all():
        raise ValueError("the sums overflowed: expected columns of moderate size")
    G, c = M[:p, :p], M[:p, p:]
    L, info = torch.linalg.cholesky_ex(G)  # G = L @ L.T
    if info == 0:
        # the share of each column's square that the others do not explain
        left = 1 / (G.diag() * torch.cholesky_inverse(L).diag())
    if info != 0 or not (left > 1000 * p**0.5 * torch.finfo(M.dtype).eps).all():
        raise torch.linalg.LinAlgError(
            "expected independent columns; else try torch.linalg.pinv(A) @ y"
        )
    return torch.cholesky_solve(c, L)[:, 0]
    # --8<-- [end:solve_gram]


# --8<-- [start:normal_equations]
def normal_equations(A: Tensor, y: Tensor) -> Tensor:
    """Return the theta with the least sum of squares |A theta - y|^2.

    Shapes: A (n, p), y (n,), result (p,).
    Units:  a sum, a mean and half a mean have the same theta.
    Raises: ValueError if n < p, or as `gram` does; TypeError as `gram` does;
            torch.linalg.LinAlgError as `solve_gram` does.
    """
    M = gram(A, y)
    n, p = A.shape
    if n < p:
        raise ValueError(f"expected at least as many rows as columns, got {n} < {p}")
    return solve_gram(M)
    # --8<-- [end:normal_equations]
