"""What the calls of functions do to the values they meet."""

import ast

from pageproof import customs
from pageproof.effects.uses import Uses
from pageproof.effects.values import Call, Result, Value, closure


class Calls(Uses):
    """The calls of a block whose function and arguments have been read."""

    def called(
        self,
        node: ast.Call,
        callee: Result,
        given: list[Result],
        named: dict[str, Result],
    ) -> Result:
        """Return what a call comes to."""
        name = ""
        whole = Result()  # what a method is called on
        if isinstance(node.func, ast.Attribute):
            name, whole = node.func.attr, callee
        elif isinstance(node.func, ast.Name):
            name = node.func.id
        everything = Result(set(), set(callee.inputs))
        for one in (*given, *named.values()):
            everything |= one
        of_module = any(value.module and not value.holds for value in whole.holds)
        reach = closure(callee.holds, lambda value: value.holds)
        calls = self.calls(node.func, name, reach)
        if isinstance(node.func, ast.Name):
            self.use_up(callee.holds)
        if calls:
            result = self.known(calls, callee, given, named, everything)
        else:
            result = self.by_custom(
                name, node, whole, of_module, given, named, everything
            )
            if not isinstance(node.func, ast.Attribute):
                result.holds |= {value for value in reach if value.methods}  # its class
        if "requires_grad" in named:
            result.leaf = True
        return result

    def calls(self, func: ast.expr, name: str, reach: set[Value]) -> list[Call]:
        """Return what is known of the functions that may be called."""
        found = []
        for value in reach:
            if isinstance(func, ast.Attribute) and name in value.methods:
                found.append(value.methods[name])
            elif not isinstance(func, ast.Attribute):
                if value.calls:
                    found.append(value.calls)
                for special in ("__init__", "__call__", "forward"):
                    if special in value.methods:
                        found.append(value.methods[special])
        return found

    def known(
        self,
        calls: list[Call],
        callee: Result,
        given: list[Result],
        named: dict[str, Result],
        everything: Result,
    ) -> Result:
        """A call of functions whose bodies have been read."""
        late = closure(callee.holds, lambda value: value.holds)
        outside = {name for value in late for name in value.late}
        known = {self.page.names[n] for n in outside if n in self.page.names}
        result = Result(set(), everything.inputs | callee.holds | known)
        for call in calls:
            method = call.parameters[:1] == ["self"]
            arguments = [callee, *given] if method else given
            pairs = list(zip(call.parameters, arguments, strict=False))
            extra = arguments[len(call.parameters) :]
            pairs += [(call.parameters[-1], one) for one in extra if call.parameters]
            pairs += [
                (name if name in call.parameters else "", one)
                for name, one in named.items()
            ]
            for name, one in pairs:
                if name in call.changes:
                    self.change(closure(one.holds, lambda value: value.holds))
                if name in call.grades:
                    graph = closure(
                        one.holds | one.inputs, lambda v: v.holds | v.inputs
                    )
                    self.grade(graph)
                if name in call.uses_up or call.yields:
                    self.use_up(one.holds)
                if name in call.holds or not name:
                    result.holds |= one.holds
            for name in call.changes_outside:
                if value := self.find(name):
                    self.change(value.reach())
            held = map(self.find, call.holds_outside)
            result.holds |= {value for value in held if value and not value.module}
            if call.grades_outside:
                self.grade(closure(known, lambda value: value.holds | value.inputs))
            if call.seeds:
                self.seed()
            if call.draws:
                self.draw()
            result.used_up |= call.yields
            result.leaf |= call.leaf
            if method or call.yields:
                result.holds |= everything.holds | callee.holds
        inner = {value for value in late if value.holds and value.calls}
        result.holds |= inner
        return result

    def by_custom(
        self,
        name: str,
        node: ast.Call,
        whole: Result,
        of_module: bool,
        given: list[Result],
        named: dict[str, Result],
        everything: Result,
    ) -> Result:
        """A call of what is known by its name only."""
        inputs = everything.inputs
        draws = name in customs.DRAWS and "generator" not in named
        if draws:
            self.draw()
        if of_module and (name in customs.SEEDS or name.startswith(customs.SETS)):
            if name in customs.SEEDS:
                self.seed()
            elif self.call is None:
                self.page.settings.changed.add(self.place)
            return Result()
        if name in customs.CHANGES_GRADIENTS:
            about = Result(inputs, inputs) if of_module else whole
            graph = closure(
                about.holds | about.inputs, lambda value: value.holds | value.inputs
            )
            self.grade(graph)
            return Result()
        if not of_module:
            self.change_by_custom(name, node, whole, everything)
        elif customs.changes_in_place(name) and given:
            self.change(closure(given[0].holds, lambda value: value.holds))
            return given[0]
        if not name or (name[:1].islower() and name not in customs.GIVES_PLAIN):
            self.use_up(whole.holds | everything.holds)
        if name in customs.GIVES_PLAIN:
            return Result()
        if name[:1].isupper() or name in customs.GIVES_WHAT_IT_IS_GIVEN:
            return Result(
                everything.holds | (set() if of_module else whole.holds),
                inputs,
                used_up=name in customs.USED_UP or name.startswith("BatchNorm"),
                draws=name in customs.DRAWS_WHEN_USED and "generator" not in named,
                leaf=name[:1].isupper() and not name.endswith("Loss"),
                container=name in ("list", "dict", "tuple", "set", "sorted"),
            )
        if of_module or name in customs.GIVES_FRESH:
            return Result(set(), inputs)
        return Result(
            set(whole.holds),
            inputs,
            used_up=whole.used_up,
            draws=whole.draws,
            leaf=whole.leaf or name == "requires_grad_",
        )

    def change_by_custom(
        self, name: str, node: ast.Call, whole: Result, everything: Result
    ) -> None:
        if any(value.used_up for value in whole.holds):
            self.change(value for value in whole.holds if value.used_up)
        elif name in customs.CHANGES_ITSELF:
            self.change({one for value in whole.holds for one in value.same()})
            for value in whole.holds:
                value.holds |= {v for v in everything.holds if value not in v.reach()}
        elif name in customs.CHANGES_WHAT_IT_HOLDS or customs.changes_in_place(name):
            self.change(closure(whole.holds, lambda value: value.holds))
            if name == "requires_grad_":
                for value in whole.holds:
                    value.leaf = True
