"""What the page says of simulated markets, with other seeds; and its drawings."""

import math

import mpmath
import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from torch import Generator
from torch.distributions import StudentT

from firstdescent.regression.coefficients import (
    coef_table,
    fit_matrix,
    t_quantile,
    with_ones,
)
from firstdescent.regression.figures.coefficients import draw_cloud, draw_sticks
from firstdescent.regression.house_prices import make_houses, standardise

D = torch.float64
TRUTH = torch.tensor([10.0, 15, 2, 40], dtype=D)


def seeded(seed: int = 1) -> Generator:
    return Generator().manual_seed(seed)


def tables(n: int, times: int, seed: int = 1):
    X, y = make_houses(n * times, seeded(seed))
    return coef_table(with_ones(X.reshape(times, n, 3)), y.reshape(times, n))


def share(hits) -> float:
    return hits.double().mean().item()


def test_the_unit_of_a_coefficient_follows_the_feature():
    X, y = make_houses(30, seeded())
    metres = coef_table(with_ones(X), y)
    feet = coef_table(with_ones(X * X.new_tensor([1, 1, 10.764])), y)
    torch.testing.assert_close(feet.estimate[2] * 10.764, metres.estimate[2])
    torch.testing.assert_close(feet.se[2] * 10.764, metres.se[2])


def test_without_the_area_a_bedroom_brings_its_25_square_metres():
    X, y = make_houses(50_000, seeded())
    one = coef_table(with_ones(X[:, :2]), y)
    assert abs(one.estimate[0] - (10 + 25 * 2)) < 5 * one.se[0]
    # With nothing held: 50 for the area, and 15 for each bathroom that comes along.
    baths = coef_table(with_ones(X[:, :1]), X[:, 1]).estimate[0]
    assert abs(baths - 0.5) < 0.03
    alone = coef_table(with_ones(X[:, :1]), y)
    assert abs(alone.estimate[0] - (60 + 15 * baths)) < 5 * alone.se[0]


def test_bedrooms_and_area_correlate_with_095():
    X, _ = make_houses(100_000, seeded())
    assert abs(torch.corrcoef(X.T)[0, 2] - 0.95) < 0.005


def worlds_of(n, times, seed=0):
    """Fits of one table of n houses, sold in many worlds."""
    X = make_houses(n, seeded(2))[0]
    noise = torch.randn(times, n, generator=seeded(seed), dtype=D)
    return coef_table(with_ones(X), with_ones(X) @ TRUTH + 20 * noise)


def chance_within(t, df):
    """The chance that Student's distribution lies within -t and t."""
    return 1 - float(
        mpmath.betainc(df / 2, 0.5, 0, df / (df + t * t), regularized=True)
    )


@pytest.mark.parametrize(("n", "short"), [(8, 0.878), (20, 0.932), (100, 0.947)])
def test_coverage_falls_short_with_the_normal_quantile_and_not_with_students(n, short):
    assert round(chance_within(1.96, n - 4), 3) == short
    fit = worlds_of(n, 20_000)
    gap = (fit.estimate - TRUTH).abs() / fit.se
    # Four standard errors of a share of 20 000.
    assert abs(share(gap[:, 0] <= 1.96) - short) < 0.01
    assert abs(share(gap[:, 0] <= t_quantile(0.975, n - 4)) - 0.95) < 0.007


def test_of_normal_noise_the_root_of_the_variance_is_6_percent_too_small():
    # The mean of the square root of a chi-square variable with 4 degrees of freedom.
    exact = math.gamma(2.5) / math.gamma(2) * math.sqrt(2) / 2
    assert round(1 - exact, 2) == 0.06
    fit = worlds_of(8, 20_000)
    assert abs(fit.sigma.mean() / 20 - exact) < 0.01
    assert abs(fit.sigma.square().mean() / 400 - 1) < 0.025


def test_the_shortest_quarter_of_intervals_misses_about_one_time_in_six():
    # Given the chi-square c, the estimate is within t * sqrt(c / 4) normal errors.
    # For 4 degrees of freedom P(chi-square > c) is (1 + c / 2) exp(-c / 2).
    c = torch.linspace(0, 60, 600_001, dtype=D)
    density = c / 4 * torch.exp(-c / 2)
    inside = torch.erf(t_quantile(0.975, 4) * (c / 4).sqrt() / 2**0.5)
    below = 1 - (1 + c / 2) * torch.exp(-c / 2)
    exact = [
        torch.trapezoid(
            (density * inside)[(below >= low) & (below <= low + 0.25)], dx=1e-4
        )
        * 4
        for low in (0, 0.25, 0.5, 0.75)
    ]
    expected = torch.tensor([0.8326, 0.9726, 0.9951, 0.9997], dtype=D)
    torch.testing.assert_close(torch.stack(exact), expected, rtol=0, atol=2e-4)
    fit = worlds_of(8, 20_000)
    hit = (fit.estimate - TRUTH).abs()[:, 0] <= t_quantile(0.975, 4) * fit.se[:, 0]
    quarters = [share(part) for part in hit[fit.sigma.argsort()].chunk(4)]
    # Four standard errors of a share of 5000.
    assert abs(quarters[0] - 0.833) < 0.022 and quarters[3] > 0.998


