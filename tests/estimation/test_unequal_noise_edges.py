"""The edges of unequal_noise: what refusals name, and what its figures draw."""

import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from torch.testing import assert_close

from firstdescent.estimation.figures.unequal_noise import (
    draw_band,
    draw_lines,
    draw_weights,
)
from firstdescent.estimation.unequal_noise import (
    fit_unequal,
    noise_step,
    unequal_nll,
    weighted_least_squares,
)

D = torch.float64
X = torch.tensor([0.0, 1, 2, 4, 7], dtype=D)
A = torch.stack([X, torch.ones_like(X)], dim=1)
Y = torch.tensor([1.0, 3, 2, 9, 4], dtype=D)


def test_refusals_name_the_shapes_and_dtypes_that_came():
    got = r"got A \(5, 2\) torch\.float64, y \(5,\), \(4,\) torch\.float32$"
    with pytest.raises(ValueError, match=got):
        weighted_least_squares(A, Y, torch.ones(4))
    with pytest.raises(ValueError, match=r"got \(5,\) and \(4,\)$"):
        unequal_nll(Y, Y[:4])
    with pytest.raises(
        ValueError, match=r"got \(3,\), \(4,\), \(5, 2\) torch\.float64$"
    ):
        noise_step(Y[:3], Y[:4], A)
    with pytest.raises(ValueError, match=r"like y, got \(5, 2\) torch\.float32$"):
        fit_unequal(A, Y, A.float())


def test_dots_are_as_large_as_their_weights_and_forty_points_in_the_mean():
    figure, weight = Figure(), torch.tensor([1.0, 2, 3, 4, 10], dtype=D)
    draw_weights(figure, 20 + X, Y, weight, torch.tensor([2.0, -1], dtype=D))
    (ax,) = figure.axes
    dots, (line,) = ax.collections[0], ax.lines
    assert_close(torch.as_tensor(dots.get_sizes()), 10 * weight)
    assert dots.get_offsets().tolist() == torch.stack([20 + X, Y], dim=1).tolist()
    assert dots.get_alpha() == 0.5
    assert line.get_xydata().tolist() == [[20, 39], [185, 369]]
    assert same_color(line.get_color(), "C1")
    assert ax.get_xlabel() == "area (m²)"
    assert ax.get_ylabel() == "price (thousand euros)"


def test_each_line_is_drawn_as_its_error():
    figure, truth = Figure(), torch.tensor([2.0, 10])
    fits = {"plain": torch.tensor([[2.0, 13], [3, 10]]), "weighted": truth[None]}
    draw_lines(figure, fits, truth)
    first, second = figure.axes
    errors = [line.get_xydata().tolist() for line in first.lines]
    assert errors == [[[20, 3], [185, 3]], [[20, 20], [185, 185]]]
    assert second.lines[0].get_xydata().tolist() == [[20, 0], [185, 0]]
    assert second.get_ylim() == first.get_ylim()
    assert second.get_xlim() == first.get_xlim()
    assert [ax.get_title() for ax in figure.axes] == ["plain", "weighted"]
    assert [ax.get_ylabel() for ax in figure.axes] == ["error (thousands)"] * 2
    assert [ax.get_xlabel() for ax in figure.axes] == ["", "area (m²)"]
    for line in (*first.lines, *second.lines):
        assert same_color(line.get_color(), "C0")
        assert (line.get_alpha(), line.get_linewidth()) == (0.4, 1)


def test_the_band_lies_around_the_mean_in_the_order_of_the_areas():
    figure, half = Figure(), torch.tensor([1.0, 2, 3, 4, 5], dtype=D)
    order = torch.tensor([3, 0, 4, 1, 2])
    draw_band(figure, X[order], Y[order], 2 * X[order], half[order])
    (ax,) = figure.axes
    dots, mean = ax.lines
    assert sorted(map(tuple, dots.get_xydata())) == list(zip(X, Y, strict=True))
    assert (dots.get_linestyle(), dots.get_marker()) == ("None", "o")
    assert dots.get_alpha() == 0.5
    assert mean.get_xydata().tolist() == [[x, 2 * x] for x in X.tolist()]
    (band,) = ax.collections
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    for x, h in zip(X.tolist(), half.tolist(), strict=True):
        assert {(x, 2 * x - h), (x, 2 * x + h)} <= corners
    assert band.get_alpha() == 0.2
    assert same_color(mean.get_color(), "C1")
    assert same_color(band.get_facecolor()[0][:3], "C1")
    assert ax.get_xlabel() == "area (m²)"
    assert ax.get_ylabel() == "price (thousand euros)"


def test_of_a_batch_each_step_has_its_own_length():
    r, ones = torch.stack([1e6 * Y, Y]), torch.ones(5, 1, dtype=D)
    phi = torch.zeros(2, 1, dtype=D)
    both = noise_step(phi, r, ones)
    for k in range(2):
        assert_close(both[k], noise_step(phi[k], r[k], ones))


def test_of_a_batch_each_fit_has_its_own_units_and_errors():
    S = torch.stack([A, A * A.new_tensor([1e200, 1])])
    fits = fit_unequal(A.expand(2, 5, 2), torch.stack([Y, 1e-14 * Y]), S)
    for k, unit in enumerate((1.0, 1e-14)):
        one = fit_unequal(A, unit * Y, S[k])
        assert_close(fits.theta[k] / unit, one.theta / unit, rtol=1e-6, atol=1e-6)
        assert_close(fits.phi_se[k] / one.phi_se, torch.ones(2, dtype=D))
    shrunk = fits.phi_se[1] * A.new_tensor([1e200, 1])
    assert_close(shrunk, fits.phi_se[0])


def test_noise_of_a_hundred_roundings_is_the_least():
    ones, eps = torch.ones(4, 1, dtype=D), torch.finfo(D).eps
    way = torch.tensor([1.0, -1, 1, -1], dtype=D) * eps
    assert fit_unequal(ones, 1 + 87 * way, ones).theta.isfinite()  # 100.5 roundings
    with pytest.raises(ValueError, match="100 roundings"):
        fit_unequal(ones, 1 + 86 * way, ones)


def test_only_the_lowest_of_three_panels_names_the_area():
    figure, truth = Figure(), torch.tensor([2.0, 10])
    draw_lines(figure, dict.fromkeys("abc", truth[None]), truth)
    assert [ax.get_xlabel() for ax in figure.axes] == ["", "", "area (m²)"]


def test_a_step_is_halved_until_the_likelihood_is_not_worse():
    S, r = torch.tensor([[-2.0], [2], [-1]], dtype=D), Y.new_tensor([-4.0, -8, -8])
    start, full = Y.new_zeros(1), 0.5  # the fit is 1.83: log sigma would move by 3.7
    losses = [unequal_nll(r, full / 2**k * S[:, 0]) for k in range(4)]
    old = unequal_nll(r, S[:, 0] * start)
    assert [bool(loss <= old) for loss in losses] == [False, False, False, True]
    assert_close(noise_step(start, r, S), Y.new_tensor([full / 8]))
