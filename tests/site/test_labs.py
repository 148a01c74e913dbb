"""The pages of the labs in the built site: they are like every other page."""

import gzip
import html
import re
from pathlib import Path

import pytest

from pageproof.reading import Reader

ROOT = Path(__file__).parents[2]
LABS = sorted(path.stem for path in (ROOT / "docs/en/labs").glob("*.py"))
SHOWN = re.compile(
    r'<div class="pp-cell(?: [\w-]+)*".*?<code>(?P<code>.*?)</code></pre></div>'
    r'(?:<div class="pp-output [^>]*>.*?<code>(?P<output>.*?)</code></pre></div>)?'
    r'<p class="pp-ran"',
    re.DOTALL,
)


def text(marked: str | None) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", marked or ""))


def weight(path: Path) -> int:
    return len(gzip.compress(path.read_bytes()))


@pytest.mark.parametrize("name", LABS)
def test_a_lab_shows_each_cell_with_the_output_that_is_recorded(built, name):
    page = (built / f"en/labs/{name}/index.html").read_text("utf-8")
    blocks = Reader(ROOT / "mkdocs.yml").read(ROOT / f"docs/en/labs/{name}.py").blocks
    shown = [(text(m["code"]), text(m["output"])) for m in SHOWN.finditer(page)]
    recorded = [(b.code, b.output.text if b.output else "") for b in blocks]
    assert shown == recorded


@pytest.mark.parametrize("name", LABS)
def test_a_lab_loads_what_every_page_loads(built, name):
    """No style, script or widget of mkdocs-jupyter's: the same files, by name."""

    def loaded(page: str) -> set[str]:
        source = (built / f"en/{page}/index.html").read_text("utf-8")
        assert not re.search(r"<style|jp-|jupyter|require\.js|mermaid", source)
        found = re.findall(r"<(?:script|link)[^>]*(?:src|href)=\"([^\"]*)", source)
        return {link for link in found if link.endswith((".css", ".js"))}

    assert loaded(f"labs/{name}") == loaded("optimisation/gd_vs_newton")


@pytest.mark.parametrize("name", LABS)
def test_a_lab_is_no_heavier_than_the_heaviest_page(built, name):
    pages = [p for p in built.glob("en/*/*/index.html") if p.parts[-3] != "labs"]
    assert weight(built / f"en/labs/{name}/index.html") <= max(map(weight, pages))


@pytest.mark.parametrize("name", LABS)
def test_the_contents_of_a_lab_lead_to_its_headings(built, name):
    page = (built / f"en/labs/{name}/index.html").read_text("utf-8")
    headings = re.findall(r'<h2 id="([^"]+)"', page)
    side = page.split('data-md-component="toc"')[-1].split("</nav>")[0]
    assert headings and re.findall(r'href="#([^"]+)"', side) == headings


def test_the_source_of_a_lab_is_no_file_of_the_site(built):
    assert not list(built.rglob("*.py"))
