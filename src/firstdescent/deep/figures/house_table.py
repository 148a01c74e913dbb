"""Drawings of docs/en/deep/house_table.md."""

from collections.abc import Sequence
from itertools import groupby

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from firstdescent.deep.house_table import Row


# --8<-- [start:draw_gaps]
def draw_gaps(ax: Axes, rows: Sequence[Row]) -> None:
    """Draw one bar a column, a house beside a house, and mark the gaps.

    The houses are sorted so that those with the same gaps stand together.
    """
    gaps = {name: sum(row[name] is None for row in rows) for name in rows[0]}
    names = sorted(gaps, key=gaps.get)
    order = sorted(rows, key=lambda row: [row[c] is None for c in reversed(names)])
    for y, name in enumerate(names):
        start = 0
        for gap, run in groupby(row[name] is None for row in order):
            width = len(list(run))
            color, alpha = ("C1", 1) if gap else ("C0", 0.25)
            ax.barh(y, width, 0.8, left=start, color=color, alpha=alpha)
            start += width
        if gaps[name]:
            ax.text(len(rows) + 5, y, f"{gaps[name]}", color="C1", va="center")
    ax.set(xlabel="houses, sorted by their gaps", xlim=(0, 1.09 * len(rows)))
    ax.set_yticks(range(len(names)), names)
    ax.grid(False)
    # --8<-- [end:draw_gaps]


# --8<-- [start:draw_residuals]
def draw_residuals(ax: Axes, prediction: Tensor, residual: Tensor, unit: str) -> None:
    """Draw residuals over predictions, and a line at 0.

    Shapes: prediction (n,), residual (n,).
    """
    x, r = prediction.cpu(), residual.cpu()
    ax.plot(x, r, "o", color="C0", markersize=3, alpha=0.5)
    ink = plt.rcParams["axes.edgecolor"]
    ax.axhline(0, color=ink, linewidth=1)
    ax.set(xlabel=f"prediction, {unit}", ylabel="residual")
    # --8<-- [end:draw_residuals]
