"""Drawings of docs/en/deep/concept_drift.md."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor


# --8<-- [start:draw_rules]
def draw_rules(frozen: Tensor, now: dict[str, tuple[Tensor, Tensor, Tensor]]) -> None:
    """Draw for each name inputs, coloured by label, and two boundaries.

    Shapes: frozen (2,); now: X (n, 2), y (n,), rule (2,).
    """
    ink = plt.rcParams["axes.edgecolor"]
    size, tall = (5.2, 3.3 * len(now)), len(now)
    _, panels = plt.subplots(tall, 1, figsize=size, sharex=True, squeeze=False)
    for axes, (name, (X, y, rule)) in zip(panels.flat, now.items(), strict=True):
        for label, (colour, mark) in enumerate((("C1", "x"), ("C0", "o"))):
            dots = X[y.round() == label].cpu()
            text = "sold" if label else "not sold"
            axes.plot(*dots.T, mark, color=colour, markersize=5, label=text)
        for w, style, text in ((rule, "-", "rule"), (frozen, "--", "frozen model")):
            along = torch.stack([-w[1], w[0]]).cpu() / w.norm().item()
            ends = torch.stack([-3.2 * along, 3.2 * along])
            axes.plot(*ends.T, style, color=ink, linewidth=2, label=text)
        axes.set(title=name, ylabel="closeness", xlim=(-3, 5.2), ylim=(-2.6, 2.6))
    panels[-1, 0].set_xlabel("size (both standardised)")
    panels[0, 0].legend(loc="center right")
    # --8<-- [end:draw_rules]


# --8<-- [start:draw_angles]
def draw_angles(
    truth: Tensor, models: dict[str, Tensor], right: dict[str, Tensor]
) -> None:
    """Draw the angle of one stream's models, above, and the share right, below.

    Shapes: truth (T,), in radians; models (T, 2) weights; right (blocks,), shares
            of equal blocks of steps. The last model may jump: it is drawn thin, and
            within half a turn of the truth.
    """
    ink = plt.rcParams["axes.edgecolor"]
    _, (top, below) = plt.subplots(2, 1, figsize=(5.6, 6.4), sharex=True)
    steps = torch.arange(0, len(truth), 10)
    ideal = truth[steps].rad2deg()
    top.plot(steps, ideal, color=ink, linewidth=1.2, zorder=3, label="rule")
    for k, (name, weights) in enumerate(models.items()):
        w = weights[steps].cpu()
        angle, thin = torch.atan2(w[:, 1], w[:, 0]).rad2deg(), {}
        if k < len(models) - 1:
            angle = np.unwrap(angle.numpy(), period=360)
        else:
            angle = ideal + (angle - ideal + 180) % 360 - 180
            thin = {"linewidth": 0.7, "zorder": 1}
        top.plot(steps, angle, color=f"C{k}", label=name, **thin)
        share = right[name].cpu()
        middle = (torch.arange(len(share)) + 0.5) * len(truth) / len(share)
        below.plot(middle, share, "-", color=f"C{k}", label=name)
    top.set(ylabel="angle in degrees", yticks=range(0, 361, 90))
    top.legend(loc="upper left")
    below.set(xlabel="step", ylabel="share predicted right", ylim=(0, 1))
    # --8<-- [end:draw_angles]


# --8<-- [start:draw_trade]
def draw_trade(
    lrs: Tensor, found: Tensor, lengths: Tensor, windows: Tensor, formula: Callable
) -> None:
    """Draw the excess against lr; `formula(lr)` gives its lag, its noise, and the sum.

    Shapes: lrs and found (k,); lengths and windows (j,), at lr = 2 / (length + 1).
    """
    ink = plt.rcParams["axes.edgecolor"]
    axes = plt.figure(figsize=(5.6, 4.4)).gca()
    grid = torch.logspace(-2.3, -0.7, 60).double().tolist()
    lag, noise, total = zip(*map(formula, grid), strict=True)
    axes.loglog(grid, lag, "--", color=ink, linewidth=1.2, label="lag alone")
    axes.loglog(grid, noise, ":", color=ink, linewidth=1.6, label="noise alone")
    axes.loglog(grid, total, color="C0", label="online SGD, formula")
    axes.loglog(lrs.cpu(), found.cpu(), "o", color="C0", label="online SGD, measured")
    at = 2 / (lengths.cpu() + 1)
    axes.loglog(
        at, windows.cpu(), "s", color="C1", label="window, 2/lr \N{MINUS SIGN} 1 rows"
    )
    axes.set(xlabel="lr", ylabel="excess squared error", ylim=(3e-3, 6))
    axes.legend(loc="upper right")
    # --8<-- [end:draw_trade]
