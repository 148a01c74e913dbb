"""Read a page as MkDocs publishes it: snippets expanded, fences as the site finds them.

The fences that the site shows (pymdownx) are held against those that the runner would
run (pytest-codeblocks): what only one of them sees is an error, so nothing is passed
over in silence.
"""

import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath

import markdown
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, ConfigurationError
from mkdocs.utils import meta
from pygments.lexers import find_lexer_class_by_name
from pygments.util import ClassNotFound
from pymdownx.superfences import SuperFencesBlockPreprocessor
from pytest_codeblocks.main import CodeBlock, extract_from_buffer

from pageproof.comments import CommentError, Directive, directives
from pageproof.page import Block, Figure, Output, Page, PageError
from pageproof.snippets import SnippetError, expand

RUN = ("python", "sh", "bash")
INERT = ("console", "toml", "yaml", "json", "markdown", "html", "css")
FENCE = re.compile(r"[\s>]*(`{3,}|~{3,})")
IMAGE = re.compile(r"\s*!\[(?P<alt>.*)\]\((?P<link>[^)\s]+\.svg)\)(?:\{[^}]*\})?\s*")
HTML_CODE = re.compile(r"<(pre|code|script|template|style)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Fence:
    """A fence that the site shows: lines `start` to `end`, both fences included."""

    language: str
    source: str
    header: str
    start: int
    end: int


class _Fences(SuperFencesBlockPreprocessor):
    """The site's own fence finder, made to report instead of to render."""

    def process_nested_block(self, ws, content, start, end):  # pymdownx's signature
        source = self.rebuild_block(self.code)
        self.found.append(Fence(self.lang or "", source, self.first, start, end - 1))
        self.clear()

    def search(self, lines: list[str]) -> list[Fence]:
        self.found: list[Fence] = []
        self.stack = []
        self.get_hl_settings()
        self.clear()
        self.search_nested(lines)
        return self.found


class _CountedLines(io.StringIO):
    """A buffer that knows how many lines have been asked of it."""

    count = 0

    def readline(self, *size: int) -> str:
        self.count += 1
        return super().readline(*size)


class Reader:
    """Reads pages under the settings of one mkdocs.yml."""

    def __init__(self, config_file: Path) -> None:
        if not config_file.is_file():
            raise PageError(config_file, 1, "expected the site's mkdocs.yml here")
        try:
            config = load_config(str(config_file), plugins=[], hooks=[])
        except (ConfigurationError, Abort) as error:
            raise PageError(config_file, 1, str(error)) from error
        self.docs = Path(config.docs_dir).parent
        settings = config.mdx_configs
        if not settings.get("pymdownx.snippets", {}).get("check_paths"):
            raise PageError(
                config_file, 1, "pymdownx.snippets: expected check_paths: true"
            )
        fences = settings.get("pymdownx.superfences", {})
        if not fences.get("disable_indented_code_blocks"):
            needed = "disable_indented_code_blocks: true"
            raise PageError(config_file, 1, f"pymdownx.superfences: expected {needed}")
        md = markdown.Markdown(
            extensions=config.markdown_extensions, extension_configs=settings
        )
        self.snippets = md.preprocessors["snippet"]
        self.normalize = md.preprocessors["normalize_whitespace"]
        self.fences = _Fences(md)
        stock = md.preprocessors["fenced_code_block"]
        self.fences.config, self.fences.extension = stock.config, stock.extension

    def read(self, path: Path) -> Page:
        """Return the page in a Markdown file; PageError names the line at fault."""
        return _Reading(self, path.resolve()).page()

    def figure_path(self, page: Path, link: str) -> Path | None:
        """Return the recorded figure that a page's image shows, None for another image.

        Each language's folder sees the shared `assets` folder as its own.
        """
        target = Path(normpath((page.parent / link).as_posix()))
        if target.is_relative_to(self.docs) and page.is_relative_to(self.docs):
            inside = target.relative_to(self.docs).parts
            if inside[1:3] == ("assets", "figures"):
                target = self.docs.joinpath(*inside[1:])
        return target if target.is_relative_to(self.docs / "assets/figures") else None


class _Reading:
    """One page being read; `at` turns an index of its expanded lines into a place."""

    def __init__(self, reader: Reader, path: Path) -> None:
        self.reader, self.path = reader, path
        text, self.meta = self.source()
        try:
            self.lines, self.places = expand(reader.snippets, path, text, self.first)
        except SnippetError as error:
            raise PageError(path, error.line, str(error)) from error
        self.lines = reader.normalize.run(self.lines)[: len(self.lines)]
        self.found = reader.fences.search(self.lines)
        prose = list(self.lines)
        for fence in self.found:
            prose[fence.start : fence.end + 1] = [""] * (fence.end + 1 - fence.start)
        self.prose = prose

    def source(self) -> tuple[str, dict]:
        """The text below the front matter, and the front matter."""
        raw = self.path.read_bytes()
        for bad, name in (
            (b"\xef\xbb\xbf", "a byte-order mark"),
            (b"\r", "a Windows line end"),
            (b"\t", "a tab"),
        ):
            if bad in raw:
                line = raw[: raw.index(bad)].count(b"\n") + 1
                raise PageError(self.path, line, f"{name}: expected UTF-8, \\n, spaces")
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise PageError(self.path, line, f"expected UTF-8: {error}") from error
        body, data = meta.get_data(text)
        self.first = text[: len(text) - len(body)].count("\n")
        return body, data

    def fail(self, index: int, message: str) -> PageError:
        place = self.places[min(index, len(self.places) - 1)]
        return PageError(place.path, place.line, message)

    def page(self) -> Page:
        self.check_prose()
        try:
            marks = directives(self.prose)
        except CommentError as error:
            raise self.fail(error.line, str(error)) from error
        for fence in self.found:
            self.check_fence(fence)
        blocks = self.blocks(marks)
        self.pair(self.extracted())
        return Page(self.path, self.meta, blocks)

    def extracted(self) -> list[CodeBlock]:
        """What pytest-codeblocks reads; where it gives up, `pair` finds out why."""
        text = "\n".join(self.lines) + "\n"
        lines = _CountedLines(text)
        try:
            return extract_from_buffer(lines, 10**9)
        except RuntimeError as error:
            if lines.count <= len(self.lines):
                raise self.fail(lines.count - 1, str(error)) from error
            return extract_from_buffer(io.StringIO(text + "`" * 9), 10**9)

    def check_prose(self) -> None:
        """Refuse what would show code, or look as if it did, outside of a fence."""
        for index, line in enumerate(self.prose):
            if FENCE.match(line):
                raise self.fail(
                    index,
                    f"{line.strip()[:20]!r} opens or closes a fence that the site does "
                    "not show as one: it is unclosed, or indented unlike its partner",
                )
            if html := HTML_CODE.search(re.sub(r"`+[^`]*`+", "", line)):
                raise self.fail(index, f"<{html[1]}> in a page: use a fence")

    def check_fence(self, fence: Fence) -> None:
        """Refuse a fence that looks as if it were run, and any unknown language."""
        header = fence.header.lstrip(" >")
        if fence.language in RUN or _is_python(fence.language):
            name = fence.language if fence.language in RUN else "python"
            exact = "`" * (len(header) - len(header.lstrip("`"))) + name
            if len(exact) < 3 + len(name) or header != exact:
                raise self.fail(
                    fence.start,
                    f"{header!r} is shown as {name} but would not be run: "
                    f"write ```{name} and nothing else",
                )
            if ">" in fence.header:
                raise self.fail(fence.start, "a block in a quotation cannot be run")
        elif fence.language not in (*INERT, "text"):
            known = ", ".join((*RUN, "text", *INERT))
            raise self.fail(fence.start, f"a fence {header!r}: expected one of {known}")

    def pair(self, extracted: list[CodeBlock]) -> None:
        """Refuse any difference between what the site shows and what would run."""
        read = [
            (block.lineno - 1, text)
            for block in extracted
            for text in (block.code, block.expected_output)
            if text is not None
        ]
        for fence, (start, text) in zip(self.found, read, strict=False):
            output = fence.language == "text"
            if text.split() != fence.source.split() or not (
                output or start == fence.start
            ):
                raise self.fail(
                    fence.start,
                    "the site shows this fence, but pytest-codeblocks reads "
                    f"{text.strip()[:60]!r} here: is it closed?",
                )
        if len(read) != len(self.found):
            where = (self.found[len(read) :] or self.found[-1:])[0].start
            raise self.fail(where, "a fence that pytest-codeblocks does not read")

    def blocks(self, marks: list[Directive]) -> list[Block]:
        """Give each block its marks, its output and its figures."""
        starts = {fence.start: fence for fence in self.found}
        self.claimed: set[int] = set()
        blocks, fences = [], {}
        for fence in self.found:
            if fence.language in RUN:
                blocks.append(self.block(fence))
                fences[fence.end] = blocks[-1], fence
        by_start = {fence.start: block for block, fence in fences.values()}
        for mark in marks:
            if mark.name == "output":
                self.place_output(mark, starts, fences)
                continue
            below = self.next(mark.line, skip=[m.line for m in marks])
            if below not in by_start:
                raise self.fail(mark.line, f"{mark.name}: expected a block right below")
            setattr(by_start[below], mark.name, mark.value)
        for fence in self.found:
            if fence.language == "text" and fence.start not in self.claimed:
                raise self.fail(
                    fence.start,
                    "a text fence is what a block prints: expected a block and "
                    "<!--pytest-codeblocks:expected-output--> right above it",
                )
        self.place_figures(fences)
        for block in blocks:
            if block.skip and block.output:
                raise self.page_fail(block, "a skipped block cannot show an output")
        return blocks

    def page_fail(self, block: Block, message: str) -> PageError:
        return PageError(self.path, block.line, message)

    def block(self, fence: Fence) -> Block:
        code = fence.source + "\n"
        if fence.language == "python" and not code.isascii():
            self.check_names(fence)
        return Block(
            code=code,
            language=fence.language,
            places=self.places[fence.start : fence.end],
            end=self.places[fence.end].line,
            indent=re.match(" *", fence.header)[0],
        )

    def check_names(self, fence: Fence) -> None:
        """Refuse names that a reader cannot type on every keyboard."""
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(fence.source).readline))
        except (tokenize.TokenError, SyntaxError):
            return  # the run will say so, with the line
        for token in tokens:
            if token.type == tokenize.NAME and not token.string.isascii():
                line = fence.start + token.start[0]
                raise self.fail(line, f"{token.string!r}: expected an ASCII name")

    def next(self, index: int, step: int = 1, skip: list[int] | None = None) -> int:
        """The nearest line below (above) that is not blank."""
        index += step
        while 0 <= index < len(self.lines) and (
            not self.lines[index].strip() or index in (skip or [])
        ):
            index += step
        return index

    def place_output(self, mark: Directive, starts: dict, fences: dict) -> None:
        above, below = self.next(mark.line, -1), self.next(mark.line)
        if above not in fences:
            raise self.fail(mark.line, "expected the block that prints it above")
        fence = starts.get(below)
        if fence is None or fence.language != "text":
            raise self.fail(mark.line, "expected a ```text fence right below")
        block, code = fences.pop(above)
        if block.output:
            raise self.fail(
                mark.line, f"a second output of the block {block.places[0]}"
            )
        first = self.places[fence.start].line + 1
        last = self.places[fence.end].line - 1
        block.output = Output(fence.source + "\n" * bool(fence.source), first, last)
        fences[fence.end] = block, code
        self.claimed.add(fence.start)

    def place_figures(self, fences: dict) -> None:
        """Give each image of a figure to the block that it follows."""
        claimed = set()
        for end, (block, _) in sorted(fences.items()):
            index = self.next(end)
            while index < len(self.lines) and (figure := self.figure(index)):
                block.figures.append(figure)
                claimed.add(index)
                index = self.next(index)
        for index, line in enumerate(self.prose):
            if index in claimed:
                continue
            for link in re.findall(r"\]\(([^)\s]+\.svg)", INLINE.sub("", line)):
                if self.reader.figure_path(self.path, link):
                    raise self.fail(index, f"{link}: expected right after its block")

    def figure(self, index: int) -> Figure | None:
        image = IMAGE.fullmatch(self.prose[index])
        light = image and self.reader.figure_path(self.path, image["link"])
        if not light:
            return None
        if not image["alt"].strip():
            raise self.fail(index, "expected a text that says what is to be seen")
        return Figure(light, self.places[index].line)


INLINE = re.compile(r"`+[^`]*`+")


def _is_python(language: str) -> bool:
    try:
        name = find_lexer_class_by_name(language).name
    except ClassNotFound:
        return False
    return "python" in name.lower()
