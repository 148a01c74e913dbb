"""The map on the home page, in a browser."""

from pathlib import Path

import networkx
import pytest
from mkdocs.config import load_config
from mkdocs.utils import meta

ROOT = Path(__file__).parents[2]
ENDS = """() => {
  const middle = (e) => (e.top + e.bottom) / 2;
  const of = (e) => e.getBoundingClientRect();
  const badges = [...document.querySelectorAll(".pp-map__number")].map(of);
  return [...document.querySelectorAll(".pp-map path")].map((path) => {
    const [arc, end] = [of(path), path.getPointAtLength(0)];
    const x = new DOMPoint(end.x, end.y).matrixTransform(path.getScreenCTM()).x;
    const at = (y) => badges.findIndex((b) =>
      Math.abs(middle(b) - y) < 2 && Math.abs(b.left - x) < 2);
    return [at(arc.top), at(arc.bottom)];
  });
}"""


@pytest.fixture(scope="module")
def graph() -> networkx.DiGraph:
    """The pages that have to do with others, in reading order, each after its needs."""
    nav = load_config(str(ROOT / "mkdocs.yml"), plugins=[], hooks=[]).nav
    parts = [p for entry in nav for p in entry.values() if isinstance(p, list)]
    graph = networkx.DiGraph()
    for page in [page for part in parts for page in part]:
        stem = page.rpartition(".")[0]
        if not stem.startswith("reference/"):
            text = (ROOT / "docs/en" / page).read_text("utf-8")
            text = text.replace("# ", "") if page.endswith(".py") else text
            graph.add_node(stem)
            needs = meta.get_data(text)[1]["needs"]
            graph.add_edges_from((need, stem) for need in needs)
    return graph


def stems(rows, url: str) -> list[str]:
    links = rows.evaluate_all(
        "rows => rows.map(row => row.querySelector('strong > a').href)"
    )
    return [link.removeprefix(f"{url}en/").strip("/") for link in links]


def test_the_map_has_each_page_once_with_arcs_from_what_it_needs(visit, url, graph):
    tab = visit(f"{url}en/", viewport={"width": 360, "height": 800})
    shown = stems(tab.locator(".pp-map__page"), url)
    assert shown == list(graph)
    edges = networkx.transitive_reduction(graph).edges
    expected = {(shown.index(need), shown.index(page)) for need, page in edges}
    for width in (360, 1440):
        tab.set_viewport_size({"width": width, "height": 800})
        arcs = [tuple(ends) for ends in tab.evaluate(ENDS)]
        assert len(arcs) == len(set(arcs))
        assert set(arcs) == expected
    assert tab.evaluate("document.documentElement.scrollWidth") == 1440
    assert not tab.complaints


def test_the_map_shows_what_lies_on_the_way_to_a_page(visit, url, graph):
    tab = visit(f"{url}en/", viewport={"width": 1440, "height": 900})
    rows, lit = tab.locator(".pp-map__page"), tab.locator(".pp-map__page.pp-way")
    first, second, *_, last = graph

    rows.last.hover()
    on_the_way = networkx.ancestors(graph, last) | {last}
    assert set(stems(lit, url)) == on_the_way
    way = networkx.transitive_reduction(graph).subgraph(on_the_way)
    assert tab.locator("path.pp-way").count() == way.number_of_edges()

    tab.mouse.move(0, 0)
    assert lit.count() == 0
    rows.first.locator("a").first.focus()
    assert stems(lit, url) == [first]
    tab.keyboard.press("Tab")  # whatever comes next, it lies in the second row
    assert stems(lit, url) == [second]
    assert not tab.complaints
