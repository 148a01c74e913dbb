"""A lab is a page: its faults are caught, and its record is what its cells print."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pageproof.page import PageError
from pageproof.reading import Reader

# "IMPORT" keeps tools from reading this text as imports of this file.
GOOD = """\
# ---
# description: A lab.
# needs: []
# ---

# %% [markdown]
# # Play { #good }
#
# Prose with `# %%` in it.

# %%
IMPORT matplotlib.pyplot as plt

from tool.twice import double

x = 3
print(double(x))  # 6
plt.plot([0, double(x)])

# %% [markdown]
# ![A line](../assets/figures/labs/NAME/line.svg)
#
# !!! note
#
#     More prose.

# %% raises="ValueError"
double(-1)

# %%
y = 1

# %%
print("über", y)
print()
print("end")

# %% skip="for later"
1 / 0
""".replace("IMPORT", "import")
FILES = {
    "src/tool/__init__.py": "",
    "src/tool/twice.py": "from .check import positive\n\n\n"
    "def double(x):\n    return 2 * positive(x)\n",
    "src/tool/check.py": "from data import words\n\n\ndef positive(x):\n"
    "    if x < 0:\n        raise ValueError(words.NO)\n    return x\n",
    "src/data/__init__.py": "",
    "src/data/words.py": "NO = 'negative'\n",
    "src/data/table.csv": "1,2\n",
    "src/other.py": "",
}
LAB, RECORD = "docs/en/labs/good.py", "docs/labs/good.json"
FIGURE = "docs/assets/figures/labs/good/line.svg"
PRINTED = [["6"], ["ValueError: negative"], [], ["über 1", "", "end"], []]


def written(project, name: str = "good", text: str = GOOD) -> Path:
    return project.write(f"docs/en/labs/{name}.py", text.replace("NAME", name))


def run(project, *arguments: str):
    path = os.pathsep.join(
        [str(project.root / "src"), os.environ.get("PYTHONPATH", "")]
    )
    return project.run(*arguments, "-q", env={**os.environ, "PYTHONPATH": path})


@pytest.fixture(scope="module")
def recorded(module_project):
    """A project with a good lab, recorded by `--update`; not to be changed."""
    for path, text in FILES.items():
        module_project.write(path, text)
    written(module_project)
    module_project.updated = run(module_project, "--update")
    assert module_project.updated.status == 0, module_project.updated.text
    return module_project


@pytest.fixture
def copy(recorded, tmp_path):
    """The root of a copy of that project."""
    return Path(shutil.copytree(recorded.root, tmp_path / "copy"))


def read(root: Path):
    return Reader(root / "mkdocs.yml").read(root / LAB)


def changed(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text(encoding="utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(at: str, text: str) -> int:
    """The line on which the first word of `at` stands."""
    start = text.index(at) + len(at) - len(at.lstrip("\n"))
    return text.count("\n", 0, start) + 1


def test_update_records_what_each_cell_printed(recorded):
    cells = json.loads((recorded.root / RECORD).read_text("utf-8"))["cells"]
    assert [cell["output"] for cell in cells] == PRINTED
    for name in (RECORD, "docs/assets/figures/labs/good/line.dark.svg"):
        assert name in recorded.updated.text


def test_a_lab_is_the_page_that_its_cells_make(recorded):
    page = read(recorded.root)
    assert page.lab.markdown.startswith("---\ndescription: A lab.\nneeds: []\n---\n")
    assert page.meta == {"description": "A lab.", "needs": []}
    marker = "<!--pytest-codeblocks:expected-output-->"
    assert (
        "plt.plot([0, double(x)])\n```\n\n"
        f"{marker}\n```text\n6\n```\n\n"
        "![A line](../assets/figures/labs/good/line.svg)\n\n"
        "!!! note\n\n    More prose.\n\n"
        "<!--pytest.mark.raises(ValueError)-->\n```python\ndouble(-1)\n```\n\n"
        f"{marker}\n```text\nValueError: negative\n```\n\n"
        "```python\ny = 1\n```\n\n"
    ) in page.text


def test_the_blocks_of_a_lab_name_the_lines_of_the_script(recorded):
    page, lines = read(recorded.root), GOOD.split("\n")
    places = [place.line for block in page.blocks for place in block.places[1:]]
    code = [line for block in page.blocks for line in block.code.splitlines()]
    assert [lines[number - 1] for number in places] == code
    assert [lines[b.line - 1][:4] for b in page.blocks] == ["# %%"] * 5
    figure = page.blocks[0].figures[0]
    assert "![A line]" in lines[figure.line - 1]
    assert page.blocks[1].raises == "ValueError"


def test_the_record_is_for_all_languages(recorded, copy):
    (copy / "docs/zh/labs").mkdir(parents=True)
    chinese = copy / "docs/zh/labs/good.py"
    text = (copy / LAB).read_text("utf-8").replace("More prose", "更多")
    chinese.write_text(text, encoding="utf-8")
    page = Reader(copy / "mkdocs.yml").read(chinese)
    assert page.lab.stale is None
    assert page.lab.outputs == read(copy).lab.outputs


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in the lab; the error names the line of `at`."""

    old: str
    new: str
    at: str
    says: str


