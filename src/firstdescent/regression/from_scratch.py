"""Linear regression by a training loop in which every line is written by hand.

Page: docs/en/regression/from_scratch.md
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Generator, Tensor

from firstdescent.regression.house_prices import predict, squared_loss


# --8<-- [start:synthetic_linear]
def synthetic_linear(
    w: Tensor, b: float, n: int, sigma: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Return n rows of standard normal features X and labels y = X w + b + noise.

    The noise is normal, with mean 0 and standard deviation `sigma`.

    Shapes: w (d,), X (n, d), y (n,); all on the CPU, in w's dtype.
    Units:  sigma is in units of y.
    Raises: ValueError if w is not (d,), n < 1, or sigma is negative or infinite;
            TypeError if w is not floating point.
    """
    if w.dim() != 1 or len(w) == 0:
        raise ValueError(f"w must be (d,) with d > 0, got {tuple(w.shape)}")
    if not w.is_floating_point():
        raise TypeError(f"w must be floating point, got {w.dtype}")
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    if not 0 <= sigma < float("inf"):
        raise ValueError(f"sigma must be finite and not negative, got {sigma}")
    X = torch.randn(n, len(w), generator=generator, dtype=w.dtype)
    noise = sigma * torch.randn(n, generator=generator, dtype=w.dtype)
    return X, X @ w + b + noise
    # --8<-- [end:synthetic_linear]


# --8<-- [start:data_iter]
def data_iter(
    batch_size: int, X: Tensor, y: Tensor, generator: Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Return an iterator over the rows in random order, `batch_size` at a time.

    Each row comes once. The last batch is shorter if batch_size does not
    divide n. Arguments are checked when the first batch is asked for.

    Shapes: X (n, d), y (n,); a batch is (m, d) and (m,), m <= batch_size.
    Raises: ValueError if batch_size < 1, n = 0, or X and y differ in n.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if len(X) != len(y) or len(X) == 0:
        raise ValueError(f"X and y must have n > 0 rows, got {len(X)} and {len(y)}")
    order = torch.randperm(len(X), generator=generator)
    for rows in order.split(batch_size):
        yield X[rows], y[rows]
    # --8<-- [end:data_iter]


# --8<-- [start:sgd_]
def sgd_(params: Iterable[Tensor], lr: float) -> None:
    """Move each parameter by -lr times its gradient, in place; zero the gradient.

    Shapes: any.
    Units:  for a loss that is a mean. If it is a sum over m examples, the
            gradient is m times as long and lr must be m times smaller.
    Raises: ValueError if lr is not positive or a parameter has no gradient.
    """
    if not 0 < lr < float("inf"):
        raise ValueError(f"lr must be positive and finite, got {lr}")
    params = list(params)  # what parameters() returns can be walked once only
    if any(param.grad is None for param in params):
        raise ValueError("a parameter has no gradient: call backward() first")
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad
            param.grad.zero_()
    # --8<-- [end:sgd_]


# --8<-- [start:train]
def train(
    X: Tensor,
    y: Tensor,
    lr: float,
    batch_size: int,
    epochs: int,
    generator: Generator,
    start: float = 0.0,
) -> Tensor:
    """Return the parameters before the first update and after each one.

    Shapes: X (n, d), y (n,), result (updates + 1, d + 1): w, then b, in a row.
    Units:  lr is for `squared_loss`, a mean with a half in it.
    Raises: ValueError if X is not (n, d), y not (n,), a number is not finite,
            epochs < 0, or as `data_iter` and `sgd_` do; TypeError if X is not
            floating point; FloatingPointError on overflow.
    """
    if X.dim() != 2 or y.shape != X.shape[:1]:
        shapes = f"{tuple(X.shape)} and {tuple(y.shape)}"
        raise ValueError(f"X (n, d) needs y (n,), got {shapes}")
    if not X.is_floating_point():
        raise TypeError(f"X must be floating point, got {X.dtype}")
    if epochs < 0:
        raise ValueError(f"epochs must be at least 0, got {epochs}")
    if not (X.isfinite().all() and y.isfinite().all() and abs(start) < float("inf")):
        raise ValueError("X, y and start must be finite, got nan or inf")
    w = X.new_full((X.shape[1],), start, requires_grad=True)
    b = X.new_full((), start, requires_grad=True)
    path = [torch.hstack([w, b]).detach()]
    for _ in range(epochs):
        for X_batch, y_batch in data_iter(batch_size, X, y, generator):
            y_hat = predict(X_batch, w, b)
            loss = squared_loss(y_hat, y_batch)
            loss.backward()
            sgd_([w, b], lr)
            path.append(torch.hstack([w, b]).detach())
    if not path[-1].isfinite().all():
        raise FloatingPointError(f"the parameters overflowed: lr {lr} is too large")
    return torch.stack(path)
    # --8<-- [end:train]
