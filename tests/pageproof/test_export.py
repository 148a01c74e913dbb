"""A page that has every kind of thing, as a notebook and as Markdown."""

import dataclasses
import json
import warnings
from pathlib import Path

import nbformat
import pytest

from pageproof.exports import ExportOptions, Exports, colab
from pageproof.ipynb import INSTALL, LABELS, Site, notebook
from pageproof.page import PageError
from pageproof.plain import llms, plain
from pageproof.reading import Reader

HERE = Path(__file__).parent
TEXT = (HERE / "everything.md.txt").read_text(encoding="utf-8")
LIBRARY = """\
# --8<-- [start:double]
def double(x):
    return 2 * x
    # --8<-- [end:double]
"""
SVG = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'
SITE = Site(
    name="Small",
    address="https://example.org/en/",
    repository="https://github.com/some/one",
    package="teach",
)
URI = "part/page.md"


@pytest.fixture
def read(project):
    """Read a page, with the files that it needs beside it."""
    project.write("src/teach.py", LIBRARY)
    for name in ("one", "two"):
        project.write(f"docs/assets/figures/part/{name}.svg", SVG)

    def read(text=TEXT):
        path = project.page(text)
        return Reader(project.root / "mkdocs.yml").read(path)

    return read


@pytest.fixture
def cells(read):
    """The cells of the page's notebook."""
    return json.loads(notebook(read(), URI, SITE))["cells"]


def sources(cells, kind):
    return [cell["source"] for cell in cells if cell["cell_type"] == kind]


def cell(cells, start):
    """The only cell whose source begins so."""
    (found,) = (cell for cell in cells if cell["source"].startswith(start))
    return found


def said(cell):
    return [(o["name"], o["text"]) for o in cell["outputs"]]


def test_a_notebook_is_valid_and_always_the_same(read):
    text = notebook(read(), URI, SITE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nbformat.validate(json.loads(text))
    assert text == notebook(read(), URI, SITE)


def test_the_id_of_a_cell_says_its_section_and_stays_when_another_changes(read, cells):
    ids = [cell["id"] for cell in cells]
    assert len(ids) == len(set(ids))
    assert ids[:3] == ["all-1", "setup-1", "all-2"] and ids[-1] == "notes-1"
    longer = TEXT.replace("Two figures:", "Two:\n\n```python\nx = 1\n```\n\nfigures:")
    more = [c["id"] for c in json.loads(notebook(read(longer), URI, SITE))["cells"]]
    assert [i for i in more if i.startswith("fails")] == [
        i for i in ids if i.startswith("fails")
    ]


def test_blocks_become_code_cells_in_order_and_shell_blocks_magic(cells):
    code = sources(cells, "code")
    assert code[1:] == [
        "def double(x):\n    return 2 * x",
        "import teach\n\nprint(double(3))",
        "plt.plot([double(1)])\nplt.legend();  # said",
        "def f():\n\n    return 1",
        'print("in a list")',
        'print("ValueError comes")\nraise ValueError("of two\\nlines")',
        'print("before")\nwarn("look")',
        "print(torch.cuda)",
        "train()",
        "%%bash -euo pipefail\necho one",
    ]


def test_the_first_code_cell_installs_what_the_page_imports(cells, read):
    wanted = 'import teach\nexcept ModuleNotFoundError:\n    %pip install -q "git+'
    assert wanted + 'https://github.com/some/one"' in sources(cells, "code")[0]
    without = TEXT.replace("import teach\n\n", "import teacher\n\n")
    assert "setup" not in notebook(read(without), URI, SITE)


def test_without_a_repository_the_first_cell_says_what_to_do(read):
    site = dataclasses.replace(SITE, repository="", package="no_such_package")
    page = read(TEXT.replace("import teach\n", "import no_such_package\n"))
    code = sources(json.loads(notebook(page, URI, site))["cells"], "code")[0]
    with pytest.raises(ModuleNotFoundError, match="install it from a clone"):
        exec(code, {})
    assert "{package}" in INSTALL and "git+" not in code


def test_prose_is_what_jupyter_renders(cells):
    first = sources(cells, "markdown")[0]
    assert first == (
        "# All kinds\n\n*A page of [Small](https://example.org/en/part/page/), as a "
        "notebook.*\n\nYou need [another](https://example.org/en/other/page/#there), "
        "[a section](https://example.org/en/part/page/#boxes), "
        "[home](https://example.org/en/) and [elsewhere](https://example.com/a). "
        "A formula $x_{[1](y)}$, a price of 5 \\$, code `[^a]{ .b }`, a name `lr`."
        "<sup>[1]</sup> And `<!--` stays."
    )


def test_boxes_are_quotations_with_formulas_on_one_line(cells):
    wanted = "> **Open**\n>\n> Beware of\n>\n> $$ a = b \\\\ c > d $$"
    answer = (
        "> **Answer**\n>\n> First. See [above](https://example.org/en/part/page/#all)"
    )
    box = cell(cells, "## Boxes")["source"]
    assert box == f"## Boxes\n\n{wanted}\n\n{answer}.<sup>[2]</sup>"
    assert cell(cells, "> - an item")["source"].startswith(
        "> - an item\n>\n> Then.\n\n1. A list"
    )


def test_what_follows_a_block_in_a_list_is_no_code_and_tables_and_fences_stay(cells):
    rest = cell(cells, "and its end.")["source"]
    assert rest.startswith("and its end.<sup>[1]</sup>\n\n2. Second\n\n| a | b |\n")
    assert "$ pip install something  # [^two] <!-- no note -->" in rest
    assert rest.endswith("## What fails")


def test_notes_come_last_in_the_order_of_their_mention(cells):
    assert cells[-1]["source"] == (
        "## Notes\n\n1. Two.\n"
        "2. One, *A book*, see [another](https://example.org/en/other/page/)."
    )


def test_figures_are_recorded_with_what_is_to_be_seen(cells):
    stream, *figures = cell(cells, "plt.plot")["outputs"]
    assert (stream["name"], stream["text"]) == ("stdout", "drawn\n")
    assert [f["data"]["text/plain"] for f in figures] == ["A line", "Another line"]
    assert all(f["data"]["image/svg+xml"].startswith("<svg") for f in figures)


def test_an_error_is_an_error_and_a_warning_is_on_stderr(cells):
    failing = cell(cells, 'print("ValueError')
    stream, error = failing["outputs"]
    assert stream["text"] == "ValueError comes\n"
    assert (error["ename"], error["evalue"]) == ("ValueError", "of two\nlines")
    assert error["traceback"] == ["ValueError: of two", "lines"]
    assert failing["metadata"]["tags"] == ["raises-exception"]
    assert said(cell(cells, 'print("before")')) == [
        ("stdout", "before\n"),
        ("stderr", "UserWarning: look\n"),
    ]


def test_blocks_that_do_not_run_everywhere_say_why_and_have_no_output(cells):
    for start, why in (
        ("print(torch", LABELS["requires"]),
        ("train()", "takes a day"),
    ):
        block = cell(cells, start)
        assert block["outputs"] == []
        assert "skip-execution" in block["metadata"]["tags"]
        assert block["metadata"]["skip"] == why


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ValueError: of two", "TypeErrr: of two", r"page\.md:\d+: expected a line"),
        ("UserWarning: look", "UserWarned: look", r"page\.md:\d+: expected a line"),
        ("part/two.svg", "part/three.svg", r"page\.md:38: no figure three\.svg"),
    ],
)
def test_an_output_that_cannot_be_exported_is_named_by_its_line(
    read, old, new, message
):
    with pytest.raises(PageError, match=message):
        notebook(read(TEXT.replace(old, new)), URI, SITE)


