"""Drawings of docs/en/estimation/priors_variance.md."""

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor


# --8<-- [start:draw_outline]
def draw_outline(ax: Axes, mean: Tensor, cov: Tensor, color: str, style: str) -> None:
    """Draw the ellipse that holds 95 % of a normal distribution of two weights.

    Its points are mean + r L (cos, sin), with cov = L L^T, r^2 = -2 log 0.05.

    Shapes: mean (2,), cov (2, 2).
    """
    angle = torch.linspace(0, 2 * math.pi, 100, dtype=cov.dtype)
    circle = torch.stack([angle.cos(), angle.sin()])  # (2, 100)
    radius = math.sqrt(-2 * math.log(0.05))
    w1, w2 = mean.cpu()[:, None] + radius * torch.linalg.cholesky(cov.cpu()) @ circle
    ax.plot(w1, w2, style, color=color)
    # --8<-- [end:draw_outline]


# --8<-- [start:draw_beliefs]
def draw_beliefs(
    ax: Axes, gaussians: list[tuple[Tensor, Tensor]], path: Tensor, truth: Tensor
) -> None:
    """Draw prior, likelihood and posterior of two weights, and a path of means.

    Shapes: each mean (2,), each covariance (2, 2), path (k, 2), truth (2,).
    """
    ink = plt.rcParams["text.color"]
    styles = (":", "--", "-")
    for k, (mean, cov) in enumerate(gaussians):
        draw_outline(ax, mean, cov, f"C{k}", styles[k])
    ax.plot(*path.cpu().T, "o-", color="C3", markersize=4, linewidth=1)
    ax.plot(*truth.tolist(), "*", color=ink, markersize=11)
    x, y = truth.tolist()
    ax.text(x - 2, y, "truth", color=ink, ha="right", va="center")
    (x, y), (far_x, far_y) = path[0].tolist(), path[-1].tolist()
    ax.text(x - 6, y - 1, "narrow τ", color="C3", ha="right", va="center")
    ax.text(far_x, far_y - 4.5, "wide τ", color="C3", ha="center")
    ax.text(17, 20, "prior", color="C0")
    ax.text(-3, 31, "likelihood", color="C1")
    ax.text(-4, -10, "posterior", color="C2", ha="right")
    ax.set(xlabel="w₁, bedrooms", ylabel="w₂, bathrooms", aspect="equal")
    ax.set(xlim=(-30, 52), ylim=(-35, 37))
    # --8<-- [end:draw_beliefs]


# --8<-- [start:draw_curves]
def draw_curves(ax: Axes, penalties: list[float], errors: Tensor, best: float) -> None:
    """Draw squared bias, variance and their sum against the penalty.

    Shapes: errors (k, 2), a row for each of k penalties.
    """
    bias2, variance = errors.T.cpu()
    total = bias2 + variance
    ax.loglog(penalties, bias2, "--", color="C0", label="bias²")
    ax.loglog(penalties, variance, ":", color="C1", label="variance")
    ax.loglog(penalties, total, color="C2", label="sum")
    ax.plot(best, total.min(), "o", color="C2")
    ax.set(ylabel="squared error, log axis", ylim=(1e-3, 100))
    # --8<-- [end:draw_curves]
