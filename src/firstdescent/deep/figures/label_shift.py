"""The drawings of the page on label shift.

Page: docs/en/deep/label_shift.md
"""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from torch import Tensor


# --8<-- [start:draw_worlds]
def draw_worlds(worlds: dict[str, tuple[Tensor, ...]], probs: Callable) -> None:
    """Draw for each world its rows, coloured by class, over the classifier's regions.

    Shapes: a world is (X (n, 2), y (n,)); probs maps (m, 2) to (m, 3).
    """
    device = next(iter(worlds.values()))[0].device
    side = torch.linspace(-2.2, 4.2, 161, dtype=torch.float64)
    x1, x0 = torch.meshgrid(side, side, indexing="ij")
    grid = torch.stack([x0, x1], dim=-1).view(-1, 2).to(device)
    P, ink = probs(grid).view(161, 161, 3).cpu(), plt.rcParams["axes.edgecolor"]
    _, panels = plt.subplots(2, 1, figsize=(5.6, 7.6), sharex=True)
    for ax, (name, (X, y)) in zip(panels, worlds.items(), strict=True):
        ax.grid(visible=False)
        for label, marker in enumerate("o^s"):
            c, some = f"C{label}", X[y == label].cpu()
            others = P[..., [i for i in range(3) if i != label]].amax(dim=-1)
            ax.contour(side, side, P[..., label] - others, [0], colors=ink)
            ax.scatter(*some.T, s=12, marker=marker, color=c, label=f"class {label}")
        ax.set(title=name, ylabel="x₁", ylim=(-2.2, 4.2), xlim=(-2.2, 4.2))
    panels[1].set_xlabel("x₀")
    panels[0].legend(loc="upper right")
    # --8<-- [end:draw_worlds]


# --8<-- [start:draw_gain]
def draw_gain(
    sizes: list[int], bands: dict[str, Tensor], levels: dict[str, float]
) -> None:
    """Draw for each method the median accuracy and its band from 10 to 90 %.

    A level is one accuracy, whatever the number of rows: a line across.

    Shapes: a band is (len(sizes), 3): the 10 %, 50 % and 90 % quantiles.
    """
    plt.figure(figsize=(5.6, 3.8))
    for c, (style, (name, band)) in enumerate(
        zip(("o-", "s--"), bands.items(), strict=True)
    ):
        low, middle, high = band.T
        plt.plot(sizes, middle, style, color=f"C{c}", label=name)
        plt.fill_between(sizes, low, high, color=f"C{c}", alpha=0.2)
    ink = plt.rcParams["axes.edgecolor"]
    for style, (name, level) in zip((":", "-."), levels.items(), strict=True):
        plt.axhline(level, color=ink, linestyle=style, label=name)
    plt.xscale("log")
    plt.xticks(sizes, [str(m) for m in sizes])
    plt.minorticks_off()
    plt.gca().set(xlabel="unlabelled rows", ylabel="accuracy")
    plt.legend(loc="center right")
    # --8<-- [end:draw_gain]
