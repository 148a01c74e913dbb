"""Drawings of docs/en/optimisation/safe_newton.md."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap


# --8<-- [start:draw_search]
def draw_search(
    f: Callable[[Tensor], Tensor], w: Tensor, p: Tensor, t: float, shares: list[float]
) -> None:
    """Draw f along the step p, the trials 1, 1/2, ... down to t, and Armijo's lines.

    Shapes: w (d,), p (d,), f(w) () for w (d,).
    """
    line = torch.linspace(0, 1, 101).to(w)
    heights = vmap(lambda t: f(w + t * p))(line).cpu()
    slope = (grad(f)(w) @ p).item()
    _, axes = plt.subplots()
    axes.plot(line.cpu(), heights, label="f(w + tp)")
    for c, style in zip(shares, ("--", ":"), strict=True):
        border = heights[0] + c * slope * line.cpu()
        axes.plot(line.cpu(), border, style, label=f"line for c = {c}")
    trial = 1.0
    while trial >= t:
        mark = "o" if trial == t else "x"
        axes.plot(trial, f(w + trial * p).item(), mark, color="C3", markersize=9, mew=2)
        trial /= 2
    axes.set(xlabel="t", ylabel="loss")
    axes.figure.legend(loc="outside upper center", ncols=3)
    # --8<-- [end:draw_search]


# --8<-- [start:draw_damped_steps]
def draw_damped_steps(f: Callable[[Tensor], Tensor], w: Tensor, radius: float) -> None:
    """Draw the steps s(lambda) from w on the contours of f, and their lengths.

    Shapes: w (2,), f(w) () for w (2,), w at a negative curvature.
    """
    g, H = grad(f)(w), jacrev(grad(f))(w)
    low = -torch.linalg.eigvalsh(H)[0].item()
    dampings = low + torch.logspace(-3, 3, 1000).to(w)
    system = H + dampings[:, None, None] * torch.eye(2).to(w)
    steps = -torch.linalg.solve(system, g.expand(1000, 2))
    lengths = steps.norm(dim=1)
    k = (lengths > radius).sum()  # the first that is no longer than the radius
    grey, ink = plt.rcParams["axes.edgecolor"], plt.rcParams["text.color"]
    _, (top, below) = plt.subplots(2, figsize=(5.6, 6.4), height_ratios=(3, 2))
    spans = [torch.linspace(v - 1.1, v + 1.1, 61).to(w) for v in w.tolist()]
    heights = vmap(f)(torch.cartesian_prod(*spans)).view(61, 61).T.cpu()
    spans = [span.cpu() for span in spans]
    least, most = heights.min().item(), heights.max().item()
    levels = [least + (most - least) * (k / 16) ** 2 for k in range(1, 16)]
    top.contour(*spans, heights, levels, colors=grey, linewidths=0.7)
    top.plot(*(w + steps).cpu().T, color="C0", label="s(λ)")
    turn = torch.linspace(0, 2 * torch.pi, 100).to(w)
    circle = w + radius * torch.stack([turn.cos(), turn.sin()], dim=1)
    top.plot(*circle.cpu().T, ":", color=ink, label="radius Δ")
    units = {"angles": "xy", "scale_units": "xy", "scale": 1}
    arrows = {"-g": -g, "Newton": -torch.linalg.solve(H, g)}
    for c, (name, arrow) in enumerate(arrows.items()):
        at = (*w.tolist(), *arrow.tolist())
        top.quiver(*at, color=f"C{c + 1}", label=name, width=0.012, **units)
    top.plot(*(w + steps[k]).tolist(), "o", color="C0")
    top.plot(*w.tolist(), "o", color=ink)
    x, y = (span[[0, -1]].tolist() for span in spans)
    top.set(xlim=x, ylim=y, xlabel="w₁", ylabel="w₂", aspect="equal")
    top.figure.legend(loc="outside upper center", ncols=4)
    below.plot(dampings.cpu(), lengths.cpu(), color="C0")
    below.axvline(low, color=grey)
    name = "\N{MINUS SIGN}h min"
    below.annotate(name, (low, 0.1), (-4, 0), textcoords="offset points", ha="right")
    below.axhline(radius, linestyle=":", color=ink)
    below.plot(dampings[k].item(), lengths[k].item(), "o", color="C0")
    below.annotate("Δ", (3, radius), (-4, 4), textcoords="offset points")
    below.set(xlabel="λ", ylabel="length of s(λ)", xlim=(0, 3), ylim=(0, 1.5))
    # --8<-- [end:draw_damped_steps]
