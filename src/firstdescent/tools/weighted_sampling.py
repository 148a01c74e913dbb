"""What a WeightedRandomSampler changes in a fitted model, and how to undo it.

Page: docs/en/tools/weighted_sampling.md
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


# --8<-- [start:balanced_weights]
def balanced_weights(y: Tensor) -> Tensor:
    """Return for each row 1 / (number of rows of its class), in float64.

    Each class weighs 1 in all, so a draw by weight takes each equally often.

    Shapes: y (n,), result (n,).
    Raises: ValueError if `y` is empty, not a vector, or holds nan.
    """
    if y.ndim != 1 or len(y) == 0:
        raise ValueError(f"expected labels (n,), n > 0, got {tuple(y.shape)}")
    if y.isnan().any():
        raise ValueError("expected labels, got nan among them")
    _, own, count = y.unique(return_inverse=True, return_counts=True)
    return (1 / count.double())[own]
    # --8<-- [end:balanced_weights]


# --8<-- [start:fit_logistic]
def fit_logistic(
    X: Tensor, y: Tensor, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the slopes w and the intercept b with the smallest log-loss.

    If a line separates the classes, none is smallest and w only gets long.

    Shapes: X (n, d), y (n,) of 0.0 and 1.0, weights (n,), w (d,), b ().
    Units:  the loss is the weighted mean over rows, in nats.
    Raises: ValueError if shapes disagree, `y` does not hold both 0 and 1, a weight
            is negative, or all weights of a label are 0.
    """
    weights = torch.ones_like(y) if weights is None else weights
    if not X.shape[:-1] == y.shape == weights.shape == (len(X),):
        shapes = [tuple(t.shape) for t in (X, y, weights)]
        raise ValueError(f"expected (n, d), (n,) and (n,), got {shapes}")
    if (labels := y.unique().tolist()) != [0, 1]:
        raise ValueError(f"expected labels 0 and 1, got {labels}")
    if (weights < 0).any() or not (weights * y).any() or not (weights * (1 - y)).any():
        raise ValueError("expected weights >= 0, and some above 0 for each label")
    centre = X.mean(0)  # else columns far from 0 would stop L-BFGS early
    w = X.new_zeros(X.shape[1], requires_grad=True)
    b = X.new_zeros((), requires_grad=True)
    how = {"line_search_fn": "strong_wolfe", "tolerance_change": 1e-12}
    optimiser = torch.optim.LBFGS([w, b], max_iter=100, **how)

    def loss() -> Tensor:
        optimiser.zero_grad()
        scores = (X - centre) @ w + b
        each = binary_cross_entropy_with_logits(scores, y, reduction="none")
        mean = (weights * each).sum() / weights.sum()
        mean.backward()
        return mean

    optimiser.step(loss)  # L-BFGS asks for the loss many times in one step
    return w.detach(), (b - centre @ w).detach()
    # --8<-- [end:fit_logistic]


# --8<-- [start:precision_recall]
def precision_recall(score: Tensor, y: Tensor, threshold: float) -> tuple[float, float]:
    """Return (precision, recall) of raising an alarm where score > threshold.

    Precision is nan without alarms, recall is nan without positives.

    Shapes: score (n,), y (n,) of 0 and 1.
    Raises: ValueError if shapes disagree, a label is neither 0 nor 1, or a score or
            the threshold is nan.
    """
    if score.shape != y.shape:
        both = f"{tuple(score.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected a score for each label, got {both}")
    if score.isnan().any() or threshold != threshold:
        raise ValueError("expected scores and a threshold, got nan among them")
    if not ((y == 0) | (y == 1)).all():
        raise ValueError(f"expected labels 0 and 1, got {y.unique().tolist()}")
    alarm, positive = score > threshold, y == 1
    hits = (alarm & positive).sum().double()
    return (hits / alarm.sum()).item(), (hits / positive.sum()).item()
    # --8<-- [end:precision_recall]


# --8<-- [start:prior_correction]
def prior_correction(logit: Tensor, share: float, drawn: float) -> Tensor:
    """Return the log-odds where positives have the share `share`.

    `logit` came from a fit to rows among which they had the share `drawn`.

    Shapes: logit (any), result the same.
    Raises: ValueError if a share is not strictly between 0 and 1.
    """
    for s in (share, drawn):
        if not 0 < s < 1:
            raise ValueError(f"expected shares between 0 and 1, got {s}")
    return logit - math.log(drawn / (1 - drawn)) + math.log(share / (1 - share))
    # --8<-- [end:prior_correction]
