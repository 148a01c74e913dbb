"""A preview makes again what changed, and nothing else; it never shows what was."""

import json
import os
import re
from types import SimpleNamespace

import jinja2
import markdown
import pytest
from material.plugins.search.plugin import Parser
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.utils import get_build_datetime
from pymdownx.highlight import Highlight, HighlightExtension

from pageproof.aside import Aside
from pageproof.cache import Kept
from pageproof.preview import Codes, Coloured
from pageproof.reading import Reader
from pageproof.recording import Recording
from pageproof.site import SitePlugin

CONFIG = """
site_name: Small
docs_dir: docs
theme: {name: null, custom_dir: theme}
markdown_extensions:
  toc: {permalink: false}
  pymdownx.arithmatex: {generic: true}
  pymdownx.highlight: {pygments_lang_class: true}
  pymdownx.snippets: {base_path: [!relative $config_dir], check_paths: true}
  pymdownx.superfences: {disable_indented_code_blocks: true}
extra: {motto: Old}
validation: {links: {anchors: warn}}
nav: [index.md, b.md, d.md]
plugins:
  material/search: {lang: [en], separator: " ", pipeline: []}
  pageproof: {lists: lists, verified: verified}
"""
PAGE = """{{ page.title }}: {{ page.content }}
{% for item in page.toc %}<i>{{ item.title }}</i>{% endfor %}
[{{ page.next_page.title }}] [{{ page.meta.says }}] [{{ config.extra.motto }}]
[{% for item in nav %}{{ item.title }} {% endfor %}] [{{ more }}]
{% include "part.html" %}"""
TERM = '- {term: curve, zh: Q, says: "A line.", page: index, at: home}\n'
SVG = '<svg width="40" height="30"></svg>'
FILES = {
    "mkdocs.yml": CONFIG,
    "theme/main.html": PAGE,
    "theme/part.html": "part one",
    "code.py": "x = 1\n",
    "verified/cpu.yml": "runs:\npages:\n",
    "lists/claims.yml": "[]\n",
    "lists/notation.yml": "[]\n",
    "lists/keywords.yml": "[]\n",
    "lists/glossary.yml": TERM,
    "assets/figures/f.svg": SVG,
    "assets/figures/f.dark.svg": SVG,
    "docs/index.md": "# Home\n\nSee [b](b.md#there).\n",
    "docs/b.md": '# B\n\nThe curve.\n\n## There\n\n--8<-- "code.py"\n',
    "docs/d.md": "# D\n\n```python\npass\n```\n\n![drawn](assets/figures/f.svg)\n",
    "docs/reference/glossary.md": "# Terms\n\n{glossary}\n",
}
ALL = ["B", "D", "Home", "Terms"]


