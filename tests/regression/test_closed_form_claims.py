"""What the page says of costs, of steps and of SGD, counted and simulated."""

import math

import pytest
import torch
from matplotlib.figure import Figure
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from firstdescent.regression.closed_form import gram, normal_equations
from firstdescent.regression.figures.closed_form import (
    draw_excess,
    draw_passes,
    draw_projection,
)
from firstdescent.regression.house_prices import make_houses
from firstdescent.tools.autograd_deeper import conjugate_gradient


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def operations_of_cholesky(p):
    """Count multiplications, additions, divisions and roots, entry by entry."""
    count = 0
    for column in range(p):
        for _row in range(column, p):
            count += 2 * column + 1
    return count


def in_steps(n, p):
    """The cost of the formula in steps of gradient descent, nothing left out."""
    cost = 2 * n * (p + 1) ** 2 + operations_of_cholesky(p) + 2 * p**2
    return cost / (4 * n * p)


def with_kappa(kappa, p):
    generator, n = seeded(), 10 * p
    size = {"generator": generator, "dtype": torch.float64}
    Q = torch.linalg.qr(torch.randn(n, p, **size))[0]
    V = torch.linalg.qr(torch.randn(p, p, **size))[0]
    curvature = torch.logspace(0, math.log10(kappa), p, dtype=Q.dtype)
    return Q * (n * curvature).sqrt() @ V.T


def test_the_counted_operations_of_gram_and_of_a_step():
    A, y = torch.randn(30, 7, generator=seeded()), torch.zeros(30)
    with FlopCounterMode(display=False) as counter:
        gram(A, y)
    assert counter.get_total_flops() == 2 * 30 * 8**2
    with FlopCounterMode(display=False) as counter:
        A.T @ (A @ torch.ones(7, 1) - y[:, None])
    assert counter.get_total_flops() == 4 * 30 * 7


def test_the_factorisation_takes_a_third_of_the_cube():
    assert operations_of_cholesky(3) == 3 * 1 + 2 * 3 + 1 * 5
    assert_close(operations_of_cholesky(600) / 600**3, 1 / 3, rtol=5e-3, atol=0)


def test_the_formula_costs_half_p_plus_one_to_seven_twelfths_p_plus_two(page_says):
    page_says(
        r"\frac{2n(p+1)^2 + p^3/3 + 2p^2}{4np} \approx"
        r" \frac{p}{2} + 1 + \frac{p^2}{12\,n}",
        "$p/2 + 1$ to $7p/12 + 2$ steps",
    )
    for p in (2, 3, 4, 10, 100, 400):
        for n in (p, 2 * p, 10 * p, 1000 * p):
            assert p / 2 + 1 <= in_steps(n, p) <= 7 * p / 12 + 2
            assert abs(in_steps(n, p) - (p / 2 + 1 + p**2 / (12 * n))) < 1
    assert 3 <= in_steps(200, 4) < 3.3  # the houses


def test_the_formula_has_lost_at_140_columns_and_not_at_10000(page_says):
    page_says(
        "cost gradient descent 138 passes, so with more than about 140 columns",
        r"With $\kappa = 1000$ it is still cheaper at 10,000 columns",
    )
    for kappa, p, lost in ((10, 140, True), (1000, 10_000, False)):
        steps = math.log(1e6) / math.log((kappa + 1) / (kappa - 1))
        n = 10 * p
        formula = (2 * n * (p + 1) ** 2 + p**3 / 3 + 2 * p**2) / (4 * n * p)
        assert (formula > steps) == lost
    assert round(2 * math.log(1e6) / math.log(11 / 9)) == 138


def test_the_sums_of_100000_columns_take_80_gigabytes():
    assert_close((1e5 + 1) ** 2 * 8 / 1e9, 80.0, rtol=1e-3, atol=0)


