"""Tables of probabilities: their sums, their quotients, and Bayes' rule.

Page: docs/en/estimation/probability.md
"""

import torch
from torch import Tensor


# --8<-- [start:check_probs]
def check_probs(p: Tensor, dim: int | None = None) -> None:
    """Return None if p holds probabilities that add up to 1, else raise.

    A sum may differ from 1 by rounding: 6e-6 in float32, 1.8e-12 in float64.
    Numbers that were float32 before they became float64 mostly fail: their
    rounding shows, unless it cancels in the sum.

    Shapes: p (any); with `dim`, each slice along it has to add up to 1.
    Raises: TypeError unless p is float32 or float64; ValueError if p is empty,
            a number is negative, inf or nan, or a sum is not 1.
    """
    if p.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64 numbers, got {p.dtype}")
    if p.numel() == 0 or not ((p >= 0) & p.isfinite()).all():
        raise ValueError("expected probabilities, got none, a negative, inf or nan")
    total = p.double().sum(dim=dim)
    off = total[(total - 1).abs() > torch.finfo(p.dtype).eps ** 0.75]
    if len(off):
        raise ValueError(f"expected probabilities of sum 1, got {off[0].item():.9g}")
    # --8<-- [end:check_probs]


# --8<-- [start:marginals]
def marginals(joint: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of the rows and the sums of the columns of a joint table.

    Shapes: joint (a, b), results (a,) and (b,).
    Raises: ValueError if joint is not (a, b); and as `check_probs`.
    """
    if joint.dim() != 2:
        raise ValueError(f"expected a table (a, b), got {tuple(joint.shape)}")
    check_probs(joint)
    return joint.sum(dim=1), joint.sum(dim=0)
    # --8<-- [end:marginals]


# --8<-- [start:conditional]
def conditional(joint: Tensor, dim: int) -> Tensor:
    """Return a joint table whose slices along dim are divided by their sums.

    As in `softmax`, what runs along `dim` then adds up to 1: dim=1 gives
    P(column | row), dim=0 gives P(row | column).

    Shapes: joint (a, b), result (a, b).
    Raises: ValueError if dim is not the int 0 or 1, or a slice has
            probability 0; and as `marginals`.
    """
    if type(dim) is not int or dim not in (0, 1):
        raise ValueError(f"expected dim 0 or 1, got {dim}")
    rows, columns = marginals(joint)
    given = rows[:, None] if dim == 1 else columns
    if (given == 0).any():
        raise ValueError("nothing is conditional on an event of probability 0")
    return joint / given
    # --8<-- [end:conditional]


# --8<-- [start:is_independent]
def is_independent(joint: Tensor, atol: float) -> bool:
    """Return whether each cell is the product of its marginals, up to atol.

    Shapes: joint (a, b).
    Units:  atol is an absolute difference of probabilities: choose it far
            below the smallest product of two marginals.
    Raises: ValueError unless 0 <= atol < 1; and as `marginals`.
    """
    if not 0 <= atol < 1:
        raise ValueError(f"expected 0 <= atol < 1, got {atol}")
    product = torch.outer(*marginals(joint))
    return bool((joint - product).abs().max() <= atol)
    # --8<-- [end:is_independent]


# --8<-- [start:bayes]
def bayes(prior: Tensor, likelihood: Tensor, observed: int) -> Tensor:
    """Return the probabilities of k causes after an outcome was observed.

    Shapes: prior (k,), likelihood (k, m): row i holds the probabilities of the
            m outcomes if cause i is true; result (k,).
    Raises: ValueError unless the shapes fit, prior and rows add up to 1,
            0 <= observed < m, and this outcome is possible; TypeError if
            dtypes differ, observed is no int, or as `check_probs`.
    """
    if prior.dim() != 1 or likelihood.dim() != 2 or len(prior) != len(likelihood):
        got = f"{tuple(prior.shape)} and {tuple(likelihood.shape)}"
        raise ValueError(f"expected prior (k,) and likelihood (k, m), got {got}")
    if prior.dtype != likelihood.dtype or type(observed) is not int:
        got = f"{prior.dtype}, {likelihood.dtype}, {type(observed).__name__}"
        raise TypeError(f"expected two tensors of one dtype and an int, got {got}")
    check_probs(prior)
    check_probs(likelihood, dim=1)
    if not 0 <= observed < likelihood.shape[1]:
        raise ValueError(f"expected 0 <= observed < m, got {observed}")
    seen = torch.where(prior > 0, likelihood[:, observed], 0)  # (k,)
    product = prior * (seen / seen.max())  # the scale cancels
    if not product.sum() > 0:
        raise ValueError(f"outcome {observed} has probability 0 under this prior")
    return product / product.sum()
    # --8<-- [end:bayes]


# --8<-- [start:running_mean]
def running_mean(x: Tensor) -> Tensor:
    """Return the means of the first 1, 2, ..., n numbers, added up in float64.

    Shapes: x (..., n), n > 0, result (..., n).
    Raises: TypeError unless x is float32 or float64; ValueError if n = 0, x is
            not finite, or its sums overflow.
    """
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64 numbers, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] == 0:
        raise ValueError(f"expected x (..., n > 0), got {tuple(x.shape)}")
    sums = x.double().cumsum(dim=-1)
    if not sums.isfinite().all():
        raise ValueError("expected finite numbers with finite sums")
    count = torch.arange(1, x.shape[-1] + 1, device=x.device)
    return (sums / count).to(x.dtype)
    # --8<-- [end:running_mean]
