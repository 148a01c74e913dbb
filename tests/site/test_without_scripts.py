"""What readers see whose browser runs no scripts, and what styles alone must show."""

PHONE = {"width": 390, "height": 800}
SHADE = "box => getComputedStyle(box).boxShadow"
CLEAR = "rgba(0, 0, 0, 0)"
WIDE = """[...document.querySelectorAll(".pp-cell > .highlight pre > code")]
    .findIndex((box) => box.scrollWidth > box.clientWidth + 50)"""


def test_a_dark_system_is_dark_without_scripts(visit, url):
    for scheme, ground in (("light", "255, 255, 255"), ("dark", "30, 33, 41")):
        tab = visit(f"{url}en/", java_script_enabled=False, color_scheme=scheme)
        style = "getComputedStyle(document.body).backgroundColor"
        assert tab.evaluate(style) == f"rgb({ground})"
        for name in ("light", "dark"):
            assert tab.locator(f".pp-{name}").first.is_visible() == (name == scheme)


def test_a_phone_without_scripts_has_its_menu_and_no_search(visit, url):
    tab = visit(f"{url}en/", java_script_enabled=False, viewport=PHONE)
    menu = tab.locator(".md-nav--primary .md-nav__link", has_text="Home").first
    assert not menu.is_visible() or menu.bounding_box()["x"] < 0
    tab.locator("header label[for=__drawer]").click()
    tab.wait_for_timeout(400)
    assert menu.bounding_box()["x"] >= 0
    assert not tab.locator(".md-search, header [for=__search]").first.is_visible()


def test_an_edge_is_shaded_while_there_is_more_to_scroll_to(visit, url):
    tab = visit(f"{url}en/tools/autograd/", java_script_enabled=False, viewport=PHONE)
    index = tab.evaluate(WIDE)
    box = tab.locator(".pp-cell > .highlight pre > code").nth(index)

    def shades(*expected):
        """Wait until the left and the right edge are shaded as expected."""
        for _ in range(50):
            tab.wait_for_timeout(50)
            sides = box.evaluate(SHADE).split("inset, ")
            found = [side != "none" and CLEAR not in side for side in sides]
            if found == [*expected]:
                return True
        return False

    assert shades(False, True)
    box.evaluate("box => { box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2 }")
    assert shades(True, True)
    box.evaluate("box => { box.scrollLeft = box.scrollWidth }")
    assert shades(True, False)
    tab.set_viewport_size({"width": 1440, "height": 800})
    assert shades(False)
