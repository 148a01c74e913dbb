"""Run a page as a notebook: its blocks share one `__main__`, in page order."""

import ast
import itertools
import linecache
import os
import re
import signal
import subprocess
import sys
import time
import traceback
import types
import warnings
from contextlib import suppress
from pathlib import Path
from types import CodeType, TracebackType

from pageproof.children import CAME_OUT, RAN_ON, STATUS
from pageproof.limits import LimitError, Limits, Resources, hint
from pageproof.page import Block, Page, Place, shown
from pageproof.streams import Streams

SHELL = {"sh": ["sh", "-eu"], "bash": ["bash", "-euo", "pipefail"]}
SHELL_LIMIT = 600  # seconds
SHELL_GRACE = 10  # seconds between asking and killing
LIMITS = sys.modules[Limits.__module__].__file__
# From Python 3.12 on, of each process that multiprocessing forks off PyTorch's threads.
FORKED = r"This process \(pid=\d+\) is multi-threaded, use of fork"


class BlockError(Exception):
    """A block that does not do what its page says, with what to tell the author."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place


class Notebook:
    """One page being run: `run` executes a block and returns all that it prints."""

    def __init__(self, page: Page, *, memory: bool = True) -> None:
        self.page, self.memory = page, memory  # whether that is limited
        self.main = types.ModuleType("__main__")
        self.main.__file__ = str(page.path)
        self.lines = {
            (place.path, place.line) for block in page.blocks for place in block.places
        }
        self.show_source()

    def close(self) -> None:
        """Let go of what the page has made, whatever that says when it goes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            vars(self.main).clear()
        linecache.cache.pop(str(self.page.path), None)

    def show_source(self) -> None:
        """Let tracebacks and `inspect` see the page as Python, line for line."""
        name, python = str(self.page.path), {}
        for block in self.page.blocks:
            if block.language == "python":
                lines = block.code.split("\n")
                places = block.places[1:]
                python |= {
                    place.line: line
                    for place, line in zip(places, lines, strict=False)
                    if place.path == self.page.path
                }
        text = [python.get(i, "") + "\n" for i in range(1, max(python, default=0) + 1)]
        linecache.cache[name] = (len(text), None, text, name)

    def run(self, block: Block) -> str:
        """Return a block's standard output, with the last line of what it raises."""
        if block.language != "python":
            return _shell(block, memory=self.memory)
        sys.modules["__main__"] = self.main
        code = self.compile(block)
        with Streams() as out, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with Limits(memory=self.memory) as limits:
                error = self.execute(code, limits)
        self.check_process(block, out, limits, error)
        last = self.shown_error(block, error)
        return out.text + self.shown_warnings(block, caught) + last

    def compile(self, block: Block) -> list[CodeType]:
        """Compile a block so that each line keeps its place, in the page or in src."""
        places = block.places[1:] or block.places
        path, first = places[0].path, places[0].line
        in_step = places == [Place(path, first + i) for i in range(len(places))]
        try:
            if in_step:
                return [_compile("\n" * (first - 1) + block.code, path)]
            return self.compile_mixed(block)
        except SyntaxError as error:
            line = error.lineno or 1
            known = in_step and path == self.page.path
            place = Place(self.page.path, line if known else block.line)
            raise BlockError(place, f"SyntaxError: {error}") from None

    def compile_mixed(self, block: Block) -> list[CodeType]:
        """Compile a block whose statements come from several files, file by file."""
        tree = ast.parse(block.code)
        paths = [block.places[node.lineno].path for node in tree.body]
        for node in ast.walk(tree):
            if hasattr(node, "lineno"):
                node.lineno = block.places[node.lineno].line
                node.end_lineno = block.places[node.end_lineno].line
        groups = itertools.groupby(zip(paths, tree.body, strict=True), lambda p: p[0])
        return [
            _compile(ast.Module([statement for _, statement in group], []), path)
            for path, group in groups
        ]

    def execute(self, code: list[CodeType], limits: Limits) -> BaseException | None:
        try:
            for part in code:
                exec(part, self.main.__dict__)
        except BaseException as error:  # SystemExit must not end the run
            if limits.interrupted:
                raise
            return error
        finally:
            if os.getpid() != limits.pid:
                os.write(1, CAME_OUT)
                os._exit(STATUS)
        return None

    def check_process(
        self, block: Block, out: Streams, limits: Limits, error: BaseException | None
    ) -> None:
        """Raise BlockError for what a block has done to the process that runs it."""
        place, trace = block.places[0], ""
        if limits.passed:
            if isinstance(error, LimitError):
                place, trace = self.trace(block, error.__traceback__)
            raise BlockError(place, f"{limits.passed}\n{trace}".rstrip()) from None
        if CAME_OUT in out.written:
            raise BlockError(place, RAN_ON)
        if out.closed:
            raise BlockError(place, "closes standard output")

    def shown_warnings(
        self, block: Block, caught: list[warnings.WarningMessage]
    ) -> str:
        caught = [w for w in caught if not re.match(FORKED, str(w.message))]
        lines = [f"{w.category.__name__}: {w.message}\n" for w in caught]
        if block.warns is None and caught:
            place = self.place(Path(caught[0].filename), caught[0].lineno)
            raise BlockError(
                place or block.places[0],
                f"a warning that the page does not show: {lines[0].strip()}",
            )
        if block.warns and not any(_is_a(w.category, block.warns) for w in caught):
            raise BlockError(block.places[0], f"expected {block.warns}, got no warning")
        return "".join(lines)

    def shown_error(self, block: Block, error: BaseException | None) -> str:
        if error is None:
            if block.raises:
                message = f"expected {block.raises}, but nothing was raised"
                raise BlockError(block.places[0], message)
            return ""
        if not block.raises or not _is_a(type(error), block.raises):
            wanted = f"expected {block.raises}, got " if block.raises else ""
            place, trace = self.trace(block, error.__traceback__)
            last = traceback.format_exception_only(error)[-1].strip() + hint(error)
            raise BlockError(place, f"{wanted}{last}\n{trace}".rstrip()) from None
        return "".join(traceback.format_exception_only(error))

    def place(self, path: Path, line: int) -> Place | None:
        return Place(path, line) if (path, line) in self.lines else None

    def trace(self, block: Block, tb: TracebackType | None) -> tuple[Place, str]:
        """Return where a block failed, and its traceback from the page on."""
        frames = traceback.extract_tb(tb)[1:]
        frames = [frame for frame in frames if frame.filename != LIMITS]
        page = str(self.page.path)
        lines = [frame.lineno for frame in frames if frame.filename == page]
        place = Place(self.page.path, (lines or [block.line])[-1])
        for frame in frames:
            frame.filename = shown(Path(frame.filename))
        return place, "".join(traceback.format_list(frames))


