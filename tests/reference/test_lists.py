"""The site's lists hold for its pages: claims' evidence, terms, letters."""

import re
from functools import cache
from pathlib import Path

import pytest
from mkdocs.config import load_config

from pageproof.claims import Claim, evidence
from pageproof.glossary import Term
from pageproof.notation import Letter, letters_in, meaning
from pageproof.reading import Reader
from pageproof.records import read_records

ROOT = Path(__file__).parents[2]
DOCS, LISTS = ROOT / "docs/en", ROOT / "docs/lists"
CLAIMS = read_records(LISTS / "claims.yml", Claim)
TERMS = read_records(LISTS / "glossary.yml", Term)
LETTERS = read_records(LISTS / "notation.yml", Letter)
STEMS = sorted(p.relative_to(DOCS).with_suffix("").as_posix() for p in DOCS.glob("*/*"))


@cache
def text(stem: str) -> str:
    if stem.startswith("labs/"):
        return Reader(ROOT / "mkdocs.yml").read(DOCS / f"{stem}.py").lab.markdown
    return (DOCS / f"{stem}.md").read_text(encoding="utf-8")


@cache
def proven(stem: str):
    return Reader(ROOT / "mkdocs.yml").read(DOCS / f"{stem}.md")


def nav() -> list[str]:
    parts = load_config(str(ROOT / "mkdocs.yml"), plugins=[], hooks=[]).nav
    lists = [pages for part in parts for pages in part.values() if pages != "index.md"]
    return [page.removesuffix(".md") for pages in lists for page in pages]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_one_block_that_runs_shows_what_the_claim_says_it_prints(claim):
    block = proven(claim.page).blocks[evidence(claim, proven(claim.page))]
    assert not block.skip and not block.requires


def test_each_claim_is_listed_once_under_a_part_that_the_page_shows():
    ids = [claim.id for claim in CLAIMS]
    assert len(set(ids)) == len(ids)
    assert len({claim.claim for claim in CLAIMS}) == len(ids)
    shown = set(re.findall(r"^\{claims: (\w+)\}$", text("reference/claims"), re.M))
    assert {claim.page.split("/")[0] for claim in CLAIMS} == shown


def test_the_claims_stand_in_the_order_of_the_pages():
    parts = [claim.page.split("/")[0] for claim in CLAIMS]
    order = list(dict.fromkeys(stem.split("/")[0] for stem in nav()))
    assert list(dict.fromkeys(parts)) == [part for part in order if part in parts]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.term)
def test_a_term_leads_to_a_section_of_a_page_that_says_it(term):
    assert f"{{ #{term.at} }}" in text(term.page)
    names = (*term.words, re.split(r" \(|,", term.term)[0])
    found = [n for n in names if re.search(rf"\b{re.escape(n)}", text(term.page), re.I)]
    assert found, names


def test_each_term_and_each_word_for_one_is_there_once():
    anchors = [term.anchor for term in TERMS]
    assert len(set(anchors)) == len(anchors)
    words = [word.lower() for term in TERMS for word in term.words]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("stem", [s for s in STEMS if not s.startswith("reference/")])
def test_each_letter_in_a_formula_of_a_page_is_explained(stem):
    missing = {x for x in letters_in(text(stem)) if not meaning(LETTERS, x, stem)}
    assert missing == set()


@pytest.mark.parametrize("letter", LETTERS, ids=lambda x: f"{x.letter} {x.page}")
def test_a_letter_is_in_a_formula_of_the_page_that_brings_it(letter):
    assert letter.letter in letters_in(text(letter.page))


def test_a_letter_means_one_thing_on_the_site_and_one_on_a_page():
    keys = [(x.letter, x.page if x.scope == "page" else "") for x in LETTERS]
    assert len(set(keys)) == len(keys)
    for own in (x for x in LETTERS if x.scope == "page"):
        sites = [
            x.means for x in LETTERS if x.letter == own.letter and x.scope == "site"
        ]
        assert own.means not in sites, "the site's meaning needs no entry of a page"
