"""Run every bundle of a page alone: a block with the earlier blocks that it needs.

Each bundle runs in a process of its own, forked from one that has imported torch and
nothing of the page. Bundles that begin with the same blocks share these: the process
that has run them, and nothing else of the page, forks once more for each way to go on.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pageproof.notebook import BlockError
from pageproof.page import Page
from pageproof.proof import Proof, Settings


@dataclass
class Node:
    """Blocks that run one after the other in one process, and how bundles go on."""

    place: int
    ends: bool = False  # whether a bundle ends with this block
    then: dict[int, "Node"] = field(default_factory=dict)


def as_tree(bundles: list[list[int]]) -> Node:
    """Return the bundles as a tree: what begins alike is there once."""
    root = Node(-1)
    for bundle in bundles:
        node = root
        for place in bundle:
            node = node.then.setdefault(place, Node(place))
        node.ends = True
    return root


def run_alone(
    page: Page, bundles: list[list[int]], settings: Settings
) -> Iterator[tuple[int, str | None]]:
    """Yield the last block of each bundle, by its place, and what does not hold."""
    read, write = os.pipe()
    forked = _fork(lambda: _Alone(page, settings, write).all(as_tree(bundles)))
    os.close(write)
    left = {bundle[-1] for bundle in bundles}
    with open(read, encoding="utf-8") as lines:
        for line in lines:
            place, error = json.loads(line)
            left.discard(place)
            yield place, error
    os.waitpid(forked, 0)
    for place in sorted(left):
        yield place, "its process ended before it said anything"


class _Alone:
    """The process that runs the first blocks of some bundles, and its children."""

    def __init__(self, page: Page, settings: Settings, answers: int) -> None:
        self.page, self.answers = page, answers
        self.proof = Proof(page, settings)

    def all(self, tree: Node) -> None:
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
        error = self.proof.result(self.page.blocks[node.place])
        if node.ends:
            self.answer(node.place, str(error) if error else None)
        if error:
            self.give_up(node, error)
        else:
            self.walk(node)

    def give_up(self, node: Node, error: BlockError) -> None:
        for following in node.then.values():
            if following.ends:
                self.answer(following.place, f"not reached: {error}")
            self.give_up(following, error)

    def answer(self, place: int, error: str | None) -> None:
        os.write(self.answers, (json.dumps([place, error]) + "\n").encode())


@contextlib.contextmanager
def _copied_folder() -> Iterator[str]:
    """A copy of the current folder: no bundle finds what another one writes."""
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
