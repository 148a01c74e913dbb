"""mkdocs-jupyter makes a page of a lab, and MkDocs renders it as it renders others."""

import json
import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from pageproof.cache import Kept
from pageproof.reading import Reader

CONFIG = """
site_name: Small
site_url: http://127.0.0.1/
docs_dir: docs/en
strict: true
theme: {name: null, custom_dir: theme}
markdown_extensions:
  attr_list: {}
  admonition: {}
  toc:
    slugify: !!python/object/apply:pymdownx.slugs.slugify {kwds: {case: lower}}
  pymdownx.arithmatex: {generic: true}
  pymdownx.highlight: {pygments_lang_class: true}
  pymdownx.snippets: {check_paths: true}
  pymdownx.superfences: {disable_indented_code_blocks: true}
validation: {links: {anchors: warn}}
plugins:
  search: {}
  pageproof: {}
  mkdocs-jupyter: {include: ["labs/*.py"], ignore: ["*.md"], cache: false}
nav: [index.md, labs/play.py]
"""
LAB = """\
# ---
# description: A lab.
# ---

# %% [markdown]
# # Play
#
# See [home](../index.md#home) and $x^2$.
#
# ## 反向传播
#
# !!! note
#
#     A note.

# %% raises="ValueError"
from tool import fail

fail()  # <b>
"""
FILES = {
    "mkdocs.yml": CONFIG,
    "theme/main.html": "<head></head><title>{{ page.title }}</title>{{ page.content }}"
    "{% for item in page.toc %}{% for below in item.children %}"
    '<a href="{{ below.url }}">{{ below.title }}</a>{% endfor %}{% endfor %}',
    "docs/en/index.md": "# Home\n\nPlay in [the lab](labs/play.py#反向传播).\n",
    "docs/en/labs/play.py": LAB,
    "src/tool.py": "def fail():\n    raise ValueError('no')\n",
}
OUTPUTS = ["ValueError: <no>\n"]


@pytest.fixture
def site(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    record(tmp_path)
    return tmp_path


def record(site: Path, outputs=OUTPUTS) -> None:
    lab = Reader(site / "mkdocs.yml").read(site / "docs/en/labs/play.py").lab
    lab.record.parent.mkdir(exist_ok=True)
    lab.record.write_text(lab.recorded(outputs), encoding="utf-8")


def built(site: Path, command: str = "build", kept: Kept | None = None) -> str:
    config = load_config(str(site / "mkdocs.yml"))
    config.plugins.on_startup(command=command, dirty=False)
    if kept:
        config.plugins["pageproof"].kept = kept
    build(config)
    return (site / "site/labs/play/index.html").read_text("utf-8")


def changed(site: Path, name: str, old: str, new: str) -> None:
    text = (site / name).read_text("utf-8")
    assert old in text
    (site / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("command", ["build", "serve"])
def test_a_lab_is_rendered_by_the_markdown_of_the_site(site, command):
    html = built(site, command)
    assert "<title>Play</title>" in html
    assert '<a href="../../#home">home</a>' in html
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in html
    assert '<div class="admonition note">' in html
    cell = re.search(r'<div class="pp-cell pp-cell--shown".*', html, re.DOTALL)[0]
    assert "# &lt;b&gt;" in cell
    assert 'pp-output--raises" role="group" aria-label="Raises"' in cell
    assert "<code>ValueError: &lt;no&gt;\n</code>" in cell


def test_a_chinese_heading_has_its_anchor_and_its_line_in_the_contents(site):
    html = built(site)
    assert '<h2 id="反向传播">反向传播</h2>' in html
    assert '<a href="#反向传播">反向传播</a>' in html
    index = json.loads((site / "site/search/search_index.json").read_text("utf-8"))
    assert "labs/play/#反向传播" in [entry["location"] for entry in index["docs"]]


def test_nothing_that_mkdocs_jupyter_brings_is_on_the_page(site):
    html = built(site)
    assert not re.search(r"<style|<script|jp-|jupyter|mermaid", html)
    files = {p.name for p in (site / "site").rglob("*") if p.is_file()}
    assert not {name for name in files if name.endswith(".py")}
    assert not (site / ".cache").exists()


@pytest.mark.parametrize("link", ["../other.md", "../index.md#other"])
def test_a_dead_link_in_a_lab_stops_the_build(site, link):
    changed(site, "docs/en/labs/play.py", "../index.md#home", link)
    with pytest.raises(Abort):
        built(site)


def test_a_page_that_names_no_anchor_of_a_lab_stops_the_build(site):
    changed(site, "docs/en/index.md", "反向传播", "elsewhere")
    with pytest.raises(Abort):
        built(site)


STALE = {
    "a cell": (
        "docs/en/labs/play.py",
        "fail()  #",
        "fail() #",
        "play.py:16: this cell",
    ),
    "a module": ("src/tool.py", "'no'", "'yes'", "play.py:1: src/tool.py has changed"),
}


@pytest.mark.parametrize(("name", "old", "new", "says"), STALE.values(), ids=STALE)
def test_a_lab_that_does_not_fit_its_record_stops_the_build(
    site, name, old, new, says, caplog
):
    changed(site, name, old, new)
    with pytest.raises(Abort):
        built(site)
    assert says in caplog.text.replace(f"{site}/", "")


@pytest.mark.parametrize(("name", "old", "new", "says"), STALE.values(), ids=STALE)
def test_a_preview_of_such_a_lab_goes_on_and_says_so_at_each_save(
    site, name, old, new, says, caplog
):
    changed(site, "mkdocs.yml", "strict: true", "strict: false")
    kept = Kept()
    built(site, "serve", kept)
    changed(site, name, old, new)
    for _ in range(2):
        caplog.clear()
        html = built(site, "serve", kept)
        assert ("no&gt;" in html) == (name == "src/tool.py")  # a changed cell has none
        assert says in caplog.text.replace(f"{site}/", "")


@pytest.mark.parametrize("command", ["build", "serve"])
def test_a_lab_that_cannot_be_read_stops_build_and_preview(site, command, caplog):
    kept = Kept()
    built(site, command, kept)  # so that a preview has a page that it could keep
    changed(site, "docs/en/labs/play.py", "# # Play", "# Play")
    with pytest.raises(Abort):
        built(site, command, kept)
    assert "play.py:5: expected # %% [" in caplog.text.replace(f"{site}/", "")


def test_a_preview_shows_a_saved_lab_and_a_new_record(site):
    kept = Kept()
    before = built(site, "serve", kept)
    assert built(site, "serve", kept) == before
    changed(site, "docs/en/labs/play.py", "A note", "Another note")
    assert "Another note" in built(site, "serve", kept)
    changed(site, "src/tool.py", "'no'", "'yes'")
    record(site, ["ValueError: yes\n"])
    assert "ValueError: yes" in built(site, "serve", kept)
