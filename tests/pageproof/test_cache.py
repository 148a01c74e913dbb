"""A preview renders again what changed, and nothing else."""

import re
from pathlib import Path

import markdown
import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from pageproof.cache import PageCache

CONFIG = """
site_name: Small
docs_dir: docs
theme: {name: null, custom_dir: theme}
markdown_extensions:
  toc: {permalink: false}
  pymdownx.snippets: {base_path: [!relative $config_dir], check_paths: true}
  pymdownx.superfences: {disable_indented_code_blocks: true}
validation: {links: {anchors: warn}}
plugins: [pageproof]
"""
FILES = {
    "mkdocs.yml": CONFIG,
    "theme/main.html": "{{ page.title }}: {{ page.content }}",
    "code.py": "x = 1\n",
    "docs/index.md": "# Home\n\nSee [b](b.md#there).\n",
    "docs/b.md": '# B\n\n## There\n\n--8<-- "code.py"\n',
}


@pytest.fixture
def preview(tmp_path, monkeypatch, caplog):
    """Build a small site, as `mkdocs serve` does, and return the pages rendered."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    rendered, cache = [], PageCache()
    convert = markdown.Markdown.convert

    def counted(self, source):
        rendered.append(re.search("# (.*)", source)[1])
        return convert(self, source)

    monkeypatch.setattr(markdown.Markdown, "convert", counted)

    def preview(**changes: str) -> list[str]:
        for name, text in changes.items():
            (tmp_path / name.replace("__", "/").replace("_", ".")).write_text(text)
        config = load_config(str(tmp_path / "mkdocs.yml"))
        config.plugins.on_startup(command="serve", dirty=False)
        config.plugins["pageproof"].cache = cache
        rendered.clear()
        caplog.clear()
        build(config)
        return sorted(rendered)

    preview.site = tmp_path / "site"
    assert preview() == ["B", "Home"]
    return preview


def page(preview, name: str) -> str:
    return (Path(preview.site) / name).read_text("utf-8")


def test_an_unchanged_site_is_not_rendered_again_and_stays_the_same(preview):
    before = page(preview, "index.html"), page(preview, "b/index.html")
    assert preview() == []
    assert (page(preview, "index.html"), page(preview, "b/index.html")) == before
    assert "Home:" in before[0]


def test_a_changed_page_is_rendered_again_alone(preview):
    assert preview(docs__index_md="# Home\n\nNew.\n") == ["Home"]
    assert "New." in page(preview, "index.html")


def test_a_changed_include_is_seen(preview):
    assert preview(code_py="x = 2\n") == ["B"]
    assert "x = 2" in page(preview, "b/index.html")


def test_changed_settings_are_seen(preview):
    settings = CONFIG.replace("permalink: false", "permalink: true")
    assert preview(mkdocs_yml=settings) == ["B", "Home"]
    assert "headerlink" in page(preview, "b/index.html")


def test_a_new_file_is_seen_since_a_link_may_lead_to_it(preview):
    assert preview(docs__c_md="# C\n") == ["B", "C", "Home"]


def test_an_anchor_that_goes_away_is_told_although_its_page_is_kept(preview, caplog):
    assert preview(docs__b_md="# B\n\n## Elsewhere\n") == ["B"]
    assert "there" in caplog.text
    assert preview(docs__b_md="# B\n\n## There\n") == ["B"]
    assert "there" not in caplog.text


def test_what_is_appended_to_every_page_is_part_of_it(preview):
    appended = "check_paths: true, auto_append: [code.py]"
    settings = CONFIG.replace("check_paths: true", appended)
    assert preview(mkdocs_yml=settings) == ["B", "Home"]
    assert preview(code_py="x = 3\n") == ["B", "Home"]
    assert preview() == []
    assert "x = 3" in page(preview, "b/index.html")


def test_an_include_of_an_include_is_part_of_the_page(preview):
    outer = '--8<-- "code.py"\n'
    text = '# B\n\n## There\n\n--8<-- "outer.md"\n'
    assert preview(outer_md=outer, docs__b_md=text) == ["B"]
    assert preview(code_py="x = 9\n") == ["B"]
    assert "x = 9" in page(preview, "b/index.html")
