"""Copies of a page's blocks, run alone: what holds, and each fault that does not."""

import os
import time

import pytest

from pageproof.alone import Node, Runner, as_tree, faults, run_alone
from pageproof.needs import Sources
from pageproof.proof import Settings
from pageproof.reading import Reader

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs processes that fork")
MARKER = "<!--pytest-codeblocks:expected-output-->"


def written(*blocks: str | tuple[str, str]) -> str:
    """Return a page; a block is its code, or its code and what the page shows."""
    parts = ["# Page"]
    for block in blocks:
        code, *output = [block] if isinstance(block, str) else block
        parts.append(f"```python\n{code}\n```")
        parts += [f"{MARKER}\n```text\n{text}\n```" for text in output]
    return "\n\n".join(parts) + "\n"


@pytest.fixture
def reader(project):
    return Reader(project.root / "mkdocs.yml")


@pytest.fixture
def read(project, reader):
    return lambda *blocks: reader.read(project.page(written(*blocks)))


@pytest.fixture
def settings(reader):
    style = reader.docs / "assets/light.mplstyle"
    return Settings(cuda=False, exact=True, update=False, style=style)


@pytest.fixture
def found(project, read, settings):
    """What does not hold of the copies of a page."""
    return lambda *blocks: [
        *faults(read(*blocks), Sources(project.root / "src"), settings)
    ]


def test_copies_with_like_beginnings_share_them():
    tree = as_tree([[0], [0, 2], [0, 2, 3], [1], [0, 1]])
    two = Node(2, True, {3: Node(3, True)})
    zero = Node(0, True, {2: two, 1: Node(1, True)})
    assert tree == Node(-1, False, {0: zero, 1: Node(1, True)})


def test_a_beginning_that_is_no_copy_ends_none():
    assert as_tree([[0, 1]]) == Node(-1, False, {0: Node(0, False, {1: Node(1, True)})})


def test_nothing_is_found_where_each_copy_prints_what_the_page_shows(found):
    assert not found("x = 1", ("print(x)", "1"), "x += 1", ("print(x, 2)", "2 2"))


FAULTS = {
    "a value that only running shows": (
        ["exec('y = 2')", ("print(y)", "2")],
        "a copy of the block on line 7 with those on none: ",
        "NameError: name 'y' is not defined",
    ),
    "state in a module": (
        ["exec('import sys\\nsys.seen = 3')", ("import sys\nprint(sys.seen)", "3")],
        "a copy of the block on line 7 with those on none: ",
        "AttributeError: module 'sys' has no attribute 'seen'",
    ),
    "a builtin": (
        ["import builtins", "builtins.__dict__['z'] = 4", ("print(z)", "4")],
        "a copy of the block on line 11 with those on none: ",
        "NameError: name 'z' is not defined",
    ),
    "another output": (
        [
            "class A:\n    n = 0",
            "exec('A.n = 1')",
            ("print(A.n)", "1"),
        ],
        "a copy of the block on line 12 with those on 3: ",
        "but the block prints\n  | 0",
    ),
    "an error in the middle": (
        ["a = 1", "exec('b = 2')", "c = a + b", ("print(c)", "3")],
        "a copy of the block on line 11 with those on 3: ",
        "NameError: name 'b' is not defined",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hidden_dependency_is_found_and_named_by_line(found, fault):
    blocks, start, said = FAULTS[fault]
    (fault,) = (one for one in found(*blocks) if one.startswith(start))
    assert said in fault


def test_what_follows_a_block_that_fails_is_not_reached(found):
    first, second = found("exec('b = 2')", "c = b", "d = c", "e = 1")
    assert first.startswith("a copy of the block on line 7 with those on none: ")
    assert second.startswith(
        "a copy of the block on line 11 with those on 7: not reach"
    )


def test_a_file_of_one_copy_is_not_found_by_its_sibling(found):
    (said,) = found(
        "from pathlib import Path\nname = 'a' + '.txt'",
        ("print(Path(name).write_text('text'))", "4"),
        ("print(Path(name).read_text())", "text"),
    )
    assert said.startswith("a copy of the block on line 17 with those on 3: ")
    assert "FileNotFoundError" in said


def test_a_file_of_a_block_that_is_needed_is_found_by_each_copy(found):
    assert not found(
        "from pathlib import Path",
        ("print(Path('a.txt').write_text('text'))", "4"),
        ("print(Path('a.txt').read_text())", "text"),
        ("print(len(Path('a.txt').read_text()))", "4"),
    )


def test_what_one_copy_does_to_a_value_is_not_seen_by_its_sibling(found):
    (said,) = found(
        "x = [1]",
        ("exec('x.append(2)')\nprint(x)", "[1, 2]"),
        ("print(x)", "[1, 2]"),
    )
    assert said.startswith("a copy of the block on line 17 with those on 3: ")
    assert "but the block prints\n  | [1]" in said


def test_a_block_that_ends_its_process_fails_what_needs_it_and_no_others(found):
    said = found(
        "a = 1",
        "import os\nb = a\nos.kill(os.getpid(), 9)",
        "print(b)",
        ("print(a)", "1"),
    )
    ended = "its process ended, or did not end, before it was done"
    assert said == [
        f"a copy of the block on line 7 with those on 3: {ended}",
        f"a copy of the block on line 13 with those on 3, 7: {ended}",
    ]


def test_a_block_that_does_not_end_is_stopped(read, settings):
    page = read("a = 1", "b = 2\nwhile True: pass")
    began = time.monotonic()
    tree = as_tree([[0], [1]])
    assert [*run_alone(page, tree, settings, limit=0.5)] == [([0], None)]
    assert time.monotonic() - began < 5


def test_one_process_runs_the_copies_of_page_after_page(project, read):
    pages = {
        "good": (["x = 1", ("print(x)", "1")], 0),
        "hidden": (["exec('y = 2')", ("print(y)", "2")], 1),
        "noisy": ([("import os\nprint(os.write(1, b'noise\\n'))", "noise\n6")], 0),
        "ends": (["import os\nos.kill(os.getpid(), 9)"], 1),
        "fresh": (["x = 1", ("print('y' in globals(), x)", "False 1")], 0),
    }
    runner = Runner(project.root / "mkdocs.yml", True)
    try:
        for name, (blocks, count) in pages.items():
            file = project.page(written(*blocks), name)
            assert len(runner.faults(file)) == count, name
        runner.process.kill()
        runner.process.wait()
        assert runner.faults(file) == ["the process that runs them ended"]
    finally:
        runner.close()


COPIES = "pageproof_copies = true\n"


def test_a_run_fails_a_page_whose_copies_do_not_run_by_their_item_only(project):
    settings = project.root / "pyproject.toml"
    settings.write_text(settings.read_text() + COPIES)
    hidden = project.page(written("exec('y = 2')", ("print(y)", "2")), "hidden")
    project.page(written("x = 1", ("print(x)", "1")), "good")
    run = project.run()
    assert run.passed == 2 + 2 + 1, run.text  # the blocks, and the copies of the other
    assert [name.rpartition(".")[2] for name in run.failures] == ["copies"]
    said = run.said(hidden.stem)
    assert "a copy of the block on line 7 with those on none: " in said
    assert "NameError: name 'y' is not defined" in said
    listed = project.run("--collect-only", "-q", "--update").text
    assert "line 3" in listed
    assert "copies" not in listed


def test_copies_are_not_run_where_the_project_does_not_ask_for_it(project):
    project.page(written("exec('y = 2')", ("print(y)", "2")))
    run = project.run()
    assert (run.status, run.passed) == (0, 2), run.text
