"""Rendered pages, kept while a site is previewed: only what changed is rendered again.

The key of a page holds all that its HTML is made of: its text with everything that it
includes, the Markdown settings, and the files to which it may link.
"""

import re
from functools import partial

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

KEPT = ("content", "toc", "_title_from_render", "present_anchor_ids")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class PageCache:
    """What pages rendered to, by the path of their source."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[tuple, dict]] = {}

    def prepare(
        self, page: Page, published: str, config: MkDocsConfig, files: Files
    ) -> None:
        """Make `page.render` take what is kept, if it is still what the page is.

        `published` is the page's text with its includes expanded.
        """
        settings = repr((config.markdown_extensions, config.mdx_configs))
        places = tuple(sorted((file.src_uri, file.url) for file in files))
        key = page.markdown, published, ADDRESS.sub("", settings), places
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
