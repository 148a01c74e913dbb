"""Measure how much the copies of cells bring along, and how much of it is spare."""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pageproof.alone import as_tree, run_alone
from pageproof.needs import Sources, copies
from pageproof.page import Page
from pageproof.proof import Settings
from pageproof.reading import Reader
from pageproof.state import warm_up

ROOT = Path(__file__).parents[1]
WORST = 10


@dataclass
class Copy:
    """A block that can be copied, with the places of those it brings along."""

    page: str
    block: int
    line: int
    brings: list[int]
    above: int  # how many blocks stand above it
    direct: list[int]  # of those it brings along, the ones that no other of them needs
    spare: list[int]  # the lines of those without which it prints the same


def direct(found: Sequence[Sequence[int] | None], brings: Sequence[int]) -> list[int]:
    """Return the members of a copy that no other member needs."""
    return sorted(set(brings).difference(*(found[other] for other in brings)))


def measure(name: str, page: Page, sources: Sources, settings: Settings) -> list[Copy]:
    """Return the copies of a page; each is run without each of its direct members."""
    found = copies(page, sources)
    runs = [i for i, block in enumerate(page.blocks) if not settings.skips(block)]
    measured = {
        i: Copy(
            name, i, page.blocks[i].line, found[i], above, direct(found, found[i]), []
        )
        for above, i in enumerate(runs)
        if found[i] is not None
    }
    left_out = {
        (*(other for other in copy.brings if other != member), copy.block): member
        for copy in measured.values()
        for member in copy.direct
    }
    for trial, error in run_alone(page, as_tree([*map(list, left_out)]), settings):
        if error is None:
            spare = page.blocks[left_out[tuple(trial)]].line
            measured[trial[-1]].spare.append(spare)
    return [*measured.values()]


def row(name: str, some: Sequence[Copy]) -> str:
    """Return the line of a table about the copies of a page, or of all."""
    brings, above = (
        statistics.mean(counts)
        for counts in ([len(c.brings) for c in some], [c.above for c in some])
    )
    members, spare = (
        sum(counts)
        for counts in ([len(c.direct) for c in some], [len(c.spare) for c in some])
    )
    return (
        f"| {name} | {len(some)} | {brings:.1f} | {above:.1f} | {members} | {spare} |"
    )


def report(pages: Sequence[Sequence[Copy]]) -> str:
    """Return what was measured, as it is recorded."""
    every = [copy for some in pages for copy in some]
    lines = [
        "# Copies",
        "",
        f"Recorded {time.strftime('%Y-%m-%d')}, Python {platform.python_version()}.",
        "",
        "| page | copies | mean brought along | mean above | direct members | spare |",
        "|---|--:|--:|--:|--:|--:|",
        *(row(some[0].page, some) for some in pages),
        row("all", every),
    ]
    worst = sorted(every, key=lambda copy: -len(copy.spare))[:WORST]
    lines += [
        "",
        "| page | line | brings | spare members, by line |",
        "|---|--:|--:|---|",
    ]
    lines += [
        f"| {c.page} | {c.line} | {len(c.brings)} | {', '.join(map(str, c.spare))} |"
        for c in worst
        if c.spare
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", help="part/stem.md; all if none is named")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    # A process with more threads than one cannot be forked.
    os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    reader, sources = Reader(ROOT / "mkdocs.yml"), Sources(ROOT / "src")
    style = reader.docs / "assets/light.mplstyle"
    settings = Settings(cuda=False, exact=True, update=False, style=style)
    warm_up()
    folder = reader.docs / "en"
    labs = (file.relative_to(folder).as_posix() for file in folder.glob("labs/*.py"))
    found = (file.relative_to(folder).as_posix() for file in folder.rglob("*.md"))
    names = arguments.pages or sorted([*found, *labs])
    if missing := [name for name in names if not (folder / name).is_file()]:
        parser.error(f"expected pages below {folder}, got {', '.join(missing)}")
    pages = []
    for number, name in enumerate(names, 1):
        began = time.monotonic()
        some = measure(name, reader.read(folder / name), sources, settings)
        pages += [some] if some else []
        spare = sum(len(copy.spare) for copy in some)
        print(
            f"{number} of {len(names)}: {name}, {len(some)} copies, {spare} members "
            f"spare, {time.monotonic() - began:.0f} s",
            file=sys.stderr,
        )
    if not pages:
        parser.error("expected a page with Python cells, got none")
    text = report(pages)
    print(text)
    if arguments.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
