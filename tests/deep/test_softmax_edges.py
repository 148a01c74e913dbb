"""The default dtype, what the refusals name, and drawings of other data."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from numpy.testing import assert_array_equal

from firstdescent.deep.figures.softmax import draw_borders, draw_images, draw_pulls
from firstdescent.deep.softmax import (
    blobs,
    check_labels,
    fit_softmax,
    glyph_shapes,
    glyphs,
)


def seeded():
    return torch.Generator().manual_seed(0)


def test_blobs_and_glyphs_are_the_same_whatever_the_default_dtype(defaults):
    one, two = (
        (*blobs(9, (0, 0, 1), seeded()), *glyphs(3, seeded()), glyph_shapes())
        for _ in defaults
    )
    for part, same in zip(one, two, strict=True):
        assert part.dtype == same.dtype and torch.equal(part, same)


def test_labels_of_another_shape_are_refused_by_both_shapes():
    with pytest.raises(ValueError, match=r"got \(\(2, 3\), \(1,\)\)"):
        check_labels(torch.tensor([0]), (2, 3))


def test_an_infinite_lr_is_refused_even_for_no_steps():
    y = torch.tensor([0, 1])
    with pytest.raises(ValueError, match=r"lr > 0 and steps >= 0, got \(inf, 0\)"):
        fit_softmax(torch.zeros(2, 1), y, 2, math.inf, 0)


@pytest.fixture
def panels():
    yield lambda: plt.gcf().axes
    plt.close("all")


def test_neither_pulls_nor_images_stand_on_a_grid(panels):
    p, image = torch.tensor([0.25, 0.75]), torch.zeros(1, 64)
    for draw in (
        lambda: draw_pulls({"a": p, "b": p}, 1, "xy"),
        lambda: draw_images([image], [[3]]),
    ):
        draw()
        for axes in panels():
            lines = axes.get_xgridlines() + axes.get_ygridlines()
            assert lines and not any(line.get_visible() for line in lines)


def test_one_row_of_images_is_drawn_to_the_last_digit(panels):
    image = torch.full((1, 64), 1 / 3, dtype=torch.float64)
    draw_images([image], [[3]])
    (axes,) = panels()
    assert_array_equal(axes.images[0].get_array(), image.view(8, 8))


def test_a_rule_is_asked_in_the_dtype_of_the_points_and_nothing_moves_the_limits(
    panels,
):
    X, asked = torch.tensor([[9.0, -9.0]], dtype=torch.float64), []

    def rule(points):
        asked.append(points.dtype)
        return points

    draw_borders(X, torch.tensor([0]), {"one": rule, "two": rule})
    assert asked == [torch.float64] * 2
    (axes,) = panels()
    assert axes.get_xlim() == axes.get_ylim() == (-2, 4)
