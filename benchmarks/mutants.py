"""Change each module, one small change at a time, and count what the tests notice.

A mutant is a module with one change. It is written in place of the module in a copy of
the project, so that its page shows it and its tests import it; then the tests of its
stem and its page are run, until the first failure. Those that are likely to fail come
first, and most that have nothing to do with the change are left out (`stages.py`).
What is known is kept in `.cache/mutants`, so that a run that was stopped goes on, and
one after a change does only what the change concerns.
"""

import argparse
import contextlib
import gc
import importlib
import itertools
import json
import math
import os
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import yaml
from changes import Mutant, digest, mutants
from stages import (
    ANY,
    BUSY,
    GOOD,
    GRACE,
    MEMORY,
    TIMES,
    Blocks,
    Process,
    Stage,
    Task,
    Tests,
    changed_function,
)

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs/verified/mutants.yml"
SURVIVORS = ROOT / "docs/verified/survivors.yml"
CACHE = ROOT / ".cache/mutants"
COPIED = ("src", "tests", "docs", "mkdocs.yml", "mkdocs.base.yml", "pyproject.toml")
COPIED += ("constraints.txt", "overrides")
# What compares a page with its run, or extracts its blocks; with the tests of each.
PAGEPROOF = {
    "compare": ("compare",),
    "snippets": ("snippets",),
    "lab": ("lab",),
    "comments": ("comments",),
    "fences": ("fences",),
    "figures": ("figures",),
    "reading": ("reading", "reading_refusals", "reading_edges"),
}
LEAST = {"firstdescent": 0.90, "pageproof": 0.95}  # the share that must be killed
# Imported once, before the forks, where they are installed.
WARM = (
    "torch._dynamo",
    "torch.distributed",
    "torch.func",
    "torch.testing",
    "torch.utils.data",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
    "sympy",
    "jupytext",
    "mkdocs.config.defaults",
    "pymdownx.snippets",
    "pymdownx.superfences",
    "pygments.lexers",
    "pytest",
    "pytest_codeblocks.plugin",
    "hypothesis",
    "_hypothesis_pytestplugin",
    "xdist.plugin",
)
OPTIONS = ("-x", "-q", "--assert=plain", "-pno:cacheprovider", "-pno:logging")
OPTIONS += ("--tb=native",)  # the usual one reads sources again
NO_CHECKS = {"copies", "verified"}  # items of a page that are none of its blocks
SAVED = 20  # seconds between two writings of what is known
FIRST = 6  # tests that are taken out of their order


