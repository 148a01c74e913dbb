"""What a page shows of the site's other files: their addresses, titles and drawings."""

import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url, meta

from pageproof import panels, plain, prose
from pageproof.needs import Sources
from pageproof.prerequisites import NeedsError, needs_of, reduced
from pageproof.reference import Reference


class Siblings:
    """Answers what a page asks about other files; PluginError if it asks for none."""

    def __init__(
        self,
        page: Page,
        files: Files,
        nav: Navigation,
        sources: Sources,
        reference: Reference,
    ) -> None:
        self.page, self.files, self.nav = page, files, nav
        self.sources, self.reference = sources, reference

    def __call__(self, what: str, name: str = "") -> object:
        """Answer by name, as what is kept asks: see `pageproof.cache`."""
        return getattr(self, what)(*[name] if name else [])

    def module(self, name: str) -> object:
        """Return what a module of `src` is to those who import it."""
        return self.sources(name)

    def list(self, name: str) -> bytes:
        """Return what stands in one of the site's lists."""
        return self.reference.source(name)

    def link(self, stem: str) -> str:
        """Return the address of a page or lab, as this page links to it."""
        return get_relative_url(self.file(stem).url, self.page.url)

    def title(self, stem: str) -> str:
        return plain.title(markdown(self.file(stem)))

    def glossary(self, uri: str) -> str | None:
        """Return the address of the glossary, None on a site that has none."""
        file = self.files.get_file_from_path(uri)
        return file and get_relative_url(file.url, self.page.url)

    def map(self) -> tuple[dict, dict]:
        """Return which page each address leads to, and on which pages it builds."""
        pages = (page for page in self.nav.pages if not page.is_homepage)
        files = {prose.stem(page.file.src_uri): page.file for page in pages}
        try:
            needs = {
                stem: needs_of(stem, meta.get_data(markdown(file))[1])
                for stem, file in files.items()
            }
            needs = reduced(needs)
        except NeedsError as error:
            place = line(files[error.page], "needs:", ":1")
            raise PluginError(f"{place}: {error}") from error
        addresses = {
            get_relative_url(file.url, self.page.url): stem
            for stem, file in files.items()
        }
        return addresses, needs

    def drawing(self, link: str) -> panels.Drawing | None:
        """Return the dark twin of a recorded figure, None for another image."""
        uri = normpath(join(dirname(self.page.url), link))
        light = self.files.get_file_from_path(uri)
        figure = uri.startswith("assets/figures/") and uri.endswith(".svg")
        if light is None or not figure:
            return None
        dark = uri.removesuffix(".svg") + ".dark.svg"
        place = f"{self.page.file.src_uri}: {uri}"
        if self.files.get_file_from_path(dark) is None:
            raise PluginError(f"{place} has no {dark} beside it")
        try:
            width, height = _size(light)
        except ValueError as error:
            raise PluginError(f"{place}: {error}") from error
        return panels.Drawing(link.removesuffix(".svg") + ".dark.svg", width, height)

    def file(self, stem: str) -> File:
        for suffix in (".md", ".py"):
            if file := self.files.get_file_from_path(stem + suffix):
                return file
        raise PluginError(f"the site's lists name {stem}: no such page")


def _size(drawing: File) -> tuple[int, int]:
    path = Path(drawing.abs_src_path)
    return _size_of(path, path.stat().st_mtime_ns)


@cache
def _size_of(path: Path, _: int) -> tuple[int, int]:
    return panels.size(path.read_text("utf-8"))


def markdown(file: File) -> str:
    """Return what a page says: a lab says it in comments."""
    text = file.content_string
    lab = file.src_uri.endswith(".py")
    return re.sub(r"^# ?", "", text, flags=re.MULTILINE) if lab else text


def line(file: File, words: str, otherwise: str = "") -> str:
    """Return a file, and the line on which the words stand if they can be found."""
    text = file.content_string
    at = text.find(words)
    line = f":{text.count(chr(10), 0, at) + 1}" if at >= 0 else otherwise
    return f"{file.src_uri}{line}"
