"""Pages as other tools take them: includes expanded, names carried between blocks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

INCLUDE = re.compile(r'( *)--8<-- "([^":]+):(\w+)"')
MARK = re.compile(r" *<!--pytest\.mark\.(warns|timed|requires)\(.*\)-->")
RAISES = re.compile(r" *<!--pytest\.mark\.raises\((\w+)\)-->")
FENCE = re.compile(r"( *)```python")
BOX = re.compile(r"(\?\?\?\+?|!!!) ")
# pytest-codeblocks gives each block a new namespace: a line below each block puts the
# page's names where all code finds them.
KEEP = '__import__("builtins").__dict__.update((k, v) for k, v in globals().items()'
KEEP += ' if not k.startswith("__"))'
MKTESTDOCS = """\
from mktestdocs import check_md_file


def test_page():
    check_md_file("page.md", memory=True)
"""
SYBIL = """\
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

pytest_collect_file = Sybil([PythonCodeBlockParser()], pattern="*.md").pytest()
"""


@dataclass(frozen=True)
class Tool:
    """A tool: what it makes of a page's lines, its files, and pytest's options."""

    package: str
    version: str
    page: Callable[[list[str]], list[str]]
    files: dict[str, str]
    options: tuple[str, ...]

    def write(self, folder: Path, page: bytes, root: Path) -> None:
        """Write a page, and what else the tool needs, into a folder."""
        text = page.decode("utf-8", "surrogateescape")
        lines = self.page(_catching(_expanded(text.split("\n"), root)))
        data = "\n".join(lines).encode("utf-8", "surrogateescape")
        (folder / "page.md").write_bytes(data)
        for name, content in self.files.items():
            (folder / name).write_text(content)


def _expanded(lines: list[str], root: Path) -> list[str]:
    """The lines of a page with the regions that it includes, as the site shows them."""
    found = []
    for line in lines:
        include = INCLUDE.fullmatch(line)
        region = include and _region(root / include[2], include[3])
        if region is None:
            found.append(line)
        else:
            found += indent(region, include[1]).split("\n")
    return found


def _region(file: Path, name: str) -> str | None:
    """A region of a file, to the end if it has none; None if there is no such one."""
    lines = file.read_text("utf-8").split("\n") if file.is_file() else []
    marker = re.compile(rf"# --8<-- \[(start|end):{name}\]")
    places = [i for i, line in enumerate(lines) if marker.search(line)]
    if not places or "[start:" not in lines[places[0]]:
        return None
    inside = lines[places[0] + 1 : places[1] if len(places) > 1 else None]
    return dedent("\n".join(line for line in inside if "# --8<--" not in line))


def _catching(lines: list[str]) -> list[str]:
    """A block that is to raise catches that, and prints it as the page shows it.

    Our other marks, which these tools would misread, are left out.
    """
    found, raises, inside = [], None, None
    for line in lines:
        if inside is not None and line.lstrip().startswith("```"):
            found += [
                f"{inside}except {raises} as _error:",
                f"{inside}    import traceback as _traceback",
                f"{inside}    print(*_traceback.format_exception_only(_error), end='')",
                f"{inside}else:",
                f'{inside}    raise AssertionError("nothing was raised")',
            ]
            raises = inside = None
        if inside is not None:
            found.append(f"{inside}    {line.removeprefix(inside)}" if line else line)
            continue
        if mark := RAISES.fullmatch(line):
            raises = mark[1]
            continue
        if MARK.fullmatch(line):
            continue
        found.append(line)
        if raises and (fence := FENCE.fullmatch(line)):
            inside = fence[1]
            found.append(f"{inside}try:")
    return found


def _keeping(lines: list[str]) -> list[str]:
    """Each block leaves its names to the blocks below it."""
    found, inside = [], None
    for line in lines:
        if inside is not None and line.lstrip().startswith("```"):
            found.append(f"{inside}{KEEP}")
            inside = None
        found.append(line)
        if fence := FENCE.fullmatch(line):
            inside = fence[1]
    return found


def _continuing(lines: list[str]) -> list[str]:
    """No boxes, which hide blocks from CommonMark; each block goes on from the last."""
    found, in_box, first = [], False, True
    for line in lines:
        if BOX.match(line):
            in_box = True
            continue
        if in_box and line and not line.startswith("    "):
            in_box = False
        if in_box:
            line = line[4:]
        if FENCE.fullmatch(line):
            line, first = line if first else f"{line} continuation", False
        found.append(line)
    return found


TOOLS = {
    "pytest-codeblocks": Tool(
        package="pytest_codeblocks",
        version="0.18.0",
        page=_keeping,
        files={},
        options=("-p", "pytest_codeblocks.plugin", "--codeblocks", "page.md"),
    ),
    "mktestdocs": Tool(
        package="mktestdocs",
        version="0.2.5",
        page=list,
        files={"test_page.py": MKTESTDOCS},
        options=("test_page.py",),
    ),
    "pytest-markdown-docs": Tool(
        package="pytest_markdown_docs",
        version="0.9.2",
        page=_continuing,
        files={},
        options=("-p", "pytest_markdown_docs.plugin", "--markdown-docs", "page.md"),
    ),
    "sybil": Tool(
        package="sybil",
        version="10.1.0",
        page=list,
        files={"conftest.py": SYBIL},
        options=("page.md",),
    ),
}
