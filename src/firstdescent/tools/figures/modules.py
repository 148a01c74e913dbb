"""Drawings of docs/en/tools/modules.md."""

import matplotlib.pyplot as plt
from torch import Tensor


# --8<-- [start:draw_affine]
def draw_affine(X: Tensor, W: Tensor, b: Tensor, sample: int, output: int) -> None:
    """Draw X Wᵀ + b = Y with every number; colour what makes one output.

    Shapes: X (n, d), W (k, d), b (k,).
    """
    blocks = [("X", X, sample, None), ("Wᵀ", W.T, None, output)]
    blocks += [("b", b[None], 0, output), ("Y", X @ W.T + b, sample, output)]
    ink, left = plt.rcParams["axes.edgecolor"], 0.0
    plt.figure(figsize=(5.6, 2.0))
    for (name, block, row, column), sign in zip(blocks, "@+= ", strict=True):
        top, (rows, columns) = block.shape[0] / 2, block.shape
        shape = tuple(b.shape) if name == "b" else (rows, columns)
        middle = left + columns / 2
        plt.text(middle, 1.75, f"{name} {shape}", ha="center", va="bottom")
        plt.text(left + columns + 0.35, 0, sign, ha="center", va="center", size=14)
        for i in range(rows):
            for j in range(columns):
                lit = row in (None, i) and column in (None, j)
                lit = lit and (row, column) != (None, None)
                box = {"fc": "C0" if lit else "none", "ec": ink, "alpha": 0.25}
                at = (left + j, top - i - 1)
                plt.gca().add_patch(plt.Rectangle(at, 1, 1, **box))
                plt.gca().add_patch(plt.Rectangle(at, 1, 1, fc="none", ec=ink))
                weight = "bold" if lit else "normal"
                place = {"ha": "center", "va": "center", "weight": weight}
                number = f"{block[i, j].item():g}"
                plt.text(at[0] + 0.5, at[1] + 0.5, number, **place)
        left += columns + 0.7
    plt.axis((-0.1, left - 0.6, -1.6, 2.2))
    plt.axis("off")
    # --8<-- [end:draw_affine]


# --8<-- [start:draw_xray]
def draw_xray(kept: dict[str, list[str]], reached: dict[str, set[str]]) -> None:
    """Draw what a module keeps, store by store, and which call reaches what."""
    stores = {"the flag": ["training"], **kept}
    stores = {name: keys for name, keys in stores.items() if keys}
    heads = ["parameters()", "state_dict()", ".to()", "train()\neval()"]
    ink, row = plt.rcParams["axes.edgecolor"], 0.0
    plt.figure(figsize=(5.6, 0.28 * sum(len(k) + 1.4 for k in stores.values()) + 0.6))
    for x, head in zip((2.15, 3.35, 4.2, 4.9), heads, strict=True):
        plt.text(x, 0.25, head, ha="center", va="bottom")
    for name, keys in stores.items():
        plt.text(0.1, row - 0.45, name, va="center", color=ink)
        frame = plt.Rectangle((0, row - len(keys) - 0.95), 1.4, len(keys) + 0.95)
        plt.gca().add_patch(frame)
        frame.set(facecolor="none", edgecolor=ink)
        for k, key in enumerate(keys):
            y = row - 1.3 - k
            plt.text(0.2, y, key, va="center")
            plt.plot([1.45, 5.2], [y, y], ":", color=ink, linewidth=0.7)
            for c, (x, names) in enumerate(
                zip((2.15, 3.35, 4.2, 4.9), reached.values(), strict=True)
            ):
                if key in names:
                    plt.plot(x, y, "o", color=f"C{c}", markersize=9)
        row -= len(keys) + 1.4
    plt.axis((-0.05, 5.3, row + 0.3, 1.6))
    plt.axis("off")
    # --8<-- [end:draw_xray]
