"""Lists of claims, terms and letters: what is refused, what a page shows of them."""

from pathlib import Path

import pytest

from pageproof.claims import Claim, anchors, evidence
from pageproof.glossary import Term, term_list, with_terms
from pageproof.notation import Letter, letters_in, meaning
from pageproof.page import Block, Output, Page, Place
from pageproof.records import RecordError, as_html, read_records
from pageproof.reference import Reference

CLAIM = """\
# a remark
- id: C1
  claim: "`sum()` is <free>"
  verdict: false
  truth: It is not.
  page: tools/sums
  shows: "a 1   2"
"""
HERE = Path("list.yml")


@pytest.fixture
def written(tmp_path):
    def write(text, kind=Claim):
        path = tmp_path / "list.yml"
        path.write_text(text, encoding="utf-8")
        return read_records(path, kind)

    return write


def page(*outputs, **marks):
    blocks = [
        Block("x", "python", [Place(HERE, i)], i, output=Output(text, 1, 2), **marks)
        for i, text in enumerate(outputs)
    ]
    return Page(HERE, b"", "", {}, blocks)


def test_a_claim_is_read_with_its_words_as_they_are(written):
    (claim,) = written(CLAIM)
    assert (claim.verdict, claim.line, claim.anchor) == ("false", 2, "c1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  truth: It is not.\n", "", r"list\.yml:2: truth: missing"),
        ("truth:", "truht:", r"list\.yml:2: truht: no such field"),
        ("verdict: false", "verdict: no", "'no': expected true, partly, false"),
        ('shows: "a 1   2"', 'shows: ""', "needs a statement and its evidence"),
        ("truth: It is not.", "truth: {a: b}", r"list\.yml:5: expected a text"),
        (CLAIM, "a: b", r"list\.yml:1: expected a list"),
        (CLAIM, "- a\n- b", r"list\.yml:1: expected a record, got 'a'"),
    ],
)
def test_what_is_not_a_claim_is_refused_by_its_line(written, old, new, message):
    with pytest.raises(RecordError, match=message):
        written(CLAIM.replace(old, new))


def test_the_evidence_is_the_one_block_that_prints_it(written):
    (claim,) = written(CLAIM)
    assert evidence(claim, page("b\n", "x\na 1\n2 y\n")) == 1
    assert anchors([claim], "tools/sums", page("a 1 2")) == {0: ["c1"]}
    assert anchors([claim], "tools/other", page("b")) == {}


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (page("a 1 3"), "expected one block of tools/sums that prints 'a 1 2', got 0"),
        (page("a 1 22"), "got 0"),
        (page("a 1 2", "a 1 2"), "got 2"),
        (page("a 1 2", requires="cuda"), "is not run everywhere"),
        (page("a 1 2", skip="why"), "is not run everywhere"),
    ],
)
def test_a_claim_whose_block_is_gone_doubled_or_not_run_is_refused(
    written, shown, message
):
    (claim,) = written(CLAIM)
    with pytest.raises(RecordError, match=f"C1: .*{message}"):
        evidence(claim, shown)


def test_a_page_shows_its_list_and_the_blocks_have_their_anchors(tmp_path):
    (tmp_path / "claims.yml").write_text(
        CLAIM + CLAIM.split("remark\n")[1].replace("C1", "C2")
    )
    lists = Reference(tmp_path)
    shown = lists.lists("<p>{claims: tools}</p>", lambda s: f"../{s}/", str.upper)
    assert '<li id="c1">' in shown and "<code>sum()</code> is &lt;free&gt;" in shown
    assert '<a href="../tools/sums/#c2"><code>a 1 2</code>' in shown
    assert "pp-verdict--false" in shown
    assert lists.anchors("tools/sums", page("b", "a 1 2")) == {1: ["c1", "c2"]}
    assert lists.anchors("tools/other", page()) == {}


def term(word, says="It is one.", match=None, where="part/a"):
    fields = {"term": word, "zh": "词", "says": says, "page": where, "at": "x"}
    return Term(**fields, match=match, file=HERE, line=1)


