"""What expressions come to, and the places that are given a value."""

import ast

from pageproof import customs
from pageproof.effects.calls import Calls
from pageproof.effects.values import Call, Result, Value


class Expressions(Calls):
    """The expressions of a block."""

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
        given = [self.expression(argument) for argument in node.args]
        named = {k.arg or "": self.expression(k.value) for k in node.keywords}
        return self.called(node, callee, given, named)

    def function(self, arguments: ast.arguments, body: list[ast.stmt]) -> Value:
        """Return a function's value, with what a call of it does."""
        names = [argument.arg for argument in all_arguments(arguments)]
        call = Call(names)
        inside = type(self)(self.page, self.place, call, (*self.scopes, {}))
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
        gradient = isinstance(target, ast.Attribute) and target.attr == "grad"
        certain = self.call is None and not self.maybe
        replaced = gradient and certain and isinstance(target.value, ast.Name)
        before, self.gradients = self.gradients, self.gradients and not replaced
        whole = self.expression(target.value)
        self.gradients = before
        if gradient:
            for value in whole.holds:
                if replaced and not value.holds:
                    value.graded = set()  # what it was before is gone
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


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    ordered = [*arguments.posonlyargs, *arguments.args]
    ordered += [arguments.vararg] if arguments.vararg else []
    ordered += arguments.kwonlyargs
    return ordered + ([arguments.kwarg] if arguments.kwarg else [])
