"""Plant faults in the pages, one at a time, and count which of them fail the run.

`python benchmarks/faults.py` does it on a copy of the site, with `--others` for other
tools too, and prints what it found; `--write` records it in docs/verified/faults.yml.
README.md says what is a fault, and when it counts as caught.
"""

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue

import yaml
from othertools import TOOLS, Tool
from planting import KINDS, QUICK, Fault, Kind, Sheet, candidates, sheets

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs/verified/faults.yml"
COPIED = ("docs", "src/firstdescent", "mkdocs.yml", "mkdocs.base.yml", "overrides")
COPIED += ("pyproject.toml", "constraints.txt")
LATE = ("torch._dynamo", "matplotlib.pyplot", "matplotlib.backends.backend_svg")
LATE += ("pageproof.plugin",)
LIMIT = 240  # seconds
SEED = 0
SAMPLE = 2  # faults of each kind that the other tools get


def copied(folder: Path) -> Path:
    """Copy what pages are made of into a folder; return it."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
    return folder


def pages_of(root: Path) -> list[str]:
    """Return the names of the pages and labs whose blocks are run."""
    docs = root / "docs/en"
    found = [*docs.rglob("*.md"), *docs.glob("labs/*.py")]
    names = (file.relative_to(root).as_posix() for file in found)
    return sorted(name for name in names if "/reference/" not in name)


@contextlib.contextmanager
def planted(root: Path, fault: Fault) -> Iterator[None]:
    """A copy of the site with a fault in it."""
    good = {name: (root / name).read_bytes() for name in fault.files}
    try:
        for name, data in fault.files.items():
            if data is None:
                (root / name).unlink()
            else:
                (root / name).write_bytes(data)
        yield
    finally:
        for name, data in good.items():
            (root / name).write_bytes(data)


# Processes that have imported what each run imports


def warm_up() -> None:
    """Import once what each run imports; the processes to come are forked off this."""
    os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # each run names its plugins
    from pageproof import state

    state.warm_up()
    for module in LATE:
        importlib.import_module(module)


def forked(work: Callable[[], object]) -> tuple[object, str]:
    """Return what work returns, in a process of its own, and what that writes.

    None if it ends by itself, or does not end.
    """
    with tempfile.TemporaryDirectory(prefix="fault-") as name:
        scratch = Path(name)
        if not (child := os.fork()):
            _in_child(work, scratch)
        end = time.monotonic() + LIMIT
        while not (done := os.waitpid(child, os.WNOHANG)[0]):
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if not done:
            os.waitpid(child, 0)
        result = scratch / "result.json"
        found = json.loads(result.read_text()) if result.exists() else None
        return found, (scratch / "said").read_text("utf-8", "replace")


def _in_child(work: Callable[[], object], scratch: Path) -> None:
    try:
        os.setsid()
        tempfile.tempdir = str(scratch)
        file = os.open(scratch / "said", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        os.dup2(file, 2)
        result = json.dumps(work())
        sys.stdout.flush()
        (scratch / "result").write_text(result)
        (scratch / "result").rename(scratch / "result.json")
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def pytest_in(folder: Path, sources: Path, options: Sequence[str]) -> tuple:
    """Run pytest in a folder, with modules from another; return status and words."""
    import pytest

    def work() -> int:
        os.chdir(folder)
        sys.path.insert(0, str(sources))
        same = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider"]
        return int(pytest.main([*same, *options]))

    return forked(work)


def prove(root: Path, page: str) -> tuple[int | None, str]:
    """Run the proof of a page, as `pytest PAGE` does; return its status and words."""
    # Copies of cells are run after the page, and the record of an earlier run says of
    # a page that it is not what it was: the proof itself must find out what is wrong.
    options = ["-o", "pageproof_copies=false", "-o", "pageproof_verified="]
    plugins = ["-p", "pytest_codeblocks.plugin", "-p", "pageproof.plugin"]
    return pytest_in(root, root / "src", [*plugins, *options, page])


# What a page does without any proof


def behaviour(root: Path, name: str) -> dict | None:
    """Return what the blocks of a page do if they are just executed, None if unread."""
    return forked(lambda: _behaviour(root, name))[0]


def _behaviour(root: Path, name: str) -> dict | None:
    import matplotlib
    import torch

    from pageproof.page import PageError

    sys.path.insert(0, str(root / "src"))
    try:
        (page,) = sheets(root, [name])
    except PageError:
        return None
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "faults"
    os.chdir(tempfile.mkdtemp())
    torch.seed()
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    blocks = []
    for block in page.page.blocks:
        if block.language == "python" and not block.requires:
            did, lines = _done(block.code, main, page.page.path, block.places)
            if block.timed:
                did = did[:-1]
        else:
            did, lines = [], []
        lines += range(page.extent(block)[0], page.extent(block)[1] + 1)
        blocks.append({"did": did, "lines": lines})
    names = {k: _digest(v) for k, v in vars(main).items() if not k.startswith("__")}
    return {"blocks": blocks, "names": {k: v for k, v in names.items() if v}}


def same_twice(one: dict | None, other: dict | None) -> dict | None:
    """Return what a page did both times it was run; a block that did not has None."""
    if one is None or other is None:
        return None
    for a, b in zip(one["blocks"], other["blocks"], strict=True):
        a["did"] = a["did"] if a["did"] == b["did"] else None
    names = one["names"].items() & other["names"].items()
    return {"blocks": one["blocks"], "names": dict(names)}


def _done(
    code: str, main: types.ModuleType, path: Path, places: Sequence
) -> tuple[list, list[int]]:
    """What a block prints, warns of, raises and draws; the page's lines that raise."""
    from matplotlib import pyplot

    file = Path(tempfile.mkstemp(suffix=".py")[1])
    file.write_text(code, "utf-8")  # where inspect finds it
    LINES[str(file)] = places
    printed, error, lines = io.StringIO(), "", []
    with (
        contextlib.redirect_stdout(printed),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        try:
            exec(compile(code, str(file), "exec", dont_inherit=True), main.__dict__)
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"
            for frame in traceback.extract_tb(raised.__traceback__):
                if own := LINES.get(frame.filename):
                    place = own[frame.lineno]
                    lines += [place.line] if place.path == path else []
    drawn = hashlib.sha256()
    for number in pyplot.get_fignums():
        buffer = io.BytesIO()
        figure = pyplot.figure(number)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        drawn.update(buffer.getvalue())
    pyplot.close("all")
    said = [str(warning.message) for warning in warned]
    return [printed.getvalue(), said, error, drawn.hexdigest()], lines


LINES: dict[str, Sequence] = {}  # of each block's file, the places of its lines


def _digest(value: object, depth: int = 4) -> str | None:
    """A text that tells values apart, None for those of which that is not known."""
    import torch

    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return f"{value.dtype} {value.tolist()}" if value.numel() < 10**6 else None
    if isinstance(value, torch.nn.Module):
        value = dict(value.state_dict())
    if isinstance(value, (int, float, complex, str, bytes, type(None))):
        return repr(value)
    if isinstance(value, dict):
        value = [*value.items()]
    if isinstance(value, (list, tuple)) and depth and len(value) < 10**4:
        found = [_digest(item, depth - 1) for item in value]
        return None if None in found else repr(found)
    return None


# One fault

CAUGHT, ELSEWHERE, MISSED = "caught", "named elsewhere", "missed"
UNSEEN, SAME = "changes nothing that the page shows", "changes nothing"
FAULTS = (CAUGHT, ELSEWHERE, MISSED)  # the other two are none


@dataclass
class Outcome:
    """What became of a fault, and the line of the page that the message named."""

    fault: Fault
    status: str
    named: int | None
    said: str
    sampled: bool = False
    others: dict[str, bool] = field(default_factory=dict)  # tools that fail on it

    def __str__(self) -> str:
        at = f"{self.fault.page}:{self.fault.lines[0]}"
        return f"{self.fault.kind}: {at}: {self.status}, named line {self.named}"


def named_line(said: str, page: str) -> int | None:
    """Return the line of a page that a failed run names first, None if it names none.

    A message about a line of `src` names that, and pytest the page and the block.
    """
    found = re.search(rf"{re.escape(page)}:(?::line )?(\d+)", said)
    return int(found[1]) if found else None


def examine(root: Path, fault: Fault, good: Callable[[str], dict | None]) -> Outcome:
    """Plant a fault and run its page; `good` is what a page does without one."""
    with planted(root, fault):
        status, said = prove(root, fault.page)
        failed = status == 1
        named = named_line(said, fault.page) if failed else None
        if failed and named in fault.lines:
            verdict = CAUGHT
        elif fault.may_not_matter and (does := good(fault.page)):
            verdict = _judged(failed, named, does, behaviour(root, fault.page))
        else:
            verdict = ELSEWHERE if failed else MISSED
    return Outcome(fault, verdict, named, said)


def _judged(failed: bool, named: int | None, good: dict, bad: dict | None) -> str:
    """What became of a change in code, by the first block that does something else."""
    if bad is None:
        return ELSEWHERE if failed else MISSED
    for one, other in zip(good["blocks"], bad["blocks"], strict=True):
        if one["did"] not in (None, other["did"]):
            if not failed:
                return MISSED
            return CAUGHT if named in other["lines"] else ELSEWHERE
    if failed:
        return ELSEWHERE
    return SAME if good["names"].items() <= bad["names"].items() else UNSEEN


def run_kind(
    root: Path, kind: Kind, pages: list[Sheet], good: Callable, count: int
) -> list[Outcome]:
    """Plant changes of a kind until as many as are asked for are faults."""
    outcomes = []
    for fault in candidates(kind, pages, SEED):
        outcomes.append(examine(root, fault, good))
        if sum(outcome.status in FAULTS for outcome in outcomes) == count:
            break
    return outcomes


def passes(root: Path, page: str, tool: Tool) -> bool:
    """Whether a page passes under another tool."""
    with tempfile.TemporaryDirectory(prefix="other-") as name:
        folder = Path(name)
        tool.write(folder, (root / page).read_bytes(), root)
        return pytest_in(folder, root / "src", tool.options)[0] == 0


# All of them


class Copies:
    """Copies of the site, one for each thread that plants faults in one."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.free: SimpleQueue[Path] = SimpleQueue()
        for job in range(jobs):
            self.free.put(copied(folder / str(job)))
        self.threads = ThreadPoolExecutor(jobs)

    def map(self, work: Callable, items: Iterable) -> Iterator:
        """Yield what work returns for a copy and each item, in their order."""

        def one(item: object) -> object:
            root = self.free.get()
            try:
                return work(root, item)
            finally:
                self.free.put(root)

        return self.threads.map(one, items)


def sample(outcomes: list[Outcome], size: int) -> list[Outcome]:
    """Return the first faults of each kind, on pages that are quickly run."""
    taken, counts = [], Counter()
    for outcome in outcomes:
        fault = outcome.fault
        quick = fault.page.endswith(".md") and Path(fault.page).stem in QUICK
        if outcome.status in FAULTS and quick and counts[fault.kind] < size:
            counts[fault.kind] += 1
            outcome.sampled = True
            taken.append(outcome)
    return taken


def run_others(copies: Copies, some: list[Outcome]) -> dict[str, list[str]]:
    """Run other tools on some faults; return which of their pages pass when good."""
    names = sorted({outcome.fault.page for outcome in some})

    def good(root: Path, item: tuple[str, str]) -> bool:
        return passes(root, item[1], TOOLS[item[0]])

    def faulty(root: Path, item: tuple[str, Outcome]) -> bool:
        with planted(root, item[1].fault):
            return passes(root, item[1].fault.page, TOOLS[item[0]])

    pairs = [(tool, name) for tool in TOOLS for name in names]
    passing: dict[str, list[str]] = {tool: [] for tool in TOOLS}
    for (tool, name), passed in zip(pairs, copies.map(good, pairs), strict=True):
        passing[tool] += [name] if passed else []
    tell(*(f"{tool}: {len(found)} pages pass" for tool, found in passing.items()))
    runs = [(t, o) for o in some for t in TOOLS if o.fault.page in passing[t]]
    for (tool, outcome), passed in zip(runs, copies.map(faulty, runs), strict=True):
        outcome.others[tool] = not passed
    return passing


def record(outcomes: list[Outcome], passing: dict[str, list[str]]) -> dict:
    """Return the figures, as they are recorded."""
    faults = [outcome for outcome in outcomes if outcome.status in FAULTS]
    count = Counter(outcome.status for outcome in outcomes)
    figures = {
        "kinds": len({outcome.fault.kind for outcome in faults}),
        "pages": len({outcome.fault.page for outcome in faults}),
        "planted": len(faults),
        "caught": count[CAUGHT],
        "no_faults": {"unseen": count[UNSEEN], "same": count[SAME]},
    }
    if passing:
        some = [outcome for outcome in faults if outcome.sampled]
        ours = {
            "what": "the tests of this site",
            "pages": len({outcome.fault.page for outcome in some}),
            "planted": len(some),
            "caught": sum(outcome.status == CAUGHT for outcome in some),
        }
        figures["tools"] = {"ours": ours} | {
            name: {
                "what": f"{name} {tool.version}",
                "pages": len(passing[name]),
                "planted": len(tried := [o for o in some if name in o.others]),
                "caught": sum(outcome.others[name] for outcome in tried),
            }
            for name, tool in TOOLS.items()
        }
    by_kind = {}
    for name in dict.fromkeys(outcome.fault.kind for outcome in faults):
        mine = [outcome for outcome in faults if outcome.fault.kind == name]
        by_kind[name] = {
            "what": KINDS[name].plant.__doc__,
            "planted": len(mine),
            "caught": sum(outcome.status == CAUGHT for outcome in mine),
        }
        for tool in passing:
            tried = [outcome.others[tool] for outcome in mine if tool in outcome.others]
            by_kind[name][tool] = f"{sum(tried)} of {len(tried)}"
    return {**figures, "by_kind": by_kind}


def tell(*lines: object) -> None:
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kinds", nargs="*", help="all if none is named")
    parser.add_argument("--count", type=int, help="faults of each kind, at most")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--others", action="store_true", help="run other tools as well")
    parser.add_argument("--write", action="store_true", help="write faults.yml")
    asked = parser.parse_args()
    if unknown := [name for name in asked.kinds if name not in KINDS]:
        parser.error(f"expected some of {', '.join(KINDS)}, got {', '.join(unknown)}")
    missing = [tool for tool in TOOLS.values() if not find_spec(tool.package)]
    if asked.others and missing:
        pins = " ".join(f"{tool.package}=={tool.version}" for tool in missing)
        sys.exit(f"first: pip install {pins}")
    if asked.write and (asked.kinds or asked.count or not asked.others):
        parser.error("--write records all kinds, with --others")
    warm_up()
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        copies = Copies(Path(name), asked.jobs)
        root = copied(Path(name) / "good")
        pages = sheets(root, pages_of(root))
        names = [page.name for page in pages]
        good = zip(names, copies.map(prove, names), strict=True)
        if bad := [name for name, (status, _) in good if status != 0]:
            sys.exit(f"without any fault fail {', '.join(bad)}")
        kinds = [kind for name, kind in KINDS.items() if name in (asked.kinds or KINDS)]

        @cache
        def good(name: str) -> dict | None:
            return same_twice(behaviour(root, name), behaviour(root, name))

        def run(root: Path, kind: Kind) -> list[Outcome]:
            began = time.monotonic()
            count = min(kind.count, asked.count or kind.count)
            found = run_kind(root, kind, pages, good, count)
            caught = Counter(outcome.status for outcome in found)
            what = ", ".join(f"{caught[status]} {status}" for status in caught)
            tell(f"{kind.name}: {what}, {time.monotonic() - began:.0f} s")
            return found

        outcomes = [outcome for found in copies.map(run, kinds) for outcome in found]
        passing = {}
        if asked.others:
            passing = run_others(copies, sample(outcomes, SAMPLE))
    figures = record(outcomes, passing)
    text = yaml.safe_dump(figures, sort_keys=False, allow_unicode=True, width=88)
    print(text)
    rest = [outcome for outcome in outcomes if outcome.status not in (CAUGHT, SAME)]
    for outcome in rest:
        print(outcome)
        if outcome.status in FAULTS:
            print(outcome.said)
    if asked.write:
        RECORD.write_text(f"# Written by benchmarks/faults.py.\n{text}", "utf-8")
    if figures["caught"] < figures["planted"]:
        sys.exit("some faults were not caught, or not named where they are")


if __name__ == "__main__":
    main()
