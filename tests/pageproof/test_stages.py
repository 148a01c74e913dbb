"""benchmarks/stages.py: what tries mutants tells what they do, and nothing else."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))

from stages import (  # noqa: E402
    NoFunctionError,
    Stage,
    Task,
    changed_function,
    function,
    in_a_child,
    put_in,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs processes that fork")
MODULE = '''\
"""A module."""

import functools


# --8<-- [start:half]
def half(x, by=2):
    return x / by
# --8<-- [end:half]


def plainly(f):
    @functools.wraps(f)
    def g(x):
        return f(x)

    return g


@plainly
def twice(x):
    return 2 * x


class Sum:
    """A class."""

    start = 0

    def add(self, x):
        return self.start + x

    @staticmethod
    def nothing():
        return None


TEN = twice(5)
'''
TESTS = """\
import os

from of_halves import Sum, half


def test_half():
    assert half(4) == 2


def test_sum():
    assert Sum().add(3) == 3


def test_half_in_another_process():
    if not (child := os.fork()):
        os._exit(half(6) != 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
PAGE = """\
# A page

```python
kept = 1
```

```python
--8<-- "src/of_halves.py:half"
```

```python
open("made", "x").close()
print(half(8, 4))
```

<!--pytest-codeblocks:expected-output-->
```text
2.0
```

```python
open("left", "x").close()
print(kept)
```

<!--pytest-codeblocks:expected-output-->
```text
1
```
"""
# Each mutant: what becomes of what, and the function.
MUTANTS = [
    ("x / by", "x * by", "half"),
    ("by=2", "by=4", "half"),
    ("x / by", "x / by if by < 3 else 0", "half"),
    ("self.start + x", "self.start - x", "Sum.add"),
    ("2 * x", "3 * x", "twice"),
    ("return x / by", "while True: pass", "half"),
    ("x / by", "x / by", "half"),
]
# Gives all mutants to a server, and prints its survey and its answers.
DRIVER = """\
import json, sys
sys.path.insert(0, sys.argv[1])
import stages
stages.GRACE = 1
stage, source, mutants = json.load(sys.stdin)
stage = stages.Stage(stages.Path(stage[0]), stage[1], tuple(stage[2]))
process = stages.Process(getattr(stages, sys.argv[2])(stage))
answers = []
tasks = [stages.Task(source.replace(a, b), of) for a, b, of in mutants]
for given in [None, *tasks, stages.Task(tasks[0].source, tasks[0].name, seconds=-1)]:
    process.give(given)
    while (answer := process.answer()) is None:
        pass
    answers.append(answer)
process.close()
print(json.dumps(answers))
"""


@pytest.fixture
def stage(project):
    project.write("src/of_halves.py", MODULE)
    project.write("tests/test_of_halves.py", TESTS)
    project.page(PAGE)
    checks = ("tests/test_of_halves.py", "docs/en/part/page.md")
    return Stage(project.root, "src/of_halves.py", checks)


@pytest.fixture
def answers(stage):
    """What a kind of server answers: its survey, and what became of each mutant.

    The last answer is of the first mutant, when there is no time for any check.
    """

    def answers(kind):
        given = [str(stage.folder), stage.path, stage.checks], MODULE, MUTANTS
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, str(ROOT / "benchmarks"), kind],
            input=json.dumps(given),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return answers


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        *MUTANTS[:5],
        ("start = 0", "start = 1", None),  # no function
        ("TEN = twice(5)", "TEN = None", None),
        ("@plainly\n", "", None),  # what decorates it
        ("class Sum", "class Sum(int)", None),
        ("def half", "def quarter", None),
        ("import functools", "import functools, os", None),
    ],
)
def test_the_function_that_a_mutant_changes(old, new, name):
    assert changed_function(MODULE, MODULE.replace(old, new)) == name
    assert changed_function(MODULE, MODULE) is None