def test_a_page_without_blocks_has_no_notebook(read):
    assert notebook(read("# A title { #a }\n\nText.\n"), URI, SITE) is None


def test_the_markdown_has_all_that_the_page_shows(read):
    text = plain(read(), URI, SITE)
    assert text.startswith(
        '---\ntitle: "All kinds"\n'
        'description: "A page that has every kind of thing."\n'
        'url: "https://example.org/en/part/page/"\n---\n\n# All kinds { #all }\n'
    )
    for piece in (
        "[another](https://example.org/en/other/page.md#there), [a section](#boxes), "
        "[home](https://example.org/en/index.md)",
        "a name `lr`.[^two] And `<!--` stays.",
        "```python\ndef double(x):\n    return 2 * x\n```",
        "print(double(3))\n```\n\n```text\n6\n```\n\nTwo figures:",
        "![A line](https://example.org/en/assets/figures/part/one.svg)\n\n![Another",
        "<summary>Answer</summary>\n\nFirst. See [above](#all).[^one]\n\n```python\n",
        "- an item\n\nThen.\n\n</details>\n\n1. A list\n\n    ```python\n    print(",
        "    ```text\n    in a list\n    ```\n\n    and its end.",
        "```text\nValueError comes\nValueError: of two\nlines\n```",
        "# [^two] <!-- no note -->",
        "[^two]: Two.",
    ):
        assert piece in text, piece
    assert "pytest" not in text and "--8<--" not in text


def test_llms_txt_names_the_pages_in_their_groups():
    page = ("Title", "https://example.org/a.md", "What it is.")
    bare = ("Bare", "https://example.org/b.md", "")
    assert llms("Site", "About.", "More.", groups=[("", [bare]), ("One", [page])]) == (
        "# Site\n\n> About.\n\nMore.\n\n- [Bare](https://example.org/b.md)\n\n"
        "## One\n\n- [Title](https://example.org/a.md): What it is.\n"
    )


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/some/one", "https://x.org/github/some/one/blob/b/en/a"),
        (
            "https://github.com/some/one.git",
            "https://x.org/github/some/one/blob/b/en/a",
        ),
        ("https://gitlab.com/some/one", None),
        ("", None),
    ],
)
def test_colab_opens_notebooks_from_a_branch_on_github_alone(repository, address):
    options = ExportOptions()
    options.load_dict({"opens": "https://x.org/github/", "branch": "b"})
    site = dataclasses.replace(SITE, repository=repository)
    assert colab(options, site, "en/a") == address


def test_an_export_is_made_again_only_if_its_page_or_a_figure_changed(
    read, project, monkeypatch
):
    made = []
    monkeypatch.setattr(
        "pageproof.exports.notebook", lambda *args: made.append(args) or "{}"
    )
    exports = Exports()
    exports.site = SITE
    for _ in range(2):
        exports.of(read(), URI)
    assert len(made) == 1
    exports.of(read(TEXT.replace("Beware", "Think")), URI)
    project.write("docs/assets/figures/part/one.svg", SVG + "\n")
    exports.of(read(TEXT.replace("Beware", "Think")), URI)
    assert len(made) == 3
