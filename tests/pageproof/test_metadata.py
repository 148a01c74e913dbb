"""What the head of a page says of it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from pageproof.card import page
from pageproof.metadata import About, Site, head

SITE = Site(
    name="Site",
    address="https://a.org/en/",
    language="en",
    author="Ann",
    locale="en_GB",
    license="https://b.org/by/",
    card="card.png",
    card_text="A card",
)
PAGE = About("Title", "What it says", "https://a.org/en/part/page/", part="Part")


class Read(HTMLParser):
    """The metas and the data blocks of a head."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.metas, self.blocks, self.tags = {}, [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "meta":
            self.metas[found.get("property") or found["name"]] = found["content"]

    def handle_data(self, data):
        if self.tags[-1] == "script" and data.strip():
            self.blocks.append(json.loads(data))


def test_nothing_in_a_title_ends_the_block_or_the_attribute_that_holds_it():
    evil = """</script><script>a("1")</script><!-- & 'x' """
    read = Read(head(SITE, replace(PAGE, title=evil, description=evil)))
    assert set(read.tags) == {"meta", "script"} and read.tags.count("script") == 2
    assert read.metas["og:title"] == evil
    assert read.blocks[0]["name"] == read.blocks[0]["description"] == evil


def test_a_page_says_what_it_needs_and_what_it_teaches_if_anything():
    plain, *_ = Read(head(SITE, PAGE)).blocks
    assert not {"competencyRequired", "teaches"} & set(plain)
    needs, teaches = ["https://a.org/en/x/"], {"a term": "https://a.org/en/g/#a"}
    full, crumbs = Read(head(SITE, replace(PAGE, needs=needs, teaches=teaches))).blocks
    assert full["competencyRequired"] == needs
    term = {"@type": "DefinedTerm", "name": "a term", "url": "https://a.org/en/g/#a"}
    assert full["teaches"] == [term]
    steps = [step["item"] for step in crumbs["itemListElement"]]
    assert steps == [SITE.address, PAGE.address]


def test_the_home_page_is_the_site():
    blocks = Read(head(SITE, replace(PAGE, address=SITE.address))).blocks
    assert [(block["@type"], block["name"]) for block in blocks] == [
        ("WebSite", "Site")
    ]


def test_a_card_shows_the_logo_without_its_ground_and_any_name():
    card = page('<svg><rect x="1"/><g/></svg>', "A & B", "<b>")
    assert re.search(r"<svg><g/></svg>.*<h1>A &amp; B</h1><p>&lt;b&gt;</p>", card)
