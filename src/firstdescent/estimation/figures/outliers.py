"""Drawings of docs/en/estimation/outliers.md."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from torch import Tensor

# --8<-- [start:STYLES]
STYLES = ("C0-", "C1--", "C2-.", "C3-", "C4--")
# --8<-- [end:STYLES]


# --8<-- [start:draw_pulls]
def draw_pulls(weights: dict[str, Callable[[Tensor], Tensor]]) -> None:
    """Draw each loss's weight against z, below its pull: weight times z.

    Shapes: each weight takes z (k,) to (k,).
    """
    z = torch.linspace(-8, 8, 320, dtype=torch.float64)  # without z = 0
    _, (top, bottom) = plt.subplots(2, 1, figsize=(5.6, 5.4), sharex=True)
    for style, (name, weight) in zip(STYLES, weights.items(), strict=False):
        w = weight(z)
        top.plot(z, (w * z).where(w < 50, torch.nan), style, label=name)
        bottom.plot(z, w, style)
    top.set(ylabel="pull ψ", ylim=(-4, 4))
    bottom.set(ylabel="weight ψ / z", ylim=(0, 2), xlabel="z, residual / scale")
    top.figure.legend(loc="outside upper center", ncols=4, columnspacing=1)
    # --8<-- [end:draw_pulls]


# --8<-- [start:draw_drag]
def draw_drag(
    x: Tensor, y: Tensor, fits: dict[str, Tensor], e: Tensor, shift: dict[str, Tensor]
) -> None:
    """Draw a table whose last row is wrong, its lines, and shifts against errors e.

    Shapes: x (n,), y (n,), each fit (2,): slope, constant; e (k,), shifts (k,).
    """
    _, (top, bottom) = plt.subplots(2, 1, figsize=(5.6, 6.4))
    draw_lines(top, x, y, fits)
    for style, (name, moved) in zip(STYLES, shift.items(), strict=False):
        bottom.plot(e, moved, style, label=name)
    bottom.set(ylim=(-0.05, 0.4), ylabel="shift of the line")
    bottom.set(xlabel="error of the one label, in sd of the noise")
    top.figure.legend(
        *bottom.get_legend_handles_labels(),
        ncols=4,
        loc="outside upper center",
        columnspacing=1,
    )
    # --8<-- [end:draw_drag]


# --8<-- [start:draw_lines]
def draw_lines(ax: plt.Axes, x: Tensor, y: Tensor, fits: dict[str, Tensor]) -> None:
    """Draw points, a ring around the last of them, and lines with their names.

    Shapes: x (n,), y (n,), each fit (2,): slope, constant.
    """
    x, y = x.cpu(), y.cpu()
    ends = torch.stack([x.min(), x.max()])
    ax.plot(x, y, "o", color=plt.rcParams["axes.edgecolor"], markersize=4)
    ring = {"markersize": 14, "markerfacecolor": "none", "markeredgewidth": 2}
    ax.plot(x[-1:], y[-1:], "o", color="C5", **ring)
    for style, (name, fit) in zip(STYLES, fits.items(), strict=False):
        slope, constant = fit.tolist()
        ax.plot(ends, slope * ends + constant, style, label=name)
    ax.set(xlabel="x", ylabel="y")
    # --8<-- [end:draw_lines]
