"""The mathematics font: a small file for what pages draw, a large one for the rest."""

import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from pageproof.fontcut import UNDRAWN, covered, unicode_range, used
from pageproof.mathml import symbols

ROOT = Path(__file__).parents[2]
WHOLE = ROOT / "docs/assets/fonts/latin-modern-math.woff2"
USED = WHOLE.with_stem("latin-modern-math-used")


def test_the_font_that_pages_load_has_each_symbol_of_each_formula(built):
    had = covered(str(USED)) | UNDRAWN
    missing = {
        f"{path.relative_to(built)}: {symbol!r} U+{ord(symbol):04X}"
        for path in built.rglob("*.html")
        for symbol in symbols(path.read_text("utf-8")) - had
    }
    assert not missing, "see docs/assets/fonts/README.txt: cut the font again"


def test_the_style_sheet_says_which_of_the_two_files_has_a_character():
    """A range that says too much costs a fetch, one that says too little a symbol."""
    css = (ROOT / "docs/assets/css/site.css").read_text("utf-8")
    rules = re.findall(r"fonts/([\w.-]+)\".*?unicode-range:(.*?);", css, re.DOTALL)
    ranges = {name: " ".join(value.split()) for name, value in rules}
    small = covered(str(USED))
    assert ranges == {
        WHOLE.name: unicode_range(covered(str(WHOLE)) - small),
        USED.name: unicode_range(small),
    }


def test_a_unicode_range_joins_neighbours():
    assert unicode_range("dcb+") == "U+2B, U+62-64"


@pytest.fixture(scope="module")
def fonts():
    """The font that holds all characters, and the one that pages load."""
    with TTFont(WHOLE) as whole, TTFont(USED) as small:
        yield whole, small


def test_both_files_lay_formulas_out_alike(fonts):
    """A browser takes the measures of a formula from the font that has the space."""

    def measures(font):
        constants = vars(font["MATH"].table.MathConstants).items()
        return {name: getattr(value, "Value", value) for name, value in constants}

    whole, small = fonts
    assert measures(whole) == measures(small)
    assert ord(" ") in small.getBestCmap()
    assert whole["hhea"].ascent == small["hhea"].ascent
    assert whole["hhea"].descent == small["hhea"].descent


@pytest.mark.parametrize("char", "()[]{}|√∑∏∫‖⟨⟩⏟")
def test_what_grows_has_all_its_sizes_in_the_font_that_pages_load(fonts, char):
    def sizes(font):
        variants, glyph = font["MATH"].table.MathVariants, font.getBestCmap()[ord(char)]
        return [
            record.AdvanceMeasurement
            for way in ("Vert", "Horiz")
            for name, grown in zip(
                getattr(variants, f"{way}GlyphCoverage").glyphs,
                getattr(variants, f"{way}GlyphConstruction"),
                strict=True,
            )
            if name == glyph
            for record in grown.MathGlyphVariantRecord
        ]

    whole, small = map(sizes, fonts)
    assert whole == small
    assert len(whole) > 1


def test_a_font_is_cut_to_what_a_site_draws(tmp_path, capsys):
    site = tmp_path / "site"
    site.mkdir()
    (site / "a.html").write_text("<p>é</p><math><mi>w</mi><mn>2</mn></math>", "utf-8")
    target = str(tmp_path / "cut.woff2")
    used(str(WHOLE), target, str(site))
    letters = {char for char in covered(target) if char.isalnum()}
    assert letters == {"w", "\N{MATHEMATICAL ITALIC SMALL W}", "2"}
    assert capsys.readouterr().out.split("\n")[2] == unicode_range(covered(target))
