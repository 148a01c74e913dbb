"""What the page derives, by enumeration, algebra and simulation.

A formula that is checked here is also looked up on the page.
"""

from itertools import combinations, product

import pytest
import sympy as sp
import torch
from torch.testing import assert_close

from firstdescent.optimisation.minibatch import expected_run

N, P = 5, 2
GENERATOR = torch.Generator().manual_seed(0)
A = torch.randn(N, P, generator=GENERATOR, dtype=torch.float64)
Y = torch.randn(N, generator=GENERATOR, dtype=torch.float64)
THETA = torch.tensor([0.5, -1.0], dtype=torch.float64)
BEST = torch.linalg.lstsq(A, Y[:, None]).solution[:, 0]
H = A.T @ A / N
LR, B, S, BN, G2, GHG = sp.symbols("lr B S B_n G2 GHG", positive=True)


def rows_at(theta):
    return (A @ theta - Y)[:, None] * A


def moments(batches, theta=THETA):
    """The mean of g_B over the batches, and that of |g_B - g|^2."""
    each, g = rows_at(theta), rows_at(theta).mean(dim=0)
    means = torch.stack([each[list(rows)].mean(dim=0) for rows in batches])
    return means.mean(dim=0), (means - g).square().sum(dim=1).mean().item()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_batch_with_replacement(size, page_says):
    page_says(
        r"C = \frac1n \sum_i d_i d_i^\top",
        r"\mathrm{tr}\,C = \frac1n \sum_i \lVert d_i \rVert^2",
        r"$$\mathbb{E}\,\lVert g_B - g \rVert^2 = \frac{\mathrm{tr}\,C}{B}$$",
    )
    g = rows_at(THETA).mean(dim=0)
    trace = (rows_at(THETA) - g).square().sum().item() / N
    mean, square = moments(product(range(N), repeat=size))
    assert_close(mean, g)
    assert square == pytest.approx(trace / size)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_batch_without_replacement(size, page_says):
    page_says(
        r"\frac{\mathrm{tr}\,C}{B} \left(1 - \frac{B-1}{n-1}\right)",
        r"= \frac{\mathrm{tr}\,C}{B} \cdot \frac{n-B}{n-1}",
        r"Its squared error is $\mathrm{tr}\,C/B$ with replacement, times"
        r" $(n-B)/(n-1)$ without",
    )
    g = rows_at(THETA).mean(dim=0)
    trace = (rows_at(THETA) - g).square().sum().item() / N
    mean, square = moments(combinations(range(N), size))
    assert_close(mean, g)
    assert square == pytest.approx(trace / size * (N - size) / (N - 1), abs=1e-12)
    n = sp.Symbol("n")
    assert sp.simplify(1 - (B - 1) / (n - 1) - (n - B) / (n - 1)) == 0


def test_the_error_shrinks_like_one_over_the_root_far_below_n(page_says):
    page_says(
        r"with replacement, or for $B$ far below $n$, the error of a batch's gradient"
        r" shrinks only like $1/\sqrt B$"
    )
    for batch, n, share in ((1, 10**6, 1), (100, 10**6, 1), (500, 1000, 0.5)):
        once = (1 - (batch - 1) / (n - 1)) / batch  # in units of tr C
        assert once * batch == pytest.approx(share, rel=0.01)


def test_products_of_different_rows_add_up_to_minus_n_times_the_trace(page_says):
    page_says(
        r"$\lVert \sum_i d_i \rVert^2 - \sum_i \lVert d_i \rVert^2 = "
        r"-n\,\mathrm{tr}\,C$",
        r"$-\mathrm{tr}\,C / (n-1)$",
    )
    d = rows_at(THETA) - rows_at(THETA).mean(dim=0)
    pairs = sum((d[i] @ d[j]).item() for i in range(N) for j in range(N) if i != j)
    trace = d.square().sum().item() / N
    assert pairs == pytest.approx(-N * trace)
    assert pairs / (N * (N - 1)) == pytest.approx(-trace / (N - 1))


def test_the_second_moments_of_the_error_after_a_step(page_says):
    page_says(
        r"\mathbb{E}[g_B e^\top] = HM \mathbb{E}[g_B g_B^\top] = HMH + \tfrac1B S",
        r"M_+ = M - \text{lr}\,(HM + MH) "
        r"+ \text{lr}^2 \left(HMH + \tfrac{1}{B} S\right)",
    )
    starts, lr = [THETA, THETA + 1], 0.3
    M, S_mean, after = 0, 0, 0
    for theta in starts:
        e, each = theta - BEST, rows_at(theta)
        M = M + torch.outer(e, e) / 2
        S_mean = S_mean + torch.cov(each.T, correction=0) / 2
        for i, j in product(range(N), repeat=2):
            new = e - lr * (each[i] + each[j]) / 2
            after = after + torch.outer(new, new) / N**2 / 2
    right = M - lr * (H @ M + M @ H) + lr**2 * (H @ M @ H + S_mean / 2)
    assert_close(after, right)


