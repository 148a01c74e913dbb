"""Which page builds on which."""

import random

import networkx
import pytest

from pageproof.prerequisites import NeedsError, ancestors, needs_of, reduced


@pytest.mark.parametrize("seed", range(20))
def test_what_is_left_is_the_transitive_reduction(seed):
    dice = random.Random(seed)
    pages = [f"p/{i}" for i in range(dice.randint(0, 12))]
    needs = {
        page: [p for p in pages[:i] if dice.random() < 0.4]
        for i, page in enumerate(pages)
    }
    graph = networkx.DiGraph()
    graph.add_nodes_from(pages)
    graph.add_edges_from((need, page) for page in pages for need in needs[page])
    expected = set(networkx.transitive_reduction(graph).edges)
    edges = {(n, page) for page, left in reduced(needs).items() for n in left}
    assert edges == expected
    for page, above in ancestors(needs).items():
        assert above == networkx.ancestors(graph, page)


def test_needs_stand_in_reading_order():
    needs = {"a/1": [], "b/1": [], "c/1": ["b/1", "a/1"]}
    assert reduced(needs)["c/1"] == ["a/1", "b/1"]


@pytest.mark.parametrize(
    ("needs", "page", "message"),
    [
        ({"a": ["b"], "b": []}, "a", "expected earlier pages, got b"),
        ({"a": ["a"]}, "a", "expected earlier pages, got a"),
        ({"a": ["b"], "b": ["a"]}, "a", "expected earlier pages, got b"),
        ({"a": [], "b": ["c"]}, "b", "expected pages of the nav, got c"),
    ],
    ids=["later", "itself", "cycle", "unknown"],
)
def test_a_page_needs_only_earlier_pages(needs, page, message):
    with pytest.raises(NeedsError, match=message) as caught:
        reduced(needs)
    assert caught.value.page == page


@pytest.mark.parametrize("front_matter", [{}, {"needs": "a/b"}, {"needs": [1]}])
def test_front_matter_lists_what_a_page_needs(front_matter):
    with pytest.raises(NeedsError, match="expected a list of pages") as caught:
        needs_of("a/b", front_matter)
    assert caught.value.page == "a/b"
    assert needs_of("a/b", {"needs": ["a/a"]}) == ["a/a"]
