"""Tables that the site makes of what it knows, as HTML and as Markdown."""

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from pageproof import panels
from pageproof.records import RecordError

NUMBER = re.compile(r"[\d,]+")


class Cell(NamedTuple):
    """A cell of a table: a text, code or not, and where it leads."""

    text: str
    link: str = ""
    code: bool = False


class Table(NamedTuple):
    """The heads of a table's columns, and its rows."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def numbers(counts: Iterable[int]) -> list[Cell]:
    return [Cell(f"{count:,}") for count in counts]


def counted(path: Path, key: str, what: str, total: str) -> Table:
    """Return the table of a YAML file: its mapping `key` from names to counts.

    Each name is a row, under the words of its `what` if it has some; each count is a
    column. `what` heads the names, and `total` a last row with the sums, if it is not
    empty. RecordError if the file holds no such mapping.
    """
    try:
        named = yaml.safe_load(path.read_text(encoding="utf-8"))[key]
        if not _of_mappings(named):
            raise TypeError(f"{key}: {named!r}")
    except (OSError, KeyError, TypeError) as error:
        raise RecordError(path, 1, f"expected names with counts ({error!r})") from error
    columns = [
        key for row in named.values() for key, of in row.items() if of != str(of)
    ]
    heads = list(dict.fromkeys(columns))
    rows = [
        (str(row.get("what", name)), [row.get(head, 0) for head in heads])
        for name, row in named.items()
    ]
    if total:
        rows.append(
            (total, list(map(sum, zip(*(row for _, row in rows), strict=True))))
        )
    return Table([what, *heads], [[Cell(name), *numbers(row)] for name, row in rows])


def _of_mappings(found: object) -> bool:
    return isinstance(found, dict) and all(
        isinstance(of, dict) for of in found.values()
    )


def as_html(table: Table) -> str:
    def one(cell: Cell) -> str:
        text = html.escape(cell.text, quote=False)
        text = f"<code>{text}</code>" if cell.code else text
        return f'<a href="{html.escape(cell.link)}">{text}</a>' if cell.link else text

    def line(tag: str, cells: Iterable[tuple[str, bool]]) -> str:
        mark = ' class="pp-right"'
        said = (f"<{tag}{mark * number}>{text}</{tag}>" for text, number in cells)
        return f"<tr>{''.join(said)}</tr>"

    last = table.rows[-1] if table.rows else [Cell("")] * len(table.head)
    right = [NUMBER.fullmatch(cell.text) is not None for cell in last]
    titles = line("th", zip(map(html.escape, table.head), right, strict=True))
    body = "".join(
        line("td", zip(map(one, row), right, strict=True)) for row in table.rows
    )
    return panels.tables(f"<table><thead>{titles}</thead><tbody>{body}</tbody></table>")


def as_markdown(table: Table) -> str:
    def one(cell: Cell) -> str:
        text = cell.text.replace("|", "\\|")
        text = f"`{text}`" if cell.code else text
        return f"[{text}]({cell.link})" if cell.link else text

    lines = [list(table.head), ["---"] * len(table.head)]
    lines += [[one(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
