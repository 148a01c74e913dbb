"""Drawings of docs/en/tools/autograd_deeper.md."""

import matplotlib.pyplot as plt
import torch
from torch import Tensor


# --8<-- [start:draw_curvature]
def draw_curvature(f, w: Tensor, H: Tensor) -> None:
    """Draw level lines of the Rosenbrock function f, and its curvatures at w.

    Shapes: w (2,), H (2, 2): the Hessian of f at w, f((2, k, k)) (k, k).
    """
    degrees = torch.arange(0, 181)
    v = torch.stack([degrees.deg2rad().cos(), degrees.deg2rad().sin()]).to(H)
    curvature = (v * (H @ v)).sum(dim=0)  # (181,): one for each direction
    high, low = curvature.argmax().item(), curvature.argmin().item()
    _, (top, bottom) = plt.subplots(2, figsize=(5, 7.6), height_ratios=(3, 2))
    grid = torch.linspace(-2.2, 1.8, 150), torch.linspace(-0.7, 3.3, 150)
    A, B = torch.meshgrid(*grid, indexing="xy")
    height = f(torch.stack([A, B]))
    ink = plt.rcParams["axes.edgecolor"]
    top.contour(A, B, height, [2, 10, 40, 150, 500], colors=[ink], linewidths=0.8)
    bottom.plot(degrees, curvature.cpu(), color=ink)
    for k, color in [(high, "C0"), (low, "C1")]:
        ends = (w[:, None] + v[:, [k]] * torch.tensor([-0.5, 0.5]).to(H)).cpu()
        text = f"{curvature[k].item():.1f} along {k} degrees"
        top.plot(*ends, color=color, linewidth=3, label=text)
        bottom.plot(k, curvature[k].item(), "o", color=color)
    top.legend(title="curvature", loc="lower center", bbox_to_anchor=(0.5, 1))
    top.set(xlabel="a", ylabel="b", aspect="equal")
    bottom.set(xlabel="direction (degrees from a towards b)", ylabel="curvature")
    bottom.set_xticks(range(0, 181, 30))
    # --8<-- [end:draw_curvature]
