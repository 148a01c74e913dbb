"""What a first view loads. (Each page is weighed in test_in_a_browser.py.)"""

import gzip
import re
import threading
import time
from pathlib import Path

import pytest

from pageproof.serving import Handler, recommended, serving
from pageproof.weight import fall_silent, first_view

ROOT = Path(__file__).parents[2]

PHONE = {"width": 412, "height": 823}
FIGURED = "deep/house_table/"


def test_a_page_is_weighed_as_it_crosses_the_wire(visit, url, built):
    loaded = first_view(visit(f"{url}en/", viewport=PHONE))["files"]
    bundles = [path for path in loaded if "/bundle." in path]
    for path in ("/course/en/", *bundles):
        file = built.parent / path.removeprefix("/")
        file = file / "index.html" if file.is_dir() else file
        packed = len(gzip.compress(file.read_bytes(), 6))
        assert 0 <= loaded[path] - packed < 1000  # headers
    assert len(bundles) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_fetched_in_the_scheme_that_is_shown(scheme, visit, url, built):
    tab = visit(f"{url}en/{FIGURED}", viewport=PHONE, color_scheme=scheme)
    first_view(tab)
    tab.evaluate("""async () => {
      for (let y = 0; y < document.body.scrollHeight; y += 600) {
        scrollTo(0, y);
        await new Promise(requestAnimationFrame);
      }
    }""")
    fall_silent(tab)
    asked = {link.split("/course/en/")[1] for link in tab.requested}
    page = (built / "en" / FIGURED / "index.html").read_text("utf-8")
    wanted = re.findall(rf'class="pp-{scheme}" src="(?:\.\./)*([^"]+)', page)
    assert {link for link in asked if "/figures/" in link} == {*wanted}
    assert len(wanted) > 1


def test_a_jump_is_seen(visit, url):
    tab = visit(f"{url}404.html", viewport=PHONE)
    assert first_view(tab)["shift"] == 0
    tab.evaluate("document.body.prepend(document.createElement('textarea'))")
    tab.wait_for_timeout(200)
    seen = first_view(tab)
    assert seen["shift"] > 0 and seen["moved"]


def test_a_font_that_comes_late_moves_nothing(visit, built, monkeypatch):
    """With `font-display: swap` all words with a formula among them would move."""
    asked, send_head = [], Handler.send_head

    def late(self):
        if self.path.endswith(".woff2"):
            asked.append(self.path)
            time.sleep(1)
        return send_head(self)

    monkeypatch.setattr(Handler, "send_head", late)
    with serving(built.parent, recommended(ROOT / "HOSTING.md")) as slow:
        threading.Thread(target=slow.serve_forever, daemon=True).start()
        address = (
            f"http://127.0.0.1:{slow.server_port}/course/en/tools/autograd_deeper/"
        )
        seen = first_view(visit(address, viewport=PHONE))
        slow.shutdown()
    assert asked and seen["shift"] == 0, seen["moved"]


# Each would have all that stands below it styled anew, while the reader waits.
WATCH = """() => {
  window.changed = [];
  document.addEventListener("readystatechange", () => {
    if (document.readyState !== "interactive") return;
    const now = ({ attributeName: name, target }) => target.getAttribute(name);
    const watch = new MutationObserver((list) => changed.push(...list
      .filter((one) => !one.attributeName || one.oldValue !== now(one))
      .flatMap((one) => [
        one.attributeName, ...[...one.addedNodes].map(({ name }) => name)])));
    const attributes = { attributes: true, attributeOldValue: true };
    watch.observe(document.documentElement, attributes);
    watch.observe(document.body, attributes);
    watch.observe(document.head, { childList: true });
  });
}"""


def test_once_the_content_is_there_its_start_has_nothing_styled_anew(visit, url):
    tab = visit("about:blank", viewport=PHONE, color_scheme="dark")
    tab.add_init_script(f"({WATCH})()")
    tab.goto(f"{url}en/{FIGURED}")
    fall_silent(tab)
    assert tab.locator("html.js body[data-md-color-scheme=slate]").count() == 1
    changed = set(tab.evaluate("changed"))
    assert changed & {"class", "color-scheme"} == set()
    assert not [name for name in changed if name and name.startswith("data-md-color")]
    tab.evaluate("document.documentElement.classList.add('seen')")
    assert "class" in tab.evaluate("changed")
