"""Drawings of docs/en/regression/coefficients.md."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_sticks]
def draw_sticks(ax: Axes, estimate: Tensor, half: Tensor, truth: float) -> None:
    """Draw an upright stick for each interval; those that miss have their own colour.

    Shapes: estimate (times,), half (times,).
    """
    middles, halves = estimate.tolist(), half.tolist()
    for world, (middle, h) in enumerate(zip(middles, halves, strict=True), start=1):
        color = "C0" if abs(middle - truth) <= h else "C1"
        ax.plot([world, world], [middle - h, middle + h], color)
        ax.plot(world, middle, ".", color=color)
    last = len(middles) + 1
    ax.plot([0, last], [truth, truth], "--", color="C2")
    ax.text(last + 0.5, truth, "truth", color="C2", va="center")
    ax.set(xlim=(-1, 1.16 * last), xlabel="world")
    ax.set(ylabel="thousand euros per bedroom")
    # --8<-- [end:draw_sticks]


# --8<-- [start:draw_cloud]
def draw_cloud(ax: Axes, w: Tensor) -> None:
    """Draw (area, bedrooms) coefficients as dots, the truth, and the line of 60.

    On the line one bedroom and 25 square metres cost 60 together.

    Shapes: w (times, p): bedrooms first, area third.
    """
    bedrooms, area = w[:, 0].cpu(), w[:, 2].cpu()
    for mask, color in ((bedrooms >= 0, "C0"), (bedrooms < 0, "C1")):
        dots = {"color": color, "markersize": 3.5, "alpha": 0.6}
        ax.plot(area[mask], bedrooms[mask], "o", **dots)
    ink = plt.rcParams["text.color"]
    ax.plot([0.4, 3.6], [50, -30], "--", color="C2")
    ax.plot(2, 10, "*", color=ink, markersize=13)
    ax.text(2.25, 38, "bedrooms + 25 area = 60", color="C2")
    ax.text(0.6, -25, "bedrooms below 0", color="C1")
    ax.set(xlabel="coefficient of area", ylabel="coefficient of bedrooms")
    # --8<-- [end:draw_cloud]
