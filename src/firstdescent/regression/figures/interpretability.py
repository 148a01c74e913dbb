"""Drawings of docs/en/regression/interpretability.md."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_waterfall]
def draw_waterfall(ax: Axes, base: float, labels: Sequence[str], parts: Tensor) -> None:
    """Draw bars that lead from `base`, part by part, to the prediction.

    Shapes: parts (d,), one label each; the last row is the prediction.
    """
    ink = plt.rcParams["axes.edgecolor"]
    at, rows = base, len(parts) + 1
    ax.axvline(base, color=ink, linestyle=":", linewidth=1)
    for row, part in enumerate(parts.tolist()):
        ax.barh(row, part, left=at, height=0.6, color="C0" if part > 0 else "C1")
        right = max(at, at + part) + 1
        label = f"{part:+.0f}".replace("-", "\N{MINUS SIGN}")
        ax.text(right, row, label, va="center")
        at += part
        ax.plot([at, at], [row - 0.3, row + 1.3], color=ink, linewidth=1)
    ax.plot(at, rows - 1, "D", color="C2")
    ax.text(at + 2, rows - 1, f"{at:.0f}", va="center")
    ax.text(base + 1, -0.75, f"average prediction {base:.0f}")
    ax.set_yticks(range(rows), [*labels, "prediction"])
    ax.set(xlabel="thousands of euros", ylim=(rows - 0.5, -1.2))
    ax.use_sticky_edges = False
    ax.margins(x=0.1)
    ax.grid(axis="y", visible=False)
    # --8<-- [end:draw_waterfall]


# --8<-- [start:draw_slices]
def draw_slices(axes: Sequence[Axes], area: Tensor, r: Tensor, names: list) -> None:
    """Draw residuals against area: one panel a district, the first 200 in grey.

    Shapes: area (n,), r (n,), n names; a panel for each district but the centre.
    """
    grey = ink = plt.rcParams["axes.edgecolor"]
    panels = {"hills": "C3", "old town": "C1", "harbour": "C0"}
    for ax, (name, colour) in zip(axes, panels.items(), strict=True):
        inside = [i for i, district in enumerate(names) if district == name]
        ax.plot(area[:200].cpu(), r[:200].cpu(), ".", color=grey, ms=3, alpha=0.5)
        dots = {"color": colour, "markersize": 4}
        ax.plot(area[inside].cpu(), r[inside].cpu(), "o", **dots)
        ax.axhline(0, color=ink, linewidth=1)
        ax.set_title(name, color=colour)
        ax.set(ylim=(-190, 190), ylabel="residual")
    axes[-1].set_xlabel("area in m²")
    # --8<-- [end:draw_slices]


# --8<-- [start:draw_simpson]
def draw_simpson(
    axes: Sequence[Axes], area: Tensor, price: Tensor, lines: list
) -> None:
    """Draw the same houses twice: with one line, and with a line a district.

    Shapes: area (k, n), price (k, n): a row for each of k districts. `lines`
    holds (slope, offset): first of all houses, then of each district.
    """
    ink = plt.rcParams["axes.edgecolor"]
    (slope, offset), *within = lines
    x, y = area.cpu(), price.cpu()
    ends = [x.min().item(), x.max().item()]
    axes[0].plot(x.flatten(), y.flatten(), ".", color=ink)
    axes[0].plot(ends, [slope * end + offset for end in ends], color="C3")
    number = f"{slope:.1f}".replace("-", "\N{MINUS SIGN}")
    axes[0].set_title(f"one line for all: {number}", color="C3")
    for k, (slope, offset) in enumerate(within):
        ends = [x[k].min().item(), x[k].max().item()]
        axes[1].plot(x[k], y[k], "os^"[k], color=f"C{k}", markersize=3)
        axes[1].plot(ends, [slope * end + offset for end in ends], color=f"C{k}")
    slopes = ", ".join(f"{slope:.1f}" for slope, _ in within)
    axes[1].set_title(f"a line for each district: {slopes}")
    axes[1].set_xlabel("area in m²")
    for ax in axes:
        ax.set_ylabel("price")
    # --8<-- [end:draw_simpson]


# --8<-- [start:draw_shuffled]
def draw_shuffled(axes: Sequence[Axes], bedrooms: Tensor, areas: list[Tensor]) -> None:
    """Draw the first 300 houses, with their own areas and with shuffled ones.

    Shapes: bedrooms (n,); areas is two tensors (n,).
    """
    titles = ["houses", "houses with shuffled areas"]
    for ax, area, title, colour in zip(axes, areas, titles, ["C0", "C1"], strict=True):
        dots = {"markersize": 9, "color": colour}
        ax.plot(area[:300].cpu(), bedrooms[:300].cpu(), "|", **dots)
        ax.set(ylabel="bedrooms", yticks=range(1, 6), ylim=(0.4, 5.6), title=title)
    axes[-1].set_xlabel("area in m²")
    # --8<-- [end:draw_shuffled]
