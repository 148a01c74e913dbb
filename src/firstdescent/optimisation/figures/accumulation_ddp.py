"""Drawings of docs/en/optimisation/accumulation_ddp.md."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from torch import Tensor


# --8<-- [start:draw_weights]
def draw_weights(weights: Sequence[float], short: int) -> None:
    """Draw a bar for each row; the first `short` rows are the short chunk."""
    _, axes = plt.subplots()
    n = len(weights)
    axes.bar(range(short), weights[:short], color="C1")
    axes.bar(range(short, n), weights[short:], color="C0")
    axes.axhline(1 / n, color=plt.rcParams["text.color"], ls="--")
    first, last = (f"1/{1 / w:.0f} each, in the" for w in (weights[0], weights[-1]))
    axes.text(short + 2, 0.9 * weights[0], f"{first} village", color="C1")
    axes.text(n / 2, 1.25 / n, f"1/{n}, if each counts once")
    axes.annotate(
        f"{last} town",
        (n / 3, weights[-1]),
        (short + 2, 0.5 * weights[0]),
        color="C0",
        arrowprops={"arrowstyle": "->", "color": "C0"},
    )
    axes.set(xlabel="row", ylabel="its weight in the loss")
    axes.grid(False)
    # --8<-- [end:draw_weights]


# --8<-- [start:draw_ranks]
def draw_ranks(panels: dict[str, tuple[Tensor, Tensor]], right: Tensor) -> None:
    """Draw, a panel each, what two ranks send, and DDP's average of the two.

    Shapes: each arrow, and `right`, (2,): the downhill directions on the page.
    """
    _, axes = plt.subplots(
        len(panels), sharex=True, sharey=True, figsize=(5.6, 6.4), squeeze=False
    )
    for panel, (title, sent) in zip(axes[:, 0], panels.items(), strict=True):
        average = (sent[0] + sent[1]) / 2
        ends = {"rank 0": sent[0], "rank 1": sent[1], "average": average}
        for k, (name, end) in enumerate(ends.items()):
            x, y = end.tolist()
            style = {"arrowstyle": "-|>", "color": f"C{k}", "lw": 2}
            panel.annotate("", (x, y), (0, 0), arrowprops=style)
            if k < 2:
                side = 6 if x > 0 else -6
                ha = "left" if x > 0 else "right"
                at = {"textcoords": "offset points", "va": "center", "ha": ha}
                panel.annotate(name, (x, y), (side, 0), color=f"C{k}", **at)
        panel.plot(*zip(*(end.tolist() for end in sent), strict=True), "--", color="C2")
        ink = plt.rcParams["text.color"]
        style = {"ms": 11, "mfc": "none", "mew": 2, "color": ink}
        circle = panel.plot(*right.tolist(), "o", **style, label="right")
        panel.set(title=title, ylabel="downhill, constant")
        panel.set(xlim=(-250, 270), ylim=(-20, 560))
    axes[-1, 0].set_xlabel("downhill, area")
    arrow = plt.Line2D([], [], color="C2", lw=2, label="DDP's average")
    axes[0, 0].figure.legend(
        handles=[arrow, *circle], loc="outside upper center", ncols=2
    )
    # --8<-- [end:draw_ranks]
