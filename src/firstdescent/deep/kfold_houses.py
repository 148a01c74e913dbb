"""K-fold cross-validation, its noise, and what the best of many scores promises.

Page: docs/en/deep/kfold_houses.md
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Generator, Tensor

# --8<-- [start:Fold]
Fold = tuple[list[int], list[int]]  # training rows, validation rows
# --8<-- [end:Fold]


# --8<-- [start:kfold]
def kfold(n: int, k: int, generator: Generator | None = None) -> list[Fold]:
    """Return k folds that validate each of n rows exactly once.

    The sizes of two validation parts differ by at most 1. Without a generator
    the rows keep their order: then sorted rows make folds unlike each other.

    Raises: TypeError if n or k is not a whole number; ValueError unless
            2 <= k <= n.
    """
    for name, value in (("n", n), ("k", k)):
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise TypeError(f"expected a whole number {name}, got {value!r}")
    if not 2 <= k <= n:
        raise ValueError(f"expected 2 <= k <= n, got k = {k}, n = {n}")
    order = torch.arange(n)
    if generator is not None:
        order = torch.randperm(n, generator=generator, device=generator.device)
    parts = [part.tolist() for part in order.tensor_split(k)]
    folds = []
    for i, valid in enumerate(parts):
        train = [row for part in parts[:i] + parts[i + 1 :] for row in part]
        folds.append((train, valid))
    return folds
    # --8<-- [end:kfold]


# --8<-- [start:group_kfold]
def group_kfold(
    groups: Sequence[Hashable] | Tensor, k: int, generator: Generator | None = None
) -> list[Fold]:
    """Return k folds that never split a group; `groups` names each row's group.

    The numbers of groups differ by at most 1, the numbers of rows by more.
    Rows with the group None are one group; a tensor of one number is that number.

    Shapes: groups (n,) if a tensor.
    Raises: TypeError and ValueError as `kfold`, where n counts the groups;
            ValueError if a tensor has another shape, or a group or an entry of a
            tuple does not equal itself (nan).
    """
    if isinstance(groups, Tensor) and groups.dim() != 1:
        raise ValueError(f"expected groups (n,), got {tuple(groups.shape)}")
    groups = list(groups)
    for i, group in enumerate(groups):
        if isinstance(group, Tensor):
            if group.numel() != 1:
                raise ValueError(f"row {i}: expected one group, got {group.tolist()}")
            groups[i] = group.item()  # two tensors are never the same key
        parts = groups[i] if isinstance(groups[i], tuple) else (groups[i],)
        if any(part != part for part in parts):
            raise ValueError("expected groups that equal themselves, got nan")
    names = list(dict.fromkeys(groups))
    folds = []
    for _, held in kfold(len(names), k, generator):
        out = {names[i] for i in held}
        train = [i for i, group in enumerate(groups) if group not in out]
        folds.append((train, [i for i, group in enumerate(groups) if group in out]))
    return folds
    # --8<-- [end:group_kfold]


# --8<-- [start:check_fold]
def check_fold(train: Iterable[int], valid: Iterable[int], n: int) -> Fold:
    """Return a sound fold's rows as two lists of int; they may come as tensors.

    Shapes: train (t,), valid (v,) if tensors.
    Raises: TypeError if a row is not a whole number; ValueError if a part is
            empty, a row is not in 0..n-1, is in both parts, or twice in one.
    """
    parts = []
    for part in (train, valid):
        part = part.tolist() if isinstance(part, Tensor) else list(part)
        rows = [row.item() if isinstance(row, Tensor) else row for row in part]
        for row in rows:
            if not isinstance(row, Integral) or isinstance(row, bool):
                raise TypeError(f"expected whole numbers of rows, got {row!r}")
        parts.append([int(row) for row in rows])
    train, valid = parts
    if not train or not valid:
        raise ValueError(f"expected rows in both parts, got {len(train), len(valid)}")
    low, high = min(train + valid), max(train + valid)
    if low < 0 or not high < n:
        raise ValueError(f"expected rows 0 to {n - 1}, got {low} to {high}")
    both = set(train) & set(valid)
    if both:
        raise ValueError(f"row {min(both)} both trains and validates")
    if len(set(train)) + len(set(valid)) < len(train) + len(valid):
        raise ValueError("expected each row once in its part, got one twice")
    return train, valid
    # --8<-- [end:check_fold]


# --8<-- [start:cross_val]
def cross_val(
    fit: Callable[[list], Any],
    score: Callable[[Any, list], float | Tensor],
    rows: Sequence,
    folds: Iterable[Fold],
) -> Tensor:
    """Return score(fit(training rows), validation rows) for each fold.

    `fit` gets the fold's training rows and nothing else. So whatever it learns,
    it learns inside the fold. `score` may return many numbers, one a setting.

    Shapes: result (k, ...), float64.
    Units:  those of `score`; a mean of squares may be averaged over folds of
            one size, its root may not.
    Raises: TypeError and ValueError as `check_fold`; TypeError if a score is
            complex or bool; ValueError if there are no folds, or a score is not
            finite, or its shape changes.
    """
    scores = []
    for i, fold in enumerate(folds):
        train, valid = check_fold(*fold, len(rows))
        model = fit([rows[j] for j in train])
        value = score(model, [rows[j] for j in valid])
        dtype = torch.as_tensor(value).dtype
        if dtype.is_complex or dtype == torch.bool:
            raise TypeError(f"fold {i}: expected a real score, got {dtype}")
        value = torch.as_tensor(value, dtype=torch.float64)
        if not value.isfinite().all():
            raise ValueError(f"fold {i}: expected a finite score, got {value.tolist()}")
        if scores and value.shape != scores[0].shape:
            shapes = f"{tuple(scores[0].shape)}, got {tuple(value.shape)}"
            raise ValueError(f"fold {i}: expected a score of shape {shapes}")
        scores.append(value)
    if not scores:
        raise ValueError("expected at least one fold, got none")
    return torch.stack(scores)
    # --8<-- [end:cross_val]


# --8<-- [start:check_tables]
def check_tables(A: Tensor, y: Tensor, penalty: float | Tensor) -> Tensor:
    """Return the penalties of the p columns, for a table or many at once.

    Shapes: A (..., n, p), y (..., n), penalty () or (p,), result (p,).
    Raises: TypeError unless A and y have one dtype, float32 or float64;
            ValueError if the shapes do not fit, n or p is 0, a number is not
            finite, or a penalty is negative.
    """
    if A.dtype != y.dtype or A.dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"expected one dtype, float32 or float64, got {A.dtype}, {y.dtype}"
        )
    if A.dim() < 2 or A.shape[:-1] != y.shape or 0 in A.shape:
        raise ValueError(
            "expected A (..., n, p) and y (..., n), "
            f"got {tuple(A.shape)} and {tuple(y.shape)}"
        )
    lam = torch.as_tensor(penalty, dtype=A.dtype, device=A.device)
    if lam.dim() > 1 or lam.numel() not in (1, A.shape[-1]):
        raise ValueError(f"expected a penalty () or (p,), got {tuple(lam.shape)}")
    if not ((lam >= 0) & lam.isfinite()).all():
        raise ValueError(f"expected finite penalties >= 0, got {penalty}")
    if not (A.isfinite().all() and y.isfinite().all()):
        raise ValueError("expected finite numbers in A and y, got nan or inf")
    return lam.expand(A.shape[-1])
    # --8<-- [end:check_tables]


# --8<-- [start:inverse_gram]
def inverse_gram(A: Tensor, penalties: Tensor) -> Tensor:
    """Return the inverse of A'A + diag(penalties), for a table or many at once.

    Shapes: A (..., n, p), penalties (p,), result (..., p, p).
    Raises: torch.linalg.LinAlgError if columns are dependent, to within rounding;
            ValueError if the shapes do not fit.
    """
    p = A.shape[-1]
    if penalties.shape != (p,):
        got = f"{tuple(A.shape)} and {tuple(penalties.shape)}"
        raise ValueError(f"expected A (..., n, p) and penalties (p,), got {got}")
    G = A.mT @ A + torch.diag(penalties)
    L, info = torch.linalg.cholesky_ex(G)
    good = (info == 0).all()
    if good:
        inverse = torch.cholesky_inverse(L)
        # the share of each column's square that the others do not explain
        left = 1 / (G.diagonal(dim1=-2, dim2=-1) * inverse.diagonal(dim1=-2, dim2=-1))
        good = (left > 1000 * p**0.5 * torch.finfo(A.dtype).eps).all()
    if not good:
        raise torch.linalg.LinAlgError(
            "expected columns that are independent to within rounding, or a penalty; "
            "centring them or float64 may help"
        )
    return inverse
    # --8<-- [end:inverse_gram]


# --8<-- [start:held_out]
def held_out(
    A: Tensor, y: Tensor, folds: Iterable[Fold], penalty: float | Tensor = 0.0
) -> Tensor:
    """Return each row's residual, prediction - label, while its fold is held out.

    Each fit is least squares, or ridge. Leading dimensions are tables, or
    settings, that share the folds. No bias: give A a column of ones.

    Shapes: A (..., n, p), y (..., n), penalty () or (p,), result (..., n).
    Units:  the penalty is that of the sum of squares over the training rows.
    Raises: TypeError and ValueError as `check_tables` and `check_fold`;
            ValueError unless each row is validated exactly once;
            torch.linalg.LinAlgError as `inverse_gram`.
    """
    penalties = check_tables(A, y, penalty)
    n = A.shape[-2]
    folds = [check_fold(*fold, n) for fold in folds]
    if sorted(row for _, valid in folds for row in valid) != list(range(n)):
        raise ValueError(f"expected each of {n} rows in one validation part")
    r = torch.empty_like(y)
    for train, valid in folds:
        B = A[..., train, :]
        c = B.mT @ y[..., train, None]
        theta = inverse_gram(B, penalties) @ c  # (..., p, 1)
        r[..., valid] = (A[..., valid, :] @ theta)[..., 0] - y[..., valid]
    return r
    # --8<-- [end:held_out]


# --8<-- [start:loo_residuals]
def loo_residuals(A: Tensor, y: Tensor, penalty: float | Tensor = 0.0) -> Tensor:
    """Return each row's residual, prediction - label, while it alone is left out.

    One fit, r / (1 - h), for least squares or for ridge with a fixed penalty. A
    is taken as given: if it was standardised, all rows have seen each other.

    Shapes: A (..., n, p), y (..., n), penalty () or (p,), result (..., n).
    Units:  the penalty is that of the sum of squares.
    Raises: TypeError and ValueError as `check_tables`; torch.linalg.LinAlgError
            as `inverse_gram`, and if a fit without some row has no one answer.
    """
    penalties = check_tables(A, y, penalty)
    M = inverse_gram(A, penalties) @ A.mT  # (..., p, n)
    h = (A * M.mT).sum(dim=-1)
    if not (1 - h > 1000 * A.shape[-1] ** 0.5 * torch.finfo(A.dtype).eps).all():
        raise torch.linalg.LinAlgError("a column depends on one row alone")
    r = (A @ (M @ y[..., None]))[..., 0] - y
    return r / (1 - h)
    # --8<-- [end:loo_residuals]


# --8<-- [start:mean_of_largest]
def mean_of_largest(m: int) -> float:
    """Return the mean of the largest of m independent standard normal numbers.

    The largest is below x if all m are: its density is m pdf(x) cdf(x)^(m - 1).

    Raises: TypeError if m is not a whole number; ValueError unless it is in
            1..1e9.
    """
    if not isinstance(m, Integral) or isinstance(m, bool):
        raise TypeError(f"expected a whole number m, got {m!r}")
    if not 1 <= m <= 1e9:
        raise ValueError(f"expected m in 1..1e9, got {m}")
    x = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    log_density = (m - 1) * torch.special.log_ndtr(x) - x.square() / 2
    density = m * log_density.exp() / math.sqrt(2 * math.pi)
    return torch.trapezoid(x * density, x).item()
    # --8<-- [end:mean_of_largest]
