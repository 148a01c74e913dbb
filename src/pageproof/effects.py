"""What the code of a page reads, makes and changes, block by block; nothing is run."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pageproof import customs

NEVER = -1  # the place of what no block has made


@dataclass(eq=False)
class Value:
    """What a name stands for: made in one block, and perhaps changed in others."""

    block: int
    holds: set["Value"] = field(default_factory=set)  # or shares memory with
    inputs: set["Value"] = field(default_factory=set)  # what it was computed from
    late: set[str] = field(default_factory=set)  # names it reads whenever it is used
    calls: "Call | None" = None
    methods: dict[str, "Call"] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    graded: set[int] = field(default_factory=set)  # blocks that changed its gradients
    module: bool = False
    container: bool = False  # changing what is in it does not change what it holds
    used_up: bool = False  # by being read: an iterator, a generator of numbers
    draws: bool = False  # from torch's own generator, when it is used
    leaf: bool = False  # may have a gradient of its own

    def reach(self) -> set["Value"]:
        return _closure({self}, lambda value: value.holds)

    def graph(self) -> set["Value"]:
        return _closure({self}, lambda value: value.holds | value.inputs)


@dataclass
class Call:
    """What a call of a function of the page does, by the names of its parameters."""

    parameters: list[str]
    changes: set[str] = field(default_factory=set)
    grades: set[str] = field(default_factory=set)
    uses_up: set[str] = field(default_factory=set)
    holds: set[str] = field(default_factory=set)  # what its result may hold
    holds_outside: set[str] = field(default_factory=set)  # names of the page
    changes_outside: set[str] = field(default_factory=set)
    grades_outside: bool = False
    gradients: bool = False
    draws: bool = False
    seeds: bool = False
    yields: bool = False
    leaf: bool = False  # its result may have a gradient of its own


@dataclass
class Result:
    """What an expression comes to: the values it may hold, those it was made from."""

    holds: set[Value] = field(default_factory=set)
    inputs: set[Value] = field(default_factory=set)
    used_up: bool = False
    draws: bool = False
    leaf: bool = False
    container: bool = False

    def __or__(self, other: "Result") -> "Result":
        return Result(
            self.holds | other.holds,
            self.inputs | other.inputs,
            leaf=self.leaf or other.leaf,
        )


def _closure(start: set[Value], step: Callable[[Value], Iterable[Value]]) -> set[Value]:
    seen, todo = set(start), list(start)
    while todo:
        new = set(step(todo.pop())) - seen
        seen |= new
        todo += new
    return seen


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
        reading = _Reading(self, place)
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
            _Reading(inside, NEVER).body(ast.parse(source).body)
            for value in inside.names.values():
                value.late = set()  # names of the module, not of the page
            self.modules[name] = inside.names
        return self.modules[name]


class _Reading:
    """One block being read; or, with `call`, the body of a function."""

    def __init__(
        self,
        page: PageEffects,
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

    # What is read and what is changed.

    def find(self, name: str) -> Value | None:
        for scope in reversed(self.scopes):
            if name in scope:
                if scope is not self.scopes[-1]:
                    self.captured.add(scope[name])
                return scope[name]
        value = self.page.names.get(name)
        if self.call is not None:
            self.late.add(name)
            self.call.gradients |= value is not None and _gradients(value)
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
        for value in _closure(set(values), lambda one: one.holds):
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
            if isinstance(node, ast.Attribute):
                if node.attr in customs.READS_GRADIENTS:
                    return True
            elif isinstance(node, ast.Name):
                value = self.page.names.get(node.id)
                if value is not None and _gradients(value):
                    return True
        return False

    # Statements.

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
        self.change(self.expression(_loaded(target)).holds)
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
        reach = _closure(result.holds, lambda value: value.holds)
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
                self.change(self.expression(_loaded(target.value)).holds)

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
            *filter(None, (argument.annotation for argument in _all(arguments))),
            *filter(None, [node.returns]),
        ):
            self.expression(part)

    def function(self, arguments: ast.arguments, body: list[ast.stmt]) -> Value:
        """Return a function's value, with what a call of it does."""
        names = [argument.arg for argument in _all(arguments)]
        call = Call(names)
        inside = _Reading(self.page, self.place, call, (*self.scopes, {}))
        for name in names:
            inside.names[name] = Value(self.place)
            inside.parameters[inside.names[name]] = name
        inside.body(body)
        if self.call is not None:
            self.call.gradients |= call.gradients
        value = Value(self.place, late=inside.late, calls=call)
        value.holds = {v for v in inside.captured if v not in inside.parameters}
        if self.call is not None:
            self.late |= inside.late
        return value

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

    # Names that are given a value.

    def bind(self, target: ast.expr, result: Result) -> None:
        if isinstance(target, ast.Name):
            old = self.names.get(target.id) if self.maybe else None
            if len(result.holds) == 1 and not result.container and not old:
                (same,) = result.holds
                if same.block == self.place and same.calls and not same.inputs:
                    self.names[target.id] = same
                    return
            self.names[target.id] = Value(
                self.place,
                holds=result.holds | ({old} if old else set()),
                inputs=set(result.inputs),
                used_up=result.used_up,
                draws=result.draws,
                leaf=result.leaf,
                container=result.container,
            )
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.bind(part, result)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, result)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            self.bind_part(target, result)

    def bind_part(self, target: ast.Attribute | ast.Subscript, result: Result) -> None:
        if isinstance(target, ast.Subscript):
            self.expression(target.slice)
        whole = self.expression(target.value)
        if isinstance(target, ast.Attribute) and target.attr == "grad":
            for value in _closure(whole.holds, lambda one: one.holds):
                value.graded = {self.place}
            self.grade(whole.holds)
            return
        if any(value.module for value in whole.holds):
            self.page.settings.changed.add(self.place)
            return
        for value in whole.holds:
            deep = not value.container and isinstance(target.value, ast.Name)
            self.change(value.reach() if deep else [value])
            value.holds |= {one for one in result.holds if value not in one.reach()}
            value.leaf |= result.leaf

    # Expressions.

    def expression(self, node: ast.expr) -> Result:
        method = getattr(self, f"of_{type(node).__name__.lower()}", None)
        if method:
            return method(node)
        result = Result()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                result |= self.expression(child)
        return result

    def of_name(self, node: ast.Name) -> Result:
        value = self.find(node.id)
        return Result({value}, {value}) if value else Result()

    def of_constant(self, node: ast.Constant) -> Result:
        return Result()

    def of_attribute(self, node: ast.Attribute) -> Result:
        if self.call is not None and node.attr in customs.READS_GRADIENTS:
            self.call.gradients = True
        result = self.expression(node.value)
        return Result() if node.attr in customs.PLAIN_ATTRIBUTES else result

    def of_subscript(self, node: ast.Subscript) -> Result:
        self.expression(node.slice)
        return self.expression(node.value)

    def fresh(self, node: ast.expr) -> Result:
        """A new value that is computed from others."""
        result = Result()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                result |= self.expression(child)
        return Result(set(), result.inputs)

    of_binop = of_unaryop = of_joinedstr = fresh

    def of_compare(self, node: ast.Compare) -> Result:
        self.fresh(node)
        return Result()

    def display(self, node: ast.expr) -> Result:
        result = Result()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                result |= self.expression(child)
        result.container = True
        return result

    of_list = of_tuple = of_set = of_dict = display

    def of_lambda(self, node: ast.Lambda) -> Result:
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.expression(default)
        value = self.function(node.args, [ast.Return(node.body)])
        self.need(value)  # it is handed to something that calls it
        return Result({value})

    def of_namedexpr(self, node: ast.NamedExpr) -> Result:
        result = self.expression(node.value)
        self.bind(node.target, result)
        return result

    def of_yield(self, node: ast.Yield) -> Result:
        self.call.yields = True
        if node.value is not None:
            self.give(self.expression(node.value))
        return Result()

    of_yieldfrom = of_yield

    def comprehension(self, node: ast.expr) -> Result:
        before = dict(self.names)
        for generator in node.generators:
            source = self.expression(generator.iter)
            self.use_up(source.holds)
            self.bind(generator.target, source)
            for test in generator.ifs:
                self.expression(test)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        result = Result()
        for part in parts:
            result |= self.expression(part)
        for name in set(self.names) - set(before):
            del self.names[name]
        self.names.update(before)
        result.container = True
        return result

    of_listcomp = of_setcomp = of_dictcomp = of_generatorexp = comprehension

    def of_call(self, node: ast.Call) -> Result:
        callee = self.expression(node.func)
        whole = Result()  # what a method is called on
        if isinstance(node.func, ast.Attribute):
            name, whole = node.func.attr, callee
        else:
            name = node.func.id if isinstance(node.func, ast.Name) else ""
        given = [self.expression(argument) for argument in node.args]
        named = {k.arg or "": self.expression(k.value) for k in node.keywords}
        everything = Result()
        for one in (*given, *named.values()):
            everything |= one
        of_module = any(value.module and not value.holds for value in whole.holds)
        reach = _closure(callee.holds, lambda value: value.holds)
        calls = self.calls(node.func, name, reach)
        if isinstance(node.func, ast.Name):
            self.use_up(callee.holds)
        if calls:
            result = self.known(calls, callee, given, named, everything)
        else:
            result = self.by_custom(
                name, node, whole, of_module, given, named, everything
            )
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
        late = _closure(callee.holds, lambda value: value.holds)
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
                    self.change(_closure(one.holds, lambda value: value.holds))
                if name in call.grades:
                    graph = _closure(
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
                self.grade(_closure(known, lambda value: value.holds | value.inputs))
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
        inputs = whole.inputs | everything.inputs
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
            graph = _closure(
                about.holds | about.inputs, lambda value: value.holds | value.inputs
            )
            self.grade(graph)
            return Result()
        if not of_module:
            self.change_by_custom(name, node, whole, everything)
        elif customs.changes_in_place(name) and given:
            self.change(_closure(given[0].holds, lambda value: value.holds))
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
                leaf=name[:1].isupper(),
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
            self.change(whole.holds)
            for value in whole.holds:
                value.holds |= {v for v in everything.holds if value not in v.reach()}
        elif name in customs.CHANGES_WHAT_IT_HOLDS or customs.changes_in_place(name):
            self.change(_closure(whole.holds, lambda value: value.holds))
            if name == "requires_grad_":
                for value in whole.holds:
                    value.leaf = True


def _gradients(value: Value) -> bool:
    """Whether using a value may read or change gradients."""
    calls = (c for one in value.reach() for c in (one.calls, *one.methods.values()))
    return any(call is not None and call.gradients for call in calls)


def _all(arguments: ast.arguments) -> list[ast.arg]:
    ordered = [*arguments.posonlyargs, *arguments.args]
    ordered += [arguments.vararg] if arguments.vararg else []
    ordered += arguments.kwonlyargs
    return ordered + ([arguments.kwarg] if arguments.kwarg else [])


def _loaded(target: ast.expr) -> ast.expr:
    """The same place, read instead of written."""
    return ast.parse(ast.unparse(target), mode="eval").body
