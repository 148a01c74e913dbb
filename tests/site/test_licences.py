"""Whatever the built site holds has an entry in docs/lists/licences.yml."""

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import material
import pytest
from fontTools.ttLib import TTFont

from pageproof.licences import NOTICE, works

ROOT = Path(__file__).parents[2]
LISTS = ROOT / "docs/lists"
WORKS = works(LISTS)
OWN, *OTHERS = WORKS
ICONS = Path(material.__file__).parent / "templates/.icons"
BANNER = re.compile(
    r"/\*!|@licen[sc]e|@preserve|(?<![-\w])copyright|\blicensed", re.IGNORECASE
)
SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
PATH = re.compile(r"""<path(?! class="pp-)[^>]*?\sd=(["'])(.+?)\1""")  # pp-: our own
PACKAGE = re.compile(r".*node_modules/((?:@[^/]+/)?[^/]+)/")


def listed(files: set[str], of=WORKS) -> set[str]:
    """Return those of a site's files that a work lists."""
    patterns = [pattern for work in of for pattern in work.files]
    return {file for file in files if any(fnmatchcase(file, p) for p in patterns)}


def packages(site: Path) -> set[str]:
    """Return the packages in a site's scripts and styles; each has a source map."""
    found = set()
    for path in [*site.rglob("*.js"), *site.rglob("*.css")]:
        if not listed({path.relative_to(site).as_posix()}, [OWN]):
            source = json.loads(Path(f"{path}.map").read_text("utf-8"))["sources"]
            found |= {match[1] for name in source if (match := PACKAGE.match(name))}
    return found


@cache
def sets() -> dict[str, str]:
    """Return the folder of each icon of the theme, by how it is drawn."""
    return {
        drawing: path.relative_to(ICONS).parts[0]
        for path in ICONS.rglob("*.svg")
        for _, drawing in PATH.findall(path.read_text("utf-8"))
    }


def icons(site: Path) -> set[str]:
    """Return the folders of the theme's icons that pages and its styles draw.

    Raises: KeyError if a drawing is neither such an icon nor the site's own.
    """
    drawn = set()
    for path in [*site.rglob("*.html"), *site.glob("assets/stylesheets/*.css")]:
        for svg in SVG.findall(path.read_text("utf-8")):
            drawn |= {drawing for _, drawing in PATH.findall(svg)}
    return {sets()[drawing] for drawing in drawn}


@pytest.fixture(scope="module")
def site(built):
    return built / "en"


@pytest.fixture(scope="module")
def files(built, site):
    """The paths of a site's files, below the language or, above it, below the root."""
    every = {path for path in built.rglob("*") if path.is_file()}
    return {
        path.relative_to(site if path.is_relative_to(site) else built).as_posix()
        for path in every
    }


def test_each_file_of_the_site_is_of_a_listed_work(files):
    assert files - listed(files) == set()


def test_each_pattern_of_a_listed_work_has_its_file(files):
    patterns = [pattern for work in WORKS for pattern in work.files]
    assert [p for p in patterns if not any(fnmatchcase(f, p) for f in files)] == []


def test_a_new_asset_is_of_no_listed_work():
    new = {"assets/js/new.js", "assets/fonts/new.ttf", "assets/css/new.css", "new.png"}
    new |= {"assets/javascripts/lunr/min/lunr.de.min.js", "assets/images/new.jpg"}
    assert listed(new) == set()


def test_no_file_of_ours_carries_a_banner(site, files):
    ours = listed(files, [OWN]) - listed(files, OTHERS)
    kinds = (".js", ".css", ".svg", ".mplstyle")
    read = [site / f for f in ours if f.endswith(kinds) and (site / f).is_file()]
    assert read
    assert [p for p in read if BANNER.search(p.read_text("utf-8"))] == []


@pytest.mark.parametrize("banner", ["/*! x */", "// @license MIT", "(c) Copyright x"])
def test_a_banner_is_seen(banner):
    assert BANNER.search(f"f();\n{banner}")


def test_the_packages_in_scripts_and_styles_are_those_listed(site):
    assert packages(site) == {name for work in WORKS for name in work.packages}


def test_a_script_that_does_not_say_what_is_in_it_is_refused(tmp_path):
    script = tmp_path / "assets/javascripts/bundle.0.min.js"
    script.parent.mkdir(parents=True)
    script.write_text("f()")
    with pytest.raises(FileNotFoundError):
        packages(tmp_path)
    sources = {"sources": ["src/a.ts", "../node_modules/@of/new/index.js"]}
    Path(f"{script}.map").write_text(json.dumps(sources))
    assert packages(tmp_path) == {"@of/new"}


def test_the_icons_that_are_drawn_are_of_the_sets_listed(site):
    assert icons(site) == {name for work in WORKS for name in work.icons}


def test_a_drawing_of_an_unknown_hand_is_refused(tmp_path):
    icon = (ICONS / "simple/python.svg").read_text("utf-8")
    (tmp_path / "a.html").write_text(icon, encoding="utf-8")
    assert icons(tmp_path) == {"simple"}
    (tmp_path / "a.html").write_text('<svg viewBox="0 0 1 1"><path d="M0 0h1"/></svg>')
    with pytest.raises(KeyError):
        icons(tmp_path)


def test_the_notice_names_each_work_and_has_the_text_of_each_licence(site):
    said = (site / NOTICE).read_text("utf-8")
    for work in WORKS:
        assert all(line in said for line in (work.name, work.home, *work.by))
        for name in work.licences:
            assert (LISTS / f"licences/{name}.txt").read_text("utf-8").strip() in said


def test_each_page_leads_to_the_notice(site):
    pages = list(site.rglob("*.html"))
    assert pages
    for path in pages:
        assert re.search(rf'href="[./\w]*\b{NOTICE}"', path.read_text("utf-8")), path


@pytest.mark.parametrize("path", sorted((ROOT / "docs/assets/fonts").glob("*.woff2")))
def test_a_part_of_a_font_has_a_name_of_its_own_and_its_licence_beside_it(path):
    with TTFont(path) as font:
        assert font["name"].getDebugName(1) == "Latin Modern Math Subset"
        assert "GUST Font License" in font["name"].getDebugName(0)
    assert (path.parent / "GUST-FONT-LICENSE.txt").is_file()
    assert path.name in (path.parent / "README.txt").read_text("utf-8")
