"""A rendered page as it is shown: lists, mathematics, cells, figures, and terms."""

from collections.abc import Callable
from functools import partial

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from pageproof import panels, prose, roadmap
from pageproof.mathml import MathError, render_math
from pageproof.needs import copies
from pageproof.page import Page
from pageproof.records import RecordError
from pageproof.reference import Reference
from pageproof.siblings import line

GLOSSARY = "reference/glossary.md"


def shown(
    html: str,
    file: File,
    page: Page,
    reference: Reference,
    labels: dict[str, dict[str, str]],
    ask: Callable,
) -> str:
    """Return the page; `ask` answers as `Siblings` does.

    `labels` are those of the lists and of the panels. PluginError names page and line.
    """
    stem = prose.stem(file.src_uri)
    link, title = partial(ask, "link"), partial(ask, "title")
    try:
        html = reference.lists(html, link, title, labels["lists"])
        if roadmap.wanted(html):
            html = roadmap.with_map(html, *ask("map"))
        html = render_math(html)
        anchors = reference.anchors(stem, page)
    except MathError as error:
        place = line(file, error.tex.split("\n")[0].strip())
        raise PluginError(f"{place}: {error}") from error
    except RecordError as error:
        raise PluginError(str(error)) from error
    except roadmap.MapError as error:
        raise PluginError(f"{line(file, '{map}')}: {error}") from error
    brings = copies(page, partial(ask, "module"))
    html = panels.panels(html, labels["panels"], anchors, brings)
    html = panels.figures(panels.tables(html), partial(ask, "drawing"))
    address = ask("glossary", GLOSSARY)
    if address is None or stem.startswith("reference/"):
        return html
    return reference.with_terms(html, stem, address)
