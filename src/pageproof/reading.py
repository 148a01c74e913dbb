"""Read a page as MkDocs publishes it: snippets expanded, fences as the site finds them.

The fences that the site shows (pymdownx) are held against those that the runner would
run (pytest-codeblocks): what only one of them sees is an error, so nothing is passed
over in silence.
"""

import io
import re
import tokenize
from collections.abc import Callable
from pathlib import Path
from posixpath import normpath

import markdown
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, ConfigurationError
from mkdocs.utils import meta
from pytest_codeblocks.main import CodeBlock, extract_from_buffer

from pageproof.comments import CommentError, Directive, directives
from pageproof.fences import LIKE_A_FENCE, RUN, Fence, FenceFinder
from pageproof.lab import read_script
from pageproof.labrecord import Lab, read_lab
from pageproof.page import Block, Figure, Output, Page, PageError, Place
from pageproof.snippets import SnippetError, expand

IMAGE = re.compile(r"\s*!\[(?P<alt>.*)\]\((?P<link>[^)\s]+\.svg)\)(?:\{[^}]*\})?\s*")
SVG = re.compile(r"\]\(([^)\s]+\.svg)")
INLINE_CODE = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)")
STRAY_TICK = re.compile(r"(?<!\\)`")
HTML_CODE = re.compile(
    r"<(pre|code|samp|xmp|listing|plaintext|textarea|script|template|style)\b",
    re.IGNORECASE,
)
NEEDED = {
    "pymdownx.snippets": "check_paths",
    "pymdownx.superfences": "disable_indented_code_blocks",
}
NOT_PLAIN = {
    b"\xef\xbb\xbf": "a byte-order mark",
    b"\r": "a Windows line end",
    b"\t": "a tab",
}


class Reader:
    """Reads pages under the settings of one mkdocs.yml."""

    def __init__(self, config_file: Path) -> None:
        config = _load(config_file)
        self.docs = Path(config.docs_dir).parent
        self.sources = config_file.resolve().parent / "src"
        settings = config.mdx_configs
        for extension, needed in NEEDED.items():
            if not settings.get(extension, {}).get(needed):
                message = f"{extension}: expected {needed}: true"
                raise PageError(config_file, 1, message)
        md = markdown.Markdown(
            extensions=config.markdown_extensions, extension_configs=settings
        )
        self.snippets = md.preprocessors["snippet"]
        self.found = self.snippets.get_snippet_path
        self.told: Callable[[str], object] = str
        self.snippets.get_snippet_path = self._find
        self.below = self.snippets.auto_append  # every page
        self.snippets.auto_append = []
        self.normalize = md.preprocessors["normalize_whitespace"]
        self.fences = FenceFinder(md)

    def read(self, path: Path, told: Callable[[str], object] = str) -> Page:
        """Return the page in a Markdown file or a lab; PageError names the line.

        `told` is called with the name of each other file that the page is made of.
        """
        self.told = told
        try:
            return _Reading(self, path.resolve()).page()
        finally:
            self.told = str

    @property
    def appended(self) -> list[str]:
        """The lines that Snippets' auto_append puts below every page, as they are."""
        self.snippets.auto_append = self.below
        try:
            return self.snippets.run([])
        finally:
            self.snippets.auto_append = []

    def _find(self, name: str) -> str | None:
        self.told(name)
        return self.found(name)

    def included(self, name: str) -> tuple[str, bytes] | None:
        """Return where a file is that a page is made of, and what it holds."""
        path = name if Path(name).is_absolute() else self.found(name)
        there = path and Path(path).is_file()
        return (path, Path(path).read_bytes()) if there else None

    def record_path(self, lab: Path) -> Path:
        """Return where a lab's outputs are recorded, once for all languages."""
        if not lab.is_relative_to(self.docs):
            raise PageError(lab, 1, f"expected a lab below {self.docs}")
        inside = lab.relative_to(self.docs).parts[1:]
        return self.docs.joinpath(*inside).with_suffix(".json")

    def figure_path(self, page: Path, link: str) -> Path | None:
        """Return the recorded figure that an image shows, None for another image.

        Each language's folder sees the shared `assets` folder as its own.
        """
        target = Path(normpath((page.parent / link).as_posix()))
        if target.is_relative_to(self.docs) and page.is_relative_to(self.docs):
            inside = target.relative_to(self.docs).parts
            if inside[1:3] == ("assets", "figures"):
                target = self.docs.joinpath(*inside[1:])
        return target if target.is_relative_to(self.docs / "assets/figures") else None


