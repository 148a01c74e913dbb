"""The map of a site: its pages in reading order, with arcs from each to what it needs.

A page shows it where a paragraph says {map}. The lists below that paragraph, a bold
line and a numbered list for each part, become the rows of the map. All rows have one
height, so arcs drawn in units of a row meet them at each width and size of type.
"""

import html
import re
from collections.abc import Mapping, Sequence
from itertools import count

MARK = "{map}"
PART = r"<p><strong>[^\n]*</strong></p>\s*<ol>\s*(?:<li>[^\n]*</li>\s*)+</ol>\s*"
MAP = re.compile(rf"<p>{re.escape(MARK)}</p>\s*(?P<parts>(?:{PART})+)")
PIECE = re.compile(
    r"<p>(?P<part><strong>[^\n]*</strong>)</p>|<li>(?P<page>[^\n]*)</li>|<ol>|</ol>"
)
ROW = re.compile(r'<li><[^\n]*?href="([^"]*)"')
WIDTH = 100  # of the drawing, in units of its own
LABELS = {
    "map": "Arcs from pages to those that build on them, as the rows say in words.",
    "needs": "Builds on",
    "start": "Needs no other page.",
    "comma": ", ",
    "stop": ".",
}


class MapError(Exception):
    """A map that does not show the pages of the site, each once, in their order."""


def wanted(page: str) -> bool:
    """Return whether a page shows the map."""
    return f"<p>{MARK}</p>" in page


def with_map(
    page: str,
    addresses: Mapping[str, str],
    needs: Mapping[str, Sequence[str]],
    labels: Mapping[str, str] = LABELS,
) -> str:
    """Return a page with its map.

    `addresses` names the page at each address; `needs` has all pages of the nav, in
    reading order, with the pages on which each builds directly.
    """
    found = MAP.search(page)
    if found is None:
        raise MapError("{map}: expected parts below, a bold line and a numbered list")
    links = ROW.findall(found["parts"])
    shown = [addresses.get(link, link) for link in links]
    _check(shown, needs)
    drawn = _rows(found["parts"], shown, needs, LABELS | dict(labels))
    return page[: found.start()] + drawn + page[found.end() :]


def _check(shown: Sequence[str], needs: Mapping[str, Sequence[str]]) -> None:
    joined = {page for page, direct in needs.items() if direct}
    joined |= {need for direct in needs.values() for need in direct}
    expected = [page for page in needs if page in joined or page in shown]
    if list(shown) == expected:
        return
    for place, (got, page) in enumerate(zip(shown, expected, strict=False), 1):
        if got != page:
            raise MapError(f"{{map}}: expected {page} as row {place}, got {got}")
    odd = [*shown[len(expected) :], *expected[len(shown) :]][0]
    raise MapError(f"{{map}}: expected each page of the nav once, see {odd}")


def _rows(
    parts: str,
    shown: Sequence[str],
    needs: Mapping[str, Sequence[str]],
    labels: Mapping[str, str],
) -> str:
    number = {page: n for n, page in enumerate(shown, 1)}
    pages, rows = iter(shown), count()
    place: dict[str, tuple[int, int]] = {}  # of each page: its row and its part
    part = 0

    def one(match: re.Match[str]) -> str:
        nonlocal part
        if match["part"]:
            part += 1
            next(rows)
            kind = f"pp-map__part pp-part-{part}"
            return f'<p class="{kind}">{match["part"]}</p>'
        if match[0] == "<ol>":  # a list of one that has no numbers beside its rows
            return f'<ol role="list" start="{len(place) + 1}">'
        if not match["page"]:
            return match[0]
        page = next(pages)
        place[page] = next(rows), part
        direct = [number[need] for need in needs[page]]
        return (
            f'<li class="pp-map__page pp-part-{part}"{_data(direct)}>'
            f'<span class="pp-map__number">{number[page]}</span> '
            f"<div>{match['page']} {_words(direct, labels)}</div></li>"
        )

    body = PIECE.sub(one, parts)
    return f'<div class="pp-map">{_arcs(place, needs, next(rows), labels)}{body}</div>'


def _data(direct: Sequence[int]) -> str:
    return f' data-needs="{" ".join(map(str, direct))}"' if direct else ""


def _words(direct: Sequence[int], labels: Mapping[str, str]) -> str:
    named = f"{labels['needs']} {labels['comma'].join(map(str, direct))}"
    said = f"{named}{labels['stop']}" if direct else labels["start"]
    return f'<span class="pp-map__needs" data-search-exclude>{said}</span>'


def _arcs(
    place: Mapping[str, tuple[int, int]],
    needs: Mapping[str, Sequence[str]],
    height: int,
    labels: Mapping[str, str],
) -> str:
    """Return the arcs, in the order of the rows and of what each row needs."""
    ends = [(place[need], place[page][0]) for page in place for need in needs[page]]
    longest = max((low - high for (high, _), low in ends), default=1)
    arcs = []
    for (high, part), low in ends:
        # The arc's furthest point lies at three quarters of the way to its handles.
        reach = WIDTH * ((low - high) / longest) ** 0.6
        x = round(WIDTH - reach * 4 / 3)
        y, z = high + 0.5, low + 0.5
        curve = f"M{WIDTH} {y}C{x} {y} {x} {z} {WIDTH} {z}"
        arcs.append(f'<path class="pp-part-{part}" d="{curve}"/>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" role="img"'
        f' aria-label="{html.escape(labels["map"])}">{"".join(arcs)}</svg>'
    )