@dataclass(frozen=True)
class Module:
    """A module, and the files whose tests and blocks are to notice its mutants."""

    path: str
    checks: tuple[str, ...]

    @property
    def package(self) -> str:
        return Path(self.path).parts[1]

    @cached_property
    def source(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def mutants(self) -> list[Mutant]:
        return mutants(self.source)

    @cached_property
    def basis(self) -> str:
        """The digest of what the tests share."""
        folders = {ROOT / "tests", *((ROOT / name).parent for name in self.checks)}
        files = sorted(file for folder in folders for file in folder.glob("*.*"))
        shared = [f for f in files if f.name == "conftest.py" or ".md.txt" in f.name]
        return digest(*(file.read_bytes() for file in shared))

    @cached_property
    def state(self) -> dict[str, str]:
        """The digest of each of the files, as what is known rests on them."""
        return {name: digest((ROOT / name).read_bytes()) for name in self.checks}


def modules() -> list[Module]:
    """Return the modules in the order of the site, those of pageproof first."""
    found = [
        Module(
            f"src/pageproof/{stem}.py",
            tuple(f"tests/pageproof/test_{name}.py" for name in names),
        )
        for stem, names in PAGEPROOF.items()
    ]
    tests = sorted(
        t.relative_to(ROOT).as_posix() for t in ROOT.glob("tests/*/test_*.py")
    )
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = re.findall(r"^ +- (\w+/\w+)\.md$", nav, re.MULTILINE)
    for page in pages:
        part, stem = page.split("/")
        own = [test for test in tests if page_of(test, pages) == page]
        own.sort(key=lambda test: "_figures" in test)
        checks = (*own, f"docs/en/{page}.md")
        backwards = (*own[::-1], f"docs/en/{page}.md")  # the tests of figures first
        both = {f"{part}/{stem}": checks, f"{part}/figures/{stem}": backwards}
        found += [
            Module(path, some)
            for name, some in both.items()
            if (ROOT / (path := f"src/firstdescent/{name}.py")).is_file()
        ]
    return found


def page_of(test: str, pages: Sequence[str]) -> str | None:
    """Return the page that a test file belongs to: that of the longest stem."""
    name = Path(test).relative_to("tests").with_suffix("").as_posix()
    stem = name.replace("/test_", "/") + "_"
    return max((p for p in pages if stem.startswith(f"{p}_")), key=len, default=None)


class Watch:
    """Tells, through a pipe, which test or block failed.

    It leaves out what a page proves once more, and what would fail at any change.
    """

    def __init__(self, told: int, first: Sequence[str]) -> None:
        self.told, self.first = told, first

    def tell(self, report: object) -> None:
        if report.failed:
            os.write(self.told, f"{report.nodeid}\n".encode())

    pytest_runtest_logreport = pytest_collectreport = tell

    def pytest_collection_modifyitems(self, items: list) -> None:
        items[:] = [item for item in items if item.name not in NO_CHECKS]
        places = {nodeid: place for place, nodeid in enumerate(self.first)}
        items.sort(key=lambda item: places.get(item.nodeid, FIRST))


class Order:
    """Which tests come first for a mutant: those that have killed ones like it."""

    def __init__(self) -> None:
        self.killers: dict[str, list[str]] = {}

    def first(self, mutant: Mutant) -> list[str]:
        return self.killers.get(mutant.within, [])

    def killed(self, mutant: Mutant, by: str) -> None:
        known = self.killers.setdefault(mutant.within, [])
        known[:] = [by, *(name for name in known if name != by)][:FIRST]


class Copy:
    """A copy of the project in which one mutant at a time is run."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        for name in COPIED:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, self.folder / name, ignore=ignored)
            else:
                shutil.copy(ROOT / name, self.folder)

    def start(
        self, module: Module, source: str, limit: int = 0, first: Sequence[str] = ()
    ) -> None:
        """Run the checks on a module that has become this source.

        `limit` is in seconds of the processor; without it the module is as it was.
        """
        path = self.folder / module.path
        path.write_text(source, encoding="utf-8")
        for old in path.parent.glob(f"__pycache__/{path.stem}.*"):
            old.unlink()
        self.answer, told = os.pipe()
        self.until = time.monotonic() + BUSY * (limit or GOOD)
        self.child = os.fork()
        if not self.child:
            status = 70
            try:
                os.close(self.answer)
                status = self.check(module, told, limit, first)
            finally:
                os._exit(status)
        os.close(told)

    def check(self, module: Module, told: int, limit: int, first: Sequence[str]) -> int:
        """What the child does: run pytest in the copy."""
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, [limit or GOOD] * 2)
        out = os.open(self.folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(out, stream)
        os.chdir(self.folder)
        sys.path.insert(0, str(self.folder / "src"))
        os.environ["PYTHONPATH"] = sys.path[0]
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = limit > 0
        if limit:  # of two files of one size, saved in one second, one is believed
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        options = [
            *OPTIONS,
            f"--rootdir={self.folder}",
            f"--basetemp={self.folder}/tmp",
        ]
        return pytest.main([*options, *module.checks], plugins=[Watch(told, first)])

    def ended(self) -> tuple[bool, str, float] | None:
        """Return whether all passed, what did not, and processor seconds."""
        pid, status, used = os.wait4(self.child, os.WNOHANG)
        if not pid and time.monotonic() < self.until:
            return None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child, signal.SIGKILL)
        if not pid:
            os.waitpid(self.child, 0)
        with open(self.answer, "rb") as answer:
            os.set_blocking(answer.fileno(), False)
            said = (answer.read() or b"").decode().partition("\n")[0]
        return bool(pid) and status == 0, said, used.ru_utime + used.ru_stime

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Known:
    """What is known of a module's mutants, kept from run to run.

    Of each mutant: the file that killed it, "" if none did, or "?" if it ended
    otherwise. That a file killed it holds as long as this file is the same; the rest,
    as long as all are.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.file = CACHE / f"{module.path.removesuffix('.py').replace('/', '.')}.json"
        self.by: dict[str, str] = {}
        if not self.file.is_file():
            return
        old = json.loads(self.file.read_text(encoding="utf-8"))
        if old["basis"] != module.basis:
            return
        same = {name for name, _ in old["state"].items() & module.state.items()}
        if old["state"] == module.state:
            same |= {"", "?"}
        left = {mutant.digest for mutant in module.mutants} & old["by"].keys()
        self.by = {key: old["by"][key] for key in left if old["by"][key] in same}

    @property
    def todo(self) -> list[Mutant]:
        return [m for m in self.module.mutants if m.digest not in self.by]

    @property
    def survivors(self) -> list[Mutant]:
        return [m for m in self.module.mutants if self.by.get(m.digest) == ""]

    @property
    def killed(self) -> int:
        return len(self.by) - len(self.survivors)

    def save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        data = {"basis": self.module.basis, "state": self.module.state, "by": self.by}
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(data, indent=0), encoding="utf-8")
        new.replace(self.file)