@pytest.mark.parametrize("kappa", [3, 30, 300])
def test_the_bound_on_the_steps_holds_and_is_reached_in_the_worst_case(kappa):
    A = with_kappa(kappa, 6)
    H = A.T @ A / len(A)
    curvature, V = torch.linalg.eigh(H)
    assert_close((curvature[-1] / curvature[0]).item(), float(kappa))
    bound = math.log(1e6) / math.log((kappa + 1) / (kappa - 1))
    for e in (V[:, 0] + V[:, -1], V.sum(dim=1), V[:, 2]):
        left = e
        for _ in range(math.ceil(bound)):
            left = left - 2 / (1 + kappa) * H @ left
        assert left.norm() <= 1.0000001e-6 * e.norm()
    left = V[:, 0]
    for _ in range(math.floor(bound)):
        left = left - 2 / (1 + kappa) * H @ left
    assert left.norm() >= 0.9999999e-6


def test_conjugate_gradients_need_about_the_root_of_kappa(page_says):
    page_says(r"at most about $\tfrac12 \sqrt\kappa \ln(2/\tau)$ steps")
    kappa, A = 1000, with_kappa(1000, 128)
    H, best = A.T @ A / len(A), torch.randn(128, generator=seeded(1)).double()
    bound = math.ceil(math.sqrt(kappa) * math.log(2e6) / 2)
    e = conjugate_gradient(lambda v: H @ v, H @ best, bound) - best
    assert (e @ H @ e).sqrt() <= 1e-6 * (best @ H @ best).sqrt()


def test_the_formula_does_not_mind_the_units_of_the_houses():
    X, y = make_houses(200, seeded())
    A = torch.hstack([X, X.new_ones(200, 1)])
    H = A.T @ A / 200
    low, *_, high = torch.linalg.eigvalsh(H)
    assert high / low > 1e5
    expected = torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]
    assert_close(normal_equations(A, y), expected, rtol=1e-8, atol=0)


def test_the_truth_lies_p_over_n_above_the_minimum_on_average():
    n, p, runs = 60, 6, 20_000
    generator = seeded()
    A = torch.randn(n, p, generator=generator, dtype=torch.float64)
    noise = torch.rand(n, runs, generator=generator, dtype=A.dtype) - 0.5
    fit = A @ torch.linalg.lstsq(A, noise, driver="gels").solution
    gap = noise.square().mean(dim=0) - (noise - fit).square().mean(dim=0)
    share = gap / (1 / 12)  # the variance of this noise, which is not normal
    assert abs(share.mean() - p / n) < 4 * share.std() / math.sqrt(runs)


def test_one_epoch_of_sgd_comes_within_a_few_percent_on_other_data_too(page_says):
    page_says("within a few percent of the best loss")
    n, p = 20_000, 100
    for seed in (1, 2):
        generator = seeded(seed)
        z = torch.randn(n, p + 2, generator=generator, dtype=torch.float64)
        A = (z[:, :p] + z[:, p:-1]) / 2**0.5
        y = A @ torch.randn(p, generator=generator, dtype=z.dtype) + z[:, -1]
        theta = torch.zeros(p, dtype=z.dtype)
        for rows in torch.randperm(n, generator=generator).split(10):
            theta = theta - 0.0005 * A[rows].T @ (A[rows] @ theta - y[rows])
        best = torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]
        r_best = A @ best - y
        excess = (A @ theta - y).square().mean() - r_best.square().mean()
        assert 0.002 < excess < 0.15


def test_the_drawn_residual_drops_straight_onto_the_combination():
    A = torch.tensor([[0.0, 1], [1, 1], [2, 1]], dtype=torch.float64)
    y, theta = torch.tensor([1.0, 7, 4]).double(), torch.tensor([1.5, 2.5]).double()
    ax = Figure().subplots()
    draw_projection(ax, A, y, theta)
    x, one, top, foot = (torch.tensor(note.xy) for note in ax.texts[:4])
    assert_close(foot, 1.5 * x + 2.5 * one)
    assert_close(top[0], foot[0])
    assert_close(top[1] - foot[1], torch.tensor(13.5**0.5))  # the length of r
    assert_close(one, torch.tensor([3**0.5, 0.0]))


