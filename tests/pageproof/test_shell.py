"""A shell block ends in a bounded time and leaves nothing running."""

import os
import time
from pathlib import Path

import pytest

from pageproof import notebook
from pageproof.notebook import BlockError, _shell
from pageproof.page import Block, Place


def block(code, language="bash"):
    return Block(code, language, [Place(Path("page.md"), 7)], 9)


def gone(pid):
    """Whether a process has ended, within two seconds."""
    for _ in range(40):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").is_file():  # a zombie has ended, too
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":
                return True
        time.sleep(0.05)
    return False


def test_a_shell_block_returns_what_it_prints():
    assert _shell(block("echo one; echo two >&2")) == "one\n"


def test_a_block_that_runs_too_long_is_ended_with_its_children(monkeypatch, tmp_path):
    monkeypatch.setattr(notebook, "SHELL_LIMIT", 1)
    start, pid = time.monotonic(), tmp_path / "pid"
    with pytest.raises(BlockError, match=r"page.md.*7.*still running after 1 s"):
        _shell(block(f"sleep 300 & echo $! > {pid}; wait"))
    assert time.monotonic() - start < 30
    assert gone(int(pid.read_text()))


def test_a_child_that_ignores_being_asked_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(notebook, "SHELL_LIMIT", 1)
    monkeypatch.setattr(notebook, "SHELL_GRACE", 0.2)
    pid = tmp_path / "pid"
    with pytest.raises(BlockError, match="still running"):
        _shell(block(f"trap '' TERM; echo $$ > {pid}; while true; do sleep 0.1; done"))
    assert gone(int(pid.read_text()))


def test_a_block_that_leaves_a_process_behind_fails_and_it_is_ended(tmp_path):
    pid = tmp_path / "pid"
    quiet = f"sleep 300 > {os.devnull} 2>&1 &"
    with pytest.raises(BlockError, match="left a process running"):
        _shell(block(f"{quiet} echo $! > {pid}"))
    assert gone(int(pid.read_text()))


def test_a_failing_line_says_its_status_and_what_it_printed():
    with pytest.raises(BlockError, match=r"(?s)exit status 3.*one.*two"):
        _shell(block("echo one; echo two >&2; exit 3"))
