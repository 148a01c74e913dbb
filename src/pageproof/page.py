"""What a page is to the proof: its blocks, with their place in the Markdown file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pageproof.labrecord import Lab

HERE = Path.cwd()  # a page may change directory; messages are for who started us


class PageError(Exception):
    """A page that cannot be proven as it stands, named by file and line."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{shown(path)}:{line}: {message}")
        self.path, self.line, self.message = path, line, message


class Place(NamedTuple):
    """A line of a file, counted from 1."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{shown(self.path)}:{self.line}"


@dataclass(frozen=True)
class Output:
    """What the page says a block prints, on lines `first` to `last` of the file.

    That of a lab's cell is recorded elsewhere: both are the line of its `# %%`.
    """

    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Figure:
    """An image of what a block draws; the dark one lies beside the light one."""

    light: Path
    line: int

    @property
    def dark(self) -> Path:
        return self.light.with_suffix(".dark.svg")


@dataclass
class Block:
    """A fence that the site shows and the run executes."""

    code: str
    language: str
    places: list[Place]  # of its fence and of each of its lines
    end: int  # the line of the page on which its fence closes
    indent: str = ""
    output: Output | None = None
    figures: list[Figure] = field(default_factory=list)
    raises: str | None = None
    warns: str | None = None
    skip: str | None = None
    requires: str | None = None
    timed: str | None = None

    @property
    def line(self) -> int:
        return self.places[0].line


@dataclass
class Page:
    """A Markdown file, or a lab, as MkDocs publishes it: the one reading of it."""

    path: Path
    source: bytes  # the file as it was read
    text: str  # what MkDocs publishes: snippets expanded
    meta: dict[str, object]
    blocks: list[Block]
    lab: "Lab | None" = None

    def error(self, line: int, message: str) -> PageError:
        return PageError(self.path, line, message)


def shown(path: Path) -> str:
    """Return a path as a message shows it: relative if it lies below us."""
    return (path.relative_to(HERE) if path.is_relative_to(HERE) else path).as_posix()
