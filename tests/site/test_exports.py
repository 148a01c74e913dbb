"""The notebook and the Markdown beside each page of the built site."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml
from mkdocs.config import load_config

from pageproof.weight import fall_silent

ROOT = Path(__file__).parents[2]
WITHOUT_BLOCKS = "reference/"
LINK = re.compile(r"(?<=\]\()https?://[^)\s]+(?=\))")
ROW = re.compile(r'<p class="pp-exports".*?</p>', re.DOTALL)
HREF = re.compile(r'<a href="([^"]+)"')
ALTERNATE = re.compile(r'<link rel=" alternate" type="([^"]+)" href="([^"]+)">')


@pytest.fixture(scope="module")
def config():
    return load_config(str(ROOT / "mkdocs.yml"))


@pytest.fixture(scope="module")
def html(built, page_url):
    """The text of a page."""
    path = urlsplit(page_url).path.lstrip("/")
    return (built.parent / path / "index.html").read_text("utf-8")


def file(built, page_url, link):
    return built.parent / unquote(urlsplit(urljoin(page_url, link)).path).lstrip("/")


def test_the_row_and_the_head_lead_to_the_exports(page, built, page_url, html):
    (row,) = ROW.findall(html)
    assert html.partition("</h1>")[2].lstrip().startswith(row)
    links, heads = HREF.findall(row), dict(ALTERNATE.findall(html))
    suffixes = [".md"] if page.startswith(WITHOUT_BLOCKS) else [".ipynb", ".md"]
    stem = page.rpartition(".")[0]
    files = [file(built, page_url, link) for link in links]
    assert files == [built / f"en/{stem}{suffix}" for suffix in suffixes]
    assert all(path.is_file() for path in files)
    types = ["application/x-ipynb+json", "text/markdown"]
    assert heads == dict(zip(types[-len(links) :], links, strict=True))


def test_the_exports_lead_to_pages_and_anchors_that_exist(page, built, url):
    stem = (built / "en" / page).with_suffix("")
    texts = [stem.with_suffix(".md").read_text("utf-8")]
    if not page.startswith(WITHOUT_BLOCKS):
        cells = json.loads(stem.with_suffix(".ipynb").read_text("utf-8"))["cells"]
        texts += [c["source"] for c in cells if c["cell_type"] == "markdown"]
    own = [link for text in texts for link in LINK.findall(text) if url in link]
    assert own
    for link in own:
        path, _, anchor = link.removeprefix(url).partition("#")
        assert not path.endswith(".py"), link
        target = built / path / ("index.html" * (path.endswith("/") or not path))
        assert target.is_file(), link
        if anchor:
            mark = f"{{ #{anchor} }}" if target.suffix == ".md" else f'id="{anchor}"'
            assert mark in target.read_text("utf-8"), link


def test_llms_txt_lists_each_page_of_the_nav_in_its_group(page, built, url, config):
    text = (built / "en/llms.txt").read_text("utf-8")
    assert text == (built / "llms.txt").read_text("utf-8")
    assert text.startswith(f"# {config.site_name}\n\n> {config.site_description}\n\n")
    markdown = (built / "en" / page).with_suffix(".md")
    head = yaml.safe_load(markdown.read_text("utf-8").split("---\n")[1])
    address = f"{url}en/{page.rpartition('.')[0]}.md"
    line = f"- [{head['title']}]({address}): {head['description']}\n"
    assert text.count(line) == 1
    group = next(
        (
            name
            for entry in config.nav
            for name, pages in entry.items()
            if page in pages and isinstance(pages, list)
        ),
        None,
    )
    above = re.findall(r"^## (.*)$", text[: text.index(line)], re.MULTILINE)
    assert above[-1:] == ([group] if group else [])


def test_the_lists_of_the_reference_are_written_out(built):
    lists = ROOT / "docs/lists"
    for name, page, key in (
        ("claims", "claims", "shows"),
        ("glossary", "glossary", "says"),
        ("notation", "notation", "means"),
    ):
        text = (built / f"en/reference/{page}.md").read_text("utf-8")
        records = yaml.safe_load((lists / f"{name}.yml").read_text("utf-8"))
        assert len(records) > 50
        for record in records:
            assert " ".join(record[key].split()) in text
        assert not re.search(r"^\{\w+", text, re.MULTILINE)


def test_the_workflow_writes_the_branch_that_colab_opens(config):
    text = (ROOT / ".github/workflows/pages.yml").read_text("utf-8")
    job = yaml.safe_load(text)["jobs"]["notebooks"]
    assert job["env"]["BRANCH"] == config.plugins["pageproof"].config.exports.branch
    assert job["permissions"] == {"actions": "read", "contents": "write"}
    assert not [step for step in job["steps"] if "uses" in step]


@pytest.mark.parametrize("path", ["tools/dataloader/", "labs/newton_lab/"])
def test_all_that_a_page_asks_for_is_there(path, visit, url):
    """The theme's scripts ask too, once they run: for a map of each alternate, say."""
    tab = visit(f"{url}en/")
    statuses = {}
    tab.on("response", lambda answer: statuses.update({answer.url: answer.status}))
    tab.goto(f"{url}en/{path}")
    fall_silent(tab)
    assert f"{url}en/{path}" in statuses
    assert {address: s for address, s in statuses.items() if s not in (200, 304)} == {}
    assert tab.complaints == []
