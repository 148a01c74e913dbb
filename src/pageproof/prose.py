"""What the exports do to the Markdown between cells; code and formulas stay.

Functions from text to text; they know neither notebooks nor MkDocs.
"""

import re
from collections.abc import Callable
from posixpath import dirname, join, normpath

from pageproof.parts import INSIDE

HEADING = re.compile(r"^(#{1,6} .*?)[ ]*\{ *#(?P<anchor>[\w-]+)[^}\n]*\}[ ]*$", re.M)
ATTRIBUTES = re.compile(r"[ ]?\{:? *\.[\w-][^}\n]*\}")
TARGET = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
NOTE = re.compile(r"^\[\^([^\]\s]+)\]:[ ]+(.*(?:\n+ {4,}.*)*)\n?", re.M)
CITED = re.compile(r"\[\^([^\]\s]+)\](?!:)")
DISPLAY = re.compile(r"\$\$.+?\$\$", re.DOTALL)
PAGE = re.compile(r"(?:(.*?)/)?(?:index|([^/]*))\.(?:md|py|ipynb)")


def outside(text: str, change: Callable[[str], str]) -> str:
    """Return Markdown with all but its code and its formulas changed.

    `change` sees the whole text, in which a mark stands for each of those.
    """
    kept: list[str] = []

    def put_away(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\0{len(kept) - 1}\1"

    changed = change(INSIDE.sub(put_away, text))
    return re.sub("\0(\\d+)\1", lambda match: kept[int(match[1])], changed)


def address(uri: str) -> str:
    """Return where a source file of the site is found below the site's address."""
    if match := PAGE.fullmatch(uri):
        return "".join(f"{part}/" for part in match.groups() if part)
    return uri


def stem(uri: str) -> str:
    """Return a source file's path without its suffix, of Markdown or of a lab."""
    return uri.rpartition(".")[0]


def absolute(link: str, uri: str, root: str, page: Callable[[str], str]) -> str:
    """Return a link of the page `uri` as it works from anywhere.

    `root` is the site's address; `page` says where under it a page is found.
    """
    if re.match(r"[a-z]+:", link):
        return link
    path, mark, anchor = link.partition("#")
    target = normpath(join(dirname(uri), path)) if path else uri
    return root + page(target) + mark + anchor


def linked(text: str, change: Callable[[str], str]) -> str:
    """Return Markdown with the target of each link changed."""
    return outside(text, lambda rest: TARGET.sub(lambda match: change(match[1]), rest))


def without_attributes(text: str, *, anchors: bool = False) -> str:
    """Return Markdown without classes, and without the headings' anchors if asked."""

    def change(rest: str) -> str:
        rest = HEADING.sub(r"\1", rest) if anchors else rest
        return ATTRIBUTES.sub("", rest)

    return outside(text, change)


def notes(text: str) -> dict[str, str]:
    """Return the footnotes of a page by their keys, in the order of their mention."""
    said = {match[1]: match[2] for match in NOTE.finditer(text)}
    cited = CITED.findall(NOTE.sub("", text)) + CITED.findall(" ".join(said.values()))
    order = dict.fromkeys(key for key in [*cited, *said] if key in said)
    return {key: re.sub(r"\n+ {4,}", " ", said[key]) for key in order}


def numbered(text: str, numbers: dict[str, int]) -> str:
    """Return Markdown with numbers instead of footnotes' keys, and without notes."""

    def change(rest: str) -> str:
        rest = NOTE.sub("", rest)
        return CITED.sub(
            lambda match: (
                f"<sup>[{numbers[match[1]]}]</sup>" if match[1] in numbers else match[0]
            ),
            rest,
        )

    return outside(text, change)


def quoted(text: str) -> str:
    """Return Markdown as a quotation, whose formulas stay on one line.

    Jupyter reads a formula before it reads the quotation, `>` and all.
    """
    text = DISPLAY.sub(lambda match: " ".join(match[0].split()), text)
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def outdented(text: str) -> str:
    """Return Markdown that goes on with a list, as text of its own."""
    margin = re.match(r" *", text)[0]
    return re.sub(rf"^{margin}", "", text, flags=re.MULTILINE)
