"""Drawings of docs/en/deep/kfold_houses.md."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from firstdescent.deep.kfold_houses import Fold


# --8<-- [start:draw_folds]
def draw_folds(ax: Axes, folds: Sequence[Fold], n: int) -> None:
    """Draw a line of n cells a fold: training pale, validation dark, unused empty."""
    for i, (train, valid) in enumerate(folds):
        ax.bar(train, 0.7, 0.86, i - 0.35, color="C0", alpha=0.25)
        ax.bar(valid, 0.7, 0.86, i - 0.35, color="C1")
    seen = {row for _, valid in folds for row in valid}
    never = sorted(set(range(n)) - seen)
    if never:
        x = sum(never) / len(never)
        ax.text(x, len(folds) - 0.2, "never held out", color="C1", ha="center")
    ax.set_yticks(range(len(folds)), [f"fold {i + 1}" for i in range(len(folds))])
    ax.set(xlim=(-0.6, n - 0.4), ylim=(len(folds) + 0.1, -0.6), xlabel="row")
    ax.set_xticks(range(0, n, 2))
    ax.grid(False)
    # --8<-- [end:draw_folds]


# --8<-- [start:draw_dots]
def draw_dots(ax: Axes, series: Mapping[str, Tensor]) -> None:
    """Draw a row of dots for each name, one a table, and a line at their mean.

    Shapes: each series (tables,).
    """
    ink = plt.rcParams["axes.edgecolor"]
    for i, values in enumerate(series.values()):
        values = values.cpu()
        height = i + 0.3 * torch.linspace(-1, 1, len(values))
        ax.plot(values, height, "o", color=f"C{i}", markersize=4, alpha=0.6)
        ax.plot([values.mean()] * 2, [i - 0.42, i + 0.42], color=ink, linewidth=2)
    ax.set_yticks(range(len(series)), series)
    ax.set_ylim(len(series) - 0.5, -0.5)
    # --8<-- [end:draw_dots]


# --8<-- [start:draw_choice]
def draw_choice(ax: Axes, penalties: Tensor, parts: Tensor, risk: Tensor) -> None:
    """Draw the RMSLE of folds over penalties with its naive band, and the risk.

    Shapes: penalties (m,), parts (k, m), mean squares of k folds; risk (m,).
    """
    x, mean = penalties.cpu(), parts.mean(dim=0).cpu()
    se = parts.std(dim=0).cpu() / len(parts) ** 0.5
    low, high = (mean - se).clamp(min=0).sqrt(), (mean + se).sqrt()
    ax.fill_between(x, low, high, color="C0", alpha=0.2, linewidth=0)
    names = f"{len(parts)}-fold, ± naive s.e.", "new houses"
    for i, (name, curve) in enumerate(
        zip(names, (mean.sqrt(), risk.cpu()), strict=True)
    ):
        ax.semilogx(x, curve, color=f"C{i}", label=name)
        best = curve.argmin()
        ax.plot(x[best], curve[best], "o", color=f"C{i}")
    ax.set(xlabel="penalty λ, log axis", ylabel="RMSLE")
    ax.legend()
    # --8<-- [end:draw_choice]


# --8<-- [start:draw_promises]
def draw_promises(ax: Axes, promised: Tensor, found: Tensor) -> None:
    """Draw one dot a table, found over promised, and the line of equality.

    Shapes: promised (tables,), found (tables,).
    """
    ax.plot(promised.cpu(), found.cpu(), "o", color="C0")
    ends = [min(promised.min(), found.min()), max(promised.max(), found.max())]
    ends = [float(end) for end in ends]
    ax.plot(ends, ends, color=plt.rcParams["axes.edgecolor"], linewidth=1)
    ax.set(xlabel="RMSLE promised", ylabel="RMSLE on new houses")
    # --8<-- [end:draw_promises]


# --8<-- [start:draw_luck]
def draw_luck(ax: Axes, risk: Tensor, score: Tensor, formula: Sequence[float]) -> None:
    """Draw true risk, score and formula over the number of settings tried.

    Shapes: risk (M,), score (M,).
    """
    tried = range(1, len(formula) + 1)
    ax.plot(tried, risk.cpu(), color="C1", label="true risk of the one kept")
    ax.plot(tried, score.cpu(), color="C0", label="its CV score")
    ax.plot(tried, formula, "--", color="C2", label="formula")
    ax.set(xlabel="settings tried, M", ylabel="mean squared error")
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.55))
    # --8<-- [end:draw_luck]
