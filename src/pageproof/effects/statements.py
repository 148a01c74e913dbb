"""What the statements of a block do, one after the other."""

import ast

from pageproof.effects.expressions import Expressions, all_arguments
from pageproof.effects.uses import loaded
from pageproof.effects.values import Result, Value, closure


class Statements(Expressions):
    """The statements of a block, or of a function's body."""

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def branches(self, *bodies: list[ast.stmt]) -> None:
        before, self.maybe = self.maybe, True
        for body in bodies:
            self.body(body)
        self.maybe = before

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if method:
            method(node)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child)
            elif isinstance(child, ast.stmt):
                self.statement(child)

    def on_assign(self, node: ast.Assign) -> None:
        result = self.expression(node.value)
        for target in node.targets:
            self.bind(target, result)

    def on_annassign(self, node: ast.AnnAssign) -> None:
        self.expression(node.annotation)
        if node.value is not None:
            self.bind(node.target, self.expression(node.value))

    def on_augassign(self, node: ast.AugAssign) -> None:
        result = self.expression(node.value)
        target = node.target
        self.change(self.expression(loaded(target)).holds)
        if isinstance(target, ast.Name) and (value := self.find(target.id)):
            value.holds |= result.holds - {value}
            value.inputs |= result.inputs

    def on_for(self, node: ast.For) -> None:
        result = self.expression(node.iter)
        self.use_up(result.holds)
        self.bind(node.target, result)
        self.body(node.body)
        self.body(node.orelse)

    def on_while(self, node: ast.While) -> None:
        self.expression(node.test)
        self.body(node.body)
        self.body(node.orelse)

    def on_if(self, node: ast.If) -> None:
        self.expression(node.test)
        self.branches(node.body, node.orelse)

    def on_try(self, node: ast.Try) -> None:
        self.body(node.body)
        for handler in node.handlers:
            if handler.type:
                self.expression(handler.type)
            if handler.name:
                self.names[handler.name] = Value(self.place)
        self.branches(*[handler.body for handler in node.handlers])
        self.body(node.orelse)
        self.body(node.finalbody)

    def on_with(self, node: ast.With) -> None:
        for item in node.items:
            result = self.expression(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, result)
        self.body(node.body)

    def on_import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            old = self.names.get(name)
            self.names[name] = Value(self.place, module=True)
            if old and old.module and not alias.asname:
                self.names[name].holds.add(old)  # import a; import a.b

    def on_importfrom(self, node: ast.ImportFrom) -> None:
        known = self.page.module(node.module or "") if not node.level else None
        for alias in node.names:
            value = Value(self.place, module=True)
            if known and (there := known.get(alias.name)):
                value.holds = {there}
            self.names[alias.asname or alias.name] = value

    def on_return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.give(self.expression(node.value))

    def give(self, result: Result) -> None:
        if self.call is None:
            return
        reach = closure(result.holds, lambda value: value.holds)
        for value in reach:
            if value in self.parameters:
                self.call.holds.add(self.parameters[value])
            else:
                self.outside(value, self.call.holds_outside)
        self.call.leaf |= result.leaf or any(v.leaf for v in reach)

    def on_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.names.pop(target.id, None)
            else:
                self.change(self.expression(loaded(target.value)).holds)

    def on_functiondef(self, node: ast.FunctionDef) -> None:
        self.signature(node)
        self.names[node.name] = self.function(node.args, node.body)

    on_asyncfunctiondef = on_functiondef

    def signature(self, node: ast.FunctionDef) -> None:
        """What is evaluated where a function is defined."""
        arguments = node.args
        for part in (
            *node.decorator_list,
            *arguments.defaults,
            *filter(None, arguments.kw_defaults),
            *filter(
                None, (argument.annotation for argument in all_arguments(arguments))
            ),
            *filter(None, [node.returns]),
        ):
            self.expression(part)

    def on_classdef(self, node: ast.ClassDef) -> None:
        value = Value(self.place)
        for part in (
            *node.decorator_list,
            *node.bases,
            *(k.value for k in node.keywords),
        ):
            value.holds |= self.expression(part).holds
        for part in node.body:
            if isinstance(part, ast.FunctionDef):
                self.signature(part)
                method = self.function(part.args, part.body)
                value.methods[part.name] = method.calls
                value.late |= method.late
                value.holds |= method.holds
            elif isinstance(part, ast.Assign | ast.AnnAssign):
                if isinstance(part, ast.AnnAssign):
                    self.expression(part.annotation)
                if part.value:
                    value.holds |= self.expression(part.value).holds
        self.names[node.name] = value
