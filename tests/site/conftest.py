"""The site, built once, served under a sub-path, and looked at in a real browser."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from mkdocs.config import load_config

from pageproof import browser
from pageproof.serving import recommended, serving

ROOT = Path(__file__).parents[2]


def nav_pages(items) -> list[str]:
    """The Markdown files and labs of a nav, in reading order."""
    if isinstance(items, str):
        return [items]
    values = items.values() if isinstance(items, dict) else items
    return [page for item in values for page in nav_pages(item)]


def pytest_generate_tests(metafunc):
    """Run a test of a page for each page of the nav."""
    if "page" in metafunc.fixturenames:
        config = load_config(str(ROOT / "mkdocs.yml"), plugins=[], hooks=[])
        metafunc.parametrize("page", nav_pages(config.nav), scope="session")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A folder and the address under which it is served, as a host would serve it."""
    folder = tmp_path_factory.mktemp("www")
    with serving(folder, recommended(ROOT / "HOSTING.md")) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()


@pytest.fixture(scope="session")
def built(server):
    """The folder of the built site, whose languages lie below it."""
    folder, url = server
    site = folder / "course"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        [*command, "--site-dir", str(site / "en")],
        cwd=ROOT,
        env={**os.environ, "SITE_URL": f"{url}course/en/", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return site


@pytest.fixture(scope="session")
def url(server, built):
    """The address of the root of the site; the English pages are under en/."""
    return f"{server[1]}course/"


@pytest.fixture(scope="session")
def source(page):
    """The Markdown file, or the lab, of a page."""
    return ROOT / "docs/en" / page


@pytest.fixture(scope="session")
def page_url(page, url):
    """The address of a page."""
    return url + "en/" + re.sub(r"\.(md|py)$", "/", page.removesuffix("index.md"))


@pytest.fixture(scope="session")
def chromium():
    """A browser; without one, a failure in CI and a skip on a contributor's machine."""
    try:
        path = browser.find()
    except browser.NoBrowserError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
    with browser.chromium(path) as started:
        yield started


@pytest.fixture
def visit(chromium):
    """Open pages, and hold what they asked for and what they complained of."""
    contexts = []

    def visit(address, **options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.requested, page.complaints = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                message.type in ("error", "warning")
                and page.complaints.append(message.text)
            ),
        )
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
