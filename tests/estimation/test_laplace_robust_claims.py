"""Sentences of the page that no block shows: fractions, integrals, long runs."""

import math
from fractions import Fraction

import pytest
import torch

from firstdescent.estimation.laplace_robust import (
    laplace_noise,
    subgradient_path,
    through_points,
)

D = torch.float64
FIVE = [1, 2, 4, 9, 30]


def sign(v):
    return (v > 0) - (v < 0)


def test_five_numbers_bounce_for_ever(page_says):
    page_says("It goes to and fro between 3.9 and 4.1, for ever.")
    b, seen = Fraction(1, 2), []
    while b not in seen:
        seen.append(b)
        b -= Fraction(sum(sign(b - v) for v in FIVE), 5)  # lr 1
    cycle = seen[seen.index(b) :]
    assert sorted(cycle) == [Fraction(39, 10), Fraction(41, 10)]


def test_a_path_that_hits_the_median_stops(page_says):
    page_says("A path that hits 4 exactly stops there")
    path = subgradient_path(torch.tensor(FIVE, dtype=D), 5.0, 5.0, 4)
    assert path.tolist() == [5.0, 4.0, 4.0, 4.0, 4.0]


def test_any_start_ends_within_a_step_of_the_kink(page_says):
    page_says("So their mean is at most 0.1 from it")
    y = torch.tensor(FIVE, dtype=D)
    for start in torch.linspace(0, 8, 37).tolist():
        before, after = subgradient_path(y, start + 0.0123, 1.0, 200)[-2:].tolist()
        low, high = sorted((before, after))
        assert low < 4 < high and math.isclose(high - low, 0.2, abs_tol=1e-9)
        assert abs((low + high) / 2 - 4) <= 0.1


def test_the_tutorials_line_comes_back_after_two_steps(page_says):
    page_says(
        "the line after 171 steps is *exactly* that after 169",
        "all 40 residuals are positive, in the other all are negative",
    )
    w, b, lr = Fraction("0.3367"), Fraction("0.1288"), Fraction("0.01")
    states, signs = [], []
    for _ in range(172):
        states.append((w, b))
        signs.append(
            [
                sign((w - Fraction("0.7")) * i / 50 + b - Fraction("0.3"))
                for i in range(40)
            ]
        )
        w -= lr * sum(s * Fraction(i, 50) for i, s in enumerate(signs[-1])) / 40
        b -= lr * Fraction(sum(signs[-1]), 40)
    assert states[171] == states[169] and len(set(states)) == 171
    assert {tuple(signs[169]), tuple(signs[170])} == {(1,) * 40, (-1,) * 40}
    assert all(0 not in row for row in signs)  # so no sign hangs on rounding


@pytest.mark.parametrize(("times", "bounces"), [(1.9, False), (2.1, True)])
def test_a_short_huber_needs_a_short_lr(times, bounces):
    # One number, 0: the slope is r / delta near it, the curvature 1 / delta.
    delta, b = 0.1, 0.01
    for _ in range(200):
        b -= times * delta * max(-1, min(1, b / delta))
    assert (abs(b) > 0.01) == bounces


def test_a_small_delta_does_not_move_the_minimum_here():
    b = torch.linspace(0, 12, 4801, dtype=D)
    r = b[:, None] - torch.tensor(FIVE, dtype=D)
    for delta, expected in ((1, 4.0), (5, 5.25), (20, 9.0), (100, 9.2)):
        slope = r.clamp(-delta, delta).sum(dim=1)  # of Huber's sum
        assert abs(b[slope.abs().argmin()].item() - expected) < 1e-9


def test_decay_goes_on_working(page_says):
    page_says("Decay works on both, and goes on working if you wait.")
    x = torch.arange(40, dtype=D) / 50
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    theta, y, after = A.new_tensor([0.3367, 0.1288]), 0.7 * x + 0.3, {}
    for k in range(20_001):
        r = A @ theta - y
        after[k] = r.abs().mean().item()
        theta = theta - 0.1 / (1 + k / 50) * (r.sign()[:, None] * A).mean(dim=0)
    assert max(after[k] for k in range(19_900, 20_001)) < 0.2 * after[1000]


def tutorial(noise=0.0, seed=0):
    x = torch.arange(40, dtype=D) / 50
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    y = 0.7 * x + 0.3
    if noise:
        y = y + laplace_noise(40, noise, torch.Generator().manual_seed(seed))
    return A, y


def full_batch(A, y, lr, start=(0.3367, 0.1288), steps=1000):
    theta, path = A.new_tensor(start), []
    for _ in range(steps):
        theta = theta - lr * ((A @ theta - y).sign()[:, None] * A).mean(dim=0)
        path.append(theta)
    return torch.stack(path)


