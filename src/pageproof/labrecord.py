"""The record of a lab: what its cells printed, and the files that this came from.

It is written by `pytest --update` and read by the build, which runs nothing: a cell or
a file that is not what it was makes the record stale, and both build and tests fail.
"""

import ast
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

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
    return _digest(repr((cell.code, sorted(cell.options.items()))).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def made_of(code: str, sources: Path) -> dict[str, str]:
    """Return a hash of each file that the code imports from the folder of sources.

    Modules are followed through their imports, without importing them; data that lies
    beside one belongs to it.
    """
    found: dict[str, str] = {}
    waiting = _imports(ast.parse(code), "")
    while waiting:
        module = waiting.pop()
        path = _module(sources, module)
        if path is None or _name(path, sources) in found:
            continue
        package = ".".join(path.parent.relative_to(sources).parts)
        waiting |= _imports(ast.parse(path.read_bytes()), package)
        waiting.add(module.rpartition(".")[0])  # a package is run before what it holds
        for file in [path, *path.parent.iterdir()]:
            if file == path or _is_data(file):
                found[_name(file, sources)] = _digest(file.read_bytes())
    return found


def _is_data(file: Path) -> bool:
    code = file.suffix in (".py", ".pyc") or file.name.startswith(".")
    return file.is_file() and not code


def _name(path: Path, sources: Path) -> str:
    return path.relative_to(sources.parent).as_posix()


def _imports(tree: ast.AST, package: str) -> set[str]:
    """Return what a module of a package may import: modules, and names in them."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = (
                [*above, *filter(None, [node.module])] if node.level else [node.module]
            )
            found |= {".".join(base)}
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


def _module(sources: Path, name: str) -> Path | None:
    base = sources.joinpath(*name.split("."))
    files = (base.with_name(f"{base.name}.py"), base / "__init__.py")
    return next((file for file in files if name and file.is_file()), None)
