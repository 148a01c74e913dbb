"""What the tests of this part's pages share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def plain(tex):
    """TeX as it reads, without the marks that break it into lines."""
    return " ".join(tex.replace("&", "").replace("\\\\", "").split())


@pytest.fixture
def page_says(request):
    """A test that checks a formula fails if its page shows another one."""
    stem = request.path.stem.removeprefix("test_").rpartition("_")[0]
    page = (ROOT / f"docs/en/optimisation/{stem}.md").read_text(encoding="utf-8")

    def says(*formulas):
        for formula in formulas:
            assert plain(formula) in plain(page), formula

    return says
