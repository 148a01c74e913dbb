"""Whatever Markdown comes: each fence that the site shows is run, an output, an error.

Pages are composed of fences in all spellings, of boxes, lists, quotes, comments, HTML
and stray backticks. What the site shows is read from the HTML that MkDocs' own
extensions make of them.
"""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import count
from pathlib import Path

import markdown
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mkdocs.config import load_config
from mkdocs.utils import meta

from pageproof.fences import INERT, RUN
from pageproof.page import PageError
from pageproof.reading import Reader

CONFIG = Path(__file__).parents[2] / "mkdocs.yml"
MARKER = "<!--pytest-codeblocks:expected-output-->"
LABELS = [*RUN, "text", "console", "py", "Python", "pycon", "", " python", "python "]
LABELS += ["{.python}", "{ .python .input }", 'python title="t"', "python hl_lines=1"]
LABELS += ["markdown", "python`", "~~~", "python {.x}", "math", "\x0cpython"]
MILD = ["x", "Ünï ≤", "`x`", "&lt;pre&gt;", "$x$", "[^1]", "*x*"]
WORDS = ["`", "``", "```", "~~~", "```x```", "<pre>", "</pre>"]
WORDS += ["<code>", "</code>", "<!--", "-->", "<div>", "</div>", "<!-- note x -->"]
WORDS += ["$$", "\\`", "|", "<script>", "</script>", "</p>"]
WORDS += ["\\(", "```python", "{.python}", "<details>", "<br>", "<b title='", "'>"]
CODE = [
    "x = 1",
    "",
    "    y = 2",
    "print('```')",
    "# <!--",
    "```",
    "~~~",
    "> z",
    "é = 3",
]
ODD = ["\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\ufeff", "\t", "\x02"]


def mostly(usual, *others, times=12):
    """The usual value, now and then another one."""
    return st.sampled_from([usual] * times + [*others])


@st.composite
def fences(draw):
    """A fence, its two ends mostly alike."""
    opening = draw(mostly("```", "~~~", "````", "``"))
    closing = draw(mostly(opening, opening[:-1], opening + "`", ""))
    code = draw(st.lists(mostly("x = 1", *CODE), max_size=3))
    margin = draw(mostly("", " ", "  ", "    ", "> "))
    last = draw(mostly("", " ", "python"))
    label = draw(mostly("python", *LABELS))
    return [
        *(f"{margin}{opening}{label}", "number = @"),
        *(margin + line for line in code),
        f"{margin}{closing}{last}",
    ]


@st.composite
def blocks(draw):
    """A block as pages have them, often with an output."""
    raises, skip = "<!--pytest.mark.raises(ValueError)-->", "<!--pytest.mark.skip-->"
    mark = draw(mostly([], [raises], [skip]))
    marker = draw(mostly(MARKER, "", MARKER.upper()))
    output = ["", marker, "```text", "@", "```"]
    return [*mark, "```python", "print(@)", "```", *draw(mostly(output, [], times=2))]


@st.composite
def prose(draw):
    words = st.lists(mostly("x", *MILD, *WORDS, times=60), min_size=1, max_size=4)
    return [" ".join(line) for line in draw(st.lists(words, min_size=1, max_size=3))]


HEADS = ["!!! note", "??? note", '???+ tip "T"', '=== "Tab"', "- item", "1. item"]
HEADS += ["[^1]: note", "[^1]:", "<div>", "<details>", "> quote", "", "Term"]


@st.composite
def held(draw, inside):
    """Lines that something holds: a box, a list, a quote, a comment, a formula."""
    lines = [line for some in draw(inside) for line in some]
    how = draw(mostly("indent", "quote", "comment", "html", "math"))
    if how == "quote":
        return [f"> {line}" for line in lines]
    if how == "comment":
        return ["<!--", *lines, "-->"]
    if how == "html":
        tags = ("div", "pre", "section", "p", "script", "custom-tag", "details")
        tag = draw(st.sampled_from(tags))
        return [f"<{tag}>", *lines, f"</{tag}>"]
    if how == "math":
        return ["$$", *lines, "$$"]
    margin = draw(mostly("    ", "  ", "   ", "     "))
    blank = draw(mostly([""], [], times=3))
    head = draw(st.sampled_from(HEADS))
    return [head, *blank, *(margin + line if line else "" for line in lines)]


