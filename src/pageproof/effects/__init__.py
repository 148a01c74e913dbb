"""What the code of a page reads, makes and changes, block by block; nothing is run."""

import ast
from collections.abc import Callable

from pageproof.effects.statements import Statements
from pageproof.effects.values import NEVER, Value


class PageEffects:
    """The names of a page, as its blocks are read one after the other."""

    def __init__(self, source_of: Callable[[str], str | None]) -> None:
        self.source_of = source_of
        self.names: dict[str, Value] = {}
        self.random, self.settings = Value(NEVER), Value(NEVER)  # torch's own states
        self.modules: dict[str, dict[str, Value]] = {}

    def read(self, place: int, code: str) -> set[int]:
        """Return the places of the blocks that this one uses directly."""
        try:
            tree = ast.parse(code)
        except SyntaxError:
            return set()  # the run says so, with the line
        reading = Statements(self, place)
        reading.gradients = reading.mentions_gradients(tree)
        reading.body(tree.body)
        return reading.needs - {place, NEVER}

    def module(self, name: str) -> dict[str, Value] | None:
        """Return what a module of the project defines, None for another module."""
        if name not in self.modules:
            source = self.source_of(name)
            if source is None:
                return None
            self.modules[name] = {}
            inside = PageEffects(self.source_of)
            Statements(inside, NEVER).body(ast.parse(source).body)
            for value in inside.names.values():
                for some in value.outside():
                    some.clear()  # they are names of the module, not of the page
            self.modules[name] = inside.names
        return self.modules[name]
