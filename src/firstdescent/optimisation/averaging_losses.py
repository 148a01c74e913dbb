"""A training run as a path, and the largest gap between two such paths.

Page: docs/en/optimisation/averaging_losses.md
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from firstdescent.regression.coefficients import with_ones


# --8<-- [start:check_batches]
def check_batches(batches: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Return None if a linear model can be trained on `batches`, else raise.

    Shapes: a batch is X (m, d) and y (m,), m > 0, d the same for all.
    Raises: ValueError if there is no batch, or one has another shape or device;
            TypeError if a batch is not floating point, or not all have one dtype.
    """
    if not batches:
        raise ValueError("expected at least one batch, got none")
    first = batches[0][0]
    for X, y in batches:
        if X.dim() != 2 or y.shape != X.shape[:1] or len(y) == 0:
            shapes = f"{tuple(X.shape)} and {tuple(y.shape)}"
            raise ValueError(f"X (m, d), m > 0, needs y (m,), got {shapes}")
        if X.shape[1] != first.shape[1]:
            raise ValueError(f"expected {first.shape[1]} features, got {X.shape[1]}")
        if not X.device == y.device == first.device:
            raise ValueError(f"expected {first.device}, got {X.device} and {y.device}")
        if not X.is_floating_point() or not X.dtype == y.dtype == first.dtype:
            wanted = first.dtype if first.is_floating_point() else "floating point"
            raise TypeError(f"expected {wanted}, got {X.dtype} and {y.dtype}")
    # --8<-- [end:check_batches]


# --8<-- [start:one_a_step]
def one_a_step(value: float | Sequence[float], steps: int) -> list[float]:
    """Return a list with one number for each step; a single number is repeated.

    Raises: ValueError if a sequence is not `steps` long or a number not finite;
            TypeError for text.
    """
    if isinstance(value, str | bytes):
        raise TypeError(f"expected a number or a list of numbers, got {value!r}")
    many = getattr(value, "ndim", 1) > 0 and hasattr(value, "__len__")
    values = [float(v) for v in value] if many else [float(value)] * steps
    if len(values) != steps:
        raise ValueError(f"expected {steps} numbers, one a step, got {len(values)}")
    if not all(abs(v) < float("inf") for v in values):
        raise ValueError(f"expected finite numbers, got {value}")
    return values
    # --8<-- [end:one_a_step]


# --8<-- [start:trajectory]
def trajectory(
    batches: Iterable[tuple[Tensor, Tensor]],
    kind: Callable[..., Optimizer],
    reduction: str = "mean",
    *,
    lr: float | Sequence[float],
    scale: float | Sequence[float] = 1.0,
    before_step: Callable[[Tensor], object] | None = None,
    **settings: object,
) -> Tensor:
    """Return the path of a linear model that starts at 0, one step a batch.

    `kind` is a class of torch.optim, `settings` are its arguments (not LBFGS,
    which wants a closure, nor those that refuse dense vectors). `lr` and
    `scale` are one number, or a list with one a step. `before_step` gets the
    parameters once their gradient is there, and may change it: clip it, say.

    Shapes: a batch is X (m, d) and y (m,); result (steps + 1, d + 1): w, then b.
    Units:  the loss is `scale` times half the mean, or half the sum, of the
            squared residuals of the batch's own m rows; lr belongs to that loss.
    Raises: ValueError if reduction is neither "mean" nor "sum", or an lr is
            negative; FloatingPointError if a step is not finite; and as
            `check_batches` and `one_a_step`.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f'reduction must be "mean" or "sum", got {reduction!r}')
    batches = list(batches)
    check_batches(batches)
    rates, scales = one_a_step(lr, len(batches)), one_a_step(scale, len(batches))
    if min(rates) < 0:
        raise ValueError(f"expected lr >= 0, got {min(rates)}")
    X = batches[0][0]
    theta = X.new_zeros(X.shape[1] + 1, requires_grad=True)
    optimiser = kind([theta], lr=rates[0], **settings)
    path = [theta.detach().clone()]
    for (X, y), rate, factor in zip(batches, rates, scales, strict=True):
        squares = (with_ones(X) @ theta - y) ** 2  # (m,)
        reduced = squares.mean() if reduction == "mean" else squares.sum()
        optimiser.zero_grad()
        (factor * reduced / 2).backward()
        if before_step:
            before_step(theta)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        path.append(theta.detach().clone())
        if not path[-1].isfinite().all():
            raise FloatingPointError(f"step {len(path) - 1} is not finite")
    return torch.stack(path)
    # --8<-- [end:trajectory]


# --8<-- [start:largest_gap]
def largest_gap(a: Tensor, b: Tensor) -> float:
    """Return the largest absolute difference of a parameter, over all steps.

    Shapes: a and b both (steps + 1, p).
    Units:  those of the parameters; not relative.
    Raises: ValueError if the shapes differ or are empty, or a number is not
            finite; TypeError if a or b is not floating point.
    """
    if a.shape != b.shape or a.numel() == 0 or a.dim() != 2:
        shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
        raise ValueError(f"expected two paths of one shape, got {shapes}")
    if not (a.is_floating_point() and b.is_floating_point()):
        raise TypeError(f"expected floating point, got {a.dtype} and {b.dtype}")
    if not (a.isfinite().all() and b.isfinite().all()):
        raise ValueError("expected finite paths, got nan or inf")
    return (a.double() - b.double()).abs().max().item()
    # --8<-- [end:largest_gap]
