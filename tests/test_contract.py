"""Code, pages and navigation agree: each page has its module, its test, its figures."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from mkdocs.config import load_config
from mkdocs.utils import meta

from pageproof import verified
from pageproof.reading import Reader

ROOT = Path(__file__).parents[1]
SRC, DOCS = ROOT / "src/firstdescent", ROOT / "docs"
FIGURES = DOCS / "assets/figures"
REGION = re.compile(r"^\s*# --8<-- \[(start|end):(\w+)\]$", re.MULTILINE)
INCLUDE = re.compile(r'^\s*--8<-- "src/firstdescent/([\w/]+)\.py:(\w+)"$', re.MULTILINE)
FOLDED = re.compile(r"^\?\?\? .*\n(?:(?:    .*)?\n)+", re.MULTILINE)
FENCE = re.compile(r"^( *)(`{3,})(\w*)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)


@cache
def stems() -> list[str]:
    """The teaching pages, `part/stem`, in the order of the navigation."""
    nav = load_config(str(ROOT / "mkdocs.yml"), plugins=[], hooks=[]).nav
    parts = [
        pages for entry in nav for pages in entry.values() if isinstance(pages, list)
    ]
    listed = [page.removesuffix(".md") for pages in parts for page in pages]
    return [stem for stem in listed if not stem.startswith(("labs/", "reference/"))]


def page(stem: str) -> str:
    return (DOCS / f"en/{stem}.md").read_text(encoding="utf-8")


def prose(stem: str) -> str:
    return re.sub(r"`[^`]*`", "", FENCE.sub("", page(stem)))


def modules() -> list[Path]:
    return sorted(p for p in SRC.rglob("*.py") if p.name != "__init__.py")


def module(path: Path) -> str:
    return path.relative_to(SRC).with_suffix("").as_posix()


def taught(path: Path) -> str:
    """The page of a module: `part/stem`, also for the drawings `part/figures/stem`."""
    return module(path).replace("/figures/", "/")


def public(path: Path) -> list[ast.stmt]:
    """The public definitions of a module: functions, classes and named values."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        name = getattr(node, "name", None)
        if isinstance(node, ast.Assign):
            name = getattr(node.targets[0], "id", None)
        if name and not name.startswith("_"):
            node.name = name
            found.append(node)
    return found


def test_every_page_stands_in_the_navigation():
    found = {p.relative_to(DOCS / "en").as_posix() for p in DOCS.glob("en/*/*.md")}
    pages = {page for page in found if not page.startswith("reference/")}
    assert pages == {f"{stem}.md" for stem in stems()}


@pytest.mark.parametrize("stem", stems())
def test_a_page_has_its_module_and_its_test(stem):
    part, name = stem.split("/")
    assert (SRC / f"{stem}.py").is_file()
    assert (ROOT / f"tests/{part}/test_{name}.py").is_file()


@pytest.mark.parametrize("path", modules(), ids=module)
def test_a_module_belongs_to_a_page(path):
    assert taught(path) in stems()


@pytest.mark.parametrize("path", modules(), ids=module)
def test_each_public_definition_is_one_region_of_its_name(path):
    text = path.read_text(encoding="utf-8")
    marks = REGION.findall(text)
    names = [node.name for node in public(path)]
    assert marks == [(kind, name) for name in names for kind in ("start", "end")]
    for node in public(path):
        inside = text.split(f"[start:{node.name}]")[1].split(f"[end:{node.name}]")[0]
        assert ast.get_source_segment(text, node) in inside


@pytest.mark.parametrize("path", modules(), ids=module)
def test_each_public_definition_is_shown_on_its_page(path):
    included = INCLUDE.findall(page(taught(path)))
    shown = {name for source, name in included if source == module(path)}
    assert {node.name for node in public(path)} == shown


@pytest.mark.parametrize("path", modules(), ids=module)
def test_a_module_imports_only_what_earlier_pages_teach(path):
    order, here = stems(), module(path)
    drawing = here != taught(path)
    allowed = {*sys.stdlib_module_names, "torch"}
    if drawing:
        allowed |= {"matplotlib", "numpy"}
    elif here == "tools/loader_workers":  # how workers seed NumPy's generator
        allowed |= {"numpy"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            top, *rest = name.split(".")
            if top != "firstdescent":
                assert top in allowed, f"{here} imports {name}"
            else:
                last = order.index(taught(path)) - (not drawing)
                assert order.index("/".join(rest)) <= last


@pytest.mark.parametrize("path", modules(), ids=module)
def test_a_module_neither_prints_nor_asserts_nor_changes_a_global(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Assert)
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "open", "torch.manual_seed")
            assert not called.startswith(("torch.set_", "torch.random."))


@pytest.mark.parametrize("path", modules(), ids=module)
def test_each_public_definition_documents_its_shapes(path):
    for node in public(path):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            doc = ast.get_docstring(node)
            assert doc, f"{node.name} has no docstring"
            if "Tensor" in ast.unparse(node).replace(doc, ""):
                assert "Shapes:" in doc, f"{node.name}: Shapes"
            if "raise " in ast.unparse(node):
                assert "Raises:" in doc, f"{node.name}: Raises"


