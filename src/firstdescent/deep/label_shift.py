"""Label shift: the new shares of the classes without new labels, and their use.

Page: docs/en/deep/label_shift.md
"""

import torch
from torch import Tensor


# --8<-- [start:count_labels]
def count_labels(labels: Tensor, k: int) -> Tensor:
    """Return how often each of the labels 0, ..., k - 1 occurs, as float64.

    Shapes: labels (..., n), result (..., k): one count per row of n labels.
    Raises: TypeError if the labels are not integers; ValueError if k < 1, there
            are no labels, or one is negative or not below k.
    """
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"expected integer labels, got {labels.dtype}")
    if k < 1:
        raise ValueError(f"expected at least one class, got k = {k}")
    if labels.numel() == 0 or labels.dim() == 0:
        raise ValueError(f"expected labels (..., n), n > 0, got {tuple(labels.shape)}")
    low, high = labels.min().item(), labels.max().item()
    if low < 0 or high >= k:
        raise ValueError(f"expected labels 0 to {k - 1}, got {low} to {high}")
    rows = labels.long().reshape(-1, labels.shape[-1])
    first = k * torch.arange(len(rows), device=labels.device)[:, None]
    total = torch.bincount((rows + first).flatten(), minlength=k * len(rows))
    return total.view(*labels.shape[:-1], k).double()
    # --8<-- [end:count_labels]


# --8<-- [start:confusion]
def confusion(predicted: Tensor, y: Tensor, k: int) -> Tensor:
    """Return C: C[i, j] is the share predicted as i among the rows of class j.

    Its columns sum to 1. Use labelled rows that the classifier was not fitted to.

    Shapes: predicted (..., n), y (..., n), result (..., k, k), float64.
    Raises: ValueError if the shapes differ or a class has no row; and as
            `count_labels`.
    """
    if predicted.shape != y.shape:
        both = f"{tuple(predicted.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected a prediction for each label, got {both}")
    count_labels(predicted, k)
    rows = count_labels(y, k)  # (..., k)
    if (rows == 0).any():
        missing = (rows == 0).nonzero()[0, -1].item()
        raise ValueError(f"no row of class {missing}: its column of C is unknown")
    pairs = count_labels(predicted.long() * k + y, k * k)
    return pairs.unflatten(-1, (k, k)) / rows[..., None, :]
    # --8<-- [end:confusion]


# --8<-- [start:label_shares]
def label_shares(C: Tensor, predicted: Tensor) -> Tensor:
    """Return the shares p of the classes that solve C p = shares of `predicted`.

    They sum to 1. Entries below 0 are left as they are; see `nearest_shares`.

    Shapes: C (..., k, k), predicted (..., m), result (..., k), float64.
    Raises: TypeError if C does not hold real floating-point numbers; ValueError
            unless C is square, not negative, and its columns sum to 1 (a joint or
            row-normalised matrix), if it is singular, or if the leading dimensions
            do not fit; and as `count_labels`.
    """
    if not C.is_floating_point():
        raise TypeError(f"expected real floating-point numbers in C, got {C.dtype}")
    if C.dim() < 2 or C.shape[-1] != C.shape[-2] or C.shape[-1] == 0:
        raise ValueError(f"expected C (..., k, k), got {tuple(C.shape)}")
    for a, b in zip(C.shape[-3::-1], predicted.shape[-2::-1], strict=False):
        if a != b and 1 not in (a, b):
            both = f"{tuple(C.shape)} and {tuple(predicted.shape)}"
            raise ValueError(f"expected C (..., k, k) and rows (..., m), got {both}")
    C, k = C.double(), C.shape[-1]
    if not ((C >= 0).all() and ((C.sum(dim=-2) - 1).abs() < 1e-5).all()):
        raise ValueError("expected columns of C that sum to 1, and no negative entry")
    stretch = torch.linalg.svdvals(C)  # (..., k), largest first
    if (stretch[..., -1] <= 1e-12 * stretch[..., 0]).any():
        raise ValueError("C is singular: the predictions cannot tell the classes apart")
    mu = count_labels(predicted, k) / predicted.shape[-1]
    return torch.linalg.solve(C, mu[..., None])[..., 0]
    # --8<-- [end:label_shares]


# --8<-- [start:nearest_shares]
def nearest_shares(p: Tensor) -> Tensor:
    """Return the nearest shares to p: not negative, and with the sum 1.

    Nearest in the Euclidean distance: one number is taken from all entries, and
    what falls below 0 becomes 0.

    Shapes: p (..., k), result (..., k).
    Raises: TypeError if p does not hold real floating-point numbers; ValueError if
            it is empty or holds nan or inf.
    Source: Duchi, Shalev-Shwartz, Singer, Chandra (2008), Efficient projections
            onto the l1-ball, figure 1.
    """
    if not p.is_floating_point():
        raise TypeError(f"expected real floating-point numbers, got {p.dtype}")
    if p.dim() == 0 or p.numel() == 0 or not p.isfinite().all():
        raise ValueError(f"expected finite p (..., k), k > 0, got {tuple(p.shape)}")
    p = p - p.amax(dim=-1, keepdim=True)  # moves the nearest shares nowhere
    falling = p.sort(dim=-1, descending=True).values
    rank = torch.arange(1, p.shape[-1] + 1, device=p.device)
    excess = (falling.cumsum(dim=-1) - 1) / rank  # if the `rank` largest stay
    stay = (falling > excess).sum(dim=-1, keepdim=True)
    return (p - excess.gather(-1, stay - 1)).clamp(min=0)
    # --8<-- [end:nearest_shares]


