"""Make `mkdocs serve` do again what changed, and nothing else.

MkDocs builds the whole site at each save. Here its steps for a page (reading, the
Markdown, the template, the index of the search) take what was kept, if it is made of
the same.
"""

import gc
import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import jinja2
from jinja2.bccache import Bucket
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.theme import Theme
from mkdocs.utils import CountHandler
from pymdownx.highlight import Highlight, HighlightExtension
from watchdog.observers.polling import PollingObserver

from pageproof.cache import Kept

RENDERED = ("content", "toc", "_title_from_render", "present_anchor_ids")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
APART = {"config", "nav", "pages", "page", "build_date_utc"}  # of a template's context
PRE = re.compile(r"<pre\b.*?</pre>", re.DOTALL)
SPAN = re.compile(r"</?span\b[^>]*>")
UNSEARCHED = re.compile(r"<math data-search-exclude\b.*?</math>", re.DOTALL)
SAYS = re.compile(r'(<a class="pp-term" href="[^"]*") title="[^"]*"')


def settings(config: MkDocsConfig) -> str:
    """Return all that the configuration says: files, environment and plugins."""
    plugins = {name: plugin.config for name, plugin in config.plugins.items()}
    return ADDRESS.sub("", repr({**config, "plugins": plugins}))


def templates(config: MkDocsConfig) -> dict[str, bytes]:
    """Return the site's own templates and what they may include."""
    folder = config.theme.custom_dir
    paths = sorted(Path(folder).rglob("*")) if folder else []
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


class Codes(jinja2.BytecodeCache):
    """Compiled templates, kept in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self.kept.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.checksum, bucket.code


class Loader(jinja2.FileSystemLoader):
    """Finds templates, and lists a theme's files without its thousands of icons."""

    def __init__(self, folders: Sequence[str], own: str | None) -> None:
        super().__init__(folders)
        self.own = [folder for folder in folders if folder == own]
        self.installed = tuple(folder for folder in folders if folder != own)

    def list_templates(self) -> list[str]:
        own = jinja2.FileSystemLoader(self.own).list_templates()
        return sorted({*own, *_installed(self.installed)})


@cache
def _installed(folders: tuple[str, ...]) -> list[str]:
    """Return the files that MkDocs may copy from installed themes: none is hidden."""
    names = jinja2.FileSystemLoader(folders).list_templates()
    return [name for name in names if not name.startswith(".") and "/." not in name]


def list_once(theme: Theme) -> None:
    """Look through what is installed once, and through the site's own at each build."""
    get_env = theme.get_env

    def get_env_with_loader() -> jinja2.Environment:
        env = get_env()
        env.loader = Loader(env.loader.searchpath, theme.custom_dir)
        return env

    theme.get_env = get_env_with_loader


def colour_once() -> None:
    """Let a piece of code be coloured once, not at each change of its page."""
    HighlightExtension.get_pymdownx_highlighter = lambda _: Coloured


class Coloured(Highlight):
    """Colours code, and keeps what it has coloured."""

    kept: ClassVar[dict[str, str]] = {}

    def highlight(self, *of: object, **options: object) -> object:
        made_of = {**vars(self), "md": None}
        if options.get("inline") or self.title_mode == "html":  # made for one page only
            return super().highlight(*of, **options)
        key = repr((of, options, made_of))
        if key not in self.kept:
            self.kept[key] = super().highlight(*of, **options)
        return self.kept[key]


def hurry(server: LiveReloadServer) -> None:
    """Look for saved files more often than twice a second, and wait less for more.

    What the first build has made stays: the garbage collector need not look at it.
    """
    paths = list(server._watched_paths)
    for path in paths:
        server.unwatch(path)
    server.build_delay = 0.05  # for an editor's other files; MkDocs waits twice as long
    server.observer = PollingObserver(timeout=0.15)
    for path in paths:
        server.watch(path)
    gc.collect()
    gc.freeze()


