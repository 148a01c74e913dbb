"""The MkDocs plugin: what the other modules do to a page, at the moment MkDocs asks."""

import json
import logging
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import urlsplit

import jinja2
import yaml
from markupsafe import Markup
from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url, meta

from pageproof import metadata, panels, plain, roadmap, search
from pageproof.cache import Kept
from pageproof.exports import ExportOptions, Exports
from pageproof.mathml import MathError, render_math
from pageproof.needs import Sources, copies
from pageproof.page import Page as ProvenPage
from pageproof.page import PageError
from pageproof.policy import with_policy
from pageproof.prerequisites import NeedsError, needs_of, reduced
from pageproof.preview import Codes, Preview, list_once, look_often
from pageproof.reading import Reader
from pageproof.records import RecordError
from pageproof.reference import LABELS, Reference

log = logging.getLogger("mkdocs.plugins.pageproof")


class Options(Config):
    """What mkdocs.yml says to the plugin; paths are relative to that file."""

    root = option.Optional(option.Type(str))
    runs = option.Optional(option.Type(str))
    labels = option.Type(dict, default=panels.LABELS)
    lists = option.Optional(option.Dir(exists=True))  # of claims, terms and letters
    list_labels = option.Type(dict, default=LABELS)
    metadata = option.Optional(option.Type(dict))
    exports = option.SubConfig(ExportOptions)


