"""Drawings of docs/en/deep/symmetry.md."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from torch import Tensor


# --8<-- [start:draw_maps]
def draw_maps(functions: dict[str, Callable[[Tensor], Tensor]]) -> None:
    """Draw the heights of each function of two inputs, one map below the other.

    Shapes: each function maps (n, 2) to (n,), all float64 on the CPU.
    """
    size = (5, 3.2 * len(functions))
    rows = len(functions)
    figure, axes = plt.subplots(rows, 1, figsize=size, sharex=True, squeeze=False)
    axes = axes[:, 0]
    line = torch.linspace(-2.5, 2.5, 50, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    levels = torch.linspace(-3.5, 3.5, 15).tolist()
    for ax, (name, f) in zip(axes, functions.items(), strict=True):
        height = f(grid).view(50, 50).T
        filled = ax.contourf(line, line, height, levels, cmap="PuOr", extend="both")
        ax.contour(line, line, height, levels, colors="#444444", linewidths=0.6)
        ax.set(title=name, ylabel="x₂", aspect="equal")
    axes[-1].set_xlabel("x₁")
    figure.colorbar(filled, ax=axes, label="output", ticks=[-3, -1.5, 0, 1.5, 3])
    # --8<-- [end:draw_maps]


# --8<-- [start:draw_escapes]
def draw_escapes(losses: dict[str, list[float]]) -> None:
    """Draw each of up to four lists of losses against the step."""
    _, axes = plt.subplots(figsize=(5, 4))
    for k, (name, values) in enumerate(losses.items()):
        axes.semilogy(values, ("-", "--", "-.", ":")[k], color=f"C{k}", label=name)
    axes.set(xlabel="step", ylabel="loss")
    axes.figure.legend(loc="outside upper center", ncols=2, title="size of the noise")
    # --8<-- [end:draw_escapes]


# --8<-- [start:draw_arrows]
def draw_arrows(paths: dict[str, Tensor]) -> None:
    """Draw each unit's weight vector as an arrow, and the way of its tip.

    Later units are drawn thinner, so that equal ones can be told apart. The limits
    are those of the page: a tip far outside is not seen.

    Shapes: each path (steps + 1, h, 2), on the CPU, h <= 6.
    """
    share = {"sharex": True, "sharey": True, "squeeze": False}
    _, axes = plt.subplots(len(paths), 1, figsize=(5, 4.4 * len(paths)), **share)
    axes = axes[:, 0]
    for ax, (name, path) in zip(axes, paths.items(), strict=True):
        h = path.shape[1]
        for j, tip in enumerate(path[-1].tolist()):
            width = 1.5 + 1.3 * (h - 1 - j)
            ax.plot(*path[:, j].T, color=f"C{j}", lw=width / 2)
            arrow = {"arrowstyle": "-|>", "color": f"C{j}", "lw": width}
            arrow |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 8 + 3 * width}
            ax.annotate("", tip, (0, 0), arrowprops=arrow)
        start = path[0, 0].tolist()
        ax.plot(*start, "o", color=plt.rcParams["axes.edgecolor"])
        ax.annotate("start", start, (6, 4), textcoords="offset points")
        ax.set(title=name, ylabel="weight of x₂", aspect="equal")
        ax.set(xlim=(-0.15, 1.45), ylim=(-1.55, 0.7))
    axes[-1].set_xlabel("weight of x₁")
    # --8<-- [end:draw_arrows]