EXPECTED = "expected # %%, # %% [markdown] or"
FAULTS = {
    "no header": Fault(GOOD[: GOOD.index("\n\n")], "", "", "expected a header"),
    "header never closed": Fault("# ---\n\n", "\n", "# ---", "expected a header"),
    "header not commented": Fault("# needs", "needs", "needs", "expected a comment"),
    "header not YAML": Fault("A lab.", "[", "# needs", "not YAML"),
    "header is no mapping": Fault(
        "# description: A lab.\n# needs: []", "# words", "# ---", "name: value"
    ),
    "no title": Fault("# # Play { #good }\n#\n", "", "# %% [markdown]", "the title"),
    "code before the title": Fault(
        "# %% [markdown]\n# # Play",
        "# %%\nx = 1\n\n# %% [markdown]\n# # Play",
        "# %%",
        "the title",
    ),
    "no cell": Fault(GOOD[GOOD.index("# %%") :], "", "", "the title"),
    "text above the first cell": Fault(
        "\n# %% [", "\nx = 1\n# %% [", "x = 1", "above it"
    ),
    "prose not commented": Fault("#     More", "    More", "    More", "a comment"),
    "blank line in prose": Fault("# ![A", "# A\n \n# ![A", " \n# ![A", "a comment"),
    "unknown option": Fault("raises=", "raise=", "# %% raise=", "one of raises, warns"),
    "option without quotes": Fault(
        '"ValueError"', "ValueError", "# %% raises", EXPECTED
    ),
    "option with the wrong quotes": Fault(
        '"ValueError"', "'ValueError'", "# %% r", EXPECTED
    ),
    "option without a value": Fault('"ValueError"', '""', "# %% raises", "and why"),
    "option that is no name": Fault("ValueError", "1 + 1", "# %% raises", "raises("),
    "unknown device": Fault(
        'raises="ValueError"', 'requires="tpu"', "# %% req", "cuda"
    ),
    "option of prose": Fault(
        "# %% [markdown]\n# !",
        '# %% [markdown] skip="a"\n# !',
        "# %% [markdown] s",
        "prose",
    ),
    "another kind of cell": Fault("# %%\ny", "# %% [raw]\ny", "# %% [raw]", EXPECTED),
    "title behind the mark": Fault("# %%\ny", "# %% Name\ny", "# %% Name", EXPECTED),
    "no blank in the mark": Fault("# %%\ny", "#%%\ny", "#%%", EXPECTED),
    "cell without a text": Fault("y = 1\n", "", "# %%\n\n", "without a text"),
    "fence in prose": Fault(
        "# !!! note", "# ```python\n# 1\n# ```", "# ```p", "in prose"
    ),
    "output in prose": Fault(
        "# !!! note", "# ```text\n# 1\n# ```", "# ```t", "in prose"
    ),
    "mark in prose": Fault(
        "# !!! note", "# <!--pytest.mark.skip(reason='a')-->", "# <!--", "in prose"
    ),
    "not Python": Fault("y = 1", "y = = 1", "y = = 1", "SyntaxError"),
    "magic": Fault("y = 1", "y = 1\n# %matplotlib inline", "# %%\ny", "Jupyter reads"),
    "fence in code": Fault("y = 1", 'y = """\n```\n"""', "", "fence"),
    "figure not below its cell": Fault(
        "# ![A", "# So:\n#\n# ![A", "# ![A", "right after"
    ),
    "figure without a text": Fault("[A line]", "[]", "# ![]", "what is to be seen"),
    "tab": Fault("y = 1", "y =\t1", "y =\t1", "a tab"),
    "timed without a figure": Fault(
        "# %%\ny", '# %% timed="figure"\ny', "# %% timed", "a figure"
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_lab_that_is_not_of_the_format_is_refused_with_its_line(copy, name):
    fault = FAULTS[name]
    changed(copy, LAB, fault.old.replace("NAME", "good"), fault.new)
    with pytest.raises(PageError) as caught:
        read(copy)
    assert fault.says in str(caught.value)
    if fault.at:
        assert caught.value.line == line_of(fault.at, (copy / LAB).read_text("utf-8"))


CELL, GONE = "this cell has changed", "a cell below this one has gone"
LAST = '\n# %% skip="for later"\n1 / 0\n'
TWICE, CHECK = "src/tool/twice.py", "src/tool/check.py"
IMPORT = "from data import words"
# What changes where; the text on whose line the error is; what it says.
STALE = {
    "a cell": (LAB, "y = 1", "y = 2", "# %%\ny", CELL),
    "a comment in a cell": (LAB, "  # 6", "", "# %%\nimport", CELL),
    "an option": (LAB, '"ValueError"', '"Exception"', "# %% raises", CELL),
    "a cell more": (LAB, "# %%\ny", "# %%\nz = 1\n\n# %%\ny", "# %%\nz", CELL),
    "a cell less": (LAB, LAST, "", "# %%\nprint", GONE),
    "its module": (TWICE, "2 *", "3 *", "", f"{TWICE} has changed"),
    "a module's module": ("src/data/words.py", "neg", "n", "", "words.py has changed"),
    "data": ("src/data/table.csv", "1", "2", "", "src/data/table.csv has changed"),
    "an import": (CHECK, IMPORT, f"import other\n{IMPORT}", "", "src/other.py is new"),
    "no import": (CHECK, IMPORT, "words = ...", "", "is no longer imported"),
    "the record": (RECORD, '"files"', '"file"', "", f"{RECORD} is no record"),
    "its form": (RECORD, "{", "", "", f"{RECORD} is no record"),
}


@pytest.mark.parametrize("name", STALE)
def test_a_record_that_does_not_fit_says_what_changed_and_how_to_record(copy, name):
    path, old, new, at, says = STALE[name]
    changed(copy, path, old, new)
    stale = read(copy).lab.stale
    assert says in str(stale).replace(f"{copy}/", "")
    assert stale.line == line_of(at, (copy / LAB).read_text("utf-8"))
    assert "pytest --update" in str(stale)


def test_a_lab_without_a_record_says_so(copy):
    (copy / RECORD).unlink()
    assert "there is no record" in str(read(copy).lab.stale)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (LAB, "More prose", "Other prose"),
        (LAB, "# description: A lab", "# description: My lab"),
        ("src/other.py", "", "x = 1\n"),
    ],
)
def test_what_no_cell_uses_leaves_the_record_as_it_is(copy, path, old, new):
    changed(copy, path, old, new)
    assert read(copy).lab.stale is None