class Run:
    """Runs what is to do of some modules, and tells how far it is."""

    def __init__(
        self,
        known: Sequence[Known],
        workers: int,
        *,
        control: bool = False,
        seconds: float = 0,
    ) -> None:
        self.known, self.control, self.seconds = known, control, seconds
        self.left = self.todo = sum(len(one.todo) for one in known)
        self.began = self.saved = time.monotonic()
        needed = workers if self.todo or control else 0
        self.copies = [Copy() for _ in range(needed)]

    def close(self) -> None:
        for copy in self.copies:
            copy.close()

    def all(self) -> None:
        for number, one in enumerate(self.known, 1):
            if one.todo or self.control:
                self.title = f"{number} of {len(self.known)}: {one.module.path}"
                self.module(one)

    def module(self, known: Known) -> None:
        """Run the mutants that are to do, a copy each at a time."""
        module, self.order = known.module, Order()
        for copy, name in itertools.product(self.copies, (module.path, *module.checks)):
            shutil.copy(ROOT / name, copy.folder / name)
        if module.package == "pageproof":  # a stage would run in the mutant
            limit = max(self.good(copy, module) for copy in self.copies)
            rest = known.todo
        else:
            warm_up("pageproof.plugin")
            rest, limit = self.in_stages(known)
        if not self.seconds:
            self.whole(known, rest, math.ceil(TIMES * limit) + GRACE)
        known.save()
        for copy in self.copies:
            (copy.folder / module.path).write_text(module.source, encoding="utf-8")
        self.tell(known)

    def in_stages(self, known: Known) -> tuple[list[Mutant], float]:
        """Return what cannot be run in stages, and how long the module's checks take.

        It is what changes more than a function, or a function that is called when the
        module or its tests are imported, or that neither tests nor page call. For a
        control, each function is tried as it is, too: all must pass.
        """
        module = known.module
        stages = [
            Stage(copy.folder, module.path, module.checks) for copy in self.copies
        ]
        with contextlib.ExitStack() as stack:
            pools = [
                [
                    stack.enter_context(contextlib.closing(Process(kind(s))))
                    for s in stages
                ]
                for kind in (Tests, Blocks)
            ]
            surveys = survey(module, pools)
            early = {name for one in surveys for name in one["early"]}
            some = module.mutants if self.control else known.todo
            of = {m: changed_function(module.source, m.source) for m in some}
            able = [m for m in known.todo if of[m] and m.within not in early]
            rest, tried = [m for m in known.todo if m not in {*able}], set()
            controls = {
                Mutant(module.source, m.within, "", name): name
                for m, name in of.items()
                if self.control and name and m.within not in early
            }
            able, of = [*able, *controls], {**of, **controls}
            for pool, one in zip(pools, surveys, strict=True):
                able.sort(key=lambda m, one=one: first_call(m, one["known"]))
                alive = []
                for mutant, end in self.deal(pool, able, of):
                    if mutant in controls and not end["passed"]:
                        name, failed = of[mutant], end["failed"]
                        sys.exit(f"{module.path}: as it is, {failed} fails for {name}")
                    if not end["able"]:
                        rest += [mutant] if mutant not in controls else []
                    elif not end["passed"]:
                        self.ended(known, mutant, end["failed"])
                    else:
                        alive.append(mutant)
                        tried |= {mutant} if end["tried"] else set()
                able = alive
        for mutant in able:
            if mutant in tried - controls.keys() and not self.seconds:
                self.ended(known, mutant, None)
        rest += [m for m in able if m not in tried | controls.keys()]
        return rest, sum(taken for one in surveys for taken, _ in one["known"].values())

    def deal(
        self,
        pool: Sequence[Process],
        mutants: Sequence[Mutant],
        of: dict[Mutant, str | None],
    ) -> Iterator[tuple[Mutant, dict]]:
        """Yield how each mutant ended, one at a time in each of the processes."""
        running, waiting = {}, iter(mutants)
        while True:
            for process in pool:
                if process not in running and (mutant := next(waiting, None)):
                    first = tuple(self.order.first(mutant))
                    task = Task(mutant.source, of[mutant], first, self.seconds or 1e9)
                    process.give(task)
                    running[process] = mutant
            if not running:
                return
            for process in select.select([*running], [], [])[0]:
                if end := process.answer():
                    yield running.pop(process), end

    def whole(self, known: Known, mutants: Sequence[Mutant], limit: int) -> None:
        """Run all checks on each of some mutants, each in a process of its own."""
        running: dict[Copy, Mutant] = {}
        waiting = iter(mutants)
        while True:
            for copy in self.copies:
                if copy not in running and (mutant := next(waiting, None)):
                    first = self.order.first(mutant)
                    copy.start(known.module, mutant.source, limit, first)
                    running[copy] = mutant
            if not running:
                return
            time.sleep(0.005)
            for copy, mutant in [*running.items()]:
                if end := copy.ended():
                    passed, test, _ = end
                    self.ended(known, mutant, None if passed else test)
                    del running[copy]

    def ended(self, known: Known, mutant: Mutant, failed: str | None) -> None:
        """Note what test or block a mutant failed, "" if unknown, None if none."""
        if failed and ".py::" in failed:
            self.order.killed(mutant, failed)
        by = (failed or "").partition("::")[0]
        by = by if by in known.module.checks else "?"
        known.by[mutant.digest] = "" if failed is None else by
        self.left -= 1
        if time.monotonic() - self.saved > SAVED:
            self.saved = time.monotonic()
            known.save()
            self.tell(known)

    def good(self, copy: Copy, module: Module) -> float:
        """Return how much time the checks take on the module itself; they must pass."""
        for _ in range(2):  # the first run writes the bytecode
            copy.start(module, module.source)
            while not (end := copy.ended()):
                time.sleep(0.005)
        passed, by, taken = end
        if not passed:
            said = (copy.folder / "output").read_text(encoding="utf-8")
            sys.exit(f"{module.path}: its own checks fail ({by})\n{said}")
        return taken

    def tell(self, known: Known) -> None:
        each = (time.monotonic() - self.began) / max(self.todo - self.left, 1)
        done = f"{len(known.by)} of {len(known.module.mutants)} mutants"
        left = f"{each:.2f} s each, {each * self.left / 60:.0f} min left"
        survive = f"{len(known.survivors)} survive"
        print(f"{self.title}: {done}, {survive}; {left}", file=sys.stderr, flush=True)


