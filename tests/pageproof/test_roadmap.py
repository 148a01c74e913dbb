"""The map of a site, as HTML."""

import re
from xml.etree import ElementTree

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from pageproof.roadmap import MapError, with_map

ADDRESSES = {"a/one/": "a/one", "a/two/": "a/two", "b/three/": "b/three"}
NEEDS = {"a/one": [], "a/two": ["a/one"], "b/three": ["a/one"], "reference/words": []}
PAGE = """<p>Before</p>
<p>{map}</p>
<p><strong>Part A</strong></p>
<ol>
<li><strong><a href="a/one/">One</a></strong> First.</li>
<li><strong><a href="a/two/">Two</a></strong> Second.</li>
</ol>
<p><strong>Part B</strong></p>
<ol>
<li><strong><a href="b/three/">Three</a></strong> Third.</li>
</ol>
<p><strong>More:</strong> after</p>"""


def test_rows_keep_their_words_and_say_on_what_they_build():
    page = with_map(PAGE, ADDRESSES, NEEDS)
    assert " ".join(re.sub(r"<[^>]*>", "", page).split()) == (
        "Before Part A 1 One First. Needs no other page. 2 Two Second. Builds on 1. "
        "Part B 3 Three Third. Builds on 1. More: after"
    )
    assert page.count("<ol") == page.count("</ol>") == 2
    assert 'start="3"' in page
    assert "style=" not in page


def test_an_arc_leads_from_the_middle_of_a_row_to_that_of_another():
    """Headings are rows, too: One is row 1, Two row 2, Three row 4."""
    page = with_map(PAGE, ADDRESSES, NEEDS)
    svg = ElementTree.fromstring(re.search(r"<svg.*?</svg>", page)[0])
    assert svg.get("viewBox") == "0 0 100 5"
    assert svg.get("role") == "img" and svg.get("aria-label")
    drawn = [re.findall(r"-?[\d.]+", path.get("d")) for path in svg]
    ends = [(float(d[1]), float(d[-1])) for d in drawn]
    assert ends == [(1.5, 2.5), (1.5, 4.5)]
    for x0, y0, x1, y1, x2, y2, x3, y3 in (map(float, d) for d in drawn):
        assert x0 == x3 == 100 and y0 == y1 and y2 == y3
        assert x1 == x2 < 100
        assert (x0 + 3 * x1) / 4 >= -1e-9  # the middle of a cubic of equal handles


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"a/two/"', '"b/three/"', "expected a/two as row 2, got b/three"),
        ('"b/three/"', '"else/"', "expected b/three as row 3, got else/"),
        ("<p><strong>Part B", "<p>no part <strong>", "once, see b/three"),
        ("<p><strong>Part A", "<p>no part <strong>", "expected parts below"),
    ],
    ids=["twice", "strange", "left out", "no list"],
)
def test_a_map_shows_each_page_once_in_reading_order(old, new, message):
    assert old in PAGE
    with pytest.raises(MapError, match=message):
        with_map(PAGE.replace(old, new), ADDRESSES, NEEDS)


@pytest.fixture
def site(tmp_path):
    files = {
        "mkdocs.yml": """
site_name: Small
site_url: https://example.org/
docs_dir: docs/en
theme: {name: null, custom_dir: theme}
strict: true
markdown_extensions:
  pymdownx.snippets: {check_paths: true}
  pymdownx.superfences: {disable_indented_code_blocks: true}
plugins: {pageproof: {}}
""",
        "theme/main.html": "{{ page.content }}",
        "docs/en/index.md": "# Home\n\n{map}\n\n**Part**\n\n"
        "1. [One](part/one.md)\n2. [Two](part/two.md)\n",
        "docs/en/part/one.md": "---\nneeds: []\n---\n# One\n",
        "docs/en/part/two.md": "---\ntitle: Two\nneeds: [part/one]\n---\n# Two\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_a_page_shows_the_map_where_it_says_so(site):
    build(load_config(str(site / "mkdocs.yml")))
    page = (site / "site/index.html").read_text("utf-8")
    assert "Builds on 1." in page and "{map}" not in page


@pytest.mark.parametrize(
    ("page", "old", "new", "place"),
    [
        ("part/two", "needs: [part/one]\n", "", r"two\.md:1: needs: expected a list"),
        ("part/two", "one]", "no]", r"part/two\.md:3: .*of the nav, got part/no"),
        ("part/one", "[]", "[part/two]", r"part/one\.md:2: .*earlier pages"),
        ("index", "1. [One](part/one.md)\n", "", r"index\.md:3: .*part/one as row 1"),
    ],
    ids=["none said", "unknown", "later", "not shown"],
)
def test_needs_that_do_not_hold_stop_the_build(site, caplog, page, old, new, place):
    path = site / f"docs/en/{page}.md"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(Abort):
        build(load_config(str(site / "mkdocs.yml")))
    assert re.search(place, caplog.text)
