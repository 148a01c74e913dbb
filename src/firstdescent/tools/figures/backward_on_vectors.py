"""Drawings of docs/en/tools/backward_on_vectors.md."""

import matplotlib.pyplot as plt
import torch
from torch import Tensor


# --8<-- [start:draw_jacobian]
def draw_jacobian(J: Tensor) -> None:
    """Draw a square for each entry of J, and below the line for each column's sum.

    The area shows the size; a full square is positive, a hollow one negative.

    Shapes: J (n, n).
    """
    n = len(J)
    J = J.detach().cpu()
    squares = torch.cat([J, J.sum(0, keepdim=True)])  # (n + 1, n)
    heights = torch.tensor([*range(n), n + 0.3])
    areas = 520 * squares.abs() / squares.abs().max()
    for j in range(n):
        for up, color in ((True, "C0"), (False, "C1")):
            # Rounding leaves 1e-17 where the sum is 0: show what can be seen.
            seen = (areas[:, j] > 1e-6) & ((squares[:, j] > 0) == up)
            at = [j] * int(seen.sum()), heights[seen]
            fill = color if up else "none"
            look = {"marker": "s", "facecolors": fill, "edgecolors": color}
            plt.scatter(*at, s=areas[seen, j], linewidths=2, zorder=3, **look)
    plt.axhline(n - 0.35, color=plt.rcParams["axes.edgecolor"])
    plt.xticks(range(n), [f"x{j}" for j in range(n)])
    plt.yticks(heights, [f"out {i}" for i in range(n)] + ["sum"])
    plt.axis((-0.6, n - 0.4, n + 0.9, -0.6))
    # --8<-- [end:draw_jacobian]
