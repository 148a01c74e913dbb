"""Drawings of docs/en/regression/closed_form.md."""

from math import log

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_projection]
def draw_projection(ax: Axes, A: Tensor, y: Tensor, theta: Tensor) -> None:
    """Draw the columns x and 1 of A in their plane, y above it, and A theta.

    The plane lies flat and is seen from the side: (u, depth, height) is drawn
    at (u + 0.45 depth, 0.5 depth + height). The column 1 points along u.

    Shapes: A (3, 2): x and a column of ones, y (3,), theta (2,).
    """
    basis, _ = torch.linalg.qr(A.flip(1).cpu(), mode="complete")  # (3, 3)
    vectors = torch.stack([*A.T, y, A @ theta]).cpu()
    inside = vectors @ basis  # each row: u, depth, height
    inside = inside * inside[[1, 0, 2], [0, 1, 2]].sign()  # right, back, up
    tilt = inside.new_tensor([[1, 0], [0.45, 0.5], [0, 1]])
    x, one, top, foot = (inside @ tilt).tolist()
    grey = plt.rcParams["axes.edgecolor"]
    corners = inside.new_tensor(
        [[-0.6, -0.7, 0], [8, -0.7, 0], [8, 3, 0], [-0.6, 3, 0]]
    )
    ax.fill(*(corners @ tilt).T.tolist(), color=grey, alpha=0.15, lw=0)
    marks = [[-0.45, 0, 0], [-0.45, 0, 0.45], [0, 0, 0.45]]
    corner = inside[3] + inside.new_tensor(marks)
    ax.plot(*(corner @ tilt).T.tolist(), color=grey, lw=1)
    side = [theta[1].item() * part for part in one]  # 2.5 times the column 1
    ax.plot([one[0], side[0], foot[0]], [one[1], side[1], foot[1]], ":", color=grey)
    for tail, head, colour in [
        ((0, 0), x, "C0"),
        ((0, 0), one, "C0"),
        ((0, 0), top, "C1"),
        ((0, 0), foot, "C2"),
        (top, foot, "C3"),
    ]:
        style = {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0}
        ax.annotate("", xy=head, xytext=tail, arrowprops=style | {"shrinkB": 0})
    ax.text(x[0] - 0.2, x[1] + 0.15, "x", color="C0", ha="right")
    ax.text(one[0], one[1] - 0.15, "1", color="C0", ha="center", va="top")
    ax.text(top[0] - 0.3, top[1], "y", color="C1", ha="right", va="bottom")
    ax.text(foot[0] + 0.2, foot[1] - 0.1, "ŷ", color="C2", va="top")
    ax.text(top[0] + 0.2, (top[1] + foot[1]) / 2, "residual\nŷ - y", color="C3")
    ax.text(5.4, -0.55, "all combinations of x and 1", ha="center", va="top")
    ax.set(aspect="equal", xlim=(-1.2, 10.2), ylim=(-1.1, 5.3))
    ax.axis("off")
    # --8<-- [end:draw_projection]


# --8<-- [start:draw_passes]
def draw_passes(ax: Axes, taken: dict[int, list[int]]) -> None:
    """Draw passes over the data against p: the formula, descent, one epoch.

    `taken` has for each kappa the steps really taken for p = 2, 8, 32, 128.
    One pass is 2 n p operations, and n = 10 p.
    """
    columns = [10 ** (0.3 + i / 10) for i in range(48)]
    formula = [(p + 1) ** 2 / p + p / 60 + 0.1 for p in columns]
    ax.loglog(columns, formula, color="C0")
    for kappa in (10, 100, 1000):
        bound = 2 * log(1e6) / log((kappa + 1) / (kappa - 1))
        ax.axhline(bound, color="C1", linestyle="--", linewidth=1.5)
        left = {10: 1000, 100: 6000, 1000: 2}[kappa]
        name = "gradient descent, " if kappa == 1000 else ""
        ax.text(left, 1.25 * bound, f"{name}κ = {kappa}", color="C1")
    for steps in taken.values():
        ax.loglog([2, 8, 32, 128], [2 * k for k in steps], "s", color="C1")
    ax.axhline(2, color="C3", linestyle=":")
    ax.text(1000, 2.6, "one epoch of SGD", color="C3")
    ax.text(45, 16, "formula", color="C0")
    ax.set(xlabel="columns p", ylabel="passes over the data", xlim=(1.4, 4e5))
    # --8<-- [end:draw_passes]


# --8<-- [start:draw_excess]
def draw_excess(ax: Axes, sgd: list[Tensor], level: Tensor, p: int, n: int) -> None:
    """Draw the loss above the minimum against passes over the data.

    Shapes: sgd: runs of (4001,), one entry for each 10 of 20,000 rows;
            level (k + 1,), one for each step of gradient descent.
    Units:  shares of half the variance of the noise.
    """
    for run in sgd:
        passes = [u / 1000 for u in range(20, len(run), 20)]
        ax.loglog(passes, run[20::20], color="C3", linewidth=1)
    ax.loglog([2 * k for k in range(1, len(level))], level[1:], color="C1")
    ax.axvline((p + 1) ** 2 / p, color="C0")
    ax.axhline(p / n, color="C2", linestyle=":")
    ax.text(0.05, 3, "SGD", color="C3")
    ax.text(2.5, 4, "gradient descent", color="C1")
    ax.text(85, 4e-4, "formula:\nthe minimum", color="C0", ha="right")
    ax.text(0.02, 0.0065, "p / n", color="C2")
    ax.set(xlabel="passes over the data", ylabel="loss above minimum / ½")
    ax.set_ylim(1e-4, 200)
    # --8<-- [end:draw_excess]
