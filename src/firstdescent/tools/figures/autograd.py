"""Drawings of docs/en/tools/autograd.md."""

import matplotlib.pyplot as plt
import torch
from torch import Tensor


# --8<-- [start:draw_chain]
def draw_chain(x: Tensor, s: Tensor, y: Tensor, edges: list) -> None:
    """Draw x, s = x · x and y = 2 s, and the `backward_edges` of y.

    Shapes: x (d,), s (), y (), edges: the three (sender, receiver, value).
    """
    plt.figure(figsize=(5.6, 4.6))
    (times, _, to_s), (dot, leaf, to_x), (_, _, to_x_too) = edges
    boxes = [f"{leaf}\nx.grad = {x.grad.tolist()}", f"{dot}\ns = x · x"]
    boxes += [f"{times}\ny = 2 s", "y"]
    frame = {"boxstyle": "round", "fc": "none", "ec": plt.rcParams["axes.edgecolor"]}
    for row, text in enumerate(boxes):
        plt.text(0, -row, text, ha="center", va="center", bbox=frame)
    down = [[x, x], [s], [y]]
    up = [[to_x, to_x_too], [to_s], [torch.ones_like(y)]]  # dy/dy = 1 starts it
    for side, rows, color, ls in ((-1, down, "C0", "-"), (1, up, "C1", "--")):
        arrow = {"arrowstyle": "-|>", "color": color, "linestyle": ls, "linewidth": 2}
        for row, values in enumerate(rows):
            for k, value in enumerate(values):
                at, middle = side * (0.1 + 0.08 * k), -row - 0.5
                ends = (at, middle + 0.24 * side), (at, middle - 0.24 * side)
                plt.annotate("", *ends, arrowprops=arrow)
                height = middle + 0.09 * (len(values) - 1 - 2 * k)
                place = {"ha": "right" if side < 0 else "left", "va": "center"}
                plt.text(0.27 * side, height, value.tolist(), color=color, **place)
    plt.axis((-1, 1, -3.2, 0.3))
    plt.axis("off")
    # --8<-- [end:draw_chain]
