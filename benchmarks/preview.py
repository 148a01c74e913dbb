"""Measure how long `mkdocs serve` takes from a save to the changed page.

`python benchmarks/preview.py` measures and prints a table; README.md says what is
measured and how.
"""

import argparse
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from urllib.request import urlopen

HERE = Path(__file__).parent
ROOT = HERE.parent
SITE = ("mkdocs.yml", "mkdocs.base.yml", "docs", "overrides", "src")
VERSIONS = ("mkdocs", "mkdocs-material", "Markdown", "pymdown-extensions", "watchdog")
HEAD = """\
# How soon a saved change is seen

Before anything was kept but the rendered Markdown (commit d656eae), a build after a
save took 6.2 s of processor time on the same site, and MkDocs up to 0.6 s before that.

"""
EPOCH = re.compile(r"livereload\((\d+), (\d+)\);")


@dataclass
class Preview:
    """A running `mkdocs serve`, as a reader's browser and the system see it."""

    address: str
    process: subprocess.Popen
    said: Path

    def open(self, page: str) -> str:
        with urlopen(self.address + page, timeout=120) as answer:
            return answer.read().decode()

    def wait_for_reload(self, page: str) -> None:
        """Ask as MkDocs' script on a page does, until it would load the page again."""
        epoch, request = EPOCH.search(page).groups()
        root = self.address.split("/", 3)
        poll = f"{root[0]}//{root[2]}/livereload/{epoch}/{request}"
        while True:
            with urlopen(poll, timeout=120) as answer:
                if int(answer.read()) > int(epoch):
                    return

    def cpu_seconds(self) -> float:
        """Return the processor time that the server has used."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1]
        ticks = sum(map(int, stat.split()[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")


def copy_site(folder: Path) -> None:
    """Copy what the site is made of: the checkout is not written to."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in SITE:
        if (source := ROOT / name).is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder)


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Preview]:
    """Run `mkdocs serve` on a copy of the site, until it shows the first page."""
    with socket.create_server(("127.0.0.1", port)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/en/"
    command = [sys.executable, "-m", "mkdocs", "serve", "-a", f"127.0.0.1:{port}"]
    env = os.environ | {"SITE_URL": address, "NO_MKDOCS_2_WARNING": "1"}
    said = folder / "said.txt"
    with said.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        while "Serving on" not in said.read_text():
            if process.poll() is not None:
                raise RuntimeError(f"mkdocs serve ended:\n{said.read_text()}")
            time.sleep(0.1)
        yield Preview(address, process, said)
    finally:
        process.terminate()
        process.wait()


@dataclass
class Change:
    """A kind of change: the file, what is exchanged in it, a page that shows it."""

    name: str
    file: str
    old: str
    new: str  # with a place for a word that no page had before
    page: str
    seconds: list[tuple[float, float, float]] = field(default_factory=list)

    def edited(self, text: str, word: str) -> str:
        if self.old not in text:
            raise ValueError(f"{self.file}: expected {self.old!r}, to change it")
        return text.replace(self.old, self.new.format(word), 1)


NEWTON = "docs/en/optimisation/safe_newton.md"
GLOSSARY = "docs/lists/glossary.yml"
MODULE = "src/firstdescent/optimisation/gd_vs_newton.py"


def changes() -> list[Change]:
    page, next_page = "optimisation/safe_newton/", "optimisation/irls/"
    included, glossary = "optimisation/gd_vs_newton/", "reference/glossary/"
    return [
        Change("a page's prose", NEWTON, "\n## ", "\n{}\n\n## ", page),
        Change("a page's code", NEWTON, "\n```\n", "\n# {}\n```\n", page),
        Change("a module on a page", MODULE, '    """', '    """{} ', included),
        Change("a term of the glossary", GLOSSARY, 'says: "', 'says: "{} ', glossary),
        Change("a title, seen on the next page", NEWTON, "# ", "# {} ", next_page),
    ]


def save(path: Path, text: str) -> None:
    """Save as an editor does: the new file takes the old one's place at once."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def shown_after(preview: Preview, change: Change, path: Path, word: str) -> tuple:
    """Save a change; return the seconds to the reload, to the page, and of CPU."""
    before = preview.open(change.page)
    text = change.edited(path.read_text(encoding="utf-8"), word)
    spent = preview.cpu_seconds()
    saved = time.perf_counter()
    save(path, text)
    preview.wait_for_reload(before)
    told = time.perf_counter() - saved
    if word not in preview.open(change.page):
        raise RuntimeError(f"{change.name}: reloaded without the change")
    return told, time.perf_counter() - saved, preview.cpu_seconds() - spent


def measure(folder: Path, port: int, repeats: int) -> list[Change]:
    """Save each kind of change in turn, again and again."""
    kinds = changes()
    with serving(folder, port) as preview:
        for repeat in range(repeats):
            for kind in kinds:
                word = f"Seen{repeat}of{kinds.index(kind)}"
                path = folder / kind.file
                kind.seconds.append(shown_after(preview, kind, path, word))
                # Saves are not in step with the watcher's looks at the files.
                time.sleep(0.5 + 0.07 * repeat)
    return kinds


def table(changes: list[Change]) -> str:
    """Return the measurement in Markdown: medians, and the worst."""
    lines = [
        f"{len(changes[0].seconds)} saves of each kind in turn, on the whole site: "
        "seconds from the save, median and (worst).",
        "",
        "| what changes | browser told to reload | changed page received | CPU |",
        "|---|---|---|---|",
    ]
    for change in changes:
        columns = zip(*change.seconds, strict=True)
        cells = (f"{median(column):.2f} ({max(column):.2f})" for column in columns)
        lines.append(f"| {change.name} | {' | '.join(cells)} |")
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    system = f"Python {platform.python_version()}, {platform.system()}"
    system += f" {platform.machine()}, {os.cpu_count()} cores"
    return "\n".join([*lines, "", f"{system}; {versions}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--port", type=int, default=0, help="by default a free one")
    parser.add_argument("--write", action="store_true", help="write preview.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy_site(Path(scratch))
        changes = measure(Path(scratch), options.port, options.repeats)
    text = table(changes)
    print(text)
    if options.write:
        (HERE / "preview.md").write_text(HEAD + text)


if __name__ == "__main__":
    main()
