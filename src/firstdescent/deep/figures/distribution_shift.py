"""Drawings of docs/en/deep/distribution_shift.md."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from firstdescent.estimation.gaussian_mle import normal_pdf


# --8<-- [start:draw_kinds]
def draw_kinds(source: Tensor, targets: dict[str, Tensor], sizes: list[str]) -> None:
    """Draw the joint tables as bars: left the source, right each target.

    A bar's height is the share of a size, its filled part those sold within a month.

    Shapes: source and each target (k, 2), joint shares; sizes k names.
    """
    shape = {"figsize": (5.2, 6.6), "sharex": True, "sharey": True}
    figure, panels = plt.subplots(len(targets), 1, **shape)
    ink = plt.rcParams["axes.edgecolor"]
    for axes, (kind, target) in zip(panels, targets.items(), strict=True):
        for k, (name, table) in enumerate((("January", source), ("July", target))):
            place = [i + 0.36 * (k - 0.5) for i in range(len(sizes))]
            total, sold = table.sum(dim=1).tolist(), table[:, 1].tolist()
            axes.bar(place, total, 0.32, fill=False, edgecolor=ink)
            axes.bar(place, sold, 0.32, color=f"C{k}", label=f"{name}: sold")
        axes.set(title=kind, ylabel="share", xticks=range(len(sizes)))
        axes.set_xticklabels(sizes)
        axes.grid(False)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    # --8<-- [end:draw_kinds]


# --8<-- [start:draw_lines]
def draw_lines(
    months: dict[str, tuple[float, float]],
    dots: tuple[Tensor, Tensor, Tensor],
    curve: Callable[[Tensor], Tensor],
    lines: dict[str, Tensor],
) -> None:
    """Draw densities above; below dots as large as their weights, a curve and lines.

    Shapes: months have a mean and a standard deviation; dots x, y and w (n,);
            curve(x) like x; each line (2,): slope and constant.
    """
    shape = {"figsize": (5.6, 6.2), "height_ratios": (1, 2.4)}
    _, (top, low) = plt.subplots(2, sharex=True, **shape)
    grid = torch.linspace(0.5, 3.4, 59, dtype=torch.float64)
    for k, (name, (mean, sd)) in enumerate(months.items()):
        height = normal_pdf(grid, mean, sd)
        top.plot(grid, height, ("-", "--")[k], color=f"C{k}", label=name)
    x, y, w = (v.cpu() for v in dots)
    low.scatter(x, y, 20 * w, color="C0", alpha=0.5, linewidths=0)
    ink = plt.rcParams["axes.edgecolor"]
    low.plot(grid, curve(grid), ":", color=ink, label="true curve")
    looks = (("C0", "-"), ("C2", "-"), ("C1", "--"))
    for (name, line), (color, style) in zip(lines.items(), looks, strict=True):
        slope, constant = line.tolist()
        low.plot(grid, slope * grid + constant, style, color=color, label=name)
    top.set(ylabel="density")
    top.legend()
    low.set(xlabel="size, in 100 m²", ylabel="price, in 100,000 euros")
    low.set(xlim=(0.5, 3.4), ylim=(0, 9))
    low.legend()
    # --8<-- [end:draw_lines]
