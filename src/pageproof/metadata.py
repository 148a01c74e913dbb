"""What the head of a page says of it to search engines and to those who share it.

Needs no MkDocs. The vocabulary is that of schema.org, Open Graph and Google Scholar.
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CARD_SIZE = (1200, 630)


@dataclass(frozen=True)
class Site:
    """What all pages of a language have in common."""

    name: str
    address: str
    language: str
    author: str
    locale: str
    license: str
    card: str  # the picture that is shown with a shared link, below the address
    card_text: str


@dataclass(frozen=True)
class About:
    """What one page is; addresses are absolute."""

    title: str
    description: str
    address: str
    kind: str = "tutorial"
    part: str | None = None
    needs: Sequence[str] = ()  # the addresses of the pages that it needs
    teaches: Mapping[str, str] = field(default_factory=dict)  # terms: their addresses


def head(site: Site, page: About) -> str:
    """Return the lines that the head of a page has about it."""
    home = page.address == site.address
    width, height = CARD_SIZE
    properties = {
        "og:title": page.title,
        "og:description": page.description,
        "og:type": "website" if home else "article",
        "og:url": page.address,
        "og:site_name": site.name,
        "og:locale": site.locale,
        "og:image": f"{site.address}{site.card}",
        "og:image:width": width,
        "og:image:height": height,
        "og:image:alt": site.card_text,
    }
    names = {
        "twitter:card": "summary_large_image",
        "citation_title": page.title,
        "citation_author": site.author,
        "citation_public_url": page.address,
        "citation_language": site.language,
    }
    lines = [_meta("property", *pair) for pair in properties.items()]
    lines += [_meta("name", *pair) for pair in names.items()]
    things = [_website(site, page)] if home else [_resource(site, page)]
    things += [] if home else [_breadcrumbs(site, page)]
    lines += [_data(thing) for thing in things]
    return "\n".join(lines)


def _meta(key: str, name: str, content: object) -> str:
    return f'<meta {key}="{name}" content="{html.escape(str(content))}">'


def _data(thing: dict) -> str:
    """Return a data block. Nothing in it can end it, or begin a comment."""
    text = json.dumps({"@context": "https://schema.org", **thing}, ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/ld+json">{text}</script>'


def _common(site: Site, page: About) -> dict:
    return {
        "name": page.title,
        "description": page.description,
        "url": page.address,
        "inLanguage": site.language,
        "license": site.license,
        "author": {"@type": "Organization", "name": site.author},
    }


def _website(site: Site, page: About) -> dict:
    names = {"name": site.name, "alternateName": page.title}
    return {"@type": "WebSite", **_common(site, page), **names}


def _resource(site: Site, page: About) -> dict:
    whole = {"@type": "WebSite", "name": site.name, "url": site.address}
    if page.part:
        whole = {"@type": "CreativeWork", "name": page.part, "isPartOf": whole}
    thing = {
        "@type": "LearningResource",
        **_common(site, page),
        "learningResourceType": page.kind,
        "isPartOf": whole,
        "isAccessibleForFree": True,
    }
    if page.needs:
        thing["competencyRequired"] = list(page.needs)
    if page.teaches:
        thing["teaches"] = [
            {"@type": "DefinedTerm", "name": term, "url": address}
            for term, address in page.teaches.items()
        ]
    return thing


def _breadcrumbs(site: Site, page: About) -> dict:
    steps = [(site.name, site.address), (page.title, page.address)]
    items = [
        {"@type": "ListItem", "position": place, "name": name, "item": address}
        for place, (name, address) in enumerate(steps, 1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}
