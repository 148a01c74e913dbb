"""The drawings of house_prices show what their captions say."""

import pytest
import torch
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from torch import Generator

from firstdescent.regression.figures.house_prices import (
    draw_descent,
    draw_network,
    draw_sticks,
)
from firstdescent.regression.house_prices import make_houses, standardise


@pytest.fixture
def ax():
    return Figure().subplots()


def slice_of(F, y):
    A = torch.hstack([F, torch.ones(len(F), 1, dtype=F.dtype)])
    best = torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[1:3, 0]
    return (A.T @ A / len(A))[1:3, 1:3], best


def test_the_network_has_an_edge_for_each_weight_and_a_dashed_one_for_the_bias(ax):
    draw_network(ax, [10, 15, 2], 40)
    texts = [text.get_text() for text in ax.texts]
    for label in ("w₁ = 10", "w₂ = 15", "w₃ = 2", "b = 40", "always\n1"):
        assert texts.count(label) == 1
    edges = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [line.get_linestyle() for line in edges] == ["-", "-", "-", "--"]
    assert {tuple(line.get_xydata()[1]) for line in edges} == {(4.0, 1.5)}


def test_each_stick_reaches_from_its_house_to_the_line(ax):
    x, y = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([3.0, 9.0, 6.0])
    draw_sticks(ax, x, y, w=2, b=1)
    sticks = ax.collections[0].get_segments()
    assert_allclose(sticks, [[[1, 3], [1, 3]], [[2, 9], [2, 5]], [[4, 6], [4, 9]]])
    points, line = ax.lines
    assert_allclose(points.get_xydata(), [[1, 3], [2, 9], [4, 6]])
    assert_allclose(line.get_xydata(), [[1, 3], [4, 9]])
    # Residuals 0, -4, 3: half the mean of 0, 16, 9.
    assert ax.get_title() == "2 * area + 1:  loss 4"


def test_each_level_line_lies_ten_times_as_high_as_the_one_inside(ax):
    H = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    best = torch.tensor([4.0, 5.0], dtype=torch.float64)
    draw_descent(ax, H, best, steps=2)
    for ring, level in zip(ax.lines[:5], (10, 100, 1000, 1e4, 1e5), strict=True):
        offset = torch.tensor(ring.get_xydata()) - best
        rise = torch.einsum("ni,ij,nj->n", offset, H, offset) / 2
        assert_allclose(rise, level)


def test_the_path_is_that_of_torch_sgd_at_half_the_stable_lr(ax):
    H = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    best = torch.tensor([4.0, 5.0], dtype=torch.float64)
    theta = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    lr = 1 / ((5 + 5**0.5) / 2)  # the larger root of c² - 5 c + 5
    optimiser = torch.optim.SGD([theta], lr=lr)
    visited = [[0.0, 0.0]]
    for _ in range(6):
        optimiser.zero_grad()
        ((theta - best) @ H @ (theta - best) / 2).backward()
        optimiser.step()
        visited.append(theta.tolist())
    draw_descent(ax, H, best, steps=6)
    assert_allclose(ax.lines[5].get_xydata(), visited)
    assert_allclose(ax.lines[6].get_xydata(), [best.tolist()])


@pytest.mark.parametrize("signs", [(-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])
def test_the_level_lines_do_not_depend_on_the_signs_of_the_eigenvectors(
    ax, signs, monkeypatch
):
    H = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    best = torch.tensor([-4.0, -5.0], dtype=torch.float64)
    other, eigh = Figure().subplots(), torch.linalg.eigh
    draw_descent(ax, H, best, steps=1)

    def flipped(matrix):
        values, vectors = eigh(matrix)
        return values, vectors * vectors.new_tensor(signs)

    monkeypatch.setattr(torch.linalg, "eigh", flipped)
    draw_descent(other, H, best, steps=1)
    for one, two in zip(ax.lines, other.lines, strict=True):
        assert_allclose(one.get_xydata(), two.get_xydata())
    assert ax.get_xlim()[0] < best[0] < ax.get_xlim()[1]


def test_raw_steps_stay_after_the_first_and_standardised_steps_arrive(ax):
    X, y = make_houses(500, Generator().manual_seed(0))
    for F, arrives in ((X, False), (standardise(X)[0], True)):
        ax.clear()
        H, best = slice_of(F, y)
        draw_descent(ax, H, best, steps=100)
        path = torch.tensor(ax.lines[5].get_xydata())
        wide, after = ax.get_xlim()[1] - ax.get_xlim()[0], path[1:] - path[1]
        if arrives:
            assert (path[-1] - best).norm() < 0.01 * wide
        else:
            assert after.norm(dim=1).max() < 0.01 * wide
            assert (path[-1] - best).norm() > 0.25 * wide
        assert ax.get_aspect() == 1
