"""What was run where: a fingerprint of each block, and a record for each device.

`pytest --record` writes the records, one file a kind of device. A block is named by a
hash of all that its result hangs on. So a record holds for a block as it stands, and
says nothing of what it was before.
"""

import platform
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import yaml

from pageproof.imports import digest, imports
from pageproof.page import Block, Page
from pageproof.records import RecordError

KINDS = ("cpu", "cuda")
PACKAGES = ("torch", "numpy", "matplotlib")
RAN, SKIPPED, FAILED = RESULTS = ("ran", "skipped", "failed")
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # 2.10 is no number
LINE = re.compile(
    rf"(?P<block>[0-9a-f]{{16}}) (?P<run>\w+) (?P<result>{'|'.join(RESULTS)})"
)
HEAD = """\
# What was run on {kind}, and where: `pytest --record --device {kind}` writes it.
# Below a page is a line for each block: its fingerprint, its run, its result.
"""

Run = dict[str, str]  # "date", "device", and each version by its name


class Entry(NamedTuple):
    """That a block was run, and what came of it."""

    run: str  # the key of the run
    result: str


def fingerprints(
    page: Page,
    needs: Sequence[Sequence[int] | None],
    files: Callable[[frozenset[str]], dict[str, str]],
    drawn: Callable[[Path], str],
) -> list[str]:
    """Return a hash for each block of what it is, shows, imports, and builds on.

    `needs` are the places of the earlier blocks that a block builds on, None for all of
    them; `files` gives a hash for each of the project's files that imports of these
    names bring, and `drawn` one of a recorded figure.
    """
    own = [_own(block, files, drawn) for block in page.blocks]
    return [
        digest(" ".join([*(own[i] for i in _below(place, needs)), own[place]]).encode())
        for place in range(len(own))
    ]


def _below(place: int, needs: Sequence[Sequence[int] | None]) -> Iterable[int]:
    return range(place) if needs[place] is None else needs[place]


def _own(
    block: Block,
    files: Callable[[frozenset[str]], dict[str, str]],
    drawn: Callable[[Path], str],
) -> str:
    figures = [drawn(figure.light) for figure in block.figures]
    names = imports(block.code.encode()) if block.language == "python" else frozenset()
    made_of = files(names) if names else {}
    return digest(repr((*shown(block), figures, made_of)).encode())


def shown(block: Block) -> tuple[object, ...]:
    """Return what a page says of a block: code, output, and what is to come of it."""
    output = block.output.text if block.output else ""
    options = block.raises, block.warns, block.skip, block.requires, block.timed
    return block.language, block.code, output, options


def environment(device: str, today: date) -> Run:
    """Return what a record says of a run on this machine."""
    found = {"date": today.isoformat(), "device": device}
    found["Python"] = platform.python_version()
    for package in PACKAGES:
        try:
            found[package] = version(package).partition("+")[0]
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Return the kind of processor: its system and architecture."""
    return f"{platform.system()} {platform.machine()}"


def key(run: Run) -> str:
    """Return what a record calls a run."""
    return digest(repr(sorted(run.items())).encode())[:8]


@dataclass
class Record:
    """What was run on one kind of device."""

    path: Path
    runs: dict[str, Run] = field(default_factory=dict)
    pages: dict[str, dict[str, Entry]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.path.stem

    def run_of(self, page: str, block: str) -> tuple[Run, str] | None:
        """Return where a block was run and what came of it, None if it was not."""
        entry = self.pages.get(page, {}).get(block)
        return entry and (self.runs[entry.run], entry.result)

    def add(self, run: Run, results: dict[str, dict[str, str | None]]) -> None:
        """Take in a run: for each page, all its blocks, with None if not run now.

        A block that had the same result in the same environment keeps its older entry.
        """
        self.runs[key(run)] = run
        for page, blocks in results.items():
            old = self.pages.get(page, {})
            entries = {
                block: self._newer(old.get(block), run, result)
                for block, result in blocks.items()
            }
            self.pages[page] = {block: e for block, e in entries.items() if e}

    def _newer(self, old: Entry | None, run: Run, result: str | None) -> Entry | None:
        if result is None:
            return old
        new = Entry(key(run), result)
        if old is None:
            return new
        before = self.runs[old.run] | {"date": run["date"]}
        return old if (before, old.result) == (run, result) else new

    def keep(self, pages: Iterable[str]) -> None:
        """Forget the pages that are no longer there."""
        there = set(pages)
        self.pages = {page: of for page, of in self.pages.items() if page in there}

    @property
    def text(self) -> str:
        """The record as it is written: a line a block, so that two can be merged."""
        used = {
            entry.run for blocks in self.pages.values() for entry in blocks.values()
        }
        lines = ["runs:"]
        for name, run in sorted(self.runs.items(), key=lambda r: (r[1]["date"], r[0])):
            if name in used:
                said = ", ".join(f"{what}: {of}" for what, of in run.items())
                lines.append(f"  {name}: {{{said}}}")
        lines.append("pages:")
        for page, blocks in sorted(self.pages.items()):
            if blocks:
                lines.append(f"  {page}:")
                lines += [f"  - {b} {e.run} {e.result}" for b, e in blocks.items()]
        return HEAD.format(kind=self.kind) + "\n".join(lines) + "\n"


def read(path: Path) -> Record:
    """Return a record, an empty one if there is no file; RecordError names the line."""
    if not path.is_file():
        return Record(path)
    text = path.read_text(encoding="utf-8")
    try:
        data = yaml.load(text, LOADER)
        runs, pages = data["runs"] or {}, data["pages"] or {}
        record = Record(path, dict(runs))
        for page, lines in pages.items():
            found = [LINE.fullmatch(line) for line in lines]
            record.pages[page] = {
                m["block"]: Entry(m["run"], m["result"]) for m in found
            }
            for entry in record.pages[page].values():
                _ = record.runs[entry.run]["date"], record.runs[entry.run]["device"]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecordError(path, line, f"is no record ({error.problem})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(path, 1, f"is no record ({error!r})") from error
    return record
