"""TeX to MathML: what is shown, what is refused, and what the font must have."""

from unicodedata import lookup

import pytest

from pageproof.mathml import MathError, render_math, symbols

INLINE = r'<p>Take <span class="arithmatex">\({}\)</span>.</p>'
LETTERS = ("SMALL ALPHA", "PARTIAL DIFFERENTIAL", "SMALL X")
DISPLAY = '<div class="arithmatex">\\[\n{}\n\\]</div>'


def test_inline_tex_becomes_inline_mathml():
    page = render_math(INLINE.format("x^2"))
    assert "<msup><mi>x</mi><mn>2</mn></msup></math>.</span></p>" in page
    assert 'display="block"' not in page


def test_what_follows_a_formula_stays_on_its_line():
    page = render_math("<p>So " + INLINE.format("y")[8:].replace(".</p>", "), or</p>"))
    assert page.startswith('<p>So <span class="pp-nowrap"><math')
    assert page.endswith("</math>),</span> or</p>")


def test_display_tex_stands_in_a_box_that_can_scroll():
    page = render_math(DISPLAY.format(r"\frac{1}{2}"))
    assert page.startswith('<div class="pp-math pp-scroll"><math ')
    assert 'display="block"' in page


def test_what_html_escapes_is_read_as_tex():
    page = render_math(INLINE.format("a &lt; b &gt; c"))
    assert "<mo>&lt;</mo>" in page and "<mo>&gt;</mo>" in page


def test_a_long_inline_formula_may_scroll_and_a_short_one_may_not():
    assert "pp-inline" in render_math(INLINE.format("a+b" * 10))
    assert "pp-inline" not in render_math(INLINE.format("a+b"))


@pytest.mark.parametrize(
    "tex",
    [
        r"\begin{aligned} a &= b \\ c &= \sum_i d_i \end{aligned}",
        r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\begin{array}{l|r} a & b \\ \hline c & d \end{array}",
        r"\nabla\!f(w) \quad \left( \frac{a}{b} \right)",
    ],
)
def test_no_style_is_written_inline(tex):
    page = render_math(DISPLAY.format(tex.replace("&", "&amp;")))
    assert " style=" not in page


@pytest.mark.parametrize("tex", [r"\frac{1}{", r"\nonsense x", r"\color{red}x"])
def test_a_formula_that_cannot_be_shown_is_an_error_that_names_it(tex):
    with pytest.raises(MathError) as error:
        render_math(INLINE.format(tex))
    assert error.value.tex == tex
    assert tex in str(error.value)


def test_a_formula_in_a_heading_is_refused():
    """The table of contents and the title of the page would show it as TeX."""
    with pytest.raises(MathError, match="heading"):
        render_math(r'<h2 id="a">On <span class="arithmatex">\(x\)</span></h2>')


def test_code_that_looks_like_tex_is_left_alone():
    page = (
        r"<pre><code>\(x\) $y$ &lt;span class=&quot;arithmatex&quot;&gt;</code></pre>"
    )
    assert render_math(page) == page


def test_symbols_are_those_that_a_browser_draws():
    names = ("PLANCK CONSTANT", *map("MATHEMATICAL ITALIC {}".format, LETTERS))
    italic = {lookup(name) for name in names}
    page = render_math(INLINE.format(r"h = \alpha + 2\,\partial x") + "<p>é</p>")
    assert symbols(page) >= {*italic, "2", "="}
    assert "é" not in symbols(page)


def test_a_prime_is_not_raised_twice():
    page = render_math(INLINE.format("f'(w) + f'''"))
    assert page.count('<mo lspace="0" rspace="0">') == 2
    assert "<msup>" not in page