def _compile(source: str | ast.Module, path: Path) -> CodeType:
    return compile(source, str(path), "exec", dont_inherit=True)


def _shell(block: Block, *, memory: bool = True) -> str:
    """Run a shell block as `sh -eu` does; the tools of this Python come first.

    The shell has a process group of its own, and none of it outlives the block.
    """
    here = os.path.dirname(sys.executable)
    env = {**os.environ, "PATH": here + os.pathsep + os.environ.get("PATH", "")}
    with Resources(memory=memory):
        shell = subprocess.Popen(
            [*SHELL[block.language], "-c", block.code],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    try:
        out, err = shell.communicate(timeout=SHELL_LIMIT)
    except subprocess.TimeoutExpired as error:
        raise BlockError(
            block.places[0], f"still running after {SHELL_LIMIT} s"
        ) from error
    finally:
        left = _end_group(shell)
    if shell.returncode:
        raise BlockError(
            block.places[0],
            f"ended with exit status {shell.returncode}\n{out}{err}",
        )
    if left:
        raise BlockError(block.places[0], "ended, but left a process running")
    return out


def _end_group(shell: subprocess.Popen[str]) -> bool:
    """End what is left of a shell and its children; return whether any lived on."""
    if shell.returncode is not None and not _lives(shell.pid):
        return False
    if os.name != "posix":
        shell.kill()
        return True
    for sign in (signal.SIGTERM, signal.SIGKILL):  # torchrun passes the first on
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            shell.communicate(timeout=SHELL_GRACE)
    return True


def _lives(group: int) -> bool:
    """Whether a process of a group still runs after two seconds (known on Linux)."""
    for _ in range(40):
        states = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                states.append(stat.read_text().rpartition(")")[2].split()[:3])
        if not any(s[2:] == [str(group)] and s[0] not in "ZX" for s in states):
            return False
        time.sleep(0.05)
    return True


def _is_a(kind: type, name: str) -> bool:
    """Whether an exception type, or one that it derives from, goes by a name."""
    last = name.rpartition(".")[2]
    return any(base.__name__ == last for base in kind.__mro__)
