"""Whose works a site holds, under which licences, and the notice that says so."""

from dataclasses import dataclass
from pathlib import Path

from pageproof.records import Record, read_records

NOTICE = "licences.txt"


@dataclass(frozen=True)
class Work(Record):
    """A work of which a site holds a part, and what tells that part."""

    name: str
    by: tuple[str, ...]  # its copyright notice, line by line
    licence: str  # SPDX names, joined by AND
    read: str  # where the two were read
    home: str = ""
    notice: str = ""  # the installed file that has the copyright notice, as a pattern
    files: tuple[str, ...] = ()  # patterns of the paths below a language's folder
    packages: tuple[str, ...] = ()  # as source maps name them
    icons: tuple[str, ...] = ()  # their folders in the theme

    @property
    def licences(self) -> list[str]:
        return self.licence.split(" AND ")


def works(lists: Path) -> list[Work]:
    """Return the works of a site's lists; RecordError says which is not complete."""
    return read_records(lists / "licences.yml", Work)


def notice(lists: Path, site: str) -> str:
    """Return what a site's notice says: each work, then the text of each licence.

    Raises: RecordError if a work's licence has no text in the folder `licences`.
    """
    held, texts = works(lists), {}
    said = [f"The works that {site} holds, and their licences."]
    for work in held:
        about = [work.name, work.home, *work.by, f"Licence: {work.licence}"]
        said.append("\n".join(filter(None, about)))
        for name in work.licences:
            path = lists / f"licences/{name}.txt"
            if not path.is_file():
                raise work.error(f"expected the text of {name} in licences/{name}.txt")
            texts[name] = path.read_text("utf-8").rstrip()
    said += [f"{name}\n{'=' * len(name)}\n\n{texts[name]}" for name in sorted(texts)]
    return "\n\n\n".join(said) + "\n"
