"""Inputs that moved: telling two sets apart, their density ratio, what weights cost.

Page: docs/en/deep/distribution_shift.md
"""

import torch
from torch import Generator, Tensor

from firstdescent.optimisation.irls import irls
from firstdescent.regression.coefficients import with_ones
from firstdescent.regression.house_prices import standardise


# --8<-- [start:domain_logits]
def domain_logits(
    source: Tensor, target: Tensor, at: Tensor, penalty: float = 0.0
) -> Tensor:
    """Return for each row of `at` the log-odds that it came from the target.

    A logistic regression of the two sets: source rows have the label 0, target
    rows 1. Its columns are standardised, so `penalty` has no units. In float64.

    Shapes: source (n, k), target (m, k), at (j, k), result (j,).
    Units:  the loss is a sum over the n + m rows: penalty as in `irls`.
    Raises: TypeError for complex numbers; ValueError unless all three are
            non-empty tables of k finite columns, if a column does not vary, and
            for sets that a plane separates, without penalty; and as `irls`.
    """
    for rows in (source, target, at):
        if rows.is_complex():
            raise TypeError(f"expected real numbers, got {rows.dtype}")
        if rows.dim() != 2 or rows.numel() == 0 or rows.shape[1] != source.shape[-1]:
            shapes = [tuple(t.shape) for t in (source, target, at)]
            raise ValueError(f"expected (n, k), (m, k) and (j, k), got {shapes}")
    if not at.isfinite().all():
        raise ValueError("expected finite numbers in at, got nan or inf")
    Z, mean, std = standardise(torch.cat([source.double(), target.double()]))
    side = torch.arange(len(Z), device=Z.device) >= len(source)
    fit = irls(with_ones(Z), side.double(), penalty)
    return with_ones((at.double() - mean) / std) @ fit.theta
    # --8<-- [end:domain_logits]


# --8<-- [start:density_ratio]
def density_ratio(
    source: Tensor, target: Tensor, at: Tensor, penalty: float = 0.0
) -> Tensor:
    """Return p(x) / q(x) at the rows of `at`, q the source's density, p the target's.

    The odds of `domain_logits`, times n / m. It is right if the log of the true
    ratio is linear in the columns, there are many rows, and the penalty is small
    beside them. A ratio too small for float64 is returned as 0.

    Shapes: source (n, k), target (m, k), at (j, k), result (j,).
    Raises: as `domain_logits`; ValueError if a ratio overflows.
    """
    odds = domain_logits(source, target, at, penalty).exp()
    ratio = odds * (len(source) / len(target))
    if not ratio.isfinite().all():
        raise ValueError(
            "a ratio overflows: a row of at lies far outside both sets, or the "
            "sets hardly overlap"
        )
    return ratio
    # --8<-- [end:density_ratio]


# --8<-- [start:effective_size]
def effective_size(w: Tensor) -> Tensor:
    """Return (sum of w)^2 / (sum of w^2): between 1 and n, whatever the scale of w.

    Dtypes other than float32 are counted in float64.

    Shapes: w (..., n), result (...).
    Raises: TypeError if complex; ValueError if n = 0, a weight is negative or not
            finite, or all weights are 0.
    """
    if w.is_complex():
        raise TypeError(f"expected real weights, got {w.dtype}")
    if w.dim() == 0 or w.shape[-1] == 0:
        raise ValueError(f"expected weights (..., n), n > 0, got {tuple(w.shape)}")
    if not ((w >= 0) & w.isfinite()).all():
        raise ValueError("weights must be finite and not negative")
    w = w if w.dtype == torch.float32 else w.double()
    largest = w.amax(dim=-1, keepdim=True)
    if not (largest > 0).all():
        raise ValueError("expected a weight above 0")
    share = w / largest  # so that no square overflows
    return share.sum(dim=-1) ** 2 / share.square().sum(dim=-1)
    # --8<-- [end:effective_size]


# --8<-- [start:doubled_ranks]
def doubled_ranks(source: Tensor, target: Tensor) -> Tensor:
    """Return twice the rank of each score among all, those of the source first.

    The lowest has rank 1. Equal scores share the mean of their ranks, so twice a
    rank is a whole number, and sums of them are exact.

    Shapes: source (n,), target (m,), result (n + m,), int64.
    Raises: TypeError if complex, or if the dtypes differ; ValueError unless n and
            m are positive, or if a score is nan.
    """
    if source.dtype != target.dtype or source.is_complex():
        kinds = f"{source.dtype} and {target.dtype}"
        raise TypeError(f"expected real scores of one dtype, got {kinds}")
    if source.dim() != 1 or target.dim() != 1 or not len(source) * len(target):
        shapes = f"{tuple(source.shape)} and {tuple(target.shape)}"
        raise ValueError(f"expected scores (n,) and (m,), n, m > 0, got {shapes}")
    scores = torch.cat([source, target])
    if scores.isnan().any():
        raise ValueError("expected numbers, got nan among the scores")
    _, own, count = scores.unique(return_inverse=True, return_counts=True)
    return (2 * count.cumsum(dim=0) - count + 1)[own]
    # --8<-- [end:doubled_ranks]


# --8<-- [start:auc]
def auc(source: Tensor, target: Tensor) -> float:
    """Return the share of pairs in which the target's score is the higher one.

    A pair is one source and one target score; equal ones count half. Exact, and
    without making the n m pairs: it needs only the ranks.

    Shapes: source (n,), target (m,).
    Raises: as `doubled_ranks`.
    """
    ranks = doubled_ranks(source, target)
    n, m = len(source), len(target)
    total = ranks[n:].sum().item()
    return (total - m * (m + 1)) / (2 * n * m)
    # --8<-- [end:auc]


# --8<-- [start:permutation_p]
def permutation_p(
    source: Tensor, target: Tensor, generator: Generator, times: int = 999
) -> float:
    """Return how rarely shuffled scores have an AUC as high: a p-value.

    One-sided, and never 0: the scores as they are count as one of the shuffles.
    Valid for scores of rows that the classifier was not fitted to.

    Shapes: source (n,), target (m,); the generator is on the CPU.
    Raises: ValueError if times < 1; and as `doubled_ranks`.
    """
    if times < 1:
        raise ValueError(f"times must be at least 1, got {times}")
    ranks = doubled_ranks(source, target).cpu()
    m = len(target)
    reached = ranks[-m:].sum()
    hits = 0
    for _ in range(times):
        drawn = torch.randperm(len(ranks), generator=generator)[:m]
        hits += int(ranks[drawn].sum() >= reached)
    return (1 + hits) / (1 + times)
    # --8<-- [end:permutation_p]
