"""Run every copy of a page alone: a block with the earlier blocks that it needs.

Each copy runs in a process of its own, forked from one that has imported torch and
nothing of the page. Copies that begin with the same blocks share these: the process
that has run them, and nothing else of the page, forks once more for each way to go on.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pageproof import children, limits
from pageproof.needs import Sources, copies
from pageproof.notebook import BlockError
from pageproof.page import Page
from pageproof.proof import Proof, Settings
from pageproof.reading import Reader
from pageproof.state import own_folder, warm_up

# What torch and matplotlib import late: once for all copies, not in each of them.
LATE = ("torch._dynamo", "matplotlib.pyplot", "matplotlib.backends.backend_svg")
LIMIT = 300  # seconds in which some copy must have ended


@dataclass
class Node:
    """Blocks that run one after the other in one process, and how bundles go on."""

    place: int
    ends: bool = False  # whether a bundle ends with this block
    then: dict[int, "Node"] = field(default_factory=dict)


def as_tree(copies: Sequence[Sequence[int]]) -> Node:
    """Return copies, each the places of its blocks, with like beginnings there once."""
    root = Node(-1)
    for copy in copies:
        node = root
        for place in copy:
            node = node.then.setdefault(place, Node(place))
        node.ends = True
    return root


def run_alone(
    page: Page, tree: Node, settings: Settings, limit: float = LIMIT
) -> Iterator[tuple[list[int], str | None]]:
    """Yield each copy of a tree that has run, and what does not hold of it.

    A copy whose process ended, or was stopped after `limit` seconds, is not yielded.
    """
    read, write = os.pipe()
    forked = _fork(lambda: _Alone(page, settings, write).all(tree))
    os.close(write)
    with open(read, "rb", buffering=0) as answers:
        said = b""
        while select.select([answers], [], [], limit)[0]:
            if not (some := answers.read(65536)):
                break
            *lines, said = (said + some).split(b"\n")
            yield from map(tuple, map(json.loads, lines))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(forked, signal.SIGKILL)
    os.waitpid(forked, 0)


def faults(page: Page, sources: Sources, settings: Settings) -> Iterator[str]:
    """Yield what does not hold of the copies of a page, each with its block's line."""
    found = copies(page, sources)
    runs = [place for place, b in enumerate(page.blocks) if not settings.skips(b)]
    wanted = [[*found[p], p] for p in runs if found[p] is not None]
    left = {tuple(copy) for copy in wanted}
    for copy, error in run_alone(page, as_tree(wanted), settings):
        left.discard(tuple(copy))
        if error:
            yield _told(page, copy, error)
    for copy in sorted(left):
        yield _told(page, copy, "its process ended, or did not end, before it was done")


def _told(page: Page, copy: Sequence[int], error: str) -> str:
    *needed, block = (page.blocks[place] for place in copy)
    lines = ", ".join(str(other.line) for other in needed) or "none"
    return f"a copy of the block on line {block.line} with those on {lines}: {error}"


class Runner:
    """A process that has imported torch, and runs the copies of page after page."""

    def __init__(self, config_file: Path, exact: bool) -> None:
        command = [sys.executable, "-m", __spec__.name, str(config_file), str(exact)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # a process with more threads than one cannot be forked
            env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        children.kept.add(self.process.pid)

    def faults(self, page: Path) -> list[str]:
        """Return what does not hold of the copies of a page."""
        with contextlib.suppress(BrokenPipeError):
            print(page, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else ["the process that runs them ended"]

    def close(self) -> None:
        self.process.communicate()


def serve(config_file: Path, exact: bool) -> None:
    """Answer each page that is named on standard input with its faults, as JSON."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a page lets slip to standard output is no answer
    reader, sources = Reader(config_file), Sources(config_file.parent / "src")
    style = reader.docs / "assets/light.mplstyle"
    settings = Settings(cuda=False, exact=exact, update=False, style=style)
    warm_up()
    for module in LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    gc.freeze()
    limits.ENDS = False  # `run_alone` watches
    for line in sys.stdin:
        page = reader.read(Path(line.strip()))
        print(json.dumps([*faults(page, sources, settings)]), file=answers, flush=True)


class _Alone:
    """The process that runs the first blocks of some copies, and its children."""

    def __init__(self, page: Page, settings: Settings, answers: int) -> None:
        own_folder()
        self.page, self.answers = page, answers
        self.proof = Proof(page, settings)
        self.run: list[int] = []  # the places of the blocks that this process has run

    def all(self, tree: Node) -> None:
        os.setpgid(0, 0)
        folder = Path.cwd()  # the proof has made one for the page
        self.walk(tree)
        self.proof.finish()
        folder.rmdir()

    def walk(self, node: Node) -> None:
        """Go on with each of the ways: the last one here, the others in children."""
        *others, last = node.then.values() or [None]
        for following in others:
            with _copied_folder() as folder:
                os.waitpid(_fork(lambda n=following, f=folder: self.branch(n, f)), 0)
        if last:
            self.go_on(last)

    def branch(self, node: Node, folder: str) -> None:
        os.chdir(folder)
        self.go_on(node)

    def go_on(self, node: Node) -> None:
        self.run.append(node.place)
        error = self.proof.result(self.page.blocks[node.place], look=node.ends)
        if node.ends:
            self.answer(self.run, str(error) if error else None)
        if error:
            self.give_up(node, self.run, error)
        else:
            self.walk(node)

    def give_up(self, node: Node, run: list[int], error: BlockError) -> None:
        for following in node.then.values():
            copy = [*run, following.place]
            if following.ends:
                self.answer(copy, f"not reached: {error}")
            self.give_up(following, copy, error)

    def answer(self, copy: list[int], error: str | None) -> None:
        os.write(self.answers, (json.dumps([copy, error]) + "\n").encode())


@contextlib.contextmanager
def _copied_folder() -> Iterator[str]:
    """A copy of the current folder: no copy finds what another one writes."""
    with tempfile.TemporaryDirectory(prefix="alone-") as folder:
        shutil.copytree(Path.cwd(), folder, dirs_exist_ok=True)
        yield folder


def _fork(work: Callable[[], None]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    if child := os.fork():
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(Path(sys.argv[1]).resolve(), sys.argv[2] == "True")
