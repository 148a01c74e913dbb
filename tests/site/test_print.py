"""A page on paper, as Chromium prints it: what is there, and what is not."""

import io
import re
from unicodedata import normalize

import pytest
from pypdf import PdfReader

WORDS = r"[A-Za-z_]{3,}"
COLOUR = re.compile(rb"([\d.]+) ([\d.]+) ([\d.]+) rg\b")
# Between its margins, A4 is 178 mm wide: at 96 pixels an inch
PAPER = {"width": 673, "height": 950}
# A space may hang over the end of a line
WIDE = """() => [...document.querySelectorAll(".md-content__inner *")].filter(
  e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 10
).map(e => e.outerHTML.slice(0, 120))"""


def close(text: str) -> str:
    """Return a text without spaces and ligatures: how it is set is no matter here."""
    return re.sub(r"\s", "", normalize("NFKC", text))


@pytest.fixture
def printed(visit, url):
    """Print a page, for a reader in the dark whose browser runs no scripts."""

    def printed(stem, change="0"):
        tab = visit(f"{url}en/{stem}/", java_script_enabled=False, color_scheme="dark")
        tab.evaluate(change)
        pdf = tab.pdf(prefer_css_page_size=True, print_background=True)
        sheets = PdfReader(io.BytesIO(pdf)).pages
        return tab, close("".join(sheet.extract_text() for sheet in sheets)), sheets

    return printed


def test_a_page_is_printed_unfolded_light_and_without_what_is_to_click(printed, url):
    tab, text, sheets = printed("tools/autograd")

    folds = tab.locator("details:not([open])").all()
    assert len(folds) > 3
    for fold in folds:
        told = fold.evaluate("""fold => [...fold.querySelectorAll("p, pre")].map(e => {
            for (const math of e.querySelectorAll("math")) math.remove();
            return e.textContent }).join(" ")""")
        assert not {word for word in re.findall(WORDS, told) if word not in text}

    menus = tab.locator(".md-nav a, .md-footer a").all_text_contents()
    own = close(tab.locator("article").text_content())
    menus = {close(name) for name in menus} - {""}
    assert len(menus) > 50
    assert not {name for name in menus if name in text and name not in own}
    assert close(f"{url}en/tools/autograd/") in text

    colours = set()
    for sheet in sheets:
        found = COLOUR.findall(sheet.get_contents().get_data())
        colours |= {tuple(round(255 * float(c)) for c in each) for each in found}
    assert (0x1F, 0x23, 0x28) in colours  # ink
    assert (0x1E, 0x21, 0x29) not in colours  # the ground of the dark scheme
    assert (0xE6, 0xE9, 0xEF) not in colours  # and what is written on it

    tab.emulate_media(media="print")
    shown = [figure.is_visible() for figure in tab.locator(".pp-light").all()]
    assert shown and all(shown)
    assert not any(figure.is_visible() for figure in tab.locator(".pp-dark").all())


def test_a_link_to_another_site_is_printed_with_its_address(printed):
    notes = """() => document.querySelector("article").replaceChildren(
        document.querySelector(".footnote"))"""  # the rest is slow to print
    text = printed("estimation/probability", notes)[1]
    assert "(https://docs.pytorch.org/docs/stable/generated/torch.rand.html)" in text


@pytest.mark.parametrize(
    "stem", ["tools/modules", "optimisation/safe_newton", "reference/notation"]
)
def test_nothing_is_wider_than_the_paper(visit, url, stem):
    tab = visit(f"{url}en/{stem}/", java_script_enabled=False, viewport=PAPER)
    tab.emulate_media(media="print")
    assert tab.evaluate(WIDE) == []


def test_the_style_of_paper_keeps_no_screen_waiting(visit, url):
    tab = visit(f"{url}en/")
    status = tab.evaluate("""performance.getEntriesByType("resource").filter(
        entry => entry.name.endsWith("/print.css")).map(e => e.renderBlockingStatus)""")
    assert status == ["non-blocking"]
