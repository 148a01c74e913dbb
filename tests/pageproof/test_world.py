"""What a page does to the machine, or the machine to a run, harms no other page."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pageproof import limits, notebook
from pageproof.recording import locked
from pageproof.update import replace

ROOT = Path(__file__).parents[2]
LIMITS = """\
import matplotlib.pyplot  # takes longer than a block has

from pageproof import limits

limits.SECONDS, limits.GRACE, limits.MEMORY, limits.FILE = 1, 1, 1 << 28, 1 << 20
"""
LONG = "still running after 1 s"
SPACE = "MemoryError"
FORKED = "a forked process runs on after its block: expected os._exit(0)"
# What a block does, and what is said of its page; None if it does no harm.
BLOCKS = {
    "loops": ("x = 1\nwhile True:\n    x += 1", LONG),
    "sleeps": ("import time\n\ntime.sleep(1000)", LONG),
    "handles": (
        "while True:\n    try:\n        1 / 0\n    except Exception:\n        pass",
        LONG,
    ),
    "swallows": (
        "try:\n    while True:\n        pass\nexcept BaseException:\n    pass",
        LONG,
    ),
    "draws": (
        "import matplotlib.pyplot as plt\n\n"
        "class Slow(plt.Line2D):\n"
        "    def draw(self, renderer):\n"
        "        while True:\n            pass\n\n"
        "_ = plt.gca().add_line(Slow([0], [0]))",
        f"its figure cannot be drawn: {LONG}",
    ),
    "asks_for_much": ("x = bytearray(1 << 40)", SPACE),
    "grows": ("x = []\nwhile True:\n    x.append(bytes(1 << 20))", SPACE),
    "prints": ("while True:\n    print('x' * 9999)", "a block may write 1 MiB"),
    "exits": ("import sys\n\nsys.exit(0)", "SystemExit: 0"),
    "exits_below": ("import os\n\nos._exit(0)", "calls os._exit, which would end"),
    "exits_in_vain": (
        "import os\n\ntry:\n    os._exit(0)\nexcept BaseException:\n    pass",
        "calls os._exit, which would end the run",
    ),
    "becomes_another": (
        "import os\n\nos.execlp('true', 'true')",
        "calls os.execv",
    ),
    "aborts": ("import os\n\nos.abort()", "calls os.abort, which would end the run"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "closes_stdout": ("import sys\n\nsys.stdout.close()", "closes standard output"),
    "detaches_stdout": ("import sys\n\n_ = sys.stdout.detach()", "closes standard out"),
    "closes_1": ("import os\n\nos.close(1)", "closes standard output"),
    "closes_stderr": ("import sys\n\nsys.stderr.close()", None),
    "closes_2": ("import os\n\nos.close(2)", None),
    "forks": ("import os\n\n_ = os.fork()", FORKED),  # noticed here or at the end
    "forks_and_waits": (
        "import os\n\nif child := os.fork():\n    _ = os.waitpid(child, 0)",
        FORKED,
    ),
    "forks_and_fails": (
        "import os\n\nif child := os.fork():\n    _ = os.waitpid(child, 0)\n"
        "else:\n    1 / 0",
        FORKED,
    ),
    "forks_well": (
        "import os\n\nif child := os.fork():\n    _ = os.waitpid(child, 0)\n"
        "else:\n    os._exit(0)",
        None,
    ),
    "leaves_a_process": (
        "import subprocess\n\nsleep = subprocess.Popen(['sleep', '60'])",
        "leaves processes running: ['sleep']",
    ),
    "removes_its_folder": (
        "import os\nimport shutil\n\nshutil.rmtree(os.getcwd())\nos.chdir('/')",
        None,
    ),
    "closes_its_folder": ("import os\n\nos.chmod('.', 0)\nos.chdir('/')", None),
    "sets_handlers": (
        "import signal\n\n"
        "for sign in signal.SIGINT, signal.SIGTERM, signal.SIGALRM:\n"
        "    _ = signal.signal(sign, signal.SIG_IGN)",
        None,
    ),
}
# What ends the process that runs the page: a worker, where there are some.
ENDING = {
    "loops_in_c": "x = sum(iter(int, 1))",
    "kills": "import os\nimport signal\n\nos.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "import ctypes\n\nctypes.string_at(0)",
}
PAGE = """\
```python
x = 1
```

```python
{}
```

```python
print(x)
```

