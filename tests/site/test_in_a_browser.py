"""The built site in Chromium, as readers meet it."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from pageproof.reading import Reader
from pageproof.weight import fall_silent, first_view

ROOT = Path(__file__).parents[2]
WIDTHS = (360, 768, 1440)
WIDE = {"width": 1440, "height": 900}
WEIGHT = 150_000  # bytes that cross the wire before a page is first seen
SHIFT = 0.005  # of the layout, where 0.1 counts as good
OPEN = "document.querySelectorAll('details').forEach(d => { d.open = true })"
TOGGLE = ".md-header__option label:not([hidden])"
# A page has thousands of coloured pieces of code, of some forty kinds, and hundreds of
# formulas. Each kind is looked at once in each sort of place: what axe says of it holds
# for all of them. (It looks at the colour of words of two characters and more.)
ONE_OF_A_KIND = """() => {
  const seen = new Set();
  for (const piece of document.querySelectorAll('.highlight code span, math')) {
    const code = piece.closest('.highlight');
    if (code && piece.childElementCount) continue;
    const around = (code ?? piece).parentElement.closest('[class]').className;
    const { tagName, className } = piece.parentElement;
    const leaves = [piece, ...piece.querySelectorAll('*')];
    const words = leaves.some(e => !e.childElementCount && e.textContent.length > 1);
    const kind = [piece.tagName, piece.className, tagName, className, around, words];
    if (seen.has(kind.join())) piece.remove();
    seen.add(kind.join());
  }
  return seen.size;
}"""


# What is far from the screen is not drawn, and not looked at, until it comes near.
SHOW_ALL = """() => {
  const all = new CSSStyleSheet();
  all.replaceSync("* { content-visibility: visible !important }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, all];
}"""
# The note that a block was copied is not caught while it fades.
QUIET = "document.querySelector('.md-dialog').classList.remove('md-dialog--active')"
# Until the page has answered what was done to it, and its colours have faded in.
SETTLED = """async () => {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  await frame(); await frame();
  await Promise.allSettled(document.getAnimations().map(fade => fade.finished));
}"""


# What words and their grounds look like decides on their contrast: of those that look
# alike, all the way up, axe is given one. The other rules look at all there is.
LOOK = """async () => {
  const own = element => [...element.childNodes].some(
    node => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const grounds = new Map([[null, '']]);
  const ground = element => {
    if (!grounds.has(element)) {
      const { backgroundColor, backgroundImage, opacity, filter, mixBlendMode } =
        getComputedStyle(element);
      const here = [backgroundColor, backgroundImage, opacity, filter, mixBlendMode];
      const clear = here.join() === 'rgba(0, 0, 0, 0),none,1,none,normal';
      grounds.set(element, ground(element.parentElement) + (clear ? '' : here));
    }
    return grounds.get(element);
  };
  const looks = new Map();
  for (const element of document.body.querySelectorAll('*')) {
    if (!own(element) || !element.checkVisibility()) continue;
    const { color, fontSize, fontWeight, textShadow } = getComputedStyle(element);
    const one = element.textContent.trim().length === 1;  // axe does not judge these
    const look = [color, fontSize, fontWeight, textShadow, one, ground(element)].join();
    if (!looks.has(look)) looks.set(look, element);
  }
  const options = { resultTypes: ['violations'] };
  const rest = { rules: { 'color-contrast': { enabled: false } } };
  const found = await axe.run({ ...options, ...rest });
  const contrast = await axe.run(
    { include: [...looks.values()] }, { ...options, runOnly: ['color-contrast'] });
  return [...found.violations, ...contrast.violations];
}"""


def keep_one_of_a_kind(tab) -> None:
    """Take the repeated pieces out of a page, and make it ready to be looked at."""
    tab.evaluate(SHOW_ALL)
    kinds = tab.evaluate(ONE_OF_A_KIND)
    assert kinds or not tab.locator(".highlight, math").count()
    tab.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())


def barriers(tab) -> list[tuple]:
    """Return what axe finds wrong on a page with one piece of each kind."""
    tab.evaluate("window.scrollTo(0, 0)")
    tab.mouse.move(0, 0)
    tab.evaluate(SETTLED)
    found = tab.evaluate(LOOK)
    return [
        (rule["id"], node["html"][:120], node["failureSummary"])
        for rule in found
        for node in rule["nodes"]
    ]


# To open a page takes longer than to look at it: a test looks at what one visit shows.
def test_a_page_asks_only_its_own_site_fits_gives_its_blocks_and_bars_nobody(
    visit, url, page_url, source
):
    """What the button gives is what the tests of the page run: it need not run here."""
    blocks = Reader(ROOT / "mkdocs.yml").read(source).blocks
    allowed = ["clipboard-read", "clipboard-write"]
    small = {"width": WIDTHS[0], "height": 900}
    look = {"color_scheme": "light", "reduced_motion": "reduce"}  # nothing fades in
    tab = visit(page_url, viewport=small, permissions=allowed, **look)
    loaded = first_view(tab)
    assert loaded["bytes"] <= WEIGHT, loaded["files"]
    assert loaded["shift"] < SHIFT, loaded["moved"]
    assert not [f for f in loaded["files"] if "/search/" in f or "/workers/" in f]
    tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    fall_silent(tab)
    tab.evaluate(OPEN)
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 900})
        tab.evaluate(SETTLED)
        assert tab.evaluate("document.documentElement.scrollWidth") == width
    first_with_output = (i for i, block in enumerate(blocks) if block.output)
    for index in {0, next(first_with_output, 0)} if blocks else ():
        cell = tab.locator(".pp-cell").nth(index)
        cell.locator(".pp-copy").click()
        copied = tab.evaluate("navigator.clipboard.readText()")
        assert copied.strip("\n") == blocks[index].code.strip("\n")
    keep_one_of_a_kind(tab)
    tab.evaluate(QUIET)
    tab.set_viewport_size(small)
    assert barriers(tab) == []
    tab.emulate_media(color_scheme="dark")
    tab.set_viewport_size(WIDE)
    tab.locator("body[data-md-color-scheme=slate]").wait_for()
    assert barriers(tab) == []
    away = [asked for asked in tab.requested if not asked.startswith((url, "data:"))]
    assert not away
    assert not tab.complaints


# One of each on a good page; the style is set as the page's policy allows scripts to.
FAULTS = {
    "color-contrast": """() => {
        const faint = new CSSStyleSheet();
        faint.replaceSync(".highlight .c1 { color: #9a9a9a !important }"
            + ".md-content li:last-child { background: #777 }");
        document.adoptedStyleSheets = [...document.adoptedStyleSheets, faint];
    }""",
    "image-alt": "() => document.querySelector('.pp-light').removeAttribute('alt')",
    "link-name": """() => document.querySelector('.md-content p a:not([title])')
        .replaceChildren()""",
    "empty-table-header": "() => document.querySelector('th').replaceChildren()",
    "aria-roles": """() => document.querySelector('.md-content p')
        .setAttribute('role', 'nonsense')""",
}


def test_a_look_at_one_of_a_kind_finds_each_planted_fault(visit, url):
    address = f"{url}en/optimisation/gd_vs_newton/"
    tab = visit(address, viewport=WIDE, color_scheme="light")
    tab.evaluate(OPEN)
    for plant in FAULTS.values():
        tab.evaluate(plant)
    keep_one_of_a_kind(tab)
    found = barriers(tab)
    assert FAULTS.keys() - {rule for rule, *_ in found} == set()
    faint = " ".join(html for rule, html, _ in found if rule == "color-contrast")
    assert 'class="c1"' in faint
    assert "<li" in faint


def test_a_copied_block_runs(visit, url):
    tab = visit(f"{url}en/", permissions=["clipboard-read", "clipboard-write"])
    tab.locator(".pp-cell .pp-copy").first.click()
    copied = tab.evaluate("navigator.clipboard.readText()")
    subprocess.run([sys.executable, "-c", copied], cwd=ROOT, check=True)


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
        canvas = page.locator("meta[name=color-scheme]").get_attribute("content")
        assert canvas == {"default": "light", "slate": "dark"}[scheme]
        seen.append(scheme)
        page.locator(TOGGLE).click()
    assert set(seen) == {"default", "slate"}


@pytest.mark.parametrize(("clicks", "scheme"), [(0, "dark"), (1, "light"), (2, "dark")])
def test_the_scheme_that_a_reader_chose_is_there_before_the_theme(
    clicks, scheme, visit, url
):
    page = visit(f"{url}en/", viewport=WIDE, color_scheme="dark")
    for _ in range(clicks):
        page.locator(TOGGLE).click()
    page.route("**/bundle.*", lambda route: route.abort())
    page.goto(f"{url}en/tools/autograd/")
    canvas = page.locator("meta[name=color-scheme]").get_attribute("content")
    shown = page.evaluate("getComputedStyle(document.body).colorScheme")
    assert canvas == shown == scheme


def test_a_page_reads_fully_without_scripts(visit, page_url):
    tab = visit(page_url, java_script_enabled=False, viewport=WIDE)
    folds = tab.locator("details")
    if folds.count():
        folds.first.locator("summary").first.click()
        assert folds.first.get_attribute("open") is not None
    tab.evaluate("""[...document.querySelectorAll("details:not([open]) > summary")]
        .forEach(summary => summary.click())""")
    assert tab.locator("details:not([open])").count() == 0
    for kind in (".pp-output", "math"):
        empty = tab.evaluate(
            """kind => [...document.querySelectorAll(kind)].filter(
                e => !(e.checkVisibility() && (e.innerText ?? e.textContent).trim()
                       && e.getBoundingClientRect().width > 0)).length""",
            kind,
        )
        assert empty == 0, kind
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
