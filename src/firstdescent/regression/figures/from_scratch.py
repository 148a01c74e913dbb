"""Drawings of docs/en/regression/from_scratch.md."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Generator, Tensor


# --8<-- [start:draw_loop]
def draw_loop(ax: Axes) -> None:
    """Draw the training loop: four boxes, shapes on the arrows, bugs by number."""
    boxes = [
        (2.4, 4.6, "predict\nŷ = X @ w + b"),
        (8.3, 4.6, "loss\nmean (ŷ - y)² / 2"),
        (8.3, 1.1, "backward\nloss.backward()"),
        (2.4, 1.1, "update\nw -= lr * w.grad"),
    ]
    for x, y, label in boxes:
        frame = {"boxstyle": "round,pad=0.5", "fc": "none", "ec": "C0", "lw": 2}
        ax.text(x, y, label, ha="center", va="center", bbox=frame)
    arrows = [  # tail, head, where the label stands, label, its anchor
        ((2.4, 6.7), (2.4, 5.5), (2.6, 6.15), "X_batch (m, d)", "left"),
        ((8.3, 6.7), (8.3, 5.5), (8.1, 6.15), "y_batch (m,)", "right"),
        ((4.3, 4.6), (6.2, 4.6), (5.25, 4.95), "ŷ (m,)", "center"),
        ((8.3, 3.7), (8.3, 2.0), (8.1, 2.85), "loss ()", "right"),
        ((6.4, 1.1), (4.4, 1.1), (5.4, 1.7), "w.grad (d,)\nb.grad ()", "center"),
        ((2.4, 2.0), (2.4, 3.7), (2.6, 2.85), "w (d,)\nb ()", "left"),
        ((0.0, 2.85), (1.6, 3.7), (0.3, 2.5), "start", "left"),
    ]
    for tail, head, place, label, side in arrows:
        style = {"arrowstyle": "-|>", "color": plt.rcParams["text.color"], "lw": 1.5}
        ax.annotate("", xy=head, xytext=tail, arrowprops=style)
        ax.text(*place, label, ha=side, va="center")
    bugs = [(8.9, 2.85), (1.7, 0.1), (8.9, 6.15), (3.1, 0.1), (0.6, 3.65)]
    disc = {"boxstyle": "circle", "fc": "C1", "ec": "none"}
    for number, place in enumerate(bugs, start=1):
        paper = plt.rcParams["figure.facecolor"]
        ax.text(*place, str(number), color=paper, bbox=disc, ha="center", va="center")
    ax.set(xlim=(-0.1, 10.4), ylim=(-0.4, 6.8))
    ax.axis("off")
    # --8<-- [end:draw_loop]


# --8<-- [start:draw_path]
def draw_path(ax: Axes, loss_at: Callable, path: Tensor) -> None:
    """Draw three epochs of (w1, w2), one dot a batch, on contours of the loss.

    Shapes: path (updates + 1, 3): w1, w2, b; loss_at takes (..., 3) to (...).
    """
    path, device = path.cpu(), path.device
    w1 = torch.linspace(-0.4, 2.6, 30, dtype=path.dtype)
    w2 = torch.linspace(-4.4, 0.6, 30, dtype=path.dtype)
    w1, w2 = torch.meshgrid(w1, w2, indexing="ij")
    grid = torch.stack([w1, w2, path[-1, 2].expand(w1.shape)], dim=-1)
    height = loss_at(grid.to(device)).cpu()
    grey, ink = plt.rcParams["axes.edgecolor"], plt.rcParams["text.color"]
    rings = [0.1, 0.5, 1, 2, 4, 8]
    ax.contour(w2, w1, height, rings, colors=grey, linewidths=1)
    for dots, marker in zip(path[1:].chunk(3), "os^", strict=True):
        ax.plot(dots[:, 1], dots[:, 0], marker, markersize=4)
    ax.plot(path[0, 1], path[0, 0], "x", color=ink)
    blank = {"fc": plt.rcParams["figure.facecolor"], "ec": "none", "pad": 1}
    ax.text(0.1, -0.25, "start")
    ax.text(-1.3, 1.15, "epoch 1", color="C0", bbox=blank)
    ax.text(-2.95, 2.1, "epochs 2 and 3", color="C1", bbox=blank)
    ax.set(xlabel="w₂", ylabel="w₁", aspect="equal")
    # --8<-- [end:draw_path]


# --8<-- [start:draw_errors]
def draw_errors(ax: Axes, generator: Generator) -> None:
    """Draw the error of the least-squares w against n, for unit noise and d = 2.

    The error of a fit is the fit of the noise alone.
    """
    for n in (10, 30, 100, 300, 1000, 3000):
        A = torch.randn(n, 3, generator=generator, dtype=torch.float64)
        A[:, 2] = 1.0  # the column of b
        noise = torch.randn(n, 400, generator=generator, dtype=torch.float64)
        fits = torch.linalg.lstsq(A, noise, driver="gels").solution  # (3, 400)
        errors = fits[:2].norm(dim=0)
        formula = torch.linalg.inv(A.T @ A).diag()[:2].sum().sqrt()
        ax.plot([n] * 30, errors[:30], "o", color="C0", markersize=3, alpha=0.6)
        square = {"markerfacecolor": "none", "markersize": 13}
        ax.plot(n, errors.square().mean().sqrt(), "s", color="C3", **square)
        ax.plot(n, formula, "x", color="C1", markersize=9)
    ax.plot([10, 3000], [0.2**0.5, (2 / 3000) ** 0.5], "--", color="C2")
    ax.text(400, 0.1, "√(d/n)", color="C2")
    ax.set(xscale="log", yscale="log", xlabel="rows n", ylabel="|error in w|")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter("{x:g}")
    # --8<-- [end:draw_errors]