def test_a_changed_cell_has_no_output_and_the_others_keep_theirs(copy):
    changed(copy, LAB, "double(-1)", "double(-2)")
    assert [bool(output) for output in read(copy).lab.outputs] == [
        True,
        False,
        False,
        True,
        False,
    ]


# Faults that only a run finds.
SIX, ZERO = "the block prints\n  | 6", "ZeroDivisionError"
RUN = {
    "wrong_output": (RECORD, '"6"', '"7"', "# %%\nimport", SIX),
    "wrong_second_line": (RECORD, '"end"', '"and"', "# %%\nprint", "| end"),
    "output_gone": (RECORD, '"6"', "", "# %%\nimport", SIX),
    "raises_nothing": (LAB, "double(-1)", "double(1)", "# %% raises", "nothing was"),
    "fails": (LAB, "y = 1", "y = 1 / 0", "y = 1", ZERO),
    "stale": (LAB, "y = 1", "y = 1.0", "# %%\ny", CELL),
    "other_figure": (FIGURE, 'd="M ', 'd="M 9', "# ![A", "line.svg"),
    "no_file": (LAB, "More", "Much", "# ![A", "line.svg: is not recorded yet"),
    "no_figure": (LAB, "plt.plot", "# plt.plot", "# %%\nimport", "leaves 0 figures"),
}


