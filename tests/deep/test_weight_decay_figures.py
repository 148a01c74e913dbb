"""The drawings of weight_decay show what their captions say."""

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import same_color
from numpy.testing import assert_allclose

from firstdescent.deep.figures.weight_decay import (
    draw_decay,
    draw_losses,
    draw_noise,
    draw_speed,
)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_paths_marks_and_walls_stand_where_they_should():
    path = torch.tensor([[0.0, 1.0], [0.5, 0.5], [1.0, 0.25]])
    marks = {"loss": torch.tensor([2.0, 1.0]), "penalised": torch.tensor([1.0, 0.2])}

    def bowl(w):
        return ((w - marks["loss"]) ** 2).sum() / 2

    draw_decay(bowl, 0.5, {"one": path, "two": path[:2]}, marks)
    (axes,) = plt.gcf().axes
    wall, ceiling, one, end, two, _, *stars = axes.lines
    assert wall.get_xdata() == [2, 2]
    assert ceiling.get_ydata() == [2, 2]
    assert_allclose(one.get_xydata(), path)
    assert_allclose(end.get_xydata(), path[-1:])
    assert_allclose(two.get_xydata(), path[:2])
    assert_allclose([star.get_xydata()[0] for star in stars], [[2, 1], [1, 0.2]])
    assert [text.get_text() for text in axes.texts] == ["loss", "penalised"]


def test_the_dashed_contours_lie_around_the_penalised_minimum():
    best = torch.tensor([2.0, 1.0])

    def bowl(w):
        return ((w - best) ** 2).sum() / 2

    draw_decay(bowl, 1.0, {}, {"loss": best})
    solid, dashed = [c for c in plt.gcf().axes[0].collections if c.get_paths()]
    for contours, centre in ((solid, [2, 1]), (dashed, [1, 0.5])):
        assert_allclose(contours.get_paths()[0].vertices.mean(0), centre, atol=0.05)


def lines_by_name():
    (axes,) = plt.gcf().axes
    return {line.get_label(): line for line in axes.lines}


def test_the_noise_drawing_gives_each_optimiser_its_own_values_and_colour():
    sizes = torch.tensor([0.1, 1.0])
    draw_noise(sizes, [0.7, 0.8], [0.9, 0.2], lambda s: 1 / (1 + s), 0.6)
    lines = lines_by_name()
    assert list(lines) == ["L2 minimum", "predicted", "Adam + L2", "AdamW"]
    for name, color in zip(lines, ("C0", "C1", "C0", "C1"), strict=True):
        assert same_color(lines[name].get_color(), color)
    assert_allclose(lines["L2 minimum"].get_ydata(), 0.6)
    curve = lines["predicted"]
    assert_allclose(curve.get_ydata(), 1 / (1 + curve.get_xdata()))
    assert_allclose(lines["Adam + L2"].get_xydata(), [[0.1, 0.7], [1, 0.8]], rtol=1e-6)
    assert_allclose(lines["AdamW"].get_xydata(), [[0.1, 0.9], [1, 0.2]], rtol=1e-6)


def test_the_speed_drawing_shows_what_is_left():
    left = {"one": torch.tensor([0.2, 0.9]), "two": torch.tensor([0.9, 0.8])}
    draw_speed(torch.tensor([0.5, 5.0]), left)
    lines = lines_by_name()
    assert list(lines) == ["one", "two"]
    for name, line in lines.items():
        assert_allclose(line.get_xdata(), [0.5, 5])
        assert_allclose(line.get_ydata(), left[name])


def test_the_loss_drawing_tells_the_starts_and_the_training_rows_apart():
    trained = torch.tensor([[0.0, 0.1], [0.2, 0.3], [0.4, 0.5]])
    draw_losses([0, 1, 10], trained, trained + 1, torch.tensor(0.9))
    names = [text.get_text() for text in plt.gcf().legends[0].get_texts()]
    assert names == ["new rows, random start", "new rows, start at 0", "training rows"]
    lines = lines_by_name()
    expected = (trained[:, 1] + 1, trained[:, 0] + 1, trained[:, 0])
    for name, color, y in zip(names, ("C1", "C0", "C2"), expected, strict=True):
        assert same_color(lines[name].get_color(), color)
        assert_allclose(lines[name].get_xdata(), [0, 1, 10])
        assert_allclose(lines[name].get_ydata(), y)
    (level,) = (line for name, line in lines.items() if name not in names)
    assert_allclose(level.get_ydata(), 0.9, rtol=1e-6)