parts = st.recursive(
    st.one_of(fences(), blocks(), prose()),
    lambda some: held(st.lists(some, min_size=1, max_size=3)),
    max_leaves=5,
)


@st.composite
def pages(draw):
    """The text of a page: parts with blank lines between them, mostly."""
    text = draw(mostly("", "---\ntitle: x\n---\n", "---\nx: |\n  ```python\n---\n"))
    for part in draw(st.lists(parts, min_size=1, max_size=4)):
        text += "\n".join(part) + draw(mostly("\n\n", "\n", ""))
    if odd := draw(mostly("", *ODD, times=60)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + odd + text[at:]
    numbers = count(1)
    return re.sub("@", lambda _: str(next(numbers)), text)  # to tell blocks apart


class Shown(HTMLParser):
    """The preformatted text in a page's HTML, each with its language."""

    def __init__(self, html):
        super().__init__()
        self.found, self.languages, self.inside = [], [], 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        classes = (dict(attrs).get("class") or "").split()
        self.languages += [c[9:] for c in classes if c.startswith("language-")]
        if tag == "pre":
            self.inside += 1
            self.found.append([self.languages.pop() if self.languages else None, ""])

    def handle_endtag(self, tag):
        self.inside -= tag == "pre" and self.inside > 0

    def handle_data(self, data):
        if self.inside:
            self.found[-1][1] += data


@pytest.fixture(scope="module")
def site():
    """What reads a page as the proof does, and what renders it as the site does."""
    config = load_config(str(CONFIG), plugins=[], hooks=[])
    md = markdown.Markdown(
        extensions=config.markdown_extensions, extension_configs=config.mdx_configs
    )
    return Reader(CONFIG), md


def plain(text):
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))


def check(site, path, text):
    reader, md = site
    path.write_bytes(text.encode())
    try:
        page = reader.read(path)
    except PageError as error:
        assert error.path == path
        assert 1 <= error.line <= text.count("\n") + 1, error
        return False
    html = md.reset().convert(meta.get_data(text)[0])
    shown = Shown(html).found
    run = Counter(plain(code) for language, code in shown if language in RUN)
    # A footnote that is given twice is run twice and shown once, so not equal:
    assert run <= Counter(plain(block.code) for block in page.blocks), html
    texts = Counter(plain(code) for language, code in shown if language == "text")
    outputs = [plain(block.output.text) for block in page.blocks if block.output]
    assert texts <= Counter(outputs), html
    assert {language for language, _ in shown} <= {*RUN, "text", *INERT}, html
    return True


COMMON = {
    "derandomize": True,
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


def test_each_fence_that_the_site_shows_is_run_or_an_output_or_an_error(site, tmp_path):
    @settings(max_examples=500, **COMMON)
    @given(pages())
    def holds(text):
        check(site, tmp_path / "page.md", text)

    holds()


@pytest.mark.parametrize(
    "text",
    [
        "one ` two\nthree ` <pre>x = 1</pre> ` four\n",
        "one \\` <pre>x = 1</pre> `\n",
        "one ```python\nx = 1\n``` two\n",
        "one ```python\nx = 1\n two``` three\n",
        "<xmp>x = 1</xmp>\n",
    ],
)
def test_code_that_only_looks_as_if_it_were_in_a_sentence_is_refused(
    site, tmp_path, text
):
    path = tmp_path / "page.md"
    path.write_text(f"# A page\n\n{text}")
    with pytest.raises(PageError, match=r"page\.md:[345]: "):
        site[0].read(path)


def test_a_stray_backtick_leaves_the_paragraphs_around_it_alone(site, tmp_path):
    path = tmp_path / "page.md"
    path.write_text("Write `<pre>`.\n\nA tick: `\n\nWrite ``<pre>`` and \\` too.\n")
    assert site[0].read(path).blocks == []