@pytest.fixture(scope="module")
def outcome(recorded, tmp_path_factory):
    """One run over a lab for each fault, all recorded without it; and one update."""
    root = tmp_path_factory.mktemp("faults")
    shutil.copytree(recorded.root, root, dirs_exist_ok=True)
    project = type(recorded).__new__(type(recorded))
    project.root = root
    record = (root / RECORD).read_text("utf-8")
    figures = root / "docs/assets/figures/labs"
    for name, (path, old, new, *_) in RUN.items():
        written(project, name)
        project.write(RECORD.replace("good", name), record)
        shutil.copytree(figures / "good", figures / name)
        changed(root, path.replace("good", name), old, new)
    (figures / "no_file/line.svg").unlink()

    def records() -> dict[str, tuple]:
        paths = {name: root / RECORD.replace("good", name) for name in [*RUN, "good"]}
        return {
            n: (p.read_text("utf-8"), p.stat().st_mtime_ns) for n, p in paths.items()
        }

    faulty, before = run(project), records()
    updated, after = run(project, "--update"), records()
    return faulty, updated, before, after, root


@pytest.mark.parametrize("name", RUN)
def test_a_planted_fault_fails_the_run_and_names_lab_and_line(outcome, name):
    *_, at, says = RUN[name]
    faulty, updated, _, _, root = outcome
    said = faulty.said(f"labs/{name}.") + updated.said(f"labs/{name}.")
    lab = f"docs/en/labs/{name}.py"
    assert f"{lab}:{line_of(at, (root / lab).read_text('utf-8'))}:" in said
    assert says in said


def test_a_recorded_lab_passes_and_its_cells_are_items(outcome):
    faulty, *_ = outcome
    assert not faulty.said("labs/good.")
    labs, failed = len(RUN) + 1, sum(map(len, faulty.failures.values()))
    assert faulty.passed + failed == 4 * labs + 4  # one more for each stale record


def test_update_records_what_ran_and_leaves_the_record_of_a_lab_that_failed(outcome):
    _, updated, before, after, _ = outcome
    failed = {name for name in RUN if updated.said(f"labs/{name}.")}
    assert failed == {"raises_nothing", "fails", "no_figure"}
    same = {name for name in after if after[name] == before[name]}
    assert same == failed | {"good", "other_figure", "no_file"}
    for name in ("wrong_output", "wrong_second_line", "output_gone"):
        assert after[name][0] == after["good"][0]
    assert after["stale"][0] not in (before["stale"][0], after["good"][0])


def test_update_of_one_cell_records_nothing_and_says_so(recorded, copy):
    project = type(recorded).__new__(type(recorded))
    project.root = copy
    changed(copy, LAB, "y = 1", "y = 2")
    before = (copy / RECORD).read_text("utf-8")
    done = run(project, "--update", f"{LAB}::line 11")
    assert "not all cells were run" in done.text
    assert (copy / RECORD).read_text("utf-8") == before
