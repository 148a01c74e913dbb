"""A lab: a page that is a script in the percent format, a `# %%` above each cell.

Written as Markdown it is a page like any other: a code cell becomes its marks, a fence
and the output that was recorded for it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import jupytext
import yaml

from pageproof.comments import ARGUMENT, OUTPUT
from pageproof.page import PageError

CELL = re.compile(r'# %%(?P<prose> \[markdown\])?(?P<options>(?: \w+="[^"]*")*)')
OPTION = re.compile(r' (\w+)="([^"]*)"')
NO_PROSE = re.compile(r"\s*(`{3,}|~{3,})\s*(python|sh|bash|text)\b|<!--\s*pytest")
RULE = "# ---"


@dataclass(frozen=True)
class Cell:
    """A cell: the line of its `# %%`, and its text, which begins on line `first`."""

    line: int
    first: int
    text: tuple[str, ...]
    prose: bool
    options: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return "\n".join(self.text) + "\n"

    @property
    def marks(self) -> list[str]:
        """Its options as the comments that say the same on a page."""
        reason = '<!--pytest.mark.skip(reason="{}")-->'
        return [
            reason.format(value)
            if name == "skip"
            else f"<!--pytest.mark.{name}({value})-->"
            for name, value in self.options.items()
        ]


@dataclass(frozen=True)
class Script:
    """A lab as it is written: its header, and its cells."""

    header: list[str]
    cells: list[Cell]

    @property
    def code_cells(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.prose]

    def markdown(self, outputs: Sequence[str]) -> tuple[str, list[int]]:
        """Return the lab as a page, and for each of its lines that of the script."""
        lines = [("---", 1)]
        lines += [(text, number) for number, text in enumerate(self.header, 2)]
        lines += [("---", len(self.header) + 2)]
        left = iter(outputs)
        for cell in self.cells:
            text = [(text, cell.first + i) for i, text in enumerate(cell.text)]
            lines.append(("", cell.line))
            lines += text if cell.prose else _block(cell, text, next(left))
        return "\n".join(text for text, _ in lines) + "\n", [n for _, n in lines]


def _block(cell: Cell, code: list[tuple[str, int]], output: str) -> list:
    last = cell.first + len(cell.text) - 1
    around = [*cell.marks, "```python"]
    shown = output.removesuffix("\n").split("\n")
    below = ["", f"<!--{OUTPUT}-->", "```text", *shown, "```"] if output else []
    return [
        *((line, cell.line) for line in around),
        *code,
        ("```", last),
        *((line, cell.line) for line in below),
    ]


def read_script(path: Path, text: str) -> Script:
    """Return the lab in a text; PageError names the line that is not of the format."""
    lines = text.removesuffix("\n").split("\n")
    end = lines.index(RULE, 1) if RULE in lines[1:] else 0
    if lines[0] != RULE or not end:
        raise PageError(path, 1, f"expected a header between two lines {RULE!r}")
    header = [_uncommented(path, i, line) for i, line in enumerate(lines[1:end], 2)]
    _check_header(path, "\n".join(header))
    starts = [i for i, line in enumerate(lines) if re.match(r"#\s*%%", line)]
    for i in range(end + 1, starts[0] if starts else len(lines)):
        if lines[i]:
            raise PageError(path, i + 1, "expected # %% or # %% [markdown] above it")
    ends = pairwise([*starts, len(lines)])
    cells = [_cell(path, lines, start, stop) for start, stop in ends]
    if not cells or not cells[0].prose or not cells[0].text[0].startswith("# "):
        line = cells[0].line if cells else len(lines)
        expected = "# %% [markdown] and the title, # # Title { #anchor }, below it"
        raise PageError(path, line, f"expected {expected}")
    _check_against_jupytext(path, text, cells)
    return Script(header, cells)


def _check_header(path: Path, text: str) -> None:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise PageError(path, line, f"the header is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise PageError(
            path, 1, f"expected `# name: value` in the header, got {data!r}"
        )


def _cell(path: Path, lines: list[str], start: int, stop: int) -> Cell:
    """The cell below the `# %%` at `start`, lines counted from 0."""
    if not (head := CELL.fullmatch(lines[start])):
        expected = '# %%, # %% [markdown] or # %% name="value"'
        raise PageError(path, start + 1, f"expected {expected}, got {lines[start]!r}")
    prose, options = bool(head["prose"]), OPTION.findall(head["options"])
    known = ", ".join(ARGUMENT)
    for name, value in options:
        if prose or name not in ARGUMENT or not value:
            of = "no option of prose" if prose else f"expected one of {known}, and why"
            raise PageError(path, start + 1, f'{name}="{value}": {of}')
    first = start + 1
    while first < stop and not lines[first]:
        first += 1
    while stop > first and not lines[stop - 1]:
        stop -= 1
    if first == stop:
        raise PageError(path, start + 1, "a cell without a text")
    text = lines[first:stop]
    if prose:
        text = [_prose(path, i, line) for i, line in enumerate(text, first + 1)]
    return Cell(start + 1, first + 1, tuple(text), prose, dict(options))


def _prose(path: Path, number: int, line: str) -> str:
    line = _uncommented(path, number, line)
    if found := NO_PROSE.match(line):
        what = f"{found[0].strip()!r} in prose"
        raise PageError(path, number, f"{what}: a lab's code and marks stand in cells")
    return line


def _uncommented(path: Path, number: int, line: str) -> str:
    if line != "#" and not line.startswith("# "):
        raise PageError(path, number, f"expected a comment, `# ...`, got {line!r}")
    return line[2:]


def _check_against_jupytext(path: Path, text: str, cells: list[Cell]) -> None:
    """Refuse what a reader's Jupyter would open as other cells than the site shows."""
    notebook = jupytext.reads(text, fmt="py:percent")
    theirs = [cell for cell in notebook.cells if cell.cell_type != "raw"]
    for i, cell in enumerate(cells):
        kind = "markdown" if cell.prose else "code"
        same = i < len(theirs) and theirs[i].cell_type == kind
        if not same or theirs[i].source.strip() != "\n".join(cell.text).strip():
            got = f"{theirs[i].source[:60]!r}" if i < len(theirs) else "nothing"
            raise PageError(path, cell.line, f"Jupyter reads {got} for this cell")
