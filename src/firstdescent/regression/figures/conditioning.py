"""Drawings of docs/en/regression/conditioning.md."""

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_crossing]
def draw_crossing(ax: Axes, A: Tensor, y: Tensor, moved: Tensor) -> None:
    """Draw the two equations of A w = y as lines, the second also moved.

    Shapes: A (2, 2), y (2,), moved (2,).
    """
    A, y, moved = A.cpu(), y.cpu(), moved.cpu()
    w1 = torch.tensor([-1.2, 2.2], dtype=A.dtype)
    rows = [(0, y, "C0-"), (1, y, "C1-"), (1, moved, "C1--")]
    for row, right, style in rows:
        ax.plot(w1, (right[row] - A[row, 0] * w1) / A[row, 1], style)
    ink = plt.rcParams["text.color"]
    for right in (y, moved):
        ax.plot(*torch.linalg.solve(A, right).tolist(), "o", color=ink)
    ax.text(1.1, 1.12, "y₂ = 2.1: cross at (1, 1)")
    ax.text(0.1, 2.12, "y₂ = 2.2: cross at (0, 2)")
    ax.text(-1.15, 2.25, "y₂ = 2.1", color="C1", ha="left")
    ax.text(-0.85, 3.05, "the first equation", color="C0", ha="left")
    ax.set(xlim=(-1.2, 2.6), ylim=(-0.3, 3.3), xlabel="w₁", ylabel="w₂")
    # --8<-- [end:draw_crossing]


# --8<-- [start:draw_accuracy]
def draw_accuracy(axes: list[Axes], kappas: Tensor, errors: dict) -> None:
    """Draw the error of theta, and of the predictions, against kappa.

    Shapes: kappas (k,); `errors` maps each of four routes to two lists, as
            long as kappas or shorter.
    """
    eps, grey = torch.finfo(torch.float64).eps, plt.rcParams["axes.edgecolor"]
    for ax, power in zip([*axes, axes[0]], (1, 1, 2), strict=True):
        line = eps * kappas**power
        ax.loglog(kappas[line < 30], line[line < 30], ":", color=grey)
    for route, style in zip(errors, ("C3^-", "C1s-", "C0o-", "C2x--"), strict=True):
        for ax, error in zip(axes, errors[route], strict=True):
            ax.loglog(kappas[: len(error)], error, style, markersize=5, label=route)
    axes[0].text(3e4, 1e-4, "ε κ²", color=grey)
    axes[0].text(1e10, 1e-4, "ε κ", color=grey)
    axes[1].text(3e10, 1e-8, "ε κ", color=grey)
    axes[0].legend(loc="upper left", ncols=2)
    for ax, label in zip(axes, ("error of θ", "error of Aθ"), strict=True):
        ax.set(ylim=(1e-17, 1e3), xlim=(0.5, 3e13), ylabel=label)
        ax.set_yticks(
            [1e-16, 1e-12, 1e-8, 1e-4, 1], ["10⁻¹⁶", "10⁻¹²", "10⁻⁸", "10⁻⁴", "1"]
        )
        ax.set_xticks([1, 1e4, 1e8, 1e12], ["1", "10⁴", "10⁸", "10¹²"])
        ax.minorticks_off()
    axes[1].set(xlabel="condition number κ of A")
    # --8<-- [end:draw_accuracy]


# --8<-- [start:draw_nudges]
def draw_nudges(ax: Axes, kappas: list[float], moved: dict, bounds: dict) -> None:
    """Draw how far theta moved, as dots, and the bounds, as lines.

    `moved` and `bounds` map the length of the residual to a list over kappas.
    """
    labels = ("no residual: slope 1", "residual as long as Aθ: slope 2")
    for length, style, label in zip(moved, ("C0o", "C1s"), labels, strict=True):
        ax.loglog(kappas, moved[length], style, label=label)
        ax.loglog(kappas, bounds[length], "--" + style[:2])
    ax.legend(loc="upper left")
    ax.set_xticks([1, 1e2, 1e4], ["1", "10²", "10⁴"])
    ax.set_yticks([1e-12, 1e-8, 1e-4, 1], ["10⁻¹²", "10⁻⁸", "10⁻⁴", "1"])
    ax.minorticks_off()
    ax.set(ylim=(1e-13, 10), xlabel="condition number κ of A", ylabel="θ moved by")
    # --8<-- [end:draw_nudges]
