"""Expand a page's includes with pymdownx's own preprocessor, line by line.

Each expanded line keeps its place: in the page, or in the file that was included.
"""

import re
from pathlib import Path

from pymdownx.snippets import SnippetMissingError, SnippetPreprocessor

from pageproof.page import Place


class SnippetError(Exception):
    """An include that is not what it seems; `line` is that of the page."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def expand(
    snippets: SnippetPreprocessor, page: Path, text: str, first: int
) -> tuple[list[str], list[Place]]:
    """Return the lines that the site reads and their places.

    `first` is the number of lines of the page above the text (its front matter).
    """
    lines, places = [], []
    for number, line in enumerate(text.split("\n"), first + 1):
        if "8<" not in line or re.match(r"\s*;-", line):
            lines += snippets.run([line]) if "8<" in line else [line]
            places.append(Place(page, number))
            continue
        try:
            some = include(snippets, line)
        except (SnippetMissingError, ValueError, OSError, SyntaxError) as error:
            raise SnippetError(number, str(error)) from error
        lines += [text for text, _, _ in some]
        places += [
            Place(file, at) if file else Place(page, number) for _, file, at in some
        ]
    return lines, places


def include(
    snippets: SnippetPreprocessor, line: str
) -> list[tuple[str, Path | None, int]]:
    """Return the lines that an include stands for, each with its file and line."""
    match = snippets.RE_ALL_SNIPPETS.match(line)
    if not match or not match["inline_marker"]:
        raise ValueError(f'expected --8<-- "file:region" alone, got {line.strip()!r}')
    target = snippets.parse_snippet_target(match["snippet"][1:-1])
    if target is None or target["start"] or target["end"]:
        raise ValueError("expected a file and a region: line numbers shift")
    found = snippets.get_snippet_path(target["path"])
    if found is None:
        raise ValueError(f"no file {target['path']!r} to include")
    file = Path(found).resolve()
    source = file.read_text(encoding="utf-8").split("\n")
    at = check_region(file, source, target["section"]) if target["section"] else 0
    some = []
    for text in snippets.run([line]):
        while at < len(source) and source[at].strip() != text.strip():
            at += 1
        some.append((text, file, at + 1))
        at += 1
    return some


def check_region(file: Path, source: list[str], name: str) -> int:
    """Return the index of the line below a region's start marker.

    pymdownx shows the rest of the file for a region without an end, and the first of
    two regions with one name: both are errors here.
    """
    marker = re.compile(rf"-+8<-+[ \t]+\[[ \t]*(start|end)[ \t]*:[ \t]*{name}[ \t]*\]")
    found = [(m[1], i) for i, line in enumerate(source) if (m := marker.search(line))]
    if [kind for kind, _ in found] != ["start", "end"]:
        kinds = [f"{kind} on line {i + 1}" for kind, i in found] or ["no marker"]
        raise ValueError(
            f"{file.name}: expected one start and one end of region {name!r}, "
            f"got {', '.join(kinds)}"
        )
    return found[0][1] + 1
