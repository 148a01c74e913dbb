"""What the first view of a page costs its reader, asked of the browser itself."""

from typing import Protocol

# Playwright's "networkidle" is not asked: once in thousands of visits it never came.
SILENT = """async () => {
  const come = () => performance.getEntriesByType('resource').length;
  let before = -1;
  while (document.readyState !== 'complete' || before !== come()) {
    before = come();
    await new Promise(later => setTimeout(later, 500));
  }
}"""
# Sizes are those on the wire, compressed, with 300 bytes for the headers of each file.
FIRST_VIEW = """async () => {
  const entries = ['navigation', 'resource'].flatMap(
    kind => performance.getEntriesByType(kind));
  const shifts = await new Promise(resolve => {
    new PerformanceObserver(list => resolve(list.getEntries()))
      .observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => resolve([]), 50);
  });
  return {
    files: Object.fromEntries(entries.map(
      entry => [new URL(entry.name).pathname, entry.transferSize])),
    shift: shifts.reduce((sum, entry) => sum + entry.value, 0),
    moved: shifts.flatMap(entry => entry.sources.map(
      ({ node }) => `${node?.nodeName} ${node?.textContent?.trim().slice(0, 40)}`)),
  };
}"""


class Tab(Protocol):
    """A page of Playwright."""

    def evaluate(self, script: str) -> dict: ...


def fall_silent(tab: Tab) -> None:
    """Wait until a page is loaded, and no file has come for half a second."""
    tab.evaluate(SILENT)


def first_view(tab: Tab) -> dict:
    """Return what a page has loaded until the network fell silent, and how it jumped.

    Units: `files` and `bytes` in bytes on the wire, `shift` as Cumulative Layout Shift;
    `moved` names what has jumped.
    """
    fall_silent(tab)
    found = tab.evaluate(FIRST_VIEW)
    return found | {"bytes": sum(found["files"].values())}
