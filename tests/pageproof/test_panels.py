"""Cells, outputs, figures and tables, from Markdown as the site renders it."""

import re

import markdown
import pytest

from pageproof.panels import LABELS, Drawing, figures, has_code, panels, size, tables

EXTENSIONS = {
    "admonition": {},
    "tables": {},
    "pymdownx.details": {},
    "pymdownx.highlight": {"pygments_lang_class": True},
    "pymdownx.superfences": {"disable_indented_code_blocks": True},
}
BLOCK = """\
```python
print("<p>")
```

<!--pytest-codeblocks:expected-output-->
```text
<p>
```
"""
RAISES = "<!--pytest.mark.raises(ValueError)-->\n" + BLOCK


def rendered(text: str) -> str:
    return markdown.markdown(
        text, extensions=list(EXTENSIONS), extension_configs=EXTENSIONS
    )


def indented(text: str) -> str:
    return "".join(
        f"    {line}" if line.strip() else line for line in text.splitlines(True)
    )


WRAPPED = {
    "plain": "{}",
    "details": '??? success "Answer"\n\n{}',
    "admonition": "!!! note\n\n{}",
    "list": "1. An item:\n\n{}",
    "details in a list": '1. An item\n\n    ??? note "A"\n\n{}',
}


def within(wrapping: str, text: str) -> str:
    depth = {"plain": 0, "details in a list": 2}.get(wrapping, 1)
    for _ in range(depth):
        text = indented(text)
    return panels(rendered(WRAPPED[wrapping].format(text)))


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_code_and_its_output_are_one_cell_wherever_they_stand(wrapping):
    page = within(wrapping, BLOCK)
    assert page.count("pp-cell") == page.count("pp-cell--shown") + 1 == 2
    assert re.search(r"highlight.*pp-output--output.*&lt;p&gt;\n", page, re.DOTALL)


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_no_comment_and_no_broken_paragraph_is_left(wrapping):
    page = within(wrapping, RAISES)
    assert "<!--" not in page
    assert not re.search(r"<p>\s*(<div|</p>)", page)
    assert len(re.findall("<p[ >]", page)) == page.count("</p>")


@pytest.mark.parametrize("wrapping", WRAPPED)
@pytest.mark.parametrize(
    ("mark", "label"), [("raises", "Raises"), ("warns", "warning")]
)
def test_an_output_says_that_its_block_raises_or_warns(wrapping, mark, label):
    page = within(wrapping, RAISES.replace("raises", mark))
    assert f"pp-output--{mark}" in page
    assert label in page


def test_a_mark_says_nothing_of_the_next_block():
    page = panels(rendered(f"{RAISES}\n{BLOCK}"))
    assert re.findall(r"pp-output--(\w+)", page) == ["raises", "output"]


def test_a_block_without_output_is_a_cell_without_panel():
    page = panels(rendered(f"```python\nx = 1\n```\n\nText.\n\n{BLOCK}"))
    assert page.count('<div class="pp-cell">') == 1
    assert page.count("pp-output__label") == 1


def test_a_fence_that_is_not_run_is_no_cell():
    page = panels(rendered("```console\n$ pip install torch\n```\n"))
    assert "pp-cell" not in page
    assert not has_code(page)
    assert has_code(panels(rendered(BLOCK)))


def test_comments_are_dropped_and_code_that_shows_one_is_not():
    page = panels(rendered("<!-- note a remark -->\n\n```text\n<!-- shown -->\n```\n"))
    assert "remark" not in page
    assert "&lt;!-- shown --&gt;" in page


def test_labels_are_the_languages_own():
    page = panels(rendered(BLOCK), {**LABELS, "output": "输出", "copy": "复制"})
    assert "输出" in page
    assert 'title="复制"' in page


@pytest.mark.parametrize(
    ("brings", "title"),
    [
        (None, None),
        ([], "Copy with what it needs (nothing more)"),
        ([0, 2], "Copy with what it needs (blocks above: 2)"),
    ],
)
def test_a_cell_has_buttons_that_say_what_they_copy(brings, title):
    page = panels(rendered(BLOCK), needs=[brings])
    titles = re.findall(
        r'<button class="md-code__button pp-\w+"[^>]* title="(.*?)"', page
    )
    assert titles == ["Copy", *([title] if title else [])]
    assert ("data-needs" in page) == (brings is not None)


IMAGE = '![A <b> & "c"](f.svg)\n'


def twin(link):
    return (
        Drawing(link.replace(".svg", ".dark.svg"), 538, 307)
        if "f.svg" in link
        else None
    )


def test_a_figure_is_shown_in_both_schemes_with_size_and_text():
    page = figures(rendered(IMAGE), twin)
    assert page.count('alt="A &lt;b&gt; &amp; &quot;c&quot;"') == 2
    assert page.count('width="538" height="307"') == 2
    assert 'class="pp-light" src="f.svg"' in page
    assert 'class="pp-dark" src="f.dark.svg"' in page
    assert "<p>" not in page


def test_a_figure_is_fetched_only_when_it_is_shown():
    """A browser fetches an image that is not displayed, unless it is lazy."""
    page = figures(rendered(f"{IMAGE}\n{IMAGE}"), twin)
    assert page.count("<img ") == page.count(' loading="lazy"') == 4


def test_another_image_is_left_alone():
    page = rendered("![A photograph](photo.jpg)")
    assert figures(page, twin) == page


def test_the_size_of_a_figure_is_that_of_its_svg():
    assert size('<svg width="403.2pt" height="230.4pt" viewBox="0 0 1 1">') == (
        538,
        307,
    )
    assert size('<svg height="10" width="20px">') == (20, 10)


@pytest.mark.parametrize("svg", ["", '<svg viewBox="0 0 1 1">', '<svg width="1em">'])
def test_an_svg_without_a_size_is_refused(svg):
    with pytest.raises(ValueError, match="expected an SVG sized in pt or px"):
        size(svg)


def test_a_table_scrolls_in_a_box_and_keeps_its_alignment_without_styles():
    page = tables(rendered("| a | b |\n|---|--:|\n| 1 | 2 |\n"))
    assert page.startswith('<div class="pp-scroll"><table class="pp-table">')
    assert '<td class="pp-right">2</td>' in page
    assert "style=" not in page


def test_a_cell_has_the_anchors_that_links_call_it_by():
    page = panels(rendered(BLOCK + "\n" + BLOCK), anchors={1: ["c1", "c2"]})
    assert page.count("<span id=") == 2
    marks = '<span id="c1"></span><span id="c2"></span><div class="pp-cell'
    assert page.index(marks) > page.index("pp-output")


def test_in_code_what_has_no_colour_is_text_and_costs_no_element():
    page = panels(rendered("```python\nfor i in (x, -y):\n    print(i)\n```\n"))
    assert '<span class="k">for</span> i <span class="ow">in</span> (x, -y):' in page
