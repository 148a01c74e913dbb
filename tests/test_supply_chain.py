"""What the site is built from is pinned, and what it holds of others is licensed."""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import material
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical

from pageproof.licences import notice, works
from pageproof.records import RecordError

ROOT = Path(__file__).parents[1]
LISTS = ROOT / "docs/lists"
SITE_PACKAGES = Path(material.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
HERE, _, ELSEWHERE = (
    (ROOT / "constraints.txt").read_text("utf-8").partition("# Elsewhere")
)
PLATFORMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
)


def pins(constraints: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)$", constraints, re.MULTILINE)
    return {canonical(name): version for name, version in found}


def extras() -> list[Requirement]:
    """Return what the extras ask for that the README installs, but themselves."""
    asked = PROJECT["project"]["optional-dependencies"]
    needed = [Requirement(line) for name in ("docs", "test") for line in asked[name]]
    return [r for r in needed if r.name != PROJECT["project"]["name"]]


def reached(roots: Iterable[Requirement], environment: dict[str, str]) -> dict:
    """Return the versions of all that requirements need, None of what is not here."""
    found, todo, done = {}, list(roots), set()
    while todo:
        requirement = todo.pop()
        name, wanted = canonical(requirement.name), frozenset(requirement.extras)
        if (name, wanted) in done:
            continue
        done.add((name, wanted))
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            found[name] = None
            continue
        found[name] = installed.version.partition("+")[0]  # +cpu: torch for CPUs
        for line in installed.requires or []:
            further = Requirement(line)
            asking = [{**environment, "extra": extra} for extra in wanted or {""}]
            if not further.marker or any(map(further.marker.evaluate, asking)):
                todo.append(further)
    return found


def test_what_is_installed_for_the_extras_is_what_is_pinned():
    found = reached(extras(), default_environment())
    assert None not in found.values()
    assert found.items() <= (pins(HERE) | pins(ELSEWHERE)).items()


def test_each_pin_is_of_something_that_the_extras_need():
    assert pins(HERE).keys() <= reached(extras(), default_environment()).keys()
    assert not pins(HERE).keys() & pins(ELSEWHERE).keys()


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p["platform_system"])
def test_what_another_platform_needs_is_pinned_as_well(platform):
    needed = reached(extras(), {**default_environment(), **platform})
    assert needed.keys() <= (pins(HERE) | pins(ELSEWHERE)).keys()


def test_a_requirement_is_followed_through_markers_and_extras():
    environment = default_environment()
    assert "execnet" in reached([Requirement("pytest-xdist")], environment)
    assert "psutil" not in reached([Requirement("pytest-xdist")], environment)
    assert "psutil" in reached([Requirement("pytest-xdist[psutil]")], environment)
    linux, windows = environment | PLATFORMS[0], environment | PLATFORMS[2]
    assert "colorama" in reached([Requirement("pytest")], windows)
    assert "colorama" not in reached([Requirement("pytest")], linux)
    assert reached([Requirement("no-such-package")], environment) == {
        "no-such-package": None
    }


def test_what_builds_the_package_is_exact_and_agrees_with_the_pins():
    built = pins("\n".join(PROJECT["build-system"]["requires"]))
    assert len(built) == len(PROJECT["build-system"]["requires"])
    both = built.keys() & pins(HERE).keys()
    assert both and all(built[name] == pins(HERE)[name] for name in both)


# Licences. tests/site/test_licences.py compares the list with the built site.


@pytest.mark.parametrize(
    "work", [w for w in works(LISTS) if w.notice], ids=lambda work: work.name
)
def test_the_installed_work_still_has_the_notice_that_is_listed(work):
    (path,) = SITE_PACKAGES.glob(work.notice)
    assert all(line in path.read_text("utf-8").split("\n") for line in work.by)


def test_each_text_of_a_licence_is_that_of_a_listed_work():
    texts = {path.stem for path in (LISTS / "licences").iterdir()}
    assert texts == {name for work in works(LISTS) for name in work.licences}


def test_a_work_whose_licence_has_no_text_is_refused(tmp_path):
    entry = "- {name: A work, by: [Someone], licence: None-1.0, read: nowhere}"
    (tmp_path / "licences.yml").write_text(entry, encoding="utf-8")
    with pytest.raises(RecordError, match=r"licences\.yml:1: .*None-1\.0"):
        notice(tmp_path, "A site")
