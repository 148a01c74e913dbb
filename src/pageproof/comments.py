"""The comment language of a page: pytest-codeblocks' own, with nothing left to chance.

A comment is `<!--pytest-codeblocks:expected-output-->`, one of the marks below, or a
remark that begins with `<!-- note`. Anything else might be a directive with a typo, so
it is an error.
"""

import re
from dataclasses import dataclass

OUTPUT = "pytest-codeblocks:expected-output"
COMMENT = re.compile(r"<!--(.*?)-->|<!--", re.DOTALL)
MARK = re.compile(r"pytest\.mark\.(\w+)(?:\((.*)\))?")
ARGUMENT = {
    "raises": (r"([\w.]+)", "raises(ValueError)"),
    "warns": (r"([\w.]+)", "warns(UserWarning)"),
    "requires": (r"(cuda)", "requires(cuda)"),
    "timed": (r"(figure)", "timed(figure)"),
    "skip": (r"reason=(?:\"(.*\S.*)\"|'(.*\S.*)')", 'skip(reason="why")'),
}
INSTEAD = {
    "skipif": "a condition can be written the wrong way round: use requires(cuda)",
    "xfail": "say what is raised and show it: raises(ValueError)",
    "parametrize": "a page is run once, from top to bottom",
}


class CommentError(Exception):
    """A comment that is not of the language; `line` is an index into the lines."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Directive:
    """A comment that means something: `line` is an index into the lines."""

    line: int
    name: str  # "output", or the name of a mark
    value: str = ""


def directives(prose: list[str]) -> list[Directive]:
    """Return the directives in the lines of a page, its code blanked out."""
    text = "\n".join(prose)
    found = []
    for match in COMMENT.finditer(text):
        line = text.count("\n", 0, match.start())
        if match[1] is None:
            raise CommentError(line, "an HTML comment that is never closed")
        if match[1].startswith((" note ", " note:")):
            continue
        if prose[line].strip() != match[0]:
            raise CommentError(line, f"{match[0]!r} must stand on a line of its own")
        found.append(_directive(line, match[1]))
    return found


def _directive(line: int, text: str) -> Directive:
    if text == OUTPUT:
        return Directive(line, "output")
    if not (mark := MARK.fullmatch(text)):
        raise CommentError(
            line,
            f"<!--{text}--> means nothing here: expected <!--{OUTPUT}-->, "
            "<!--pytest.mark...-->, or a remark that begins with '<!-- note '",
        )
    name, argument = mark[1], mark[2] or ""
    if name not in ARGUMENT:
        known = ", ".join(example for _, example in ARGUMENT.values())
        why = INSTEAD.get(name, f"expected one of {known}")
        raise CommentError(line, f"a block may not be marked {name}: {why}")
    pattern, example = ARGUMENT[name]
    if not (value := re.fullmatch(pattern, argument)):
        raise CommentError(
            line, f"expected pytest.mark.{example}, got {name}({argument})"
        )
    return Directive(line, name, next(v for v in value.groups() if v))
