"""Cut a mathematics font down to what pages use.

    python -m pageproof.fontcut whole FONT WHOLE
    python -m pageproof.fontcut used WHOLE USED SITE

FONT is an OpenType font with a MATH table (Debian's fonts-lmodern has Latin Modern
Math), WHOLE a woff2 file with CHARACTERS: all that a page may come to draw. USED is cut
from that: what the formulas of the built SITE draw, which each page with formulas
loads. The second command prints two values of `unicode-range` for the style sheet: what
WHOLE has beyond USED, and USED. A browser fetches WHOLE only for the former. When a
page needs a character that WHOLE has not, add it to SYMBOLS and cut both again.
"""
# ruff: noqa: RUF001  look-alikes are the point here

import string
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font
from fontTools.ttLib import TTFont

from pageproof.mathml import symbols

GREEK = "".join(map(chr, range(0x391, 0x3CA))) + "ϵϕϑϱ"
ALPHABETS = (
    *range(0x1D400, 0x1D468),  # bold, and italic
    *range(0x1D49C, 0x1D4B6),  # script capitals
    *range(0x1D6E2, 0x1D71C),  # italic Greek
    *range(0x1D6C2, 0x1D6DB),  # bold Greek, small
    *range(0x1D736, 0x1D74F),  # bold italic Greek, small
)
SYMBOLS = (
    "ℂℕℚℝℤℎℬℰℱℋℐℒℳℛℓ𝔼ℙ𝟙"
    "±∓×÷·⋅∗∘∙≠≈≡≅∼∝≤≥≪≫∈∉⊂⊆∪∩∖∅∀∃¬∧∨⊕⊗⊙⊤⊥∥∣∇∂∞√∑∏∫−"
    "←→↑↓↔⇐⇒⇔↦⟶⟵⟹⌈⌉⌊⌋⟨⟩‖"
    "′″‴⁗…⋯⋮⋱ˆˇ˜ˉ¯˙¨‾⃗⏞⏟–—’°"
    "\u00a0"
)
UNDRAWN = {*" \n\u2061\u2062\u2063\u2064"}
CHARACTERS = {*string.printable, *GREEK, *SYMBOLS, *map(chr, ALPHABETS)}


def whole(source: str, target: str) -> None:
    """Write the part of a font that draws CHARACTERS, under a name of its own."""
    font = load_font(source, options := _options())
    _subset(font, CHARACTERS, options)
    for record in font["name"].names:
        new = "MathSubset" if record.nameID == 6 else "Math Subset"
        record.string = record.toUnicode().replace("Math", new)
    # TeX hangs an index from the bottom of its base only if that is no single letter;
    # a browser does so always, and the index of y or g would fall far below the line.
    font["MATH"].table.MathConstants.SubscriptBaselineDropMin.Value = 50
    save_font(font, target, options)


def used(source: str, target: str, site: str) -> None:
    """Write the part of a font that the pages of a site draw, or that can stretch."""
    pages = (path.read_text("utf-8") for path in Path(site).rglob("*.html"))
    drawn = set().union(*map(symbols, pages))
    font = load_font(source, options := _options())
    _subset(font, drawn | stretchy(font) | {" "}, options)
    save_font(font, target, options)
    font.close()
    for characters in (covered(source) - covered(target), covered(target)):
        print(unicode_range(characters), end="\n\n")


def _options() -> Options:
    options = Options()
    options.flavor, options.hinting, options.notdef_outline = "woff2", False, False
    options.layout_features = ["dtls"]  # ssty doubles the size
    options.desubroutinize = (
        True  # Brotli finds what repeats better than subroutines do
    )
    options.drop_tables += ["FFTM"]
    return options


def _subset(font: TTFont, characters: Iterable[str], options: Options) -> None:
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[ord(char) for char in characters])
    subsetter.subset(font)


def stretchy(font: TTFont) -> set[str]:
    """Return the characters that grow: a browser looks for those in one font only."""
    variants = font["MATH"].table.MathVariants
    both = variants.VertGlyphCoverage, variants.HorizGlyphCoverage
    growing = {glyph for coverage in both for glyph in coverage.glyphs}
    return {chr(code) for code, glyph in font.getBestCmap().items() if glyph in growing}


def covered(font: str) -> set[str]:
    """Return the characters that a font draws."""
    with TTFont(font) as opened:
        return {chr(code) for code in opened.getBestCmap()}


def unicode_range(characters: Iterable[str]) -> str:
    """Return characters as the value of a style sheet's `unicode-range`."""
    codes = sorted(map(ord, characters))
    runs = groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
    ends = (((run := [code for _, code in group])[0], run[-1]) for _, group in runs)
    return ", ".join(f"U+{a:X}-{b:X}" if a < b else f"U+{a:X}" for a, b in ends)


if __name__ == "__main__":
    {"whole": whole, "used": used}[sys.argv[1]](*sys.argv[2:])
