"""What a site says of where its blocks were run: below each block, and of all pages.

A page shows a table where a paragraph says {runs: where}, {runs: pages} or
{runs: skipped}; and where it says a name of `COUNTS`, the counts of a file that lies
beside the records.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

from pageproof import verified
from pageproof.cache import Kept
from pageproof.imports import Imports, digest
from pageproof.page import Block, Page
from pageproof.tables import Cell, Table, as_html, as_markdown, counted, numbers
from pageproof.verified import FAILED, KINDS, RAN, Run

TABLE = re.compile(r"<p>\{runs: (\w+)\}</p>")
PLAIN = re.compile(r"^( *)\{runs: (\w+)\}$", re.MULTILINE)
LABELS = {
    "cpu": "CPU",
    "cuda": "CUDA",
    "ran": "Run on #",
    "missing": "not yet run on #",
    "failed": "fails on #",
    "skipped": "Not run: #",
    "requires": "needs #",
    "page": "Page",
    "blocks": "Blocks",
    "all": "All pages",
    "device": "Device",
    "date": "Date",
    "block": "Block",
    "why": "Why it is not run",
    "none": "No block.",
    "faults": "Kind of fault",
    "tools": "The same faults under",
    "mutants": "Module",
    "inputs": "What is wrong",
    "total": "Together",
}
COUNTS = {  # by other commands: the file, where in it, whether summed
    "inputs": ("inputs.yml", "kinds", True),
    "faults": ("faults.yml", "by_kind", True),
    "tools": ("faults.yml", "tools", False),
    "mutants": ("mutants.yml", "modules", True),
}
State = dict[str, tuple[Run, str] | None]  # of a block, by the kind of device


class TableError(Exception):
    """A table that a page asks for, in these `words`, and that there is not."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.words = f"{{runs: {name}}}"
        super().__init__(f"expected one of {', '.join(known)}, got {self.words}")


class Shown(NamedTuple):
    """A page of the site: its title, its address, its blocks, and their states."""

    title: str
    link: str
    blocks: list[Block]
    states: list[State]


