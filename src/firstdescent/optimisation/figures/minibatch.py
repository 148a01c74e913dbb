"""Drawings of docs/en/optimisation/minibatch.md."""

from math import inf

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_clouds]
def draw_clouds(ax: Axes, clouds: dict[int, Tensor], g: Tensor) -> None:
    """Draw the last two entries of batch gradients, by batch size, and of the full.

    Shapes: each cloud (draws, p), g (p,).
    """
    ink = plt.rcParams["text.color"]
    for k, (size, cloud) in enumerate(clouds.items()):
        x, y = cloud[:, -2].cpu(), cloud[:, -1].cpu()
        ax.plot(x, y, "o", color=f"C{k}", markersize=3, alpha=0.5)
        height = 0.93 - 0.1 * k
        ax.text(0.03, height, f"B = {size}", color=f"C{k}", transform=ax.transAxes)
    ax.plot(g[-2].item(), g[-1].item(), "*", color=ink, markersize=9)
    ax.plot(0, 0, "+", color=ink, markersize=12)
    ax.text(0.3, 0.93, "★ full gradient", transform=ax.transAxes)
    ax.text(0.3, 0.83, "+ zero", transform=ax.transAxes)
    ax.set(xlabel="gradient, area's weight", ylabel="gradient, constant")
    # --8<-- [end:draw_clouds]


# --8<-- [start:draw_floors]
def draw_floors(ax: Axes, excess: Tensor, runs: list[Tensor], names: list[str]) -> None:
    """Draw expected excess losses by step, and means over runs behind them.

    The expectations without runs of their own are dashed.

    Shapes: excess (steps, K), each of runs (steps,).
    """
    steps = range(0, len(excess), 25)
    for k, mean in enumerate(runs):
        ax.semilogy(steps, mean[::25].cpu(), color=f"C{k}", alpha=0.35, lw=4)
    for k, name in enumerate(names):
        dash = "-" if k < len(runs) else "--"
        ax.semilogy(steps, excess[::25, k].cpu(), dash, color=f"C{k}", lw=1.5)
        height = 0.93 - 0.1 * k
        ax.text(0.45, height, name, color=f"C{k}", transform=ax.transAxes)
    ax.set(xlabel="steps", ylabel="excess loss, (1000 €)²", ylim=(1, 1e5))
    ax.yaxis.set_major_formatter("{x:g}")
    # --8<-- [end:draw_floors]


# --8<-- [start:draw_elbows]
def draw_elbows(ax: Axes, sizes: list[float], steps: dict[int, list[int]]) -> None:
    """Draw steps to a target by batch size, and the two asymptotes of each curve.

    The last size is inf, the full gradient: it gives the level asymptote.
    """
    finite = [size for size in sizes if size < inf]
    for k, (target, taken) in enumerate(steps.items()):
        first, least = taken[0], taken[-1]
        ax.loglog(finite, taken[:-1], "o-", color=f"C{k}")
        elbow = first / least
        ax.plot([1, elbow], [first, least], ":", color=f"C{k}", lw=1.5)
        ax.plot([elbow, 1024], [least, least], ":", color=f"C{k}", lw=1.5)
        ax.plot(elbow, least, "D", color=f"C{k}", markersize=7, fillstyle="none")
        place = {"color": f"C{k}", "transform": ax.transAxes}
        height = 0.92 - 0.1 * (len(steps) - 1 - k)  # in the order of the curves
        ax.text(0.6, height, f"to excess {target}", **place)
    ax.set(xlabel="batch size B", ylabel="steps", xticks=finite)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    # --8<-- [end:draw_elbows]


# --8<-- [start:draw_orders]
def draw_orders(ax: Axes, curves: dict[str, Tensor], level: float) -> None:
    """Draw mean excess losses by epoch, one line an order, and a level.

    Shapes: each curve (epochs,), from the end of the first epoch on.
    """
    for k, (name, curve) in enumerate(curves.items()):
        ax.loglog(range(1, len(curve) + 1), curve.cpu(), color=f"C{k}")
        height = 0.33 - 0.1 * k
        ax.text(0.03, height, name, color=f"C{k}", transform=ax.transAxes)
    ink = plt.rcParams["axes.edgecolor"]
    ax.plot([1, len(curve)], [level, level], ":", color=ink, lw=1.5)
    ax.set(xlabel="epochs", ylabel="excess loss, (1000 €)²")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter("{x:g}")
    # --8<-- [end:draw_orders]
