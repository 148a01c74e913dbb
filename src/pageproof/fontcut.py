"""Cut a mathematics font down to what pages use: python -m pageproof.fontcut IN OUT

IN is an OpenType font with a MATH table (Debian's fonts-lmodern has Latin Modern Math),
OUT a woff2 file. When a page needs another character, add it to SYMBOLS and cut again.
"""
# ruff: noqa: RUF001  look-alikes are the point here

import string
import sys

from fontTools.subset import Options, Subsetter, load_font, save_font
from fontTools.ttLib import TTFont

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


def cut(source: str, target: str) -> None:
    """Write the part of a font that draws CHARACTERS, under a name of its own."""
    options = Options()
    options.flavor, options.hinting = "woff2", False
    options.layout_features = ["dtls", "kern"]  # ssty doubles the size
    options.drop_tables += ["FFTM"]
    font = load_font(source, options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[ord(char) for char in CHARACTERS])
    subsetter.subset(font)
    for record in font["name"].names:
        new = "MathSubset" if record.nameID == 6 else "Math Subset"
        record.string = record.toUnicode().replace("Math", new)
    # TeX hangs an index from the bottom of its base only if that is no single letter;
    # a browser does so always, and the index of y or g would fall far below the line.
    font["MATH"].table.MathConstants.SubscriptBaselineDropMin.Value = 50
    save_font(font, target, options)


def covered(font: str) -> set[str]:
    """Return the characters that a font draws, and those that need no drawing."""
    return {chr(code) for code in TTFont(font).getBestCmap()} | UNDRAWN


if __name__ == "__main__":
    cut(*sys.argv[1:])
