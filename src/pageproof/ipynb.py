"""A page as a Jupyter notebook: its prose, its blocks, and their recorded outputs."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from pageproof import prose
from pageproof.page import Block, Page
from pageproof.parts import Cell, Close, Open, Part, Prose, parts

MAGIC = {"sh": "%%sh -eu\n", "bash": "%%bash -euo pipefail\n"}
WARNING = re.compile(r"^\w*Warning: ", re.MULTILINE)
ERROR = r"^(?:[\w.]+\.)?(?:%s|\w*(?:Error|Exception|Exit|Interrupt|Iteration))(?::|$)"
PYTHON = {"display_name": "Python 3", "language": "python", "name": "python3"}
INSTALL = """\
try:
    import {package}
except ModuleNotFoundError:
    %pip install -q "git+{repository}"
"""
REFUSE = """\
try:
    import {package}
except ModuleNotFoundError as error:
    message = {missing!r}
    raise ModuleNotFoundError(message) from error
"""
LABELS = {
    "page": "A page of [{site}]({address}), as a notebook.",
    "notes": "Notes",
    "setup": "The code below imports `{package}`, the code of this site's pages.",
    "missing": "this page imports {package}: install it from a clone of the site's "
    "repository, with pip install -e .",
    "requires": "This block needs a CUDA device.",
    "llms": "Each link leads to a page as Markdown. The blocks of a page share one "
    "namespace, from top to bottom. The `text` fence below a block is what the block "
    "printed when the tests ran it.",
}


@dataclass(frozen=True)
class Site:
    """What an export must know of the site that its page belongs to."""

    name: str
    address: str  # with a slash at its end
    repository: str = ""
    package: str = ""  # what pages may import, besides what is installed
    labels: dict[str, str] = field(default_factory=lambda: LABELS)


@dataclass(frozen=True)
class Recorded:
    """What a page shows of a block's run, apart."""

    printed: str = ""
    warned: str = ""
    error: str = ""


def recorded(block: Block, page: Page) -> Recorded:
    """Return what a block prints, warns and raises, as its page shows it."""
    text = block.output.text if block.output else ""
    warned = error = ""
    if block.raises:
        name = re.escape(block.raises.rpartition(".")[2])
        text, error = _cut(text, re.compile(ERROR % name, re.M), block, page)
    if block.warns:
        text, warned = _cut(text, WARNING, block, page)
    return Recorded(text, warned, error)


def _cut(
    text: str, start: re.Pattern[str], block: Block, page: Page
) -> tuple[str, str]:
    if (match := start.search(text)) is None:
        wanted = f"{block.raises or block.warns}: and its message"
        raise page.error(block.line, f"expected a line {wanted!r} in the output")
    return text[: match.start()], text[match.start() :]


def notebook(page: Page, uri: str, site: Site) -> str | None:
    """Return a page as the text of an .ipynb file, None if it has no blocks."""
    if not page.blocks:
        return None
    cells = ",\n".join(map(_json, _named(_Cells(page, uri, site).cells())))
    about = {"kernelspec": PYTHON, "language_info": {"name": "python"}}
    version = '"nbformat": 4,\n"nbformat_minor": 5'
    return f'{{"cells": [\n{cells}\n],\n"metadata": {_json(about)},\n{version}}}\n'


