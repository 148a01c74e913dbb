"""Drawings of docs/en/estimation/probability.md."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor


# --8<-- [start:draw_people]
def draw_people(figure: Figure, positives: Tensor, sick: int) -> None:
    """Draw 10,000 people, then those who test positive; the first `sick` are sick.

    Shapes: positives (m,): their places, from 0 to 9999.
    """
    figure.set_layout_engine("none")  # the dots need a known width
    figure.set_size_inches(5.6, 7.2)
    crowd = figure.add_axes((0.06, 0.265, 0.88, 0.685))
    crowd.set(xlim=(-1, 100), ylim=(-1, 100), title="10,000 people, all tested")
    step = 5.6 * 72 * 0.88 / 101  # points from one person to the next
    dots = {"linestyle": (0, (0.01, step / 1.3 - 0.01)), "dash_capstyle": "round"}
    grey = plt.rcParams["axes.edgecolor"]
    for row in range(100):
        crowd.plot((0, 99.2), (row, row), color=grey, linewidth=1.3, alpha=0.7, **dots)
    room = figure.add_axes((0.06, 0.03, 0.88, 0.155))
    title = f"those who test positive: {sick} sick, {len(positives) - sick} healthy"
    room.set(xlim=(-0.7, 22.7), ylim=(-0.8, 4.8), title=title)
    place = torch.arange(len(positives))
    drawn = {"linestyle": "none", "markeredgewidth": 0}
    for part, colour, marker in (
        (slice(sick), "C1", "D"),
        (slice(sick, None), "C0", "o"),
    ):
        who, seat = positives[part].cpu(), place[part]
        crowd.plot(who % 100, who // 100, marker, color=colour, markersize=5, **drawn)
        room.plot(seat // 5, 4 - seat % 5, marker, color=colour, markersize=8, **drawn)
    for ax in (crowd, room):
        ax.axis("off")
    # --8<-- [end:draw_people]


# --8<-- [start:draw_paths]
def draw_paths(
    axes: Sequence[Axes], n: Tensor, paths: Mapping[str, Tensor], ylim: tuple
) -> None:
    """Draw, one panel for each name, its paths over n, on a log axis.

    Shapes: n (m,), each of paths (k, m).
    """
    for ax, (name, values) in zip(axes, paths.items(), strict=True):
        for k, path in enumerate(values.cpu()):
            ax.semilogx(n, path, color=f"C{k % 6}", linewidth=1.2)
        ax.set(ylim=ylim, ylabel=name)
    axes[-1].set_xlabel("n, log axis")
    # --8<-- [end:draw_paths]


# --8<-- [start:draw_prevalence]
def draw_prevalence(
    ax: Axes, before: Tensor, after: Tensor, x: float, y: float
) -> None:
    """Draw the probability after a test over that before it, and you at (x, y).

    Shapes: before (m,), after (m,).
    """
    ax.axhline(0.5, color=plt.rcParams["axes.edgecolor"], linestyle="--")
    ax.semilogx(before, after, "C0")
    ax.plot(x, y, "o", color="C1", markersize=9)
    ax.text(1.2 * x, y - 0.07, "you", color="C1")
    ax.set_xticks([1e-4, 1e-3, 1e-2, 1e-1], ["0.01 %", "0.1 %", "1 %", "10 %"])
    ax.set(xlabel="sick before the test", ylabel="P(sick | positive)")
    # --8<-- [end:draw_prevalence]


# --8<-- [start:draw_inverse]
def draw_inverse(ax: Axes, u: Tensor, x: Tensor) -> None:
    """Draw the exponential distribution function, and the way from each u to its x.

    Shapes: u (m,), x (m,).
    """
    grid = torch.linspace(0, 4, 161)
    ax.plot(grid, 1 - torch.exp(-grid), "C0")
    for height, at in zip(u.tolist(), x.tolist(), strict=True):
        ax.plot((0, at, at), (height, height, 0), "C1", linewidth=1)
        ax.plot(at, 0, "v", color="C1", clip_on=False)
    ax.text(3.5, 0.86, "F(x)", color="C0", ha="center")
    ax.set(xlim=(0, 4), ylim=(0, 1.02), xlabel="x", ylabel="u")
    # --8<-- [end:draw_inverse]
