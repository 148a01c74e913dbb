"""The search index and its worker: fetched when the reader turns to search."""

import pytest

from pageproof.weight import fall_silent

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 412, "height": 823}
QUERY = ".md-search__input"
FIRST = ".md-search-result__item"


def fetched(tab) -> list[str]:
    """Return which files of the search a tab has asked for."""
    return [url for url in tab.requested if "/search" in url and "/js/" not in url]


@pytest.fixture
def opened(visit, url):
    """A page that is there, and has fetched nothing for a search."""

    def opened(address="en/", **options):
        tab = visit(f"{url}{address}", **options)
        fall_silent(tab)
        return tab

    return opened


WAYS = {
    "a key": lambda tab: tab.keyboard.press("/"),
    "a pointer": lambda tab: tab.locator(QUERY).hover(),
    "the tab key": lambda tab: tab.locator(QUERY).focus(),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_index_comes_when_the_reader_turns_to_search_by(way, opened):
    tab = opened(viewport=WIDE)
    assert fetched(tab) == []
    with tab.expect_request("**/search_index.json"):
        WAYS[way](tab)
    fall_silent(tab)
    names = {url.rsplit("/", 1)[1].split(".")[0] for url in fetched(tab)}
    assert names == {"search", "search_index"}  # the worker, and what it searches
    assert len(fetched(tab)) == 2


def test_a_tap_on_the_magnifier_of_a_phone_is_enough(opened):
    tab = opened(viewport=PHONE, has_touch=True, is_mobile=True)
    assert fetched(tab) == []
    with tab.expect_request("**/search_index.json"):
        tab.locator(".md-header__button[for=__search]").tap()
    tab.locator(QUERY).press_sequentially("Newton")
    tab.locator(FIRST).first.wait_for()
    assert not tab.complaints


def test_what_is_typed_before_the_index_is_there_is_searched_for(visit, url):
    tab = visit(f"{url}404.html", viewport=WIDE)
    held = []
    tab.route("**/search_index.json", lambda route: held.append(route))
    tab.goto(f"{url}en/")
    with tab.expect_request("**/search_index.json"):
        tab.locator(QUERY).press_sequentially("Newton")
    tab.wait_for_timeout(200)
    assert len(held) == 1
    assert tab.locator(FIRST).count() == 0
    held[0].continue_()
    first = tab.locator(FIRST).first
    first.wait_for()
    assert "Newton" in first.inner_text()
    assert not tab.complaints


def test_an_address_that_asks_is_answered_at_once(visit, url):
    tab = visit(f"{url}en/?q=Newton", viewport=WIDE)
    tab.locator(FIRST).first.wait_for()
    tab.goto(f"{url}en/optimisation/gd_vs_newton/?h=newton")
    mark = tab.locator(".md-content mark[data-md-highlight]").first
    mark.wait_for()
    assert mark.inner_text().lower() == "newton"
    assert not tab.complaints
