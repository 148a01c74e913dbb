"""The built site in Chromium, as readers meet it."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from pageproof.reading import Reader

ROOT = Path(__file__).parents[2]
WIDTHS = (360, 768, 1440)
WIDE = {"width": 1440, "height": 900}
OPEN = "document.querySelectorAll('details').forEach(d => { d.open = true })"
TOGGLE = ".md-header__option label:not([hidden])"
# A page has thousands of coloured pieces of code, of some forty kinds. Each kind is
# looked at once in each sort of panel: what axe says of it holds for all of them.
ONE_OF_A_KIND = """() => {
  const seen = new Set();
  for (const piece of document.querySelectorAll('.highlight code span')) {
    const panel = piece.closest('.highlight').parentElement.className;
    const kind = `${piece.className} ${piece.parentElement.className} ${panel}`;
    if (piece.childElementCount) continue;
    if (seen.has(kind)) piece.textContent = '';
    seen.add(kind);
  }
  return seen.size;
}"""


def test_a_page_asks_only_its_own_site_and_has_no_complaint(visit, url, page_url):
    page = visit(page_url)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    away = [asked for asked in page.requested if not asked.startswith((url, "data:"))]
    assert not away
    assert not page.complaints


def test_a_page_does_not_scroll_sideways(visit, page_url):
    page = visit(page_url)
    page.evaluate(OPEN)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1440)])
def test_axe_finds_nothing(visit, page_url, scheme, width):
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    screen = {"width": width, "height": 900}
    page = visit(page_url, viewport=screen, color_scheme=scheme)
    page.evaluate(OPEN)
    page.wait_for_timeout(300)  # the theme fades its colours in
    assert page.evaluate(ONE_OF_A_KIND)
    page.evaluate(axe)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    assert not [
        (rule["id"], node["html"][:120], node["failureSummary"])
        for rule in found
        for node in rule["nodes"]
    ]


def test_the_copy_button_gives_the_block_and_nothing_else(visit, page_url, source):
    """What it gives is what the tests of the page run, so it need not run here."""
    blocks = Reader(ROOT / "mkdocs.yml").read(source).blocks
    shown = next(i for i, block in enumerate(blocks) if block.output)
    allowed = ["clipboard-read", "clipboard-write"]
    tab = visit(page_url, permissions=allowed, viewport=WIDE)
    tab.evaluate(OPEN)
    for index in (0, shown):
        cell = tab.locator(".pp-cell").nth(index)
        assert cell.locator("button").count() == 1
        cell.locator("button").click()
        copied = tab.evaluate("navigator.clipboard.readText()")
        assert copied.strip("\n") == blocks[index].code.strip("\n")


def test_a_copied_block_runs(visit, url):
    tab = visit(f"{url}en/", permissions=["clipboard-read", "clipboard-write"])
    tab.locator(".pp-cell button").first.click()
    copied = tab.evaluate("navigator.clipboard.readText()")
    subprocess.run([sys.executable, "-c", copied], cwd=ROOT, check=True)


def test_search_finds_newton(visit, url):
    page = visit(f"{url}en/", viewport=WIDE)
    page.locator(".md-search__input").press_sequentially("Newton")
    first = page.locator(".md-search-result__item").first
    first.wait_for()
    assert "Newton" in first.inner_text()
    assert not page.complaints


def test_the_theme_toggle_switches_the_figures(visit, url):
    page = visit(f"{url}en/", viewport=WIDE, color_scheme="light")
    light, dark = (page.locator(f".pp-{scheme}").first for scheme in ("light", "dark"))
    seen = []
    for _ in range(4):
        scheme = page.locator("body").get_attribute("data-md-color-scheme")
        assert light.is_visible() == (scheme == "default")
        assert dark.is_visible() == (scheme == "slate")
        shown = light if light.is_visible() else dark
        shown.scroll_into_view_if_needed()
        page.wait_for_timeout(150)
        assert shown.evaluate("image => image.complete && image.naturalWidth") > 0
        seen.append(scheme)
        page.locator(TOGGLE).click()
    assert set(seen) == {"default", "slate"}


def test_a_page_reads_fully_without_scripts(visit, page_url):
    tab = visit(page_url, java_script_enabled=False, viewport=WIDE)
    for fold in tab.locator("details").all():  # a fold stands before those inside it
        fold.locator("summary").first.click()
    for output in tab.locator(".pp-output").all():
        assert output.is_visible() and output.inner_text().strip()
    for formula in tab.locator("math").all():
        assert formula.bounding_box()["width"] > 0
    figure = tab.locator(".pp-light").first
    if figure.count():
        assert figure.is_visible()
    assert tab.locator(".md-footer").is_visible()


def test_the_root_leads_to_english_with_and_without_scripts(visit, url):
    still = visit(url, java_script_enabled=False)
    still.get_by_role("link", name="English").click()
    assert still.url == f"{url}en/"
    led = visit(url)
    led.wait_for_url(f"{url}en/")
    assert not led.complaints


def test_keyboard_reaches_what_scrolls(visit, url):
    page = visit(f"{url}en/", viewport={"width": 360, "height": 800})
    page.evaluate(OPEN)
    page.wait_for_timeout(200)
    stuck = page.evaluate(
        """() => [...document.querySelectorAll("pre > code, .pp-scroll")].filter(
            box => box.scrollWidth > box.clientWidth && box.tabIndex < 0).length"""
    )
    assert stuck == 0