def test_the_excess_is_a_quadratic_form_of_the_error(page_says):
    page_says(
        r"the loss above the minimum, is $\tfrac12 e^\top H e$",
        r"The mean excess loss is $\tfrac12 \mathrm{tr}(HM)$",
    )
    starts = [THETA, THETA + 1]
    above = [
        ((A @ t - Y).square().mean() - (A @ BEST - Y).square().mean()) / 2
        for t in starts
    ]
    for theta, excess in zip(starts, above, strict=True):
        e = theta - BEST
        assert_close(e @ H @ e / 2, excess)
    M = sum(torch.outer(t - BEST, t - BEST) for t in starts) / 2
    assert_close((H @ M).trace() / 2, sum(above) / 2)


def test_the_noise_away_from_the_minimum(page_says):
    page_says(
        r"$$S = \frac1n \sum_i x_i x_i^\top\, (a_i^\top U a_i) - HMH$$",
        "$x_i\\,(x_i \\cdot e + r_i)$",
    )
    starts, r = [THETA, THETA + 1], A @ BEST - Y
    M, U, S_mean = 0, 0, 0
    for theta in starts:
        e = theta - BEST
        u = torch.cat([e, torch.ones(1).double()])
        M, U = M + torch.outer(e, e) / 2, U + torch.outer(u, u) / 2
        S_mean = S_mean + torch.cov(rows_at(theta).T, correction=0) / 2
    a = torch.column_stack([A, r])
    weighted = A.T @ (((a @ U) * a).sum(dim=1)[:, None] * A) / N
    assert_close(weighted - H @ M @ H, S_mean)


def test_the_floor_follows_from_the_trace(page_says):
    page_says(
        r"$$2\,\mathrm{tr}(HM) = \text{lr}\,\mathrm{tr}(HMH) "
        r"+ \frac{\text{lr}}{B}\,\mathrm{tr}\,S$$",
        r"$$\text{excess} \approx \frac{\text{lr}\,\mathrm{tr}\,C}{4B}$$",
        r"$\text{lr}\,\mathrm{tr}\,C/(4B)$",
    )
    low, high, lr = *sp.symbols("low high", positive=True), LR
    m = sp.Matrix([sp.symbols("m11 m12"), sp.symbols("m12 m22")])
    s = sp.Matrix([sp.symbols("s11 s12"), sp.symbols("s12 s22")])
    h = sp.diag(low, high)
    change = -lr * (h * m + m * h) + lr**2 * (h * m * h + s / B)
    trace = 2 * (h * m).trace() - lr * (h * m * h).trace() - lr / B * s.trace()
    assert sp.simplify(change.trace() + lr * trace) == 0
    settled = sp.solve(change, list(m.free_symbols), dict=True)[0]
    excess = sp.simplify((h * m).trace().subs(settled) / 2)
    first = sp.series(excess, lr, 0, 2).removeO()
    assert sp.simplify(first - lr * s.trace() / (4 * B)) == 0


def test_the_floor_along_one_eigenvector(page_says):
    page_says(
        r"$HM + MH - \text{lr}\,HMH = \frac{\text{lr}}{B} C$",
        r"$$(2\lambda_i - \text{lr}\,\lambda_i^2)\, M_{ii} = "
        r"\frac{\text{lr}}{B}\, C_{ii}$$",
        r"\text{excess} = \frac{\text{lr}}{2B} \sum_i "
        r"\frac{C_{ii}}{2 - \text{lr}\,\lambda_i}",
    )
    curvature, c, M = sp.symbols("lambda c M", positive=True)
    (M_ii,) = sp.solve(2 * curvature * M - LR * curvature**2 * M - LR / B * c, M)
    expected = LR / (2 * B) * c / (2 - LR * curvature)
    assert sp.simplify(curvature * M_ii / 2 - expected) == 0
    assert sp.limit(expected, LR, 2 / curvature, "-") == sp.oo


def test_the_best_step_with_a_batch(page_says):
    page_says(
        r"$$\text{lr}\; g \cdot g_B - \tfrac12 \text{lr}^2\, g_B^\top H g_B$$",
        r"$\mathbb{E}[d^\top H d] = \mathrm{tr}(H\,\mathbb{E}[d d^\top])"
        r" = \mathrm{tr}(HC)/B$",
        r"B_{\text{noise}} = \frac{\mathrm{tr}(HC)}{g^\top H g}",
        r"\text{lr}\,\lVert g \rVert^2 - \tfrac12 \text{lr}^2\, g^\top H g "
        r"\left(1 + \frac{B_{\text{noise}}}{B}\right)",
        r"\text{lr}^* = \frac{\lVert g \rVert^2}{g^\top H g} \cdot "
        r"\frac{1}{1 + B_{\text{noise}}/B}",
        r"$$\frac{1}{1 + B_{\text{noise}}/B}$$",
        r"half of $\text{lr}^* \lVert g \rVert^2$",
        r"The gain of the best step is $1/(1 + B_{\text{noise}}/B)$ of the full one",
        r"more rows add next to nothing",
    )
    gain = LR * G2 - LR**2 / 2 * GHG * (1 + BN / B)
    (top,) = sp.solve(sp.diff(gain, LR), LR)
    assert sp.simplify(top - G2 / GHG / (1 + BN / B)) == 0
    best = gain.subs(LR, top)
    assert sp.simplify(best - top * G2 / 2) == 0
    assert sp.simplify(best / sp.limit(best, B, sp.oo) - 1 / (1 + BN / B)) == 0
    assert sp.limit(top / B, B, 0) == G2 / GHG / BN  # linear in B at first


