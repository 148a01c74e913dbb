"""Drawings of docs/en/optimisation/gd_vs_newton.md."""

from collections.abc import Callable
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Patch
from torch import Tensor
from torch.func import grad, jacrev, vmap


# --8<-- [start:draw_newton_steps]
def draw_newton_steps(
    f: Callable[[Tensor], Tensor], path: Tensor, low: float, high: float
) -> None:
    """Draw f from `low` to `high`, and the parabola behind each step of `path`.

    Shapes: path (steps + 1, 1), f(w) () for w (1,).
    """
    ink = plt.rcParams["text.color"]
    _, axes = plt.subplots()
    x = torch.linspace(low, high, 120).to(path)
    height = vmap(f)(x[:, None]).cpu()
    axes.plot(x.cpu(), height, color=ink)
    bottom, top = height.min().item(), height.max().item()
    axes.set(xlabel="w", ylabel="loss", xlim=(low, high))
    for k, (w, end) in enumerate(pairwise(path)):
        s = torch.linspace(-0.2, 1.3, 60).to(path) * (end - w)
        height = f(w) + grad(f)(w) * s + jacrev(grad(f))(w)[0] * s**2 / 2
        axes.plot((w + s).cpu(), height.cpu(), "--", color=f"C{k}")
        lowest = (f(w) + grad(f)(w) * (end - w) / 2).item()
        axes.plot([end.item()] * 2, [lowest, f(end).item()], ":", color=f"C{k}")
        axes.plot(end.item(), lowest, "v", color=f"C{k}", markersize=9)
        bottom = min(bottom, lowest)
    axes.set_ylim(bottom - (top - bottom) / 8, top)
    for k, w in enumerate(path):
        at = (w.item(), f(w).item())
        axes.plot(*at, "o", color=ink)
        below = (6 if grad(f)(w).item() > 0 else -20, -13)  # beside the curve
        axes.annotate(f"w{'₀₁₂₃₄₅'[k]}", at, below, textcoords="offset points")
    # --8<-- [end:draw_newton_steps]


# --8<-- [start:draw_paths]
def draw_paths(f: Callable[[Tensor], Tensor], paths: dict[str, Tensor]) -> None:
    """Draw the contours of f and one or two paths, each with its name.

    Shapes: each path (steps + 1, 2), f(w) () for w (2,).
    """
    every = torch.cat(list(paths.values())).cpu()
    low, high = every.min(0).values - 0.5, every.max(0).values + 0.5
    spans = [torch.linspace(a, b, 60) for a, b in zip(low, high, strict=True)]
    grid = torch.cartesian_prod(*spans).to(next(iter(paths.values())))
    heights = vmap(f)(grid).view(60, 60).T.cpu()
    least, most = heights.min().item(), heights.max().item()
    levels = [least + (most - least) * (k / 9) ** 2 for k in range(1, 10)]
    _, axes = plt.subplots()
    grey = plt.rcParams["axes.edgecolor"]
    axes.contour(*spans, heights, levels, colors=grey, linewidths=0.7)
    for k, (name, path) in enumerate(paths.items()):
        style = ("-o", "--s")[k]
        axes.plot(*path.cpu().T, style, color=f"C{k}", markersize=4, label=name)
    axes.set(xlabel="w₁", ylabel="w₂", aspect="equal")
    axes.figure.legend(loc="outside upper center", ncols=2)
    # --8<-- [end:draw_paths]


# --8<-- [start:draw_errors]
def draw_errors(
    errors: dict[str, list[float]], level: float, level_name: str, floor: float = 1e-12
) -> None:
    """Draw each list of errors, down to `floor`, on a log axis, and a level line."""
    ink = plt.rcParams["text.color"]
    _, axes = plt.subplots()
    for k, (name, values) in enumerate(errors.items()):
        values = [value for value in values if value > floor]
        style = ("-", "-o", "--s", ":^")[k]
        axes.semilogy(values, style, color=f"C{k}", markersize=4)
        half = (values[0] * values[-1]) ** 0.5
        at = next((step, v) for step, v in enumerate(values) if v <= half)
        axes.annotate(name, at, (8, 2), textcoords="offset points", color=f"C{k}")
    axes.axhline(level, color=ink, linestyle=":", zorder=1)
    across = axes.get_yaxis_transform()
    axes.annotate(level_name, (1, level), (0, 5), across, "offset points", ha="right")
    axes.set(xlabel="step", ylabel="error")
    axes.yaxis.set_major_formatter("{x:.0e}")
    # --8<-- [end:draw_errors]


