"""One fault of each kind that `benchmarks/faults.py` plants in the pages is caught.

The benchmark plants hundreds and runs pytest on each. Here pages that are quickly run
are read and proven in this process: the generator of faults must not fall asleep.
"""

import sys
from itertools import islice
from pathlib import Path

import pytest
import yaml

from pageproof.notebook import BlockError
from pageproof.page import PageError
from pageproof.proof import Proof, Settings
from pageproof.reading import Reader

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))
from faults import RECORD, copied, named_line, planted  # noqa: E402
from planting import KINDS, candidates, sheets  # noqa: E402

PAGES = ("tools/autograd", "tools/autograd_errors", "tools/custom_gradients")
PAGES += ("tools/modules", "tools/dataloader", "tools/datasets_samplers")
TRIES = 4  # changes of code that may change nothing


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A copy of the site, its reader, and the pages to plant faults in."""
    root = copied(tmp_path_factory.mktemp("site"))
    names = [f"docs/en/{stem}.md" for stem in PAGES]
    pages = sheets(root, [*names, "docs/en/labs/house_lab.py"])
    return root, Reader(root / "mkdocs.yml"), pages


def failure(site, fault):
    """What the proof of a page says of it with a fault in it, "" if nothing."""
    root, reader, _ = site
    style = reader.docs / "assets/light.mplstyle"
    settings = Settings(cuda=False, exact=True, update=False, style=style)
    with planted(root, fault):
        try:
            page = reader.read(root / fault.page)
        except PageError as error:
            return str(error)
        if page.lab and page.lab.stale:
            return str(page.lab.stale)
        proof = Proof(page, settings)
        try:
            for block in page.blocks:
                if not settings.skips(block):
                    proof.prove(block)
        except BlockError as error:
            return f"{error}\n{root / fault.page}::line {block.line}"
        finally:
            proof.finish()
    return ""


@pytest.mark.parametrize("name", KINDS)
def test_a_fault_of_each_kind_fails_its_page_and_is_named_by_line(site, name):
    said = ""
    for fault in islice(candidates(KINDS[name], site[2], seed=1), TRIES):
        if (said := failure(site, fault)) or not fault.may_not_matter:
            break
    line = named_line(said, fault.page)
    assert line is not None, fault
    # What a change of code does may be seen only in a later block.
    at = range(fault.lines[0], 10**6) if fault.may_not_matter else fault.lines
    assert line in at, (fault.lines, said)


def test_the_record_tells_of_each_kind_and_of_no_fault_that_was_missed():
    record = yaml.safe_load(RECORD.read_text(encoding="utf-8"))
    assert list(record["by_kind"]) == list(KINDS)
    for name, figures in record["by_kind"].items():
        assert figures["caught"] == figures["planted"] > 0, name
