"""What lies beside each page of the site: the page as a notebook and as Markdown.

And, for a whole site, the list of its pages in llms.txt.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from pageproof import plain, prose
from pageproof.ipynb import LABELS, Site, notebook
from pageproof.page import Page as ProvenPage

HOST = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
NOTEBOOK, MARKDOWN = ".ipynb", ".md"


class ExportOptions(Config):
    """What mkdocs.yml says of the exports."""

    package = option.Type(str, default="")  # what a notebook installs if it is missing
    branch = option.Type(str, default="notebooks")  # where Colab finds the notebooks
    opens = option.Type(str, default="https://colab.research.google.com/github")
    labels = option.Type(dict, default=LABELS)


class Links(NamedTuple):
    """Where a page is found as something else; a notebook only if it has blocks."""

    markdown: str
    notebook: str | None = None
    colab: str | None = None


class Exports:
    """The exports of a site's pages, made again only for a page that has changed."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[tuple, dict[str, str]]] = {}
        self.written: dict[Path, str] = {}

    def prepare(
        self, options: ExportOptions, config: MkDocsConfig, pages: dict[str, ProvenPage]
    ) -> None:
        """Begin a build, in which `pages` are read by and by.

        A site that does not know its address has no exports: their links are absolute.
        """
        self.options, self.pages = options, pages if config.site_url else {}
        self.language = Path(config.docs_dir).name
        self.folder = Path(config.site_dir)
        self.site = Site(
            name=config.site_name,
            address=(config.site_url or "").rstrip("/") + "/",
            repository=config.extra.get("repository") or "",
            package=options.package,
            labels=LABELS | options.labels,
        )

    def links(self, page: Page) -> Links | None:
        """Return where a page's exports are found, None for a page not proven."""
        proven = self.pages.get(page.file.src_uri)
        if proven is None:
            return None
        stem = prose.stem(page.file.src_uri)
        markdown = get_relative_url(stem + MARKDOWN, page.url)
        if not proven.blocks:
            return Links(markdown)
        opened = colab(self.options, self.site, f"{self.language}/{stem}{NOTEBOOK}")
        return Links(markdown, get_relative_url(stem + NOTEBOOK, page.url), opened)

    def write(self, uri: str, with_lists: Callable[[str], str]) -> None:
        """Write a page beside its folder; PageError says what is wrong with it.

        `with_lists` returns the page's Markdown with the site's lists written out.
        """
        if (proven := self.pages.get(uri)) is None:
            return
        made = self.of(proven, uri)
        made[MARKDOWN] = with_lists(made[MARKDOWN])
        for suffix in (MARKDOWN, NOTEBOOK):
            self.write_file(self.folder / (prose.stem(uri) + suffix), made.get(suffix))

    def write_file(self, path: Path, text: str | None) -> None:
        """Write an export if it is not there as it is; without a text there is none."""
        if text is None:
            path.unlink(missing_ok=True)  # a preview had one, of a page with blocks
        elif self.written.get(path) != text or not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            self.written[path] = text

    def link(self, stem: str) -> str:
        """Return the address of a page or a lab."""
        return self.site.address + prose.address(f"{stem}.md")

    def title(self, stem: str) -> str:
        """Return the title of a page or a lab."""
        uri = next(uri for uri in (f"{stem}.md", f"{stem}.py") if uri in self.pages)
        return plain.title(self.pages[uri].text)

    def of(self, page: ProvenPage, uri: str) -> dict[str, str]:
        """Return the files that a page is exported to, by their suffixes."""
        figures = [figure.light for block in page.blocks for figure in block.figures]
        key = page.source, page.text, repr(self.site), *map(_written, figures)
        if self.kept.get(uri, (None,))[0] != key:
            made = {MARKDOWN: plain.plain(page, uri, self.site)}
            if text := notebook(page, uri, self.site):
                made[NOTEBOOK] = text
            self.kept[uri] = key, made
        return dict(self.kept[uri][1])

    def write_list(self, nav: Navigation, description: str | None) -> Path:
        """Write llms.txt, in the groups of the nav, and return its path."""
        groups = [
            (item.title if item.is_section else "", map(self.told, _pages(item)))
            for item in nav.items
        ]
        said = filter(None, (description, self.site.labels["llms"]))
        path = self.folder / "llms.txt"
        text = plain.llms(self.site.name, *said, groups=groups)
        path.write_text(text, encoding="utf-8")
        return path

    def told(self, page: Page) -> tuple[str, str, str]:
        """Return a page's title, address and description, as Markdown if it is that."""
        proven = self.pages.get(page.file.src_uri)
        if proven is None:
            about = page.meta.get("description", "")
            return page.title or "", page.canonical_url or "", about
        address = self.site.address + plain.address(page.file.src_uri)
        return plain.title(proven.text), address, proven.meta.get("description", "")


def _pages(item: object) -> Iterator[Page]:
    if isinstance(item, Section):
        for child in item.children:
            yield from _pages(child)
    elif isinstance(item, Page):
        yield item


def _written(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.is_file() else None


def colab(options: ExportOptions, site: Site, path: str) -> str | None:
    """Return where Colab opens a notebook; it can do so from GitHub alone."""
    if not (match := HOST.fullmatch(site.repository)):
        return None
    return f"{options.opens.rstrip('/')}/{match[1]}/blob/{options.branch}/{path}"
