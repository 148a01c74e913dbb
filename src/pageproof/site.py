"""The MkDocs plugin: what the other modules do to a page, at the moment MkDocs asks."""

import re
import shutil
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import urlsplit

import jinja2
import yaml
from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from pageproof import panels
from pageproof.cache import PageCache
from pageproof.mathml import MathError, render_math
from pageproof.needs import Sources, copies
from pageproof.page import Page as ProvenPage
from pageproof.page import PageError
from pageproof.policy import with_policy
from pageproof.reading import Reader
from pageproof.records import RecordError
from pageproof.reference import LABELS, Reference

TITLE = re.compile(r"^# (.*?)(?: \{ #[\w-]+ \})?$", re.MULTILINE)


class Options(Config):
    """What mkdocs.yml says to the plugin; paths are relative to that file."""

    root = option.Optional(option.Type(str))
    runs = option.Optional(option.Type(str))
    labels = option.Type(dict, default=panels.LABELS)
    lists = option.Optional(option.Dir(exists=True))  # of claims, terms and letters
    list_labels = option.Type(dict, default=LABELS)


class SitePlugin(BasePlugin[Options]):
    """Shows a page as it is proven: MathML, cells with their outputs, figures."""

    serving = False

    def __init__(self) -> None:
        self.cache = PageCache()

    def on_startup(self, *, command: str, dirty: bool) -> None:
        self.serving = command == "serve"

    def on_config(self, config: MkDocsConfig) -> None:
        self.base = Path(config.config_file_path).parent
        try:
            self.reader = Reader(Path(config.config_file_path))
        except PageError as error:
            raise PluginError(str(error)) from error
        self.proven: dict[str, ProvenPage] = {}
        self.sources = Sources(self.base / "src")
        lists = self.config.lists
        self.reference = Reference(Path(lists) if lists else None)
        self.runs = None
        if self.config.runs:
            self.runs = yaml.safe_load(
                (self.base / self.config.runs).read_text("utf-8")
            )

    def on_files(self, files: Files, config: MkDocsConfig) -> Files:
        """Show each language the shared assets as if they were its own."""
        folder = self.reader.docs / "assets"
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                uri = path.relative_to(folder.parent).as_posix()
                files.append(File.generated(config, uri, abs_src_path=str(path)))
        return files

    def on_page_markdown(
        self, markdown: str, page: Page, config: MkDocsConfig, files: Files
    ) -> None:
        """Refuse a page that the tests could not read; they run it, this does not."""
        try:
            proven = self.reader.read(Path(page.file.abs_src_path))
        except PageError as error:
            raise PluginError(str(error)) from error
        self.proven[page.file.src_uri] = proven
        if self.serving:
            self.cache.prepare(page, proven.text, config, files)

    def on_page_content(
        self, html: str, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        stem = page.file.src_uri.removesuffix(".md")
        try:
            html = render_math(self.listed(html, page, files))
            anchors = self.reference.anchors(stem, self.proven[page.file.src_uri])
        except MathError as error:
            raise PluginError(f"{_place(page, error.tex)}: {error}") from error
        except RecordError as error:
            raise PluginError(str(error)) from error
        html = panels.panels(
            html,
            panels.LABELS | self.config.labels,
            anchors,
            copies(self.proven[page.file.src_uri], self.sources),
        )
        html = panels.tables(html)
        html = panels.figures(html, lambda link: self.drawing(link, page, files))
        glossary = files.get_file_from_path("reference/glossary.md")
        if glossary is None or stem.startswith("reference/"):
            return html
        address = get_relative_url(glossary.url, page.url)
        return self.reference.with_terms(html, stem, address)

    def listed(self, html: str, page: Page, files: Files) -> str:
        """Return a page with the site's lists that it shows."""

        def link(stem: str) -> str:
            return get_relative_url(_file(files, stem).url, page.url)

        def title(stem: str) -> str:
            return TITLE.search(_file(files, stem).content_string)[1]

        labels = LABELS | self.config.list_labels
        return self.reference.lists(html, link, title, labels)

    def drawing(self, link: str, page: Page, files: Files) -> panels.Drawing | None:
        """Return the dark twin of a recorded figure, None for another image."""
        uri = normpath(join(dirname(page.url), link))
        light = files.get_file_from_path(uri)
        figure = uri.startswith("assets/figures/") and uri.endswith(".svg")
        if light is None or not figure:
            return None
        dark = uri.removesuffix(".svg") + ".dark.svg"
        if files.get_file_from_path(dark) is None:
            raise PluginError(f"{page.file.src_uri}: {uri} has no {dark} beside it")
        try:
            width, height = panels.size(light.content_string)
        except ValueError as error:
            raise PluginError(f"{page.file.src_uri}: {uri}: {error}") from error
        return panels.Drawing(link.removesuffix(".svg") + ".dark.svg", width, height)

    def on_page_context(
        self, context: dict, page: Page, config: MkDocsConfig, nav: object
    ) -> dict:
        """Give the template what is known of the page's runs, if it has blocks."""
        context["runs"] = self.runs if panels.has_code(page.content or "") else None
        return context

    def on_post_page(self, output: str, page: Page, config: MkDocsConfig) -> str:
        return self.secured(output)

    def on_post_template(
        self, output_content: str, template_name: str, config: MkDocsConfig
    ) -> str:
        secure = template_name.endswith(".html")
        return self.secured(output_content) if secure else output_content

    def secured(self, page: str) -> str:
        """Add the policy, except under `mkdocs serve`, whose reload is a script."""
        return page if self.serving else with_policy(page)

    def on_post_build(self, config: MkDocsConfig) -> None:
        """Write the pages above the languages: those at the root of the site."""
        if self.serving or not self.config.root:
            return
        site = Path(config.site_dir).parent
        base = dirname(urlsplit(config.site_url or "/").path.rstrip("/")).rstrip("/")
        for path in sorted((self.base / self.config.root).iterdir()):
            if path.suffix != ".html":
                shutil.copyfile(path, site / path.name)
                continue
            template = jinja2.Template(path.read_text("utf-8"))
            page = with_policy(template.render(base=base + "/"))
            (site / path.name).write_text(page, encoding="utf-8")


def _file(files: Files, stem: str) -> File:
    if (file := files.get_file_from_path(f"{stem}.md")) is None:
        raise PluginError(f"the site's lists name {stem}: no such page")
    return file


def _place(page: Page, tex: str) -> str:
    """Return the page, and the line on which the formula begins if it can be found."""
    text = page.file.content_string
    at = text.find(tex.split("\n")[0].strip())
    line = f":{text.count(chr(10), 0, at) + 1}" if at >= 0 else ""
    return f"{page.file.src_uri}{line}"
