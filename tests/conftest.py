"""What the tests of all pages share."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs/en"


def plain(tex):
    """TeX as it reads, without the marks that break it into lines."""
    return " ".join(tex.replace("&", "").replace("\\\\", "").split())


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tensors of tests are small, and other workers have the other cores.

    Only tests below this folder: a page is run with as many threads as its reader has.
    """
    if torch := sys.modules.get("torch"):
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)
    else:
        yield


@pytest.fixture
def page_says(request):
    """A test that checks a formula fails if its page shows another one.

    The page of `tests/part/test_stem_anything.py` is `docs/en/part/stem.md`.
    """
    part, name = request.path.parent.name, request.path.stem.removeprefix("test_")
    while not (DOCS / part / f"{name}.md").is_file():
        name = name.rpartition("_")[0]
        assert name, f"no page for {request.path.name}"
    page = (DOCS / part / f"{name}.md").read_text(encoding="utf-8")

    def says(*formulas):
        for formula in formulas:
            assert plain(formula) in plain(page), formula

    return says