class _Cells:
    """The cells of a notebook in the making; each knows its section by an anchor."""

    def __init__(self, page: Page, uri: str, site: Site) -> None:
        self.page, self.uri, self.site = page, uri, site
        self.notes = prose.notes(page.text)
        self.numbers = {key: number for number, key in enumerate(self.notes, 1)}
        self.anchor = "cell"

    def cells(self) -> Iterator[tuple[str, dict]]:
        """Give each cell with the anchor of its section."""
        first = True
        groups = groupby(parts(self.page), lambda part: isinstance(part, Cell))
        depth: list[Open] = []
        for is_code, group in groups:
            if not is_code:
                text = self.markdown(list(group), depth)
                text = self.attributed(text) if first else text
                if text:
                    yield self.anchor, _markdown(text)
                first = False
                continue
            for cell in group:
                if setup := self.setup(cell.block):
                    yield "setup", setup
                yield self.anchor, self.code(cell)
        if self.notes:
            listed = (f"{i}. {self.text(said)}" for said, i in self.numbered_notes())
            title = f"## {self.site.labels['notes']}"
            yield "notes", _markdown("\n".join([title, "", *listed]))

    def numbered_notes(self) -> list[tuple[str, int]]:
        return [(self.notes[key], number) for key, number in self.numbers.items()]

    def markdown(self, group: Sequence[Part], boxes: list[Open]) -> str:
        """Return the prose between two cells; what is in a box is a quotation."""
        said = []
        for part in group:
            if isinstance(part, Open):
                boxes.append(part)
                said.append((f"**{part.title}**", tuple(boxes)))
            elif isinstance(part, Close):
                boxes.pop()
            elif isinstance(part, Prose):
                said.append((part.text, tuple(boxes)))
        done = []
        for inside, texts in groupby(said, lambda pair: [id(box) for box in pair[1]]):
            text = self.text("\n\n".join(text for text, _ in texts))
            text = text if done else prose.outdented(text)
            for _ in inside:
                text = prose.quoted(text)
            done.append(text)
        return "\n\n".join(text for text in done if text.strip("> \n"))

    def text(self, text: str) -> str:
        """Return the Markdown of a page as Jupyter renders it."""
        for heading in prose.HEADING.finditer(text):
            self.anchor = heading["anchor"]
        text = prose.without_attributes(text, anchors=True)
        text = prose.numbered(text, self.numbers)
        return prose.linked(text, self.link).strip("\n")

    def link(self, link: str) -> str:
        return prose.absolute(link, self.uri, self.site.address, prose.address)

    def attributed(self, text: str) -> str:
        """Say below the title which page this is."""
        label = self.site.labels["page"]
        said = label.format(site=self.site.name, address=self.link(""))
        title, _, rest = text.partition("\n")
        return f"{title}\n\n*{said}*\n{rest}"

    def setup(self, block: Block) -> dict | None:
        """Return the cell that installs the site's code, once and if it is used."""
        package = self.site.package
        if not package or block is not self.page.blocks[0]:
            return None
        code = "\n".join(block.code for block in self.page.blocks)
        if not re.search(rf"(?<![\w.-]){package}(?![\w-])", code):
            return None
        missing = self.site.labels["missing"].format(package=package)
        source = (INSTALL if self.site.repository else REFUSE).format(
            package=package, repository=self.site.repository, missing=missing
        )
        said = self.site.labels["setup"].format(package=package)
        return _code(f"# {said}\n{source}".replace("`", ""), [], {})

    def code(self, cell: Cell) -> dict:
        block = cell.block
        source = MAGIC.get(block.language, "") + _quiet(block)
        if block.requires or block.skip:
            reason = block.skip or self.site.labels["requires"]
            # the second tag lets Jupyter go on where a reader runs all cells
            tags = ["skip-execution", "raises-exception"]
            return _code(source, [], {"tags": tags, "skip": reason})
        tags = {"tags": ["raises-exception"]} if block.raises else {}
        return _code(source, list(self.outputs(cell)), tags)

    def outputs(self, cell: Cell) -> Iterator[dict]:
        said = recorded(cell.block, self.page)
        for name, text in (("stdout", said.printed), ("stderr", said.warned)):
            if text:
                yield {"output_type": "stream", "name": name, "text": text}
        for figure, (alt, _) in zip(cell.block.figures, cell.images, strict=True):
            if not figure.light.is_file():
                raise self.page.error(figure.line, f"no figure {figure.light.name}")
            svg = figure.light.read_text("utf-8")
            yield {
                "output_type": "display_data",
                "data": {
                    "image/svg+xml": svg[svg.index("<svg") :],
                    "text/plain": alt,
                },
                "metadata": {"image/svg+xml": {"isolated": True}},
            }
        if said.error:
            name, _, message = said.error.strip().partition(":")
            yield {
                "output_type": "error",
                "ename": name.rpartition(".")[2],
                "evalue": message.strip(),
                "traceback": said.error.strip().split("\n"),
            }


def _quiet(block: Block) -> str:
    """Return a block's code; one that draws shows no more than its figure.

    Jupyter shows the value of a last expression, a legend say, unless a `;` follows.
    """
    code = block.code
    if block.language != "python" or not block.figures:
        return code
    last = ast.parse(code).body[-1]
    if not isinstance(last, ast.Expr):
        return code
    lines = code.split("\n")
    line = lines[last.end_lineno - 1].encode()
    at = last.end_col_offset
    lines[last.end_lineno - 1] = (line[:at] + b";" + line[at:]).decode()
    return "\n".join(lines)


def _json(value: object) -> str:
    """Return JSON on one line, so that a cell is a line of its notebook."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _markdown(text: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": text.strip()}


def _code(source: str, outputs: list[dict], metadata: dict) -> dict:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": outputs,
        "source": source.strip("\n"),
    }


def _named(cells: Iterator[tuple[str, dict]]) -> Iterator[dict]:
    """Give cells ids that stay when another section changes."""
    seen: dict[str, int] = {}
    for anchor, cell in cells:
        seen[anchor] = seen.get(anchor, 0) + 1
        yield cell | {"id": f"{anchor[:50]}-{seen[anchor]}"}
