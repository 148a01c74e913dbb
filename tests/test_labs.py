"""The labs: their records fit, their cells a phone, their words the house style."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from mkdocs.config import load_config

from pageproof.page import Page
from pageproof.reading import Reader

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs/en"
LABS = sorted(path.stem for path in DOCS.glob("labs/*.py"))
ALLOWED = {"firstdescent", "torch", "matplotlib", *sys.stdlib_module_names}


@cache
def lab(name: str) -> Page:
    return Reader(ROOT / "mkdocs.yml").read(DOCS / f"labs/{name}.py")


def prose(name: str) -> str:
    cells = [cell for cell in lab(name).lab.script.cells if cell.prose]
    return "\n\n".join("\n".join(cell.text) for cell in cells)


@cache
def nav() -> dict[str, list[str]]:
    entries = load_config(str(ROOT / "mkdocs.yml"), plugins=[], hooks=[]).nav
    return {name: pages for entry in entries for name, pages in entry.items()}


def test_the_labs_stand_together_between_the_last_part_and_the_reference():
    assert sorted(nav()["Labs"]) == [f"labs/{name}.py" for name in LABS]
    assert list(nav())[-3:] == ["From linear to deep", "Labs", "Reference"]


@pytest.mark.parametrize("name", LABS)
def test_the_record_of_a_lab_is_of_its_cells_and_of_the_modules_that_stand_here(name):
    assert lab(name).lab.stale is None


def test_no_record_stands_without_its_lab():
    assert sorted(path.stem for path in DOCS.parent.glob("labs/*")) == LABS


@pytest.mark.parametrize("name", LABS)
def test_a_lab_says_what_it_is_about_and_which_pages_it_needs(name):
    meta = lab(name).meta
    assert 50 <= len(meta["description"]) <= 160
    links = re.findall(r"\]\(\.\./(\w+/\w+)\.md", prose(name))
    assert meta["needs"] and set(meta["needs"]) <= set(links)
    assert all((DOCS / f"{page}.md").is_file() for page in meta["needs"])


@pytest.mark.parametrize("name", LABS)
def test_every_heading_of_a_lab_has_its_anchor(name):
    headings = re.findall(r"^#+ .*$", prose(name), re.MULTILINE)
    anchors = [re.search(r"\{ #([\w-]+) \}$", heading) for heading in headings]
    assert all(anchors), headings
    names = [anchor[1] for anchor in anchors]
    assert names[0] == name and len(set(names)) == len(names)


@pytest.mark.parametrize("name", LABS)
def test_a_cell_and_its_output_fit_a_phone(name):
    blocks = lab(name).blocks
    assert 8 <= len(blocks) <= 16
    for block in blocks:
        lines = block.code.rstrip("\n").split("\n")
        assert len(lines) <= 24 and max(map(len, lines)) <= 84, block.code
        shown = block.output.text.split("\n") if block.output else [""]
        assert max(map(len, shown)) <= 42, block.output


@pytest.mark.parametrize("name", LABS)
def test_a_lab_imports_what_a_reader_has(name):
    for block in lab(name).blocks:
        for node in ast.walk(ast.parse(block.code)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module]
            assert {name.split(".")[0] for name in names} <= ALLOWED


@pytest.mark.parametrize("name", LABS)
def test_no_word_of_a_lab_tells_a_reader_that_it_is_easy(name):
    text = re.sub(r"`[^`]*`", "", prose(name))
    assert not re.findall(r"\b(simply|obviously|just|of course|trivial\w*)\b", text)


@pytest.mark.parametrize("name", LABS)
def test_every_footnote_of_a_lab_is_cited_and_every_citation_has_one(name):
    notes = re.findall(r"^\[\^([\w-]+)\]: .*\d{4}", prose(name), re.MULTILINE)
    cited = re.findall(r"\[\^([\w-]+)\](?!:)", prose(name))
    assert sorted(notes) == sorted(set(cited))
