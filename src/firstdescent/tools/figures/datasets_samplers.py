"""Drawings of docs/en/tools/datasets_samplers.md."""

import matplotlib.pyplot as plt
from torch import Tensor


# --8<-- [start:draw_batches]
def draw_batches(samplers: dict[str, list[list[int]]], y: Tensor) -> None:
    """Draw one panel a sampler: rows across, batches down, a box where they meet.

    The colour is the label, a number says how often, a grey column was left out.

    Shapes: y (n,).
    """
    heights = [len(batches) for batches in samplers.values()]
    size = (5.6, 0.8 + 0.36 * len(heights) + 0.22 * sum(heights))
    figure, axes = plt.subplots(
        len(heights), sharex=True, squeeze=False, figsize=size, height_ratios=heights
    )
    grey = plt.rcParams["grid.color"]
    marks = {f"label {c}": f"C{c}" for c in sorted(set(y.tolist()))} | {
        "left out": grey
    }
    boxes = [plt.Rectangle((0, 0), 1, 1, color=color) for color in marks.values()]
    figure.legend(boxes, marks, loc="outside upper center", ncols=len(marks))
    for ax, (name, batches) in zip(axes.flat, samplers.items(), strict=True):
        ax.set_title(name, loc="left")
        for row in set(range(len(y))).difference(*batches):
            ax.axvspan(row - 0.5, row + 0.5, color=grey, lw=0)
        for place, rows in enumerate(batches):
            for row in sorted(set(rows)):
                ax.barh(place, 0.92, 0.86, left=row - 0.46, color=f"C{int(y[row])}")
                if rows.count(row) > 1:
                    style = {"ha": "center", "va": "center_baseline", "weight": "bold"}
                    paper = plt.rcParams["figure.facecolor"]
                    ax.text(row, place, rows.count(row), color=paper, **style)
        ax.set(xlim=(-0.5, len(y) - 0.5), ylim=(len(batches) - 0.5, -0.5))
        ax.set(xticks=range(len(y)), yticks=range(len(batches)))
        ax.grid(False)
        ax.tick_params(length=0)
    axes.flat[-1].set_xlabel("row")
    figure.supylabel("batch", fontsize=plt.rcParams["axes.labelsize"])
    # --8<-- [end:draw_batches]


# --8<-- [start:draw_strips]
def draw_strips(orders: dict[str, Tensor]) -> None:
    """Draw one strip an order, coloured by the number of each item.

    Shapes: each order (n,), at least two of them.
    """
    _, axes = plt.subplots(len(orders), sharex=True)
    for ax, (name, order) in zip(axes, orders.items(), strict=True):
        ax.imshow(order[None].numpy(), aspect="auto", extent=(0, len(order), 0, 1))
        ax.set_title(name, loc="left")
        ax.set_yticks([])
        ax.grid(False)
    axes[-1].set_xlabel("place in the output")
    # --8<-- [end:draw_strips]
