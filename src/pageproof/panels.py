"""What Markdown cannot say of a page: cells, outputs that belong to them, figures.

Functions from HTML to HTML; they need no MkDocs. They read what Python-Markdown with
pymdownx.superfences and `pygments_lang_class: true` writes.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType

FENCE = r'<div class="(?:language-\w+ )?highlight">.*?</div>'
COMMENT = r"<!--.*?-->"
OUTPUT = r"<!--pytest-codeblocks:expected-output-->"
CODE = r'<div class="language-(?:python|sh|bash) highlight">.*?</div>'
CELL = re.compile(
    rf"(?P<marks>(?:{COMMENT}\s*)*)(?P<code>{CODE})"
    rf'(?:\s*{OUTPUT}\s*<div class="language-text highlight">(?P<output>.*?)</div>)?',
    re.DOTALL,
)
PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
SPLIT = re.compile(rf"({FENCE}|{COMMENT})", re.DOTALL)
IMAGE = re.compile(r"<p>\s*(<img [^>]*>)\s*</p>|(<img [^>]*>)")
ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
TABLE = re.compile(r"<table>(.*?</table>)", re.DOTALL)
ALIGN = re.compile(r' style="text-align: (left|right|center);"')
# What has no colour of its own: names, operators, punctuation and spaces, most of what
# Pygments marks.
BARE = re.compile(r'<span class="[nopw]">([^<]*)</span>')
LABELS = {
    "output": "Output",
    "raises": "Raises",
    "warns": "Output and warning",
    "copy": "Copy",
    "bring": "Copy with what it needs (#)",
    "none": "nothing more",
    "some": "blocks above: #",
}


@dataclass(frozen=True)
class Drawing:
    """A figure's dark twin, as a link, and the size of both in CSS pixels."""

    dark: str
    width: int
    height: int


def panels(
    page: str,
    labels: Mapping[str, str] = LABELS,
    anchors: Mapping[int, Sequence[str]] = MappingProxyType({}),
    needs: Sequence[Sequence[int] | None] = (),
    ran: Sequence[str] = (),
) -> str:
    """Return a page whose cells show code and output as one thing, without comments.

    `anchors` are what links to a cell may be called, by the cell's place on the page;
    `needs` says, in the same order, which cells a copy of it must bring along, None if
    it is not to be copied so; `ran` says, again in order, where a cell was run.
    """
    page = PARAGRAPH.sub(_apart, page)
    place = count()

    def one(match: re.Match[str]) -> str:
        here = next(place)
        names = anchors.get(here, ())
        marks = "".join(f'<span id="{name}"></span>' for name in names)
        brings = needs[here] if here < len(needs) else None
        run = ran[here] if here < len(ran) else ""
        return marks + _cell(match, labels, brings, run)

    page = BARE.sub(r"\1", CELL.sub(one, page))
    return re.sub(rf"{COMMENT}\n?", "", page, flags=re.DOTALL)


def _apart(match: re.Match[str]) -> str:
    """Take fences and comments out of a paragraph: neither may stand in one."""
    parts = SPLIT.split(match[1])
    if len(parts) == 1:
        return match[0]
    text = {i: f"<p>{part.strip()}</p>" for i, part in enumerate(parts) if part.strip()}
    text |= {i: part for i, part in enumerate(parts) if i % 2}
    return "\n".join(text[i] for i in sorted(text))


def _cell(
    match: re.Match[str],
    labels: Mapping[str, str],
    brings: Sequence[int] | None,
    ran: str,
) -> str:
    below = f'<p class="pp-ran" data-search-exclude>{html.escape(ran)}</p>' * bool(ran)
    code, output = _buttons(labels, brings) + match["code"], match["output"]
    data = "" if brings is None else f' data-needs="{" ".join(map(str, brings))}"'
    if output is None:
        return f'<div class="pp-cell"{data}>{code}{below}</div>'
    kind = next(
        (k for k in ("raises", "warns") if f".{k}(" in match["marks"]), "output"
    )
    label = html.escape(labels[kind])
    return (
        f'<div class="pp-cell pp-cell--shown"{data}>{code}'
        f'<div class="pp-output pp-output--{kind}" role="group"'
        f' aria-label="{label}"><div class="pp-output__label" aria-hidden="true"'
        f" data-search-exclude>{label}</div>{output}</div>{below}</div>"
    )


def _buttons(labels: Mapping[str, str], brings: Sequence[int] | None) -> str:
    """The buttons of a cell: what they copy is found when they are used (copy.js)."""
    titles = {"copy": labels["copy"]}
    if brings is not None:
        some = labels["some"] if brings else labels["none"]
        some = some.replace("#", str(len(brings)))
        titles["bring"] = labels["bring"].replace("#", some)
    buttons = "".join(
        f'<button class="md-code__button pp-{name}" type="button"'
        f' title="{html.escape(title)}" data-clipboard-text=""></button>'
        for name, title in titles.items()
    )
    return f'<div class="md-code__nav">{buttons}</div>'


def has_code(page: str) -> bool:
    """Return whether a rendered page shows a block that the tests run."""
    return re.search(CODE, page, re.DOTALL) is not None


def figures(page: str, find: Callable[[str], Drawing | None]) -> str:
    """Return a page that shows each figure in the reader's colour scheme.

    `find` says for an image's link what its dark twin is, None if it needs none.
    """

    def one(match: re.Match[str]) -> str:
        image = match[1] or match[2]
        attributes = {key: html.unescape(v) for key, v in ATTRIBUTE.findall(image)}
        if (drawing := find(attributes.get("src", ""))) is None:
            return match[0]
        both = _both(attributes, drawing)
        return f'<div class="pp-figure">{both}</div>' if match[1] else both

    return IMAGE.sub(one, page)


def _both(attributes: dict[str, str], drawing: Drawing) -> str:
    """Both are lazy, the first figure's too: a browser then fetches the shown one."""
    alt = html.escape(attributes.get("alt", ""))
    box = f'width="{drawing.width}" height="{drawing.height}"'
    return "".join(
        f'<img class="pp-{scheme}" src="{html.escape(src)}" alt="{alt}" {box}'
        ' loading="lazy" decoding="async">'
        for scheme, src in (("light", attributes["src"]), ("dark", drawing.dark))
    )


def size(svg: str) -> tuple[int, int]:
    """Return the width and height of an SVG in CSS pixels; or ValueError."""
    head = re.search(r"<svg\b[^>]*>", svg)
    found = dict(ATTRIBUTE.findall(head[0])) if head else {}
    width, height = (_pixels(found.get(side, "")) for side in ("width", "height"))
    return width, height


def _pixels(length: str) -> int:
    match = re.fullmatch(r"([\d.]+)(pt|px|)", length)
    if match is None:
        raise ValueError(f"expected an SVG sized in pt or px, got {length!r}")
    return round(float(match[1]) * (4 / 3 if match[2] == "pt" else 1))


def tables(page: str) -> str:
    """Return a page whose tables scroll inside themselves, also without scripts."""

    def one(match: re.Match[str]) -> str:
        table = ALIGN.sub(r' class="pp-\1"', match[1])
        return f'<div class="pp-scroll"><table class="pp-table">{table}</div>'

    return TABLE.sub(one, page)
