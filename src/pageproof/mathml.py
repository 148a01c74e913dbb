"""Mathematics at build time: the TeX in a rendered page becomes MathML.

Works on the HTML that `pymdownx.arithmatex` (generic) leaves; needs no MkDocs.
"""

import html
import re
from unicodedata import decomposition

from math_core import LatexError, LatexToMathML

TEX = re.compile(
    r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>(?P<after>[.,;:!?)]*)',
    re.DOTALL,
)
HEADING = re.compile(r"<h[1-6][^>]*>.*</h[1-6]>")
# A prime stands high in the font already: raised again, it would float and be small.
PRIME = re.compile(r"<msup>(<mi>\w</mi>)<mo>([\u2032-\u2034\u2057])</mo></msup>")
STYLE = re.compile(r' style="([^"]*)"')
TOKEN = re.compile(r"<m(?:i|n|o|text)\b[^>]*>([^<]*)<")
LONG = 20  # characters of an inline formula that a phone may be too narrow for
# What math-core writes as inline style, and the class that says the same. A policy
# that forbids inline styles can then hold for the whole site.
CLASSES = {
    "text-align: left": "m-left",
    "text-align: right": "m-right",
    "justify-items: start": "",
    "justify-items: end": "",
    "padding-left: 0": "m-pl0",
    "padding-left:1em": "m-pl1",
    "padding-right: 0": "m-pr0",
    "padding-left:0.1667em": "m-pl3",
    "padding-right:0.1667em": "m-pr3",
    "padding-left:0.2222em": "m-pl4",
    "padding-right:0.2222em": "m-pr4",
    "padding-left:0.2778em": "m-pl5",
    "padding-right:0.2778em": "m-pr5",
    "border-top: 0.05em solid currentcolor": "m-bt",
    "border-right: 0.05em solid currentcolor": "m-br",
    "margin-left:-0.16666667em": "m-back",
}

ITALIC = {
    chr(int(decomposition(chr(code)).split()[1], 16)): chr(code)
    for code in (*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))
    if code != 0x1D455  # the place of the italic h, which Unicode has elsewhere
} | {"h": "\N{PLANCK CONSTANT}"}


class MathError(ValueError):
    """A formula that cannot be shown: `tex` is the formula as the page has it."""

    def __init__(self, tex: str, reason: str) -> None:
        super().__init__(f"{reason} In the formula: {tex}")
        self.tex = tex


def render_math(page: str) -> str:
    """Return the HTML of a page with each formula as MathML; MathError names a bad one.

    A display formula stands in a box of its own, which may scroll sideways; so may a
    long one in the text, since a formula is never broken into lines.
    """
    convert = LatexToMathML(fancy_error=False)
    for heading in HEADING.findall(page):
        if tex := TEX.search(heading):
            raise MathError(html.unescape(tex[2]), "A heading is no place for TeX.")

    def one(match: re.Match[str]) -> str:
        tex, display = html.unescape(match[2]).strip(), match[1] == "div"
        math = mathml(convert, tex, display)
        if display:
            return f'<div class="pp-math pp-scroll">{math}</div>{match["after"]}'
        long = sum(map(len, TOKEN.findall(math))) > LONG
        if long:
            return f'<span class="pp-inline pp-scroll">{math}</span>{match["after"]}'
        if match["after"]:  # a full stop does not begin a line
            return f'<span class="pp-nowrap">{math}{match["after"]}</span>'
        return math

    return TEX.sub(one, page)


def mathml(convert: LatexToMathML, tex: str, display: bool) -> str:
    """Return one formula as MathML without inline styles, kept out of the search."""
    try:
        math = convert.convert_with_local_state(tex, displaystyle=display)
    except LatexError as error:
        raise MathError(tex, f"{error}") from error
    math = STYLE.sub(lambda style: f' class="{_classes(tex, style[1])}"', math)
    math = PRIME.sub(r'<mrow>\1<mo lspace="0" rspace="0">\2</mo></mrow>', math)
    return math.replace("<math", "<math data-search-exclude", 1)


def _classes(tex: str, style: str) -> str:
    found = [part.strip() for part in style.split(";") if part.strip()]
    if unknown := [part for part in found if part not in CLASSES]:
        raise MathError(tex, f"No class stands for the style {'; '.join(unknown)}.")
    return " ".join(filter(None, (CLASSES[part] for part in found)))


def symbols(page: str) -> set[str]:
    """Return the characters that the formulas of a rendered page show.

    A lone letter counts twice: a browser draws the italic one, and asks for its font by
    the letter that is written.
    """
    maths = re.findall(r"<math\b.*?</math>", page, re.DOTALL)
    shown = {html.unescape(text) for math in maths for text in TOKEN.findall(math)}
    return set().union(*shown, *({ITALIC[text]} for text in shown if text in ITALIC))
