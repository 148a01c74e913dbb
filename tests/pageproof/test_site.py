"""The MkDocs plugin on a small site of its own."""

import re
from datetime import date
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from pageproof.policy import with_policy
from pageproof.reading import Reader
from pageproof.recording import Recording

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
  pageproof: {root: docs/root, verified: docs/verified}
"""
FILES = {
    "mkdocs.yml": CONFIG,
    "theme/main.html": "<html><head></head>{{ page.content }}</html>",
    "docs/verified/cuda.yml": "runs:\npages:\n",
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


SKIP = '<!--pytest.mark.skip(reason="a | b")-->'


def record(site: Path, kind: str, device: str, result: str = "ran") -> None:
    """Record the site's one block as run, with a version of torch."""
    docs, reader = site / "docs", Reader(site / "mkdocs.yml")
    recording = Recording(docs / "verified", reader)
    page = reader.read(docs / "en/part/code.md")
    found = dict.fromkeys(recording.names(page).values(), result)
    recording.write(kind, device, {recording.uri(page.path): found})
    text = re.sub(
        r"torch: [\d.]+", "torch: 7.8.9", recording.record(kind).path.read_text()
    )
    recording.record(kind).path.write_text(text)


def below(site: Path) -> list[str]:
    """What the site says below its blocks."""
    built(site)
    page = (site / "site/en/part/code/index.html").read_text("utf-8")
    return re.findall(r'<p class="pp-ran" data-search-exclude>(.*?)</p></div>', page)


def test_below_a_block_stands_where_it_was_run_as_it_stands(site):
    assert below(site) == ["Not yet run on CPU, CUDA"]
    record(site, "cpu", "Linux toaster")
    assert below(site) == ["Run on CPU, torch 7.8; not yet run on CUDA"]
    record(site, "cuda", "NVIDIA H200")
    assert below(site) == ["Run on CPU, torch 7.8; NVIDIA H200, torch 7.8"]
    record(site, "cuda", "NVIDIA H200", "failed")
    assert below(site) == ["Run on CPU, torch 7.8; fails on NVIDIA H200, torch 7.8"]
    page = site / "docs/en/part/code.md"
    page.write_text(page.read_text().replace("x = 1", "x = 2"))
    assert below(site) == ["Not yet run on CPU, CUDA"]
    assert "pp-ran" not in (site / "site/en/index.html").read_text("utf-8")


def test_a_block_that_is_not_run_everywhere_says_why(site):
    page = site / "docs/en/part/code.md"
    text = page.read_text()
    page.write_text(
        text.replace("```py", '<!--pytest.mark.skip(reason="slow")-->\n```py')
    )
    assert below(site) == ["Not run: slow"]
    page.write_text(text.replace("```py", "<!--pytest.mark.requires(cuda)-->\n```py"))
    assert below(site) == ["Not yet run on CUDA"]


def test_a_site_without_records_says_nothing_of_runs(site):
    config = site / "mkdocs.yml"
    config.write_text(config.read_text().replace(", verified: docs/verified", ""))
    assert below(site) == []


TABLES = """\
# Trust

{runs: where}

{runs: pages}

{runs: skipped}
"""


def test_a_page_counts_what_was_run_and_names_what_was_not(site):
    (site / "docs/en/trust.md").write_text(TABLES)
    record(site, "cpu", "Linux toaster")
    page = site / "docs/en/part/code.md"
    page.write_text(f"{page.read_text()}\n{SKIP}\n```python\n\nif 1 < 2: pass\n```\n")
    built(site)
    shown = (site / "site/en/trust/index.html").read_text("utf-8")
    rows = [
        re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", row)
        for row in re.findall(r"<tr>(.*?)</tr>", shown)
    ]
    today = date.today().isoformat()
    assert rows[0][:4] == ["Device", "Date", "Python", "torch"]
    assert rows[0][-1] == "Blocks"
    assert rows[1][:2] == ["CPU (Linux toaster)", today]
    assert (rows[1][3], rows[1][-1]) == ("7.8.9", "1")
    link = '<a href="../part/code/">Code</a>'
    assert rows[2:5] == [
        ["Page", "Blocks", "CPU", "CUDA"],
        [link, "2", "1", "0"],
        ["All pages", "2", "1", "0"],
    ]
    assert rows[6:] == [[link, "<code>if 1 &lt; 2: pass</code>", "a | b"]]
    markdown = (site / "site/en/trust.md").read_text("utf-8")
    address = "https://example.org/course/en/part/code/"
    assert f"| [Code]({address}) | 2 | 1 | 0 |" in markdown
    assert f"| [Code]({address}) | `if 1 < 2: pass` | a \\| b |" in markdown


def test_a_broken_record_stops_the_build_and_is_named(site, caplog):
    (site / "docs/verified/cuda.yml").write_text("runs: []\n")
    with pytest.raises(Abort):
        built(site)
    assert "docs/verified/cuda.yml:1: is no record" in caplog.text


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


def test_what_another_command_counted_is_a_table_with_its_sums(site, caplog):
    (site / "docs/en/trust.md").write_text(
        "# Trust\n\n{runs: faults}\n\n{runs: tools}\n"
    )
    path = site / "docs/verified/faults.yml"
    path.write_text(
        "seed: 1\nrest: {same: 2}\ntools:\n"
        "  one: {what: one 1.0, planted: 12, caught: 3}\n"
        "by_kind:\n  digit: {what: a digit, planted: 1200, caught: 7}\n"
    )
    built(site)
    shown = (site / "site/en/trust/index.html").read_text("utf-8")
    cells = re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", shown)
    assert cells[:3] == ["Kind of fault", "planted", "caught"]
    assert cells[3:9] == ["a digit", "1,200", "7", "Together", "1,200", "7"]
    assert cells[9:12] == ["The same faults under", "planted", "caught"]
    assert cells[12:] == ["one 1.0", "12", "3"]
    markdown = (site / "site/en/trust.md").read_text("utf-8")
    assert "| a digit | 1,200 | 7 |\n| Together | 1,200 | 7 |" in markdown
    path.write_text("by_kind: [a, b]\n")
    with pytest.raises(Abort):
        built(site)
    assert "docs/verified/faults.yml:1: expected names with counts" in caplog.text
    (site / "docs/en/trust.md").write_text("# Trust\n\n{runs: fault}\n")
    with pytest.raises(Abort):
        built(site)
    known = "where, pages, skipped, inputs, faults, tools, mutants"
    assert f"trust.md:3: expected one of {known}, got {{runs: fault}}" in caplog.text
