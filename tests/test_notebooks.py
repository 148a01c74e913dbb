"""Every page as a notebook and as Markdown, and some of the notebooks run.

NOTEBOOKS=all runs each of them, NOTEBOOKS=part/stem one. A cell may show more than its
page: the value of its last line.
"""

import os
import re
import sys
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from pageproof.compare import same_text
from pageproof.ipynb import MAGIC, Site, notebook
from pageproof.plain import plain
from pageproof.reading import Reader

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs/en"
PATHS = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path
    for path in sorted(DOCS.rglob("*"))
    if path.suffix in (".md", ".py")  # a page, a lab
}
STEMS = list(PATHS)
WITHOUT_BLOCKS = {stem for stem in STEMS if stem.startswith("reference/")}
SAMPLE = [  # quick ones
    "tools/autograd_errors",  # errors, figures, and what another page teaches
    "tools/custom_gradients",  # a warning, figures
    "optimisation/accumulation_ddp",  # a shell, processes that a module starts
    "labs/newton_lab",  # a lab
]
ASKED = os.environ.get("NOTEBOOKS", "")
RUN = [s for s in STEMS if s not in WITHOUT_BLOCKS] if ASKED == "all" else SAMPLE
RUN = [ASKED] if ASKED in STEMS else RUN
SITE = Site(
    name="First Descent",
    address="https://example.org/course/en/",
    repository="https://example.org/repository",
    package="firstdescent",
)
FENCE = re.compile(r"^( *)(`{3,})(\w*)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)[^`\n]+?\1")
NOT_LEFT = ("--8<--", "{map}", "{ #", "{ .", "[^", "<!--", "!!! ", "??? ")


@cache
def reader():
    return Reader(ROOT / "mkdocs.yml")


@cache
def read(stem):
    return reader().read(PATHS[stem])


def uri(stem):
    return PATHS[stem].relative_to(DOCS).as_posix()


def written(stem):
    return nbformat.reads(notebook(read(stem), uri(stem), SITE), as_version=4)


def prose(markdown):
    return CODE.sub("", FENCE.sub("", markdown))


@pytest.mark.parametrize("stem", STEMS)
def test_a_page_with_blocks_is_a_notebook_of_them(stem):
    page = read(stem)
    if stem in WITHOUT_BLOCKS:
        assert notebook(page, uri(stem), SITE) is None
        return
    made = written(stem)
    nbformat.validate(made)
    ids = [cell.id for cell in made.cells]
    assert len(ids) == len(set(ids))
    code = [c for c in made.cells if c.cell_type == "code" and c.id != "setup-1"]
    for cell, block in zip(code, page.blocks, strict=True):
        source = MAGIC.get(block.language, "") + block.code.rstrip("\n")
        if block.figures:  # a `;` keeps Jupyter from showing a legend's name
            source, cell.source = (s.replace(";", "") for s in (source, cell.source))
        assert cell.source == source
        shown = block.output.text if block.output and not block.requires else ""
        parts = [o.get("text", "") for o in cell.outputs]
        parts += ["\n".join(o.get("traceback", [])) for o in cell.outputs]
        assert "".join(parts).split() == shown.split(), cell.id
        drawn = [o for o in cell.outputs if o.output_type == "display_data"]
        assert len(drawn) == len(block.figures)
    imports = any("firstdescent" in block.code for block in page.blocks)
    assert ("setup-1" in ids) == imports


@pytest.mark.parametrize("stem", STEMS)
def test_the_prose_of_a_notebook_has_no_mark_that_jupyter_does_not_know(stem):
    if stem in WITHOUT_BLOCKS:
        return
    text = [c.source for c in written(stem).cells if c.cell_type == "markdown"]
    for source in text:
        bare = prose(source)
        for mark in NOT_LEFT:
            assert mark not in bare, f"{mark} in {source!r}"
        for link in re.findall(r"\]\(([^)]+)\)", re.sub(r"\$[^$]*\$", "", bare)):
            assert re.match(r"https?://", link), link
        assert not source.startswith(" "), source
        formulas = re.findall(r"\$\$.+?\$\$", bare, re.DOTALL)
        assert not [formula for formula in formulas if "\n>" in formula]


@pytest.mark.parametrize("stem", STEMS)
def test_the_markdown_of_a_page_has_its_blocks_and_outputs_and_no_marks(stem):
    page = read(stem)
    text = plain(page, uri(stem), SITE)
    runs = {"python", "sh", "bash"}
    fences = [(m[3], m[4].split()) for m in FENCE.finditer(text)]
    assert [code for kind, code in fences if kind in runs] == [
        block.code.split() for block in page.blocks
    ]
    outputs = [block.output.text.split() for block in page.blocks if block.output]
    assert [code for kind, code in fences if kind == "text"] == outputs
    assert text.count("![") == page.text.count("![")
    bare = prose(text)
    for mark in ("--8<--", "{map}", "{ .", "<!--", "!!! ", "??? ", "](../", ".py)"):
        assert mark not in bare, mark
    assert set(re.findall(r"\{ #[\w-]+ \}", bare)) == set(
        re.findall(r"\{ #[\w-]+ \}", prose(page.text))
    )
    assert bare.count("<details>") == bare.count("</details>")
    assert bare.count("<details>") == len(re.findall(r"(?m)^ *[?!]{3}", page.text))


def run(made, folder, monkeypatch):
    """Run a notebook as its first reader would: in a new kernel and an empty folder."""
    tools = Path(sys.executable).parent
    for name, value in {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "IPYTHONDIR": str(folder / ".ipython"),
        "CUDA_VISIBLE_DEVICES": "",
    }.items():
        monkeypatch.setenv(name, value)
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(made, timeout=300, kernel_name="python3", resources=where).execute()


def said(cell, name):
    outputs = (o for o in cell.outputs if o.output_type == "stream" and o.name == name)
    return "".join(o.text for o in outputs)


def errors(cell):
    return [(o.ename, o.evalue) for o in cell.outputs if o.output_type == "error"]


def drawn(cell):
    shown = (o.data for o in cell.outputs if o.output_type == "display_data")
    return sum(any(kind.startswith("image/") for kind in data) for data in shown)


@pytest.mark.parametrize("stem", RUN)
def test_a_notebook_prints_warns_raises_and_draws_what_its_page_shows(
    stem, tmp_path, monkeypatch
):
    made = written(stem)
    run(made, tmp_path, monkeypatch)
    for cell, shown in zip(made.cells, written(stem).cells, strict=True):
        if cell.cell_type != "code" or cell.metadata.get("skip"):
            continue
        printed = [said(c, "stdout").rstrip("\n") for c in (shown, cell)]
        assert same_text(*printed, exact=False), cell.id
        assert errors(cell) == errors(shown), cell.id
        assert drawn(cell) == drawn(shown), cell.id
        for line in said(shown, "stderr").rstrip().split("\n"):
            assert line in said(cell, "stderr"), cell.id
        if not said(shown, "stderr") and not cell.source.startswith("%%"):
            assert not said(cell, "stderr"), cell.id
