"""The record of the mutants holds together: benchmarks/mutants.py makes it."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
VERIFIED = ROOT / "docs/verified"
MODULES = yaml.safe_load((VERIFIED / "mutants.yml").read_text("utf-8"))["modules"]
LISTED = yaml.safe_load((VERIFIED / "survivors.yml").read_text("utf-8"))
SURVIVORS = [entry for entry in LISTED if "module" in entry]
EVERYWHERE = [entry["everywhere"] for entry in LISTED if "everywhere" in entry]
LEAST = {"firstdescent": 90, "pageproof": 95}  # percent


@pytest.mark.parametrize("path", MODULES)
def test_enough_mutants_of_a_module_are_killed_and_the_others_explained(path):
    counts = MODULES[path]
    explained = sum(len(s["becomes"]) for s in SURVIVORS if s["module"] == path)
    assert counts["killed"] + counts["explained"] == counts["mutants"]
    assert 100 * counts["killed"] >= LEAST[path.split("/")[1]] * counts["mutants"]
    # one explanation may be of several like mutants, as of a line that stands twice
    assert explained <= counts["explained"]
    if counts["explained"] and not explained:
        text = (ROOT / path).read_text("utf-8")
        assert any(like in text for like in EVERYWHERE)


@pytest.mark.parametrize(
    "survivor", SURVIVORS, ids=lambda s: f"{s['module']}:{s['within']}"
)
def test_a_survivor_is_of_a_line_that_is_there_and_says_why(survivor):
    assert survivor["module"] in MODULES
    lines = (ROOT / survivor["module"]).read_text("utf-8").split("\n")
    assert survivor["line"] in [line.strip() for line in lines]
    assert survivor["why"].endswith(".")
