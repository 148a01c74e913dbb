"""Find and start the Chromium that is installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

WITH_WINDOWS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# Debian's Chromium without windows comes first: it draws the same pages, and opening
# one costs a tenth of the time.
BROWSERS = ("chromium-headless-shell", *WITH_WINDOWS)


class NoBrowserError(LookupError):
    """No browser is installed under a known name."""


def find(names: tuple[str, ...] = BROWSERS) -> str:
    """Return the path of the first of some browsers that is on the PATH."""
    for path in map(shutil.which, names):
        if path:
            return path
    raise NoBrowserError(f"no browser: expected one of {', '.join(names)} on the PATH")


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Run a browser until the end of a `with` block."""
    flags = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()
