"""Includes: which lines they stand for, where these came from, and what is refused."""

import markdown
import pytest

from pageproof.page import Place
from pageproof.snippets import SnippetError, check_region, expand, include

SOURCE = """\
import math


# --8<-- [start:double]
def double(x):
    y = x

    return x + y
    # --8<-- [end:double]


# --8<-- [start:half]
def half(x):
    return x / 2
    # --8<-- [end:half]
"""
DOUBLE = ["def double(x):", "    y = x", "", "    return x + y"]


@pytest.fixture
def snippets(tmp_path):
    settings = {"base_path": [str(tmp_path)], "check_paths": True}
    settings["dedent_subsections"] = True
    md = markdown.Markdown(
        extensions=["pymdownx.snippets"],
        extension_configs={"pymdownx.snippets": settings},
    )
    (tmp_path / "a.py").write_text(SOURCE, encoding="utf-8")
    return md.preprocessors["snippet"]


def test_an_include_becomes_its_lines_and_the_lines_around_it_stay(snippets, tmp_path):
    page, source = tmp_path / "page.md", tmp_path / "a.py"
    text = 'one\n```python\n--8<-- "a.py:double"\n```\nlast'
    lines, places = expand(snippets, page, text, 7)
    assert lines == ["one", "```python", *DOUBLE, "```", "last"]
    assert places == [
        Place(page, 8),
        Place(page, 9),
        *(Place(source, line) for line in (5, 6, 7, 8)),
        Place(page, 11),
        Place(page, 12),
    ]


def test_a_second_region_and_a_whole_file_keep_their_lines(snippets, tmp_path):
    source = tmp_path / "a.py"
    half = include(snippets, '    --8<-- "a.py:half"')
    assert half == [
        ("    def half(x):", source, 13),
        ("        return x / 2", source, 14),
    ]
    whole = include(snippets, '--8<-- "a.py"')
    kept = [i for i, line in enumerate(SOURCE.split("\n"), 1) if "8<" not in line]
    assert [at for _, _, at in whole] == kept[: len(whole)]
    assert whole[4][0] == "    y = x"


def test_a_line_that_the_file_does_not_have_counts_on_behind_its_end(
    snippets, tmp_path
):
    (tmp_path / "b.py").write_text('--8<-- "a.py:half"\n', encoding="utf-8")
    lines = [at for _, _, at in include(snippets, '--8<-- "b.py"')]
    assert min(lines) > 1


def test_the_same_line_twice_is_two_lines(snippets, tmp_path):
    (tmp_path / "b.py").write_text("x = 1\nx = 1\n", encoding="utf-8")
    assert [at for _, _, at in include(snippets, '--8<-- "b.py"')][:2] == [1, 2]


def test_a_file_is_read_as_utf_8(snippets, tmp_path):
    (tmp_path / "b.py").write_bytes("λ = 1\n".encode())
    assert include(snippets, '--8<-- "b.py"')[0] == ("λ = 1", tmp_path / "b.py", 1)


def test_an_escaped_include_is_shown_without_its_escape(snippets, tmp_path):
    page = tmp_path / "page.md"
    lines, places = expand(snippets, page, '  ;--8<-- "no.py"\nend', 0)
    assert lines == ['  --8<-- "no.py"', "end"]
    assert places == [Place(page, 1), Place(page, 2)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "  --8<-- a.py:double ",
            'expected --8<-- "file:region" alone, got \'--8<-- a',
        ),
        ('x --8<-- "a.py:double"', "alone, got 'x"),
        ("--8<--", "alone, got '--8<--'"),
        ('--8<-- "a.py:1:2"', "expected a file and a region: line numbers shift"),
        ('--8<-- "a.py:2"', "expected a file and a region: line numbers shift"),
        ('--8<-- "a.py:2:"', "expected a file and a region: line numbers shift"),
        ('--8<-- "a.py::2"', "expected a file and a region: line numbers shift"),
        ('--8<-- ":double"', "expected a file and a region: line numbers shift"),
        ('--8<-- "a.py:"', "expected a file and a region: line numbers shift"),
        ('--8<-- ""', "alone, got"),
        ('--8<-- "b.py:double"', "no file 'b.py' to include"),
        ('--8<-- "a.py:treble"', "a.py: expected one start and one end of region"),
        ('--8<-- "a.bin"', "codec can't decode"),
    ],
)
def test_an_include_that_is_not_what_it_seems_is_refused_with_its_line(
    snippets, tmp_path, line, says
):
    (tmp_path / "a.bin").write_bytes(b"\xff\n")
    with pytest.raises(SnippetError) as caught:
        expand(snippets, tmp_path / "page.md", f"one\n{line}\nthree", 10)
    assert caught.value.line == 12
    assert says in str(caught.value)


def test_an_include_of_a_file_that_includes_nothing_that_is_there_is_refused(
    snippets, tmp_path
):
    (tmp_path / "b.py").write_text('--8<-- "no.py"\n', encoding="utf-8")
    with pytest.raises(SnippetError, match=r"no\.py"):
        expand(snippets, tmp_path / "page.md", '--8<-- "b.py"', 0)


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ([], "no marker"),
        (["start"], "start on line 1"),
        (["end"], "end on line 1"),
        (["end", "start"], "end on line 1, start on line 3"),
        (["start", "start", "end"], "start on line 1, start on line 3, end on line 5"),
        (["start", "end", "end"], "start on line 1, end on line 3, end on line 5"),
    ],
)
def test_a_region_has_one_start_and_then_one_end(tmp_path, marks, says):
    source = [line for mark in marks for line in (f"# --8<-- [{mark}:a]", "x")]
    expected = rf"^f\.py: expected one start and one end of region 'a', got {says}$"
    with pytest.raises(ValueError, match=expected):
        check_region(tmp_path / "f.py", source, "a")


def test_the_index_of_a_region_is_that_of_its_first_line(tmp_path):
    source = ["x", "# --8<-- [start:b]", "y", "# --8<-- [end:b]"]
    spaced = ["x", "# ---8<---  [ start : b ]", "y", "# --8<--\t[end:b]"]
    for lines in (source, spaced):
        assert lines[check_region(tmp_path, lines, "b")] == "y"
