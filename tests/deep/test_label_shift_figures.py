"""The drawings of the page on label shift show what their captions say."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.figures.label_shift import draw_gain, draw_worlds

D = torch.float64


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_each_row_is_drawn_once_in_its_world_and_class():
    X = torch.tensor([[0, 0], [2, 0], [1, 1.7], [1, 1]], dtype=D)
    y = torch.tensor([0, 1, 2, 2])
    worlds = {"a": (X, y), "b": (X[:3] + 0.1, y[:3])}
    draw_worlds(worlds, lambda rows: torch.cat([rows, 0 * rows[:, :1] + 1], dim=1))
    for ax, (name, (rows, labels)) in zip(plt.gcf().axes, worlds.items(), strict=True):
        assert ax.get_title() == name
        drawn = {
            c.get_label(): torch.tensor(c.get_offsets().tolist(), dtype=D)
            for c in ax.collections
            if c.get_label().startswith("class")
        }
        for label in range(3):
            expected = rows[labels == label]
            torch.testing.assert_close(drawn[f"class {label}"], expected)


def test_a_border_is_where_the_two_likeliest_classes_tie():
    X, y = torch.tensor([[0, 0], [2, 0], [1, 1.7]], dtype=D), torch.arange(3)

    def probs(rows):  # 0 and 1 tie at x = 0.5; class 2 is never likeliest
        right = torch.sigmoid(3 * (rows[:, 0] - 0.5))
        return torch.stack([1 - right, right, 0 * right - 1], dim=1)

    draw_worlds({"a": (X, y), "b": (X, y)}, probs)
    for ax in plt.gcf().axes:
        borders = [p.vertices for c in ax.collections[::2] for p in c.get_paths()]
        points = torch.cat([torch.tensor(b) for b in borders if len(b)])
        assert (points[:, 0] - 0.5).abs().max() < 0.01
        assert points[:, 1].max() - points[:, 1].min() > 6


def test_the_bands_and_the_medians_stand_where_they_are():
    bands = {"one": torch.tensor([[0.7, 0.8, 0.9], [0.8, 0.85, 0.9]], dtype=D)}
    bands["two"] = bands["one"] - 0.1
    draw_gain([20, 200], bands, {"before": 0.6, "labels": 0.95})
    ax = plt.gca()
    assert ax.lines[0].get_ydata().tolist() == pytest.approx([0.8, 0.85])
    assert ax.lines[1].get_ydata().tolist() == pytest.approx([0.7, 0.75])
    assert set(ax.lines[2].get_ydata()) == {0.6}
    assert set(ax.lines[3].get_ydata()) == {0.95}
    corners = ax.collections[0].get_paths()[0].vertices
    assert {round(v, 6) for v in corners[:, 1]} == {0.7, 0.8, 0.9}
    texts = [text.get_text() for text in ax.get_legend().texts]
    assert texts == ["one", "two", "before", "labels"]
