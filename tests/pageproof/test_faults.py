"""Plant a fault in a copy of a good page: the run fails and names page and line."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

MARK = "<!--pytest-codeblocks:expected-output-->"
PRINTS = f"{MARK}\n```text\n6.0\n3.142 pi\n```"
BLOCK = '```python\nprint(double(x))\nprint(round(math.pi, 3), "pi")\n```'
PLOT = 'axes.plot([0, 1, 2], [0, 2, 4], "--", label="double")'


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` on the page, or in another file; the error names `at`."""

    old: str
    new: str
    at: str
    file: str = "docs/en/part/NAME.md"
    says: str = ""


def around(block: str, before: str, indent: str = "    ") -> str:
    return before + re.sub("^(?=.)", indent, block, flags=re.MULTILINE)


SRC, LIGHT = "src/NAME.py", "docs/assets/figures/part/NAME/lines.svg"
DARK = LIGHT.replace(".svg", ".dark.svg")
WRONG = BLOCK + "\n\n" + PRINTS.replace("3.142", "3.143")

LANGUAGES = [
    "py",
    "Python",
    "python3",
    "pycon",
    " python",
    'python title="t"',
    "python hl_lines='1'",
    "{.python}",
    "{ .python .input }",
    "ipython",
    "pythn",
    "",
    "python linenums=1",
    ".python",
    "py3",
    "PYTHON",
]