class Runs:
    """The records of a site, in one folder; without it, nothing is said of runs."""

    def __init__(
        self,
        kept: Kept,
        folder: Path | None,
        language: str,
        sources: Path,
        labels: Mapping[str, str],
    ) -> None:
        """Read the records; RecordError says which one is broken.

        `language` is the name of the folder of a language's pages.
        """
        self.kept, self.labels, self.language = kept, labels, language
        self.folder = folder
        paths = [folder / f"{kind}.yml" for kind in KINDS] if folder else []
        self.sources = [path.read_bytes() if path.is_file() else b"" for path in paths]
        made_of = tuple(zip(paths, self.sources, strict=True))
        self.records = kept.get(
            ("records",), made_of, lambda _: [verified.read(path) for path in paths]
        )
        self.known: dict[str, list[State]] = {}  # of a page of this build
        self.files = cache(Imports(sources))
        self.drawn = cache(lambda path: digest(path.read_bytes()))

    def states(
        self, uri: str, page: Page, brings: Sequence[Sequence[int] | None]
    ) -> list[State]:
        """Return for each block of a page where it was run as it stands."""
        if self.records and uri not in self.known:
            self.known[uri] = self._states(uri, page, brings)
        return self.known.get(uri, [])

    def _states(
        self, uri: str, page: Page, brings: Sequence[Sequence[int] | None]
    ) -> list[State]:
        made_of = [
            (verified.shown(block), [figure.light for figure in block.figures])
            for block in page.blocks
        ]
        prints = self.kept.get(
            ("prints", uri),
            (made_of, brings),
            lambda ask: verified.fingerprints(
                page,
                brings,
                lambda names: ask("files", names),
                lambda path: ask("drawn", path),
            ),
            lambda what, of: getattr(self, what)(of),
        )
        name = f"{self.language}/{uri}"
        return [
            {record.kind: record.run_of(name, block) for record in self.records}
            for block in prints
        ]

    def below(self, blocks: Iterable[Block], states: Iterable[State]) -> list[str]:
        """Return what stands below each block: where it was run, and where not."""
        return [
            self._say(block, state)
            for block, state in zip(blocks, states, strict=False)
        ]

    def _say(self, block: Block, state: State) -> str:
        if block.skip:
            return self.labels["skipped"].replace("#", block.skip)
        said = []
        for what in (RAN, FAILED):
            where = [
                self._where(kind, found[0])
                for kind, found in state.items()
                if found and found[1] == what
            ]
            if where:
                said.append(self.labels[what].replace("#", "; ".join(where)))
        if missing := [self.labels[kind] for kind in _missing(block, state)]:
            said.append(self.labels["missing"].replace("#", ", ".join(missing)))
        text = "; ".join(said)
        return text[:1].upper() + text[1:]

    def _where(self, kind: str, run: Run) -> str:
        device = self.labels[kind] if kind == "cpu" else run["device"]
        torch = ".".join(run.get("torch", "").split(".")[:2])
        return f"{device}, torch {torch}" if torch else device

    def tables(self, text: str, pages: Callable[[], list[Shown]]) -> str:
        """Return a rendered page with its tables."""
        return TABLE.sub(lambda m: as_html(self._table(m[1], pages())), text)

    def as_markdown(self, text: str, pages: Callable[[], list[Shown]]) -> str:
        """Return the Markdown of a page with its tables written out."""

        def one(match: re.Match[str]) -> str:
            return indent(as_markdown(self._table(match[2], pages())), match[1])

        return PLAIN.sub(one, text)

    def _table(self, name: str, pages: list[Shown]) -> Table:
        pages = [page for page in pages if page.blocks]
        made = {"where": self._runs, "pages": self._pages, "skipped": self._skipped}
        if name in made:
            return made[name](pages)
        if name not in COUNTS:
            raise TableError(name, [*made, *COUNTS])
        file, key, summed = COUNTS[name]
        total = self.labels["total"] if summed else ""
        return counted(self.folder / file, key, self.labels[name], total)

    def _runs(self, pages: list[Shown]) -> Table:
        """Each run of which an entry holds, and for how many blocks."""
        head = [self.labels[name] for name in ("device", "date")]
        counts = Counter(
            (kind, *state[kind][0].items())
            for page in pages
            for state in page.states
            for kind in KINDS
            if _ran(state, kind)
        )
        names = ["Python", *verified.PACKAGES]
        rows = []
        for (kind, *items), count in sorted(counts.items()):
            run = dict(items)
            cells = [f"{self.labels[kind]} ({run['device']})", run["date"]]
            cells += [run.get(name, "") for name in names] + [f"{count:,}"]
            rows.append([Cell(text) for text in cells])
        return Table([*head, *names, self.labels["blocks"]], rows)

    def _pages(self, pages: list[Shown]) -> Table:
        """Each page: how many blocks it has, and how many were run where."""
        rows, total = [], [0] * (1 + len(KINDS))
        for page in pages:
            ran = [sum(_ran(state, kind) for state in page.states) for kind in KINDS]
            counts = [len(page.blocks), *ran]
            total = [a + b for a, b in zip(total, counts, strict=True)]
            rows.append([Cell(page.title, page.link), *numbers(counts)])
        rows.append([Cell(self.labels["all"]), *numbers(total)])
        return Table([self.labels[name] for name in ("page", "blocks", *KINDS)], rows)

    def _skipped(self, pages: list[Shown]) -> Table:
        """Each block that some kind of device does not run, and why."""
        rows = [
            [
                Cell(page.title, page.link),
                Cell(_first_line(block), code=True),
                Cell(why),
            ]
            for page in pages
            for block in page.blocks
            if (why := self._why(block))
        ]
        head = [self.labels[name] for name in ("page", "block", "why")]
        return Table(head, rows or [[Cell(self.labels["none"]), Cell(""), Cell("")]])

    def _why(self, block: Block) -> str:
        if block.skip or not block.requires:
            return block.skip or ""
        return self.labels["requires"].replace("#", self.labels[block.requires])


def _ran(state: State, kind: str) -> bool:
    """Whether a block was run, as it stands, on a kind of device."""
    found = state.get(kind)
    return found is not None and found[1] == RAN


def _missing(block: Block, state: State) -> list[str]:
    """The kinds of device on which a block is yet to be run."""
    wanted = [block.requires] if block.requires else list(state)
    return [kind for kind in wanted if kind in state and not state[kind]]


def _first_line(block: Block) -> str:
    return next(line for line in block.code.split("\n") if line.strip()).strip()