<!--pytest-codeblocks:expected-output-->
```text
1
```
"""
THEN = """\
import os
import signal
import sys

assert callable(signal.getsignal(signal.SIGINT))
assert callable(signal.getsignal(signal.SIGALRM))
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
assert os.listdir(os.getcwd()) == []
print("to be seen", file=sys.stderr)"""


@pytest.fixture(scope="module")
def pages(module_project):
    """A page for each of these blocks, and after it one that looks round."""
    module_project.write("conftest.py", LIMITS)
    for name, block in {
        **ENDING,
        **{n: code for n, (code, _) in BLOCKS.items()},
    }.items():
        module_project.page(PAGE.format(block), name)
        module_project.page(PAGE.format(THEN), f"{name}_then")
    return module_project


@pytest.fixture(scope="module")
def one_run(pages):
    return pages.run(*(f"--ignore=docs/en/part/{name}.md" for name in ENDING))


@pytest.fixture(scope="module")
def two_workers(pages):
    some = [*ENDING, *(f"{name}_then" for name in ENDING), "loops", "leaves_a_process"]
    return pages.run("-n2", *(f"docs/en/part/{name}.md" for name in some))


@pytest.mark.parametrize("name", [name for name, (_, said) in BLOCKS.items() if said])
def test_what_would_harm_others_fails_its_own_page(one_run, name):
    said = one_run.said(f"part/{name}.md")
    code, expected = BLOCKS[name]
    end = 7 + code.count("\n")
    lines = range(5, end + 3 if name in ("forks", "leaves_a_process") else end)
    places = [f"docs/en/part/{name}.md:{line}: " for line in lines]
    assert any(place in said for place in places), one_run.text
    assert expected in said, one_run.text


def test_all_other_pages_hold(one_run):
    harmful = {name for name, (_, said) in BLOCKS.items() if said}
    failed = {name.split("part.")[-1].split(".")[0] for name in one_run.failures}
    good = 2 * len(BLOCKS) + len(ENDING) - len(harmful)
    assert (failed, one_run.status) == (harmful, 1), one_run.text
    assert one_run.passed >= 3 * good, one_run.text


@pytest.mark.parametrize("name", ENDING)
def test_a_page_that_ends_its_worker_fails_and_is_not_begun_again(two_workers, name):
    page = f"docs/en/part/{name}.md"
    ended = rf"^worker '\w+' crashed while running '{page}::line 5'"
    assert len(re.findall(ended, two_workers.text, re.MULTILINE)) == 1
    assert f"not reached: {page}::line 5 ended its worker" in two_workers.text


def test_the_workers_that_follow_run_the_other_pages(two_workers):
    failed = {name.split("part.")[-1].split(".")[0] for name in two_workers.failures}
    assert failed == {*ENDING, "loops", "leaves_a_process"}, two_workers.text
    assert two_workers.passed >= 3 * len(ENDING)


def test_a_loop_in_c_says_where_it_was(two_workers):
    assert "Timeout (0:00:02)!" in two_workers.text
    assert 'loops_in_c.md", line 6 in <module>' in two_workers.text


def test_without_workers_a_loop_in_c_ends_the_run_and_says_where(pages):
    run = pages.run("docs/en/part/loops_in_c.md")
    assert run.status == 1
    assert 'loops_in_c.md", line 6 in <module>' in run.text


def test_the_limits_are_as_the_guide_states_them():
    guide = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    for stated in (
        f"A Python block has {limits.SECONDS // 60} minutes",
        f"a shell block has {notebook.SHELL_LIMIT // 60} minutes",
        f"may take {limits.MEMORY >> 30} GiB of memory",
        f"write {limits.FILE >> 20} MiB to a file",
        f"after {limits.GRACE} seconds more",
    ):
        assert stated in guide


def test_a_limit_of_the_machine_that_is_lower_stays():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with limits.Limits():
            assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == 1 << 20
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == 1 << 20
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_interruption_from_the_keyboard_ends_the_run(project):
    """Sent by the page itself: from outside it may come while Python clears up.

    There an exception is lost, and the page would go on.
    """
    project.page(
        "```python\nimport signal\n\nsignal.raise_signal(signal.SIGINT)\n```\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest"],
        cwd=project.root,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in run.stdout


# Writing.


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_run_that_is_killed_while_it_writes_leaves_every_file_whole(
    tmp_path, call, at
):
    files = {tmp_path / name: f"new {name}\n" * 9999 for name in "abc"}
    old = {path: f"old {path.name}\n" for path in files}
    for path, text in old.items():
        path.write_text(text)
    if not (child := os.fork()):
        real, calls = getattr(os, call), []

        def killed(*arguments):
            calls.append(1)
            if len(calls) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)

        setattr(os, call, killed)
        replace(files)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert all(path.read_text() in (old[path], files[path]) for path in files)
    for left in tmp_path.glob(".*.new"):
        os.utime(left, (0, 0))
    replace(files)
    assert {path: path.read_text() for path in tmp_path.iterdir()} == files


def test_what_another_run_is_writing_is_left_to_it(tmp_path):
    scrap = tmp_path / ".page.md.abc.new"
    scrap.touch()
    replace({tmp_path / "page.md": "new"})
    assert scrap.exists()


def fill(project, call, name):
    """Let there be no room for a file of this name, at this call."""
    project.write(
        "conftest.py",
        "import errno\nimport os\n\n"
        f"real = os.{call}\n\n"
        "def full(what, *to):\n"
        "    name = what if to else os.readlink(f'/proc/self/fd/{what}')\n"
        f"    if {name!r} in str(name):\n"
        f"        raise OSError(errno.ENOSPC, 'No space left on device', {name!r})\n"
        "    return real(what, *to)\n\n"
        f"os.{call} = full\n",
    )


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_said_of_the_page_and_leaves_it_as_it_was(project, call):
    fill(project, call, "full.md")
    stale = PAGE.format("x = 2")
    full, other = project.page(stale, "full"), project.page(stale, "other")
    run = project.run("--update")
    assert run.status == 1
    said = "docs/en/part/full.md:1: cannot be rewritten: No space left on device"
    assert said in run.text
    assert "Traceback" not in run.text
    assert full.read_text() == stale
    assert other.read_text() == stale.replace("\n1\n", "\n2\n")
    assert {path.name for path in full.parent.iterdir()} == {"full.md", "other.md"}


def test_a_record_that_finds_no_room_is_one_sentence_and_a_failure(project):
    settings = project.root / "pyproject.toml"
    settings.write_text(settings.read_text() + 'pageproof_verified = "docs/verified"\n')
    project.page(PAGE.format("x = 1"))
    fill(project, "fsync", "cpu.yml")
    run = project.run("--record")
    assert run.status == 1
    assert "no record was written: No space left on device: cpu.yml" in run.text
    assert "Traceback" not in run.text
    assert not any((project.root / "docs/verified").iterdir())


READ_ONLY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"),
    reason="root writes into read-only folders unless setpriv takes that away",
)
def test_a_read_only_checkout_is_proven_and_not_rewritten(project):
    page = project.page(PAGE.format("x = 2"))
    good = project.page(PAGE.format("x = 1"), "good")
    folders = [p for p in [project.root, *project.root.rglob("*")] if p.is_dir()]
    asked = {
        "--update": ("docs/en/part/page.md:1: cannot be rewritten: ", "6 passed"),
        "-q": ("the page shows", "5 passed"),
    }
    for folder in folders:
        folder.chmod(0o555)
    try:
        for option, (said, passed) in asked.items():
            as_other = READ_ONLY if os.geteuid() == 0 else []
            run = subprocess.run(
                [*as_other, sys.executable, "-m", "pytest", option],
                cwd=project.root,
                capture_output=True,
                text=True,
            )
            assert run.returncode == 1, run.stdout
            assert said in run.stdout, run.stdout
            assert passed in run.stdout, run.stdout
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert page.read_text() == PAGE.format("x = 2")
    assert good.read_text() == PAGE.format("x = 1")


def test_two_updates_at_once_leave_good_pages(project):
    names = "abcd"
    for name in names:
        project.page(PAGE.format("x = 2"), name)
    run = [sys.executable, "-m", "pytest", "--update", "-q"]
    runs = [
        subprocess.Popen(run, cwd=project.root, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for each in runs:
        said, _ = each.communicate(timeout=120)
        assert each.returncode == ("changed while it was run" in said), said
    assert project.run("-q").status == 0
    assert len(list((project.root / "docs/en/part").iterdir())) == len(names)


def test_two_runs_write_a_record_one_after_the_other(tmp_path):
    order = []

    def write():
        with locked(tmp_path):
            order.append("second")

    with locked(tmp_path):
        other = threading.Thread(target=write)
        other.start()
        other.join(0.2)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]
