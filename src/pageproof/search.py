"""The theme's search index, made to find where things are taught.

Needs no MkDocs. Search compares words: it knows neither stems nor other languages. So
the section that teaches a term gets the words by which readers ask for it, in a field
that is not shown. Each claim becomes a result of its own. Of code and outputs, which
no result shows, each word is kept once.
"""

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pageproof.claims import Claim
from pageproof.glossary import Term
from pageproof.records import Record

FIELDS = {"title": {"boost": 20}, "text": {"boost": 1}, "terms": {"boost": 60}}
PRE = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
NAME = re.compile(r"[^\W\d]\w+")
CLAIMS = "reference/claims"
APART = re.compile(r"[、,()]")


@dataclass(frozen=True)
class Keyword(Record):
    """What readers type that is no term, and the page or section that teaches it."""

    words: tuple[str, ...]
    page: str
    at: str | None = None


def improve(
    path: Path,
    addresses: Mapping[str, str],
    terms: Iterable[Term],
    keywords: Sequence[Keyword],
    claims: Iterable[Claim],
) -> None:
    """Make an index find what the site's lists name; `addresses` are the pages'."""
    for keyword in keywords:
        if keyword.page not in addresses:
            raise keyword.error(f"expected a page of the nav, got {keyword.page}")
    index = json.loads(path.read_text("utf-8"))
    claims = claims if CLAIMS in addresses else []
    index = improved(index, taught(terms, keywords), claims, CLAIMS, addresses)
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")


@lru_cache(4096)
def condensed(text: str) -> str:
    """Return a text with the words of all its code, each once, at its end."""
    code = html.unescape(TAG.sub(" ", " ".join(PRE.findall(text))))
    names = html.escape(" ".join(dict.fromkeys(NAME.findall(code))), quote=False)
    return PRE.sub("", text) + (f"<pre>{names}</pre>" if names else "")


def asked(words: Iterable[str]) -> list[str]:
    """Return what readers type for some words: each of them, and its plural."""
    parts = [part.strip() for word in words for part in APART.split(word)]
    plural = [f"{p}s" for p in parts if re.search(r"[a-rt-z]$", p)]
    plural += [f"{p[:-1]}ies" for p in parts if re.search(r"[^aeiou]y$", p)]
    return [word for word in dict.fromkeys(parts + plural) if word]


def taught(
    terms: Iterable[Term], keywords: Iterable[Keyword]
) -> dict[tuple[str, str | None], list[str]]:
    """Return by page and section the words for what it teaches."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for term in terms:
        said = term.term, term.zh, *term.words
        found.setdefault((term.page, term.at), []).extend(asked(said))
    for keyword in keywords:
        words = found.setdefault((keyword.page, keyword.at), [])
        words.extend(keyword.words)
    return found


def improved(
    index: dict,
    words: Mapping[tuple[str, str | None], Sequence[str]],
    claims: Iterable[Claim],
    claims_page: str,
    addresses: Mapping[str, str],
) -> dict:
    """Return an index that finds terms, keywords and claims; `addresses` are pages'."""
    docs = [{**doc, "text": condensed(doc["text"])} for doc in index["docs"]]
    by_place = {doc["location"]: doc for doc in docs}
    for (page, at), said in words.items():
        start = addresses[page].removeprefix("./")  # as the index calls the home page
        doc = by_place.get(f"{start}#{at}") or by_place[start]
        doc["terms"] = " ".join(dict.fromkeys([*doc.get("terms", "").split(), *said]))
    claims = list(claims)
    for doc in docs:
        if claims and doc["location"].startswith(f"{addresses[claims_page]}#"):
            doc["text"] = ""  # its claims follow, one by one
    docs += [_claim(claim, addresses[claims_page]) for claim in claims]
    return {"config": {**index["config"], "fields": FIELDS}, "docs": docs}


def _claim(claim: Claim, page: str) -> dict:
    said, truth = (
        html.escape(text.replace("`", ""), quote=False)
        for text in (f"{claim.id} {claim.claim}", claim.truth)
    )
    return {
        "location": f"{page}#{claim.anchor}",
        "title": said,
        "text": f"<p>{truth}</p>",
        "boost": 1.2,
    }
