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
    ],
)
def test_nothing_else_is_forgiven(shown, printed):
    assert not same_text(shown, printed, exact=False)


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


def test_a_changed_word_is_told_apart():
    old, new = (svg(f"<text>{word}</text>") for word in ("loss", "cost"))
    assert figure_difference(old, new) == "<text>: 'loss' is now 'cost'"


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


def test_hashed_names_may_differ_if_they_are_used_alike():
    body = '<path id="m{0}" d="M 0 0"/><use href="#m{0}"/><use href="#m{1}"/>'
    old = svg(body.format("0123456789", "0123456789"))
    new = svg(body.format("abcdefabcd", "abcdefabcd"))
    crossed = svg(body.format("abcdefabcd", "abcdefabce"))
    assert figure_difference(old, new) is None
    assert figure_difference(old, crossed)


def test_a_file_that_is_no_drawing_is_an_answer_not_a_crash():
    assert "not an SVG" in figure_difference("<svg", svg(LINE))


def png(grey: int) -> str:
    import base64
    import io

    import numpy as np
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4), grey, np.uint8)).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    return svg(f'<image href="data:image/png;base64,\n{data}"/>')


def test_an_embedded_image_is_compared_by_its_pixels():
    assert figure_difference(png(100), png(101)) is None
    assert figure_difference(png(100), png(110))
