"""Drawings of docs/en/estimation/gaussian_mle.md."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from firstdescent.estimation.gaussian_mle import normal_pdf


# --8<-- [start:draw_bells]
def draw_bells(
    figure: Figure, prices: Tensor, means: Sequence[float], sigma: float
) -> None:
    """Draw, one panel for each mean, the bell curve and a bar up to it at each price.

    Shapes: prices (n,).
    """
    figure.set_size_inches(5.6, 5.4)
    panels = figure.subplots(len(means), sharex=True, sharey=True, squeeze=False)[:, 0]
    x = torch.linspace(230, 380, 301, dtype=prices.dtype)
    for ax, mean in zip(panels, means, strict=True):
        bars = normal_pdf(prices, mean, sigma).cpu()
        ax.plot(x, normal_pdf(x, mean, sigma), "C0")
        ax.vlines(prices.cpu(), 0, bars, "C1", linewidth=4)
        ax.text(232, 0.016, f"b = {mean}", color="C0")
        ax.text(340, 0.016, f"{bars.prod():.1e}", color="C1")
        ax.set(ylim=(0, 0.022), ylabel="density")
    panels[-1].set_xlabel("price, thousand euros")
    # --8<-- [end:draw_bells]


# --8<-- [start:draw_divisors]
def draw_divisors(
    figure: Figure, estimates: Mapping[str, Tensor], truth: float
) -> None:
    """Draw, one panel for each divisor, the histogram of its estimates and the truth.

    A triangle below marks the mean of the estimates, the dashed line the truth.

    Shapes: each value of estimates (times,).
    """
    figure.set_size_inches(5.6, 5.4)
    grid = figure.subplots(len(estimates), sharex=True, sharey=True, squeeze=False)
    panels = grid[:, 0]
    bins = torch.linspace(0, 3 * truth, 61)
    for ax, (name, values) in zip(panels, estimates.items(), strict=True):
        ax.hist(values.cpu(), bins, color="C0", alpha=0.5)
        ax.axvline(truth, color="C2", linestyle="--")
        ax.plot(values.mean().cpu(), -60, "^", color="C1", clip_on=False)
        ax.text(2.95 * truth, 800, f"divided by {name}", color="C0", ha="right")
        ax.set(ylim=(-120, 1500), ylabel="fits")
    panels[0].text(1.04 * truth, 1250, "truth", color="C2")
    panels[0].text(2.95 * truth, 400, "▲ mean", color="C1", ha="right")
    panels[-1].set_xlabel("estimated σ²")
    # --8<-- [end:draw_divisors]
