"""Figures as SVG: text that stays text, colours that follow the scheme."""

import re
import sys
from pathlib import Path

import pytest

from pageproof.compare import figure_difference
from pageproof.figures import dark_colours, darken, open_figures, use_style

LIGHT = Path(__file__).parents[2] / "docs/assets/light.mplstyle"
DARK = LIGHT.with_name("dark.mplstyle")


@pytest.fixture
def plt():
    """pyplot in the house style, left as it was found."""
    import matplotlib
    import matplotlib.pyplot as pyplot

    use_style(LIGHT)
    yield pyplot
    pyplot.close("all")
    matplotlib.rcdefaults()


def draw(plt, label: str = "loss", top: float = 2.0) -> str:
    plt.figure()
    plt.plot([0, 1, 2], [0, 1, top], label=label)
    plt.legend()
    (svg,) = open_figures()
    return svg


def test_what_a_figure_says_stays_text(plt):
    plt.yticks([0.0001, 0.00025], ["0.0001", "0.00025"])
    (svg,) = open_figures()
    words = re.findall(r"<text [^>]*>([^<]*)</text>", svg)
    assert {"0.0001", "0.00025"} <= set(words)


def test_open_figures_come_in_order_and_are_closed(plt):
    for label in ("first", "second"):
        plt.figure()
        plt.text(0, 0, label)
    first, second = open_figures()
    assert ">first<" in first and ">second<" in second
    assert open_figures() == []


def test_the_same_drawing_is_the_same_file(plt):
    assert draw(plt) == draw(plt)


def test_another_label_or_curve_is_another_figure(plt):
    assert figure_difference(draw(plt), draw(plt)) is None
    assert figure_difference(draw(plt), draw(plt, label="cost"))
    assert figure_difference(draw(plt), draw(plt, top=2.1))


def test_a_dark_figure_has_no_colour_of_the_light_style(plt):
    pairs = dark_colours(LIGHT, DARK)
    light = draw(plt)
    dark = darken(light, pairs)
    assert set(pairs) & set(re.findall(r"#[0-9a-f]{6}", light))
    assert not set(pairs) & set(re.findall(r"#[0-9a-f]{6}", dark))
    assert figure_difference(light, dark)


def test_a_colour_cannot_have_two_partners(tmp_path):
    light, dark = tmp_path / "light.mplstyle", tmp_path / "dark.mplstyle"
    light.write_text("text.color: 000000\ngrid.color: 000000\n")
    dark.write_text("text.color: ffffff\ngrid.color: eeeeee\n")
    with pytest.raises(ValueError, match=r"#000000 is both #ffffff and #eeeeee"):
        dark_colours(light, dark)


def test_styles_with_more_colours_than_their_partner_are_refused(tmp_path):
    light, dark = tmp_path / "light.mplstyle", tmp_path / "dark.mplstyle"
    light.write_text("text.color: 000000\ngrid.color: 111111\n")
    dark.write_text("text.color: ffffff\n")
    with pytest.raises(ValueError, match="shorter"):
        dark_colours(light, dark)


def test_the_colours_of_a_style_are_those_of_its_values_in_order(tmp_path):
    light, dark = tmp_path / "light.mplstyle", tmp_path / "dark.mplstyle"
    light.write_text("# note: 999999\nfacade: 00000A : 111111\n")
    dark.write_text("# note: 888888\nfacade: FFFFFF : EEEEEE\n")
    assert dark_colours(light, dark) == {"#00000a": "#ffffff", "#111111": "#eeeeee"}


def test_a_colour_without_a_partner_stays():
    svg = '<path style="fill: #ABCDEF; stroke: #123ABC"/>'
    dark = '<path style="fill: #000000; stroke: #123ABC"/>'
    assert darken(svg, {"#abcdef": "#000000"}) == dark


def test_positions_have_two_decimals_and_no_spare_zeros(plt):
    figure = plt.figure(figsize=(1, 1), layout="none")  # 72 points each way
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 72), ylim=(72, 0))
    axes.plot([0.5041, 8.8888, 70.0041], [36.123, 20.4009, 30.0])
    (svg,) = open_figures()
    assert '"M 0.5 36.12 \nL 8.89 20.4 \nL 70 30 \n"' in svg


def test_a_straight_line_keeps_all_its_points(plt):
    plt.figure()
    plt.plot(range(200), range(200))  # matplotlib simplifies from 128 on
    (svg,) = open_figures()
    assert max(path.count("L ") for path in re.findall(r' d="([^"]*)"', svg)) == 199


def test_where_nobody_has_drawn_no_figure_is_open(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    assert open_figures() == []
