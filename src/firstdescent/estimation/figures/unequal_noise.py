"""Drawings of docs/en/estimation/unequal_noise.md."""

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from firstdescent.regression.coefficients import with_ones


# --8<-- [start:draw_weights]
def draw_weights(
    figure: Figure, area: Tensor, price: Tensor, weight: Tensor, line: Tensor
) -> None:
    """Draw prices against areas, the weight of each as the area of its dot.

    Shapes: area, price, weight (n,); line (2,): slope and constant.
    """
    axes = figure.subplots()
    size = 40 * weight / weight.mean()
    axes.scatter(area.cpu(), price.cpu(), size.cpu(), alpha=0.5)
    ends = area.new_tensor([20, 185])
    axes.plot(ends.cpu(), (with_ones(ends[:, None]) @ line).cpu(), "C1")
    axes.set(xlabel="area (m²)", ylabel="price (thousand euros)")
    # --8<-- [end:draw_weights]


# --8<-- [start:draw_lines]
def draw_lines(figure: Figure, fits: Mapping[str, Tensor], truth: Tensor) -> None:
    """Draw, in one panel for each name, fitted lines minus the true line.

    Shapes: fits (k, 2) each: slope and constant; truth (2,).
    """
    ends = torch.tensor([20.0, 185.0])
    panels = figure.subplots(len(fits), sharex=True, sharey=True)
    for axes, (name, estimate) in zip(panels, fits.items(), strict=True):
        off = (estimate - truth).cpu()  # (k, 2)
        lines = off[:, 1] + off[:, 0] * ends[:, None]  # (2, k)
        axes.plot(ends, lines, "C0", alpha=0.4, linewidth=1)
        axes.set(title=name, ylabel="error (thousands)")
    panels[-1].set_xlabel("area (m²)")
    # --8<-- [end:draw_lines]


# --8<-- [start:draw_band]
def draw_band(
    figure: Figure, area: Tensor, price: Tensor, mean: Tensor, half: Tensor
) -> None:
    """Draw prices against areas, the fitted mean, and a band of mean plus minus half.

    Shapes: all (n,).
    """
    axes = figure.subplots()
    axes.plot(area.cpu(), price.cpu(), "o", markersize=3, alpha=0.5)
    order = area.argsort()
    x, m, h = (v[order].cpu() for v in (area, mean, half))
    axes.plot(x, m, "C1")
    axes.fill_between(x, m - h, m + h, color="C1", alpha=0.2)
    axes.set(xlabel="area (m²)", ylabel="price (thousand euros)")
    # --8<-- [end:draw_band]