def test_decay_goes_on_working_with_batches():
    g = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(31, generator=g, dtype=D) - 1
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    y = 2 * x + 1 + laplace_noise(31, 0.5, g)
    least = (A @ through_points(A, y)[0] - y).abs().mean()
    theta, excess = A.new_tensor([0.3367, 0.1288]).expand(30, 2), {}
    for k in range(5001):
        i = torch.randint(31, (30, 5), generator=g)
        r = (A[i] @ theta[..., None])[..., 0] - y[i]
        theta = theta - 0.1 / (1 + k / 50) * (r.sign()[..., None] * A[i]).mean(dim=1)
        if k in (1000, 5000):
            excess[k] = ((theta @ A.T - y).abs().mean() - least).item()
    assert 0 < excess[5000] < 0.4 * excess[1000]


def test_averaging_takes_away_a_part_of_the_bounce(page_says):
    page_says("and only a part of the bounce", "It is the mean over the last two steps")
    A, y = tutorial()
    g = torch.Generator().manual_seed(0)
    for shift in 1e-3 * (2 * torch.rand(20, 2, generator=g, dtype=D) - 1):
        start = (0.3367 + shift[0].item(), 0.1288 + shift[1].item())
        path = full_batch(A, y, 0.1, start)
        two = (path[-2:] @ A.T - y).abs().mean().item()
        mean = (A @ path[500:].mean(dim=0) - y).abs().mean().item()
        assert 0.01 < mean < 0.9 * two


def test_noise_beside_the_step_decides_how_large_the_bounce_is(page_says):
    page_says("because the noise, here none, is small beside one step")
    after = {}
    for lr in (0.1, 0.01):
        for noise in (0.0, 0.01):
            A, y = tutorial(noise, seed=1)
            least = 0.0
            if noise:
                least = (A @ through_points(A, y)[0] - y).abs().mean().item()
            path = full_batch(A, y, lr, steps=2000)[-100:]
            after[lr, noise] = (path @ A.T - y).abs().mean(dim=1).max().item() - least
    assert after[0.1, 0.01] > 0.5 * after[0.1, 0.0] > 0.03
    assert after[0.01, 0.01] < 0.1 * after[0.01, 0.0]


def test_steps_on_a_squared_loss_shrink_only_below_two_over_the_curvature(page_says):
    page_says("at an lr below 2 over the largest curvature")
    for lr, last in ((1.9, 0.0), (2.0, 1.0)):  # half the square of e: curvature 1
        e = 1.0
        for _ in range(400):
            e -= lr * e
        assert abs(abs(e) - last) < 1e-9


def test_the_slope_of_least_absolute_error_scatters_less_over_many_tables(page_says):
    page_says("its slope scatters by 0.23, that of least $|r|$ by 0.20")
    g = torch.Generator().manual_seed(0)
    laplace_noise(100_000, 3.0, g)
    x = 2 * torch.rand(31, generator=g, dtype=D) - 1  # the x of the page
    exact = math.sqrt(2) * 0.5 / (x - x.mean()).norm().item()
    assert round(exact, 2) == 0.23
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    i = torch.combinations(torch.arange(31))  # all pairs
    slopes = []
    for noise in laplace_noise(31 * 1500, 0.5, g).view(1500, 31):
        y = 2 * x + 1 + noise
        lines = torch.linalg.solve(A[i], y[i])
        slopes.append(lines[(lines @ A.T - y).abs().sum(dim=1).argmin(), 0].item())
    assert abs(torch.tensor(slopes).std() - 0.20) < 0.01


def test_if_all_x_are_equal_there_is_no_best_line_through_two_points(page_says):
    page_says("passes through two of the points (unless all $x$ are equal)")
    with pytest.raises(torch.linalg.LinAlgError):
        through_points(torch.ones(5, 2, dtype=D), torch.tensor(FIVE, dtype=D))


def test_laplace_noise_comes_55_times_as_often_beyond_four_sd(page_says):
    page_says(
        "four standard deviations 55 times as often", r"$|r| > t$ is $e^{-t/\beta}$"
    )
    chances = math.exp(-4 * math.sqrt(2)), math.erfc(4 / math.sqrt(2))
    assert round(chances[0] / chances[1]) == 55


