"""Write back what a run made: outputs into the page, figures beside it, atomically."""

import contextlib
import glob
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from pageproof.page import Block, Page, shown

NEW = ".new"  # at the end of the name of a file that is not in place yet
STALE = 600  # seconds; no run takes so long to put it there
MARKER = "<!--pytest-codeblocks:expected-output-->"


@dataclass
class Update:
    """What changes on one page if all of it holds."""

    page: Page
    outputs: list[tuple[Block, str]] = field(default_factory=list)
    figures: dict[Path, str] = field(default_factory=dict)

    def write(self) -> list[str]:
        """Write what changed, all of it or nothing; return its names."""
        files = dict(self.figures)
        writes = self.outputs or self.page.lab
        if writes and self.page.path.read_bytes() != self.page.source:
            message = "changed while it was run; nothing was rewritten"
            raise self.page.error(1, message)
        if self.page.lab:
            files |= self._record()
        elif self.outputs:
            files[self.page.path] = self._page_text()
        replace(files)
        return [
            *(f"{shown(self.page.path)}:{b.line}: output" for b, _ in self.outputs),
            *(shown(path) for path in files if path != self.page.path),
        ]

    def _record(self) -> dict[Path, str]:
        """The record of a lab, if it is not what stands there."""
        lab, printed = self.page.lab, {b.line: text for b, text in self.outputs}
        outputs = [
            printed.get(cell.line, recorded)
            for cell, recorded in zip(lab.script.code_cells, lab.outputs, strict=True)
        ]
        text = lab.recorded(outputs)
        same = lab.record.exists() and lab.record.read_text("utf-8") == text
        return {} if same else {lab.record: text}

    def _page_text(self) -> str:
        lines = self.page.source.decode().split("\n")
        for block, text in sorted(self.outputs, key=lambda o: -o[0].line):
            new = [block.indent + line if line else "" for line in text.split("\n")]
            new = new[:-1] if text.endswith("\n") else new
            if block.output:
                lines[block.output.first - 1 : block.output.last] = new
                continue
            fence = [block.indent + part for part in (MARKER, "```text", "```")]
            lines[block.end : block.end] = ["", *fence[:2], *new, fence[2]]
        return "\n".join(lines)


def replace(files: dict[Path, str]) -> None:
    """Put every file in place only once all of them are safely written."""
    with contextlib.ExitStack() as undo:
        ready = []
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path)
            handle, name = tempfile.mkstemp(NEW, f".{path.name}.", path.parent)
            undo.callback(Path(name).unlink, missing_ok=True)
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
            os.chmod(name, mode)
            ready.append((name, path))
        for name, path in ready:
            os.replace(name, path)


def _sweep(path: Path) -> None:
    """Remove what runs that were killed have left of a file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{NEW}"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE:
                left.unlink()
