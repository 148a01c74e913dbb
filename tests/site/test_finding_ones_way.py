"""Ways from a page to others: contents, what it needs, its neighbours, its terms."""

import pytest

PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


def top_of(tab, anchor: str) -> float:
    return tab.locator(f"#{anchor}").evaluate("e => e.getBoundingClientRect().top")


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
def test_the_contents_lead_to_a_section_and_open_in_the_drawer_of_a_phone(
    visit, url, size
):
    tab = visit(f"{url}en/deep/backprop/", viewport=size)
    if size is PHONE:
        tab.locator("label.md-header__button[for=__drawer]").click()
        tab.locator("label.md-nav__link[for=__toc]").click()
        contents = tab.locator(".md-nav--primary .md-nav--secondary")
    else:
        contents = tab.locator(".md-sidebar--secondary .md-nav--secondary")
    links = contents.locator("a[href^='#']:visible")
    anchors = [link.get_attribute("href")[1:] for link in links.all()]
    headings = tab.locator("article :is(h2, h3)[id]")
    assert anchors == headings.evaluate_all("found => found.map(one => one.id)")
    links.nth(2).click()
    tab.wait_for_url(f"**#{anchors[2]}")
    tab.wait_for_timeout(400)  # the drawer closes
    assert 0 <= top_of(tab, anchors[2]) < size["height"] / 2
    assert not tab.locator("#__drawer").is_checked()
    assert not tab.complaints


def test_a_page_leads_to_what_it_needs_to_its_neighbours_and_to_its_terms(visit, url):
    tab = visit(f"{url}en/deep/weight_decay/", viewport=WIDE)
    needs = tab.locator("article p", has_text="You need").last
    link, term = needs.locator("a:not(.pp-term)").first, tab.locator("a.pp-term").first
    ends = {"prev": "../backprop/", "next": "../dropout/"}
    for size in (WIDE, PHONE):
        tab.set_viewport_size(size)
        for end, leads in ends.items():
            neighbour = tab.locator(f".md-footer__link--{end}")
            assert neighbour.is_visible() and neighbour.get_attribute("href") == leads
        assert link.is_visible() and term.is_visible()
    assert len(term.get_attribute("title")) > 20
    assert "/reference/glossary/#" in term.evaluate("link => link.href")
    leads = link.evaluate("link => link.href")
    link.click()
    tab.wait_for_url(leads)
    assert not tab.complaints