def _load(config_file: Path) -> MkDocsConfig:
    if not config_file.is_file():
        raise PageError(config_file, 1, "expected the site's mkdocs.yml here")
    try:
        return load_config(str(config_file), plugins=[], hooks=[])
    except (ConfigurationError, Abort) as error:
        raise PageError(config_file, 1, str(error)) from error


class _Reading:
    """One page being read. Lines are those of the expanded text, counted from 0."""

    def __init__(self, reader: Reader, path: Path) -> None:
        self.reader, self.path = reader, path
        text, self.lab, numbers = self.source(), None, None
        if path.suffix == ".py":
            text, self.lab, numbers = self.as_markdown(text)
        body, self.meta = meta.get_data(text)
        first = text[: len(text) - len(body)].count("\n")
        try:
            lines, self.places = expand(reader.snippets, path, body, first)
        except SnippetError as error:
            line = numbers[error.line - 1] if numbers else error.line
            raise PageError(path, line, str(error)) from error
        if numbers:
            numbers.append(numbers[-1])  # of the end of the file
            self.places = [
                Place(path, numbers[line - 1]) if file == path else Place(file, line)
                for file, line in self.places
            ]
        appended = reader.appended
        lines += appended
        self.places += [self.places[-1]] * len(appended)
        self.lines = reader.normalize.run(lines)[: len(lines)]
        self.found = reader.fences.find(self.lines)
        self.prose = list(self.lines)
        for fence in self.found:
            inside = slice(fence.start, fence.end + 1)
            self.prose[inside] = [""] * (fence.end + 1 - fence.start)
        self.words = self.without_code()

    def without_code(self) -> list[str]:
        """The prose less the code in its sentences.

        A backtick without a partner on its line may have one on another, and then all
        others pair otherwise: lines without a blank one between stay as they are.
        """
        words = [INLINE_CODE.sub("", t) if "`" in t else t for t in self.prose]
        for index, line in enumerate(words):
            if STRAY_TICK.search(line):
                for step in (-1, 1):
                    at = index
                    while 0 <= at < len(words) and self.lines[at].strip():
                        words[at] = self.prose[at]
                        at += step
        return words

    def as_markdown(self, text: str) -> tuple[str, Lab, list[int]]:
        """A lab as a page, its record, and for each line of the page the lab's."""
        script = read_script(self.path, text)
        record = self.reader.record_path(self.path)
        lab = read_lab(self.path, script, record, self.reader.sources)
        base = self.reader.sources.parent
        for path in (record, *(base / name for name in lab.files)):
            self.reader.told(str(path))
        markdown, numbers = script.markdown(lab.outputs)
        return markdown, lab, numbers

    def source(self) -> str:
        """The text of the file, which must be plain."""
        self.raw = raw = self.path.read_bytes()
        for bad, name in NOT_PLAIN.items():
            if bad in raw:
                line = raw[: raw.index(bad)].count(b"\n") + 1
                raise PageError(self.path, line, f"{name}: expected UTF-8, \\n, spaces")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise PageError(self.path, line, f"expected UTF-8: {error}") from error

    def fail(self, index: int, message: str) -> PageError:
        place = self.places[min(index, len(self.places) - 1)]
        return PageError(place.path, place.line, message)

    def page(self) -> Page:
        self.check_prose()
        try:
            marks = directives(self.words)
        except CommentError as error:
            raise self.fail(error.line, str(error)) from error
        for fence in self.found:
            if objection := fence.objection():
                raise self.fail(fence.start, objection)
        blocks = self.blocks(marks)
        self.pair(self.extracted())
        text = "\n".join(self.lines)
        return Page(self.path, self.raw, text, self.meta, blocks, self.lab)

    def check_prose(self) -> None:
        """Refuse what would show code, or look as if it did, outside of a fence."""
        for index, (line, words) in enumerate(zip(self.prose, self.words, strict=True)):
            if LIKE_A_FENCE.match(line):
                raise self.fail(
                    index,
                    f"{line.strip()[:20]!r} opens or closes a fence that the site does "
                    "not show as one: it is unclosed, or indented unlike its partner",
                )
            if "```" in INLINE_CODE.sub("", line):
                raise self.fail(index, "``` without a partner on its line")
            if html := HTML_CODE.search(words):
                raise self.fail(index, f"<{html[1]}> in a page: use a fence")

    def extracted(self) -> list[CodeBlock]:
        """What pytest-codeblocks reads; where it gives up, `pair` finds out why."""
        text = "\n".join(self.lines) + "\n"
        lines = _CountedLines(text)
        try:
            return extract_from_buffer(lines, 10**9)
        except RuntimeError as error:
            if lines.count <= len(self.lines):
                raise self.fail(lines.count - 1, str(error)) from error
            longest = max(map(len, re.findall("`+", text)))
            return extract_from_buffer(io.StringIO(text + "`" * longest), 10**9)

    def pair(self, extracted: list[CodeBlock]) -> None:
        """Refuse any difference between what the site shows and what would run."""
        read = []
        for block in extracted:
            read.append((block.lineno - 1, block.code))
            if block.expected_output is not None:
                read.append((None, block.expected_output))
        for fence, (start, text) in zip(self.found, read, strict=False):
            same = text.split() == fence.source.split()
            if not same or start not in (None, fence.start):
                raise self.fail(
                    fence.start,
                    "the site shows this fence, but pytest-codeblocks reads "
                    f"{text.strip()[:60]!r} here: is it closed?",
                )
        if len(read) != len(self.found):
            where = (self.found[len(read) :] or self.found[-1:])[0].start
            raise self.fail(where, "a fence that pytest-codeblocks does not read")

    def blocks(self, marks: list[Directive]) -> list[Block]:
        """The blocks, each with its marks, its output and its figures."""
        blocks = {f.start: self.block(f) for f in self.found if f.language in RUN}
        self.starts = {fence.start: fence for fence in self.found}
        # the block that a line ends: at its own fence, later at its output's
        self.ends = {f.end: blocks[f.start] for f in self.found if f.start in blocks}
        marked = {mark.line for mark in marks if mark.name != "output"}
        for mark in marks:
            if mark.name == "output":
                self.place_output(mark)
            elif block := blocks.get(self.next(mark.line, skip=marked)):
                setattr(block, mark.name, mark.value)
            else:
                raise self.fail(mark.line, f"{mark.name}: expected a block right below")
        self.check_outputs()
        self.place_figures()
        for block in blocks.values():
            if block.skip and block.output:
                message = "a skipped block cannot show an output"
                raise PageError(self.path, block.line, message)
            if block.timed and not block.figures:
                message = "timed(figure): expected a figure below the block"
                raise PageError(self.path, block.line, message)
        return list(blocks.values())

    def block(self, fence: Fence) -> Block:
        code = fence.source + "\n"
        if fence.language == "python" and not code.isascii():
            self.check_names(fence)
        return Block(
            code=code,
            language=fence.language,
            places=self.places[fence.start : fence.end],
            end=self.places[fence.end].line,
            indent=fence.indent,
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

    def next(
        self, index: int, step: int = 1, skip: frozenset | set = frozenset()
    ) -> int:
        """The nearest line below (above, with step -1) that is not blank."""
        index += step
        while 0 <= index < len(self.lines) and (
            not self.lines[index].strip() or index in skip
        ):
            index += step
        return index

    def place_output(self, mark: Directive) -> None:
        above, below = self.next(mark.line, -1), self.next(mark.line)
        if above not in self.ends:
            raise self.fail(mark.line, "expected the block that prints it above")
        fence = self.starts.get(below)
        if fence is None or fence.language != "text":
            raise self.fail(mark.line, "expected a ```text fence right below")
        block = self.ends.pop(above)
        if block.output:
            raise self.fail(
                mark.line, f"a second output of the block {block.places[0]}"
            )
        block.output = Output(
            fence.source + "\n" * bool(fence.source),
            first=self.places[fence.start + 1].line,
            last=self.places[fence.end - 1].line,
        )
        self.ends[fence.end] = block

    def check_outputs(self) -> None:
        """Refuse a text fence that is no block's output."""
        for fence in self.found:
            if fence.language == "text" and fence.end not in self.ends:
                raise self.fail(
                    fence.start,
                    "a text fence is what a block prints: expected a block and "
                    "<!--pytest-codeblocks:expected-output--> right above it",
                )

    def place_figures(self) -> None:
        """Give each image of a figure to the block that it follows."""
        claimed = set()
        for end, block in self.ends.items():
            index = self.next(end)
            while index < len(self.lines) and (figure := self.figure(index)):
                block.figures.append(figure)
                claimed.add(index)
                index = self.next(index)
        for index, words in enumerate(self.words):
            for link in SVG.findall(words):
                if index not in claimed and self.reader.figure_path(self.path, link):
                    raise self.fail(index, f"{link}: expected right after its block")

    def figure(self, index: int) -> Figure | None:
        image = IMAGE.fullmatch(self.prose[index])
        light = image and self.reader.figure_path(self.path, image["link"])
        if not light:
            return None
        if not image["alt"].strip():
            raise self.fail(index, "expected a text that says what is to be seen")
        return Figure(light, self.places[index].line)


class _CountedLines(io.StringIO):
    """A buffer that knows how many lines have been asked of it."""

    count = 0

    def readline(self, *size: int) -> str:
        self.count += 1
        return super().readline(*size)
