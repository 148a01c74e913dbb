"""Drawings of docs/en/deep/dropout.md."""

import matplotlib.pyplot as plt
from torch import Tensor


# --8<-- [start:draw_thinned]
def draw_thinned(masks: Tensor, outputs: Tensor) -> None:
    """Draw two inputs, k units, one output for each mask; a dropped unit hollow.

    Shapes: masks (8, k) of 0 and 1, outputs (8,).
    """
    _, axes = plt.subplots(4, 2, figsize=(5.2, 7))
    ink = plt.rcParams["axes.edgecolor"]
    for ax, mask, output in zip(
        axes.flat, masks.tolist(), outputs.tolist(), strict=True
    ):
        for row, kept in enumerate(mask):
            y = (len(mask) - 1) / 2 - row
            for start in ((0, 0.6), (0, -0.6), (2, 0)) if kept else ():
                ax.plot([start[0], 1], [start[1], y], color="C0", linewidth=1.2)
            face = "C0" if kept else "none"
            style = {"facecolor": face, "edgecolor": "C0" if kept else ink}
            ax.scatter([1], [y], s=80, zorder=3, linewidths=1.2, **style)
        ax.scatter([0, 0, 2], [0.6, -0.6, 0], s=40, color=ink, zorder=3)
        ax.text(2.2, 0, f"{output:g}".replace("-", "\N{MINUS SIGN}"), va="center")
        ax.set(xlim=(-0.3, 2.9), ylim=(-1.9, 1.9))
        ax.axis("off")
    # --8<-- [end:draw_thinned]


# --8<-- [start:draw_gains]
def draw_gains(
    names: list[str], losses: dict[str, Tensor], shares: dict[str, Tensor]
) -> None:
    """Draw each network as a dot, each group's mean as a bar.

    Shapes: each tensor (groups, networks).
    """
    _, axes = plt.subplots(2, 1, figsize=(5.6, 6), sharex=True)
    for ax, table in zip(axes, (losses, shares), strict=True):
        for i, (name, values) in enumerate(table.items()):
            for k, dots in enumerate(values.tolist()):
                x = k + 0.36 * i - 0.18
                spread = [x + 0.02 * (j - len(dots) / 2) for j in range(len(dots))]
                label = name if k == 0 else None
                ax.plot(spread, dots, "os"[i], color=f"C{i}", ms=4, label=label)
                mean = sum(dots) / len(dots)
                ax.plot([x - 0.14, x + 0.14], [mean, mean], color=f"C{i}")
    axes[0].set(ylabel="validation log-loss", ylim=(0, None))
    axes[1].set(ylabel="validation accuracy, %", xticks=range(len(names)))
    axes[1].set_xticklabels(names)
    axes[0].figure.legend(
        *axes[0].get_legend_handles_labels(), ncols=2, loc="outside upper center"
    )
    # --8<-- [end:draw_gains]
