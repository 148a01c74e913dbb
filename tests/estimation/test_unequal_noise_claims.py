"""Sentences of the page that none of its blocks shows."""

import math

import pytest
import torch
from torch.testing import assert_close

from firstdescent.estimation.unequal_noise import fit_unequal, weighted_least_squares
from firstdescent.regression.coefficients import coef_table, t_quantile, with_ones
from firstdescent.regression.house_prices import make_houses


def market(n, times, seed):
    g = torch.Generator().manual_seed(seed)
    area = make_houses(n, g)[0][:, 2]
    sigma = 20 * (area / 100) ** 1.5
    noise = torch.randn(times, n, generator=g, dtype=torch.float64)
    return area, sigma, 40 + 2.6 * area + sigma * noise


def test_with_50_houses_the_interval_of_the_constant_is_right_too_rarely(page_says):
    page_says(
        "In 1000 tables of 50 houses (25 sets of areas",
        "the constant held the truth in about 92 %",
    )
    shares = []
    for seed in range(25):
        area, _, y = market(50, 40, seed)
        S = with_ones((area / 100).log()[:, None])
        fit = fit_unequal(with_ones(area[:, None]), y, S)
        off = (fit.theta[:, 1] - 40).abs()
        shares.append((off <= t_quantile(0.975, 48) * fit.theta_se[:, 1]).double())
    assert 0.9 < torch.cat(shares).mean() < 0.94


def test_doubled_noise_doubles_no_error_of_phi():
    area, _, y = market(60, 1, seed=1)
    A, S = with_ones(area[:, None]), with_ones((area / 100).log()[:, None])
    line = 40 + 2.6 * area
    quiet, loud = (fit_unequal(A, line + c * (y[0] - line), S) for c in (1, 2))
    assert_close(quiet.phi_se, loud.phi_se)
    assert_close(loud.theta_se, 2 * quiet.theta_se, rtol=1e-6, atol=0)


def test_noise_at_100_and_200_square_metres(page_says):
    page_says("20 thousand euros at 100 m², and of 57 at 200 m²")
    assert round(20 * 2**1.5) == 57


def test_if_the_mean_is_bent_the_two_fits_differ_for_ever(page_says):
    page_says("plain and weighted fits differ however many rows you have")
    area, sigma, _ = market(20_000, 1, seed=2)
    A, y = with_ones(area[:, None]), 0.01 * area**2  # no noise at all
    plain = coef_table(A, y).estimate[0]
    weighted = weighted_least_squares(A, y, sigma**-2).estimate[0]
    assert plain - weighted > 0.2


def test_two_sigma_hold_95_percent_of_normal_noise(page_says):
    page_says("95.4 % of prices should lie within")
    assert round(math.erf(2 / math.sqrt(2)), 3) == 0.954


def test_a_million_times_smaller_sigma_gains_28_nats_for_two_rows(page_says):
    page_says(r"$2 \log 10^6 = 27.6$ nats")
    assert round(2 * math.log(1e6), 1) == 27.6
    assert round(math.exp(0.2**2 / 2), 2) == 1.02


def test_noise_of_one_and_a_half_loses_at_most_8_4_percent(page_says):
    page_says("the bound is 1.17. Its root is 1.083.", "at most 8.4 % longer")
    root = (1.5 + 1 / 1.5) / 2
    assert (round(root**2, 2), round(root, 3)) == (1.17, 1.083)
    assert 1.083 < root < 1.084


def test_too_strong_weights_leave_five_houses_two_thirds(page_says):
    page_says("five of the hundred houses have two thirds of the weight")
    _, sigma, _ = market(100, 1, seed=0)  # the page's houses
    weight = (sigma**-3).sort(descending=True).values
    assert 0.63 < weight[:5].sum() / weight.sum() < 0.7


def test_with_three_houses_k_and_log_c_are_too_many(page_says):
    page_says(r"With a handful of rows even $k$ and $\log c$ are too many")
    for seed in range(4):
        area, _, y = market(3, 1, seed)
        S = with_ones((area / 100).log()[:, None])
        with pytest.raises(ValueError, match="may be falling to 0"):
            fit_unequal(with_ones(area[:, None]), y[0], S)


def test_a_price_with_an_extra_zero_does_not_stop_the_fit():
    for seed in range(8):
        area, _, y = market(100, 1, seed)
        y[0, 0] *= 10
        S = with_ones((area / 100).log()[:, None])
        assert fit_unequal(with_ones(area[:, None]), y[0], S).theta.isfinite().all()