FAULTS = {
    # outputs
    "wrong_digit": Fault("3.142 pi", "3.143 pi", "3.143 pi"),
    "missing_line": Fault("6.0\n3.142", "3.142", "3.142"),
    "extra_line": Fault("3.142 pi\n", "3.142 pi\n3.2 pi\n", "3.2 pi"),
    "blank_line_in_output": Fault("6.0\n3.142", "6.0\n\n3.142", "3.142"),
    "trailing_space": Fault("3.142 pi\n", "3.142 pi \n", "3.142 pi"),
    "no_output": Fault(PRINTS, "", "print(double(x))"),
    "empty_output": Fault("6.0\n3.142 pi\n", "", "print(double(x))"),
    "output_of_nothing": Fault("x = 3.0\n```", f"x = 3.0\n```\n\n{PRINTS}", "6.0"),
    "output_alone": Fault("A line of prose", "```text\nhm\n```\n\nA line", "```text"),
    "marker_alone": Fault("A line of prose", f"{MARK}\n\nA line of prose", MARK),
    "two_outputs": Fault("## A fig", f"{PRINTS}\n\n## A fig", MARK, says="second"),
    "marker_misspelled": Fault(
        MARK, "<!--pytest-codeblock:expected-output-->", "<!--p"
    ),
    "marker_spaced": Fault(
        MARK, "<!-- pytest-codeblocks:expected-output -->", "<!-- p"
    ),
    "marker_of_another_case": Fault(MARK, MARK.replace("e", "E"), "<!--p"),
    "marker_above_block": Fault(BLOCK, f"{MARK}\n{BLOCK}", MARK),
    "marker_in_a_line": Fault(PRINTS, f"It prints: {PRINTS}", "It prints"),
    "paragraph_before_marker": Fault(PRINTS, f"It prints\n\n{PRINTS}", MARK),
    "paragraph_before_output": Fault(MARK, f"{MARK}\n\nIt prints\n", MARK),
    "heading_before_output": Fault(PRINTS, f"## So\n\n{PRINTS}", MARK),
    "ignoring_white_space": Fault(MARK, MARK[:-3] + "-ignore-whitespace-->", "<!--p"),
    "console_as_output": Fault("```text\n6.0", "```console\n6.0", "```console"),
    "shell_output": Fault("    one\n", "    two\n", "    two"),
    "shell_fails": Fault("echo one", "false\n    echo one", "```sh"),
    "shell_unset_name": Fault("echo one", 'echo "$NOT_THERE"', "```sh"),
    # fences
    **{
        f"language_{i}": Fault(BLOCK, BLOCK.replace("python", other), f"```{other}")
        for i, other in enumerate(LANGUAGES)
    },
    "tildes": Fault(BLOCK, BLOCK.replace("```", "~~~"), "~~~python"),
    "four_backticks": Fault(
        BLOCK + "\n\n" + PRINTS, WRONG.replace("```", "````"), "3.143"
    ),
    "in_a_quotation": Fault(BLOCK, around(BLOCK, "", "> "), "> ```python"),
    "in_a_comment": Fault(BLOCK, f"<!--\n{BLOCK}\n-->", "<!--\n"),
    "in_an_admonition": Fault(
        BLOCK + "\n\n" + PRINTS, around(WRONG, "!!! note\n\n"), "3.143"
    ),
    "in_a_box": Fault(BLOCK + "\n\n" + PRINTS, around(WRONG, "??? note\n\n"), "3.143"),
    "in_a_tab": Fault(BLOCK + "\n\n" + PRINTS, around(WRONG, '=== "T"\n\n'), "3.143"),
    "in_a_list": Fault(BLOCK + "\n\n" + PRINTS, around(WRONG, "1. So:\n\n"), "3.143"),
    "in_a_list_below": Fault("    6.0\n    ```\n\n??", "    6.1\n    ```\n\n??", "6.1"),
    "in_the_answer": Fault("    7.0", "    7.1", "    7.1"),
    "indented": Fault(BLOCK + "\n\n" + PRINTS, around(WRONG, ""), "3.143"),
    "indented_unlike": Fault("x = 3.0\n```", "x = 3.0\n ```", "import math"),
    "unclosed": Fault("x = 3.0\n```", "x = 3.0\n", "import math"),
    "unclosed_last": Fault("$ pip install something\n```", "$ pip", "```console"),
    "unopened": Fault("```python\nimport math", "import math", "```"),
    "inline_ticks": Fault("A line", "```x``` A line", "```x```"),
    "html": Fault(
        BLOCK, '<pre><code class="language-python">f()</code></pre>', "<pre>"
    ),
    "script": Fault("A line", "<script>1</script>\n\nA line", "<script>"),
    # includes
    "no_file": Fault("src/NAME.py:double", "src/no.py:double", "src/no.py"),
    "no_region": Fault(":double", ":treble", ":treble"),
    "line_numbers": Fault(":double", ":1:3", ":1:3"),
    "no_quotes": Fault('"src/NAME.py:double"', "src/NAME.py:double", "--8<-- s"),
    "blank_after": Fault(':double"', ':double" ', ':double" '),
    "block_form": Fault(
        '--8<-- "src/NAME.py:double"', "--8<--\nsrc/NAME.py\n--8<--", "--8<"
    ),
    "no_end": Fault("    # --8<-- [end:double]\n", "", ":double", SRC),
    "no_start": Fault("# --8<-- [start:double]\n", "", ":double", SRC),
    "two_regions": Fault("half]", "double]", ":double", SRC),
    "changed_source": Fault("2 * x", "3 * x", "6.0", SRC),
    "broken_source": Fault("2 * x", "2 * z", "print(double(x))", SRC, "NameError"),
    "unparsable_source": Fault("2 * x", "2 * * x", ":double", SRC, "SyntaxError"),
    # code
    "no_import": Fault("import math\n", "", "math.pi", says="NameError"),
    "later_name": Fault("x = 3.0", "x = y", "x = y", says="NameError"),
    "order": Fault("x = 3.0", "x = double(2)", "x = double", says="NameError"),
    "changed_operator": Fault("double(x))\nprint", "double(-x))\nprint", "6.0"),
    "syntax": Fault("x = 3.0", "x = = 3.0", "x = = 3.0", says="SyntaxError"),
    "leaked_name": Fault("x = 3.0", "x = leaked", "x = leaked", says="NameError"),
    "exit": Fault("x = 3.0", "raise SystemExit", "raise SystemExit"),
    "non_ascii_name": Fault("x = 3.0", "x = 3.0\nλ = x", "λ = x"),
    # marks
    "timed_without_figure": Fault(
        BLOCK, f"<!--pytest.mark.timed(figure)-->\n{BLOCK}", "print(double(x))"
    ),
    "timed_output": Fault(
        BLOCK, f"<!--pytest.mark.timed(output)-->\n{BLOCK}", "timed(output)"
    ),
    "skip": Fault(BLOCK, f"<!--pytest.mark.skip-->\n{BLOCK}", "mark.skip"),
    "old_skip": Fault(BLOCK, f"<!--pytest-codeblocks:skip-->\n{BLOCK}", ":skip"),
    "skip_no_reason": Fault(
        BLOCK, f'<!--pytest.mark.skip(reason=" ")-->\n{BLOCK}', "skip("
    ),
    "skip_misspelled": Fault(
        BLOCK, f'<!--pytest.mark.skp(reason="a")-->\n{BLOCK}', "skp"
    ),
    "skip_by_typo": Fault(
        BLOCK, f'<!--pytest.marks.skip(reason="a")-->\n{BLOCK}', "skip"
    ),
    "skip_with_output": Fault(
        BLOCK, f'<!--pytest.mark.skip(reason="a")-->\n{BLOCK}', "print(double(x))"
    ),
    "skip_of_nothing": Fault(
        "A line", '<!--pytest.mark.skip(reason="a")-->\n\nA line', "mark.skip"
    ),
    "skipif": Fault(
        BLOCK, f"<!--pytest.mark.skipif(True, reason='a')-->\n{BLOCK}", "mark.skipif"
    ),
    "xfail": Fault(BLOCK, f"<!--pytest.mark.xfail-->\n{BLOCK}", "mark.xfail"),
    "requires": Fault(BLOCK, f"<!--pytest.mark.requires(gpu)-->\n{BLOCK}", "requires"),
    "importorskip": Fault(
        BLOCK, f"<!--pytest-codeblocks:importorskip(no)-->\n{BLOCK}", "importorskip"
    ),
    "cont": Fault(BLOCK, f"<!--pytest-codeblocks:cont-->\n{BLOCK}", ":cont"),
    "skipfile": Fault(
        "# A page", "<!--pytest-codeblocks:skipfile-->\n# A page", "skipf"
    ),
    "unclosed_comment": Fault(
        "A line of prose", "<!-- A line of prose", "<!-- A", says=""
    ),
    # exceptions and warnings
    "nothing_raised": Fault("\n1 / 0", "\n1 / 1", 'print("before")'),
    "other_exception": Fault("\n1 / 0", "\nint('x')", "int('x')"),
    "other_message": Fault("division by zero\n", "division by nil\n", "by nil"),
    "unexpected": Fault("<!--pytest.mark.raises(ZeroDivisionError)-->\n", "", "1 / 0"),
    "unshown_warning": Fault(
        "<!--pytest.mark.warns(UserWarning)-->\n", "", "warnings.w"
    ),
    "other_warning": Fault("warns(UserWarning)", "warns(FutureWarning)", "import warn"),
    "other_text": Fault("UserWarning: look out\n", "UserWarning: go on\n", "go on"),
    "no_warning": Fault(
        'warnings.warn("look out", stacklevel=1)', "2", "import warnings"
    ),
    # figures
    "curve": Fault(PLOT, PLOT.replace("[0, 2, 4]", "[0, 2.05, 4]"), "lines.svg"),
    "label": Fault('xlabel="x"', 'xlabel="y"', "lines.svg"),
    "limits": Fault("xlim=(0, 2)", "xlim=(0, 2.02)", "lines.svg"),
    "style": Fault('"--"', '":"', "lines.svg"),
    "colour": Fault('"--"', '"C3--"', "lines.svg"),
    "one_curve_less": Fault(PLOT, "", "lines.svg"),
    "no_image": Fault("![A square", "A square", "lines.svg"),
    "renamed": Fault("NAME/lines.svg", "NAME/curves.svg", "curves.svg"),
    "image_elsewhere": Fault(
        "## What fails",
        "Again ![b](../assets/figures/part/NAME/lines.svg)\n\n## W",
        "Again",
    ),
    "no_alt": Fault("![A square overtakes a double]", "![ ]", "![ ]"),
    "edited_light": Fault("square", "cube", "lines.svg", LIGHT),
    "edited_dark": Fault("#6cb6ff", "#6cb6fe", "lines.svg", DARK),
    "broken_svg": Fault("</svg>", "", "lines.svg", LIGHT),
    "closed_at_once": Fault(
        "axes.legend()", "axes.legend()\nplt.close()", "import matplo"
    ),
    # the file
    "windows": Fault("x = 3.0\n", "x = 3.0\r\n", "x = 3.0"),
    "tab": Fault("x = 3.0\n", "x =\t3.0\n", "x ="),
    "byte_order_mark": Fault("---\ndesc", "\ufeff---\ndesc", "---"),
}
EXTRA: dict[str, Callable[[Path], str]] = {}


