"""What a page costs its reader: Lighthouse, bytes on the wire, jumps of the layout.

    python benchmarks/site.py SITE LIGHTHOUSE [--write]

SITE is the folder of the built site, LIGHTHOUSE that of Lighthouse's npm package. The
site is served as a host serves it, compressed and with the headers of HOSTING.md.
Each page of the sitemap is opened once on an empty cache, as on a phone, and weighed
when the network is silent; five pages go through Lighthouse as it tests phones, in
turns. Where Linux says how long the machine's host gave its processors to others, the
runs with the least of it count, and are repeated until it is next to nothing.
`--write` records site.md.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import threading
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from pageproof.browser import WITH_WINDOWS, chromium, find
from pageproof.serving import recommended, serving
from pageproof.weight import first_view

ROOT = Path(__file__).parents[1]
PAGES = (
    "",
    "tools/autograd/",
    "optimisation/safe_newton/",
    "deep/house_table/",
    "reference/glossary/",
)
SCORES = ("performance", "accessibility", "best-practices", "seo")
TIMES = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time")
TAKEN = 0.1  # percent of the processors' time: a run with less is undisturbed
TRIES = 3  # for each run that is to count
PHONE = {"viewport": {"width": 412, "height": 823}, "device_scale_factor": 1.75}


def weighed(url: str, pages: list[str], browser: str) -> dict[str, dict]:
    """Return the first view of each page."""
    found = {}
    with chromium(browser) as started:
        for page in pages:
            context = started.new_context(**PHONE)
            tab = context.new_page()
            tab.goto(f"{url}{page}")
            found[page] = first_view(tab)
            context.close()
    return found


def ticks() -> tuple[int, int]:
    """Return the processors' time so far, and what the host took of it for others."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 1, 0
    times = [int(time) for time in stat.read_text("ascii").split("\n")[0].split()[1:9]]
    return sum(times), times[7]


def report(lighthouse: Path, address: str, browser: str) -> dict[str, float]:
    """Return the scores, in hundredths, the times, in ms, and "taken" of one run.

    "taken" is the share of the processors' time that the host took, in percent.
    """
    command = ["node", str(lighthouse / "cli/index.js"), address, "--quiet"]
    command += ["--output=json", "--chrome-flags=--headless=new --no-sandbox"]
    environment = {**os.environ, "CHROME_PATH": browser}
    for _ in range(3):  # now and then it has no trace, and asks to be run again
        total, taken = ticks()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode == 0:
            break
    else:
        raise RuntimeError(f"{address}: {done.stderr}")
    now, gone = ticks()
    share = 100 * (gone - taken) / max(now - total, 1)
    found = json.loads(done.stdout)
    scores = {name: 100 * found["categories"][name]["score"] for name in SCORES}
    times = {name: found["audits"][name]["numericValue"] for name in TIMES}
    lost = [
        audit["id"]
        for name in SCORES
        for reference in found["categories"][name]["auditRefs"]
        if reference["weight"]
        and (audit := found["audits"][reference["id"]])["score"] not in (None, 1)
    ]
    said = map(round, [*scores.values(), *times.values()])
    print(address, *said, f"{share:.2f}%", *lost, flush=True)
    return scores | times | {"taken": share}


def undisturbed(
    lighthouse: Path, addresses: dict[str, str], browser: str, repeats: int
) -> tuple[dict[str, list[dict[str, float]]], int]:
    """Return the runs of each page that count, and how many were made in all."""
    runs = {page: [] for page in addresses}
    for _ in range(TRIES * repeats):
        for page, made in runs.items():
            if sum(run["taken"] < TAKEN for run in made) < repeats:
                made.append(report(lighthouse, addresses[page], browser))
    least = {
        page: sorted(made, key=lambda run: run["taken"])[:repeats]
        for page, made in runs.items()
    }
    return least, sum(map(len, runs.values()))


def medians(runs: list[dict[str, float]]) -> list[int]:
    """Return the median of each score and time."""
    names = SCORES + TIMES
    return [round(statistics.median(run[name] for run in runs)) for name in names]


def text(
    views: dict[str, dict], runs: dict[str, list[dict]], made: int, tools: str
) -> str:
    """Return the record in Markdown."""
    sizes = sorted(view["bytes"] for view in views.values())
    rows = [
        [
            page or "home",
            *medians(runs[page]),
            round(min(run["performance"] for run in runs[page])),
            round(max(run["performance"] for run in runs[page])),
            f"{max(run['taken'] for run in runs[page]):.2f}",
            f"{views[page]['bytes'] / 1000:.1f}",
            f"{views[page]['shift']:.4f}",
        ]
        for page in PAGES
    ]
    heads = ["page", *SCORES, "FCP ms", "LCP ms", "TBT ms"]
    heads += ["lowest performance", "highest", "taken %", "kB", "layout shift"]
    table = [heads, ["---"] * len(heads), *rows]
    lines = "\n".join(f"| {' | '.join(map(str, row))} |" for row in table)
    low, middle, high = (
        f"{size / 1000:.1f}" for size in (sizes[0], statistics.median(sizes), sizes[-1])
    )
    shift = max(view["shift"] for view in views.values())
    count = len(next(iter(runs.values())))
    return f"""# What a page costs its reader

Lighthouse as on a phone, medians of {count} runs of each page. Others share the
machine, and a page is slower while they have its processors: of {made} runs those count
during which the least was taken ("taken %", the most of them). kB on the wire at first
view, with headers.

{lines}

All {len(views)} pages: {low} kB the lightest, {middle} kB the median, {high} kB the
heaviest; the largest layout shift is {shift:.4f}.

{tools}
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("site", type=Path)
    parser.add_argument("lighthouse", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    browser = find(WITH_WINDOWS)
    sitemap = (asked.site / "en/sitemap.xml").read_text("utf-8")
    found = [part.split("</loc>")[0] for part in sitemap.split("<loc>")[1:]]
    pages = [urlsplit(link).path.split("/en/", 1)[1] for link in found]
    with serving(asked.site, recommended(ROOT / "HOSTING.md")) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/en/"
        views = weighed(url, pages, browser)
        for page, view in sorted(views.items(), key=lambda item: item[1]["bytes"]):
            line = f"{view['bytes']:7} {view['shift']:.4f} {page or 'home'}"
            print(line, *view["moved"])
        addresses = {page: url + page for page in PAGES}
        found = undisturbed(asked.lighthouse, addresses, browser, asked.repeats)
        server.shutdown()
    package = json.loads((asked.lighthouse / "package.json").read_text("utf-8"))
    named = subprocess.check_output([browser, "--version"], text=True).split()
    number = next(word for word in named if word[0].isdigit())
    tools = (
        f"Lighthouse {package['version']}, Chromium {number},"
        f" mkdocs-material {version('mkdocs-material')},"
        f" {platform.system()} {platform.machine()}."
    )
    record = text(views, *found, tools)
    print(record)
    if asked.write:
        Path(__file__).with_suffix(".md").write_text(record, "utf-8")


if __name__ == "__main__":
    main()