# --8<-- [start:draw_cost]
def draw_cost(d: Tensor, operations: dict[str, Tensor], memory: Tensor) -> None:
    """Draw operations above and bytes below, against d, all axes logarithmic.

    Shapes: d (k,), each of the operations (k,), memory (k,).
    """
    ink = plt.rcParams["text.color"]
    _, (top, low) = plt.subplots(2, sharex=True, figsize=(5.6, 5.2))
    for k, (name, values) in enumerate(operations.items()):
        top.loglog(d, values, ("-", "--", "-.")[k], color=f"C{2 * k}")
        above = values[-1] == max(v[-1] for v in operations.values())
        j = 3 * len(d) // 4
        at, shift = (d[j].item(), values[j].item()), (8, -14)
        how = {"textcoords": "offset points", "color": f"C{2 * k}"}
        how |= {"ha": "right"} if above else {}
        top.annotate(name, at, (-8, 8) if above else shift, **how)
    low.loglog(d, memory, color="C1")
    low.axhline(16e9, color=ink, linestyle=":")
    low.text(d[0].item(), 4e10, "16 GB", color=ink)
    top.set_ylabel("operations a step")
    low.set(xlabel="d, the number of weights", ylabel="bytes of H, float32")
    # --8<-- [end:draw_cost]


# --8<-- [start:draw_arrows]
def draw_arrows(f: Callable[[Tensor], Tensor], starts: Tensor, scale: float) -> None:
    """Draw `scale` times -g and -H^-1 g, from each start, on the contours of f.

    Shapes: starts (k, 2), f(w) () for w (2,).
    """
    g = vmap(grad(f))(starts)
    s = torch.linalg.solve(vmap(jacrev(grad(f)))(starts), g)
    span = torch.linspace(-2, 2, 61).to(starts)
    heights = vmap(f)(torch.cartesian_prod(span, span)).view(61, 61).T.cpu()
    _, axes = plt.subplots(figsize=(5.6, 4.6))
    grey = plt.rcParams["axes.edgecolor"]
    axes.contour(span.cpu(), span.cpu(), heights, 10, colors=grey, linewidths=0.7)
    names = ("gradient descent, along -g", "Newton, along -H⁻¹g")
    for k, (name, arrow) in enumerate(zip(names, (-g, -s), strict=True)):
        ends = (scale * arrow).cpu().T
        units = {"angles": "xy", "scale_units": "xy", "scale": 1}
        axes.quiver(*starts.cpu().T, *ends, color=f"C{k}", label=name, **units)
    axes.set(xlabel="w₁", ylabel="w₂", aspect="equal")
    axes.figure.legend(loc="outside upper center", ncols=2)
    # --8<-- [end:draw_arrows]


# --8<-- [start:draw_basins]
def draw_basins(f: Callable[[Tensor], Tensor], ends: dict[str, Tensor]) -> None:
    """Colour each start in the square from -2 to 2 by the kind of its end.

    Ends of one kind in different quadrants get different shades.

    Shapes: each entry of ends (m * m, 2), from starts w₁, w₂ with w₂ the faster;
            f(w) () for w (2,).
    """
    look = {"cmap": "viridis", "vmin": 0, "vmax": 0.84}
    look |= {"origin": "lower", "extent": (-2, 2, -2, 2), "interpolation": "none"}
    figure, panels = plt.subplots(1, 2, figsize=(5.8, 3.6), sharey=True)
    for axes, (name, end) in zip(panels, ends.items(), strict=True):
        falling = (torch.linalg.eigvalsh(vmap(jacrev(grad(f)))(end)) < 0).sum(1)
        quadrant = 2 * (end[:, 0] > 0) + (end[:, 1] > 0)
        shade = 0.42 * falling + 0.07 * quadrant * (falling < 2)
        m = round(len(end) ** 0.5)
        picture = axes.imshow(shade.view(m, m).T.cpu().numpy(), **look)
        shares = [f"{(falling == k).double().mean():.0%}" for k in range(3)]
        axes.set(title=f"{name}: {', '.join(shares)}", xticks=range(-2, 3))
        axes.set(xlabel="start w₁")
        axes.grid(False)
    panels[0].set(ylabel="start w₂", yticks=range(-2, 3))
    kinds = {"a minimum": 0.1, "a saddle": 0.52, "the maximum": 0.84}
    patches = [Patch(color=picture.to_rgba(v), label=k) for k, v in kinds.items()]
    figure.legend(handles=patches, loc="outside lower center", ncols=3)
    # --8<-- [end:draw_basins]
