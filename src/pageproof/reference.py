"""What the site's lists say, brought onto its pages: claims, terms, letters."""

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from pageproof import claims, glossary, notation
from pageproof.page import Page
from pageproof.records import read_records
from pageproof.search import Keyword

LIST = re.compile(r"<p>\{(claims|glossary|letters)(?:: (\w+))?\}</p>")
PLAIN = re.compile(r"^\{(claims|glossary|letters)(?:: (\w+))?\}$", re.MULTILINE)
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
    """The lists of a site, in one folder; without it, all are empty.

    A page shows a list where a paragraph says {claims: part}, {glossary},
    {letters: site} or {letters: page}.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        paths = sorted(folder.glob("*.yml")) if folder else []
        self.sources = {path.stem: path.read_bytes() for path in paths}

    def source(self, name: str) -> bytes:
        """Return what stands in a list, nothing on a site without it."""
        return self.sources.get(name, b"")

    def shown(self, html: str) -> set[str]:
        """Return the lists that a page shows; each may have claims above its blocks."""
        files = {"letters": "notation"}
        return {"claims"} | {files.get(m[1], m[1]) for m in LIST.finditer(html)}

    def _read(self, name: str, kind: type) -> list:
        return read_records(self.folder / f"{name}.yml", kind) if self.folder else []

    @cached_property
    def claims(self) -> list[claims.Claim]:
        return self._read("claims", claims.Claim)

    @cached_property
    def terms(self) -> list[glossary.Term]:
        return self._read("glossary", glossary.Term)

    @cached_property
    def letters(self) -> list[notation.Letter]:
        return self._read("notation", notation.Letter)

    @cached_property
    def keywords(self) -> list[Keyword]:
        return self._read("keywords", Keyword)

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
            tables = {"site": notation.site_letters, "page": notation.page_letters}
            head = labels["letter"], labels["means"]
            return tables[of](self.letters, link, head, title)

        return LIST.sub(one, html)

    def as_markdown(
        self,
        text: str,
        link: Callable[[str], str],
        title: Callable[[str], str],
        labels: dict[str, str] = LABELS,
    ) -> str:
        """Return the Markdown of a page with its lists written out."""

        def one(match: re.Match[str]) -> str:
            kind, of = match.groups()
            if kind == "claims":
                here = [c for c in self.claims if c.page.startswith(f"{of}/")]
                return claims.claims_as_markdown(here, link, labels)
            if kind == "glossary":
                return glossary.terms_as_markdown(self.terms, link)
            return notation.letters_as_markdown(self.letters, of, link, title)

        return PLAIN.sub(one, text)

    def anchors(self, stem: str, page: Page) -> dict[int, list[str]]:
        """Return what links call the blocks of a page that show a claim."""
        return claims.anchors(self.claims, stem, page)

    def with_terms(self, html: str, stem: str, address: str) -> str:
        """Return a page whose first mentions of terms say what they are."""
        return glossary.with_terms(html, self.terms, stem, address)
