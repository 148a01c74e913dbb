"""A page as Markdown that needs no site: for machines, and for whoever reads files.

And the list of a site's pages in the form of llmstxt.org.
"""

import json
import re
from collections.abc import Iterable

from pageproof import prose
from pageproof.ipynb import Site
from pageproof.page import Page
from pageproof.parts import Cell, Open, Prose, parts

TITLE = re.compile(r"^# (.*?)(?: \{ #[\w-]+ \})?$", re.MULTILINE)
TICKS = re.compile(r"^ *(`{3,})", re.MULTILINE)


def title(text: str) -> str:
    """Return the title of a page's Markdown, without its anchor."""
    match = TITLE.search(text)
    return match[1] if match else ""


def address(uri: str) -> str:
    """Return where the Markdown of a page is found below the site's address."""
    return f"{prose.stem(uri)}.md" if prose.PAGE.fullmatch(uri) else uri


def plain(page: Page, uri: str, site: Site) -> str:
    """Return a page as Markdown: includes and outputs in place, links absolute.

    A link to a page leads to the page's Markdown; anchors are kept as they are.
    """
    said, depth = [], []
    for part in parts(page):
        if isinstance(part, Open):
            depth.append(part)
            said.append(f"<details>\n<summary>{part.title}</summary>")
        elif isinstance(part, Cell):
            said.append(_cell(part, uri, site))
        elif isinstance(part, Prose):
            said.append(_linked(prose.without_attributes(part.text), uri, site))
        else:
            said.append("</details>")
    head = {
        "title": title(page.text),
        "description": page.meta.get("description", ""),
        "url": site.address + prose.address(uri),
    }
    front = "".join(
        f"{key}: {json.dumps(str(value), ensure_ascii=False)}\n"
        for key, value in head.items()
        if value
    )
    return f"---\n{front}---\n\n" + "\n\n".join(said).strip() + "\n"


def _linked(text: str, uri: str, site: Site) -> str:
    def change(link: str) -> str:
        if link.startswith("#"):
            return link
        return prose.absolute(link, uri, site.address, address)

    return prose.linked(text, change)


def _cell(cell: Cell, uri: str, site: Site) -> str:
    block = cell.block
    said = [_fence(block.language, block.code)]
    if block.output:
        said.append(_fence("text", block.output.text))
    for alt, link in cell.images:
        target = prose.absolute(link, uri, site.address, address)
        said.append(f"![{alt}]({target})")
    return re.sub(r"^(?=.)", cell.indent, "\n\n".join(said), flags=re.MULTILINE)


def _fence(language: str, text: str) -> str:
    inside = max((len(ticks) for ticks in TICKS.findall(text)), default=0)
    ticks = "`" * max(3, inside + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def llms(
    name: str, *said: str, groups: Iterable[tuple[str, list[tuple[str, str, str]]]]
) -> str:
    """Return a site's llms.txt: what is said of it, the first as a quotation.

    A group has a title and its pages: title, address, description. One without a
    title stands above the others.
    """
    parts = [f"# {name}", *(f"> {text}" for text in said[:1]), *said[1:]]
    for group, pages in groups:
        items = (f"- [{title}]({url}): {about}" for title, url, about in pages)
        listed = "\n".join(item.removesuffix(": ") for item in items)
        parts += [f"## {group}", listed] if group else [listed]
    return "\n\n".join(parts) + "\n"
