"""Drawings of docs/en/optimisation/learning_rate.md."""

from collections.abc import Sequence
from math import log

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_regimes]
def draw_regimes(names: dict[float, str], steps: int) -> None:
    """Draw walks on one parabola, one panel for each product of lr and curvature."""
    ink = plt.rcParams["axes.edgecolor"]
    size = (5.6, 1.75 * len(names))
    _, panels = plt.subplots(len(names), 1, figsize=size, sharex=True)
    w = torch.linspace(-2, 2, 101)
    walks = zip(panels, names.items(), strict=True)
    for k, (axes, (product, name)) in enumerate(walks):
        axes.plot(w, w**2 / 2, color=ink, linewidth=1)
        path = torch.tensor([(1 - product) ** step for step in range(steps + 1)])
        axes.plot(path, path**2 / 2, "-o", color=f"C{k}", markersize=5, linewidth=1.2)
        axes.plot(1, 0.5, "o", color=ink, markersize=8)
        axes.set(title=f"lr = {product}/λ: {name}", ylabel="loss", ylim=(-0.15, 2))
    panels[-1].set_xlabel("w, the error (the large dot is the start)")
    # --8<-- [end:draw_regimes]


# --8<-- [start:draw_steps]
def draw_steps(
    axes: Axes, tables: dict[str, tuple[float, float]], lrs: Tensor, steps: Tensor
) -> None:
    """Draw the steps that suffice for a thousandth of the error, against lr.

    A line for each pair of smallest and largest curvature, up to its dotted limit.

    Shapes: lrs (k,), steps (k,): dots, counted on the first pair.
    """
    ink = plt.rcParams["text.color"]
    for k, (name, (low, high)) in enumerate(tables.items()):
        limit, near = 2 / high, torch.logspace(-6, -0.01, 200).double()
        lr = limit * torch.cat([torch.logspace(-2, -0.02, 100), 1 - near.flip(0)])
        lr = lr.sort().values
        rate = torch.maximum((1 - lr * low).abs(), (1 - lr * high).abs())
        axes.loglog(lr, -log(1000) / rate.log(), color=f"C{k}", label=name)
        axes.axvline(limit, color=ink, linestyle=":", linewidth=1, zorder=1)
    axes.plot(lrs.cpu(), steps.cpu(), "o", color="C0", markersize=6, label="counted")
    axes.set(xlabel="lr (dotted: the limits)", ylabel="steps", ylim=(50, 3e8))
    axes.legend(loc="lower left")
    # --8<-- [end:draw_steps]


# --8<-- [start:draw_edge]
def draw_edge(lrs: Sequence[float], every: int, high: Tensor, losses: Tensor) -> None:
    """Draw the largest curvature along a walk, above, and its loss, below.

    Shapes: high (points, k), losses (points, k), for the k learning rates.
    """
    _, (top, below) = plt.subplots(2, 1, figsize=(5.6, 6), sharex=True)
    at = every * torch.arange(len(high))
    for k, lr in enumerate(lrs):
        top.plot(at, high[:, k], color=f"C{k}")
        top.axhline(2 / lr, color=f"C{k}", linestyle=":", linewidth=1.4)
        text = (at[-1].item(), 2 / lr)
        note = f"2/{lr}"
        top.annotate(note, text, (0, 4), textcoords="offset points", ha="right")
        below.semilogy(at, losses[:, k], color=f"C{k}", label=f"lr {lr}")
    top.set(ylabel="largest curvature", ylim=(0, 1.15 * 2 / min(lrs)))
    below.set(xlabel="step", ylabel="loss", yticks=[0.02, 0.05, 0.1, 0.3])
    below.yaxis.set_major_formatter("{x:g}")
    below.minorticks_off()
    below.legend(loc="upper right")
    # --8<-- [end:draw_edge]