def test_torch_has_no_quantile_of_students_distribution():
    with pytest.raises(NotImplementedError):
        StudentT(torch.tensor(4.0)).icdf(torch.tensor(0.975))


def test_about_one_table_of_20_in_five_has_a_negative_bedroom():
    for n, expected in ((20, 0.19), (40, 0.105), (100, 0.02)):
        bedrooms = tables(n, 1500).estimate[:, 0]
        # Four standard errors of a share near one in five.
        assert abs(share(bedrooms < 0) - expected) < 0.04
        assert abs(bedrooms.mean() - 10) < 4 * bedrooms.std() / 1500**0.5


def test_the_sum_is_surer_than_either_part_and_the_usual_house_than_the_odd():
    w = tables(20, 1000).estimate
    total = (w[:, 0] + 25 * w[:, 2]).std()
    assert total < 0.7 * w[:, 0].std() and total < 0.7 * 25 * w[:, 2].std()
    usual, odd = w.new_tensor([3, 2, 105, 1]), w.new_tensor([5, 2, 60, 1])
    assert (w @ odd).std() > 6 * (w @ usual).std()
    # The usual house is nearly as sure as a mean of 20 prices.
    assert (w @ usual).std() < 1.3 * 20 / 20**0.5


def test_the_error_in_tables_of_20_is_that_of_17_rows_and_what_uneven_tables_add():
    X, _ = make_houses(20 * 4000, seeded())
    new = 1 / fit_matrix(with_ones(X.reshape(4000, 20, 3)))[:, 0].square().sum(dim=-1)
    # A residual variance per house: |e|^2 over the rows, in one very large table.
    market = 1 / fit_matrix(with_ones(X))[0].square().sum() / len(X)
    assert abs(20 / (20 * market).sqrt() - 10.8) < 0.15
    # The other three columns leave 17/20 on average,
    assert abs(new.mean() / (20 * market) - 17 / 20) < 0.02
    assert abs(20 / new.mean().sqrt() - 11.7) < 0.2
    # and the mean of 1/|e|^2 is more than one over the mean.
    assert abs(20 * (1 / new).mean().sqrt() - 12.44) < 0.2


def the_readers_table():
    X, y = make_houses(20, seeded(17))
    return X, with_ones(X), y


def test_the_twenty_houses_hold_no_pair_that_differs_in_bedrooms_only():
    X, _, _ = the_readers_table()
    rest = [tuple(row) for row in X[:, 1:].tolist()]
    pairs = [(i, k) for i in range(20) for k in range(i) if rest[i] == rest[k]]
    assert all(X[i, 0] == X[k, 0] for i, k in pairs)


def test_that_table_says_10_point_8_by_chance_and_13_with_the_true_noise():
    _, A, y = the_readers_table()
    fit = coef_table(A, y)
    true = 20 * torch.linalg.inv(A.T @ A)[0, 0].sqrt()
    assert round(fit.se[0].item(), 1) == 10.8 and round(true.item(), 1) == 13.0
    assert fit.sigma < 20 * 0.9


def test_a_negative_correlation_leaves_the_difference_sure():
    z = torch.randn(2, 400, generator=seeded(), dtype=D)
    for sign in (1, -1):
        A = with_ones(torch.stack([z[0], sign * z[0] + 0.2 * z[1]], dim=1))
        cov = torch.linalg.inv(A.T @ A)
        along, across = (
            cov[0, 0] + cov[1, 1] + 2 * s * cov[0, 1] for s in (sign, -sign)
        )
        assert along < cov[0, 0] / 10 and across > cov[0, 0]


def test_t_values_survive_scaling_except_for_the_constant():
    X, y = make_houses(50, seeded())
    raw = coef_table(with_ones(X), y)
    scaled = coef_table(with_ones(standardise(X)[0]), y)
    t_raw, t_scaled = raw.estimate / raw.se, scaled.estimate / scaled.se
    torch.testing.assert_close(t_raw[:3], t_scaled[:3])
    assert abs(t_raw[3] - t_scaled[3]) > 1
    std = X.std(dim=0, correction=0)
    torch.testing.assert_close(scaled.estimate[:3], raw.estimate[:3] * std)


