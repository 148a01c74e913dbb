"""Keep the built site of a preview, whose folder MkDocs empties before each build.

MkDocs leaves alone what is hidden: there the files wait until it is known that the new
build has the same ones. Then only those are written that have changed.
"""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mkdocs.structure.files import File, Files

HIDDEN = ".kept"


class Aside:
    """What lies in the site's folder, and from what it was copied or written."""

    def __init__(self) -> None:
        self.made_of: object = None
        self.stamps: dict[str, tuple[str, int, int]] = {}

    def step(self, site: Path) -> None:
        """Hide what was built: MkDocs is about to remove it."""
        hidden = site / HIDDEN
        hidden.mkdir(parents=True, exist_ok=True)
        for path in site.iterdir():
            if path == hidden:
                continue
            if (old := hidden / path.name).is_dir():
                shutil.rmtree(old)  # of a build that ended early
            path.replace(old)

    def come_back(self, site: Path, made_of: object) -> None:
        """Bring back what was built, or forget it if the site has other files now."""
        hidden = site / HIDDEN
        if self.made_of == made_of:
            for path in hidden.iterdir():
                path.replace(site / path.name)
        else:
            shutil.rmtree(hidden)
            self.stamps.clear()
        self.made_of = made_of

    def copy_once(self, files: Files) -> None:
        """Let files be copied only if they are not there already, as they are now."""
        for file in files:
            if file.abs_src_path is not None:
                file.copy_file = partial(self.copy, file, file.copy_file)

    def copy(self, file: File, copy: Callable, dirty: bool = False) -> None:
        stat = os.stat(file.abs_src_path)
        stamp = file.abs_src_path, stat.st_mtime_ns, stat.st_size
        there = os.path.isfile(file.abs_dest_path)
        if self.stamps.get(file.abs_dest_path) != stamp or not there:
            copy(dirty)
            self.stamps[file.abs_dest_path] = stamp
