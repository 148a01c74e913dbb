"""Rendered pages, kept while a site is previewed: only what changed is rendered again.

The key of a page holds all that its HTML is made of: its text, the text of what it
includes, the Markdown settings, and the files to which it may link.
"""

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

KEPT = ("content", "toc", "_title_from_render", "present_anchor_ids")
INCLUDE = re.compile(r"""-+8<-+[ \t]+["']([^"':\n]+)""")
SEVERAL = re.compile(r"^[ \t]*-+8<-+[ \t]*$", re.MULTILINE)
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class PageCache:
    """What pages rendered to, by the path of their source."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[tuple, dict]] = {}

    def prepare(self, page: Page, config: MkDocsConfig, files: Files) -> None:
        """Make `page.render` take what is kept, if it is still what the page is."""
        if (key := page_key(page.markdown or "", config, files)) is not None:
            page.render = partial(self.render, page, key)

    def render(
        self, page: Page, key: tuple, config: MkDocsConfig, files: Files
    ) -> None:
        old_key, kept = self.kept.get(page.file.src_uri, (None, {}))
        if old_key != key:
            type(page).render(page, config, files)
            kept = {name: getattr(page, name) for name in KEPT}
            kept["links"] = {
                file.src_uri: links
                for file, links in (page.links_to_anchors or {}).items()
            }
            self.kept[page.file.src_uri] = key, kept
            return
        for name in KEPT:
            setattr(page, name, kept[name])
        # Each build has its own File objects, and the anchors are those of its pages.
        page.links_to_anchors = {
            files.src_uris[uri]: links for uri, links in kept["links"].items()
        }


def page_key(text: str, config: MkDocsConfig, files: Files) -> tuple | None:
    """Return all that a page is made of, None if that cannot be told."""
    settings = ADDRESS.sub("", repr((config.markdown_extensions, config.mdx_configs)))
    snippets = config.mdx_configs.get("pymdownx.snippets", {})
    if SEVERAL.search(text) or snippets.get("auto_append"):
        return None
    bases = [Path(os.fspath(base)) for base in snippets.get("base_path", ["."])]
    places = tuple(sorted((file.src_uri, file.url) for file in files))
    return text, tuple(_included(text, bases)), settings, places


def _included(text: str, bases: list[Path]) -> Iterator[str]:
    """Yield the text of each file that a text includes, and of what that includes."""
    for name in INCLUDE.findall(text):
        found = next((base / name for base in bases if (base / name).is_file()), None)
        source = found.read_text("utf-8") if found else ""
        yield source
        yield from _included(source, bases)
