"""Sentences of the page that no block of it shows, and what its figures draw."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from numpy.testing import assert_allclose

from firstdescent.estimation.figures.priors_variance import (
    draw_beliefs,
    draw_curves,
    draw_outline,
)
from firstdescent.estimation.priors_variance import bias_variance
from firstdescent.regression.rank_deficiency import ridge


@pytest.fixture
def ax():
    yield plt.figure().gca()
    plt.close("all")


@pytest.fixture
def features():
    """The ten features of the page."""
    g = torch.Generator().manual_seed(8)
    common = torch.randn(30, 1, generator=g, dtype=torch.float64)
    return common + 0.1 * torch.randn(30, 10, generator=g, dtype=torch.float64)


def test_the_mean_error_over_the_prior_is_flat_around_the_ratio(features, page_says):
    page_says(r"the error is 2.11 at $\lambda = 4$, 2.17 at 12, and 2.47 at $\tfrac43$")
    for lam, shown in ((4, 2.11), (12, 2.17), (4 / 3, 2.47)):
        # w = V c with c_j^2 = tau^2 on average: add up the basis vectors' bias.
        basis = 0.5 * torch.eye(10).double()
        parts = [bias_variance(features, w, 1.0, lam) for w in basis]
        mean = sum(p[0] for p in parts) + parts[0][1]
        assert mean.item() == pytest.approx(shown, abs=0.005)


def test_even_weights_lie_almost_along_the_best_seen_direction(features):
    _, s, Vh = torch.linalg.svd(features, full_matrices=False)
    even = torch.full((10,), 0.5).double()
    turn = even * torch.tensor([1.0, -1.0]).repeat(5)
    assert (Vh[0] @ even).square() > 0.999 * even.square().sum()
    assert (Vh[0] @ turn).square() < 0.001 * turn.square().sum()
    assert s[0] ** 2 > 600 * s[1] ** 2


def total(features, w, lam):
    return sum(bias_variance(features, w, 1.0, lam)).item()


def test_far_out_along_the_best_seen_direction_the_total_still_wins(
    features, page_says
):
    page_says(
        "In total it loses when the bias outgrows the variance that it saves.",
        "(The total still wins if other directions save more.)",
    )
    _, s, Vh = torch.linalg.svd(features, full_matrices=False)
    plain = s.pow(-2).sum().item()
    assert total(features, 5 * Vh[0], 4.0) < 0.01 * plain  # 10 tau out
    along = (4 * 5 / (s[0] ** 2 + 4)) ** 2 + (s[0] / (s[0] ** 2 + 4)) ** 2
    assert along > 1 / s[0] ** 2  # though along it ridge has lost
    assert total(features, 5 * Vh[9], 4.0) < plain < total(features, 10 * Vh[9], 4.0)


def test_a_belief_far_too_wide_changes_little_and_one_too_narrow_can_lose(
    features, page_says
):
    page_says("One that is far too narrow can make it worse. One that is far too wide")
    plain = total(features, torch.zeros(10).double(), 0.0)
    small = torch.full((10,), 0.001).double()
    assert 0.99 * plain < total(features, small, 1e-4) < plain  # tau = 100
    turn = 5 * torch.tensor([1.0, -1.0]).repeat(5).double()
    assert total(features, turn, 4.0) > 4 * plain


def test_the_sum_for_weights_in_turn_is_a_plateau(features, page_says):
    page_says(r"from $\lambda = 2$ on the sum hardly changes")
    turn = 0.5 * torch.tensor([1.0, -1.0]).repeat(5).double()
    sums = [total(features, turn, lam) for lam in (2, 3, 5, 10, 30, 100, 1000)]
    assert max(sums) < 1.06 * min(sums)


def test_leaving_one_out_has_two_dips_and_the_distance_rises_slowly(
    features, page_says
):
    page_says("Leaving one out has two dips, the lower one near 0.2.")
    g = torch.Generator().manual_seed(5)
    w = 0.5 * torch.randn(10, generator=g, dtype=torch.float64)
    y = features @ w + torch.randn(30, generator=g, dtype=torch.float64)
    lams = torch.logspace(-2, 3, 61).tolist()
    errors, far = [], []
    for lam in lams:
        G = features.T @ features + lam * torch.eye(10)
        squares = 0
        for i in range(30):  # without row i
            a = features[i]
            fit = torch.linalg.solve(G - torch.outer(a, a), features.T @ y - y[i] * a)
            squares += (a @ fit - y[i]).item() ** 2
        errors.append(squares)
        far.append((ridge(features, y, lam) - w).norm().item() ** 2)
    dips = [k for k in range(1, 60) if errors[k] < min(errors[k - 1], errors[k + 1])]
    assert len(dips) == 2 and errors[dips[0]] < errors[dips[1]]
    assert 0.15 < lams[dips[0]] < 0.3
    best = min(range(61), key=far.__getitem__)
    assert 0.8 < lams[best] < 1.5
    assert far[0] > 30 * far[best]  # steep on the left
    assert far[-1] < 2.5 * far[best] and far[best:] == sorted(far[best:])


def test_predictions_gain_from_a_small_penalty_too(features):
    s = torch.linalg.svdvals(features)
    for lam in (1e-6, 1e-4):
        w = torch.full((10,), 0.5).double()
        M = torch.linalg.solve(features.T @ features + lam * torch.eye(10), features.T)
        error = (features @ (M @ features @ w - w)).norm() ** 2 + (
            features @ M
        ).norm() ** 2
        slope = (error.item() - 10) / lam  # least squares: sigma^2 for each weight
        expected = -2 * s.pow(-2).sum().item()
        assert slope == pytest.approx(expected, rel=0.01)


def test_the_fixed_weights_of_the_coverage_lie_where_the_page_says():
    bad = torch.tensor([1.0, -1.0]) / math.sqrt(2)  # of two standardised columns
    pair = torch.tensor([20.0, -20.0])
    assert (pair @ bad).item() / 10 == pytest.approx(2.8, abs=0.05)


def test_an_outline_holds_95_percent(ax):
    cov = torch.tensor([[4.0, -1.5], [-1.5, 1.0]]).double()
    mean = torch.tensor([1.0, 2.0]).double()
    draw_outline(ax, mean, cov, "C0", "-")
    points = torch.from_numpy(ax.lines[0].get_xydata()) - mean
    radius = (points @ torch.linalg.inv(cov) * points).sum(dim=1)
    g = torch.Generator().manual_seed(0)
    draws = torch.randn(100_000, 2, generator=g).double().square().sum(dim=1)
    for r in radius:
        assert (draws <= r).double().mean().item() == pytest.approx(0.95, abs=0.003)


def test_the_beliefs_are_three_outlines_a_path_and_a_star(ax):
    one = torch.eye(2).double()
    path = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    gaussians = [(k * one[0], one) for k in range(3)]
    draw_beliefs(ax, gaussians, path, torch.tensor([3.0, 4.0]))
    assert len(ax.lines) == 5
    names = {text.get_text() for text in ax.texts}
    assert {"truth", "narrow τ", "wide τ"} <= names
    assert_allclose(ax.lines[3].get_xydata(), path)
    assert_allclose(ax.lines[4].get_xydata(), [[3, 4]])


def test_the_curves_are_bias_variance_and_their_sum(ax):
    errors = torch.tensor([[0.0, 5.0], [1.0, 1.0], [4.0, 0.5]])
    draw_curves(ax, [0.1, 1.0, 10.0], errors, 1.0)
    assert_allclose(ax.lines[0].get_ydata(), [0, 1, 4])
    assert_allclose(ax.lines[1].get_ydata(), [5, 1, 0.5])
    assert_allclose(ax.lines[2].get_ydata(), [5, 2, 4.5])
    assert_allclose(ax.lines[3].get_xydata(), [[1, 2]])
