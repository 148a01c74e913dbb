"""The record of a lab: what its cells printed, and the files that this came from.

It is written by `pytest --update` and read by the build, which runs nothing: a cell or
a file that is not what it was makes the record stale, and both build and tests fail.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from pageproof.imports import digest, made_of
from pageproof.lab import Cell, Script
from pageproof.page import PageError, shown


@dataclass(frozen=True)
class Lab:
    """A lab and what is recorded of it: an output for each code cell, "" for none."""

    path: Path
    script: Script
    record: Path
    files: dict[str, str]  # what the code is made of now: a hash for each file
    outputs: list[str]
    stale: PageError | None

    @property
    def markdown(self) -> str:
        """The lab as a page, its front matter included."""
        return self.script.markdown(self.outputs)[0]

    def recorded(self, outputs: list[str]) -> str:
        """Return the text of the record if the code cells print these outputs."""
        cells = [
            {"code": fingerprint(cell), "output": output.splitlines()}
            for cell, output in zip(self.script.code_cells, outputs, strict=True)
        ]
        data = {"files": self.files, "cells": cells}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def read_lab(path: Path, script: Script, record: Path, sources: Path) -> Lab:
    """Return a lab with its record; `stale` says why that is not what it would print.

    A cell that has changed since has no output. PageError if a cell is not Python.
    """
    cells = script.code_cells
    files: dict[str, str] = {}
    for cell in cells:
        try:
            files |= made_of(cell.code, sources)
        except SyntaxError as error:
            line = cell.first - 1 + (error.lineno or 1)
            raise PageError(path, line, f"SyntaxError: {error.msg}") from error
    files = dict(sorted(files.items()))
    try:
        old_files, old = _read(record)
        line, why = _difference(cells, files, old, old_files)
        why = why and f"{why} since {shown(record)} was written"
    except ValueError as error:
        old, line, why = [], 1, str(error)
    old += [("", "")] * (len(cells) - len(old))
    pairs = zip(cells, old, strict=False)
    outputs = [text if key == fingerprint(cell) else "" for cell, (key, text) in pairs]
    again = f"{why}: pytest --update {shown(path)} records it"
    stale = PageError(path, line, again) if why else None
    return Lab(path, script, record, files, outputs, stale)


def _read(record: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return what a record says of files, and of cells; or ValueError."""
    try:
        data = json.loads(record.read_text(encoding="utf-8"))
        cells = [
            (cell["code"], "".join(f"{line}\n" for line in cell["output"]))
            for cell in data["cells"]
        ]
        return dict(data["files"]), cells
    except FileNotFoundError:
        raise ValueError(f"there is no record {shown(record)}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{shown(record)} is no record ({error!r})") from error


def _difference(
    cells: list[Cell], files: dict, old: list[tuple[str, str]], old_files: dict
) -> tuple[int, str]:
    """Return what is not as it was recorded, and the line that says so; or ""."""
    keys = [key for key, _ in old]
    for i, cell in enumerate(cells):
        if fingerprint(cell) != (keys[i] if i < len(keys) else None):
            return cell.line, "this cell has changed"
    if len(keys) > len(cells):
        return cells[-1].line if cells else 1, "a cell below this one has gone"
    for name in sorted(files.keys() | old_files.keys()):
        if files.get(name) != old_files.get(name):
            kind = "has changed" if name in files else "is no longer imported"
            return 1, f"{name} {kind if name in old_files else 'is new here'}"
    return 1, ""


def fingerprint(cell: Cell) -> str:
    """Return what changes if the code of a cell does, or what it is meant to do."""
    return digest(repr((cell.code, sorted(cell.options.items()))).encode())
