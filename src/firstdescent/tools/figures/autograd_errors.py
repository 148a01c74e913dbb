"""Drawings of docs/en/tools/autograd_errors.md."""

import matplotlib.pyplot as plt
import torch
from torch import Tensor


# --8<-- [start:draw_totals]
def draw_totals(kept: list, detached: list) -> None:
    """Draw w and the count of nodes of two `fit_on_total`, round by round."""
    _, (top, bottom) = plt.subplots(2, sharex=True, figsize=(5.6, 4.8))
    for seen, style in ((kept, "C3-"), (detached, "C0--")):
        ws, _, counts = zip(*seen, strict=True)
        top.plot(ws, style)
        bottom.plot(counts, style)
    top.text(len(kept), ws[-1], " detached", color="C0", va="center")
    top.text(len(kept), kept[-1][0], " retained", color="C3", va="center")
    bottom.text(len(kept), counts[-1], " detached", color="C0", va="center")
    bottom.text(len(kept), kept[-1][2], " retained", color="C3", va="center")
    top.set(ylabel="w", xlim=(-2, 1.3 * len(kept)))
    bottom.set(xlabel="round", ylabel="nodes in the graph")
    # --8<-- [end:draw_totals]


# --8<-- [start:draw_fan]
def draw_fan(answers: dict[str, float]) -> None:
    """Draw max(t, 0), the lines below it through its kink, and three slopes there."""
    t = torch.tensor([-1.0, 0.0, 1.0])
    ink = plt.rcParams["axes.edgecolor"]
    for s in torch.linspace(0, 1, 13):
        plt.plot(t, s * t, color=ink, alpha=0.25, linewidth=1)
    plt.plot(t, t.relu(), color=ink, linewidth=3)
    for k, (name, s) in enumerate(answers.items()):
        plt.plot(t, s * t, "--", color=f"C{k}")
        place = {"ha": "right", "va": "center", "color": f"C{k}"}
        plt.text(-1.04, -s, f"{name}\nslope {s}", **place)
    plt.gca().set(xlabel="t", ylabel="max(t, 0)", xlim=(-2, 1.05), ylim=(-1.2, 1.05))
    plt.gca().set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    # --8<-- [end:draw_fan]


# --8<-- [start:draw_roots]
def draw_roots(t: Tensor, slopes: list[Tensor]) -> None:
    """Draw the root of t, and its slope with one `where` and with two.

    Shapes: t (n,), slopes two of (n,); nan is drawn on a line of its own.
    """
    _, (top, bottom) = plt.subplots(2, sharex=True, figsize=(5.6, 4.8))
    top.plot(t, t.relu().sqrt(), ".", color=plt.rcParams["axes.edgecolor"])
    top.text(-1, 0.8, "both: the same value")
    for g, style, size in zip(slopes, ("C3x", "C0."), (8, 5), strict=True):
        bottom.plot(t, g.nan_to_num(-1), style, markersize=size)
    bottom.text(-1, 0.25, "two where: 0", color="C0")
    bottom.text(-1, -0.75, "one where: nan", color="C3")
    bottom.set(xlabel="t", ylabel="slope", yticks=[-1, 0, 1, 2])
    bottom.set_yticklabels(["nan", "0", "1", "2"])
    top.set(ylabel="value")
    # --8<-- [end:draw_roots]
