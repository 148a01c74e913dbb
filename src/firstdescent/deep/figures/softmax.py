"""Drawings of docs/en/deep/softmax.md."""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import torch
from torch import Tensor


# --8<-- [start:draw_pulls]
def draw_pulls(cases: dict[str, Tensor], label: int, names: Sequence[str]) -> None:
    """Draw, for each case, a bar for each p and an arrow from it to its target.

    Shapes: each case (k,), probabilities.
    """
    ink = plt.rcParams["text.color"]
    size = (5.6, 1.75 * len(cases))
    _, panels = plt.subplots(len(cases), 1, figsize=size, sharex=True)
    for axes, (title, p) in zip(panels, cases.items(), strict=True):
        for j, height in enumerate(p.tolist()):
            target = float(j == label)
            axes.bar(j, height, 0.36, color="C0")
            axes.plot([j - 0.2, j + 0.4], [target] * 2, color=ink, linewidth=1)
            axes.plot([j + 0.28] * 2, [height, target], color="C1", linewidth=3)
            head = "^" if target > height else "v"
            axes.plot(j + 0.28, target, head, color="C1", markersize=8)
            words = f"{height - target:+.2f}".replace("-", "\N{MINUS SIGN}")
            axes.text(j + 0.34, 0.42, words)
        axes.set(title=title, ylim=(-0.1, 1.1), yticks=[0, 1], ylabel="p")
        axes.grid(False)
    panels[-1].set_xlim(-0.4, len(names) - 0.1)
    panels[-1].set_xticks(range(len(names)), names)
    # --8<-- [end:draw_pulls]


# --8<-- [start:draw_borders]
def draw_borders(
    X: Tensor, y: Tensor, rules: dict[str, Callable[[Tensor], Tensor]]
) -> None:
    """Draw the points, and where each rule's best class changes.

    Shapes: X (n, 2), y (n,), rule(points (m, 2)) -> scores (m, k).
    """
    _, axes = plt.subplots(figsize=(5.6, 4.4))
    spans = [torch.linspace(-2, 4, 121), torch.linspace(-2, 4, 121)]
    points = torch.cartesian_prod(*spans).to(X)
    for c, mark in enumerate("os^"):
        style = {"color": f"C{c}", "markersize": 4, "alpha": 0.6}
        axes.plot(*X[y == c].cpu().T, mark, **style)
    for (name, rule), line in zip(rules.items(), ("solid", "dashed"), strict=True):
        ink = plt.rcParams["text.color"] if line == "solid" else "C4"
        scores = rule(points)
        for c in range(scores.shape[1]):
            others = scores[:, torch.arange(scores.shape[1]) != c].amax(1)
            lead = (scores[:, c] - others).view(121, 121).T.cpu()
            look = {"colors": ink, "linestyles": line}
            axes.contour(*spans, lead, [0.0], **look)
        axes.plot([], [], color=ink, linestyle=line, label=name)
    axes.set(xlim=(-2, 4), ylim=(-2, 4), aspect="equal", xlabel="x₁", ylabel="x₂")
    axes.figure.legend(loc="outside upper center", ncols=2)
    # --8<-- [end:draw_borders]


# --8<-- [start:draw_lines]
def draw_lines(lead: Tensor, pulls: dict[str, Tensor]) -> None:
    """Draw each pull on the label's score against its lead.

    Shapes: lead and each pull (n,).
    """
    _, axes = plt.subplots()
    for (name, pull), line in zip(pulls.items(), ("-", "--"), strict=True):
        axes.plot(lead.cpu(), pull.cpu(), line, label=name)
    axes.set(xlabel="lead of the label's score", ylabel="pull on it")
    axes.legend()
    # --8<-- [end:draw_lines]


# --8<-- [start:draw_images]
def draw_images(rows: Sequence[Tensor], names: Sequence[Sequence], **look) -> None:
    """Draw rows of 8 x 8 images, each with its name below it.

    Shapes: each row (m, 64).
    """
    size = (5.6, 7 * len(rows) / len(rows[0]))
    _, panels = plt.subplots(len(rows), 1, figsize=size, squeeze=False)
    for axes, images, words in zip(panels[:, 0], rows, names, strict=True):
        m = len(images)
        strip = torch.full((8, 9 * m - 1), float("nan"), dtype=images.dtype)
        for j, image in enumerate(images.cpu()):
            strip[:, 9 * j : 9 * j + 8] = image.view(8, 8)
        axes.imshow(strip.numpy(), interpolation="none", **look)
        axes.set_xticks([9 * j + 3.5 for j in range(m)], words)
        axes.set_yticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.grid(False)
    # --8<-- [end:draw_images]
