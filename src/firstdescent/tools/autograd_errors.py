"""Finding the mistakes around a backward pass: those that raise, those that do not.

Page: docs/en/tools/autograd_errors.md
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from firstdescent.tools.autograd import graph_nodes


# --8<-- [start:fit_on_total]
def fit_on_total(x: Tensor, y: Tensor, lr: float, rounds: int, detach: bool) -> list:
    """Return (w, w.grad, nodes in the graph) of each round of a fit of y = w x.

    Each round adds its loss to a running total and goes backward from the total.
    With `detach`, the total so far enters as a number; without, its graph is retained.

    Shapes: x (n,), y (n,); w () starts at 0.
    Units:  the loss of a round is a mean of squares, halved.
    Raises: ValueError if x and y are not two vectors of one length n > 0, or if w
            leaves the finite numbers.
    """
    if x.shape != y.shape or x.ndim != 1 or len(x) == 0:
        shapes = f"{tuple(x.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected two vectors of one length n > 0, got {shapes}")
    w = x.new_zeros((), requires_grad=True)
    total, seen = x.new_zeros(()), []
    for _ in range(rounds):
        w.grad = None  # cleared, each round
        loss = ((w * x - y) ** 2).mean() / 2
        total = (total.detach() if detach else total) + loss
        total.backward(retain_graph=not detach)
        seen.append((w.item(), w.grad.item(), len(graph_nodes(total))))
        with torch.no_grad():
            w -= lr * w.grad
    if not w.isfinite():
        raise ValueError(f"expected a finite path, got w = {w.item()}: lr is {lr}")
    return seen
    # --8<-- [end:fit_on_total]


# --8<-- [start:blame]
def blame(program: Callable[[], Tensor]) -> tuple[str, str]:
    """Return the node whose backward failed, and the line that recorded it.

    It runs `program` and goes backward from its result, in anomaly mode.

    Shapes: the result of program is one number.
    Raises: ValueError if the backward pass does not fail; what it raised if no
            node is to blame, or one that was recorded outside `program`.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with torch.autograd.set_detect_anomaly(True):
                program().backward()
        except RuntimeError:
            reports = [str(warning.message) for warning in caught]
            for lines in (report.splitlines() for report in reports):
                if lines[0].startswith("Error detected in ") and len(lines) > 2:
                    return lines[0].split(".")[0], lines[-2].strip()
            raise
    raise ValueError("expected a backward pass that fails, and it did not")
    # --8<-- [end:blame]


# --8<-- [start:safe_sqrt]
def safe_sqrt(t: Tensor) -> Tensor:
    """Return sqrt(t) where t > 0, and 0 with slope 0 where t <= 0; nan stays nan.

    Shapes: t (any), result the same.
    """
    outside = t <= 0
    inside = torch.where(outside, 1.0, t)  # sqrt never sees 0 or less
    return torch.where(outside, 0.0, inside.sqrt())
    # --8<-- [end:safe_sqrt]


# --8<-- [start:grad_report]
def grad_report(params: dict[str, Tensor]) -> dict[str, str]:
    """Return for each name "none", "not finite: k of n", "zero" or "fine".

    Shapes: params (any), leaves after a backward().
    """
    report = {}
    for name, param in params.items():
        g = param.grad
        if g is None:
            report[name] = "none"
        elif not g.isfinite().all():
            report[name] = f"not finite: {(~g.isfinite()).sum()} of {g.numel()}"
        else:
            report[name] = "fine" if g.any() else "zero"
    return report
    # --8<-- [end:grad_report]
