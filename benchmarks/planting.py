"""Plants faults in the pages of a site, one at a time: a kind of fault is a function.

A kind gets a page, one of its blocks and a generator of random choices, and returns the
fault that it plants there, or None if it finds no place for it. Nothing is written.
"""

import ast
import io
import json
import keyword
import re
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random

from pageproof.page import Block, Page
from pageproof.reading import Reader

MARKER = "<!--pytest-codeblocks:expected-output-->"
INCLUDE = re.compile(r'( *)--8<-- "([^":]+):(\w+)"')
NUMBER = re.compile(r"(?<![\w.])-?\d+\.?\d*")
OPERATORS = {
    **{"+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "**": "*", "@": "*"},
    **{"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="},
    **{"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "and": "or", "or": "and"},
}
LABELS = ("py", "Python", "python3", "pycon", "ipython", "pythn")
ATTRIBUTES = ("{.python}", 'python title="t"', 'python hl_lines="1"', " python")
SKIPS = (
    '<!--pytest.mark.skp(reason="slow")-->',
    '<!--pytest.marks.skip(reason="slow")-->',
    '<!-- pytest.mark.skip(reason="slow") -->',
    '<!--pytest.mark.skip(reson="slow")-->',
    "<!--pytest.mark.skip-->",
    "<!--pytest-codeblocks:skip-->",
    "<!--pytest-codeblocks:importorskip(troch)-->",
    "<!--pytest.mark.skipif(True, reason='slow')-->",
)
# Pages that take less than two seconds of a processor: where a fault is found only
# when the page is run, they come first.
QUICK = (
    *(
        "index",
        "autograd",
        "backward_on_vectors",
        "custom_gradients",
        "autograd_errors",
    ),
    *("datasets_samplers", "dataloader", "modules", "conditioning", "rank_deficiency"),
    *("concise", "gaussian_mle", "probability", "averaging_losses", "irls", "backprop"),
    *("house_table", "house_lab"),
)
OTHERS = ("KeyError", "OSError", "ArithmeticError")


@dataclass(frozen=True)
class Fault:
    """A fault: what the changed files hold, and where a message must say that it is.

    Of the changed files, named from the root, None is one that is gone. `lines` are
    those of the page with the fault in it. What only changes code `may_not_matter`: it
    is a fault if the code does something else than before.
    """

    kind: str
    page: str
    lines: Sequence[int]
    files: dict[str, bytes | None]
    may_not_matter: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how to plant one, and how many of them to plant."""

    plant: Callable[["Sheet", Block, Random], Fault | None]
    count: int
    read: bool  # it is found when the page is read: any page will do
    labs: bool  # it is planted in labs, and not in pages

    @property
    def name(self) -> str:
        return self.plant.__name__


KINDS: dict[str, Kind] = {}


def kind(count: int = 6, read: bool = False, labs: bool = False) -> Callable:
    def add(plant: Callable) -> Callable:
        KINDS[plant.__name__] = Kind(plant, count, read, labs)
        return plant

    return add


class Sheet:
    """A page that holds, and what it is made of."""

    def __init__(self, root: Path, page: Page) -> None:
        self.root, self.page = root, page
        self.name = page.path.relative_to(root).as_posix()
        self.lines = page.source.decode().split("\n")

    def __getitem__(self, line: int) -> str:
        return self.lines[line - 1]

    def code(self, block: Block) -> list[str]:
        """The lines of a block as the page has them, less their indent."""
        lines = self.lines[block.line : block.end - 1]
        return [line.removeprefix(block.indent) for line in lines]

    def extent(self, block: Block) -> tuple[int, int]:
        """The first and last line of what belongs to a block: marks to figures."""
        first, last = block.line, block.end
        while self[first - 1].startswith(f"{block.indent}<!--pytest.mark"):
            first -= 1
        if block.output:
            last = block.output.last + 1
        return first, max([last, *(figure.line for figure in block.figures)])

    def marker(self, block: Block) -> int:
        """The line of the marker of a block's output."""
        return next(
            i for i in range(block.end, block.output.first) if MARKER in self[i]
        )

    def mark(self, block: Block, name: str) -> int:
        """The line of one of a block's marks."""
        lines = range(self.extent(block)[0], block.line)
        return next(line for line in lines if f"pytest.mark.{name}" in self[line])

    def edited(self, first: int, last: int, *new: str) -> bytes:
        """The page with other lines in place of some; none if last is first - 1."""
        return "\n".join(self.edit(first, last, *new)).encode()

    def edit(self, first: int, last: int, *new: str) -> list[str]:
        return [*self.lines[: first - 1], *new, *self.lines[last:]]

    def at(self, first: int, last: int, *new: str) -> Fault:
        """A fault that a message must name by one of the new lines."""
        lines = range(first, first + max(len(new), 1))
        return self.fault(lines, {self.name: self.edited(first, last, *new)})

    def near(self, block: Block, first: int, last: int, *new: str) -> Fault:
        """A fault that a message may name by any line of what belongs to a block."""
        start, end = self.extent(block)
        shift = len(new) - (last - first + 1)
        lines = range(min(start, first), max(end, last) + shift + 1)
        return self.fault(lines, {self.name: self.edited(first, last, *new)})

    def elsewhere(
        self, lines: Sequence[int], path: str, text: str | bytes | None
    ) -> Fault:
        """A fault in another file, that a message must name by these lines."""
        data = text.encode() if isinstance(text, str) else text
        return self.fault(lines, {path: data})

    def fault(self, lines: Sequence[int], files: dict[str, bytes | None]) -> Fault:
        return Fault("", self.name, lines, files)

    def read(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")

    def path(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()

    def includes(self, block: Block) -> list[tuple[int, str, str]]:
        """The includes of a block: line of the page, file, region."""
        lines = range(block.line + 1, block.end)
        found = [(i, INCLUDE.fullmatch(self[i])) for i in lines]
        return [(i, m[2], m[3]) for i, m in found if m]


def sheets(root: Path, names: list[str]) -> list[Sheet]:
    """Return the pages and labs of these names, read from a checkout that holds."""
    reader = Reader(root / "mkdocs.yml")
    return [Sheet(root, reader.read(root / name)) for name in names]


def candidates(kind: Kind, pages: list[Sheet], seed: int) -> Iterator[Fault]:
    """Yield faults of a kind, on one page after the other, the quick ones first."""
    random = Random(f"{seed} {kind.name}")
    pages = [page for page in pages if page.name.endswith(".py") == kind.labs]
    random.shuffle(pages)
    quick = [page for page in pages if kind.read or page.page.path.stem in QUICK]
    slow = [page for page in pages if page not in quick]
    yield from _candidates(kind, quick, random)
    yield from _candidates(kind, slow, random)


def _candidates(kind: Kind, pages: list[Sheet], random: Random) -> Iterator[Fault]:
    left = {page.name: random.sample(b := page.page.blocks, len(b)) for page in pages}
    seen = set()
    while any(left.values()):
        for page in pages:
            blocks = left[page.name]
            while blocks:
                block = blocks.pop()
                if block.requires or block.language != "python":
                    continue
                fault = kind.plant(page, block, random)
                if fault and (key := repr((page.name, fault.files))) not in seen:
                    seen.add(key)
                    yield replace(fault, kind=kind.name)
                    break


# What blocks print


@kind(20)
def wrong_digit(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A digit of an output is another one."""
    return _other_line(page, block, random, r"\d", _other_digit)


@kind()
def wrong_word(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A letter of an output is another one."""
    return _other_line(page, block, random, "[a-y]", lambda old: chr(ord(old) + 1))


@kind()
def look_alike_in_output(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A letter or sign of an output is one beyond ASCII that looks the same."""
    twins = {"a": "\u0430", "e": "\u0435", "o": "\u043e", "-": "\u2212", " ": "\xa0"}
    return _other_line(page, block, random, "[aeo -]", twins.get)


@kind()
def lost_line(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A line of an output is not there."""
    if not block.output or block.output.first == block.output.last:
        return None
    line = random.randint(block.output.first, block.output.last)
    return page.near(block, line, line)


@kind()
def line_twice(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A line of an output stands there twice."""
    if not block.output:
        return None
    line = random.randint(block.output.first, block.output.last)
    return page.near(block, line, line, page[line], page[line])


@kind()
def swapped_lines(page: Sheet, block: Block, random: Random) -> Fault | None:
    """Two lines of an output stand in the wrong order."""
    if not block.output:
        return None
    lines = range(block.output.first, block.output.last)
    if not (unlike := [i for i in lines if page[i] != page[i + 1]]):
        return None
    line = random.choice(unlike)
    return page.at(line, line + 1, page[line + 1], page[line])


@kind()
def trailing_space(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A line of an output ends with a space that was not printed."""
    if not block.output:
        return None
    line = random.randint(block.output.first, block.output.last)
    return page.at(line, line, f"{page[line]} ")


@kind()
def swapped_outputs(page: Sheet, block: Block, random: Random) -> Fault | None:
    """Two blocks show each other's output."""
    below = _following(page, block)
    if not block.output or not below or not below.output:
        return None
    a, b = block.output, below.output
    if a.text == b.text or block.indent != below.indent:
        return None
    first, second = page.lines[a.first - 1 : a.last], page.lines[b.first - 1 : b.last]
    between = page.lines[a.last : b.first - 1]
    fault = page.at(a.first, b.last, *second, *between, *first)
    return replace(fault, lines=range(page.extent(block)[0], page.extent(below)[1] + 1))


@kind()
def lost_output(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block prints, and the page does not show it."""
    if not block.output:
        return None
    return page.near(block, page.marker(block), block.output.last + 1)


@kind(read=True)
def lost_marker(page: Sheet, block: Block, random: Random) -> Fault | None:
    """An output stands there as if nobody had printed it."""
    if not block.output:
        return None
    line = page.marker(block)
    return page.near(block, line, line)


@kind(read=True)
def misspelled_marker(page: Sheet, block: Block, random: Random) -> Fault | None:
    """The marker of an output has a typing error."""
    if not block.output:
        return None
    wrong = (
        MARKER.replace("codeblocks", "codeblock"),
        MARKER.replace("<!--", "<!-- ").replace("-->", " -->"),
        MARKER.replace("expected-output", "expected_output"),
        MARKER.replace("expected", "Expected"),
        MARKER.replace("output", "output-ignore-whitespace"),
    )
    line = page.marker(block)
    return page.at(line, line, page[line].replace(MARKER, random.choice(wrong)))


@kind(read=True)
def displaced_output(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A sentence stands between a block and its output."""
    if not block.output:
        return None
    line = page.marker(block)
    return page.near(block, line, line - 1, f"{block.indent}It prints:", "")


@kind()
def output_of_nothing(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A page shows an output that no block of it has printed."""
    if block.output or block.figures:
        return None
    texts = [MARKER, "```text", "loss: 0.0", "```"]
    new = ["", *(block.indent + text for text in texts)]
    return page.near(block, block.end + 1, block.end, *new)


# Code of the page


@kind(30)
def operator_in_code(page: Sheet, block: Block, random: Random) -> Fault | None:
    """An operator in a block is another one."""
    return _other_token(page, block, random, _other_operator)


@kind(12)
def number_in_code(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A number in a block is another one."""
    return _other_token(page, block, random, _other_number)


@kind(12)
def stale_answer(page: Sheet, block: Block, random: Random) -> Fault | None:
    """The code of a folded answer was changed; its output is the old one."""
    above = page.lines[: block.line]
    box = next((line for line in reversed(above) if re.match(r"[!?]{3}", line)), "")
    if not block.indent or not block.output or "success" not in box:
        return None
    return _other_token(page, block, random, _other_number)


@kind()
def misspelled_name(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A name in a block has a typing error."""

    def other(token: tokenize.TokenInfo) -> str | None:
        known = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
        return f"{token.string}_" if known else None

    return _other_token(page, block, random, other)


@kind()
def wrong_except(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block catches another exception than the one that comes."""
    lines = range(block.line + 1, block.end)
    caught = [i for i in lines if re.match(r" *except \w+", page[i])]
    if not caught:
        return None
    line = random.choice(caught)
    new = re.sub(r"except \w+", f"except {random.choice(OTHERS)}", page[line])
    return replace(page.near(block, line, line, new), may_not_matter=True)


@kind(12)
def dropped_import(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A line that imports is not there."""
    return _without(page, block, random, (ast.Import, ast.ImportFrom))


@kind(12)
def dropped_statement(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A statement of a block is not there."""
    return _without(page, block, random, (ast.Assign, ast.AugAssign, ast.Expr))


@kind()
def swapped_statements(page: Sheet, block: Block, random: Random) -> Fault | None:
    """Two statements of a block stand in the wrong order."""
    lines = _statements(page.code(block), (ast.Assign, ast.AugAssign, ast.Expr))
    pairs = [i for i in lines if i + 1 in lines]
    pairs = [i for i in pairs if _margin(page, block, i) == _margin(page, block, i + 1)]
    if not pairs:
        return None
    line = block.line + random.choice(pairs)
    fault = page.near(block, line, line + 1, page[line + 1], page[line])
    return replace(fault, may_not_matter=True)


@kind()
def dropped_seed(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A generator is not seeded."""
    lines = range(block.line + 1, block.end)
    seeded = [i for i in lines if re.search(r"Generator\(.*\)\.manual_seed", page[i])]
    if not seeded:
        return None
    line = random.choice(seeded)
    new = re.sub(r"\.manual_seed\([^()]*\)", "", page[line], count=1)
    return replace(page.near(block, line, line, new), may_not_matter=True)


@kind()
def late_block(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block stands above the one that makes what it needs."""
    below = _following(page, block)
    if not below or block.indent or below.indent or not _first_made(page, block, below):
        return None
    (a, b), (c, d) = page.extent(block), page.extent(below)
    first, between, second = page.lines[a - 1 : b], page.lines[b : c - 1], page.lines
    second = second[c - 1 : d]
    return page.at(a, d, *second, *between, *first)


@kind()
def early_end(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block leaves Python before it is done."""
    starts = _statements(page.code(block), (ast.Assign, ast.Expr), nested=False)
    if not starts:
        return None
    line = block.line + random.choice(starts)
    return page.at(line, line - 1, f"{block.indent}raise SystemExit")


@kind()
def not_python(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A bracket of a block is missing."""
    lines = range(block.line + 1, block.end)
    found = [i for i in lines if page[i].endswith(")") and page[i].count(")") == 1]
    if not found:
        return None
    line = random.choice(found)
    return page.near(block, line, line, page[line][:-1])


# Code of the library


@kind(30)
def operator_in_src(page: Sheet, block: Block, random: Random) -> Fault | None:
    """An operator in a region that the page shows is another one."""
    return _other_token_in_src(page, block, random, _other_operator)


@kind(12)
def number_in_src(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A number in a region that the page shows is another one."""
    return _other_token_in_src(page, block, random, _other_number)


@kind()
def renamed_function(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A definition in `src` has another name than the page calls it by."""
    if not (includes := page.includes(block)):
        return None
    _, file, region = random.choice(includes)
    text = page.read(file)
    new = re.sub(rf"(?m)^(def|class) {region}\b", rf"\1 {region}_", text)
    if new == text:
        return None
    fault = page.elsewhere(_extent(page, block), file, new)
    return replace(fault, may_not_matter=True)


@kind(12, read=True)
def renamed_region(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A region in `src` has another name than the page includes it by."""
    return _other_region(page, block, random, r"\[(start|end):{}\]", r"[\1:{}_]")


@kind(read=True)
def region_without_end(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A region in `src` has no end."""
    return _other_region(page, block, random, r"# --8<-- \[end:{}\]", "# the end")


@kind(read=True)
def region_without_start(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A region in `src` has no start."""
    return _other_region(page, block, random, r"# --8<-- \[start:{}\]", "# the start")


@kind(read=True)
def region_twice(page: Sheet, block: Block, random: Random) -> Fault | None:
    """Two regions in `src` have one name."""
    again = "x = 1\n# --8<-- [start:{}]\nx = 2\n# --8<-- [end:{}]\n"
    return _other_region(page, block, random, r"\Z", again)


@kind(read=True)
def wrong_include(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A page includes a file or a region that is not there."""
    if not (includes := page.includes(block)):
        return None
    line, file, region = random.choice(includes)
    old = page[line]
    wrong = (
        old.replace(f":{region}", f":{region}s"),
        old.replace(file, file.replace(".py", "s.py")),
        old.replace(f":{region}", ":1:5"),
        old.replace('"', ""),
        f"{old} ",
    )
    return page.at(line, line, random.choice(wrong))


# Figures


@kind(12)
def swapped_figures(page: Sheet, block: Block, random: Random) -> Fault | None:
    """Two recorded figures lie under each other's name."""
    here = [(f, b) for b in page.page.blocks for f in b.figures]
    if not block.figures or len(here) < 2:
        return None
    one = random.choice(block.figures)
    other = random.choice([f for f, _ in here if f is not one])
    lines = (one.line, other.line)
    files = {}
    for a, b in ((one.light, other.light), (one.dark, other.dark)):
        files |= {page.path(a): b.read_bytes(), page.path(b): a.read_bytes()}
    return page.fault(lines, files)


@kind()
def swapped_images(page: Sheet, block: Block, random: Random) -> Fault | None:
    """Two images of a page show each other's figure."""
    lines = [f.line for b in page.page.blocks for f in b.figures]
    if not block.figures or len(lines) < 2:
        return None
    line = block.figures[0].line
    other = random.choice([i for i in lines if i != line])
    link = re.compile(r"\([^()]*\.svg\)")
    found = {i: link.findall(page[i])[-1] for i in (line, other)}
    new = [*page.lines]
    new[line - 1] = page[line].replace(found[line], found[other])
    new[other - 1] = page[other].replace(found[other], found[line])
    text = "\n".join(new)
    return page.elsewhere((line, other), page.name, text)


@kind(12)
def edited_figure(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A point of a recorded curve lies a point of print elsewhere."""
    if not block.figures or block.timed:
        return None

    def moved(point: re.Match) -> str:
        return f"{point[1]}{float(point[2]) + 1:g}"

    return _other_figure(page, block, random, r'( d="[ML] )([\d.]+)', moved)


@kind()
def recoloured_figure(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A colour of a recorded figure is another one."""
    return _other_figure(page, block, random, "#[0-9a-f]{6}", lambda m: "#123456")


@kind()
def relabelled_figure(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A word or number in a recorded figure is another one."""
    return _other_figure(
        page, block, random, r"(<text[^>]*>)([^<]+)", lambda m: f"{m[1]}{m[2]}0"
    )


@kind()
def edited_dark_figure(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A colour of the dark twin of a figure is another one."""
    return _other_figure(
        page, block, random, "#[0-9a-f]{6}", lambda m: "#123456", dark=True
    )


@kind()
def light_for_dark(page: Sheet, block: Block, random: Random) -> Fault | None:
    """The dark twin of a figure is the light one."""
    if not block.figures:
        return None
    figure = random.choice(block.figures)
    lines = range(figure.line, figure.line + 1)
    return page.elsewhere(lines, page.path(figure.dark), figure.light.read_bytes())


@kind()
def lost_figure(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A recorded figure is not there."""
    if not block.figures:
        return None
    figure = random.choice(block.figures)
    lines = range(figure.line, figure.line + 1)
    path = random.choice((figure.light, figure.dark))
    return page.elsewhere(lines, page.path(path), None)


@kind()
def lost_image(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block draws, and the page does not show it."""
    if not block.figures:
        return None
    line = random.choice(block.figures).line
    return page.near(block, line, line)


@kind()
def broken_figure(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A recorded figure is cut off."""
    if not block.figures:
        return None
    figure = random.choice(block.figures)
    lines = range(figure.line, figure.line + 1)
    data = figure.light.read_bytes()
    return page.elsewhere(lines, page.path(figure.light), data[: len(data) // 2])


@kind(read=True)
def unspoken_figure(page: Sheet, block: Block, random: Random) -> Fault | None:
    """An image does not say what is to be seen."""
    if not block.figures:
        return None
    line = random.choice(block.figures).line
    new = re.sub(r"!\[.*\]\(", "![](", page[line])
    return page.at(line, line, new)


# Exceptions and skips


@kind(10)
def wrong_exception(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block is said to raise another exception than it does."""
    if not block.raises:
        return None
    mark = page.mark(block, "raises")
    new = page[mark].replace(block.raises, random.choice(OTHERS))
    return page.near(block, mark, mark, new)


@kind()
def unexpected_exception(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block raises, and the page does not say so."""
    if not block.raises:
        return None
    mark = page.mark(block, "raises")
    return page.near(block, mark, mark)


@kind()
def no_exception(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block is said to raise, and does not."""
    if block.raises:
        return None
    mark = f"{block.indent}<!--pytest.mark.raises(ValueError)-->"
    return page.near(block, block.line, block.line - 1, mark)


@kind()
def wrong_message(page: Sheet, block: Block, random: Random) -> Fault | None:
    """The message of an exception has another word."""
    if not block.raises or not block.output:
        return None
    line = block.output.last
    return page.at(line, line, re.sub(r"\w+(\W*)$", r"nothing\1", page[line]))


@kind(3)
def wrong_warning(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block is said to warn otherwise than it does."""
    if not block.warns:
        return None
    mark = page.mark(block, "warns")
    new = page[mark].replace(block.warns, "ResourceWarning")
    return page.near(block, mark, mark, new)


@kind(16, read=True)
def skip_by_typo(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block is to be skipped, in words that do not say so or do not say why."""
    mark = f"{block.indent}{random.choice(SKIPS)}"
    return page.at(block.line, block.line - 1, mark)


@kind(read=True)
def skipped_with_output(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block is skipped, and shows an output."""
    if not block.output or block.raises:
        return None
    mark = f'{block.indent}<!--pytest.mark.skip(reason="slow")-->'
    return page.near(block, block.line, block.line - 1, mark)


# Fences


@kind(10, read=True)
def other_label(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A fence is labelled otherwise than python."""
    return _other_fence(page, block, random.choice(LABELS))


@kind(10, read=True)
def label_with_attributes(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A fence has attributes, or a blank, at its label."""
    return _other_fence(page, block, random.choice(ATTRIBUTES))


@kind(read=True)
def no_label(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A fence has no label."""
    return _other_fence(page, block, "")


@kind(read=True)
def tildes(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block stands between tildes."""
    lines = page.lines[block.line - 1 : block.end]
    new = [line.replace("```", "~~~") for line in lines]
    return page.near(block, block.line, block.end, *new)


@kind()
def four_backticks(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block between four backticks shows a wrong output."""
    if (wrong := _wrong(page, block, random)) is None:
        return None
    line, lines, first = wrong
    new = [text.replace("```", "````") for text in lines]
    fault = page.at(first, first + len(lines) - 1, *new)
    return replace(fault, lines=range(line, line + 1))


@kind()
def in_a_tab(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block in a tab shows a wrong output."""
    return _wrapped(page, block, random, '=== "PyTorch"')


@kind()
def in_a_list(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block in a list shows a wrong output."""
    return _wrapped(page, block, random, random.choice(("1. First:", "-   First:")))


@kind()
def in_a_box(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block in a box shows a wrong output."""
    return _wrapped(page, block, random, random.choice(("!!! note", '??? note "N"')))


@kind(read=True)
def in_a_quote(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block stands in a quotation."""
    if block.indent:
        return None
    lines = page.lines[block.line - 1 : block.end]
    new = [f"> {line}" for line in lines]
    return page.near(block, block.line, block.end, *new)


@kind(read=True)
def in_a_comment(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block stands in a comment, its output does not."""
    lines = page.lines[block.line - 1 : block.end]
    new = [f"{block.indent}<!--", *lines, f"{block.indent}-->"]
    return page.near(block, block.line, block.end, *new)


@kind(read=True)
def unclosed(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A fence is not closed."""
    return page.near(block, block.end, block.end)


@kind(read=True)
def unopened(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A fence is not opened."""
    return page.near(block, block.line, block.line)


@kind(10)
def moved_fence(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A fence opens a line too late, or closes a line too early."""
    code = page.code(block)
    if len(code) < 3:
        return None
    if block.output and random.random() < 0.5:
        last = page[block.end - 1]
        return page.near(block, block.end - 1, block.end, page[block.end], last)
    first = page[block.line + 1]
    fault = page.near(block, block.line, block.line + 1, first, page[block.line])
    return replace(fault, may_not_matter=True)


@kind(read=True)
def ragged_fence(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A fence closes with another indent than it opens."""
    return page.near(block, block.end, block.end, f" {page[block.end]}")


@kind(read=True)
def stray_ticks(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A line above a block begins with code between three backticks."""
    new = (f"{block.indent}```x``` is a name.", "")
    return page.near(block, *_above(page, block), *new)


@kind(read=True)
def raw_html(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block is written in HTML."""
    code = page.code(block)
    new = ['<pre><code class="language-python">', *code, "</code></pre>"]
    return page.near(block, block.line, block.end, *(block.indent + t for t in new))


@kind(read=True)
def indented_code(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A block is no fence any more, only indented."""
    if block.indent or not (block.output or block.figures):
        return None
    new = [f"    {line}" if line else "" for line in page.code(block)]
    return page.near(block, block.line, block.end, *new)


# The file


@kind(read=True)
def windows_line_ends(page: Sheet, block: Block, random: Random) -> Fault | None:
    """The lines of a page end as on Windows."""
    data = "\r\n".join(page.lines)
    return page.elsewhere(range(1, 2), page.name, data)


@kind(read=True)
def windows_line_end(page: Sheet, block: Block, random: Random) -> Fault | None:
    """One line ends as on Windows."""
    line = random.randint(block.line, block.end)
    return page.at(line, line, f"{page[line]}\r")


@kind(read=True)
def tab(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A line of code is indented by a tab."""
    lines = range(block.line + 1, block.end)
    found = [i for i in lines if page[i].startswith(f"{block.indent}    ")]
    if not found:
        return None
    line = random.choice(found)
    return page.at(line, line, page[line].replace("    ", "\t", 1))


@kind(read=True)
def non_ascii_name(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A letter of a name is one that Python takes for its twin in ASCII."""

    def other(token: tokenize.TokenInfo) -> str | None:
        word = token.string
        if token.type != tokenize.NAME or keyword.iskeyword(word) or word[0] == "_":
            return None
        return chr(ord(word[0]) + 0xFEE0) + word[1:]  # its full-width form

    fault = _other_token(page, block, random, other)
    return fault and replace(fault, may_not_matter=False)


@kind()
def non_ascii_space(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A space in code is one that does not break lines."""
    code = page.code(block)
    spaces = [
        (a.end[0], a.end[1])
        for a, b in pairwise(_tokens(code))
        if a.end[0] == b.start[0] and b.start[1] == a.end[1] + 1
    ]
    if not spaces:
        return None
    row, column = random.choice(spaces)
    line = block.line + row
    column += len(block.indent)
    new = f"{page[line][:column]}\xa0{page[line][column + 1 :]}"
    return page.at(line, line, new)


@kind(read=True)
def byte_order_mark(page: Sheet, block: Block, random: Random) -> Fault | None:
    """The page begins with a byte-order mark."""
    data = b"\xef\xbb\xbf" + page.page.source
    return page.elsewhere(range(1, 2), page.name, data)


@kind(read=True)
def not_utf8(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A comment or sentence holds a letter in an older encoding than UTF-8."""
    line = block.line - 1
    first, _ = page.extent(block)
    line = first - 1
    before, after = page.lines[:line], page.lines[line:]
    data = "\n".join([*before, "caf"]).encode() + b"\xe9\n" + "\n".join(after).encode()
    return page.elsewhere(range(line + 1, line + 2), page.name, data)


# Labs: scripts whose outputs lie in a record


@kind(6, labs=True)
def stale_cell(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A cell of a lab was changed, and its record was not written again."""
    rows = [i for i, line in enumerate(page.code(block), 1) if re.search(r"\d", line)]
    if not rows:
        return None
    line = block.line + random.choice(rows)
    new = re.sub(r"\d", lambda m: _other_digit(m[0]), page[line], count=1)
    return page.near(block, line, line, new)


@kind(6, labs=True)
def stale_source(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A file that a lab imports was changed, and its record was not written again."""
    file = random.choice([name for name in sorted(page.page.lab.files) if "_" in name])
    return page.elsewhere(range(1, 2), file, page.read(file) + "\n# A remark.\n")


@kind(6, labs=True)
def edited_record(page: Sheet, block: Block, random: Random) -> Fault | None:
    """A digit of a lab's recorded output is another one."""
    number = page.page.blocks.index(block)
    record = page.page.lab.record
    data = json.loads(record.read_text("utf-8"))
    output = data["cells"][number]["output"]
    rows = [i for i, line in enumerate(output) if re.search(r"\d", line)]
    if not rows:
        return None
    row = random.choice(rows)
    output[row] = re.sub(r"\d", lambda m: _other_digit(m[0]), output[row], count=1)
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    lines = range(block.line, block.line + 1)
    return page.elsewhere(lines, page.path(record), text)


# What the kinds share


def _other_digit(digit: str) -> str:
    return str((int(digit) + 1) % 10)


def _extent(page: Sheet, block: Block) -> range:
    first, last = page.extent(block)
    return range(first, last + 1)


def _above(page: Sheet, block: Block) -> tuple[int, int]:
    """An empty place right above what belongs to a block."""
    first, _ = page.extent(block)
    return first, first - 1


def _following(page: Sheet, block: Block) -> Block | None:
    blocks = page.page.blocks
    return next((b for b in blocks if b.line > block.line), None)


def _margin(page: Sheet, block: Block, row: int) -> int:
    line = page[block.line + row]
    return len(line) - len(line.lstrip())


def _other_line(
    page: Sheet,
    block: Block,
    random: Random,
    pattern: str,
    other: Callable[[str], str],
) -> Fault | None:
    """Another character in an output."""
    if not block.output:
        return None
    lines = range(block.output.first, block.output.last + 1)
    margin = len(block.indent)
    found = [
        (i, match)
        for i in lines
        for match in re.finditer(pattern, page[i])
        if match.start() >= margin
    ]
    if not found:
        return None
    line, match = random.choice(found)
    start, end = match.span()
    new = page[line][:start] + other(match[0]) + page[line][end:]
    return page.at(line, line, new)


def _tokens(code: list[str]) -> list[tokenize.TokenInfo]:
    text = "\n".join(code) + "\n"
    try:
        tokens = [*tokenize.generate_tokens(io.StringIO(text).readline)]
    except (tokenize.TokenError, SyntaxError):
        return []
    kinds = (tokenize.OP, tokenize.NAME, tokenize.NUMBER)
    return [token for token in tokens if token.type in kinds]


def _changed(
    code: list[str], other: Callable[[tokenize.TokenInfo], str | None], random: Random
) -> tuple[int, str] | None:
    """Another token in code that stays Python: the row, from 0, and its new text."""
    found = [(token, new) for token in _tokens(code) if (new := other(token))]
    random.shuffle(found)
    for token, new in found:
        row, line = token.start[0] - 1, code[token.start[0] - 1]
        line = line[: token.start[1]] + new + line[token.end[1] :]
        if _is_python([*code[:row], line, *code[row + 1 :]]):
            return row, line
    return None


def _is_python(code: list[str]) -> bool:
    try:
        ast.parse("\n".join(code))
    except SyntaxError:
        return False
    return True


def _other_operator(token: tokenize.TokenInfo) -> str | None:
    return OPERATORS.get(token.string)


def _other_number(token: tokenize.TokenInfo) -> str | None:
    if token.type != tokenize.NUMBER:
        return None
    return re.sub(r"[1-9]|0$", lambda m: _other_digit(m[0]), token.string, count=1)


def _other_token(
    page: Sheet,
    block: Block,
    random: Random,
    other: Callable[[tokenize.TokenInfo], str | None],
) -> Fault | None:
    """Another token in the code that the page itself holds."""
    code = page.code(block)
    if page.includes(block) or not (found := _changed(code, other, random)):
        return None
    row, new = found
    line = block.line + 1 + row
    fault = page.near(block, line, line, block.indent + new)
    return replace(fault, may_not_matter=True)


def _other_token_in_src(
    page: Sheet,
    block: Block,
    random: Random,
    other: Callable[[tokenize.TokenInfo], str | None],
) -> Fault | None:
    """Another token in a region that the page shows."""
    if not (includes := page.includes(block)):
        return None
    _, file, region = random.choice(includes)
    lines = page.read(file).split("\n")
    (start,) = (i for i, line in enumerate(lines) if f"[start:{region}]" in line)
    (end,) = (i for i, line in enumerate(lines) if f"[end:{region}]" in line)
    if not (found := _changed(lines[start + 1 : end], other, random)):
        return None
    row, new = found
    lines[start + 1 + row] = new
    fault = page.elsewhere(_extent(page, block), file, "\n".join(lines))
    return replace(fault, may_not_matter=True)


def _other_region(
    page: Sheet, block: Block, random: Random, old: str, new: str
) -> Fault | None:
    """Other markers of a region: the page's include must be named."""
    if not (includes := page.includes(block)):
        return None
    line, file, region = random.choice(includes)
    text = re.sub(old.format(region), new.replace("{}", region), page.read(file))
    return page.elsewhere(range(line, line + 1), file, text)


def _other_figure(
    page: Sheet,
    block: Block,
    random: Random,
    pattern: str,
    other: Callable[[re.Match], str],
    dark: bool = False,
) -> Fault | None:
    """Another recorded figure: the page's image must be named."""
    if not block.figures:
        return None
    figure = random.choice(block.figures)
    path = figure.dark if dark else figure.light
    text = path.read_text("utf-8")
    found = [*re.finditer(pattern, text)]
    if not found:
        return None
    match = random.choice(found)
    new = text[: match.start()] + other(match) + text[match.end() :]
    return page.elsewhere(range(figure.line, figure.line + 1), page.path(path), new)


def _other_fence(page: Sheet, block: Block, label: str) -> Fault:
    return page.at(block.line, block.line, f"{block.indent}```{label}")


def _wrong(
    page: Sheet, block: Block, random: Random
) -> tuple[int, list[str], int] | None:
    """A block and its output with a wrong digit: its line, all lines, the first."""
    if block.indent or not (fault := wrong_digit(page, block, random)):
        return None
    first, last = page.extent(block)
    lines = fault.files[page.name].decode().split("\n")
    return fault.lines[0], lines[first - 1 : last], first


def _wrapped(page: Sheet, block: Block, random: Random, above: str) -> Fault | None:
    """A block with a wrong output below a line that it is indented under."""
    if (wrong := _wrong(page, block, random)) is None:
        return None
    line, lines, first = wrong
    inside = [f"    {text}" if text else "" for text in lines]
    fault = page.at(first, first + len(lines) - 1, above, "", *inside)
    return replace(fault, lines=range(line + 2, line + 3))


def _statements(code: list[str], kinds: tuple, nested: bool = True) -> list[int]:
    """The rows, from 1, on which a statement of one line stands alone."""
    try:
        tree = ast.parse("\n".join(code))
    except SyntaxError:
        return []
    bodies = [getattr(node, "body", None) for node in ast.walk(tree)]
    bodies = [body for body in bodies if isinstance(body, list) and len(body) > 1]
    bodies = bodies if nested else [tree.body]
    return [
        node.lineno
        for body in bodies
        for node in body
        if isinstance(node, kinds) and node.lineno == node.end_lineno
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        if ";" not in code[node.lineno - 1]
    ]


def _without(page: Sheet, block: Block, random: Random, kinds: tuple) -> Fault | None:
    """A block without one of its statements."""
    if page.includes(block) or not (rows := _statements(page.code(block), kinds)):
        return None
    line = block.line + random.choice(rows)
    return replace(page.near(block, line, line), may_not_matter=True)


def _first_made(page: Sheet, block: Block, below: Block) -> bool:
    """Whether a block assigns a name that the next one needs, and none above does."""
    above = [b for b in page.page.blocks if b.line < block.line]
    try:
        made, used, before = (
            ast.parse("".join(b.code for b in some if b.language == "python"))
            for some in ([block], [below], above)
        )
    except SyntaxError:
        return False
    names = _assigned(made.body) - _assigned(before.body)
    loads = [
        node.id
        for statement in used.body
        if isinstance(statement, (ast.Assign, ast.Expr))
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    ]
    return bool(names & set(loads) - _assigned(used.body))


def _assigned(body: list[ast.stmt]) -> set[str]:
    return {
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    } | {node.name for node in body if isinstance(node, ast.FunctionDef)}