# --8<-- [start:rescale]
def rescale(P: Tensor, w: Tensor) -> Tensor:
    """Return the probabilities P, times the weights w of the classes, normalised.

    Shapes: P (..., m, k), w (..., k), result (..., m, k).
    Raises: TypeError if either does not hold real floating-point numbers;
            ValueError if the shapes do not match, an entry is negative or not
            finite, or in a row all products are 0.
    """
    if not (P.is_floating_point() and w.is_floating_point()):
        raise TypeError(f"expected floating point, got {P.dtype} and {w.dtype}")
    if P.dim() < 2 or w.dim() < 1 or P.shape[-1] != w.shape[-1] or not P.numel():
        both = f"{tuple(P.shape)} and {tuple(w.shape)}"
        raise ValueError(f"expected P (..., m, k) and w (..., k), got {both}")
    for name, values in {"P": P, "w": w}.items():
        if not ((values >= 0) & values.isfinite()).all():
            raise ValueError(f"expected finite numbers >= 0 in {name}")
    P, w = (v / v.amax(-1, True).clamp(min=torch.finfo(v.dtype).tiny) for v in (P, w))
    product = P * w[..., None, :]
    total = product.sum(dim=-1, keepdim=True)
    if (total == 0).any():
        raise ValueError("a row has no class left: w is 0 for all its classes")
    return product / total
    # --8<-- [end:rescale]


# --8<-- [start:em_shares]
def em_shares(P: Tensor, q: Tensor, tol: float = 1e-6, steps: int = 10_000) -> Tensor:
    """Return shares p under which the target's rows are, nearly, most likely.

    P are the classifier's probabilities in the source, where the shares were q.
    They must be calibrated. Stops when no share moves by more than tol in a step:
    where the classes overlap, the maximum may be hundreds of tol away.

    Shapes: P (..., m, k), q (k,), result (..., k), float64.
    Units:  the likelihood needs no scale: the density of x drops out.
    Raises: TypeError if P or q does not hold real floating-point numbers; ValueError
            unless q holds k positive shares with the sum 1; RuntimeError if the
            shares still move after `steps` steps; and as `rescale`.
    """
    if not (P.is_floating_point() and q.is_floating_point()):
        raise TypeError(f"expected floating point, got {P.dtype} and {q.dtype}")
    q = q.double()
    if q.dim() != 1 or not (q > 0).all() or not abs(q.sum().item() - 1) < 1e-5:
        raise ValueError(f"expected positive shares with the sum 1, got {q.tolist()}")
    P = P.double()
    p = rescale(P, torch.ones_like(q)).mean(dim=-2)  # the first step; checks P
    for _ in range(steps):
        w = p / q
        new = w * (P / (P @ w[..., None])).mean(dim=-2)  # mean of rescale(P, w)
        if (new - p).abs().max() <= tol:
            return new
        p = new
    raise RuntimeError(f"the shares still move after {steps} steps")
    # --8<-- [end:em_shares]


# --8<-- [start:class_means]
def class_means(values: Tensor, y: Tensor, k: int) -> Tensor:
    """Return the mean of the values in each of the k classes.

    Shapes: values (..., n), y (..., n), result (..., k), float64.
    Raises: TypeError if the values are not real floating-point numbers; ValueError
            if the shapes differ, a value is nan or inf, or a class has no row; and
            as `count_labels`.
    """
    if not values.is_floating_point():
        raise TypeError(f"expected real floating-point values, got {values.dtype}")
    if values.shape != y.shape or not values.isfinite().all():
        both = f"{tuple(values.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected a finite value for each label, got {both}")
    rows = count_labels(y, k)
    if (rows == 0).any():
        missing = (rows == 0).nonzero()[0, -1].item()
        raise ValueError(f"no row of class {missing}: its mean is unknown")
    total = [(values.double() * (y == j)).sum(dim=-1) for j in range(k)]
    return torch.stack(total, dim=-1) / rows
    # --8<-- [end:class_means]


# --8<-- [start:mixture_se]
def mixture_se(source: Tensor, y: Tensor, target: Tensor, p: Tensor) -> Tensor:
    """Return the standard error of mean(target) - sum of p_j mean(source of class j).

    The rows of both sets are independent, p is held fixed.

    Shapes: source (..., n), y (..., n), target (..., m), p (..., k), result (...).
    Raises: TypeError if target or p does not hold real floating-point numbers, or
            source complex ones;
            ValueError if one holds nan or inf, p is (), m < 2, or a class has
            fewer than 2 rows; and as `class_means`.
    """
    for name, values in {"target": target, "p": p}.items():
        if not values.is_floating_point():
            raise TypeError(f"expected floating point in {name}, got {values.dtype}")
        if values.dim() == 0 or not values.isfinite().all():
            raise ValueError(f"expected a row of finite numbers in {name}")
    if source.is_complex():
        raise TypeError(f"expected real numbers in source, got {source.dtype}")
    source, target, k = source.double(), target.double(), p.shape[-1]
    rows = count_labels(y, k)
    if target.shape[-1] < 2 or (rows < 2).any():
        raise ValueError("expected two target rows, and two source rows of each class")
    gap = source - class_means(source, y, k).gather(-1, y.long())
    spread = class_means(gap**2, y, k) / (rows - 1)  # variance / rows
    noise = target.var(dim=-1) / target.shape[-1]
    return (noise + (p**2 * spread).sum(dim=-1)).sqrt()
    # --8<-- [end:mixture_se]
