"""The MkDocs plugin on a small site of its own."""

import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from pageproof.policy import with_policy

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt"></svg>'
CONFIG = """
site_name: Small
site_url: https://example.org/course/en/
docs_dir: docs/en
site_dir: site/en
theme: {name: null, custom_dir: theme}
strict: true
markdown_extensions:
  pymdownx.arithmatex: {generic: true}
  pymdownx.highlight: {pygments_lang_class: true}
  pymdownx.snippets: {check_paths: true}
  pymdownx.superfences: {disable_indented_code_blocks: true}
plugins:
  pageproof: {root: docs/root, runs: docs/runs.yml}
"""
FILES = {
    "mkdocs.yml": CONFIG,
    "theme/main.html": "<html><head></head>{{ page.content }}|{{ runs }}</html>",
    "docs/runs.yml": "device: CPU",
    "docs/root/index.html": '<html><head></head><a href="{{ base }}en/"></a></html>',
    "docs/root/style.css": "a {}",
    "docs/assets/figures/a.svg": SVG,
    "docs/assets/figures/a.dark.svg": SVG,
    "docs/en/index.md": "# Home\n\n$x$\n",
    "docs/en/part/code.md": "# Code\n\n```python\nx = 1\n```\n\n"
    "![A line](../assets/figures/a.svg)\n",
}


@pytest.fixture
def site(tmp_path):
    """A folder with a small site in it."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def built(site: Path, command: str = "build") -> Path:
    config = load_config(str(site / "mkdocs.yml"))
    config.plugins.on_startup(command=command, dirty=False)
    build(config)
    return site / "site"


def test_assets_are_shared_and_figures_have_both_schemes(site):
    page = (built(site) / "en/part/code/index.html").read_text("utf-8")
    assert 'src="../../assets/figures/a.dark.svg"' in page and 'width="96"' in page
    assert (site / "site/en/assets/figures/a.dark.svg").is_file()
    assert "<math" in (site / "site/en/index.html").read_text("utf-8")


def test_only_a_page_with_code_says_where_it_was_run(site):
    built(site)
    assert "|None" in (site / "site/en/index.html").read_text("utf-8")
    assert "'CPU'" in (site / "site/en/part/code/index.html").read_text("utf-8")


def test_a_figure_without_its_dark_twin_stops_the_build(site, caplog):
    (site / "docs/assets/figures/a.dark.svg").unlink()
    with pytest.raises(Abort):
        built(site)
    assert re.search(r"code\.md: .*a\.dark\.svg", caplog.text)


def test_a_tex_error_stops_the_build_and_names_page_and_line(site, caplog):
    page = site / "docs/en/part/code.md"
    page.write_text("---\na: b\n---\n# Code\n\nSo $\\nonsense$.\n", encoding="utf-8")
    with pytest.raises(Abort):
        built(site)
    assert re.search(r"part/code\.md:6: .*\\nonsense", caplog.text)


def test_a_page_that_the_tests_could_not_read_stops_the_build(site, caplog):
    page = site / "docs/en/part/code.md"
    page.write_text("# Code\n\n```py\nx = 1\n```\n", encoding="utf-8")
    with pytest.raises(Abort):
        built(site)
    assert re.search(r"part/code\.md:3: '```py' is shown as python", caplog.text)


def test_the_root_pages_lie_above_the_language_and_know_where(site):
    root = built(site)
    assert 'href="/course/en/"' in (root / "index.html").read_text("utf-8")
    assert (root / "style.css").read_text("utf-8") == "a {}"


def test_serving_writes_no_root_and_no_policy(site):
    root = built(site, "serve")
    assert not (root / "index.html").exists()
    assert "Content-Security" not in (root / "en/index.html").read_text("utf-8")


def test_a_policy_names_each_inline_script_by_its_hash():
    page = with_policy("<html><head><meta charset='utf-8'></head><script>a()</script>")
    # echo -n 'a()' | openssl dgst -sha256 -binary | base64
    named = "'sha256-qVpDBgj7bpq5hMAcGp3AOc79J3Y1Z4HvySTwKrWDoy4='"
    assert f"script-src 'self' {named}; style-src 'self';" in page
    assert page.index("Content-Security-Policy") < page.index("<script>")
