"""What may change in a module, one change at a time: its mutants.

The changes are those of mutmut, made one by one to the text of the module instead of
all at once behind switches, as mutmut makes them: a page then shows the mutant, and
nothing but the mutant.
"""

import ast
import difflib
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst
from mutmut.mutation import mutators

LITERALS = {"None", "False", "True"}
NO_CALLS = {"len", "isinstance"}  # with another argument they fail, or say the same


# Of what mutmut does to one argument or string, the first that asks something.
def one_argument_less(node: cst.Call) -> Iterator[cst.Call]:
    changed = mutators.operator_arg_removal(node)
    return (c for c in changed if len(node.args) == 1 or len(c.args) < len(node.args))


def other_string(node: cst.BaseString) -> Iterator[cst.BaseString]:
    return itertools.islice(mutators.operator_string(node), 1)


# Changes that mutmut does not make, in the form of its own.
def no_result(node: cst.Return) -> Iterator[cst.Return]:
    if node.value and getattr(node.value, "value", "") not in LITERALS:
        blank = cst.SimpleWhitespace(" ")
        changes = {"value": cst.Name("None"), "whitespace_after_return": blank}
        yield node.with_changes(**changes)


def negated(node: cst.If | cst.While | cst.CompIf) -> Iterator[cst.CSTNode]:
    """Comparisons and the like have changes of their own."""
    simple = cst.Name | cst.Call | cst.Attribute | cst.Subscript | cst.NamedExpr
    if isinstance(node.test, simple):
        operand = node.test
        if isinstance(operand, cst.NamedExpr) and not operand.lpar:
            paren = {"lpar": [cst.LeftParen()], "rpar": [cst.RightParen()]}
            operand = operand.with_changes(**paren)
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), operand))


def other_exception(node: cst.Raise | cst.ExceptHandler) -> Iterator[cst.CSTNode]:
    """Raise what no handler of the right one catches; handle nothing."""
    if isinstance(node, cst.ExceptHandler):
        if node.type:
            yield node.with_changes(type=cst.Tuple([]))
    elif isinstance(node.exc, cst.Call):
        yield node.with_changes(exc=node.exc.with_changes(func=cst.Name("Exception")))


def undecorated(
    node: cst.FunctionDef | cst.ClassDef,
) -> Iterator[cst.FunctionDef | cst.ClassDef]:
    for i in range(len(node.decorators)):
        left = [*node.decorators[:i], *node.decorators[i + 1 :]]
        yield node.with_changes(decorators=left)


INSTEAD = {
    mutators.operator_arg_removal: one_argument_less,
    mutators.operator_string: other_string,
}
CHANGES = (
    *((kind, INSTEAD.get(c, c)) for kind, c in mutators.mutation_operators),
    (cst.Return, no_result),
    (cst.If | cst.While | cst.CompIf, negated),
    (cst.Raise | cst.ExceptHandler, other_exception),
    (cst.FunctionDef | cst.ClassDef, undecorated),
)


class Changes(cst.CSTVisitor):
    """Collects (member, node, changed node) in a statement; a class has members.

    Left out are docstrings and annotations, which do nothing, and the words of an error
    message; that a message is there and fits is asked by changing it to None.
    """

    def __init__(self, members: Sequence[cst.CSTNode]) -> None:
        self.found: list[tuple[cst.CSTNode | None, cst.CSTNode, cst.CSTNode]] = []
        self.members, self.member = members, None
        self.raising = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation) or is_docstring(node):
            return False
        if node in self.members:
            self.member = node
        self.raising += isinstance(node, cst.Raise)
        if isinstance(node, cst.Call) and getattr(node.func, "value", "") in NO_CALLS:
            return True
        if isinstance(node, cst.BaseString) and self.raising:
            return True
        for kind, change in CHANGES:
            if isinstance(node, kind):
                self.found += [(self.member, node, new) for new in change(node)]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self.raising -= isinstance(original_node, cst.Raise)
        if original_node is self.member:
            self.member = None


def is_docstring(node: cst.CSTNode) -> bool:
    text = cst.SimpleString | cst.ConcatenatedString
    return isinstance(node, cst.Expr) and isinstance(node.value, text)


@dataclass(frozen=True)
class Mutant:
    """A module with one change, and how the list of survivors names it."""

    source: str
    within: str  # the function or class at the top of the module
    line: str  # the first line that is changed, without its indentation
    becomes: str  # what stands there instead of it, and of others that are changed

    @property
    def name(self) -> tuple[str, str, str]:
        return self.within, self.line, self.becomes

    @property
    def digest(self) -> str:
        return digest(self.source.encode())


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def mutants(source: str) -> list[Mutant]:
    """Return the mutants of a module that compile and do something else, each once."""
    tree = cst.parse_module(source)
    texts = [tree.code_for_node(statement) for statement in tree.body]
    head = "".join(tree.code_for_node(line) for line in tree.header)
    foot = "".join(tree.code_for_node(line) for line in tree.footer)
    found = []
    for i, statement in enumerate(tree.body):
        above, below = head + "".join(texts[:i]), "".join(texts[i + 1 :]) + foot
        seen = {ast.dump(ast.parse(texts[i]))}
        changes = Changes(getattr(getattr(statement, "body", None), "body", []))
        statement.visit(changes)
        within = getattr(getattr(statement, "name", None), "value", "")
        for member, node, changed in changes.found:
            text = tree.code_for_node(replaced(statement, member, node, changed))
            try:
                program = ast.dump(ast.parse(text))
                compile(text, "mutant", "exec")
            except SyntaxError:
                continue
            if program not in seen:
                seen.add(program)
                names = difference(texts[i], text)
                found.append(Mutant(above + text + below, within, *names))
    return found


def replaced(
    statement: cst.CSTNode,
    member: cst.CSTNode | None,
    node: cst.CSTNode,
    changed: cst.CSTNode,
) -> cst.CSTNode:
    """Return a statement with one node changed, without a walk through all of it."""
    if node is statement:
        return changed
    if member is None:
        return statement.deep_replace(node, changed)
    body = [
        each.deep_replace(node, changed) if each is member else each
        for each in statement.body.body
    ]
    return statement.with_changes(body=statement.body.with_changes(body=body))


def difference(old: str, new: str) -> tuple[str, str]:
    """Return the first line that is changed, and what stands there instead."""
    a, b = ([line.strip() for line in text.split("\n")] for text in (old, new))
    codes = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    changed = [code for code in codes if code[0] != "equal"]
    _, first, _, start, _ = changed[0]
    *_, end = changed[-1]
    return a[first], " ".join(b[start:end])