class SitePlugin(BasePlugin[Options]):
    """Shows a page as it is proven: MathML, cells with their outputs, figures."""

    serving = False

    def __init__(self) -> None:
        self.kept, self.codes = Kept(), Codes()
        self.exports = Exports()

    def on_startup(self, *, command: str, dirty: bool) -> None:
        self.serving = command == "serve"

    def on_serve(
        self, server: LiveReloadServer, config: MkDocsConfig, builder: Callable
    ) -> None:
        look_often(server)

    def on_config(self, config: MkDocsConfig) -> None:
        if self.serving:
            list_once(config.theme)
        self.base = Path(config.config_file_path).parent
        try:
            self.reader = Reader(Path(config.config_file_path))
        except PageError as error:
            raise PluginError(str(error)) from error
        self.proven: dict[str, ProvenPage] = {}
        self.exports.prepare(self.config.exports, config, self.proven)
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

    def on_nav(self, nav: Navigation, config: MkDocsConfig, files: Files) -> None:
        self.nav = nav
        self.preview = Preview(self.kept, config, files)

    def on_env(
        self, env: jinja2.Environment, config: MkDocsConfig, files: Files
    ) -> None:
        if self.serving:
            self.preview.keep_templates(env, self.codes)
        search = config.plugins.get("material/search")
        if search is not None and search.config.enabled:
            self.preview.keep_index(search.search_index)

    def on_page_read_source(self, *, page: Page, config: MkDocsConfig) -> str | None:
        """Return a lab as the Markdown that it is to the site."""
        lab = self.read(page).lab if page.file.src_uri.endswith(".py") else None
        return lab and lab.markdown

    def read(self, page: Page) -> ProvenPage:
        path = Path(page.file.abs_src_path)
        made_of = path.read_bytes(), self.preview.settings, tuple(self.reader.appended)
        try:
            proven = self.kept.get(
                ("read", page.file.src_uri),
                made_of,
                lambda ask: self.reader.read(path, ask),
                self.reader.included,
            )
            if proven.lab and proven.lab.stale:
                raise proven.lab.stale
        except PageError as error:
            raise PluginError(str(error)) from error
        return proven

    def on_page_markdown(
        self, markdown: str, page: Page, config: MkDocsConfig, files: Files
    ) -> None:
        """Refuse a page that the tests could not read; they run it, this does not."""
        self.proven[page.file.src_uri] = proven = self.read(page)
        vars(page).pop("render", None)  # mkdocs-jupyter's: a lab is rendered as a page
        self.preview.prepare(page, proven.text)

    def on_page_content(
        self, html: str, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        uri = page.file.src_uri
        text, lists = self.proven[uri].text, self.reference.source
        return self.kept.get(
            ("content", uri),
            (html, text, page.url, lists, self.preview.settings),
            lambda ask: self.content(html, page, ask),
            partial(self.looked_up, page, files),
        )

    def looked_up(self, page: Page, files: Files, what: str, name: str = "") -> object:
        """Return what a page shows of another file: its address, title or drawing."""
        if what == "module":
            return self.sources(name)
        if what == "map":
            return self.pages_and_needs(page)
        if what == "drawing":
            return self.drawing(name, page, files)
        if what == "glossary":
            file = files.get_file_from_path(name)
            return file and get_relative_url(file.url, page.url)
        file = _file(files, name)
        if what == "title":
            return plain.title(_markdown(file))
        return get_relative_url(file.url, page.url)

    def content(self, html: str, page: Page, ask: Callable) -> str:
        """Return a rendered page as it is shown; `ask` is `looked_up`."""
        stem = _stem(page.file)
        labels = LABELS | self.config.list_labels
        link, title, drawing = (
            partial(ask, what) for what in ("link", "title", "drawing")
        )
        try:
            html = self.mapped(self.reference.lists(html, link, title, labels), ask)
            html = render_math(html)
            anchors = self.reference.anchors(stem, self.proven[page.file.src_uri])
        except MathError as error:
            raise PluginError(f"{_place(page, error.tex)}: {error}") from error
        except RecordError as error:
            raise PluginError(str(error)) from error
        except roadmap.MapError as error:
            raise PluginError(f"{_line(page.file, '{map}')}: {error}") from error
        brings = copies(self.proven[page.file.src_uri], partial(ask, "module"))
        labels = panels.LABELS | self.config.labels
        html = panels.panels(html, labels, anchors, brings)
        html = panels.tables(html)
        html = panels.figures(html, drawing)
        address = ask("glossary", "reference/glossary.md")
        if address is None or stem.startswith("reference/"):
            return html
        return self.reference.with_terms(html, stem, address)

    def mapped(self, html: str, ask: Callable) -> str:
        """Return a page with the map of the site, if it shows that."""
        return roadmap.with_map(html, *ask("map")) if roadmap.wanted(html) else html

    def pages_and_needs(self, page: Page) -> tuple[dict, dict]:
        """Return which page each address leads to, and on which pages it builds."""
        files = {_stem(p.file): p.file for p in self.nav.pages if not p.is_homepage}
        try:
            needs = {
                stem: needs_of(stem, _front_matter(file))
                for stem, file in files.items()
            }
            needs = reduced(needs)
        except NeedsError as error:
            place = _line(files[error.page], "needs:", ":1")
            raise PluginError(f"{place}: {error}") from error
        return {get_relative_url(f.url, page.url): at for at, f in files.items()}, needs

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
        if self.config.metadata and page.canonical_url:
            context["metadata"] = self.metadata(page, config)
        context["exports"] = self.exports.links(page)
        return context

    def metadata(self, page: Page, config: MkDocsConfig) -> str:
        """Return what the head of a page says about it, for machines."""
        shared = config.site_name, config.site_url, config.theme["language"]
        try:
            site = metadata.Site(*shared, config.site_author, **self.config.metadata)
        except TypeError as error:
            raise PluginError(f"mkdocs.yml: metadata: {error}") from error
        at = {_stem(p.file): p.canonical_url for p in self.nav.pages}
        stem, list_of_terms = _stem(page.file), at.get("reference/glossary")
        terms = [t for t in self.reference.terms if t.page == stem and list_of_terms]
        about = metadata.About(
            title=Markup(page.meta.get("title") or page.title).striptags(),
            description=page.meta.get("description") or config.site_description,
            address=page.canonical_url,
            kind="tutorial" if panels.has_code(page.content or "") else "reference",
            part=page.ancestors[-1].title if page.ancestors else None,
            needs=[at[need] for need in page.meta.get("needs") or []],
            teaches={t.term: f"{list_of_terms}#{t.anchor}" for t in terms},
        )
        return metadata.head(site, about)

    def on_post_page(self, output: str, page: Page, config: MkDocsConfig) -> str:
        labels = LABELS | self.config.list_labels
        try:
            self.exports.write(page.file.src_uri, self.reference, labels)
        except PageError as error:
            raise PluginError(str(error)) from error
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
        """Improve the search index; write the list of pages, and the site's root."""
        self.improve_search(Path(config.site_dir) / "search/search_index.json")
        pages = self.exports.write_list(self.nav, config.site_description)
        if self.serving:
            log.info(self.preview.report())
            return
        if not self.config.root:
            return
        site = Path(config.site_dir).parent
        shutil.copyfile(pages, site / pages.name)
        address = dirname((config.site_url or "").rstrip("/"))
        base = urlsplit(address).path.rstrip("/")
        for path in sorted((self.base / self.config.root).iterdir()):
            if path.suffix not in (".html", ".txt"):
                shutil.copyfile(path, site / path.name)
                continue
            template = jinja2.Template(path.read_text("utf-8"))
            text = template.render(base=base + "/", address=address + "/")
            text = with_policy(text) if path.suffix == ".html" else text + "\n"
            (site / path.name).write_text(text, encoding="utf-8")

    def improve_search(self, path: Path) -> None:
        """Make search find what the site's lists name, if the site has a search."""
        if not (path.is_file() and self.config.lists):
            return
        index = json.loads(path.read_text("utf-8"))
        lists = self.reference
        words = search.taught(lists.terms, lists.keywords)
        addresses = {_stem(page.file): page.file.url for page in self.nav.pages}
        for keyword in lists.keywords:
            if keyword.page not in addresses:
                message = f"expected a page of the nav, got {keyword.page}"
                raise PluginError(str(keyword.error(message)))
        page = "reference/claims"
        claims = lists.claims if page in addresses else []
        index = search.improved(index, words, claims, page, addresses)
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
        path.write_text(text, encoding="utf-8")


def _file(files: Files, stem: str) -> File:
    for suffix in (".md", ".py"):
        if file := files.get_file_from_path(stem + suffix):
            return file
    raise PluginError(f"the site's lists name {stem}: no such page")


def _stem(file: File) -> str:
    return file.src_uri.rpartition(".")[0]


def _front_matter(file: File) -> dict:
    return meta.get_data(_markdown(file))[1]


def _markdown(file: File) -> str:
    """Return what a page says: a lab says it in comments."""
    text = file.content_string
    lab = file.src_uri.endswith(".py")
    return re.sub(r"^# ?", "", text, flags=re.MULTILINE) if lab else text


def _place(page: Page, tex: str) -> str:
    """Return the page, and the line on which the formula begins if it can be found."""
    return _line(page.file, tex.split("\n")[0].strip())


def _line(file: File, words: str, otherwise: str = "") -> str:
    """Return a file, and the line on which the words stand if they can be found."""
    text = file.content_string
    at = text.find(words)
    line = f":{text.count(chr(10), 0, at) + 1}" if at >= 0 else otherwise
    return f"{file.src_uri}{line}"
