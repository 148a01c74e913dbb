"""What the site's lists say, brought onto its pages: claims, terms, letters."""

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from pageproof import claims, glossary, notation
from pageproof.page import Page
from pageproof.records import read_records

LIST = re.compile(r"<p>\{(\w+)(?:: (\w+))?\}</p>")
LABELS = {
    "true": "True.",
    "partly": "True with a condition.",
    "false": "False.",
    "open": "\N{LEFT DOUBLE QUOTATION MARK}",
    "close": "\N{RIGHT DOUBLE QUOTATION MARK}",
    "notes": "(from a learner's notes)",
    "shown": "Shown by the block that prints",
    "letter": "Letter",
    "means": "Stands for",
}


class Reference:
    """The three lists of a site; a list that a site has not is empty.

    A page shows a list where a paragraph says {claims: part}, {glossary},
    {letters: site} or {letters: page}.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _read(self, name: str, kind: type) -> list:
        path = self.folder / f"{name}.yml"
        return read_records(path, kind) if path.is_file() else []

    @cached_property
    def claims(self) -> list[claims.Claim]:
        return self._read("claims", claims.Claim)

    @cached_property
    def terms(self) -> list[glossary.Term]:
        return self._read("glossary", glossary.Term)

    @cached_property
    def letters(self) -> list[notation.Letter]:
        return self._read("notation", notation.Letter)

    def lists(
        self,
        html: str,
        link: Callable[[str], str],
        title: Callable[[str], str],
        labels: dict[str, str] = LABELS,
    ) -> str:
        """Return a page with its lists; `link` and `title` are those of a page."""

        def one(match: re.Match[str]) -> str:
            kind, of = match.groups()
            if kind == "claims":
                here = [c for c in self.claims if c.page.startswith(f"{of}/")]
                return claims.claim_list(here, link, labels)
            if kind == "glossary":
                return glossary.term_list(self.terms, link)
            if kind == "letters":
                head = labels["letter"], labels["means"]
                site = of == "site"
                show = notation.site_letters if site else notation.page_letters
                return show(self.letters, link, head, title)
            return match[0]

        return LIST.sub(one, html)

    def anchored(self, html: str, stem: str, page: Page) -> str:
        """Return a page whose blocks can be linked to by the claims that they show."""
        needed = claims.anchors(self.claims, stem, page)
        if not needed:
            return html
        index = -1

        def one(match: re.Match[str]) -> str:
            nonlocal index
            index += 1
            first, *others = needed.get(index, [""])
            marks = "".join(f'<span id="{name}"></span>' for name in others)
            return f'{marks}<div id="{first}" ' if first else "<div "

        return re.sub(r'<div (?=class="pp-cell[ "])', one, html)

    def with_terms(self, html: str, stem: str, address: str) -> str:
        """Return a page whose first mentions of terms say what they are."""
        return glossary.with_terms(html, self.terms, stem, address)
