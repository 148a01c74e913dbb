"""What docs/en/deep/softmax.md derives from the gradient and the Hessian.

A formula that is checked here is also looked up on the page.
"""

import math

import pytest
import sympy as sp
import torch

K = 3
SCORES = sp.Matrix(sp.symbols("o1:4", real=True))
SUM = sum(sp.exp(o) for o in SCORES)
P = SCORES.applyfunc(lambda o: sp.exp(o) / SUM)


def is_zero(expression):
    return sp.simplify(expression) == 0


def one_hot(y):
    return sp.Matrix([int(j == y) for j in range(K)])


def test_taking_out_a_constant_changes_nothing(page_says):
    page_says(r"\log \sum_i e^{o_i} = m + \log \sum_i e^{o_i - m}")
    m = sp.Symbol("m", real=True)
    shifted = m + sp.log(sum(sp.exp(o - m) for o in SCORES))
    assert is_zero(sp.exp(shifted) - SUM)


@pytest.mark.parametrize("k", [2, 3, 10, 1000])
def test_a_softmax_too_many_has_a_floor_one_below_its_ceiling(page_says, k):
    page_says(
        r"$$\ell = \log \Big( 1 + \sum_{j \ne y} e^{p_j - p_y} \Big)$$",
        r"so no exponent $p_j - p_y$ is below $-1$",
        r"$\log(1 + (k - 1)/e)$",
        r"$\log(e + k - 1)$, only 1 higher",
        r"$$\ell \ge \log(e + k - 1) - 1$$",
    )
    floor = math.log(math.e + k - 1) - 1
    assert math.log(1 + (k - 1) / math.e) == pytest.approx(floor)
    generator = torch.Generator().manual_seed(k)
    size = torch.logspace(-1, 2, 400, dtype=torch.float64)[:, None]
    o = size * torch.randn(400, k, generator=generator, dtype=torch.float64)
    y = torch.randint(k, (400,), generator=generator)
    p = o.softmax(1)
    loss = -p.log_softmax(1)[torch.arange(400), y]
    other = p - p[torch.arange(400), y][:, None]
    torch.testing.assert_close(loss, other.exp().sum(1).log())
    assert floor - 1e-12 <= loss.min() and loss.max() <= floor + 1 + 1e-12
    certain = torch.eye(k, dtype=torch.float64)[:2]
    best, worst = (-certain.log_softmax(1)[:, 0]).tolist()
    assert (best, worst) == pytest.approx((floor, floor + 1))
    assert worst == pytest.approx(math.log(math.e + k - 1))


def test_the_gradient_of_the_squared_error_has_the_hessian_in_the_way(page_says):
    page_says(
        r"\nabla_o\, \tfrac12 \lVert p - t \rVert^2 "
        r"= \big( \mathrm{diag}(p) - p\,p^\top \big)(p - t)"
    )
    t = one_hot(0)
    loss = (P - t).dot(P - t) / 2
    slope = sp.Matrix([sp.diff(loss, o) for o in SCORES])
    formula = (sp.diag(*P) - P * P.T) * (P - t)
    at = {SCORES[0]: sp.log(2), SCORES[1]: sp.log(3), SCORES[2]: sp.log(5)}
    assert (slope - formula).subs(at).applyfunc(sp.simplify) == sp.zeros(K, 1)


def test_normal_classes_of_one_spread_have_scores_linear_in_x(page_says):
    page_says(
        r"o_j = \frac{c_j}{0.8^2} \cdot x + \log \pi_j "
        r"- \frac{\lVert c_j \rVert^2}{2 \cdot 0.8^2}",
        r"$e^{-\lVert x - c_j \rVert^2 / (2 \cdot 0.8^2)}$",
        r"$\log \pi_j - \lVert x - c_j \rVert^2 / (2 \cdot 0.8^2)$",
        "$(w_i - w_j) \\cdot x + b_i - b_j = 0$",
    )
    x, c, s = sp.Matrix(sp.symbols("x1:3")), sp.Matrix(sp.symbols("c1:3")), sp.S(4) / 5
    log_density = -(x - c).dot(x - c) / (2 * s**2)
    linear = c.dot(x) / s**2 - c.dot(c) / (2 * s**2)
    common = sp.expand(log_density - linear)
    assert not common.free_symbols & set(c)
    assert sp.expand(common + x.dot(x) / (2 * s**2)) == 0


def test_the_soft_maximum_lies_between_its_bounds(page_says):
    page_says(r"$m \le \tau \log \sum_i e^{o_i / \tau} \le m + \tau \log k$")
    o = 3 * torch.randn(500, 7, generator=torch.Generator().manual_seed(2)).double()
    for tau in (0.01, 0.3, 1.0, 20.0):
        soft = tau * (o / tau).logsumexp(1)
        m = o.amax(1)
        assert (m - 1e-12 <= soft).all()
        assert (soft <= m + tau * math.log(7) + 1e-12).all()
    tau, j = sp.Symbol("tau", positive=True), 1
    soft = tau * sp.log(sum(sp.exp(o / tau) for o in SCORES))
    ratio = sp.exp(SCORES[j] / tau) / sum(sp.exp(o / tau) for o in SCORES)
    assert is_zero(sp.diff(soft, SCORES[j]) - ratio)  # softmax is its gradient


def test_the_pull_of_one_row_is_shorter_than_the_root_of_two(page_says):
    page_says(
        r"\lVert p - t \rVert^2 = (1 - p_y)^2 + \sum_{j \ne y} p_j^2 "
        r"\le 2 (1 - p_y)^2 < 2"
    )
    o = 5 * torch.randn(1000, 4, generator=torch.Generator().manual_seed(3)).double()
    p = o.softmax(1)
    gap = p - torch.eye(4, dtype=torch.float64)[0]
    squares = gap.square().sum(1)
    split = (1 - p[:, 0]) ** 2 + p[:, 1:].square().sum(1)
    torch.testing.assert_close(squares, split)
    assert (squares <= 2 * (1 - p[:, 0]) ** 2 + 1e-15).all()


def test_label_smoothing_has_a_finite_best_lead(page_says):
    page_says(
        r"$s = (1 - \varepsilon)\,t + \varepsilon / k$",
        r"$\log(s_y / s_j)$, here $\log 28$",
    )
    eps = sp.Rational(1, 10)
    right, wrong = 1 - eps + eps / 3, eps / 3
    assert right / wrong == 28
    s = sp.Matrix([right, wrong, wrong])
    loss = -sum(a * (o - sp.log(SUM)) for a, o in zip(s, SCORES, strict=True))
    at = {SCORES[0]: sp.log(28), SCORES[1]: 0, SCORES[2]: 0}
    assert [sp.simplify(sp.diff(loss, o).subs(at)) for o in SCORES] == [0, 0, 0]
    assert all(
        is_zero(sp.diff(loss, o) - (p - a))
        for o, p, a in zip(SCORES, P, s, strict=True)
    )
