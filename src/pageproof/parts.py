"""A page taken apart: prose, cells, and the boxes that open and close around them.

The exports are made of these parts. Prose has the indentation of its box taken off, and
neither comments nor the mark of the site's map; the fences of outputs and the images of
recorded figures go with the cell.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pageproof.fences import RUN
from pageproof.page import Block, Page
from pageproof.roadmap import MARK

FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,})(?P<language>\w*)$")
BOX = re.compile(
    r'(?P<indent> *)(?:!!!|\?\?\?\+?) +(?P<kind>[\w-]+)[\w -]*(?P<title>"[^"]*")?\s*$'
)
OUTPUT = re.compile(r" *<!--pytest-codeblocks:expected-output-->\s*$")
IMAGE = re.compile(r"\s*!\[(?P<alt>.*)\]\((?P<link>[^)\s]+\.svg)\)(?:\{[^}]*\})?\s*$")
INSIDE = re.compile(
    r"(?P<kept>^(?P<i> *)(?P<t>`{3,})\w*\n.*?^(?P=i)(?P=t)$"  # a fence
    r"|(?<!`)(?P<c>`+)(?!`).+?(?<!`)(?P=c)(?!`)"  # code in a line
    r"|\$\$.+?\$\$"
    r"|(?<![\\$])\$(?!\s)(?:\\.|[^\\$])+?(?<!\s)\$)"
    r"|<!--.*?-->[ ]?",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Prose:
    """Markdown between cells."""

    text: str


@dataclass
class Cell:
    """A block, how far it is indented (in a list), and the images right below it."""

    block: Block
    indent: str
    images: list[tuple[str, str]] = field(default_factory=list)  # text, link


@dataclass
class Open:
    """Where a box begins, folded or not; it ends at its Close."""

    title: str


@dataclass
class Close:
    """Where the innermost box ends."""


Part = Prose | Cell | Open | Close


def parts(page: Page) -> list[Part]:
    """Return the parts of a page, in order; its cells are its blocks."""
    found = [part for part in _Taking(page).parts() if part != Prose("")]
    cells = [part.block for part in found if isinstance(part, Cell)]
    if len(cells) != len(page.blocks):
        message = f"expected {len(page.blocks)} blocks to export, got {len(cells)}"
        raise page.error(1, message)
    return found


def uncommented(text: str) -> str:
    """Return Markdown without its comments; code that looks like one stays."""
    text = INSIDE.sub(lambda match: match["kept"] or "", text)
    return re.sub(r"\n{3,}", "\n\n", text)


class _Taking:
    """One page being taken apart, line by line."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines = page.text.split("\n")
        self.blocks = iter(page.blocks)
        self.inside: list[int] = []  # how far the text of each open box is indented
        self.prose: list[str] = []

    def parts(self) -> Iterator[Part]:
        self.at = 0
        while self.at < len(self.lines):
            line = self.lines[self.at]
            while line.strip() and self.inside and _indent(line) < self.inside[-1]:
                yield self.said()
                yield Close()
                self.inside.pop()
            if box := BOX.match(line):
                yield self.said()
                title = box["title"] or box["kind"].capitalize()
                yield Open(title.strip('"'))
                self.inside.append(len(box["indent"]) + 4)
                self.at += 1
            elif fence := FENCE.match(line):
                yield from self.fence(fence)
            else:
                if line != MARK:  # the lists below it stay, and say what it draws
                    self.prose.append(self.outdented(line))
                self.at += 1
        yield self.said()
        for _ in self.inside:
            yield Close()

    def said(self) -> Prose:
        text, self.prose = "\n".join(self.prose), []
        return Prose(uncommented(text).strip("\n").rstrip())

    def outdented(self, line: str) -> str:
        return line[self.inside[-1] :] if self.inside else line

    def fence(self, fence: re.Match[str]) -> Iterator[Part]:
        """Give a block as a cell; another fence is prose."""
        end = self.end(fence)
        lines = self.lines[self.at : end + 1]
        self.at = end + 1
        if fence["language"] not in RUN:
            self.prose += map(self.outdented, lines)
            return
        yield self.said()
        block = next(self.blocks, None)
        code = "".join(f"{line[len(fence['indent']) :]}\n" for line in lines[1:-1])
        if block is None or block.code.split() != code.split():
            line = block.line if block else 1
            raise self.page.error(line, f"expected this block to export, got {code!r}")
        cell = Cell(block, self.outdented(fence["indent"]))
        self.take_output(cell)
        self.take_images(cell)
        yield cell

    def end(self, fence: re.Match[str]) -> int:
        closing = f"{fence['indent']}{fence['ticks']}"
        return self.lines.index(closing, self.at + 1)

    def below(self, at: int) -> int:
        """The nearest line from here on that is not blank."""
        while at < len(self.lines) and not self.lines[at].strip():
            at += 1
        return at

    def take_output(self, cell: Cell) -> None:
        at = self.below(self.at)
        if cell.block.output and OUTPUT.match(self.lines[at]):
            self.at = self.below(at + 1)
            self.at = self.end(FENCE.match(self.lines[self.at])) + 1

    def take_images(self, cell: Cell) -> None:
        for _ in cell.block.figures:
            at = self.below(self.at)
            image = IMAGE.match(self.lines[at])
            cell.images.append((image["alt"], image["link"]))
            self.at = at + 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