@pytest.mark.parametrize("size", [1, 2])
def test_the_mean_gain_of_a_step_over_all_batches(size):
    each, lr = rows_at(THETA), 0.7
    g = each.mean(dim=0)
    C = torch.cov(each.T, correction=0)
    scale = ((H * C).sum() / (g @ H @ g)).item()
    gains = []
    for rows in product(range(N), repeat=size):
        new = THETA - lr * each[list(rows)].mean(dim=0)
        before, after = ((A @ t - Y).square().mean() / 2 for t in (THETA, new))
        gains.append((before - after).item())
    expected = (lr * g @ g - lr**2 / 2 * (g @ H @ g) * (1 + scale / size)).item()
    assert sum(gains) / len(gains) == pytest.approx(expected)


def test_noise_over_signal_if_all_curvatures_are_equal(page_says):
    page_says(r"$B_{\text{noise}} = \mathrm{tr}\,C/\lVert g \rVert^2$")
    H = 3 * torch.eye(2, dtype=torch.float64)
    g, C = torch.tensor([1.0, 2.0]).double(), torch.diag(torch.tensor([1.0, 9.0]))
    assert ((H * C).sum() / (g @ H @ g)).item() == pytest.approx(10 / 5)


def test_the_shape_of_a_whole_run(page_says):
    page_says(
        r"the same way takes $1 + B_{\text{noise}}/B$ times as many steps",
        r"\text{steps} \approx \text{steps}_{\infty} "
        r"\left(1 + \frac{\bar B}{B}\right)",
        r"a falling line, then a level one. They meet at $B = \bar B$",
    )
    # A way whose gains get smaller and whose noise grows, walked in small pieces:
    # each step of a batch gains its share of what the noiseless step gains there.
    noise = [3.0, 10.0, 50.0, 200.0]
    for size in (1, 30, 1000):
        place, steps = 0.0, 0  # measured in noiseless steps
        while place < 4000:
            scale = noise[int(place // 1000)]
            place, steps = place + 1 / (1 + scale / size), steps + 1
        assert steps == pytest.approx(4000 * (1 + sum(noise) / 4 / size), rel=1e-3)
    mean, size, most = sp.symbols("mean B most", positive=True)
    (meet,) = sp.solve(sp.Eq(most * mean / size, most), size)
    assert meet == mean


def test_a_falling_step_size_gives_one_over_k_if_it_is_large_enough(page_says):
    page_says(
        r"($2\alpha\lambda_{\min} > 1$)",
        r"$\text{lr}_k = \alpha/(k + k_0)$",
        r"An lr that falls like $\alpha/k$, with $\alpha$ large enough,"
        " removes this floor",
    )
    x, y = torch.ones(2, 1).double(), torch.tensor([1.0, -1.0]).double()
    k = torch.arange(4001)[:, None]
    lr = torch.tensor([2.0, 0.25]).double() / (k + 3)  # the curvature is 1
    run = expected_run(x, y, torch.full((1,), 30.0).double(), lr, torch.ones(2))
    enough, too_small = (run.excess[4000] / run.excess[2000]).tolist()
    assert enough == pytest.approx(0.5, abs=0.005)
    assert too_small == pytest.approx(0.5**0.5, abs=0.005)


def test_the_weights_of_the_labels_and_their_mean_age(page_says):
    page_says(
        r"$\text{lr}\,(1 - \text{lr})^j$",
        r"$(1 - \text{lr})/\text{lr} = 19$",
        "$999 - 19 = 980$",
        r"the last $1/\text{lr} = 20$ labels have 64 % of the weight, the last 60"
        " have 95 %",
    )
    for last, share in ((20, 0.64), (60, 0.95)):
        weight = sum(0.05 * 0.95**j for j in range(last))
        assert weight == pytest.approx(share, abs=0.005)
    lr, age = sp.Rational(1, 20), sp.Symbol("age", integer=True, nonnegative=True)
    weight = lr * (1 - lr) ** age
    assert sp.summation(weight, (age, 0, sp.oo)) == 1
    assert sp.summation(age * weight, (age, 0, sp.oo)) == (1 - lr) / lr == 19
    c = sum(0.05 * 0.95**j * (999 - j) for j in range(1000))
    assert c == pytest.approx(980, abs=1e-6)
