"""Dropout, the ridge it is on a linear model, and passes with dropout left on.

Page: docs/en/deep/dropout.md
"""

from numbers import Integral, Real

import torch
from torch import Generator, Tensor, nn

from firstdescent.regression.rank_deficiency import check_labels, ridge


# --8<-- [start:check_rate]
def check_rate(p: float) -> float:
    """Return p as a float, or raise if it is no probability.

    Raises: TypeError if p is no real number; ValueError unless 0 <= p <= 1.
    """
    if isinstance(p, bool) or not isinstance(p, Real):
        raise TypeError(f"expected a number for the rate p, got {p!r}")
    if not 0 <= p <= 1:
        raise ValueError(f"expected a rate p with 0 <= p <= 1, got {p}")
    return float(p)
    # --8<-- [end:check_rate]


# --8<-- [start:dropout]
def dropout(
    x: Tensor, p: float, training: bool, generator: Generator | None = None
) -> Tensor:
    """Return x with each entry 0 with probability p, else divided by 1 - p.

    Without `training`, or for p = 0, it is x itself, not a copy. For p = 1 all
    is 0. A dropped inf or nan becomes 0 too (nn.functional.dropout makes it nan).
    In float16 a large entry, divided by a small 1 - p, can overflow to inf.
    A generator may live on another device than x.

    Shapes: x and result of any shape, the same.
    Raises: TypeError if x is not of floating point, p no number or training no
            bool; ValueError unless 0 <= p <= 1.
    """
    p = check_rate(p)
    if not x.is_floating_point():
        raise TypeError(f"expected a floating-point x, got {x.dtype}")
    if not isinstance(training, bool):
        raise TypeError(f"expected True or False for training, got {training!r}")
    if not training or p == 0:
        return x
    device = x.device if generator is None else generator.device
    draws = torch.rand(x.shape, generator=generator, device=device, dtype=torch.float64)
    kept = x.masked_fill((draws < p).to(x.device), 0)
    return kept / (1 - p) if p < 1 else kept
    # --8<-- [end:dropout]


# --8<-- [start:dropout_ridge]
def dropout_ridge(X: Tensor, y: Tensor, p: float) -> Tensor:
    """Return w with the least mean of |y - dropout(X) w|^2 over all masks.

    That is ridge with a penalty of its own for each weight, p / (1 - p) times
    its column's sum of squares: one penalty, p / (1 - p), once each column has
    length 1. No intercept: centre X and y first. A column of zeros gets 0.

    Shapes: X (n, d), y (n,), result (d,).
    Units:  the square is a sum over rows; a mean has the same minimum.
    Raises: ValueError if p = 1, where nothing is left to fit, if X is not
            (n, d) with n, d > 0, or if a weight overflows; TypeError if X is not
            float32 or float64; as `check_rate`, `check_labels` and `ridge` (p = 0
            needs independent columns).
    """
    p = check_rate(p)
    if p == 1:
        raise ValueError("expected a rate p < 1, got 1")
    if X.dim() != 2 or X.numel() == 0:
        raise ValueError(f"expected X (n, d) with n, d > 0, got {tuple(X.shape)}")
    if X.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected X in float32 or float64, got {X.dtype}")
    check_labels(X, y)
    most = X.abs().amax(dim=0)
    most = most.where(most > 0, 1)
    length = (X / most).norm(dim=0)  # without overflow
    length = length.where(length > 0, 1)
    w = ridge(X / most / length, y, p / (1 - p)) / length / most
    if not w.isfinite().all():
        raise ValueError(f"a weight overflows in {X.dtype}")
    return w
    # --8<-- [end:dropout_ridge]


# --8<-- [start:mc_dropout]
def mc_dropout(net: nn.Module, x: Tensor, times: int) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of net(x) over passes with dropout on.

    Batch and instance normalisation stay in evaluation, all other modules train:
    so dropout inside attention, an LSTM or F.dropout(..., self.training) is on
    too. No graph; afterwards each module's mode is as it was.

    Shapes: as net(x), both.
    Raises: TypeError if times is no integer or net(x) no floating-point tensor;
            ValueError if times < 2, or if no module of net has a rate above 0
            as its `p` or `dropout`.
    """
    if isinstance(times, bool) or not isinstance(times, Integral):
        raise TypeError(f"expected an integer number of passes, got {times!r}")
    if times < 2:
        raise ValueError(f"expected 2 or more passes, got {times}")
    modes = [(part, part.training) for part in net.modules()]
    rates = [getattr(part, k, 0) for part, _ in modes for k in ("p", "dropout")]
    if not any(isinstance(rate, Real) and rate > 0 for rate in rates):
        raise ValueError("expected a net with dropout, found no rate above 0")
    try:
        for part, _ in modes:
            part.training = not isinstance(part, nn.modules.batchnorm._NormBase)
        with torch.no_grad():
            outputs = [net(x) for _ in range(times)]
    finally:
        for part, mode in modes:
            part.training = mode
    if not isinstance(outputs[0], Tensor) or not outputs[0].is_floating_point():
        raise TypeError("expected a net that returns one floating-point tensor")
    passes = torch.stack(outputs)
    return passes.mean(dim=0), passes.std(dim=0)
    # --8<-- [end:mc_dropout]