def survey(module: Module, pools: Sequence[Sequence[Process]]) -> list[dict]:
    """Return what each pool's first process finds out, and tell it to the others."""
    for first, *_ in pools:
        first.give(None)
    found = []
    for first, *others in pools:
        while not (said := first.answer()):
            pass
        if "failed" in said["known"]:
            sys.exit(f"{module.path}: its own checks fail: {said['known']['failed']}")
        for process in others:
            process.give(said["known"])
        found.append(said)
    return found


def first_call(mutant: Mutant, known: dict[str, tuple[float, list[str]]]) -> int:
    """Return which of the checks is the first that calls what a mutant changes."""
    names = {mutant.within, ANY}
    places = (i for i, (_, of) in enumerate(known.values()) if names & {*of})
    return next(places, len(known))


def faults(known: Known, survivors: Sequence[dict]) -> Iterator[str]:
    """Yield what does not hold of a module whose mutants have all been run.

    A survivor that is not explained is told as an entry of the list.
    """
    module, alive = known.module, {mutant.name for mutant in known.survivors}
    rules = [entry for entry in survivors if "everywhere" in entry]
    explained = {
        (entry["within"], entry["line"], becomes)
        for entry in survivors
        if entry.get("module") == module.path and entry["why"]
        for becomes in entry["becomes"]
    }
    like = {name for name in alive if any(is_like(name, rule) for rule in rules)}
    for what, names in (
        ("survives, unexplained", alive - explained - like),
        ("explained, but killed or gone", explained - alive),
    ):
        for (within, line), like in itertools.groupby(sorted(names), lambda n: n[:2]):
            entry = {"module": module.path, "within": within, "line": line}
            entry |= {"becomes": [name[2] for name in like], "why": ""}
            yield f"# {what}\n{yaml.safe_dump([entry], sort_keys=False, width=88)}"
    least = LEAST[module.package]
    if known.killed < least * len(module.mutants):
        share = known.killed / len(module.mutants)
        yield f"# {module.path}: expected {least:.0%} killed, got {share:.1%}"