def test_the_first_mention_of_a_term_says_what_it_is():
    terms = [term("learning rate"), term("rate"), term("SGD", match=("SGD", "sgd"))]
    html = (
        "<h2>A rate</h2><p><code>rate</code> The Learning rate, a rate, "
        "<a href='x'>SGD</a> separate SGD, the learning rate</p>"
    )
    shown = with_terms(html, terms, "part/b", "g/")
    assert shown.count("pp-term") == 3
    assert 'href="g/#learning-rate" title="It is one.">Learning rate</a>, a <a' in shown
    assert "<h2>A rate</h2><p><code>rate</code>" in shown
    assert "<a href='x'>SGD</a> separate <a" in shown
    assert with_terms(html, terms, "part/a", "g/") == html
    assert ">Rate</a>" in with_terms("<p>Rate.</p>", terms, "part/b", "g/")


@pytest.mark.parametrize(
    "html",
    [
        "<p>A linear map.</p>",
        "<p>non-convex, convex-like</p>",
        '<p>A</p><div class="footnote"><p>On MAP</p></div>',
    ],
)
def test_no_part_of_a_word_nor_a_title_in_a_note_is_taken_for_a_term(html):
    terms = [term("MAP"), term("convex")]
    assert with_terms(html, terms, "part/b", "g/") == html
    assert ">MAP</a>" in with_terms("<p>the MAP</p>", terms, "part/b", "g/")
    assert with_terms(html, [term("rate", match=())], "part/b", "g/") == html


def test_terms_are_listed_by_the_alphabet_with_their_chinese_name():
    shown = term_list([term("b `x`"), term("A")], lambda stem: f"../{stem}/")
    assert shown.index('id="a"') < shown.index('id="b-x"')
    assert '<a href="../part/a/#x">A</a> <span lang="zh-Hans">词</span>' in shown


@pytest.mark.parametrize("says", ["Two. Three.", "No end", ""])
def test_a_term_has_one_sentence(says):
    with pytest.raises(RecordError, match="expected one sentence"):
        term("a", says)
    assert term("a", "Of `a.b` and 0.5, one.")


def test_the_letters_of_a_page_are_those_of_its_formulas():
    markdown = (
        "a $x_i = \\text{lr} \\cdot \\theta$ `$q$` and\n\n$$\\begin{aligned}"
        "\\hat{y}\n\\end{aligned}$$\n\n```python\nprint('$z$')\n```\n"
    )
    assert letters_in(markdown) == {"x", "i", r"\theta", "y"}


def test_a_page_may_have_a_letter_of_its_own():
    def letter(means, where, scope):
        return Letter(
            letter="m", means=means, page=where, scope=scope, file=HERE, line=1
        )

    letters = [letter("mean", "a", "site"), letter("mass", "b", "page")]
    assert meaning(letters, "m", "b").means == "mass"
    assert meaning(letters, "m", "c").means == "mean"
    assert meaning(letters, "n", "c") is None
    with pytest.raises(RecordError, match="'all': expected site or page"):
        letter("mean", "a", "all")


def test_a_record_may_hold_code_and_formulas():
    assert as_html("`a<b` & $x$") == (
        '<code>a&lt;b</code> &amp; <span class="arithmatex">\\(x\\)</span>'
    )


def test_letters_of_the_site_stand_in_a_table_those_of_a_page_in_its_fold(tmp_path):
    (tmp_path / "notation.yml").write_text(
        "- {letter: x, means: an input, page: part/a}\n"
        "- {letter: x, means: a length, page: part/b, scope: page}\n"
    )
    lists = Reference(tmp_path)
    site, own = (
        lists.lists(f"<p>{{letters: {of}}}</p>", lambda s: f"../{s}/", str.upper)
        for of in ("site", "page")
    )
    assert "an input" in site and "a length" not in site
    assert '<td><a href="../part/a/" title="PART/A"><span' in site
    assert "<summary>PART/B</summary>" in own and "a length" in own
    assert "an input" not in own
