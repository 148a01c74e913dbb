"""The letters of the formulas: what each one stands for, on the site or on one page."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from pageproof.records import Record, as_html

FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
FENCE = re.compile(r"^( *)(`{3,})\w*\n.*?^\1\2$", re.MULTILINE | re.DOTALL)
WORDS = re.compile(
    r"\\(?:text|mathrm|operatorname|begin|end|mathbb|mathcal)\*?\{[^}]*\}"
)
NAMES = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu "
    "xi pi rho sigma tau phi varphi chi psi omega ell "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
GREEK = set(NAMES.split())
SYMBOL = re.compile(r"\\[A-Za-z]+|[A-Za-z]")


@dataclass(frozen=True)
class Letter(Record):
    """A letter, what it stands for, and the page that brings it."""

    letter: str  # TeX
    means: str
    page: str
    scope: str = "site"  # or "page": on this page alone

    def __post_init__(self) -> None:
        if self.scope not in ("site", "page"):
            raise self.error(f"scope {self.scope!r}: expected site or page")


def letters_in(markdown: str) -> set[str]:
    """Return the letters of the formulas of a page, as TeX; words are no letters."""
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", markdown))
    found = set()
    for display, inline in FORMULA.findall(prose):
        symbols = SYMBOL.findall(WORDS.sub(" ", display or inline))
        found |= {s for s in symbols if not s.startswith("\\") or s[1:] in GREEK}
    return found


def meaning(letters: Sequence[Letter], letter: str, page: str) -> Letter | None:
    """Return what a letter means on a page: its own meaning there, else the site's."""
    found = {
        entry.scope: entry
        for entry in letters
        if entry.letter == letter and (entry.scope == "site" or entry.page == page)
    }
    return found.get("page", found.get("site"))


def site_letters(
    letters: Sequence[Letter],
    link: Callable[[str], str],
    head: Sequence[str],
    title: Callable[[str], str],
) -> str:
    """Return the letters of the site as an HTML table; each leads to its page."""
    rows = (
        f'<td><a href="{link(entry.page)}" title="{escape(title(entry.page))}">'
        f"{_tex(entry)}</a></td>{_means(entry)}"
        for entry in letters
        if entry.scope == "site"
    )
    return _table(rows, head)


def page_letters(
    letters: Sequence[Letter],
    link: Callable[[str], str],
    head: Sequence[str],
    title: Callable[[str], str],
) -> str:
    """Return the letters that single pages have, a folded table for each page."""
    own = [entry for entry in letters if entry.scope == "page"]
    folds = []
    for page in dict.fromkeys(entry.page for entry in own):
        rows = (
            f"<td>{_tex(entry)}</td>{_means(entry)}"
            for entry in own
            if entry.page == page
        )
        name = f'<p><a href="{link(page)}">{escape(title(page))}</a></p>'
        folds.append(
            f"<details><summary>{escape(title(page))}</summary>{name}"
            f"{_table(rows, head)}</details>"
        )
    return "".join(folds)


def letters_as_markdown(
    letters: Iterable[Letter],
    scope: str,
    link: Callable[[str], str],
    title: Callable[[str], str],
) -> str:
    """Return the letters of a scope as Markdown, for the export of a page."""
    return "\n".join(
        f"- ${entry.letter}$: {entry.means} ([{title(entry.page)}]({link(entry.page)}))"
        for entry in letters
        if entry.scope == scope
    )


def _tex(entry: Letter) -> str:
    return as_html(f"${entry.letter}$")


def _means(entry: Letter) -> str:
    return f"<td>{as_html(entry.means)}</td>"


def _table(rows: Iterable[str], head: Sequence[str]) -> str:
    titles = "".join(f"<th>{title}</th>" for title in head)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
