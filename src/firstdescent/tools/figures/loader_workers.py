"""Drawings of docs/en/tools/loader_workers.md."""

import matplotlib.pyplot as plt


# --8<-- [start:draw_schedules]
def draw_schedules(schedules: dict[str, tuple[list, list]]) -> None:
    """Draw a panel for each (loads, steps) of `loader_schedule`, on one time axis."""
    rows = [2 + max(load[0] for load in loads) for loads, _ in schedules.values()]
    size = (5.6, 1 + 0.5 * len(rows) + 0.4 * sum(rows))
    how = {"sharex": True, "height_ratios": rows, "figsize": size, "squeeze": False}
    panels = plt.subplots(len(rows), **how)[1][:, 0]
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