def test_the_drawn_formula_crosses_each_level_of_descent_near_as_many_columns():
    ax = Figure().subplots()
    draw_passes(ax, {10: [69, 64, 64, 60]})
    formula, *levels = ax.lines
    for kappa, line in zip((10, 100, 1000), levels, strict=False):
        height = line.get_ydata()[0]
        assert_close(height, kappa * math.log(1e6), rtol=0.01, atol=0)
        pairs = zip(formula.get_xdata(), formula.get_ydata(), strict=True)
        crossing = next(p for p, passes in pairs if passes > height)
        assert 0.7 * height < crossing < 1.3 * height
    assert list(ax.lines[4].get_ydata()) == [2 * 69, 2 * 64, 2 * 64, 2 * 60]


def test_the_drawn_runs_stand_at_their_passes():
    ax = Figure().subplots()
    run, level = torch.linspace(10, 1, 4001), torch.linspace(10, 1, 11)
    draw_excess(ax, [run], level, p=100, n=20_000)
    sgd, descent, formula, floor = ax.lines
    # Update 2000 of 2000 ends the first epoch: 2 passes.
    at = list(sgd.get_xdata()).index(2.0)
    assert_close(sgd.get_ydata()[at], run[2000].item(), check_dtype=False)
    assert list(descent.get_xdata()[:2]) == [2, 4]
    assert_close(descent.get_ydata()[0], level[1].item(), check_dtype=False)
    assert_close(formula.get_xdata()[0], 102.01)
    assert floor.get_ydata()[0] == 0.005


def test_the_drawn_formula_counts_all_its_operations():
    ax = Figure().subplots()
    draw_passes(ax, {10: [69, 64, 64, 60]})
    for p, passes in ax.lines[0].get_xydata():
        n = 10 * p
        exact = (2 * n * (p + 1) ** 2 + p**3 / 3 + 2 * p**2) / (2 * n * p)
        assert_close(passes, exact, rtol=1e-9, atol=0)


def test_the_walk_shows_the_two_decimals_of_the_formula_from_step_379_on(page_says):
    page_says("needs 379 for these two decimals")
    X, y = make_houses(200, seeded())
    mean, std = X.mean(dim=0), X.std(dim=0, correction=0)
    B = torch.hstack([(X - mean) / std, X.new_ones(200, 1)])
    A = torch.hstack([X, X.new_ones(200, 1)])
    best = [round(t, 2) for t in normal_equations(A, y).tolist()]
    v, wrong = X.new_zeros(4), []
    for step in range(600):
        w = v[:3] / std
        theta = torch.hstack([w, v[3] - w @ mean]).tolist()
        if [round(t, 2) for t in theta] != best:
            wrong.append(step)
        v = v - 0.5 * B.T @ (B @ v - y) / 200
    assert wrong[-1] == 378


def test_sgd_is_far_after_an_epoch_that_is_short_against_kappa():
    generator = seeded()
    A = with_kappa(10_000, 20)  # 200 rows: 20 steps of ten
    best = torch.randn(20, generator=generator, dtype=A.dtype)
    y = A @ best + torch.randn(200, generator=generator, dtype=A.dtype)
    floor = A @ torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0] - y
    excess = []
    for lr in (3e-5, 1e-4, 3e-4):
        theta = torch.zeros(20, dtype=A.dtype)
        for rows in torch.randperm(200, generator=generator).split(10):
            theta = theta - lr / 10 * A[rows].T @ (A[rows] @ theta - y[rows])
        r = A @ theta - y
        excess.append((r.square().mean() / floor.square().mean() - 1).item())
    assert min(excess) > 0.2
