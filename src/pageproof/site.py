"""The MkDocs plugin: what the other modules do to a page, at the moment MkDocs asks."""

import logging
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from posixpath import dirname

import jinja2
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

from pageproof import above, licences, metadata, panels, plain, runs, search
from pageproof.aside import Aside
from pageproof.cache import Kept
from pageproof.compact import without_indentation
from pageproof.contents import Contents
from pageproof.exports import ExportOptions, Exports
from pageproof.needs import Sources
from pageproof.page import Page as ProvenPage
from pageproof.page import PageError
from pageproof.policy import with_policy
from pageproof.preview import Codes, Preview, colour_once, hurry, list_once, settings
from pageproof.prose import stem
from pageproof.reading import Reader
from pageproof.records import RecordError
from pageproof.reference import LABELS, Reference
from pageproof.runs import Runs
from pageproof.siblings import Siblings, line

log = logging.getLogger("mkdocs.plugins.pageproof")
LANGUAGES = "assets/javascripts/lunr/"  # that a search in English never fetches


class Options(Config):
    """What mkdocs.yml says to the plugin; paths are relative to that file."""

    root = option.Optional(option.Type(str))
    verified = option.Optional(option.Dir(exists=True))  # records of what was run
    run_labels = option.Type(dict, default=runs.LABELS)
    labels = option.Type(dict, default=panels.LABELS)
    lists = option.Optional(option.Dir(exists=True))  # of claims, terms and letters
    list_labels = option.Type(dict, default=LABELS)
    metadata = option.Optional(option.Type(dict))
    exports = option.SubConfig(ExportOptions)


