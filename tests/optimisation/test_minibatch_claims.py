"""What the page says of its houses, with other seeds or by other means."""

from math import inf

import pytest
import torch
from torch.testing import assert_close
from torch.utils.data import DataLoader

from firstdescent.optimisation.minibatch import (
    expected_run,
    gradient_noise,
    predicted_floor,
    sgd_runs,
)
from firstdescent.regression.closed_form import normal_equations
from firstdescent.regression.coefficients import with_ones
from firstdescent.regression.house_prices import make_houses, standardise

ZERO = torch.zeros(4, dtype=torch.float64)


def houses(seed, n=1000):
    X, y = make_houses(n, torch.Generator().manual_seed(seed))
    return with_ones(standardise(X)[0]), y


def excess_of(A, y):
    best, H = normal_equations(A, y), A.T @ A / len(A)

    def excess(theta):
        e = theta - best
        return ((e @ H) * e).sum(dim=-1) / 2

    return excess


def test_the_floors_of_the_page(page_says):
    page_says("The rough formula is 6 to 12 % low here")
    A, y = houses(0)
    C, H = gradient_noise(A, y, normal_equations(A, y))[1], A.T @ A / 1000
    lr = torch.tensor([0.04, 0.02, 0.08]).double()
    sizes = torch.tensor([1.0, 1.0, 4.0])
    near = normal_equations(A, y) + 1
    exact = expected_run(A, y, near, lr.expand(4000, 3), sizes).excess[-1]
    rough = lr * C.trace() / (4 * sizes)
    low = (1 - rough / exact).tolist()
    assert min(low) == pytest.approx(0.06, abs=0.01)
    assert max(low) == pytest.approx(0.12, abs=0.01)
    assert (exact[0] / exact[1]).item() == pytest.approx(2, rel=0.1)
    assert (exact[2] / exact[1]).item() == pytest.approx(1, rel=0.1)
    for j in range(3):
        kept = predicted_floor(H, C, lr[j].item(), sizes[j].item())
        assert rough[j] < kept < exact[j]


def test_the_noise_at_the_start_lies_along_steeper_directions(page_says):
    page_says(
        "that ratio is 2.8 at the start, and $B_{\\text{noise}}$ is larger, since the"
        " noise lies along steeper directions than $g$",
        "About half of the single rows lie right of the cross",
    )
    A, y = houses(0)
    g, C = gradient_noise(A, y, ZERO)
    H = A.T @ A / 1000
    assert (C.trace() / (g @ g)).item() == pytest.approx(2.8, abs=0.05)
    along_noise, along_g = (H * C).sum() / C.trace(), g @ H @ g / (g @ g)
    assert along_noise > 1.5 * along_g  # two mean curvatures
    area = -y * A[:, 2]  # the gradients of single rows, at zero
    assert g[2] < 0
    assert (area > 0).double().mean().item() == pytest.approx(0.5, abs=0.02)


def test_the_falling_step_size_of_the_page_is_large_enough(page_says):
    page_says(r"Here $2 \cdot 20 \cdot 0.048 = 1.9$, and twice the steps leave half")
    A, _ = houses(0)
    low = torch.linalg.eigvalsh(A.T @ A / 1000)[0].item()
    assert low == pytest.approx(0.048, abs=0.0005)
    assert 40 * low == pytest.approx(1.9, abs=0.05)


def test_the_rough_formula_is_right_in_the_limit():
    A, y = houses(1, 200)
    best = normal_equations(A, y)
    C = gradient_noise(A, y, best)[1]
    lr = torch.tensor([0.04, 0.02, 0.01]).double()
    floor = expected_run(A, y, best, lr.expand(6000, 3), torch.ones(3)).excess[-1]
    off = (floor / (lr * C.trace() / 4) - 1).tolist()
    assert off[0] / off[1] == pytest.approx(2, rel=0.25)  # what is left is of order lr
    assert 0 < off[2] < off[1] / 1.7


