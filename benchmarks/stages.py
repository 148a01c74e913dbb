"""Try mutants in processes that have all that comes before the mutant.

Two processes serve the mutants of a module: one in which pytest has collected the
module's tests, and one that has run the blocks of its page as far as none of them
calls, or shows, what the mutant changes. For a mutant such a process forks; the child
puts the mutant's code into the function that is changed, and runs those tests, or
blocks, that have to do with the function. What is left out can only let a mutant live.
"""

import ast
import contextlib
import functools
import inspect
import itertools
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest
from _pytest.main import pytest_runtestloop

MEMORY = 16 << 30  # bytes of address space, for a mutant that asks for more and more
TIMES, GRACE = 2, 3  # a mutant has twice as long as the module, and 3 seconds,
BUSY = 20  # of the processor; twenty times that by the clock, on a busy machine
GOOD = 600  # processor seconds for a module as it is
DECORATED = ast.FunctionDef | ast.ClassDef
ANY = "*"  # for all functions: a program that is started may call whichever it likes
STARTS = {"subprocess.Popen", "os.posix_spawn", "os.exec", "os.system"}


@dataclass(frozen=True)
class Task:
    """A mutant to try: the whole text of the module, and the function it changes."""

    source: str
    name: str  # of the function, as `F` or `Class.method`
    first: tuple[str, ...] = ()  # the tests that are likely to notice
    seconds: float = 1e9  # of checks that are tried, the short ones first

    @property
    def within(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Stage:
    """What a process serves: a copy of the project, a module of it, its checks."""

    folder: Path
    path: str
    checks: tuple[str, ...]

    @property
    def module(self) -> str:
        """The dotted name."""
        return ".".join(Path(self.path).with_suffix("").parts[1:])

    @property
    def file(self) -> Path:
        return self.folder / self.path


def changed_function(old: str, new: str) -> str | None:
    """Return the name of the one function in which two modules differ.

    None if they differ elsewhere too, as in what decorates it.
    """
    name, some, others = [], ast.parse(old).body, ast.parse(new).body
    while len(some) == len(others):
        pairs = zip(some, others, strict=True)
        differ = [(a, b) for a, b in pairs if ast.dump(a) != ast.dump(b)]
        if len(differ) != 1 or not isinstance(differ[0][0], DECORATED):
            return None
        [(a, b)] = differ
        if type(a) is not type(b) or a.name != b.name:
            return None
        if _dumps(a.decorator_list) != _dumps(b.decorator_list):
            return None
        name.append(a.name)
        if isinstance(a, ast.FunctionDef):
            return ".".join(name)
        if _dumps([*a.bases, *a.keywords]) != _dumps([*b.bases, *b.keywords]):
            return None
        some, others = a.body, b.body
    return None


def _dumps(nodes: Iterable[ast.AST]) -> list[str]:
    return [ast.dump(node) for node in nodes]


class NoFunctionError(Exception):
    """What a name stands for in a module is no plain function."""


def function(module: types.ModuleType, name: str) -> types.FunctionType:
    """Return the function that `def` made, whatever decorates it."""
    owner, found = module, None
    for part in name.split("."):
        found = vars(owner).get(part) if hasattr(owner, "__dict__") else None
        owner = found
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    if isinstance(found, property):
        found = found.fget
    found = inspect.unwrap(found) if callable(found) else found
    last = name.rpartition(".")[2]
    if not isinstance(found, types.FunctionType) or found.__code__.co_name != last:
        raise NoFunctionError(name)
    return found


def put_in(stage: Stage, task: Task) -> None:
    """Let the module, where it is imported already, be the mutant."""
    stage.file.write_text(task.source, encoding="utf-8")
    for old in stage.file.parent.glob(f"__pycache__/{stage.file.stem}.*"):
        old.unlink()
    if not (module := sys.modules.get(stage.module)):
        return
    fresh = types.ModuleType(stage.module)
    fresh.__file__, fresh.__package__ = module.__file__, module.__package__
    code = compile(task.source, str(stage.file), "exec", dont_inherit=True)
    exec(code, vars(fresh))
    old, new = (function(each, task.name) for each in (module, fresh))
    if old.__code__.co_freevars != new.__code__.co_freevars:
        raise NoFunctionError(task.name)
    old.__code__ = new.__code__
    if repr(old.__defaults__) != repr(new.__defaults__):
        old.__defaults__ = new.__defaults__
    if repr(old.__kwdefaults__) != repr(new.__kwdefaults__):
        old.__kwdefaults__ = new.__kwdefaults__


class Calls:
    """The functions and classes at the top of a file that are called meanwhile.

    Also those called in processes that are forked off, as by the workers of a loader;
    and `ANY` if a program is started.
    """

    def __init__(self, file: Path) -> None:
        self.file, self.found, self.seconds = str(file), set(), 0.0

    def see(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename == self.file:
            name = code.co_qualname.partition(".")[0]
            if name not in self.found and name.isidentifier():
                self.found.add(name)
                os.write(self.told, f"{name}\n".encode())

    def __enter__(self) -> "Calls":
        self.began = processor_seconds()
        self.told = os.memfd_create("calls")
        hear_starts()
        HEARING.append(self)
        threading.setprofile(self.see)
        sys.setprofile(self.see)
        return self

    def __exit__(self, *error: object) -> None:
        HEARING.remove(self)
        sys.setprofile(None)
        threading.setprofile(None)
        self.seconds = processor_seconds() - self.began
        self.found |= {*os.pread(self.told, 1 << 16, 0).decode().split()}
        os.close(self.told)


HEARING: list[Calls] = []


@functools.cache
def hear_starts() -> None:
    """From now on, whoever is in `HEARING` hears of each program that is started."""

    def hear(event: str, _: tuple) -> None:
        for calls in HEARING if event in STARTS else ():
            calls.found.add(ANY)

    sys.addaudithook(hear)


def processor_seconds() -> float:
    """Of this process, and of those it has waited for."""
    return sum(os.times()[:4])


def in_a_child(work: Callable[[], object], limit: float) -> tuple[bool, str]:
    """Return whether the work ended in a forked process, and what it returned."""
    answer, told = os.pipe()
    until = time.monotonic() + BUSY * limit
    if not (child := os.fork()):
        status = 70
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, [int(limit) + 1] * 2)
            write(told, json.dumps(work()))
            status = 0
        finally:
            os._exit(status)
    os.close(told)
    said, ended = b"", False
    while not ended and (left := until - time.monotonic()) > 0:
        if not select.select([answer], [], [], left)[0]:
            break
        if not (some := os.read(answer, 1 << 16)):
            break
        said += some
        ended = _is_all(said)
    os.close(answer)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return ended, said.decode()


def _is_all(said: bytes) -> bool:
    """Whether JSON is complete; what a child leaves behind keeps its pipe open."""
    with contextlib.suppress(ValueError):
        json.loads(said)
        return True
    return False


def write(pipe: int, text: str) -> None:
    data = text.encode()
    while data:
        data = data[os.write(pipe, data) :]


class Server:
    """Answers, in a process of its own, one task after the other."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def prepare_and_serve(self, tasks: int, answers: int) -> None:
        """Make all that comes before a mutant, and serve."""
        raise NotImplementedError

    def survey(self) -> dict[str, tuple[float, list[str]]]:
        """Run all checks on the module as it is: what each takes, and calls."""
        raise NotImplementedError

    def failed(self, task: Task) -> str:
        """In a child: run what has to do with the mutant; what failed, "" if none."""
        raise NotImplementedError

    def concern(self, task: Task) -> list[str]:
        """The checks that have to do with a mutant."""
        names = {task.within, ANY}
        return [name for name, (_, of) in self.known.items() if names & {*of}]

    def number(self, checks: Sequence[str], task: Task) -> int:
        """How many of the checks can be tried in the time that a task is given."""
        sums = itertools.accumulate(self.known[name][0] for name in checks)
        return sum(taken <= task.seconds for taken in sums)

    def get_ready(self, task: Task) -> None:
        """What else can be done before the mutant is there."""

    def serve(self, tasks: int, answers: int) -> None:
        """Answer the first line, a survey or that there is none, and each task."""
        with open(tasks, encoding="utf-8") as lines:
            self.known = json.loads(next(lines))
            if self.known is None:
                ended, said = in_a_child(self.survey, GOOD)
                self.known = json.loads(said) if ended else {"failed": "the process"}
                early = sorted(self.early)
                self.tell(answers, {"known": self.known, "early": early})
            for line in lines:
                self.tell(answers, self.answer(Task(**json.loads(line))))

    def answer(self, task: Task) -> dict[str, object]:
        """Say how many checks were tried, if they can be, and what failed."""
        some = self.concern(task)
        if not some:
            return {"tried": 0, "able": True, "passed": True, "failed": ""}
        self.get_ready(task)
        limit = TIMES * sum(self.known[name][0] for name in some) + GRACE
        ended, said = in_a_child(lambda: self.trial(task), limit)
        failed = json.loads(said) if ended else ""
        able, passed = failed is not None, ended and not failed
        return {"tried": len(some), "able": able, "passed": passed, "failed": failed}

    def trial(self, task: Task) -> str | None:
        """Return what failed, "" if nothing did, None if it cannot be tried here."""
        try:
            return self.failed(task)
        except NoFunctionError:
            return None

    def tell(self, answers: int, answer: dict[str, object]) -> None:
        write(answers, json.dumps(answer) + "\n")


class Tests(Server):
    """pytest, when it has collected the tests of a module and run none."""

    def prepare_and_serve(self, tasks: int, answers: int) -> None:
        self.pipes = tasks, answers
        tests = [name for name in self.stage.checks if name.endswith(".py")]
        options = ["-x", "-q", "--assert=plain", "-pno:cacheprovider", "-pno:logging"]
        options += ["--tb=native", f"--rootdir={self.stage.folder}"]
        options += [f"--basetemp={self.stage.folder}/tmp"]
        self.calls = Calls(self.stage.file)
        self.calls.__enter__()
        pytest.main([*options, *tests], plugins=[self])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.calls.__exit__()
        self.early, self.session = self.calls.found, session
        self.serve(*self.pipes)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.fault = report.nodeid

    def run(self, items: Sequence[pytest.Item]) -> str:
        self.session.items[:], self.fault = items, ""
        with contextlib.suppress(self.session.Failed, self.session.Interrupted):
            pytest_runtestloop(self.session)
        return self.fault

    def survey(self) -> dict[str, tuple[float, list[str]]]:
        self.found: dict[str, tuple[float, list[str]]] = {}
        self.wide: dict[pytest.FixtureDef, set[str]] = {}
        if fault := self.run(list(self.session.items)):
            return {"failed": fault}
        return self.found

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if not hasattr(self, "found"):
            return (yield)
        with Calls(self.stage.file) as self.calls:
            result = yield
        shared = item._fixtureinfo.name2fixturedefs.values()
        of = self.calls.found.union(*(self.wide.get(f[-1], ()) for f in shared))
        self.found[item.nodeid] = (self.calls.seconds, sorted(of))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef) -> Iterator[object]:
        """What a fixture has called concerns all tests that share it."""
        result = yield
        if hasattr(self, "found") and fixturedef.scope != "function":
            self.wide[fixturedef] = {*self.calls.found}
        return result

    def failed(self, task: Task) -> str:
        try:
            put_in(self.stage, task)
        except NoFunctionError:
            raise
        except Exception:  # whatever a mutant raises when it is imported
            return self.concern(task)[0]
        places = {name: place for place, name in enumerate(task.first)}

        def order(item: pytest.Item) -> tuple[int, float]:
            return places.get(item.nodeid, len(places)), self.known[item.nodeid][0]

        some = set(self.concern(task))
        items = sorted((i for i in self.session.items if i.nodeid in some), key=order)
        return self.run(items[: self.number([i.nodeid for i in items], task)])


@contextlib.contextmanager
def folder_like_this() -> Iterator[None]:
    """Work in a copy of the working folder: another run finds nothing left behind."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="mutants-page-") as folder:
        shutil.copytree(here, folder, dirs_exist_ok=True)
        with contextlib.chdir(folder):
            yield


class Blocks(Server):
    """A page whose blocks have been run as far as no mutant concerns them."""

    def prepare_and_serve(self, tasks: int, answers: int) -> None:
        from pageproof import limits
        from pageproof.needs import Sources, needs
        from pageproof.proof import Proof, Settings
        from pageproof.reading import Reader
        from pageproof.state import own_folder, warm_up

        stage = self.stage
        self.early: set[str] = set()
        [page] = [name for name in stage.checks if name.endswith(".md")]
        self.read = lambda: Reader(stage.folder / "mkdocs.yml").read(
            stage.folder / page
        )
        self.page, self.name = self.read(), page
        self.source = stage.file.read_text(encoding="utf-8")
        style = stage.folder / "docs/assets/light.mplstyle"
        self.settings = Settings(cuda=False, exact=True, update=False, style=style)
        warm_up()
        own_folder()
        limits.ENDS = False  # `in_a_child` watches
        self.needed = needs(self.page.blocks, Sources(stage.folder / "src"))
        skips = self.settings.skips
        runs = [p for p, block in enumerate(self.page.blocks) if not skips(block)]
        self.shown = {place: self.names_shown(place) for place in runs}
        self.todo = list(runs)
        self.proof = Proof(self.page, self.settings)
        self.serve(tasks, answers)
        os.chdir(stage.folder)

    def names_shown(self, place: int) -> set[str]:
        """The functions and classes of the module that stand, in part, in a block."""
        block = self.page.blocks[place]
        lines = {p.line for p in block.places if p.path == self.stage.file.resolve()}
        return {
            node.name
            for node in ast.parse(self.source).body
            if isinstance(node, DECORATED)
            and lines & set(range(node.lineno, node.end_lineno + 1))
        }

    def survey(self) -> dict[str, tuple[float, list[str]]]:
        found = {}
        with folder_like_this():
            for place in self.todo:
                with Calls(self.stage.file) as calls:
                    error = self.proof.result(self.page.blocks[place])
                if error:
                    return {"failed": str(error)}
                of = calls.found | self.shown[place]
                found[str(place)] = (calls.seconds, sorted(of))
        return found

    def concern(self, task: Task) -> list[str]:
        """Blocks that call or show the function, or need one that does, and so on."""
        some = {int(name) for name in super().concern(task)}
        some |= {p for p in self.shown if some & set(self.needed[p])}
        first = min(some, default=0)
        needed = set().union(*(self.needed[place] for place in some))
        some |= {place for place in needed if place >= first and place in self.shown}
        return [str(place) for place in sorted(some)]

    def get_ready(self, task: Task) -> None:
        first = int(self.concern(task)[0])
        if self.todo and self.todo[0] < first:
            self.stage.file.write_text(self.source, encoding="utf-8")
        while self.todo and self.todo[0] < first:
            self.proof.result(self.page.blocks[self.todo.pop(0)])

    def failed(self, task: Task) -> str:
        with folder_like_this():
            try:
                put_in(self.stage, task)
                for old, new in zip(self.page.blocks, self.read().blocks, strict=True):
                    vars(old).update(vars(new))
            except NoFunctionError:
                raise
            except Exception:  # whatever a mutant raises when it is imported or read
                return self.name
            places = self.concern(task)
            for place in map(int, places[: self.number(places, task)]):
                if self.proof.result(self.page.blocks[place]):
                    return f"{self.name}::{place}"
        return ""


class Process:
    """A server, seen from the process that gives it tasks."""

    def __init__(self, server: Server) -> None:
        stage = server.stage
        tasks, self.tasks = os.pipe()
        self.answers, answers = os.pipe()
        self.said = b""
        self.child = os.fork()
        if not self.child:
            try:
                os.close(self.tasks)
                os.close(self.answers)
                out = os.open(stage.folder / "output", os.O_WRONLY | os.O_CREAT)
                for stream in (1, 2):
                    os.dup2(out, stream)
                os.chdir(stage.folder)
                sys.path.insert(0, str(stage.folder / "src"))
                os.environ["PYTHONPATH"] = sys.path[0]
                os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
                sys.dont_write_bytecode = True
                server.prepare_and_serve(tasks, answers)
            finally:
                os._exit(0)
        os.close(tasks)
        os.close(answers)

    def give(self, task: Task | dict | None) -> None:
        """Give a task; before the first, a survey, or None: then make one."""
        data = vars(task) if isinstance(task, Task) else task
        write(self.tasks, json.dumps(data) + "\n")

    def fileno(self) -> int:
        return self.answers

    def answer(self) -> dict | None:
        """Return what has been answered, None if that is not all of it yet."""
        some = os.read(self.answers, 1 << 16)
        self.said += some
        if not some:
            raise EOFError("a process that serves mutants has ended")
        if not self.said.endswith(b"\n"):
            return None
        said, self.said = self.said, b""
        return json.loads(said)

    def close(self) -> None:
        os.close(self.tasks)
        os.close(self.answers)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
