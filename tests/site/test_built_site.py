"""The files of the built site, read without a browser."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import pytest


class Elements(HTMLParser):
    """The start tags of a page, its ids and its comments."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.ids, self.comments = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == "id"]

    def handle_comment(self, data):
        self.comments.append(data)


@pytest.fixture(scope="module")
def html(built) -> dict[str, str]:
    """The text of each HTML file, by its path on the server."""
    return {
        f"/course/{path.relative_to(built).as_posix()}": path.read_text("utf-8")
        for path in sorted(built.rglob("*.html"))
    }


@pytest.fixture(scope="module")
def elements(html) -> dict[str, Elements]:
    return {path: Elements(text) for path, text in html.items()}


@pytest.fixture(scope="module")
def path(page_url) -> str:
    """The path on the server of a page of the nav."""
    return f"{urlsplit(page_url).path}index.html"


def links(path: str, page: Elements):
    for _, attributes in page.tags:
        for key in ("href", "src"):
            if key in attributes and attributes.get("rel") != "canonical":
                yield urljoin(f"http://site{path}", attributes[key])


def test_each_link_and_each_anchor_leads_somewhere(built, elements):
    dead = []
    for path, page in elements.items():
        for link in links(path, page):
            parts = urlsplit(link)
            if parts.scheme not in ("http", "https") or parts.netloc != "site":
                continue
            target = unquote(parts.path)
            target += "index.html" * target.endswith("/")
            if not (built.parent / target.removeprefix("/")).is_file():
                dead.append(f"{path} -> {parts.path}")
            elif (
                parts.fragment
                and target in elements
                and unquote(parts.fragment) not in elements[target].ids
            ):
                dead.append(f"{path} -> {parts.path}#{parts.fragment}")
    assert not dead


def test_nothing_is_loaded_from_another_host(built, elements):
    for path, page in elements.items():
        for tag, attributes in page.tags:
            if tag in ("a", "form") or attributes.get("rel") == "canonical":
                continue
            for value in (attributes.get("src"), attributes.get("href")):
                assert not (value and "//" in value), f"{path}: <{tag}> loads {value}"
    for css in built.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//", css.read_text("utf-8"))


def test_no_page_has_inline_styles_comments_or_doubled_ids(elements):
    for path, page in elements.items():
        assert not page.comments, path
        assert not [tag for tag, attributes in page.tags if "style" in attributes], path
        assert len(page.ids) == len(set(page.ids)), path


def test_a_page_has_one_title_and_says_what_it_is_about(path, elements):
    tags = elements[path].tags
    assert [tag for tag, _ in tags].count("h1") == 1
    metas = {a.get("name"): a.get("content") for tag, a in tags if tag == "meta"}
    assert 50 <= len(metas["description"]) <= 160
    assert "generator" not in metas


def test_a_figure_has_a_size_a_text_and_a_dark_twin(path, elements):
    images = [a for tag, a in elements[path].tags if tag == "img"]
    figures = [image for image in images if "/figures/" in image["src"]]
    light = [image for image in figures if image["class"] == "pp-light"]
    dark = [image for image in figures if image["class"] == "pp-dark"]
    assert len(light) + len(dark) == len(figures)
    assert [i["src"].replace(".svg", ".dark.svg") for i in light] == [
        i["src"] for i in dark
    ]
    for image in figures:
        assert image["alt"] and int(image["width"]) and int(image["height"])


def test_no_formula_is_left_as_tex(path, html):
    text = html[path]
    prose = re.sub(r"<(pre|code)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert "arithmatex" not in text
    assert not re.search(r"\\[()\[\]]|\$\$", prose)


def test_the_root_leads_to_the_language(built, elements):
    ways = [a for tag, a in elements["/course/index.html"].tags if tag == "a"]
    assert [(way["href"], way["hreflang"]) for way in ways] == [("en/", "en")]


def test_the_pages_above_the_languages_know_where_they_are(elements):
    hrefs = [a["href"] for _, a in elements["/course/404.html"].tags if "href" in a]
    assert hrefs and all(href.startswith("/course/") for href in hrefs)


def test_the_sitemap_names_each_page(built, page_url):
    sitemap = (built / "en/sitemap.xml").read_text("utf-8")
    assert f"<loc>{page_url}</loc>" in sitemap


def test_below_each_block_stands_that_the_cpu_ran_it_as_it_stands(html, path):
    cells = re.findall(r'<div class="pp-cell[ "]', html[path])
    said = re.findall(r'<p class="pp-ran" data-search-exclude>(.*?)</p>', html[path])
    assert len(said) == len(cells)
    elsewhere = ("Not run: ", "Not yet run on CUDA", "Run on NVIDIA")
    assert [
        s for s in said if not s.startswith(("Run on CPU, torch ", *elsewhere))
    ] == []


def test_the_page_on_trust_counts_the_blocks_of_all_pages(html):
    page = html["/course/en/reference/trust/index.html"]
    cells = sum(text.count('<div class="pp-cell') for text in html.values())
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    total = next(row for row in rows if "All pages" in row)
    assert re.findall(r">([\d,]+)<", total)[0] == f"{cells:,}"
    assert "{runs" not in page
