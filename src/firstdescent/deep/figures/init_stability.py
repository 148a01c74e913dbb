"""Drawings of docs/en/deep/init_stability.md."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:label_ends]
def label_ends(ax: Axes, heights: list[float], labels: list[str], x: float) -> None:
    """Write each label to the right of x, at its height or as near as fits."""
    low, high = ax.get_ylim()
    room = 0.1 * (high - low)  # a line of text, in panels of this height
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed, floor = {}, low
    for i in order:
        placed[i] = max(heights[i], floor)
        floor = placed[i] + room
    ceiling = high + room / 3
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - room
    for i, label in enumerate(labels):
        ax.text(x, placed[i], label, color=f"C{i}", va="center", clip_on=False)
    # --8<-- [end:label_ends]


# --8<-- [start:draw_layers]
def draw_layers(
    panels: Mapping[str, Mapping[str, Tensor]], what: str, backward: bool = False
) -> None:
    """Draw positive numbers by layer, a panel and its curves' names at a time.

    Shapes: each tensor (depth,).
    """
    _, axes = plt.subplots(
        len(panels), 1, figsize=(5.6, 2.7 * len(panels)), sharex=True, squeeze=False
    )
    for ax, (title, curves) in zip(axes[:, 0], panels.items(), strict=True):
        logs = [values.log10().cpu() for values in curves.values()]
        depth = len(logs[0])
        for i, values in enumerate(logs):
            ax.plot(range(1, depth + 1), values, color=f"C{i}")
        ax.set(title=title, ylabel=what, xticks=[1, *range(5, depth + 1, 5)])
        ax.set_xlim((depth, 0.7) if backward else (0.7, depth))
        ax.margins(y=0.08)
        ax.yaxis.set_major_formatter(lambda k, _: f"1e{k:.0f}" if k else "1")
        ends = [values[0 if backward else -1].item() for values in logs]
        label_ends(ax, ends, list(curves), 0.4 if backward else depth + 0.3)
    axes[-1, 0].set_xlabel("layer")
    # --8<-- [end:draw_layers]


# --8<-- [start:draw_products]
def draw_products(scales: Mapping[str, Tensor], widths: Mapping[str, Tensor]) -> None:
    """Draw how lengths grow, draw by draw: four scales, then two widths.

    Shapes: each tensor (draws, layers).
    """
    _, axes = plt.subplots(2, 1, figsize=(5.6, 6), sharex=True)
    for ax, curves in zip(axes, (scales, widths), strict=True):
        ends = []
        for i, lengths in enumerate(curves.values()):
            logs = lengths.log10().cpu()
            steps = torch.arange(1, logs.shape[1] + 1)
            ax.plot(steps, logs.T, color=f"C{i}", linewidth=0.8)
            ends.append(logs[:, -1].mean().item())
        ax.yaxis.set_major_formatter(lambda k, _: f"1e{k:g}" if k else "1")
        label_ends(ax, ends, list(curves), len(steps) + 0.7)
        ax.set_ylabel("length")
    axes[0].set_title("four sizes of weights, width 64")
    axes[1].set_title("weights of size 1/√n, two widths")
    axes[1].set_xlabel("number of matrices")
    # --8<-- [end:draw_products]
