"""Drawings of docs/en/optimisation/averaging_losses.md."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_parting]
def draw_parting(axes: Axes, mean: Tensor, total: Tensor) -> None:
    """Draw the first two parameters of two paths, and number their steps.

    A step that both paths share is numbered once.

    Shapes: mean and total (steps + 1, p), p >= 2.
    """
    ink = plt.rcParams["text.color"]
    axes.plot(*mean[:, :2].T.cpu(), "-o", color="C0", label="mean")
    look = {"color": "C1", "fillstyle": "none", "markersize": 10}
    axes.plot(*total[:, :2].T.cpu(), "--s", label="sum, lr / 32", **look)
    above = {"xytext": (9, 4), "textcoords": "offset points"}
    below = {"xytext": (9, -11), "textcoords": "offset points"}
    left = {"xytext": (-15, -13), "textcoords": "offset points"}
    for k, (one, other) in enumerate(zip(mean, total, strict=True)):
        apart = not one[:2].allclose(other[:2])
        look = {"color": "C0", **above} if apart else {"color": ink, **left}
        axes.annotate(str(k), one[:2].tolist(), **look)
        if apart:
            axes.annotate(str(k), other[:2].tolist(), color="C1", **below)
    axes.set(xlabel="w₁", ylabel="w₂")
    axes.legend(loc="upper right")
    # --8<-- [end:draw_parting]


# --8<-- [start:draw_verdicts]
def draw_verdicts(
    axes: Axes, table: dict[str, Sequence[int]], columns: Sequence[str]
) -> None:
    """Draw a grid of marks: 0 equal, 1 equal once repaired, 2 neither."""
    looks = [("o", "C2", "equal"), ("s", "C0", "equal once repaired")]
    looks.append(("X", "C1", "not repaired"))
    rows = list(table.values())
    cells = [(j, i) for i, row in enumerate(rows) for j in range(len(row))]
    for verdict, (marker, color, name) in enumerate(looks):
        marks = [(j, i) for j, i in cells if rows[i][j] == verdict]
        x, y = zip(*marks, strict=True) if marks else ((), ())
        axes.plot(x, y, marker, color=color, markersize=13, label=name)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(table)), list(table))
    axes.set(xlim=(-0.6, len(columns) - 0.4), ylim=(len(table) - 0.4, -0.6))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.figure.legend(loc="outside lower center", ncols=3, markerscale=0.7)
    # --8<-- [end:draw_verdicts]
