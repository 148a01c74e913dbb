"""Drawings of docs/en/estimation/laplace_robust.md."""

from itertools import pairwise
from math import log, pi

import matplotlib.pyplot as plt
import torch
from torch import Tensor


# --8<-- [start:draw_densities]
def draw_densities(beta: float, sd: float) -> None:
    """Draw the Laplace and the normal density and, below, minus their logarithms."""
    r = torch.linspace(-5 * sd, 5 * sd, 201, dtype=torch.float64)
    _, (top, bottom) = plt.subplots(2, 1, figsize=(5.6, 4.8), sharex=True)
    for name, style, minus_log in (
        ("Laplace", "-", r.abs() / beta + log(2 * beta)),
        ("normal", "--", (r / sd) ** 2 / 2 + log(2 * pi * sd**2) / 2),
    ):
        top.plot(r, (-minus_log).exp(), style, label=name)
        bottom.plot(r, minus_log, style)
    top.set(ylabel="density f")
    top.legend()
    bottom.set(xlabel="r, in standard deviations", ylabel="-log f")
    # --8<-- [end:draw_densities]


# --8<-- [start:draw_kinks]
def draw_kinks(y: Tensor, low: float, high: float) -> None:
    """Draw the sum of |b - y| and, below it, its slopes, for b from low to high.

    Shapes: y (n,), ascending, without ties; those beyond `high` are not shown.
    """
    ink, inside = plt.rcParams["text.color"], [v for v in y.tolist() if v < high]
    ends = torch.tensor([low, *inside, high], dtype=torch.float64)
    total = (ends[:, None] - y.cpu()).abs().sum(dim=1)
    _, (top, bottom) = plt.subplots(2, 1, figsize=(5.6, 4.8), sharex=True)
    top.plot(ends, total, color="C0")
    top.plot(ends[1:-1], total[1:-1], "o", color="C0")
    for k, (left, right) in enumerate(pairwise(ends.tolist())):
        slope = 2 * k - len(y)
        bottom.plot([left, right], [slope, slope], color="C0")
        middle = (left + right) / 2
        text = f"{slope:+d}".replace("-", "\N{MINUS SIGN}")
        bottom.text(middle, slope + (0.5 if slope > 0 else -1.3), text, ha="center")
        if k:
            best = slope - 2 <= 0 <= slope
            style = {"color": "C1" if best else "C0", "linestyle": ":"}
            bottom.plot([left, left], [slope - 2, slope], **style)
            if best:
                top.plot(left, total[k].item(), "o", color="C1", markersize=9)
                bottom.plot(left, 0, "o", color="C1", markersize=5)
    bottom.axhline(0, color=ink, linewidth=1, zorder=1)
    top.set(ylabel="sum of |b - y|")
    bottom.set(xlabel="b", ylabel="slope", ylim=(-len(y) - 2, len(y) + 0.5))
    # --8<-- [end:draw_kinks]


# --8<-- [start:draw_lines]
def draw_lines(x: Tensor, y: Tensor, lines: dict[str, Tensor], rows: Tensor) -> None:
    """Draw points, lines from x = -1 to 1 with their names, and some rows ringed.

    Shapes: x (n,), y (n,), each line (2,): slope and constant; rows (2,).
    """
    x, y, rows = x.cpu(), y.cpu(), rows.cpu()
    _, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.plot(x, y, "o", color="C0", alpha=0.6)
    styles = ("C1-", "C2--")
    for style, (name, line) in zip(styles, lines.items(), strict=True):
        slope, constant = line.tolist()
        ax.plot([-1, 1], [constant - slope, constant + slope], style, label=name)
    ring = {"markeredgecolor": plt.rcParams["text.color"], "markeredgewidth": 2}
    ax.plot(x[rows], y[rows], "o", color="C1", markersize=10, **ring)
    ax.set(xlabel="x", ylabel="y")
    ax.legend()
    # --8<-- [end:draw_lines]


# --8<-- [start:draw_bounce]
def draw_bounce(kinked: Tensor, smooth: Tensor, slope: float) -> None:
    """Draw two paths, as distances from the minimum, on slope * |e| and e^2 / 2.

    Shapes: kinked (steps + 1,), smooth (steps + 1,).
    """
    e = torch.linspace(-1.05, 1.05, 211, dtype=torch.float64)
    _, panels = plt.subplots(2, 1, figsize=(5.6, 5), sharex=True)
    grey = plt.rcParams["axes.edgecolor"]
    for ax, path, height, color, name in (
        (panels[0], kinked, lambda e: slope * e.abs(), "C0", "absolute: equal steps"),
        (panels[1], smooth, lambda e: e**2 / 2, "C1", "squared: ever shorter steps"),
    ):
        path = path.cpu()
        ax.plot(e, height(e), color=grey, linewidth=1.2)
        ax.plot(path, height(path), "o", color=color, markersize=6)
        for start, end in pairwise(path.tolist()):
            points = [(v, height(torch.tensor(v)).item()) for v in (start, end)]
            arrow = {"arrowstyle": "->", "color": color, "shrinkB": 4}
            bend = "arc3,rad=0.5" if start < end else "arc3,rad=-0.5"
            arrow["connectionstyle"] = bend
            if abs(start - end) > 0.04:
                ax.annotate("", xy=points[1], xytext=points[0], arrowprops=arrow)
        ax.set(title=name, ylabel="loss above the least")
    panels[1].set(xlabel="distance of b from the minimum")
    # --8<-- [end:draw_bounce]
