"""What a page may load: its own policy and the headers of HOSTING.md together."""

import re
from pathlib import Path

import pytest

from pageproof.weight import fall_silent

HOSTING = Path(__file__).parents[2] / "HOSTING.md"
WIDE = {"width": 1440, "height": 900}
HEARD = """
  window.refused = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    refused.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="module")
def headers() -> dict[str, str]:
    """The headers that HOSTING.md tells a host to send."""
    part = HOSTING.read_text("utf-8").split("\n## Headers")[1]
    block = re.search(r"```text\n(.*?)```", part, re.DOTALL)[1]
    return dict(line.split(": ", 1) for line in block.splitlines())


@pytest.fixture
def guarded(visit, headers):
    """Open a page with those headers and listen for what the browser refuses."""
    tabs = []

    def guarded(address, change=lambda page: page, **options):
        tab = visit("about:blank", viewport=WIDE, **options)
        tab.add_init_script(HEARD)

        def answer(route):
            got = route.fetch()
            sent = {**got.headers, **{k.lower(): v for k, v in headers.items()}}
            body = got.body()
            if got.headers["content-type"].startswith("text/html"):
                body = change(body.decode()).encode()
            route.fulfill(response=got, headers=sent, body=body)

        tab.route("**/*", answer)
        tabs.append(tab)
        tab.goto(address)
        return tab

    yield guarded
    for tab in tabs:
        tab.unroute_all(behavior="ignoreErrors")  # a late answer finds no one


def test_whatever_a_reader_does_nothing_is_refused(guarded, url):
    allowed = ["clipboard-read", "clipboard-write"]
    tab = guarded(f"{url}en/tools/autograd/", permissions=allowed)
    tab.locator(".pp-cell button").first.click()
    assert tab.evaluate("navigator.clipboard.readText()")
    scheme = tab.locator("body").get_attribute("data-md-color-scheme")
    for _ in range(2):
        tab.locator(".md-header__option label:not([hidden])").click()
    assert tab.locator("body").get_attribute("data-md-color-scheme") != scheme
    tab.locator("details > summary").first.click()
    figure = tab.locator(".pp-figure img:visible").first
    figure.scroll_into_view_if_needed()
    tab.wait_for_function("figure => figure.naturalWidth", arg=figure.element_handle())
    tab.locator(".md-search__input").press_sequentially("Newton")
    tab.locator(".md-search-result__item").first.wait_for()
    assert tab.evaluate("refused") == []
    tab.keyboard.press("Enter")  # to the first page found
    tab.wait_for_url("**?h=newton*")
    assert tab.evaluate("refused") == []
    assert tab.complaints == []


def test_what_is_not_of_the_site_is_refused(guarded, url):
    def planted(page):
        foreign = (
            "<script>window.ran = true</script>"
            '<p onclick="window.ran = true" style="color: red" id="planted">planted</p>'
            '<img src="https://example.org/image.png" alt="">'
            '<iframe src="https://example.org/"></iframe>'
        )
        return page.replace("</body>", f"{foreign}</body>")

    tab = guarded(f"{url}en/", planted)
    tab.locator("#planted").evaluate("planted => planted.click()")
    tab.evaluate("fetch('https://example.org/').catch(() => 0)")
    assert tab.evaluate("window.ran") is None
    assert set(tab.evaluate("refused")) == {
        "script-src-elem inline",
        "script-src-attr inline",
        "style-src-attr inline",
        "img-src https://example.org/image.png",
        "frame-src https://example.org",
        "connect-src https://example.org/",
    }


def test_no_site_may_show_a_page_in_a_frame(guarded, url):
    other = iter(
        ['<!doctype html><title>t</title><iframe src="tools/autograd/"></iframe>']
    )
    tab = guarded(f"{url}en/", lambda page: next(other, page))
    fall_silent(tab)
    assert any("frame-ancestors 'none'" in said for said in tab.complaints)
    assert tab.frames[1].url != f"{url}en/tools/autograd/"


def test_each_host_that_is_explained_sends_the_same_headers(headers):
    text = HOSTING.read_text("utf-8")
    for name, value in headers.items():
        if name == "Cache-Control":
            continue
        line = rf"^ *(?:add_header )?{name}:? (.+?)(?: always;)?$"
        said = re.findall(line, text, re.MULTILINE)
        assert [each.strip('"') for each in said] == [value] * 4, name