def test_without_residuals_at_the_minimum_there_is_no_floor(page_says):
    page_says("unless all residuals at the minimum are 0")
    A = houses(0, 50)[0]
    y = A @ torch.ones(4).double()
    run = expected_run(A, y, ZERO, torch.full((3000, 1), 0.1), torch.ones(1))
    assert run.excess[-1].item() < 1e-6


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_scatter_around_the_expectation(seed):
    A, y = houses(seed, 300)
    rows = torch.randint(
        300, (150, 2000, 2), generator=torch.Generator().manual_seed(seed)
    )
    lr = 0.2 / (1 + torch.arange(150) / 50).double()
    path = sgd_runs(A, y, ZERO, lr, rows)
    each = excess_of(A, y)(path)[:150]
    run = expected_run(A, y, ZERO, lr[:, None], torch.tensor([2.0]))
    error = each.std(dim=1) / 2000**0.5
    assert ((each.mean(dim=1) - run.excess[:, 0]).abs() < 4.5 * error + 1e-6).all()


def test_the_truth_lies_above_the_minimum_by_the_noise_in_p_directions(page_says):
    page_says(r"$\sigma^2 p/(2n) = 4$", "excess of the truth: 0.6")
    levels = []
    for seed in range(200):
        X, y = make_houses(200, torch.Generator().manual_seed(seed))
        truth = torch.tensor([10, 15, 2, 40]).double()
        levels.append(excess_of(with_ones(X), y)(truth).item())
    assert sum(levels) / 200 == pytest.approx(400 * 4 / (2 * 200), rel=0.1)


@pytest.fixture(scope="module")
def sweep():
    sizes = [1, 4, 16, 64, 256, 1024, inf]
    lrs = torch.logspace(-2.3, -0.15, 40, dtype=torch.float64)
    grid = torch.meshgrid(lrs, torch.tensor(sizes).double(), indexing="ij")
    lr, size = (t.flatten() for t in grid)
    run = expected_run(*houses(0), ZERO, lr.expand(1800, -1), size)
    return [t.view(1800, 40, 7) for t in run]


def steps_to(target, excess):
    """The first step at or below the target, for the best lr of each size."""
    fewest, which = [], []
    for size in range(excess.shape[2]):
        first = []
        for lr in range(40):
            there = (excess[:, lr, size] <= target).nonzero()
            first.append(there[0].item() if len(there) else 10**9)
        fewest.append(min(first))
        which.append(first.index(min(first)))
    return fewest, which


def test_the_elbow_and_the_noise_on_the_way(sweep, page_says):
    page_says(
        "the elbow is 1.6 to 2.6 times the last column",
        "a run *with* noise, here the best with $B = 16$",
    )
    excess, noise = sweep
    ratios, means = [], []
    for target in (100, 30, 10):
        steps, which = steps_to(target, excess)
        means.append(noise[: steps[2], which[2], 2].mean().item())
        ratios.append(steps[0] / steps[-1] / means[-1])
    assert min(ratios) == pytest.approx(1.6, abs=0.06)
    assert max(ratios) == pytest.approx(2.6, abs=0.06)
    assert means[0] < means[1] / 2 < means[2] / 4  # it grows on the way


def test_the_costs_of_the_page(sweep, page_says):
    page_says(
        "from 1 to 64 the steps fall to a thirtieth for about twice the rows",
        "From 64 to 1024 they do not even fall to a third, for seven times the rows",
        "The full gradient needs over ten times as many",
        "Where the time of a step is proportional to its rows, that makes the bigger"
        " batch seven times *slower*",
    )
    steps, which = steps_to(10, sweep[0])
    assert 0 < min(which) <= max(which) < 39  # the best lr is not at an end
    rows = [s * b for s, b in zip(steps, [1, 4, 16, 64, 256, 1024, 1000], strict=True)]
    assert min(rows) == rows[0]
    assert steps[3] / steps[0] == pytest.approx(1 / 30, rel=0.1)
    assert rows[3] / rows[0] == pytest.approx(2, rel=0.05)
    assert steps[5] / steps[3] > 1 / 3
    assert rows[5] / rows[3] == pytest.approx(7, rel=0.05)
    assert rows[6] > 10 * rows[0]


