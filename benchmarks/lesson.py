"""What the pages of the benchmark include: two regions, as a module of src has them."""

import torch
from torch import Tensor


# --8<-- [start:line_data]
def line_data(
    n: int, sigma: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return inputs (n, 2) and noisy labels (n,) of a line whose weights are known."""
    if n < 1 or sigma < 0:
        raise ValueError(f"expected n >= 1 and sigma >= 0, got {n} and {sigma}")
    X = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    noise = sigma * torch.randn(n, generator=generator, dtype=torch.float64)
    return X, X @ torch.tensor([2.0, -3.4], dtype=torch.float64) + noise
    # --8<-- [end:line_data]


# --8<-- [start:descend]
def descend(X: Tensor, y: Tensor, lr: float, steps: int) -> tuple[Tensor, list[float]]:
    """Return the weights after `steps` of descent, and the loss before each."""
    if not 0 < lr < float("inf"):
        raise ValueError(f"lr must be positive and finite, got {lr}")
    w = torch.zeros(X.shape[1], dtype=X.dtype, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = ((X @ w - y) ** 2).mean() / 2
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
            w.grad.zero_()
        losses.append(loss.item())
    return w.detach(), losses
    # --8<-- [end:descend]