def test_a_mutant_is_put_into_the_functions_that_others_hold(stage, monkeypatch):
    module = types.ModuleType("of_halves")
    module.__file__ = str(stage.file)
    exec(MODULE, vars(module))
    monkeypatch.setitem(sys.modules, "of_halves", module)
    half, twice, add = module.half, module.twice, module.Sum().add
    for (old, new, name), *_ in zip(MUTANTS, range(5), strict=False):
        put_in(stage, Task(MODULE.replace(old, new), name))
    assert half(4) == 2  # the third has the default that the second had not
    assert [half(6, 2), half(6, 3), twice(4), add(3)] == [3, 0, 12, -3]


@pytest.mark.parametrize("name", ["TEN", "Sum", "gone", "Sum.start", "functools.wraps"])
def test_what_is_no_function_of_the_module_is_refused(name):
    module = types.ModuleType("of_halves")
    exec(MODULE, vars(module))
    assert function(module, "Sum.nothing")() is None
    if name != "functools.wraps":
        with pytest.raises(NoFunctionError, match=name):
            function(module, name)


def test_tests_notice_what_they_call(answers):
    survey, *ends, hasty = answers("Tests")
    assert hasty["passed"]
    path = "tests/test_of_halves.py::"
    called = {name: of for name, (_, of) in survey["known"].items()}
    assert called == {
        f"{path}test_half": ["half"],
        f"{path}test_sum": ["Sum"],
        f"{path}test_half_in_another_process": ["half"],
    }
    assert {"twice", "plainly"} <= set(survey["early"])  # called at import
    failed = [(end["failed"] or "").removeprefix(path) for end in ends]
    of_half = {"test_half", "test_half_in_another_process"}  # whichever is shorter
    assert {*failed[:2]} <= of_half
    assert failed[2:] == ["", "test_sum", "", "", ""]
    lives = [False, False, True, False, True, False, True]
    assert [end["passed"] for end in ends] == lives
    assert [end["tried"] for end in ends] == [2, 2, 2, 1, 0, 2, 2]


def test_blocks_notice_what_they_show_and_call(answers):
    survey, *ends, hasty = answers("Blocks")
    assert hasty["passed"]
    assert {place: of for place, (_, of) in survey["known"].items()} == {
        "0": [],
        "1": ["half"],
        "2": ["half"],
        "3": [],
    }
    page = "docs/en/part/page.md"
    failed = [end["failed"] for end in ends]
    assert failed == [f"{page}::2", "", f"{page}::2", "", "", "", ""]
    assert [end["tried"] for end in ends] == [2, 2, 2, 0, 0, 2, 2]
    lives = [False, True, False, True, True, False, True]
    assert [end["passed"] for end in ends] == lives


def test_what_does_not_end_or_ends_by_itself_is_told_from_what_ends():
    def loops():
        while True:
            pass

    assert in_a_child(lambda: ["said"], 5) == (True, '["said"]')
    assert in_a_child(loops, 0) == (False, "")
    assert in_a_child(lambda: os._exit(0), 5) == (False, "")
    assert in_a_child(lambda: 1 / 0, 5) == (False, "")


STARTS = """\
import subprocess
import sys

import pytest

PROGRAM = "from of_halves import half; print(half(8, 4))"


@pytest.fixture(scope="module")
def said():
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, capture_output=True, text=True).stdout


def test_it_says_something(said):
    assert said


def test_it_says_a_half(said):
    assert said == "2.0\\n"


def test_else():
    pass
"""


def test_what_a_program_says_that_is_started_for_some_tests_is_noticed(stage, answers):
    file = stage.folder / stage.checks[0]
    file.write_text(STARTS)
    survey, times, default, *_ = answers("Tests")
    called = [of for _, of in survey["known"].values()]
    assert called == [["*"], ["*"], []]  # whichever functions
    assert times["failed"] == f"{stage.checks[0]}::test_it_says_a_half"
    assert (default["passed"], default["tried"]) == (True, 2)
