"""Drawings of docs/en/regression/house_prices.md."""

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_network]
def draw_network(ax: Axes, weights: list[float], bias: float) -> None:
    """Draw the linear model as a network: a weight on each edge, the bias from 1."""
    inputs = ["bedrooms\nx₁", "bathrooms\nx₂", "area\nx₃", "always\n1"]
    edges = [f"w{k} = {w:g}" for k, w in zip("₁₂₃", weights, strict=True)]
    edges.append(f"b = {bias:g}")
    ink, paper = plt.rcParams["text.color"], plt.rcParams["figure.facecolor"]
    for row, (name, edge) in enumerate(zip(inputs, edges, strict=True)):
        y = 3.0 - row
        colour = "C0" if row < 3 else "C1"
        ax.plot([0, 4], [y, 1.5], color=colour, linestyle="-" if row < 3 else "--")
        ax.plot(0, y, "o", markersize=17, mfc=paper, mec=ink)
        ax.text(-0.35, y, name, ha="right", va="center")
        label = {"fc": paper, "ec": "none", "pad": 2}
        height = y + (1.5 - y) * 0.4
        style = {"ha": "center", "va": "center", "bbox": label}
        ax.text(1.6, height, edge, color=colour, **style)
    ax.plot(4, 1.5, "o", markersize=30, mfc=paper, mec=ink)
    ax.text(4, 1.5, "+", ha="center", va="center", size=16)
    ax.text(4.45, 1.5, "price\nŷ", ha="left", va="center")
    ax.text(0, -0.65, "inputs: no weights", ha="center", color=ink)
    ax.text(4, -0.65, "layer 1", ha="center", color=ink)
    ax.set(xlim=(-1.5, 5.3), ylim=(-0.9, 3.5))
    ax.axis("off")
    # --8<-- [end:draw_network]


# --8<-- [start:draw_sticks]
def draw_sticks(ax: Axes, x: Tensor, y: Tensor, w: float, b: float) -> None:
    """Draw the line w x + b, the points, and each residual as a stick between.

    Shapes: x (n,), y (n,).
    """
    x, y = x.cpu(), y.cpu()
    y_hat = w * x + b
    loss = ((y_hat - y) ** 2).mean().item() / 2
    ends = torch.stack([x.min(), x.max()])
    ax.vlines(x, y, y_hat, color="C1", linewidth=1.5)
    ax.plot(x, y, "o", color="C0", markersize=4)
    ax.plot(ends, w * ends + b, color=plt.rcParams["axes.edgecolor"])
    title = f"{w:g} * area + {b:g}:  loss {loss:.0f}"
    ax.set(xlabel="area in m²", ylabel="price", title=title)
    ax.label_outer()
    # --8<-- [end:draw_sticks]


# --8<-- [start:draw_descent]
def draw_descent(ax: Axes, H: Tensor, best: Tensor, steps: int) -> None:
    """Draw gradient steps from (0, 0) and the level lines of a loss, to one scale.

    lr is half of the largest stable one. Each level line is ten times as far
    above the lowest loss as the one inside it: 10, 100, and so on.

    Shapes: H (2, 2), the curvatures of the loss; best (2,), where it is lowest.
    """
    H, best = H.cpu(), best.cpu()
    curvatures, directions = torch.linalg.eigh(H)
    path = [torch.zeros_like(best)]
    for _ in range(steps):
        path.append(path[-1] - H @ (path[-1] - best) / curvatures[-1])
    path = torch.stack(path)
    turn = torch.linspace(0, 2 * torch.pi, 400, dtype=best.dtype)
    circle = torch.stack([turn.cos(), turn.sin()])
    # through the directions and back, so that their signs do not matter
    unit = directions @ ((2 / curvatures[:, None]).sqrt() * (directions.T @ circle))
    ink, reach = plt.rcParams["axes.edgecolor"], 1.1 * best.abs().max().item()
    for level in (1e1, 1e2, 1e3, 1e4, 1e5):
        ring = best[:, None] + level**0.5 * unit
        ax.plot(*ring, color=ink, linewidth=1)
    ax.plot(*path.T, "o-", markersize=4, linewidth=1.5)
    ax.plot(*best, "*", color="C1", markersize=14)
    ax.text(0.06 * reach, 0, "start", va="top")
    (x, y), wide = best.tolist(), 1.5 * reach
    ax.set(xlim=(x - wide, x + wide), ylim=(y - reach, y + reach), aspect="equal")
    # --8<-- [end:draw_descent]
