"""The terms: one sentence each, shown where a reader meets the term on another page."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pageproof.records import CODE, Record, as_html, slug

# Where a term is not linked: links, headings, code, formulas, figures, boxes' titles.
CLOSED = {"a", "code", "pre", "math", "summary", "button", "h1", "h2", "h3", "h4", "th"}
TOKEN = re.compile(r"<(?P<end>/?)(?P<tag>\w+)[^>]*>|<!--.*?-->|[^<]+", re.DOTALL)


@dataclass(frozen=True)
class Term(Record):
    """A term, one sentence that says what it is, and the section that teaches it."""

    term: str
    zh: str
    says: str
    page: str
    at: str  # the anchor of the section
    match: tuple[str, ...] | None = None  # the words that show it; by default the term

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^.]+(\.\w[^.]*)*\.", CODE.sub("code", self.says)):
            raise self.error(f"{self.term}: expected one sentence, got {self.says!r}")

    @property
    def anchor(self) -> str:
        return slug(self.term)

    @property
    def words(self) -> tuple[str, ...]:
        return (self.term,) if self.match is None else self.match


def term_list(terms: Sequence[Term], link: Callable[[str], str]) -> str:
    """Return the terms as HTML, in the order of the alphabet."""
    items = (
        f'<dt id="{term.anchor}"><a href="{link(term.page)}#{term.at}">'
        f'{as_html(term.term)}</a> <span lang="zh-Hans">{term.zh}</span></dt>'
        f"<dd>{as_html(term.says)}</dd>"
        for term in sorted(terms, key=lambda term: term.term.lower())
    )
    return f'<dl class="pp-terms">{"".join(items)}</dl>'


def with_terms(page: str, terms: Sequence[Term], stem: str, glossary: str) -> str:
    """Return a page whose first mention of a term taught elsewhere says what it is."""
    by_word = {w.lower(): t for t in terms if t.page != stem for w in t.words}
    if not by_word:
        return page
    longest = sorted(by_word, key=len, reverse=True)
    found = re.compile(rf"\b({'|'.join(map(re.escape, longest))})\b", re.IGNORECASE)
    seen: set[str] = set()

    def one(match: re.Match[str]) -> str:
        term = by_word[match[1].lower()]
        if term.term in seen:
            return match[0]
        seen.add(term.term)
        title = html.escape(term.says.replace("`", ""))
        address = f"{glossary}#{term.anchor}"
        return f'<a class="pp-term" href="{address}" title="{title}">{match[0]}</a>'

    parts, closed = [], []
    for token in TOKEN.finditer(page):
        tag = token["tag"]
        if tag in CLOSED:
            closed = closed[:-1] if token["end"] else [*closed, tag]
        text = token[0]
        parts.append(text if tag or closed else found.sub(one, text))
    return "".join(parts)
