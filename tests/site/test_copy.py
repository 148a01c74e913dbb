"""The button that copies a cell with the earlier cells it needs."""

import subprocess
import sys
from pathlib import Path

import pytest

from pageproof.needs import Sources, copies
from pageproof.reading import Reader

ROOT = Path(__file__).parents[2]
PAGE = "tools/autograd"
BUTTON = "button.pp-bring"
MARKED = ".pp-cell--needed"
SIZE = {"width": 1440, "height": 900}
ALLOWED = ["clipboard-read", "clipboard-write"]
OPEN = "document.querySelectorAll('details').forEach(fold => { fold.open = true })"


@pytest.fixture(scope="module")
def proven():
    """The blocks of the page, and what a copy of each brings along."""
    page = Reader(ROOT / "mkdocs.yml").read(ROOT / f"docs/en/{PAGE}.md")
    return page.blocks, copies(page, Sources(ROOT / "src"))


@pytest.fixture
def tab(visit, url):
    return visit(f"{url}en/{PAGE}/", viewport=SIZE, permissions=ALLOWED)


def copied(tab) -> str:
    return tab.evaluate("navigator.clipboard.readText()")


def marked(tab) -> list[int]:
    """Return the places of the cells that are marked as needed."""
    return tab.evaluate(
        """kind => [...document.querySelectorAll('.pp-cell')].flatMap(
            (cell, place) => cell.matches(kind) ? [place] : [])""",
        MARKED,
    )


def test_each_button_copies_the_cells_that_are_needed_and_its_own(tab, proven):
    blocks, found = proven
    assert len({len(some) for some in found if some is not None}) > 3
    tab.evaluate(OPEN)
    assert tab.locator(".pp-cell").count() == len(blocks)
    for place, some in enumerate(found):
        button = tab.locator(".pp-cell").nth(place).locator(BUTTON)
        assert button.count() == (some is not None)
        if some is None:
            continue
        more = f"blocks above: {len(some)}" if some else "nothing more"
        assert button.get_attribute("title") == f"Copy with what it needs ({more})"
        button.dispatch_event("click")
        codes = [blocks[i].code.strip("\n") for i in (*some, place)]
        assert copied(tab) == "\n\n\n".join(codes) + "\n"
    assert not tab.complaints


def test_outputs_and_shell_cells_have_none(visit, url, tab):
    tab.evaluate(OPEN)
    assert tab.locator(f".pp-output {BUTTON}").count() == 0
    shell = visit(f"{url}en/optimisation/accumulation_ddp/", viewport=SIZE)
    shell.evaluate(OPEN)
    cells = shell.locator(".pp-cell:has(.language-sh, .language-bash)")
    assert cells.count()
    assert cells.locator(BUTTON).count() == 0


def test_hovering_and_focusing_mark_the_cells_that_are_needed(tab, proven):
    _, found = proven
    place = max(range(len(found)), key=lambda i: len(found[i] or []))
    tab.evaluate(OPEN)
    button = tab.locator(".pp-cell").nth(place).locator(BUTTON)
    button.scroll_into_view_if_needed()
    assert marked(tab) == []
    button.hover()
    assert marked(tab) == found[place]
    tab.mouse.move(0, 0)
    assert marked(tab) == []
    button.focus()
    assert marked(tab) == found[place]
    button.blur()
    assert marked(tab) == []


def test_the_keyboard_reaches_it_and_what_it_copies_runs(tab, proven):
    blocks, found = proven
    place = next(i for i, some in enumerate(found) if len(some or []) > 1)
    tab.evaluate(OPEN)
    cell = tab.locator(".pp-cell").nth(place)
    cell.locator("button.pp-copy").focus()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.matches('.pp-bring')")
    tab.evaluate("navigator.clipboard.writeText('')")
    tab.keyboard.press("Enter")
    tab.wait_for_function("navigator.clipboard.readText().then(text => text.length)")
    code = copied(tab)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    outputs = [blocks[i].output for i in (*found[place], place)]
    assert done.stdout == "".join(output.text for output in outputs if output)


def test_the_theme_leaves_the_blocks_of_code_alone(tab):
    """It would lay out the whole page for each; the selector is the theme's own."""
    counted = tab.evaluate(
        """() => [document, document.querySelector('[data-md-component=content]')].map(
            node => node.querySelectorAll('pre:not(.mermaid) > code').length)"""
    )
    assert counted[0] > 20 and counted[1] == 0
    bundle = tab.evaluate(
        "fetch(document.querySelector('script[src*=bundle]').src).then(r => r.text())"
    )
    assert '"pre:not(.mermaid) > code",e)' in bundle
