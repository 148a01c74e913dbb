"""What counts as the same output and the same figure, and what does not."""

import pytest

from pageproof.compare import POINTS, figure_difference, same_text


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("1.000\n", "1.001\n"),
        ("loss 0.10, w [1.0, -0.2]", "loss 0.11, w [0.9, -0.2]"),
        ("33 steps", "34 steps"),
        ("1.00e-03", "9.99e-04"),
        ("-0.000", "0.000"),
        ("tensor([1., 2.])", "tensor([1., 2.], device='cuda:0')"),
        ("tensor(3.)", "tensor(3., device='cuda')"),
        ("tensor(3., device='cuda')", "tensor(3.)"),
        ("9 steps", "10 steps"),
        ("9.9e+99", "1.0E+100"),
    ],
)
def test_elsewhere_one_unit_in_the_last_place_and_a_device_are_forgiven(shown, printed):
    assert same_text(shown, printed, exact=False)
    assert not same_text(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("1.000", "1.002"),
        ("1.00", "1.000"),
        ("float32", "float33"),
        ("w2 = 1", "w3 = 1"),
        ("True", "False"),
        ("nan", "0.0"),
        ("inf", "1.0"),
        ("1.0\n", "1.0"),
        ("1.0 ", "1.0"),
        ("a 1", "b 1"),
        ("[1, 2]", "[1]"),
        ("1.00e-03", "1.00e-02"),
        ("x", "x, device='cuda:0"),
        ("v1.2.3", "v1.2.4"),
        ("1.2.3", "1.2.4"),
        ("100", "1e2"),
        ("9 steps", "11 steps"),
    ],
)
def test_nothing_else_is_forgiven(shown, printed):
    assert not same_text(shown, printed, exact=False)


def test_on_the_reference_the_same_text_is_the_same():
    assert same_text("loss 0.10\n", "loss 0.10\n")


def svg(body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="10pt">{body}</svg>'


LINE = '<g id="line2d_1"><path d="M 0 0 \nL 10 5.25" style="stroke: #0b62c4"/></g>'


@pytest.mark.parametrize(
    "other",
    [
        LINE,
        LINE.replace("5.25", f"{5.25 + 0.9 * POINTS}"),
        LINE.replace("L 10 5.25", "L 9.999 5.25"),
    ],
)
def test_a_last_digit_does_not_change_a_figure(other):
    assert figure_difference(svg(LINE), svg(other)) is None


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (LINE.replace("5.25", f"{5.25 + 1.1 * POINTS:.2f}"), "path"),
        (LINE.replace("L 10 5.25", "L 10 5.25 L 11 6"), "path"),
        (LINE.replace("L 10", "H 10"), "path"),
        (LINE.replace("#0b62c4", "#0b62c5"), "style"),
        (LINE + LINE, "added"),
        ("", "gone"),
        (LINE.replace("<path", "<path clip='x'"), "attributes"),
        (LINE.replace("</g>", "<text>y</text></g>"), "text added"),
        (LINE.replace("path", "rect"), "is now <rect>"),
    ],
)
def test_a_changed_drawing_is_told_apart(other, says):
    assert says in figure_difference(svg(LINE), svg(other))


def test_a_curve_may_move_by_a_tenth_of_a_point_and_no_more():
    at = '<path d="M 0 {}"/>'
    for moved, same in (("0.1", True), ("0.11", False)):
        found = figure_difference(svg(at.format("0.0")), svg(at.format(moved)))
        assert (found is None) is same


def test_a_colour_of_digits_is_no_length():
    old, new = (svg(f'<path fill="{fill}"/>') for fill in ("#0000001", "#0000001.05"))
    assert "fill" in figure_difference(old, new)


def test_what_is_gone_or_added_is_named():
    one, two = svg("<text>a</text>"), svg("<text>a</text><path/>")
    assert figure_difference(two, one) == "path gone"
    assert figure_difference(one, two) == "path added"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("loss", "cost", "'loss' is now 'cost'"),
        ("loss", "", "'loss' is now ''"),
        ("", "cost", "'' is now 'cost'"),
    ],
)
def test_a_changed_word_is_told_apart(old, new, says):
    old, new = (svg(f"<text>{word}</text>") for word in (old, new))
    assert figure_difference(old, new) == f"<text>: {says}"


def test_a_long_attribute_is_told_by_its_first_sixty_letters():
    for length, told in ((60, "a" * 60), (61, "a" * 60 + "...")):
        old, new = svg(f'<g class="{"a" * length}"/>'), svg('<g class="b"/>')
        assert figure_difference(old, new) == f"<g>: class {told} is now b"


def test_in_a_figure_of_times_a_curve_may_lie_elsewhere_and_nothing_else():
    moved = svg(LINE.replace("5.25", "7.5"))
    assert figure_difference(svg(LINE), moved)
    assert figure_difference(svg(LINE), moved, timed=True) is None
    for other in (
        LINE.replace("L 10 5.25", "L 10 5.25 L 11 6"),
        LINE.replace("#0b62c4", "#0b62c5"),
        LINE.replace("#0b62c4", "#0b62c4; stroke-width: 3"),
        LINE + LINE,
        LINE.replace("</g>", "<text>y</text></g>"),
    ):
        assert figure_difference(svg(LINE), svg(other), timed=True)


@pytest.mark.parametrize("name", ["d", "x", "y", "transform", "width"])
def test_in_a_figure_of_times_what_says_where_may_change(name):
    old, new = (svg(f'<use {name}="{place}"/>') for place in (1, 50))
    found = figure_difference(old, new, timed=True)
    assert (found is None) is (name != "width")


def test_hashed_names_may_differ_if_they_are_used_alike():
    body = '<path id="m{0}" d="M 0 0"/><use href="#m{0}"/><use href="#m{1}"/>'
    old = svg(body.format("0123456789", "0123456789"))
    new = svg(body.format("abcdefabcd", "abcdefabcd"))
    crossed = svg(body.format("abcdefabcd", "abcdefabce"))
    assert figure_difference(old, new) is None
    assert figure_difference(old, crossed)


def test_a_file_that_is_no_drawing_is_an_answer_not_a_crash():
    assert "not an SVG" in figure_difference("<svg", svg(LINE))


def png(*levels: int, wrapped: bool = False) -> str:
    """A drawing that embeds an image of these levels, one of four, or grey, a pixel."""
    import base64
    import io

    import numpy as np
    from PIL import Image

    buffer, pixels = io.BytesIO(), np.array([levels], np.uint8)
    if len(levels) == 4:
        pixels = pixels[None]  # one pixel of red, green, blue and opacity
    Image.fromarray(pixels).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    if wrapped:
        data = "&#10;".join([data[:20], data[20:]])  # as XML keeps a line's end
    return svg(f'<image href="data:image/png;base64,&#10;{data}"/>')


def test_an_embedded_image_is_compared_by_its_pixels():
    assert figure_difference(png(100), png(101)) is None
    assert figure_difference(png(100), png(110))
    assert figure_difference(png(100), png(110, wrapped=True))
    assert figure_difference(png(100), png(100, 100))


def test_one_picture_stored_in_grey_and_in_colours_is_the_same():
    assert figure_difference(png(100), png(100, 100, 100, 255)) is None


def test_an_embedded_image_may_differ_by_two_levels_a_channel_on_average():
    grey = (100, 100, 100, 255)
    assert figure_difference(png(*grey), png(102, 102, 102, 253)) is None
    assert figure_difference(png(*grey), png(102, 98, 102, 252))


def test_a_brighter_pixel_does_not_make_up_for_a_darker_one():
    assert figure_difference(png(100, 100), png(140, 60))
