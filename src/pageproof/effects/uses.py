"""What a block, or the body of a function, reads and changes."""

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pageproof import customs
from pageproof.effects.values import NEVER, Call, Value, closure, touches_gradients

if TYPE_CHECKING:
    from pageproof.effects import PageEffects


class Uses:
    """One block being read; or, with `call`, the body of a function."""

    def __init__(
        self,
        page: "PageEffects",
        place: int,
        call: Call | None = None,
        scopes: tuple[dict[str, Value], ...] = (),
    ) -> None:
        self.page, self.place, self.call, self.scopes = page, place, call, scopes
        self.names = scopes[-1] if scopes else page.names
        self.parameters: dict[Value, str] = {}
        self.needs: set[int] = set()
        self.late: set[str] = set()
        self.captured: set[Value] = set()
        self.gradients = False
        self.maybe = False
        self.following: set[str] = set()

    def find(self, name: str) -> Value | None:
        for scope in reversed(self.scopes):
            if name in scope:
                if scope is not self.scopes[-1]:
                    self.captured.add(scope[name])
                return scope[name]
        value = self.page.names.get(name)
        if self.call is not None:
            self.late.add(name)
            self.call.gradients |= value is not None and touches_gradients(value)
        elif value is not None:
            self.need(value)
        return value

    def need(self, value: Value) -> None:
        if self.call is not None:
            return
        late: set[str] = set()
        for one in value.reach():
            self.needs |= {one.block} | one.changed
            if self.gradients:
                self.needs |= one.graded
            if one.module:
                self.needs |= self.page.settings.changed
            late |= one.late
        for name in late - self.following:
            self.following.add(name)
            self.find(name)
            self.following.discard(name)

    def change(self, values: Iterable[Value]) -> None:
        for value in values:
            if self.call is None:
                self.need(value)
                value.changed.add(self.place)
            elif value in self.parameters:
                self.call.changes.add(self.parameters[value])
            else:
                self.outside(value, self.call.changes_outside)

    def outside(self, value: Value, names: set[str]) -> None:
        for name in self.late:
            if (known := self.page.names.get(name)) and value in known.reach():
                names.add(name)

    def grade(self, values: Iterable[Value]) -> None:
        for value in values:
            if self.call is None:
                if value.leaf:
                    self.need(value)
                    value.graded.add(self.place)
            elif value in self.parameters:
                self.call.grades.add(self.parameters[value])
            elif value.leaf and value.block != self.place:
                self.call.grades_outside = True

    def use_up(self, values: Iterable[Value]) -> None:
        """What reading a value does to it, if it is an iterator or a generator."""
        for value in closure(set(values), lambda one: one.holds):
            if value.used_up:
                self.change([value])
            if value in self.parameters:
                self.call.uses_up.add(self.parameters[value])
            if value.draws:
                self.draw()

    def draw(self) -> None:
        if self.call is not None:
            self.call.draws = True
        elif self.page.random.block != NEVER:
            self.needs |= {self.page.random.block} | self.page.random.changed
            self.page.random.changed.add(self.place)

    def seed(self) -> None:
        if self.call is not None:
            self.call.seeds = True
        else:
            self.page.random = Value(self.place)

    def mentions_gradients(self, tree: ast.AST) -> bool:
        for node in ast.walk(tree):
            if isinstance(node, ast.AugAssign):
                node = loaded(node.target)
            if isinstance(node, ast.Attribute):
                reads = not isinstance(node.ctx, ast.Store)
                if reads and node.attr in customs.READS_GRADIENTS:
                    return True
            elif isinstance(node, ast.Name):
                value = self.page.names.get(node.id)
                if value is not None and touches_gradients(value):
                    return True
        return False


def loaded(target: ast.expr) -> ast.expr:
    """The same place, read instead of written."""
    return ast.parse(ast.unparse(target), mode="eval").body