class Preview:
    """The steps of one build, which take what the last one kept."""

    def __init__(self, kept: Kept, config: MkDocsConfig, files: Files) -> None:
        self.kept = kept
        kept.made.clear()
        self.settings = settings(config)
        self.templates = templates(config)
        self.site: str | None = None
        self.places = tuple(sorted((file.src_uri, file.url) for file in files))

    def report(self) -> str:
        """Return how much was made in this build, by kind."""
        made = Counter(kind for kind, *_ in self.kept.made)
        said = ", ".join(f"{kind} {count}" for kind, count in made.items())
        return f"Made again: {said or 'nothing'}"

    def prepare(self, page: Page, published: str) -> None:
        """Make `page.render` take what is kept, if it is still what the page is.

        `published` is the page's text with its includes expanded.
        """
        page.render = partial(self.render, page, page.render, published)

    def render(
        self,
        page: Page,
        render: Callable,
        published: str,
        config: MkDocsConfig,
        files: Files,
    ) -> None:
        uri = page.file.src_uri
        made_of = page.markdown, page.meta, published, self.settings, self.places
        warned = CountHandler(level=logging.WARNING)

        def rendered(_) -> dict:
            render(config, files)
            links = page.links_to_anchors or {}
            result = {name: getattr(page, name) for name in RENDERED}
            return result | {"links": {file.src_uri: at for file, at in links.items()}}

        logger = logging.getLogger("mkdocs")
        logger.addHandler(warned)
        try:
            result = self.kept.get(("render", uri), made_of, rendered)
        finally:
            logger.removeHandler(warned)
        if warned.get_counts():  # the next build is to warn, too
            self.kept.forget(("render", uri))
        for name in RENDERED:
            setattr(page, name, result[name])
        # Each build has its own File objects, and the anchors are those of its pages.
        page.links_to_anchors = {
            files.src_uris[uri]: at for uri, at in result["links"].items()
        }

    def keep_templates(self, env: jinja2.Environment, codes: Codes) -> None:
        """Compile a template once, and fill it in again only for what has changed."""
        env.bytecode_cache = codes
        env.template_class = type("Template", (Template,), {"preview": self})

    def shown(self, context: dict) -> tuple | None:
        """Return all that a page's template may show, None if that cannot be told."""
        page, nav = context["page"], context["nav"]
        own = {k: v for k, v in vars(page).items() if k not in ("render", "toc")}
        texts = {name: own.pop(name) for name in ("content", "markdown")}
        others = {name: context[name] for name in sorted(context.keys() - APART)}
        if self.site is None:  # the same for every page of a build
            pages = [(file.page, file.page.meta) for file in context["pages"]]
            self.site = repr((pages, str(nav)))
        said = repr((own, page.title, others))
        if ADDRESS.search(said) or ADDRESS.search(self.site):
            return None
        return said, self.site, texts, page.toc, self.settings, self.templates

    def keep_index(self, index: object) -> None:
        """Make Material's index of the search take the sections of unchanged pages."""
        add = partial(self.add_sections, index, index.add_entry_from_context)
        index.add_entry_from_context = add

    def add_sections(self, index: object, add: Callable, page: Page) -> None:
        content = self.kept.get(
            ("plain", page.url), page.content, lambda _: plain(page.content)
        )
        made_of = page.url, page.title, page.meta, content, page.toc, self.settings

        def sections(_: Callable) -> list:
            first = len(index.entries)
            add(_Searched(page.url, page.title, page.meta, content, page.toc))
            added = index.entries[first:]
            del index.entries[first:]
            return added

        index.entries += self.kept.get(("search", page.url), made_of, sections)


def plain(content: str) -> str:
    """Return a page without what its index does not hold.

    That is colours of code, formulas, and what terms mean. The index takes as long as
    there are tags: nine of ten are of these.
    """
    content = PRE.sub(lambda code: SPAN.sub("", code[0]), content)
    content = UNSEARCHED.sub("", content)
    return SAYS.sub(r"\1", content)


class _Searched(NamedTuple):
    """What the search asks of a page."""

    url: str
    title: str
    meta: dict
    content: str
    toc: object


class Template(jinja2.Template):
    """A template that is filled in for a page if the page has changed."""

    preview: Preview

    def render(self, context: dict) -> str:
        page = context.get("page")
        shown = self.preview.shown(context) if page else None
        if shown is None:
            return super().render(context)
        name = "template", page.url, self.name
        return self.preview.kept.get(name, shown, lambda _: self.filled_in(context))

    def filled_in(self, context: dict) -> str:
        return super().render(context)
