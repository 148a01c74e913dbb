"""Drawings of docs/en/deep/backprop.md."""

import matplotlib.pyplot as plt
from torch import Tensor

# --8<-- [start:PLACES]
PLACES = {  # middle of each box, y growing upwards
    "x": (2, 16.6),
    "W1": (7.3, 16.6),
    "z": (2, 13),
    "h": (2, 9.9),
    "W2": (7.3, 9.9),
    "o": (2, 6.3),
    "L": (2, 3.1),
    "s": (7.3, 3.1),
    "J": (4.6, 0),
}
# --8<-- [end:PLACES]
# --8<-- [start:EDGES]
EDGES = {  # from, to: start, end, and place and side of the number that comes back
    "x z": ((2, 15.9), (2, 13.7), None, None),
    "W1 z": ((6.3, 15.9), (3.1, 13.6), (5.3, 14), "left"),
    "z h": ((2, 12.3), (2, 10.6), (2.5, 11.5), "left"),
    "h o": ((2, 9.2), (2, 7), (2.5, 8.2), "left"),
    "W2 o": ((6.2, 9.3), (3.1, 6.7), (5.1, 7), "left"),
    "o L": ((2, 5.6), (2, 3.8), (2.5, 4.7), "left"),
    "W2 s": ((7.3, 8.9), (7.3, 3.8), (6.9, 5), "right"),
    "W1 s": ((8.3, 16), (8.3, 3.8), (8.3, 12), "right"),
    "L J": ((2.5, 2.4), (4, 0.7), (2.8, 1.3), "right"),
    "s J": ((6.8, 2.4), (5.2, 0.7), (6.5, 1.3), "left"),
}
# --8<-- [end:EDGES]


# --8<-- [start:numbers]
def numbers(t: Tensor) -> str:
    """Return the entries of t, at most two decimals, a row of a matrix a line.

    Shapes: t (), (m,) or (m, n).
    """
    if t.dim() == 2:
        return "\n".join(numbers(row) for row in t)
    entries = [round(v, 2) + 0.0 for v in t.detach().flatten().tolist()]
    return ", ".join(f"{v:g}".replace("-", "\N{MINUS SIGN}") for v in entries)
    # --8<-- [end:numbers]


# --8<-- [start:draw_graph]
def draw_graph(values: dict[str, Tensor], back: dict[str, Tensor]) -> None:
    """Draw the graph of J: values in the boxes, adjoints on the arrows back.

    `back` says what travels: "L o", say, is the arrow from L back to o.

    Shapes: each value and adjoint (), (m,) or (m, n).
    """
    titles = {"W1": "W⁽¹⁾", "W2": "W⁽²⁾", "z": "z = W⁽¹⁾x", "h": "h = max(z, 0)"}
    titles |= {"o": "o = W⁽²⁾h", "L": "L = \N{MINUS SIGN}log p₀", "J": "J = L + s"}
    titles |= {"s": "s = λ/2 Σ w²"}
    plt.subplots(figsize=(4.8, 8))
    frame = {"boxstyle": "round", "fc": "none", "ec": plt.rcParams["axes.edgecolor"]}
    for name, place in PLACES.items():
        text = f"{titles.get(name, name)}\n{numbers(values[name])}"
        how = {"ha": "center", "va": "center", "bbox": frame}
        plt.text(*place, text, color="C0", **how)
    for edge, (start, end, place, side) in EDGES.items():
        draw_edge(start, end, "C0", "-", -0.12)
        if place:
            draw_edge(end, start, "C1", "--", 0.12)
            adjoint = numbers(back[" ".join(reversed(edge.split()))])
            plt.text(*place, adjoint, color="C1", ha=side, va="center")
    plt.axis((0, 10, -0.8, 17.7))
    plt.axis("off")
    # --8<-- [end:draw_graph]


# --8<-- [start:draw_edge]
def draw_edge(start: tuple, end: tuple, color: str, line: str, shift: float) -> None:
    """Draw an arrow, moved aside by `shift`; long ones are bent to the right."""
    (x, y), (to_x, to_y) = start, end
    bend = 0.16 if abs(to_y - y) > 10 else 0
    across = (to_y - y) * (to_x - x) / 14  # a slanted one moves up or down as well
    aside = (shift, -shift * across) if x != to_x else (shift, 0)
    how = {"arrowstyle": "-|>", "color": color, "linestyle": line, "linewidth": 1.6}
    how |= {"connectionstyle": f"arc3,rad={bend if to_y > y else -bend}"}
    how |= {"shrinkA": 0, "shrinkB": 0}
    (dx, dy) = aside
    plt.annotate("", (to_x + dx, to_y + dy), (x + dx, y + dy), arrowprops=how)
    # --8<-- [end:draw_edge]


# --8<-- [start:draw_memory]
def draw_memory(batches: list[int], kept: dict[str, list[int]]) -> None:
    """Draw the bytes kept, in millions, against the batch size, a line a network."""
    ink = plt.rcParams["text.color"]
    _, axes = plt.subplots(figsize=(5.2, 3.8))
    for k, (name, values) in enumerate(kept.items()):
        flat = max(values) == 0
        style = {"color": ink if flat else f"C{k}", "ls": ":" if flat else "-"}
        axes.plot(batches, [v / 1e6 for v in values], "o", markersize=4, **style)
        at = (batches[-1], values[-1] / 1e6)
        place = {"textcoords": "offset points", "va": "center"}
        axes.annotate(name, at, (8, 0), color=style["color"], **place)
    axes.set(xlabel="batch size", ylabel="megabytes kept for backward")
    axes.set_xticks(batches)
    axes.set_xlim(0, batches[-1] * 1.45)
    axes.set_ylim(-0.5)
    # --8<-- [end:draw_memory]