def test_a_narrow_range_of_areas_shrinks_the_scaled_coefficient_only():
    X, y = make_houses(50_000, seeded())
    rows = (X[:, 2] - 105).abs() < 10
    narrow = coef_table(with_ones(X[rows]), y[rows])
    assert ((narrow.estimate - TRUTH).abs() < 4 * narrow.se).all()
    scaled = coef_table(with_ones(standardise(X[rows])[0]), y[rows])
    assert scaled.estimate[2] < 75 / 5


def test_the_sticks_are_the_intervals_and_the_misses_stand_out():
    ax = Figure().subplots()
    middles, halves = torch.tensor([12.0, 30.0, 9.0]), torch.tensor([3.0, 5.0, 0.5])
    draw_sticks(ax, middles, halves, truth=10)
    check_sticks(ax, [[9, 15], [25, 35], [8.5, 9.5]], [12, 30, 9], 10)
    missed = [same_color(stick.get_color(), "C1") for stick in ax.lines[:-1]]
    assert missed == [False, False, True, True, True, True]
    assert ax.get_xlabel() == "world"
    assert ax.get_ylabel() == "thousand euros per bedroom"


def check_sticks(ax, ends, middles, truth):
    *lines, line = ax.lines
    for world, (stick, dot) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
        assert list(stick.get_ydata()) == ends[world]
        assert set(stick.get_xdata()) == set(dot.get_xdata()) == {world + 1}
        assert list(dot.get_ydata()) == [middles[world]]
        assert same_color(stick.get_color(), dot.get_color())
    assert set(line.get_ydata()) == {truth}
    label = ax.texts[0]
    assert label.get_text() == "truth" and label.get_position()[1] == truth
    assert same_color(label.get_color(), line.get_color())


def test_the_sticks_are_drawn_around_another_truth_too():
    ax = Figure().subplots()
    draw_sticks(ax, torch.tensor([12.0, -3]), torch.tensor([1.0, 4]), truth=-5)
    check_sticks(ax, [[11, 13], [-7, 1]], [12, -3], -5)
    missed = [same_color(stick.get_color(), "C1") for stick in ax.lines[:-1:2]]
    assert missed == [True, False]


def test_the_cloud_has_a_dot_for_each_fit_and_a_line_where_the_sum_is_60():
    ax = Figure().subplots()
    w = torch.tensor([[12.0, 0, 1.9, 0], [-5, 0, 2.6, 0], [0, 0, 2.4, 0]])
    draw_cloud(ax, w)
    usual, negative, line, star = ax.lines
    assert list(usual.get_ydata()) == [12, 0] and list(negative.get_ydata()) == [-5]
    assert usual.get_xdata().tolist() == w[[0, 2], 2].tolist()
    assert negative.get_xdata().tolist() == w[[1], 2].tolist()
    for area, bedrooms in zip(line.get_xdata(), line.get_ydata(), strict=True):
        assert bedrooms + 25 * area == 60
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (2, 10)
    assert ax.get_xlabel() == "coefficient of area"
    assert ax.get_ylabel() == "coefficient of bedrooms"
    # Each text has the colour of what it names; the dots have different ones.
    on_line, below = ax.texts
    assert on_line.get_text() == "bedrooms + 25 area = 60"
    assert same_color(on_line.get_color(), line.get_color())
    assert below.get_text() == "bedrooms below 0"
    assert same_color(below.get_color(), negative.get_color())
    assert same_color(negative.get_color(), "C1")
    assert same_color(usual.get_color(), "C0")


def test_the_mean_interval_holds_a_sale_in_35_to_45_percent_of_cases(page_says):
    page_says("Nine of ten other tables of 20 give 35 to 45 %")
    shares, x = [], torch.tensor([3.0, 2, 105, 1], dtype=torch.float64)
    t = t_quantile(0.975, 16)
    for seed in range(200):
        generator = torch.Generator().manual_seed(seed)
        A = with_ones(make_houses(20, generator)[0])
        noise = 20 * torch.randn(2000, 21, generator=generator, dtype=A.dtype)
        fits = coef_table(A, noise[:, :20])  # the truth is 0
        half = t * fits.sigma * (x @ fit_matrix(A)).norm()
        shares.append(
            ((fits.estimate @ x - noise[:, 20]).abs() <= half).double().mean()
        )
    inside = sum(0.345 < share < 0.455 for share in shares)
    assert 0.86 < inside / 200 < 0.97