def test_the_gain_of_a_batch_twice_as_big_far_below_and_far_above(page_says):
    page_says(
        "Far below it, with the best lr for each, a batch twice as big saves about "
        "half of the steps. Far above it, it saves almost none"
    )
    lrs = torch.logspace(-2.3, -0.15, 40, dtype=torch.float64)
    sizes = torch.tensor([1, 2, 1024, 2048]).double()
    grid = torch.meshgrid(lrs, sizes, indexing="ij")
    lr, size = (t.flatten() for t in grid)
    run = expected_run(*houses(0), ZERO, lr.expand(1800, -1), size)
    steps, _ = steps_to(10, run.excess.view(1800, 40, 4))
    assert steps[1] / steps[0] == pytest.approx(0.5, abs=0.02)
    assert 0.9 < steps[3] / steps[2] <= 1


def test_the_rule_of_thumb_with_the_elbow(sweep, page_says):
    page_says("the rule is right to 15 % here, for every $B$ we tried")
    for target in (100, 30, 10):
        steps, _ = steps_to(target, sweep[0])
        elbow = steps[0] / steps[-1]
        for size, count in zip([1, 4, 16, 64, 256, 1024], steps, strict=False):
            assert count == pytest.approx(steps[-1] * (1 + elbow / size), rel=0.15)


def test_the_way_of_the_full_gradient_ends_along_the_flattest_direction(page_says):
    page_says("nearly all of the excess lies along the flattest direction")
    A, y = houses(0)
    curvature, V = torch.linalg.eigh(A.T @ A / 1000)
    lr = torch.logspace(-2.3, -0.15, 40, dtype=torch.float64)[:, None]
    parts, steps = (-normal_equations(A, y) @ V).expand(40, 4), 0
    while ((curvature * parts**2).sum(dim=1) / 2 > 10).all():
        parts, steps = (1 - lr * curvature) * parts, steps + 1
    left = curvature * parts**2 / 2
    left = left[left.sum(dim=1) <= 10][0]
    assert steps == 21
    assert left[0] > 0.99 * left.sum()


def test_a_small_batch_diverges_at_half_the_limit_of_the_full_gradient(page_says):
    page_says(
        "settles at lr 0.33 and grows without bound at 0.38, about half of "
        r"$2/\lambda_{\max} = 0.74$",
        "with $B = 1$ the mean excess does so at half of that limit",
    )
    A, y = houses(0)
    lr = torch.tensor([0.33, 0.35, 0.36, 0.38]).double().expand(3001, -1)
    excess = expected_run(A, y, ZERO, lr, torch.ones(4)).excess
    assert_close(excess[3000, :2], excess[2000, :2], rtol=1e-3, atol=0)
    assert (excess[3000, 2:] > 1e6 * excess[2000, 2:]).all()
    assert 2 / torch.linalg.eigvalsh(A.T @ A / 1000)[-1] == pytest.approx(
        0.74, abs=0.005
    )
    # the 200 houses of the exercise, at exactly half
    A, y = A[:200], y[:200]
    half = 1 / torch.linalg.eigvalsh(A.T @ A / 200)[-1]
    excess = expected_run(A, y, ZERO, half.expand(2001, 1), torch.ones(1)).excess
    assert excess[2000] > 1e6 * excess[1000]


def test_the_noise_scale_grows_without_bound_unless_every_row_is_fitted(page_says):
    page_says(
        "Unless the model fits every row, the ratio grows without bound as you near",
        "grows as the gradient shrinks, unless the noise shrinks with it",
    )
    A, y = houses(0)
    best, H = normal_equations(A, y), A.T @ A / 1000

    def scale(labels, theta):
        g, C = gradient_noise(A, labels, theta)
        return ((H * C).sum() / (g @ H @ g)).item()

    away = torch.ones(4).double()
    found = [scale(y, best + share * away) for share in (1, 1e-2, 1e-4)]
    assert found[1] > 1e3 * found[0]
    assert found[2] > 1e3 * found[1]
    fitted = [scale(A @ best, best + share * away) for share in (1, 1e-2, 1e-4)]
    assert fitted == pytest.approx(fitted[:1] * 3)


def test_a_shuffled_order_misses_the_mean_by_47_on_either_side(page_says):
    page_says("over many orders by about 47, on either side")
    ends = torch.zeros(1000, dtype=torch.float64)
    mixed = torch.rand(1000, 1000, generator=torch.Generator().manual_seed(0))
    for labels in mixed.argsort(dim=1).double().T:
        ends = ends - 0.05 * (ends - labels)
    off = ends - 499.5
    assert off.square().mean().sqrt().item() == pytest.approx(47, rel=0.06)
    assert (off > 0).double().mean().item() == pytest.approx(0.5, abs=0.05)


