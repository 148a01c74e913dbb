"""Turn matplotlib's open figures into SVG: light as drawn, dark by its colours.

A figure is drawn once, in the house style `light.mplstyle`. The dark one is the same
drawing with each colour of that style exchanged for its partner in `dark.mplstyle`.
"""

import io
import re
import sys
from functools import cache
from pathlib import Path

METADATA = dict.fromkeys(["Creator", "Date", "Format", "Type"])
TAG = re.compile(r"<[a-z][^>]*>")
DECIMALS = re.compile(r"-?\d+\.\d{3,}")


def use_style(style: Path) -> None:
    """Draw in a style, in memory, whatever the reader's own settings are."""
    import matplotlib
    from matplotlib import style as styles

    matplotlib.use("Agg")
    styles.use(["default", str(style)])
    matplotlib.rcParams["path.simplify"] = False  # else a last digit drops a vertex


def any_open() -> bool:
    """Return whether a block has left a figure."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return bool(pyplot and pyplot.get_fignums())


def open_figures() -> list[str]:
    """Return the open figures as SVG text, in the order they were made; close them."""
    if not any_open():
        return []
    pyplot, drawn = sys.modules["matplotlib.pyplot"], []
    for number in pyplot.get_fignums():
        buffer = io.StringIO()
        pyplot.figure(number).savefig(buffer, format="svg", metadata=METADATA)
        drawn.append(_short_numbers(buffer.getvalue()))
    close()
    return drawn


def close() -> None:
    """Close the open figures."""
    if any_open():
        sys.modules["matplotlib.pyplot"].close("all")


def _short_numbers(svg: str) -> str:
    """Positions to two decimals, 1/7200 inch; what the figure says stays as it is."""

    def shorter(tag: re.Match[str]) -> str:
        return DECIMALS.sub(
            lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), tag[0]
        )

    return TAG.sub(shorter, svg)


@cache
def dark_colours(light: Path, dark: Path) -> dict[str, str]:
    """Return which colour of the light style becomes which of the dark one."""
    pairs: dict[str, str] = {}
    for a, b in zip(_colours(light), _colours(dark), strict=True):
        if pairs.setdefault(a, b) != b:
            raise ValueError(f"{light.name}: {a} is both {pairs[a]} and {b} when dark")
    return pairs


def darken(svg: str, colours: dict[str, str]) -> str:
    """Return the dark twin of a light figure."""
    return re.sub(r"#[0-9a-fA-F]{6}\b", lambda m: colours.get(m[0].lower(), m[0]), svg)


def _colours(style: Path) -> list[str]:
    lines = style.read_text(encoding="utf-8").split("\n")
    values = [line.partition(":")[2] for line in lines if not line.startswith("#")]
    found = [re.findall(r"\b[0-9a-fA-F]{6}\b", value) for value in values]
    return [f"#{colour.lower()}" for some in found for colour in some]
