"""The search index, made to find where things are taught."""

from pathlib import Path

import pytest

from pageproof.claims import Claim
from pageproof.glossary import Term
from pageproof.search import Keyword, asked, condensed, improved, taught

HERE = {"file": Path("list.yml"), "line": 1}
ADDRESSES = {"a/one": "a/one/", "reference/claims": "reference/claims/"}
TERM = Term(
    term="batch, mini-batch",
    zh="批量、小批量",
    says="Rows.",
    page="a/one",
    at="rows",
    match=("mini-batches",),
    **HERE,
)
CLAIM = Claim(
    id="C01", claim="`a < b`", verdict="true", truth="`a` is 1 & less.", page="a/one",
    shows="1", **HERE,
)  # fmt: skip


def doc(location: str, text: str = "", **rest: str) -> dict:
    return {"location": location, "title": "Title", "text": text, **rest}


def made(*docs: dict, words: dict | None = None, claims: tuple = ()) -> dict[str, dict]:
    index = {"config": {"lang": ["en"], "fields": {}}, "docs": list(docs)}
    index = improved(index, words or {}, claims, "reference/claims", ADDRESSES)
    assert index["config"]["lang"] == ["en"]
    assert set(index["config"]["fields"]) == {"title", "text", "terms"}
    return {d["location"]: d for d in index["docs"]}


def test_of_code_and_outputs_each_word_stays_once_and_no_number():
    text = (
        "<p>Say <code>w</code></p><pre><code>w.grad = f(w.grad) &lt; 1.25</code></pre>"
    )
    text += "<p>and</p><pre><code>grad 17 zero_grad</code></pre>"
    prose = "<p>Say <code>w</code></p><p>and</p>"
    assert condensed(text) == f"{prose}<pre>grad zero_grad</pre>"
    assert condensed("<p>no code</p>") == "<p>no code</p>"


@pytest.mark.parametrize(
    ("word", "plural"),
    [("Hessian", "Hessians"), ("covariate shift", "covariate shifts"),
     ("probability", "probabilities"), ("反向传播", None), ("bias", None)],
)  # fmt: skip
def test_readers_ask_in_the_plural_too(word, plural):
    assert asked([word])[0] == word
    assert plural is None or plural in asked([word])
    assert plural or asked([word]) == [word]


def test_the_section_that_teaches_a_term_is_found_by_each_name_of_it():
    words = taught([TERM], [])
    docs = made(doc("a/one/"), doc("a/one/#rows"), words=words)
    assert "terms" not in docs["a/one/"]
    found = docs["a/one/#rows"]["terms"].split()
    assert {"batch", "mini-batch", "mini-batches", "批量", "小批量"} <= set(found)


def test_a_section_that_has_no_heading_gives_its_words_to_the_page():
    docs = made(doc("a/one/"), words=taught([TERM], []))
    assert "小批量" in docs["a/one/"]["terms"]


def test_a_keyword_finds_its_page_beside_the_terms():
    keyword = Keyword(words=("DataLoader",), page="a/one", at="rows", **HERE)
    words = taught([TERM], [keyword])
    found = made(doc("a/one/"), doc("a/one/#rows"), words=words)["a/one/#rows"]["terms"]
    assert found.endswith("DataLoader") and found.startswith("batch")


def test_each_claim_is_a_result_and_stands_in_the_index_once():
    start, part = doc("reference/claims/"), doc("reference/claims/#a", "<p>a b</p>")
    docs = made(start, part, claims=(CLAIM,))
    claim = docs["reference/claims/#c01"]
    assert claim["title"] == "C01 a &lt; b"
    assert claim["text"] == "<p>a is 1 &amp; less.</p>"
    assert docs["reference/claims/#a"]["text"] == ""