@pytest.mark.parametrize("stem", stems())
def test_front_matter_describes_the_page_and_what_it_needs(stem):
    _, data = meta.get_data(page(stem))
    assert 50 <= len(data["description"]) <= 160
    earlier = stems()[: stems().index(stem)]
    assert set(data["needs"]) <= set(earlier)
    links = re.findall(r"\]\(\.\./(\w+/\w+)\.md", page(stem).split("You need")[1][:400])
    assert set(data["needs"]) <= set(links)


@pytest.mark.parametrize("stem", stems())
def test_every_heading_has_its_anchor(stem):
    headings = re.findall(r"^#+ .*$", FENCE.sub("", page(stem)), re.MULTILINE)
    anchors = [re.search(r"\{ #([\w-]+) \}$", heading) for heading in headings]
    assert all(anchors), headings
    names = [anchor[1] for anchor in anchors]
    assert len(set(names)) == len(names)
    assert names[0] == stem.split("/")[1]
    assert names[-2:] == ["in-short", "exercises"]


@pytest.mark.parametrize("stem", stems())
def test_a_page_can_be_read_at_one_sitting(stem):
    """Outputs, folded boxes, notes and blank lines aside."""
    text = FOLDED.sub("", page(stem).partition("\n---\n")[2])
    text = re.sub(r"<!--.*?-->\n```text\n.*?\n```\n", "", text, flags=re.DOTALL)
    lines = [line for line in text.split("\n") if line.strip() and line[:2] != "[^"]
    assert len(lines) <= 250


@pytest.mark.parametrize("stem", stems())
def test_a_block_fits_a_phone(stem):
    for _, _, language, code in FENCE.findall(page(stem)):
        if language == "python":
            assert max(map(len, code.split("\n"))) <= 84
            assert code.count("\n") <= 24, code


@pytest.mark.parametrize("stem", stems())
def test_every_exercise_has_an_answer_that_runs(stem):
    exercises = page(stem).split("{ #exercises }")[1]
    asked = re.findall(r"^\d\. ", exercises, re.MULTILINE)
    answers = exercises.split("??? success")[1:]
    assert 2 <= len(asked) == len(answers) <= 4
    assert all("```python" in answer for answer in answers)


@pytest.mark.parametrize("stem", stems())
def test_no_word_that_tells_a_reader_it_is_easy(stem):
    words = re.findall(r"\b(simply|obviously|just|of course|trivial\w*)\b", prose(stem))
    assert words == []


@pytest.mark.parametrize("stem", stems())
def test_every_footnote_is_cited_and_every_citation_has_one(stem):
    notes = re.findall(r"^\[\^([\w-]+)\]: .*\d{4}", page(stem), re.MULTILINE)
    cited = re.findall(r"\[\^([\w-]+)\](?!:)", page(stem))
    assert sorted(notes) == sorted(set(cited))
    below = re.split(r"^(?=\[\^)", page(stem), maxsplit=1, flags=re.MULTILINE)[1:]
    lines = [line for text in below for line in text.split("\n") if line]
    assert all(line.startswith("[^") for line in lines), "what follows joins the note"


def test_every_recorded_figure_is_shown_and_has_its_twin():
    shown = set()
    for path in [*DOCS.glob("en/**/*.md"), *DOCS.glob("en/labs/*.py")]:
        links = re.findall(
            r"\]\((?:\.\./)?assets/figures/([\w/]+)\.svg\)", path.read_text()
        )
        shown |= {f"{link}{kind}.svg" for link in links for kind in ("", ".dark")}
    recorded = {p.relative_to(FIGURES).as_posix() for p in FIGURES.rglob("*.*")}
    assert recorded == shown


def test_one_figure_stays_light_enough_to_load_on_a_phone():
    heavy = [p.name for p in FIGURES.rglob("*.svg") if p.stat().st_size > 150_000]
    assert heavy == []


def test_the_cpu_ran_each_page_that_has_blocks_with_the_versions_that_are_pinned():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w-]+)==(.+)$", text, re.MULTILINE))
    record = verified.read(DOCS / "verified/cpu.yml")
    for run in record.runs.values():
        assert {name: run[name] for name in verified.PACKAGES} == {
            name: pins[name] for name in verified.PACKAGES
        }
    reader = Reader(ROOT / "mkdocs.yml")
    paths = [path for path in DOCS.glob("*/**/*") if path.suffix in (".md", ".py")]
    pages = [path for path in paths if path.is_relative_to(DOCS / "en")]
    with_blocks = {path for path in pages if reader.read(path).blocks}
    assert {DOCS / page for page in record.pages} == with_blocks


def test_the_readme_names_a_block_that_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    reader = Reader(ROOT / "mkdocs.yml")
    named = re.findall(r'"(docs/[\w/]+\.md)::line (\d+)"', text)
    assert named
    for path, line in named:
        assert int(line) in [block.line for block in reader.read(ROOT / path).blocks]
