"""Measure what proving pages costs beyond executing their blocks: CPU time, as a ratio.

`python benchmarks/engine.py` measures and prints a table; README.md says what is
compared with what.
"""

import argparse
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import entry_points, version
from pathlib import Path
from statistics import median

from pages import Block, page_blocks, page_text

HERE = Path(__file__).parent
ROOT = HERE.parent
EXTRA = {"mktestdocs": "0.2.5", "sybil": "10.1.0"}
OURS = {"pageproof", "codeblocks", "xdist", "xdist.looponfail"}
VERSIONS = ["torch", "pytest", "pytest-codeblocks", *EXTRA, "pytest-xdist", "mkdocs"]
VERSIONS += ["mkdocs-material", "Markdown", "pymdown-extensions"]

BARE = """\
import contextlib, io, json, sys
import torch

printed = []
for page in json.load(open("blocks.json")):
    names = {"__name__": "__main__"}
    for code in page:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "page", "exec"), names)
        printed.append(out.getvalue())
if sys.argv[1:]:
    json.dump(printed, open(sys.argv[1], "w"))
"""
MKTESTDOCS = """\
from pathlib import Path

import pytest
from mktestdocs import check_md_file

@pytest.mark.parametrize("page", sorted(Path("docs").glob("*.md")), ids=str)
def test_page(page):
    check_md_file(page, memory=True)
"""
SYBIL = """\
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

pytest_collect_file = Sybil([PythonCodeBlockParser()], pattern="*.md").pytest()
"""
SETTINGS = """\
[tool.pytest.ini_options]
filterwarnings = ["error"]
"""
CODEBLOCKS = 'addopts = "--codeblocks --import-mode=importlib"\n'
SITE = "site_name: Trial\ndocs_dir: docs/en\ntheme: {name: material}\n"
REFERENCE = 'pageproof_reference = ["torch", "numpy", "matplotlib"]\n'
# pytest-codeblocks gives each block a new namespace: two lines carry the page's names.
CARRIER = "from collections import defaultdict\n\npages = defaultdict(dict)\n"
CARRIED = """\
from carrier import pages; globals().update(pages[{page}])
{code}pages[{page}].update(globals())
"""


def write_project(root: Path, pages: int, count: int) -> dict[str, list[str]]:
    """Write the pages in the form each runner takes; return the commands that run them.

    What the blocks print is what the bare process prints.
    """
    blocks = [page_blocks(page, count) for page in range(1, pages + 1)]
    bare = [sys.executable, "run.py"]
    sources = json.dumps([[block.code for block in page] for page in blocks])
    _write(root / "bare", {"run.py": BARE, "blocks.json": sources})
    subprocess.run([*bare, "printed.json"], cwd=root / "bare", check=True)
    printed = iter(json.loads((root / "bare/printed.json").read_text()))
    for block in (block for page in blocks for block in page):
        block.printed = next(printed)

    def docs(folder: str, code: Callable[[int, Block], str]) -> dict[str, str]:
        return {
            f"{folder}/page{n:03}.md": page_text(n, [(code(n, b), b) for b in page])
            for n, page in enumerate(blocks, 1)
        }

    lesson = (HERE / "lesson.py").read_text()
    ours = {
        "pyproject.toml": SETTINGS + CODEBLOCKS + REFERENCE,
        "src/lesson.py": lesson,
    }
    ours |= {"mkdocs.yml": SITE + _markdown_extensions()}
    ours |= {"constraints.txt": (ROOT / "constraints.txt").read_text()}
    _write(root / "pageproof", ours | docs("docs/en", lambda n, block: block.shown))
    stock = {"pyproject.toml": SETTINGS + CODEBLOCKS + 'pythonpath = ["."]\n'}
    stock |= docs("docs", lambda n, block: CARRIED.format(page=n, code=block.code))
    _write(root / "pytest-codeblocks", stock | {"carrier.py": CARRIER})
    plain = docs("docs", lambda n, block: block.code) | {"pyproject.toml": SETTINGS}
    _write(root / "mktestdocs", plain | {"test_pages.py": MKTESTDOCS})
    _write(root / "sybil", plain | {"conftest.py": SYBIL})

    strangers = {plugin.name for plugin in entry_points(group="pytest11")} - OURS
    pytest = [sys.executable, "-m", "pytest", "-q"]
    pytest += [part for name in sorted(strangers) for part in ("-p", f"no:{name}")]
    others = {
        name: [*pytest, "-p", "no:pageproof"]
        for name in ("pytest-codeblocks", "mktestdocs", "sybil")
    }
    return {"bare": bare, "pageproof": pytest, **others}


def _markdown_extensions() -> str:
    """Return the part of our own configuration that says how a page is read."""
    text = (ROOT / "mkdocs.base.yml").read_text()
    return re.search(r"^markdown_extensions:\n(?: .*\n|\n)*", text, re.M)[0]


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def cpu_seconds(command: list[str], folder: Path) -> float:
    """Return the CPU time of a command and its children; it must succeed."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            said.seek(0)
            sys.exit(
                f"{folder.name}: {' '.join(command)} failed\n{said.read()[-3000:]}"
            )
    return used.ru_utime + used.ru_stime


def table(times: dict[str, list[float]], pages: int, count: int) -> str:
    """Return the measurement in Markdown: ratios of medians, and their spread."""
    bare = times.pop("bare")
    lines = [
        f"{pages} pages of {count} blocks, {len(bare)} runs each in turn: CPU time of "
        "the process and its children over that of the bare process "
        f"({median(bare):.2f} s, from {min(bare):.2f} to {max(bare):.2f}).",
        "",
        "| runner | ratio of medians | ratio run by run |",
        "|---|---|---|",
    ]
    for name, some in times.items():
        each = [a / b for a, b in zip(some, bare, strict=True)]
        spread = f"{min(each):.2f} to {max(each):.2f}"
        lines.append(f"| {name} | {median(some) / median(bare):.2f} | {spread} |")
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    system = f"Python {platform.python_version()}, {platform.system()}"
    return "\n".join([*lines, "", f"{system} {platform.machine()}; {versions}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--blocks", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="write the project here, to look at")
    parser.add_argument("--write", action="store_true", help="write engine.md")
    options = parser.parse_args()
    if missing := [name for name in EXTRA if not importlib.util.find_spec(name)]:
        pins = " ".join(f"{name}=={EXTRA[name]}" for name in EXTRA)
        sys.exit(f"{' and '.join(missing)} missing; first: pip install {pins}")
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        commands = write_project(root, options.pages, options.blocks)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for repeat in range(options.repeats + 1):
            for name, command in commands.items():
                seconds = cpu_seconds(command, root / name)
                if repeat:  # the first round warms up
                    times[name].append(seconds)
    text = table(times, options.pages, options.blocks)
    print(text)
    if options.write:
        (HERE / "engine.md").write_text("# What proving pages costs\n\n" + text)


if __name__ == "__main__":
    main()
