"""`mkdocs serve` shows a saved change; benchmarks/preview.py says how soon."""

import importlib.util
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = "optimisation/safe_newton/"


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_saved_change_of_the_whole_site_is_seen_and_only_its_page_is_made(tmp_path):
    """Thirty seconds are for the busiest machine; what is made tells more."""
    bench = load(ROOT / "benchmarks/preview.py")
    bench.copy_site(tmp_path)
    page = tmp_path / f"docs/en/{PAGE.rstrip('/')}.md"
    with bench.serving(tmp_path) as preview:
        before = preview.open(PAGE)
        assert "Seenatonce" not in before
        text = page.read_text("utf-8")
        bench.save(page, text.replace("\n## ", "\nSeenatonce.\n\n## ", 1))
        saved = time.monotonic()
        preview.wait_for_reload(before)
        assert time.monotonic() - saved < 30
        assert "Seenatonce." in preview.open(PAGE)
        assert "Seenatonce." in preview.open("search/search_index.json")
        _, _, *said = preview.said.read_text().split("Made again: ")  # the first is all
        made = {text.split("\n")[0] for text in said} - {"nothing"}
    steps = ["read", "render", "content", "terms", "plain", "search", "template"]
    assert made == {", ".join(f"{step} 1" for step in steps)}
