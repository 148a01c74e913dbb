"""Drawings of docs/en/deep/weight_decay.md."""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.func import vmap


# --8<-- [start:draw_decay]
def draw_decay(
    loss: Callable[[Tensor], Tensor],
    lam: float,
    paths: dict[str, Tensor],
    marks: dict[str, Tensor],
) -> None:
    """Draw paths over the contours of a loss and, dashed, of its penalised twin.

    Dotted lines stand where a weight is 1 / lam.

    Shapes: loss(w) () for w (2,); each path (steps + 1, 2), each mark (2,).
    """
    grey, ink = plt.rcParams["axes.edgecolor"], plt.rcParams["text.color"]
    _, axes = plt.subplots(figsize=(5.6, 4.3))
    spans = torch.linspace(-1, 3.2, 60), torch.linspace(-0.6, 2.2, 60)
    grid = torch.cartesian_prod(*spans).to(next(iter(marks.values())))
    heights = vmap(loss)(grid)
    for extra, style in ((0.0, "solid"), (lam / 2, "dashed")):
        z = (heights + extra * grid.square().sum(1)).view(60, 60).T.cpu()
        levels = [z.min().item() + 0.05 * 4**k for k in range(4)]
        axes.contour(*spans, z, levels, colors=grey, linewidths=0.8, linestyles=style)
    axes.axvline(1 / lam, color=ink, linestyle=":", linewidth=1.2)
    axes.axhline(1 / lam, color=ink, linestyle=":", linewidth=1.2)
    for k, (name, path) in enumerate(paths.items()):
        axes.plot(*path.cpu().T, ("-", "--", "-.")[k], color=f"C{k}", label=name)
        axes.plot(*path[-1].cpu(), "o", color=f"C{k}", markersize=7)
    for name, w in marks.items():
        axes.plot(*w.cpu(), "*", color=ink, markersize=9)
        place = (8, 6) if w[1] > 0.5 else (8, -15)
        axes.annotate(name, w.tolist(), place, textcoords="offset points")
    axes.set(xlabel="w₁", ylabel="w₂", aspect="equal")
    if paths:
        axes.figure.legend(loc="outside upper center", ncols=3)
    # --8<-- [end:draw_decay]


# --8<-- [start:draw_noise]
def draw_noise(
    sizes: Tensor,
    coupled: Sequence[float],
    decoupled: Sequence[float],
    predicted: Callable[[float], float],
    level: float,
) -> None:
    """Draw where Adam + L2 and AdamW end, the prediction and the L2 minimum.

    Shapes: sizes (k,).
    """
    axes = plt.figure().gca()
    curve = torch.logspace(-2, 1, 60).tolist()
    axes.axhline(level, color="C0", label="L2 minimum")
    axes.plot(curve, [predicted(s) for s in curve], "--C1", label="predicted")
    axes.semilogx(sizes.cpu(), coupled, "oC0", label="Adam + L2")
    axes.semilogx(sizes.cpu(), decoupled, "sC1", label="AdamW")
    axes.set(xlabel="noise of the gradient, s", ylabel="mean w at the end")
    axes.set_ylim(0, 1.05)
    axes.legend()
    # --8<-- [end:draw_noise]


# --8<-- [start:draw_speed]
def draw_speed(sizes: Tensor, left: dict[str, Tensor]) -> None:
    """Draw what is left of a weight of 1 against the size of its gradients.

    Shapes: sizes (k,), each entry of left (k,).
    """
    axes = plt.figure().gca()
    for k, (name, share) in enumerate(left.items()):
        axes.semilogx(sizes.cpu(), share.cpu(), ("-", "--", ":")[k], label=name)
    axes.set(xlabel="size of the gradients, s", ylabel="left of w = 1")
    axes.set_ylim(0, 1.05)
    axes.legend()
    # --8<-- [end:draw_speed]


# --8<-- [start:draw_losses]
def draw_losses(
    lams: Sequence[float], trained: Tensor, excess: Tensor, zero: Tensor
) -> None:
    """Draw the loss on training and on new rows against lam, 0 included.

    Shapes: trained and excess (k, 2), for a start at 0 and at random; zero ().
    """
    axes = plt.figure(figsize=(5.6, 3.6)).gca()
    trained, excess = trained.cpu(), excess.cpu()
    axes.plot(lams, excess[:, 1], "-sC1", label="new rows, random start")
    axes.plot(lams, excess[:, 0], "-oC0", label="new rows, start at 0")
    axes.plot(lams, trained[:, 0], ":^C2", label="training rows")
    axes.axhline(zero.item(), color=plt.rcParams["text.color"])
    axes.set_xscale("symlog", linthresh=0.01)
    axes.set_xticks([0, 0.01, 0.1, 1, 10, 100])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="λ", ylabel="half mean square", xlim=(-0.002, 150))
    axes.figure.legend(loc="outside upper center", ncols=2)
    # --8<-- [end:draw_losses]
