"""The terms: one sentence each, shown where a reader meets the term on another page."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from markdown.extensions.toc import slugify

from pageproof.records import CODE, Record, as_html

# Where a term is not linked: links, headings, code, boxes' titles. Blocks of code and
# formulas are one token, for speed.
CLOSED = {"a", "code", "summary", "button", "h1", "h2", "h3", "h4", "th"}
NOTES = '<div class="footnote">'  # from here on stand the titles of books and papers
TOKEN = re.compile(
    r"<(?P<whole>pre|math)\b.*?</(?P=whole)>|<!--.*?-->"
    r"|<(?P<end>/?)(?P<tag>\w+)[^>]*>|[^<]+",
    re.DOTALL,
)


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
        return slugify(self.term, "-")

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


def terms_as_markdown(terms: Sequence[Term], link: Callable[[str], str]) -> str:
    """Return the terms as Markdown, for the export of a page."""
    return "\n".join(
        f"- [{term.term}]({link(term.page)}#{term.at}) ({term.zh}): {term.says}"
        for term in sorted(terms, key=lambda term: term.term.lower())
    )


def with_terms(page: str, terms: Sequence[Term], stem: str, glossary: str) -> str:
    """Return a page whose first mention of a term taught elsewhere says what it is.

    A word may begin a sentence; one in capitals (MAP) is found as it is written.
    """
    by_word = {word: term for term in terms for word in term.words}
    by_word |= {w[0].upper() + w[1:]: t for w, t in by_word.items() if w}
    if not by_word:
        return page
    found = _words(tuple(sorted(by_word, key=len, reverse=True)))
    seen: set[str] = set()

    def one(match: re.Match[str]) -> str:
        term = by_word[match[1]]
        if term.page == stem or term.term in seen:
            return match[0]
        seen.add(term.term)
        title = html.escape(term.says.replace("`", ""))
        address = f"{glossary}#{term.anchor}"
        return f'<a class="pp-term" href="{address}" title="{title}">{match[0]}</a>'

    parts, closed = [], []
    body, mark, notes = page.partition(NOTES)
    for token in TOKEN.finditer(body):
        tag = token["tag"]
        if tag in CLOSED:
            closed = closed[:-1] if token["end"] else [*closed, tag]
        text = token[0]
        skipped = tag or closed or token["whole"]
        parts.append(text if skipped else found.sub(one, text))
    return "".join([*parts, mark, notes])


@cache
def _words(longest_first: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds the words, and nothing within a longer word."""
    words = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![\w-])({words})(?![\w-])")
