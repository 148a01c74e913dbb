"""Drawings of docs/en/regression/rank_deficiency.md."""

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_valley]
def draw_valley(
    ax: Axes, A: Tensor, y: Tensor, paths: list[Tensor], adam: Tensor, star: Tensor
) -> None:
    """Draw paths over contours of the loss, whose minima are w1 + 2 w2 = 50.

    Shapes: A (n, 2), y (n,), each path and adam (steps + 1, 2), star (2,).
    Units:  the loss is half a mean square.
    """
    w1 = torch.linspace(-14, 60, 30, dtype=A.dtype)
    w2 = torch.linspace(-6, 36, 30, dtype=A.dtype)
    w1, w2 = torch.meshgrid(w1, w2, indexing="ij")
    grid = torch.stack([w1, w2], dim=-1)
    height = (grid @ A.cpu().T - y.cpu()).square().mean(dim=-1) / 2
    grey, ink = plt.rcParams["axes.edgecolor"], plt.rcParams["text.color"]
    ax.contour(w1, w2, height, [200, 800, 2000], colors=grey, linewidths=1)
    ax.plot([-14, 60], [32, -5], color="C2")
    for path in paths:  # later dots would lie on the last
        ax.plot(path[:25, 0].cpu(), path[:25, 1].cpu(), "o-", color="C0", ms=4, lw=1)
    ax.plot(adam[:, 0].cpu(), adam[:, 1].cpu(), "--", color="C1")
    ax.plot(*star.tolist(), "*", color=ink, markersize=14)
    blank = {"fc": plt.rcParams["figure.facecolor"], "ec": "none", "pad": 1}
    ax.text(30.5, 18, "gradient descent", color="C0", bbox=blank)
    ax.text(18.5, 13, "Adam", color="C1", bbox=blank)
    ax.plot(*adam[-1].tolist(), "s", color="C1", markersize=8)
    ax.text(12, 24, "shortest", color=ink, bbox=blank)
    ax.text(32, -4.5, "solutions", color="C2", ha="right", bbox=blank)
    ax.set(xlabel="w₁, for a bedroom", ylabel="w₂, for a bed", aspect="equal")
    ax.set(xlim=(-14, 60), ylim=(-6, 36))
    ax.grid(False)
    # --8<-- [end:draw_valley]


# --8<-- [start:draw_trace]
def draw_trace(ax: Axes, penalties: list[float], trace: Tensor) -> None:
    """Draw the weights of area in m² and in rounded ft² against the penalty.

    Shapes: trace (k, 2), one row for each of k penalties.
    """
    m2, ft2 = trace.T.cpu()
    ax.semilogx(penalties, m2, color="C0")
    ax.semilogx(penalties, ft2, "--", color="C1")
    ax.text(1e-8, -700, "m²", color="C0")
    ax.text(1e-8, 500, "ft², rounded", color="C1")
    ax.set_yscale("symlog", linthresh=100)
    minus = "\N{MINUS SIGN}"
    ticks = [f"{minus}1000", f"{minus}100", "0", "40", "100", "1000"]
    ax.set_yticks([-1000, -100, 0, 40, 100, 1000], ticks)
    ax.set(xlabel="penalty λ", ylabel="weight (thousands)")
    # --8<-- [end:draw_trace]
