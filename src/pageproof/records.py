"""Lists of records in YAML: each with its line, each field known, none left out."""

import html
import re
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TypeVar

import yaml

from pageproof.page import shown

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, if there
CODE = re.compile(r"`([^`]+)`")
MATH = re.compile(r"\$([^$]+)\$")


class RecordError(Exception):
    """A record that does not hold, named by file and line."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{shown(path)}:{line}: {message}")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One entry of a list, and where it stands."""

    file: Path = field(repr=False, metadata={"given": False})
    line: int = field(repr=False, metadata={"given": False})

    def error(self, message: str) -> RecordError:
        return RecordError(self.file, self.line, message)


R = TypeVar("R", bound=Record)


def read_records(path: Path, kind: type[R]) -> list[R]:
    """Return the records of a YAML list; RecordError says which one is not complete."""
    node = yaml.compose(path.read_text(encoding="utf-8"), LOADER)
    if not isinstance(node, yaml.SequenceNode):
        raise RecordError(path, 1, "expected a list of records")
    known = {f.name: f for f in fields(kind) if f.metadata.get("given", True)}
    needed = {name for name, f in known.items() if f.default is MISSING}
    records = []
    for entry in node.value:
        line = entry.start_mark.line + 1
        if not isinstance(entry, yaml.MappingNode):
            raise RecordError(path, line, f"expected a record, got {entry.value!r}")
        given = {key.value: _value(path, value) for key, value in entry.value}
        for wrong, what in (
            (given.keys() - known.keys(), "no such field"),
            (needed - given.keys(), "missing"),
        ):
            if wrong:
                message = f"{', '.join(sorted(wrong))}: {what}"
                raise RecordError(path, line, f"{message}; expected {', '.join(known)}")
        records.append(kind(**given, file=path, line=line))
    return records


def _value(path: Path, node: yaml.Node) -> str | tuple[str, ...]:
    """A text as it is written (`false` is a word here), or several."""
    if isinstance(node, yaml.ScalarNode):
        return " ".join(node.value.split())
    if isinstance(node, yaml.SequenceNode):
        return tuple(_value(path, item) for item in node.value)
    raise RecordError(path, node.start_mark.line + 1, "expected a text or a list")


def as_html(text: str) -> str:
    """Return a record's text as HTML, with its `code` and its $formulas$."""
    text = CODE.sub(r"<code>\1</code>", html.escape(text, quote=False))
    return MATH.sub(r'<span class="arithmatex">\\(\1\\)</span>', text)
