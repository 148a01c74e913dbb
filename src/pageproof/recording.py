"""Hold the pages against the records of what was run, and write these."""

import contextlib
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pageproof import verified
from pageproof.imports import Imports, digest
from pageproof.needs import Sources, copies
from pageproof.page import Page, Place, shown
from pageproof.reading import Reader
from pageproof.update import replace
from pageproof.verified import FAILED, Record

Results = dict[str, dict[str, str]]  # what came of each block, by its page


class Recording:
    """The records of a site's pages, in one folder."""

    def __init__(self, folder: Path, reader: Reader) -> None:
        self.folder, self.reader = folder, reader

    def uri(self, path: Path) -> str | None:
        """Return what records call a page, None for a file that is not on the site."""
        docs = self.reader.docs
        return path.relative_to(docs).as_posix() if path.is_relative_to(docs) else None

    def names(self, page: Page) -> dict[int, str]:
        """Return what records call each block of a page, by its line."""
        sources = self.reader.sources
        brings = copies(page, Sources(sources))
        prints = verified.fingerprints(
            page, brings, Imports(sources), lambda path: digest(path.read_bytes())
        )
        return dict(zip((block.line for block in page.blocks), prints, strict=True))

    def record(self, kind: str) -> Record:
        """Return the record of a kind of device; RecordError if it is broken."""
        return verified.read(self.folder / f"{kind}.yml")

    def faults(self, page: Page, kind: str = "cpu") -> list[str]:
        """Return where a record does not name exactly the blocks of a page."""
        record, names = self.record(kind), self.names(page)
        found = record.pages.get(self.uri(page.path), {})
        where, faults = shown(record.path), []
        for line, name in names.items():
            place = Place(page.path, line)
            if name not in found:
                faults.append(f"{place}: {where} has no run of this block as it stands")
            elif found[name].result == FAILED:
                faults.append(f"{place}: {where} says that this block failed")
        gone = len(found.keys() - set(names.values()))
        if gone and not faults:  # else those that are not as they stood
            some = f"{gone} block{'s' * (gone > 1)}"
            faults.append(f"{Place(page.path, 1)}: {where} has {some} too many")
        return faults

    def write(self, kind: str, device: str, results: Results) -> Path:
        """Take a run into the record of a kind of device, and return its file."""
        pages = {}
        for uri, found in results.items():
            page = self.reader.read(self.reader.docs / uri)
            pages[uri] = {name: found.get(name) for name in self.names(page).values()}
        with locked(self.folder):
            record = self.record(kind)
            record.add(verified.environment(device, date.today()), pages)
            kept = [uri for uri in record.pages if (self.reader.docs / uri).is_file()]
            record.keep(kept)
            replace({record.path: record.text})
        return record.path


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let no other run write in a folder (where the system can), until this one has."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.name != "posix":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
