"""A rendered page as it is shown: lists, mathematics, cells, figures, and terms.

Each step is kept on its own: prose changes more often than code, and both more often
than the lists, which all pages show.
"""

from collections.abc import Callable
from functools import partial

from mkdocs.exceptions import PluginError
from mkdocs.structure.pages import Page

from pageproof import needs, panels, roadmap
from pageproof.cache import Kept
from pageproof.mathml import MathError, render_math
from pageproof.needs import Sources
from pageproof.page import Page as ProvenPage
from pageproof.prose import stem
from pageproof.records import RecordError
from pageproof.reference import Reference
from pageproof.runs import Runs, State
from pageproof.siblings import Siblings, line

GLOSSARY = "reference/glossary.md"


class Contents:
    """Makes a site's pages, and again only what has changed; PluginError says where."""

    def __init__(
        self,
        kept: Kept,
        settings: str,
        reference: Reference,
        labels: dict[str, dict],
        sources: Sources,
        runs: Runs,
    ) -> None:
        """`labels` are those of the lists and those of the panels."""
        self.kept, self.settings = kept, settings
        self.reference, self.labels = reference, labels
        self.sources, self.runs = sources, runs

    def brings(self, uri: str, proven: ProvenPage) -> list[list[int] | None]:
        """Return which earlier blocks each block of a page needs."""
        return self.kept.get(
            ("copies", uri),
            [(b.language, b.code, b.requires, b.skip) for b in proven.blocks],
            lambda ask: needs.copies(proven, ask),
            self.sources,
        )

    def states(self, uri: str, proven: ProvenPage) -> list[State]:
        """Return where each block of a page was run."""
        return self.runs.states(uri, proven, self.brings(uri, proven))

    def shown(
        self, html: str, page: Page, proven: ProvenPage, siblings: Siblings
    ) -> str:
        """Return a rendered page as it is shown."""
        uri = page.file.src_uri
        brings = self.brings(uri, proven)
        ran = self.runs.below(proven.blocks, self.states(uri, proven))
        try:
            html = self.kept.get(
                ("content", uri),
                (html, proven.text, page.url, brings, ran, self.settings),
                lambda ask: self.content(html, page, proven, brings, ran, ask),
                siblings,
            )
            address = siblings.glossary(GLOSSARY)
            if address is None or uri.startswith("reference/"):
                return html
            return self.kept.get(
                ("terms", uri),
                (html, address, self.reference.source("glossary")),
                lambda _: self.reference.with_terms(html, stem(uri), address),
            )
        except RecordError as error:
            raise PluginError(str(error)) from error

    def content(
        self,
        html: str,
        page: Page,
        proven: ProvenPage,
        brings: list[list[int] | None],
        ran: list[str],
        ask: Callable,
    ) -> str:
        """Return a page without its terms; `ask` answers as `Siblings` does."""
        file = page.file
        for name in self.reference.shown(html):
            ask("list", name)
        link, title = partial(ask, "link"), partial(ask, "title")
        try:
            html = self.reference.lists(html, link, title, self.labels["lists"])
            if roadmap.wanted(html):
                html = roadmap.with_map(html, *ask("map"))
            html = render_math(html)
        except MathError as error:
            place = line(file, error.tex.split("\n")[0].strip())
            raise PluginError(f"{place}: {error}") from error
        except roadmap.MapError as error:
            raise PluginError(f"{line(file, '{map}')}: {error}") from error
        anchors = self.reference.anchors(stem(file.src_uri), proven)
        html = panels.panels(html, self.labels["panels"], anchors, brings, ran)
        return panels.figures(panels.tables(html), partial(ask, "drawing"))
