"""Drawings of docs/en/tools/dataloader.md."""

import matplotlib.pyplot as plt


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