def test_the_order_can_decide_which_of_two_minima_is_reached(page_says):
    page_says("(If a loss has several minima, the order can decide which of them")

    def end(order):  # rows with the loss (w^2 - 1)^2 / 4 + c w, c = 1/2 or -1/2
        w = 0.0
        for k in range(4000):
            w -= 0.3 / (1 + k / 20) * (w * (w**2 - 1) + order[k % 2])
        return w

    assert end([0.5, -0.5]) == pytest.approx(-1, abs=0.01)
    assert end([-0.5, 0.5]) == pytest.approx(1, abs=0.01)


def test_reshuffling_falls_as_the_theorem_says(page_says):
    page_says(r"With steps like $1/k^s$, $\tfrac12 < s < 1$", "falls like $1/k^{2s}$")
    generator = torch.Generator().manual_seed(1)
    x = torch.tensor([1, 2, 0.5, 3, 1.5]).double()
    y = torch.tensor([3, -1, 0.5, -2, 4]).double()
    for s in (0.6, 0.75):
        w, path = torch.full((300,), 5.0, dtype=torch.float64), []
        for k in range(1, 801):
            for rows in torch.rand(300, 5, generator=generator).argsort(dim=1).T:
                w = w - 0.1 / k**s * x[rows] * (x[rows] * w - y[rows])
            path.append(w)
        error = torch.stack(path) - x @ y / (x @ x)
        early, late = (
            error[k // 2 : k].mean(dim=0).square().mean() for k in (200, 800)
        )
        assert (late / early).item() == pytest.approx(4 ** (-2 * s), rel=0.25)


def test_the_batches_of_an_epoch_have_the_mean_g_at_a_fixed_theta(page_says):
    page_says(
        r"in batches of equal size, the batches' gradients at a fixed $\theta$ have "
        "exactly the mean $g$"
    )
    A, y = houses(0, 200)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))

    def off(size):
        batches = [gradient_noise(A[r], y[r], ZERO)[0] for r in order.split(size)]
        g = gradient_noise(A, y, ZERO)[0]
        return ((torch.stack(batches).mean(dim=0) - g).norm() / g.norm()).item()

    assert off(10) < 1e-12
    assert off(60) > 1e-3  # the last batch has 20


def test_the_orders_with_other_seeds(page_says):
    page_says(
        "four times the epochs leave about a quarter of the excess",
        "about a sixteenth for an order that repeats, sorted or not, "
        "and less for reshuffling",
        "But the sorted order comes from far higher",
        "The three random orders get there within 20 epochs, "
        "the sorted one takes more than 30",
    )
    generator = torch.Generator().manual_seed(7)
    A, y = (t[:200] for t in houses(0))
    excess, E, R = excess_of(A, y), 128, 60
    lr = (0.3 / (1 + torch.arange(E).double() / 4)).repeat_interleave(20)
    mixed = torch.rand(E, R, 200, generator=generator).argsort(dim=2)
    orders = {
        "sorted": y.argsort().expand(E, 1, 200),
        "replacement": torch.randint(200, (E, R, 200), generator=generator),
        "once": mixed[:1].expand(E, -1, -1),
        "reshuffle": mixed,
    }
    late, there = {}, {}
    for name, order in orders.items():
        rows = torch.cat([torch.stack(o.split(10, dim=1)) for o in order])
        curve = excess(sgd_runs(A, y, ZERO, lr, rows)[20::20]).mean(dim=1)
        late[name] = (curve[127] / curve[31]).item()
        there[name] = int((curve > 4).sum())
    assert late["replacement"] == pytest.approx(1 / 4, abs=0.1)
    assert late["once"] == pytest.approx(1 / 16, rel=0.2)
    assert late["sorted"] == pytest.approx(1 / 16, rel=0.2)
    assert late["reshuffle"] < 1 / 20
    assert max(there[name] for name in ("replacement", "once", "reshuffle")) < 20
    assert there["sorted"] >= 30


def test_a_shuffling_loader_has_a_new_order_each_epoch(page_says):
    page_says("**reshuffle** each epoch, as `DataLoader(shuffle=True)` does")
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(range(50), shuffle=True, generator=generator)
    first, second = ([row.item() for row in loader] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
