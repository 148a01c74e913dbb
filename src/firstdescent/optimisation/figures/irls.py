"""Drawings of docs/en/optimisation/irls.md."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.func import vmap


# --8<-- [start:draw_responses]
def draw_responses(
    x: Tensor, y: Tensor, fits: dict[int, tuple[Tensor, Tensor, Tensor]]
) -> None:
    """Draw for some steps z over x, marks as large as s, and the line fitted to them.

    Shapes: x and y (n,); for each step z (n,), s (n,) and the new theta (2,).
    """
    shape = {"figsize": (5.2, 6.6), "sharex": True, "sharey": True}
    figure, panels = plt.subplots(len(fits), 1, **shape)
    ends = torch.stack([x.min(), x.max()]).cpu()
    ink = plt.rcParams["text.color"]
    for axes, (step, (z, s, theta)) in zip(panels, fits.items(), strict=True):
        for label, marker in ((1, "^"), (0, "o")):
            rows = y == label
            size = 160 * s[rows].cpu()
            look = {"color": f"C{label}", "marker": marker, "alpha": 0.7}
            name = f"label {label}"
            axes.scatter(x[rows].cpu(), z[rows].cpu(), size, label=name, **look)
        w, b = theta.tolist()
        axes.plot(ends, w * ends + b, color=ink)
        axes.set(title=f"step {step}", ylabel="working response z")
    panels[-1].set(xlabel="price asked above the fair one, in 10,000 euros")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    # --8<-- [end:draw_responses]


# --8<-- [start:draw_valley]
def draw_valley(
    f: Callable[[Tensor], Tensor], path: Tensor, ends: dict[str, Tensor]
) -> None:
    """Draw contours of f over slope and intercept, a path, and named points.

    Shapes: f(theta) () for theta (2,), path (steps + 1, 2), each end (2,).
    """
    right = path[-1, 0].item() + 0.6
    spans = torch.linspace(-0.7, right, 90), torch.linspace(-3, 3, 60)
    heights = vmap(f)(torch.cartesian_prod(*spans).to(path)).view(90, 60).T.cpu()
    levels = [10 ** (k / 2) for k in range(-6, 3)]
    _, axes = plt.subplots()
    axes.contour(*spans, heights.log10(), [torch.tensor(v).log10() for v in levels])
    axes.plot(*path.cpu().T, "-o", color="C0", markersize=4, label="Newton's steps")
    for k, (name, end) in enumerate(ends.items()):
        at = end.cpu().tolist()
        axes.plot(
            *at, "s", color="C1", label="least with a penalty" if k == 0 else None
        )
        axes.annotate(name, at, (-2, -18), textcoords="offset points", color="C1")
    axes.set(xlabel="slope", ylabel="intercept")
    axes.figure.legend(loc="outside upper center", ncols=2)
    # --8<-- [end:draw_valley]