def is_like(name: tuple[str, str, str], rule: dict[str, str]) -> bool:
    """Whether a survivor comes of a change that is explained for all modules."""
    _, line, becomes = name
    texts = (line.replace(rule["everywhere"], text) for text in rule["becomes"])
    return rule["everywhere"] in line and becomes in texts


def row(known: Known) -> dict[str, int]:
    """Return the figures of a module, as they are recorded."""
    figures = {"mutants": len(known.module.mutants), "killed": known.killed}
    return {**figures, "explained": len(known.survivors)}


def record(rows: dict[str, dict[str, int]], every: Sequence[Module]) -> str:
    """Return the text of the record; modules not run are named as that."""
    paths = [module.path for module in every]
    missing = [path for path in paths if path not in rows]
    lines = ["# Written by `python benchmarks/mutants.py --write`.", "modules:"]
    for path in paths:
        if path in rows:
            figures = ", ".join(f"{name}: {n}" for name, n in rows[path].items())
            lines.append(f"  {path}: {{{figures}}}")
    lines.append("not run yet:" if missing else "not run yet: []")
    return "\n".join([*lines, *(f"  - {path}" for path in missing)]) + "\n"


def warm_up(*names: str) -> None:
    """Import what all checks import, in one thread: more could not be forked."""
    os.environ |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="a part of the path; all if none")
    parser.add_argument("--write", action="store_true", help="write the record")
    parser.add_argument("--workers", type=int, default=1, help="mutants at a time")
    parser.add_argument(
        "--control", action="store_true", help="try each function as it is, too"
    )
    parser.add_argument(
        "--seconds", type=float, default=0, help="of checks, for a first look"
    )
    arguments = parser.parse_args()
    every = modules()
    wanted = arguments.modules or [""]
    if missing := [w for w in wanted if not any(w in m.path for m in every)]:
        parser.error(f"expected parts of paths of modules, got {', '.join(missing)}")
    survivors = yaml.safe_load(SURVIVORS.read_text(encoding="utf-8"))
    known = [Known(m) for m in every if any(w in m.path for w in wanted)]
    run = Run(
        known, arguments.workers, control=arguments.control, seconds=arguments.seconds
    )
    if run.copies:
        warm_up(*WARM)
    with contextlib.closing(run):
        run.all()
    rows = {one.module.path: row(one) for one in known}
    found = [fault for one in known for fault in faults(one, survivors)]
    for path, figures in rows.items():
        print(path, *(f"{name} {number}" for name, number in figures.items()))
    print(*found, sep="\n")
    if arguments.write and not found:
        old = yaml.safe_load(RECORD.read_text("utf-8")) if RECORD.is_file() else {}
        rows = {**old.get("modules", {}), **rows}
        RECORD.write_text(record(rows, every), encoding="utf-8")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