class SitePlugin(BasePlugin[Options]):
    """Shows a page as it is proven: MathML, cells with their outputs, figures."""

    serving = False

    def __init__(self) -> None:
        self.kept, self.codes, self.aside = Kept(), Codes(), Aside()
        self.exports = Exports()

    def on_startup(self, *, command: str, dirty: bool) -> None:
        self.serving = command == "serve"
        if self.serving:
            colour_once()

    def on_serve(
        self, server: LiveReloadServer, config: MkDocsConfig, builder: Callable
    ) -> None:
        hurry(server)

    def on_config(self, config: MkDocsConfig) -> None:
        if self.serving:
            list_once(config.theme)
        self.base = Path(config.config_file_path).parent
        try:
            file = Path(config.config_file_path)
            self.reader = self.kept.get(
                ("reader",), settings(config), lambda _: Reader(file)
            )
        except PageError as error:
            raise PluginError(str(error)) from error
        self.proven: dict[str, ProvenPage] = {}
        self.exports.prepare(self.config.exports, config, self.proven)
        self.sources = Sources(self.base / "src")
        lists = self.config.lists
        reference = Reference(Path(lists) if lists else None)
        self.reference = self.kept.get(
            ("lists",), reference.sources, lambda _: reference
        )
        try:
            folder = self.config.verified
            self.runs = Runs(
                self.kept,
                Path(folder) if folder else None,
                Path(config.docs_dir).name,
                self.reader.sources,
                runs.LABELS | self.config.run_labels,
            )
        except RecordError as error:
            raise PluginError(str(error)) from error

    def on_pre_build(self, config: MkDocsConfig) -> None:
        if self.serving:
            self.aside.step(Path(config.site_dir))

    def on_files(self, files: Files, config: MkDocsConfig) -> Files:
        """Show each language the shared assets as its own, and the licences of all."""
        docs = self.reader.docs
        for folder, _, names in os.walk(docs / "assets"):
            below = Path(folder).relative_to(docs).as_posix()
            for name in names:
                if not name.startswith("."):
                    path = os.path.join(folder, name)
                    uri = f"{below}/{name}"
                    files.append(File.generated(config, uri, abs_src_path=path))
        if self.reference.source("licences"):
            text = self.notice(config.site_name)
            files.append(File.generated(config, licences.NOTICE, content=text))
        search = config.plugins.get("material/search")
        if search is not None and search.config.lang == ["en"]:
            for file in list(files):
                if file.src_uri.startswith(LANGUAGES):
                    files.remove(file)
        return files

    def notice(self, name: str) -> str:
        """Return what the site says of the works that it holds."""
        try:
            return licences.notice(Path(self.config.lists), name)
        except RecordError as error:
            raise PluginError(str(error)) from error

    def on_nav(self, nav: Navigation, config: MkDocsConfig, files: Files) -> None:
        self.nav = nav
        self.addresses = {stem(p.file.src_uri): p.canonical_url for p in nav.pages}
        self.preview = Preview(self.kept, config, files)
        labels = {
            "lists": LABELS | self.config.list_labels,
            "panels": panels.LABELS | self.config.labels,
        }
        self.contents = Contents(
            self.kept,
            self.preview.settings,
            self.reference,
            labels,
            self.sources,
            self.runs,
        )

    def on_env(
        self, env: jinja2.Environment, config: MkDocsConfig, files: Files
    ) -> None:
        if self.serving:
            self.preview.keep_templates(env, self.codes)
            made_of = self.preview.settings, self.preview.places
            self.aside.come_back(Path(config.site_dir), made_of)
            self.aside.copy_once(files)
        search = config.plugins.get("material/search")
        if search is not None and search.config.enabled:
            self.preview.keep_index(search.search_index)

    def on_page_read_source(self, *, page: Page, config: MkDocsConfig) -> str | None:
        """Return a lab as the Markdown that it is to the site."""
        lab = self.read(page).lab if page.file.src_uri.endswith(".py") else None
        return lab and lab.markdown

    def read(self, page: Page) -> ProvenPage:
        """Return a page as it is proven, also before it is its turn to be shown."""
        path = Path(page.file.abs_src_path)
        made_of = path.read_bytes(), self.preview.settings, tuple(self.reader.appended)
        try:
            return self.kept.get(
                ("read", page.file.src_uri),
                made_of,
                lambda ask: self.reader.read(path, ask),
                self.reader.included,
            )
        except PageError as error:
            raise PluginError(str(error)) from error

    def refuse_or_warn(self, error: PageError) -> None:
        """Stop the build; a preview says what is yet to be recorded, and shows it."""
        if not self.serving:
            raise PluginError(str(error)) from error
        log.warning(error)

    def on_page_markdown(
        self, markdown: str, page: Page, config: MkDocsConfig, files: Files
    ) -> None:
        """Refuse a page that the tests could not read; they run it, this does not."""
        self.proven[page.file.src_uri] = proven = self.read(page)
        if proven.lab and proven.lab.stale:
            self.refuse_or_warn(proven.lab.stale)
        vars(page).pop("render", None)  # mkdocs-jupyter's: a lab is rendered as a page
        self.preview.prepare(page, proven.text)

    def on_page_content(
        self, html: str, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        proven = self.proven[page.file.src_uri]
        siblings = Siblings(page, files, self.nav, self.sources, self.reference)
        html = self.contents.shown(html, page, proven, siblings)
        try:
            return self.runs.tables(html, partial(self.all_runs, siblings.link))
        except runs.TableError as error:
            raise PluginError(f"{line(page.file, error.words)}: {error}") from error
        except RecordError as error:
            raise PluginError(str(error)) from error

    def all_runs(self, link: Callable[[str], str]) -> list[runs.Shown]:
        """Return what is known of the runs of all pages, in the order of the nav."""
        proven = {page.file.src_uri: self.read(page) for page in self.nav.pages}
        return [
            runs.Shown(
                plain.title(page.text),
                link(stem(uri)),
                page.blocks,
                self.contents.states(uri, page),
            )
            for uri, page in proven.items()
        ]

    def on_page_context(
        self, context: dict, page: Page, config: MkDocsConfig, nav: object
    ) -> dict:
        """Give the template what is known of the page and of its other forms."""
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
        at = self.addresses
        own, list_of_terms = stem(page.file.src_uri), at.get("reference/glossary")
        terms = [t for t in self.reference.terms if t.page == own and list_of_terms]
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

    def with_lists(self, text: str) -> str:
        """Return the Markdown of a page with the site's lists written out."""
        labels = LABELS | self.config.list_labels
        link, title = self.exports.link, self.exports.title
        text = self.reference.as_markdown(text, link, title, labels)
        return self.runs.as_markdown(text, partial(self.all_runs, link))

    def on_post_page(self, output: str, page: Page, config: MkDocsConfig) -> str:
        try:
            self.exports.write(page.file.src_uri, self.with_lists)
        except PageError as error:
            self.refuse_or_warn(error)
        return self.published(output)

    def on_post_template(
        self, output_content: str, template_name: str, config: MkDocsConfig
    ) -> str:
        is_page = template_name.endswith(".html")
        return self.published(output_content) if is_page else output_content

    def published(self, page: str) -> str:
        """Return a page as it is published: small, and with the policy.

        Under `mkdocs serve`, whose reload is a script, it is as it was made.
        """
        return page if self.serving else with_policy(without_indentation(page))

    def on_post_build(self, config: MkDocsConfig) -> None:
        """Improve the search index; write the list of pages, and the site's root."""
        folder = Path(config.site_dir)
        if self.config.lists:
            self.improve_search(folder / "search/search_index.json")
        pages = self.exports.write_list(self.nav, config.site_description)
        if self.serving:
            log.info(self.preview.report())
        elif self.config.root:
            shutil.copyfile(pages, folder.parent / pages.name)
            address = dirname((config.site_url or "").rstrip("/"))
            above.write(self.base / self.config.root, folder.parent, address)

    def improve_search(self, path: Path) -> None:
        """Make search find what the site's lists name, if the site has a search."""
        addresses = {stem(page.file.src_uri): page.file.url for page in self.nav.pages}
        lists = self.reference
        if path.is_file():
            try:
                search.improve(
                    path, addresses, lists.terms, lists.keywords, lists.claims
                )
            except RecordError as error:
                raise PluginError(str(error)) from error