def extra(plant: Callable[[Path], str]) -> Callable[[Path], str]:
    EXTRA[plant.__name__] = plant
    return plant


@extra
def no_dark_figure(root: Path) -> str:
    (root / DARK.replace("NAME", "no_dark_figure")).unlink()
    return "lines.svg"


@extra
def no_light_figure(root: Path) -> str:
    (root / LIGHT.replace("NAME", "no_light_figure")).unlink()
    return "lines.svg"


@extra
def swapped_figures(root: Path) -> str:
    light = root / LIGHT.replace("NAME", "swapped_figures")
    dark = root / DARK.replace("NAME", "swapped_figures")
    old = light.read_text()
    light.write_text(dark.read_text())
    dark.write_text(old)
    return "lines.svg"


@extra
def one_image_too_many(root: Path) -> str:
    page = root / "docs/en/part/one_image_too_many.md"
    image = "![b](../assets/figures/part/one_image_too_many/b.svg)"
    page.write_text(page.read_text().replace("## What", f"{image}\n\n## What"))
    return "import matplotlib"


@extra
def not_utf8(root: Path) -> str:
    page = root / "docs/en/part/not_utf8.md"
    page.write_bytes(page.read_bytes().replace(b"A line", b"A l\xefne"))
    return "of prose with"


