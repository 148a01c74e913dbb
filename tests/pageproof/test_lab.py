"""A lab's script: how it becomes a page, and each way in which it is no lab."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from pageproof.lab import Cell, read_script
from pageproof.page import PageError

LAB = """\
# ---
# description: A lab.
#
# needs: []
# ---

# %% [markdown]
# # Play { #play }
#
# Prose.

# %% raises="ValueError" skip="for later"

x = 3

print(x)

# %%
y = 1
"""
MARK = "<!--pytest-codeblocks:expected-output-->"
PATH = Path("lab.py")


def read(text):
    return read_script(PATH, text)


def test_a_lab_is_read_as_its_header_and_its_cells():
    script = read(LAB)
    assert script.header == ["description: A lab.", "", "needs: []"]
    title, first, second = script.cells
    assert (title.line, title.first, title.prose) == (7, 8, True)
    assert title.text == ("# Play { #play }", "", "Prose.")
    assert (first.line, first.first, first.prose) == (12, 14, False)
    assert first.code == "x = 3\n\nprint(x)\n"
    assert first.options == {"raises": "ValueError", "skip": "for later"}
    assert (second.line, second.first, second.options) == (18, 19, {})
    assert script.code_cells == [first, second]


def test_a_lab_becomes_a_page_and_each_line_knows_its_own():
    text, numbers = read(LAB).markdown(["3\n\nValueError: no\n", ""])
    expected = [
        ("---", 1),
        ("description: A lab.", 2),
        ("", 3),
        ("needs: []", 4),
        ("---", 5),
        ("", 7),
        ("# Play { #play }", 8),
        ("", 9),
        ("Prose.", 10),
        ("", 12),
        ("<!--pytest.mark.raises(ValueError)-->", 12),
        ('<!--pytest.mark.skip(reason="for later")-->', 12),
        ("```python", 12),
        ("x = 3", 14),
        ("", 15),
        ("print(x)", 16),
        ("```", 16),
        ("", 12),
        (MARK, 12),
        ("```text", 12),
        ("3", 12),
        ("", 12),
        ("ValueError: no", 12),
        ("```", 12),
        ("", 18),
        ("```python", 18),
        ("y = 1", 19),
        ("```", 19),
    ]
    assert text == "\n".join(line for line, _ in expected) + "\n"
    assert numbers == [number for _, number in expected]


def test_a_lab_may_end_without_a_new_line_or_with_one_cell():
    assert read(LAB.removesuffix("\n")) == read(LAB)
    text = LAB[: LAB.index("\n# %% raises")].removesuffix("\n")
    (cell,) = read(text).cells
    assert cell.text[-1] == "Prose."


def test_a_lab_that_was_read_does_not_change():
    script = read(LAB)
    with pytest.raises(FrozenInstanceError):
        script.header = []
    with pytest.raises(FrozenInstanceError):
        script.cells[0].line = 1


def test_a_cell_has_no_options_unless_it_is_given_some():
    assert Cell(1, 2, ("x = 1",), prose=False).options == {}


def test_a_comment_in_code_is_code():
    assert read(LAB.replace("y = 1", "# y\n\ny = 1")).cells[2].text[0] == "# y"


def test_a_mark_inside_of_a_line_is_no_cell():
    assert len(read(LAB.replace("y = 1", "y = 1  # %%")).cells) == 3


TITLE = "expected # %% [markdown] and the title, # # Title { #anchor }, below it"
HEADER = "expected a header between two lines '# ---'"
KNOWN = "expected one of raises, warns, requires, timed, skip, and why"
FORM = """expected # %%, # %% [markdown] or # %% name="value", got """
CODE = ": a lab's code and marks stand in cells"
PLAY = "# # Play { #play }\n#\n"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        (LAB, "", 1, HEADER),
        (LAB, "# ---\n", 1, HEADER),
        ("# ---\n# desc", "# desc", 1, HEADER),
        ("# ---\n\n", "\n", 1, HEADER),
        ("# needs", "needs", 4, "expected a comment, `# ...`, got 'needs: []'"),
        ("A lab.", "[", 4, "the header is not YAML: while"),
        ("A lab.", "\0", 1, "the header is not YAML: "),
        (
            "# description: A lab.\n#\n# needs: []",
            "# words",
            1,
            "expected `# name: value` in the header, got 'words'",
        ),
        (LAB[: LAB.index("\n# %%")], "# ---\n# ---\n", 1, "in the header, got None"),
        ("# ---\n\n", "# ---\nx\n", 6, "expected # %% or # %% [markdown] above it"),
        (LAB[LAB.index("\n# %%") :], "", 5, TITLE),
        (PLAY, "", 7, TITLE),
        ("# # Play", "# ## Play", 7, TITLE),
        (f"# %% [markdown]\n{PLAY}# Prose.", "# %%\n# # Play", 7, TITLE),
        ("\n# %% [", "\nx\n# %% [", 7, "expected # %% or # %% [markdown] above it"),
        (LAB[LAB.index("# %%") :], "x = 1\n", 7, "[markdown] above it"),
        ("# Prose", "Prose", 10, "expected a comment, `# ...`, got 'Prose.'"),
        ("# Prose", "#Prose", 10, "expected a comment, `# ...`, got '#Prose.'"),
        ("# %%\n", "# %% Name\n", 18, f"{FORM}'# %% Name'"),
        ("# %%\n", "#  %%\n", 18, f"{FORM}'#  %%'"),
        ("# %%\n", "# %% [raw]\n", 18, f"{FORM}'# %% [raw]'"),
        ('raises="V', 'raise="V', 12, f'raise="ValueError": {KNOWN}'),
        ("for later", "", 12, f'skip="": {KNOWN}'),
        (
            "[markdown]",
            '[markdown] skip="a"',
            7,
            'skip="a": no option of prose',
        ),
        ("y = 1\n", "\n", 18, "a cell without a text"),
        ("y = 1\n", "", 18, "a cell without a text"),
        ("# Prose.", "# ```python", 10, f"'```python' in prose{CODE}"),
        ("# Prose.", "#   ~~~~ sh", 10, f"'~~~~ sh' in prose{CODE}"),
        ("# Prose.", "# <!-- pytest", 10, f"'<!-- pytest' in prose{CODE}"),
        ("y = 1", "# %matplotlib inline", 18, "Jupyter reads '%matplotlib inline' for"),
        ("y = 1", f"# %{'a' * 70}", 18, f"Jupyter reads {'%' + 'a' * 59!r} for"),
    ],
)
def test_a_fault_is_refused_with_its_line(old, new, line, says):
    assert old in LAB
    with pytest.raises(PageError) as caught:
        read(LAB.replace(old, new, 1))
    assert caught.value.line == line
    assert says in caught.value.message
    assert caught.value.path == PATH
