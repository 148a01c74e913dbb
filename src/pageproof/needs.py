"""Which earlier blocks of a page a block needs, found from the code alone.

The blocks of a page are read in the order in which they run; nothing is executed. A
name stands for a value. A value knows the block that made it, the blocks that have
changed it since, and the values that it may hold or share memory with. A block needs
the makers and the changers of all that it reads, and what those blocks need.

What changes a value is known by custom (`customs.py`) and, for the functions and
classes of the page and of the project, from their bodies.
"""

import copy
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from pageproof.effects import PageEffects
from pageproof.page import Block, Page

FILE_NAME = re.compile(r"""["']([\w./-]*\w\.[a-z]\w{0,4})["']""")
WRITES = re.compile(
    r"\bsave\w*\(|\bwrite\w*\(|\bopen\([^)]*['\"][wax][bt+]*['\"]|\bmkdir\("
)


class Sources:
    """The sources of the project's own modules, by their dotted names, read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, str | None] = {}

    def __call__(self, module: str) -> str | None:
        """Return a module's source, None if it is not one of the project."""
        if module not in self.known:
            self.known[module] = self.read(module)
        return self.known[module]

    def read(self, module: str) -> str | None:
        path = self.folder.joinpath(*module.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if module and file.is_file():
                return file.read_text(encoding="utf-8")
        return None


def copies(
    page: Page, source_of: Callable[[str], str | None]
) -> list[list[int] | None]:
    """Return what a copy of each block of a page brings along, None if it has none."""
    return [
        found if block.language == "python" else None
        for block, found in zip(page.blocks, needs(page.blocks, source_of), strict=True)
    ]


def needs(
    blocks: Sequence[Block], source_of: Callable[[str], str | None]
) -> list[list[int]]:
    """Return for each block the places of the earlier blocks that it needs, in order.

    `source_of` gives the source of an imported module that is the project's own, by its
    dotted name, and None for others. A block that is not Python needs none.
    """
    effects = PageEffects(source_of)
    found: list[set[int]] = []
    written: dict[str, set[int]] = {}
    for place, block in enumerate(blocks):
        direct: set[int] = set()
        if block.language == "python":
            optional = block.requires or block.skip  # others must do without it
            direct = (copy.deepcopy(effects) if optional else effects).read(
                place, block.code
            )
            for name in set(FILE_NAME.findall(block.code)):
                direct |= written.get(name, set())
                if WRITES.search(block.code):
                    written.setdefault(name, set()).add(place)
        found.append(direct.union(*(found[other] for other in direct)) - {place})
    return [sorted(some) for some in found]
