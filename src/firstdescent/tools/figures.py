"""The longer drawings of the pages on tools, each in a folded box where it draws.

Pages: docs/en/tools/
"""

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


# --8<-- [start:draw_jacobian]
def draw_jacobian(J: Tensor) -> None:
    """Draw a square for each entry of J, and below the line for each column's sum.

    The area shows the size; a full square is positive, a hollow one negative.

    Shapes: J (n, n).
    """
    n = len(J)
    J = J.detach().cpu()
    squares = torch.cat([J, J.sum(0, keepdim=True)])  # (n + 1, n)
    heights = torch.tensor([*range(n), n + 0.3])
    areas = 520 * squares.abs() / squares.abs().max()
    for j in range(n):
        for up, color in ((True, "C0"), (False, "C1")):
            # Rounding leaves 1e-17 where the sum is 0: show what can be seen.
            seen = (areas[:, j] > 1e-6) & ((squares[:, j] > 0) == up)
            at = [j] * int(seen.sum()), heights[seen]
            fill = color if up else "none"
            look = {"marker": "s", "facecolors": fill, "edgecolors": color}
            plt.scatter(*at, s=areas[seen, j], linewidths=2, zorder=3, **look)
    plt.axhline(n - 0.35, color=plt.rcParams["axes.edgecolor"])
    plt.xticks(range(n), [f"x{j}" for j in range(n)])
    plt.yticks(heights, [f"out {i}" for i in range(n)] + ["sum"])
    plt.axis((-0.6, n - 0.4, n + 0.9, -0.6))
    # --8<-- [end:draw_jacobian]


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


# --8<-- [start:draw_pipeline]
def draw_pipeline(order: list, groups: list, items: list, batches: list) -> None:
    """Draw what becomes of the row numbers `order` on their way to `batches`.

    Shapes: each of `batches` is [x (B,), y (B,)].
    """
    plt.figure(figsize=(5.8, 4.9))

    def box(left: float, top: float, numbers: list[list], color: str) -> None:
        wide, high = len(numbers[0]), len(numbers)
        plt.gca().add_patch(
            plt.Rectangle((left, top - high), wide, high, fc="none", ec=color, lw=1.6)
        )
        for i, line in enumerate(numbers):
            for j, number in enumerate(line):
                place = left + j + 0.5, top - i - 0.53
                plt.text(*place, int(number), ha="center", va="center")

    box(0.5, 0, [order], plt.rcParams["axes.edgecolor"])
    left = 0.0
    stages = zip(groups, items, batches, strict=True)
    for k, (group, part, batch) in enumerate(stages):
        box(left, -2.6, [group], f"C{k}")
        for j, item in enumerate(part):
            box(left + j + 0.06, -5.2, [[number] for number in item], f"C{k}")
        box(left, -8.8, batch[:1], f"C{k}")
        box(left, -9.9, batch[1:], f"C{k}")
        left += len(group) + 0.5
    names = "sampler: an order", "batch sampler: groups", "dataset: items (x, y)"
    names += ("collate function: batches of x and y",)
    for name, top in zip(names, (0, -2.6, -5.2, -8.8), strict=True):
        plt.text(0, top + 0.35, name if top == 0 else f"↓  {name}")
    plt.axis((-0.1, left, -11, 1))
    plt.axis("off")
    # --8<-- [end:draw_pipeline]


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


# --8<-- [start:draw_batches]
def draw_batches(samplers: dict[str, list[list[int]]], y: Tensor) -> None:
    """Draw one panel a sampler: rows across, batches down, a box where they meet.

    The colour is the label, a number says how often, a grey column was left out.

    Shapes: y (n,).
    """
    heights = [len(batches) for batches in samplers.values()]
    size = (5.6, 0.8 + 0.36 * len(heights) + 0.22 * sum(heights))
    figure, axes = plt.subplots(
        len(heights), sharex=True, squeeze=False, figsize=size, height_ratios=heights
    )
    grey = plt.rcParams["grid.color"]
    marks = {f"label {c}": f"C{c}" for c in sorted(set(y.tolist()))} | {
        "left out": grey
    }
    boxes = [plt.Rectangle((0, 0), 1, 1, color=color) for color in marks.values()]
    figure.legend(boxes, marks, loc="outside upper center", ncols=len(marks))
    for ax, (name, batches) in zip(axes.flat, samplers.items(), strict=True):
        ax.set_title(name, loc="left")
        for row in set(range(len(y))).difference(*batches):
            ax.axvspan(row - 0.5, row + 0.5, color=grey, lw=0)
        for place, rows in enumerate(batches):
            for row in sorted(set(rows)):
                ax.barh(place, 0.92, 0.86, left=row - 0.46, color=f"C{int(y[row])}")
                if rows.count(row) > 1:
                    style = {"ha": "center", "va": "center_baseline", "weight": "bold"}
                    paper = plt.rcParams["figure.facecolor"]
                    ax.text(row, place, rows.count(row), color=paper, **style)
        ax.set(xlim=(-0.5, len(y) - 0.5), ylim=(len(batches) - 0.5, -0.5))
        ax.set(xticks=range(len(y)), yticks=range(len(batches)))
        ax.grid(False)
        ax.tick_params(length=0)
    axes.flat[-1].set_xlabel("row")
    figure.supylabel("batch", fontsize=plt.rcParams["axes.labelsize"])
    # --8<-- [end:draw_batches]


# --8<-- [start:draw_strips]
def draw_strips(orders: dict[str, Tensor]) -> None:
    """Draw one strip an order, coloured by the number of each item.

    Shapes: each order (n,), at least two of them.
    """
    _, axes = plt.subplots(len(orders), sharex=True)
    for ax, (name, order) in zip(axes, orders.items(), strict=True):
        ax.imshow(order[None].numpy(), aspect="auto", extent=(0, len(order), 0, 1))
        ax.set_title(name, loc="left")
        ax.set_yticks([])
        ax.grid(False)
    axes[-1].set_xlabel("place in the output")
    # --8<-- [end:draw_strips]


# --8<-- [start:draw_schedules]
def draw_schedules(schedules: dict[str, tuple[list, list]]) -> None:
    """Draw a panel for each (loads, steps) of `loader_schedule`, on one time axis."""
    rows = [2 + max(load[0] for load in loads) for loads, _ in schedules.values()]
    size = (5.6, 1 + 0.5 * len(rows) + 0.4 * sum(rows))
    _, panels = plt.subplots(len(rows), sharex=True, height_ratios=rows, figsize=size)
    for panel, n, title in zip(panels, rows, schedules, strict=True):
        loads, steps = schedules[title]
        steps = [(-1, *step) for step in steps]
        for label, color, bars in (("load", "C0", loads), ("train", "C1", steps)):
            look = {"facecolor": (color, 0.25), "edgecolor": color, "linewidth": 1.5}
            for k, (worker, start, end) in enumerate(bars):
                row, name = -1 - worker, "_" if k else label  # main, -1, on top
                panel.barh(row, end - start, 0.7, start, label=name, **look)
                panel.text((start + end) / 2, row, k, ha="center", va="center")
        names = ["main", *(f"worker {i}" for i in range(n - 1))]
        panel.set_yticks(range(0, -n, -1), names)
        panel.set_title(title, loc="left")
        panel.grid(axis="y", visible=False)
    panels[0].legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2)
    panels[-1].xaxis.get_major_locator().set_params(integer=True)
    panels[-1].set_xlabel("time (in any unit)")
    # --8<-- [end:draw_schedules]