def test_the_height_at_the_median_decides_and_not_a_sharp_peak(page_says):
    page_says(r"the median is better exactly if $4 f(m)^2 \sigma^2 > 1$")
    g = torch.Generator().manual_seed(0)
    u, v = torch.rand(2, 3000, 1001, generator=g, dtype=D)
    wide = torch.rand(3000, 1001, generator=g) < 0.1
    flat = (2 * u - 1) * torch.where(wide, 10.0, 1.0)
    for z, height, variance in (
        (u + v - 1, 1.0, 1 / 6),  # a triangle: a peak, and the mean is better
        (flat, 0.9 / 2 + 0.1 / 20, (0.9 + 0.1 * 100) / 3),  # no peak: the median
    ):
        mean = z.mean(dim=1).var().item()
        median = z.median(dim=1).values.var().item()
        assert (median < mean) == (4 * height**2 * variance > 1)
        assert abs(1001 * median * 4 * height**2 - 1) < 0.12
        assert abs(1001 * mean / variance - 1) < 0.12


def test_a_quantile_line_needs_a_column_of_ones(page_says):
    page_says("With features and a column of ones")
    g = torch.Generator().manual_seed(0)
    x = torch.rand(1001, generator=g, dtype=D)
    y = 5 + laplace_noise(1001, 1.0, g)
    slopes = y / x  # without a constant the best w is one of these
    r = y - slopes[:, None] * x
    w = slopes[torch.maximum(0.9 * r, -0.1 * r).sum(dim=1).argmin()]
    assert (y < w * x).double().mean() < 0.75


def median_variance(density, below, n):
    """n times the variance of the middle of n draws, by an integral."""
    m = n // 2
    z = torch.linspace(-12, 12, 200_001, dtype=D)
    F = below(z)
    log_count = math.lgamma(n + 1) - 2 * math.lgamma(m + 1)
    f = (log_count + m * (F.log() + (1 - F).log())).exp() * density(z)
    assert math.isclose(torch.trapezoid(f, z).item(), 1, rel_tol=1e-6)
    return n * torch.trapezoid(z**2 * f, z).item()


SHOWN = {
    ("normal", 11): (1.02, 1.54),
    ("Laplace", 11): (2.01, 1.46),
    ("normal", 101): (0.98, 1.54),
    ("Laplace", 101): (1.99, 1.15),
    ("normal", 1001): (1.00, 1.60),
    ("Laplace", 1001): (1.98, 1.00),
}


@pytest.mark.parametrize(("name", "n"), SHOWN)
def test_the_scatter_on_the_page_is_that_of_an_integral(name, n, page_says):
    mean, median = SHOWN[name, n]
    page_says(f"{n} {name} {mean:.2f} {median:.2f}")
    law = getattr(torch.distributions, name.capitalize())
    law = law(torch.zeros((), dtype=D), 1.0)
    exact = median_variance(
        lambda z: law.log_prob(z).exp(),
        lambda z: law.cdf(z).clamp(1e-300, 1 - 1e-16),
        n,
    )
    four_errors = 4 * math.sqrt(2 / 4000)  # of a variance from 4000 tables
    assert abs(median / exact - 1) < four_errors
    assert abs(mean / law.variance.item() - 1) < 1.5 * four_errors  # long tails
    limit = {"normal": math.pi / 2, "Laplace": 1}[name]
    assert abs(exact / limit - 1) < {11: 0.6, 101: 0.2, 1001: 0.06}[n]


def test_averages_and_huber_cure_what_the_page_says_under_other_seeds(page_says):
    page_says(
        "The noise of small batches it does not heal.",
        "Averaging takes away most of that noise",
    )
    for seed in range(3):
        g = torch.Generator().manual_seed(seed)
        x = 2 * torch.rand(31, generator=g, dtype=D) - 1
        A = torch.stack([x, torch.ones_like(x)], dim=1)
        y = 2 * x + 1 + laplace_noise(31, 0.5, g)
        ends = {}
        for name, width in (("sign", 1e-12), ("Huber", 0.1)):
            theta, tail = A.new_tensor([2.0, 1]).expand(60, 2), []
            for _ in range(600):
                i = torch.randint(31, (60, 5), generator=g)
                r = (A[i] @ theta[..., None])[..., 0] - y[i]
                slope = (r / width).clamp(-1, 1)
                theta = theta - 0.1 * (slope[..., None] * A[i]).mean(dim=1)
                tail.append(theta)
            for kind, t in (("last", theta), ("mean", torch.stack(tail[200:]).mean(0))):
                ends[name, kind] = (t @ A.T - y).abs().mean().item()
        least = (A @ through_points(A, y)[0] - y).abs().mean().item()
        noise = ends["sign", "last"] - least
        assert ends["sign", "mean"] - least < 0.5 * noise
        assert ends["Huber", "last"] - least > 0.5 * noise
