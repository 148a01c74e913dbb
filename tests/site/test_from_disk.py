"""The built site, opened from a disk: pages read fully and links lead to pages."""

import pytest

# The browser loads no font ahead from a file; it loads it when a formula needs it.
FONT_AHEAD = ("Access to font at", "net::ERR_FAILED", "A preload for")
# What comes late comes at all: the wait ends in an error if it does not.
COME = """() => [
  !document.querySelector("math")
    || [...document.fonts].some((font) => font.status === "loaded"),
  (document.querySelector(".pp-light")?.naturalWidth ?? 1) > 0,
].every(Boolean)"""
SEEN = """() => ({
  style: getComputedStyle(document.querySelector(".md-header__title")).fontWeight,
  folders: [...document.querySelectorAll("a[href]")].filter(
    (a) => a.protocol === "file:" && a.pathname.endsWith("/")).length,
})"""


def complaints(tab) -> list[str]:
    return [said for said in tab.complaints if not any(w in said for w in FONT_AHEAD)]


@pytest.mark.parametrize("stem", ["tools/autograd", "reference/claims"])
def test_a_page_reads_fully_from_a_disk(visit, built, stem):
    tab = visit((built / "en" / stem / "index.html").as_uri())
    if tab.locator(".pp-light").count():
        tab.locator(".pp-light").first.scroll_into_view_if_needed()
    tab.wait_for_function(COME)
    seen = tab.evaluate(SEEN)
    assert seen["style"] == "700"
    assert seen["folders"] == 0
    if tab.locator("details").count():
        tab.locator("details > summary").first.click()
        assert tab.locator("details[open] > :nth-child(2)").first.is_visible()
    assert tab.locator(".md-search, [for=__search]").count() == 0
    assert complaints(tab) == []


def test_from_a_disk_the_root_leads_to_a_page_and_its_links_and_anchors_to_others(
    visit, built
):
    tab = visit((built / "index.html").as_uri())
    tab.wait_for_url((built / "en/index.html").as_uri())
    tab.locator("article").get_by_role("link", name="Hessian").first.click()
    glossary = (built / "en/reference/glossary/index.html").as_uri()
    assert tab.url.startswith(f"{glossary}#")
    assert complaints(tab) == []
