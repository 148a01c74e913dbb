"""The fences that the site shows, found by the site's own finder, and their roles."""

import re
from dataclasses import dataclass
from functools import cache

from markdown import Markdown
from pygments.lexers import find_lexer_class_by_name
from pygments.util import ClassNotFound
from pymdownx.superfences import SuperFencesBlockPreprocessor

RUN = ("python", "sh", "bash")
INERT = ("console", "toml", "yaml", "json", "markdown", "html", "css")
LIKE_A_FENCE = re.compile(r"[\s>]*(`{3,}|~{3,})")


@dataclass(frozen=True)
class Fence:
    """A fence that the site shows: lines `start` to `end`, both fences included."""

    language: str
    source: str
    header: str
    start: int
    end: int

    @property
    def indent(self) -> str:
        return re.match(" *", self.header)[0]

    def objection(self) -> str | None:
        """Return why a page may not show this fence, None if it may."""
        header = self.header.lstrip(" >")
        if self.language in RUN or _is_python(self.language):
            name = self.language if self.language in RUN else "python"
            if not re.fullmatch(f"`{{3,}}{name}", header):
                return (
                    f"{header!r} is shown as {name} but would not be run: "
                    f"write ```{name} and nothing else"
                )
            if ">" in self.header:
                return "a block in a quotation cannot be run"
        elif self.language not in (*INERT, "text"):
            known = ", ".join((*RUN, "text", *INERT))
            return f"a fence {header!r}: expected one of {known}"
        return None


class FenceFinder(SuperFencesBlockPreprocessor):
    """pymdownx's preprocessor, made to report what it finds instead of rendering it."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        stock = md.preprocessors["fenced_code_block"]
        self.config, self.extension = stock.config, stock.extension

    def process_nested_block(self, ws, content, start, end):  # pymdownx's signature
        source = self.rebuild_block(self.code)
        self.found.append(Fence(self.lang or "", source, self.first, start, end - 1))
        self.clear()

    def find(self, lines: list[str]) -> list[Fence]:
        """Return the fences in the lines of a page, in order."""
        self.found: list[Fence] = []
        self.stack: list = []
        self.get_hl_settings()
        self.clear()
        self.search_nested(lines)
        return self.found


@cache
def _is_python(language: str) -> bool:
    """Whether the site would colour it as some kind of Python."""
    try:
        name = find_lexer_class_by_name(language).name
    except ClassNotFound:
        return False
    return "python" in name.lower()