@pytest.fixture
def preview(tmp_path, monkeypatch, caplog):
    """Build a small site, as `mkdocs serve` does, and note what is made."""
    state, made = (
        {"kept": Kept(), "codes": Codes(), "aside": Aside()},
        SimpleNamespace(),
    )
    convert, fill_in, feed = (
        markdown.Markdown.convert,
        jinja2.Template.render,
        Parser.feed,
    )

    def converted(self, source):
        made.rendered.append(re.search("# (.*)", source)[1])
        return convert(self, source)

    def filled_in(self, context):
        if context.get("page"):
            made.filled_in.append(context["page"].title)
        return fill_in(self, context)

    def indexed(self, content):
        made.indexed.append(re.search("<h1[^>]*>([^<]*)", content)[1])
        return feed(self, content)

    monkeypatch.setattr(markdown.Markdown, "convert", converted)
    monkeypatch.setattr(jinja2.Template, "render", filled_in)
    monkeypatch.setattr(Parser, "feed", indexed)

    def save(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def preview(changes: dict[str, str] | None = None) -> list[str]:
        for name, text in (changes or {}).items():
            save(name, text)
        config = load_config(str(tmp_path / "mkdocs.yml"))
        config.plugins.on_startup(command="serve", dirty=False)
        plugin = config.plugins["pageproof"]
        vars(plugin).update(state)
        made.rendered, made.filled_in, made.indexed = [], [], []
        caplog.clear()
        build(config)
        return sorted(made.rendered)

    preview.made, preview.site = made, tmp_path / "site"
    preview.read = lambda name: (tmp_path / "site" / name).read_text("utf-8")
    preview.remove = lambda name: (tmp_path / name).unlink()
    assert preview(FILES) == ALL
    assert sorted(made.filled_in) == sorted(made.indexed) == ALL
    return preview


def nothing(preview) -> bool:
    made = preview.made
    return made.rendered == made.filled_in == made.indexed == []


def test_an_unchanged_site_is_not_made_again_and_stays_the_same(preview):
    names = ("index.html", "b/index.html", "d/index.html", "search/search_index.json")
    before = [preview.read(name) for name in names]
    preview()
    assert nothing(preview)
    assert [preview.read(name) for name in names] == before
    assert "Home:" in before[0]
    assert [entry["title"] for entry in json.loads(before[-1])["docs"]][:2] == [
        "Home",
        "B",
    ]


def test_a_changed_page_is_made_again_alone(preview):
    assert preview({"docs/index.md": "# Home\n\nNew.\n"}) == ["Home"]
    assert preview.made.filled_in == preview.made.indexed == ["Home"]
    assert "New." in preview.read("index.html")
    found = json.loads(preview.read("search/search_index.json"))["docs"]
    assert "New." in next(e for e in found if e["title"] == "Home")["text"]
    assert [e["title"] for e in found].count("B") == 1


def test_a_changed_include_is_seen(preview):
    assert preview({"code.py": "x = 2\n"}) == ["B"]
    assert "x = 2" in preview.read("b/index.html")
    assert "x = 2" in preview.read("search/search_index.json")


def test_an_include_of_an_include_is_part_of_the_page(preview):
    outer = '--8<-- "code.py"\n'
    text = '# B\n\n## There\n\n--8<-- "outer.md"\n'
    assert preview({"outer.md": outer, "docs/b.md": text}) == ["B"]
    assert preview({"code.py": "x = 9\n"}) == ["B"]
    assert "x = 9" in preview.read("b/index.html")


def test_what_is_appended_to_every_page_is_part_of_it(preview):
    appended = "check_paths: true, auto_append: [code.py]"
    settings = CONFIG.replace("check_paths: true", appended)
    assert preview({"mkdocs.yml": settings}) == ALL
    assert preview({"code.py": "x = 3\n"}) == ALL
    assert preview() == []
    assert "x = 3" in preview.read("b/index.html")


def test_changed_settings_are_seen(preview):
    settings = CONFIG.replace("permalink: false", "permalink: true")
    assert preview({"mkdocs.yml": settings}) == ALL
    assert "headerlink" in preview.read("b/index.html")


def test_front_matter_is_part_of_the_page(preview):
    preview({"docs/b.md": "---\nsays: More\n---\n" + FILES["docs/b.md"]})
    assert "[More]" in preview.read("b/index.html")


def test_a_changed_title_is_seen_on_every_page_that_names_it(preview):
    assert preview({"docs/b.md": "# Bee\n\n## There\n"}) == ["Bee"]
    assert "[Bee]" in preview.read("index.html")
    assert "Home Bee D" in preview.read("d/index.html")
    assert preview.made.indexed == ["Bee"]


def test_a_changed_order_of_the_pages_is_seen(preview):
    order = CONFIG.replace("index.md, b.md, d.md", "index.md, d.md, b.md")
    preview({"mkdocs.yml": order})
    assert "[D]" in preview.read("index.html")
    assert "Home D B" in preview.read("b/index.html")


def test_a_changed_list_is_seen_where_it_shows(preview):
    preview({"lists/glossary.yml": TERM.replace("A line", "A bent line")})
    assert sorted(preview.made.filled_in) == ["B", "Terms"]
    assert preview.made.rendered == []
    assert preview.made.indexed == ["Terms"]
    assert 'title="A bent line."' in preview.read("b/index.html")
    assert "A bent line." in preview.read("reference/glossary/index.html")
    assert "A bent line." in preview.read("search/search_index.json")


def test_a_figure_that_changes_its_size_is_seen(preview):
    assert 'width="40"' in preview.read("d/index.html")
    preview({"assets/figures/f.svg": SVG.replace("40", "50")})
    assert preview.made.filled_in == ["D"]
    assert 'width="50"' in preview.read("d/index.html")


def test_a_dark_figure_that_goes_away_is_told(preview):
    preview.remove("assets/figures/f.dark.svg")
    with pytest.raises(SystemExit):
        preview()


@pytest.mark.parametrize("name", ["theme/main.html", "theme/part.html"])
def test_a_changed_template_is_seen_on_every_page(preview, name):
    assert preview({name: FILES[name] + " and more"}) == []
    assert sorted(preview.made.filled_in) == ALL
    assert preview.read("b/index.html").endswith(" and more")


def test_changed_records_of_runs_are_seen_where_there_are_blocks(preview):
    root = preview.site.parent
    recording = Recording(root / "verified", Reader(root / "mkdocs.yml"))
    blocks = recording.names(recording.reader.read(root / "docs/d.md")).values()
    recording.write("cuda", "toaster", {"docs/d.md": dict.fromkeys(blocks, "ran")})
    preview()
    assert preview.made.filled_in == ["D"]
    assert "toaster" in preview.read("d/index.html")


def test_changed_extra_settings_are_seen(preview):
    preview({"mkdocs.yml": CONFIG.replace("Old", "New")})
    assert "[New]" in preview.read("b/index.html")


def test_what_another_plugin_gives_a_template_is_part_of_the_page(preview, monkeypatch):
    own = SitePlugin.on_page_context

    def more(value):
        def context(self, context, page, config, nav):
            return {**own(self, context, page, config, nav), "more": value}

        monkeypatch.setattr(SitePlugin, "on_page_context", context)
        preview()
        return preview.made.filled_in

    assert len(more("a word")) == len(ALL)
    assert more("a word") == []
    assert "[a word]" in preview.read("b/index.html")
    # An object that does not say what it holds may hold something else by now.
    unknown = object()
    assert len(more(unknown)) == len(ALL)
    assert len(more(unknown)) == len(ALL)


def test_the_time_of_the_build_is_no_change(preview, monkeypatch):
    now = get_build_datetime()
    later = now.replace(hour=(now.hour + 1) % 24)
    monkeypatch.setattr("mkdocs.utils.get_build_datetime", lambda: later)
    preview()
    assert nothing(preview)


def test_a_new_file_is_seen_since_a_link_may_lead_to_it(preview):
    assert preview({"docs/c.md": "# C\n"}) == sorted([*ALL, "C"])


def test_a_page_that_goes_away_leaves_the_site(preview):
    preview.remove("docs/d.md")
    preview({"mkdocs.yml": CONFIG.replace(", d.md", "")})
    assert "[D]" not in preview.read("b/index.html")
    assert '"D"' not in preview.read("search/search_index.json")
    with pytest.raises(FileNotFoundError):
        preview.read("d/index.html")


def test_an_anchor_that_goes_away_is_told_although_its_page_is_kept(preview, caplog):
    assert preview({"docs/b.md": "# B\n\n## Elsewhere\n"}) == ["B"]
    assert "there" in caplog.text
    assert preview({"docs/b.md": "# B\n\n## There\n"}) == ["B"]
    assert "there" not in caplog.text


def test_a_broken_link_is_told_at_each_build(preview, caplog):
    broken = {"docs/b.md": "# B\n\n## There\n\n[gone](gone.md)\n"}
    for changes in (broken, None):
        assert preview(changes) == ["B"]
        assert "gone.md" in caplog.text


def test_the_index_of_the_search_is_that_of_the_stock_plugin(preview, monkeypatch):
    """Ours is made from pages without the colours of their code."""
    # what the site's lists add to it has tests of its own
    monkeypatch.setattr(SitePlugin, "improve_search", lambda *_: None)
    code = "```python\nif 1 < 2 and 'a':\n    x = [3, 4]  # so & so\n```\n"
    text = "# B\n\n## There\n\nSome `x = 1` $a + b$ \n\n" + code
    preview({"docs/b.md": text})
    ours = preview.read("search/search_index.json")
    assert "1 &lt; 2" in ours
    assert '<span class="k">' in preview.read("b/index.html")
    monkeypatch.setattr("pageproof.preview.plain", lambda content: content)
    monkeypatch.setattr(
        Kept, "get", lambda self, name, of, make, answer=None: make(answer)
    )
    preview()
    assert preview.read("search/search_index.json") == ours


FENCES = """# B

## There

```python
x = 1
```

```sh
x = 1
```
"""


def test_code_is_coloured_as_without_a_preview_and_once(preview, monkeypatch):
    coloured = []

    def highlight(self, src, *of, **options):
        coloured.append(src)
        return stock(self, src, *of, **options)

    stock = Highlight.highlight
    monkeypatch.setattr(Highlight, "highlight", highlight)
    monkeypatch.setattr(Coloured, "kept", {})
    preview({"docs/b.md": FENCES})
    assert coloured == ["x = 1"] * 2
    changed = FENCES.replace("```sh\nx = 1", "```sh\nx = 2")
    preview({"docs/b.md": changed})
    assert coloured[2:] == ["x = 2"]
    ours = preview.read("b/index.html")
    assert "language-python" in ours and "language-sh" in ours
    monkeypatch.setattr(
        HighlightExtension, "get_pymdownx_highlighter", lambda _: Highlight
    )
    monkeypatch.setattr("pageproof.site.colour_once", lambda: None)
    preview({"docs/b.md": FENCES})
    preview({"docs/b.md": changed})
    assert coloured[3:] == ["x = 1", "x = 1", "x = 1", "x = 2"]
    assert preview.read("b/index.html") == ours


def times(preview) -> dict[str, int]:
    paths = (path for path in preview.site.rglob("*") if path.is_file())
    return {p.relative_to(preview.site).as_posix(): p.stat().st_mtime_ns for p in paths}


def test_only_files_that_have_changed_are_copied_again(preview, tmp_path):
    before = times(preview)
    assert "assets/figures/f.svg" in before
    old = 10**9  # as if it came from an archive
    (tmp_path / "assets/figures/f.svg").write_text(SVG.replace("30", "31"))
    os.utime(tmp_path / "assets/figures/f.svg", ns=(old, old))
    preview()
    after = times(preview)
    assert after.keys() == before.keys()
    assert "31" in preview.read("assets/figures/f.svg")
    assert after["assets/figures/f.dark.svg"] == before["assets/figures/f.dark.svg"]


def test_a_file_that_goes_away_leaves_the_site(preview, tmp_path):
    preview({"docs/data.csv": "1\n"})
    assert "data.csv" in times(preview)
    preview.remove("docs/data.csv")
    preview()
    assert "data.csv" not in times(preview)
    assert "assets/figures/f.svg" in times(preview)


def test_the_notebook_of_a_page_goes_when_its_last_block_does(preview):
    addressed = {"mkdocs.yml": CONFIG + "site_url: http://127.0.0.1/\n"}
    drawn = "\n![drawn](assets/figures/f.svg)\n"
    preview({**addressed, "docs/d.md": FILES["docs/d.md"].replace(drawn, "")})
    before = times(preview)
    assert {"d.md", "d.ipynb"} <= before.keys()
    preview({"docs/d.md": "# D\n\nNo more.\n"})
    assert times(preview).keys() == before.keys() - {"d.ipynb"}
    assert times(preview)["b.md"] == before["b.md"]
    assert "No more." in preview.read("d.md")


def test_after_a_build_that_ended_early_the_site_is_whole_again(preview):
    before = times(preview).keys()
    text = FILES["docs/b.md"]
    for _ in range(2):
        with pytest.raises(SystemExit):
            preview({"docs/b.md": text + '--8<-- "gone.py"\n'})
    preview({"docs/b.md": text + "More.\n"})
    assert times(preview).keys() == before
    assert "More." in preview.read("b/index.html")
    assert "Home" in preview.read("index.html")


def test_a_result_is_kept_while_what_it_was_made_of_and_told_stays_the_same():
    kept, made, facts = Kept(), [], {"a": 1, "b": 1}

    def make(ask):
        made.append(ask("a"))
        return made[-1]

    def get(of):
        return kept.get("sum", of, make, facts.__getitem__)

    assert [get("x"), get("x")] == [1, 1] and made == [1]
    facts["b"] = 2  # nobody asked
    assert get("x") == 1 and made == [1]
    facts["a"] = 3
    assert get("x") == 3 and made == [1, 3]
    assert get("y") == 3 and made == [1, 3, 3]
    kept.forget("sum")
    assert get("y") == 3 and made == [1, 3, 3, 3]
