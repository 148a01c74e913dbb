"""What the built site says to search engines and to those who share a page."""

import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
import yaml
from mkdocs.utils import meta

ROOT = Path(__file__).parents[2]
CARD = "en/assets/card.png"


class Head(HTMLParser):
    """The title, the metas, the links and the data blocks of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.metas, self.links, self.data, self.open = {}, {}, [], None
        self.title = self.h1 = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.open = found.get("type", tag)
        if tag == "meta" and "content" in found:
            name = found.get("property") or found.get("name")
            assert name is None or name not in self.metas, name
            self.metas[name] = found["content"]
        if tag == "link":
            self.links.setdefault(found["rel"], found["href"])

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open == "title":
            self.title += data
        elif self.open == "h1":
            self.h1 += data
        elif self.open == "application/ld+json":
            self.data.append(json.loads(data))


@pytest.fixture(scope="session")
def head(built, url, page_url) -> Head:
    text = (built / page_url.removeprefix(url) / "index.html").read_text("utf-8")
    return Head(text.partition("</head>")[0] + re.search(r"<h1.*?</h1>", text)[0])


@pytest.fixture(scope="session")
def front_matter(source) -> dict:
    text = source.read_text("utf-8")
    if source.suffix == ".py":
        text = text.replace("# ", "")
    return meta.get_data(text)[1]


@pytest.fixture(scope="session")
def terms() -> list[dict]:
    return yaml.safe_load((ROOT / "docs/lists/glossary.yml").read_text("utf-8"))


def test_a_page_says_what_it_is_to_whom_it_is_shared(head, url, page_url, front_matter):
    metas = head.metas
    assert head.links["canonical"] == metas["og:url"] == page_url
    assert head.title == f"{metas['og:title']} - First Descent"
    assert metas["og:title"] == metas["citation_title"]
    assert (
        metas["og:description"] == metas["description"] == front_matter["description"]
    )
    assert metas["og:image"] == url + CARD and metas["og:image:alt"]
    home = page_url.endswith("/en/")
    assert metas["og:type"] == ("website" if home else "article")
    assert metas["twitter:card"] == "summary_large_image"
    assert (metas["og:site_name"], metas["og:locale"]) == ("First Descent", "en_GB")


def test_a_page_says_what_it_teaches_and_what_it_needs(
    head, url, page, page_url, front_matter, terms
):
    thing = head.data[0]
    assert thing["@context"] == "https://schema.org"
    assert thing["url"] == page_url
    assert thing["description"] == front_matter["description"]
    if page == "index.md":
        assert [block["@type"] for block in head.data] == ["WebSite"]
        return
    assert [b["@type"] for b in head.data] == ["LearningResource", "BreadcrumbList"]
    assert thing["name"] == head.h1
    needs = [f"{url}en/{need}/" for need in front_matter["needs"]]
    assert thing.get("competencyRequired", []) == needs
    taught = [t["term"] for t in terms if t["page"] == page.rpartition(".")[0]]
    assert [term["name"] for term in thing.get("teaches", [])] == taught
    last = head.data[1]["itemListElement"][-1]
    assert (last["position"], last["item"]) == (2, page_url)


def test_the_card_has_the_size_that_the_pages_give_it(built):
    picture = (built / CARD).read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)
    assert len(picture) < 60_000
    text = (built / "en/index.html").read_text("utf-8")
    metas = Head(text).metas
    assert (metas["og:image:width"], metas["og:image:height"]) == ("1200", "630")


def test_the_root_is_shared_with_the_card_too(built, url):
    root = Head((built / "index.html").read_text("utf-8"))
    assert root.links["canonical"] == root.metas["og:url"] == url
    assert root.metas["og:image"] == url + CARD


def test_robots_find_the_sitemap_and_in_it_each_page_once(built, url):
    robots = RobotFileParser()
    robots.parse((built / "robots.txt").read_text("utf-8").splitlines())
    assert robots.can_fetch("*", f"{url}en/")
    assert robots.site_maps() == [f"{url}en/sitemap.xml"]
    sitemap = ElementTree.parse(built / "en/sitemap.xml").getroot()
    named = [loc.text for loc in sitemap.iter() if loc.tag.endswith("}loc")]
    pages = (built / "en").rglob("index.html")
    addresses = [f"{url}{page.parent.relative_to(built).as_posix()}/" for page in pages]
    assert sorted(named) == sorted(addresses)
    assert not list(sitemap.iter("{*}lastmod")), (
        "MkDocs knows the day of the build only"
    )


def test_no_browser_complains_of_the_data(visit, url):
    tab = visit(f"{url}en/deep/backprop/")
    assert tab.locator("script[type='application/ld+json']").count() == 2
    assert not tab.complaints
