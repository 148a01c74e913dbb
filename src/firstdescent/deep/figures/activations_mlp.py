"""Drawings of docs/en/deep/activations_mlp.md."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from firstdescent.deep.activations_mlp import bends, slopes


# --8<-- [start:draw_xor]
def draw_xor(X: Tensor, y: Tensor, H: Tensor) -> None:
    """Draw the four points as they are, and below where two ReLUs put them.

    Shapes: X (4, 2), y (4,), H (4, 2).
    """
    ink, grey = plt.rcParams["text.color"], plt.rcParams["axes.edgecolor"]
    _, panels = plt.subplots(2, figsize=(4.4, 6.6))
    x = torch.tensor([-1.0, 3.0])
    panels[0].fill_between(x, 0.5 - x, 1.5 - x, color="C1", alpha=0.15)
    for place in (0, 1):
        panels[0].plot(x, place - x, ":", color=grey)
    panels[1].fill_between(x, -1, x / 2 - 0.25, color="C1", alpha=0.15)
    panels[1].plot(x, x / 2 - 0.25, color=grey)
    for axes, points in zip(panels, (X.cpu(), H.cpu()), strict=True):
        for label, mark in ((0, "o"), (1, "^")):
            at = points[y.cpu() == label].T
            axes.plot(*at, mark, color=f"C{label}", markersize=10)
        axes.set_aspect("equal")
    for a, b in X.tolist():
        text = f"({a:.0f}, {b:.0f})"
        panels[0].annotate(text, (a, b), (9, 7), textcoords="offset points")
    panels[0].set(xlabel="x₁", ylabel="x₂", xlim=(-0.4, 1.6), ylim=(-0.4, 1.5))
    panels[1].set(xlabel="h₁", ylabel="h₂", xlim=(-0.4, 2.5), ylim=(-0.4, 1.4))
    hints = {(0, 0): "(0, 0)", (1, 0): "(0, 1) and (1, 0)", (2, 1): "(1, 1)"}
    for at, text in hints.items():
        shift = {"xytext": (4, 10), "textcoords": "offset points", "color": ink}
        panels[1].annotate(text, at, **shift)
    # --8<-- [end:draw_xor]


# --8<-- [start:draw_folds]
@torch.no_grad()
def draw_folds(net: nn.Sequential, low: float, high: float) -> None:
    """Draw the units of a Linear, ReLU, Linear above, and their sum below.

    A bias of the last layer moves the sum only.

    Shapes: one input, one output.
    """
    x = torch.linspace(low, high, 141, dtype=torch.float64)[:, None]
    units = net[:2](x) * net[2].weight  # (141, width)
    places = bends(net)[0][:, None]
    _, (top, bottom) = plt.subplots(2, sharex=True, figsize=(5.6, 5))
    for k, unit in enumerate(units.T):
        top.plot(x, unit, ("-", "--", "-.")[k % 3], color=f"C{k}")
    bottom.plot(x, net(x), color=f"C{units.shape[1]}")
    bottom.plot(places, net(places), "o", color=f"C{units.shape[1]}")
    top.set(ylabel="the units")
    bottom.set(xlabel="x", ylabel="their sum")
    # --8<-- [end:draw_folds]


# --8<-- [start:draw_activations]
def draw_activations(functions: dict[str, Callable[[Tensor], Tensor]]) -> None:
    """Draw the functions above and their slopes below, from -5 to 5.

    At most six: the colours end there.

    Shapes: each function takes and gives (402,), float64, on the CPU.
    """
    _, (top, low) = plt.subplots(2, sharex=True, figsize=(5.6, 6.2))
    z = torch.linspace(-5, 5, 402, dtype=torch.float64)  # 0 is not among them
    for k, (name, f) in enumerate(functions.items()):
        style = ("-", "-", "-", "--", "-.", ":")[k]
        top.plot(z, f(z), style, color=f"C{k}", label=name)
        low.plot(z, slopes(f, z), style, color=f"C{k}")
    low.axhline(0.25, color=plt.rcParams["text.color"], linestyle=":", linewidth=1)
    low.text(-4.9, 0.28, "¼")
    top.set(ylabel="value", ylim=(-1.2, 2.2))
    low.set(xlabel="z", ylabel="slope", ylim=(-0.2, 1.2))
    top.figure.legend(loc="outside upper center", ncols=3)
    # --8<-- [end:draw_activations]


# --8<-- [start:draw_regions]
@torch.no_grad()
def draw_regions(nets: dict[str, nn.Module], X: Tensor, y: Tensor) -> None:
    """Shade where each net, one below the other, says class 0 or 1; dot the rows.

    Shapes: X (n, 2), y (n,); a net takes (m, 2) and gives logits (m, 2).
    """
    span = torch.linspace(-2.2, 2.2, 111, dtype=torch.float64)
    grid = torch.cartesian_prod(span, span).to(X)
    _, panels = plt.subplots(len(nets), figsize=(4.2, 4.2 * len(nets)))
    for axes, (name, net) in zip(panels, nets.items(), strict=True):
        logits = net(grid)
        score = (logits[:, 1] - logits[:, 0]).view(111, 111).T.cpu()
        edge = score.abs().max().item() + 1
        shade = {"colors": ["C0", "C1"], "alpha": 0.2}
        axes.contourf(span, span, score, [-edge, 0, edge], **shade)
        for label, mark in ((0, "o"), (1, "^")):
            at = X[y == label].T.cpu()
            axes.plot(*at, mark, color=f"C{label}", markersize=3)
        axes.set(title=name, xlabel="x₁", ylabel="x₂", aspect="equal")
        axes.set(xticks=range(-2, 3), yticks=range(-2, 3))
    # --8<-- [end:draw_regions]