@extra
def ten_thousand_lines(root: Path) -> str:
    page = root / "docs/en/part/ten_thousand_lines.md"
    text = page.read_text().replace("## Check", "prose\n" * 10_001 + "## Check")
    page.write_text(text.replace("    7.0", "    7.1"))
    return "    7.1"


@extra
def no_newline_at_the_end(root: Path) -> str:
    page = root / "docs/en/part/no_newline_at_the_end.md"
    text = page.read_text().replace("```console\n$ pip install something\n```\n", "")
    page.write_text(text + '```python\nprint("end")\n```')
    return 'print("end")'


def line_of(text: str, page: str, near: int = 0) -> int:
    """The line of the page on which a text stands, at the fault if it is there."""
    start = page.find(text, near) if text in page[near:] else page.index(text)
    return page.count("\n", 0, start + len(text) - len(text.lstrip("\n"))) + 1


@pytest.fixture(scope="module")
def outcome(module_project):
    """One run over a page for each fault; expected lines by name."""
    project = module_project
    names = [*FAULTS, *EXTRA]
    for name in names:
        project.good(name)
    project.page("```python\nleaked = 1\n```\n", "a_page_before")
    first = project.run("--update", "-q")
    assert first.status == 0, first.text
    lines, near = {}, 0
    for name in names:
        page = project.root / f"docs/en/part/{name}.md"
        if name in EXTRA:
            at, near = EXTRA[name](project.root), 0
        else:
            fault = FAULTS[name]
            file = project.root / fault.file.replace("NAME", name)
            old, new = (t.replace("NAME", name) for t in (fault.old, fault.new))
            text = file.read_text(encoding="utf-8")
            assert old in text, f"{name}: the good page has no {old!r}"
            file.write_text(text.replace(old, new, 1), encoding="utf-8", newline="")
            at = fault.at.replace("NAME", name)
            near = text.index(old) if file == page else 0
        found = page.read_bytes().decode("utf-8", "replace")
        lines[name] = line_of(at, found, near)
    return project, project.run("-q"), lines


@pytest.mark.parametrize("name", [*FAULTS, *EXTRA])
def test_a_planted_fault_fails_the_run_and_names_page_and_line(outcome, name):
    _, run, lines = outcome
    said = run.said(f"part/{name}.md")
    assert said, "the fault was not caught"
    named = [int(n) for n in re.findall(rf"docs/en/part/{name}\.md:(\d+)", said)]
    close = {lines[name] - 1, lines[name]}  # a block is named by its fence
    assert any(n in close for n in named), (lines[name], said)
    assert (FAULTS[name].says if name in FAULTS else "") in said


def test_nothing_but_the_faulty_pages_fails(outcome):
    _, run, lines = outcome
    assert run.status == 1
    pages = {p for p in lines if run.said(f"part/{p}.md")}
    assert pages == set(lines)
    assert not run.said("part/a_page_before.md")
