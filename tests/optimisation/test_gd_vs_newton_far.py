"""What the page derives about starts far from a solution, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import pytest
import sympy as sp
import torch

from firstdescent.optimisation.gd_vs_newton import classify_stationary, newton

W, LOW, HIGH = sp.symbols("w low high", real=True)
H = sp.Matrix([sp.symbols("a b"), sp.symbols("b c")])  # any symmetric 2 x 2 matrix
G = sp.Matrix(sp.symbols("g1:3"))


def newton_step(f):
    return sp.simplify(W - sp.diff(f, W) / sp.diff(f, W, 2))


def test_a_landscape_and_its_mirror_image_have_the_same_steps(page_says):
    page_says("$-H^{-1} g$ does not")
    assert sp.simplify((-H).inv() * (-G) - H.inv() * G) == sp.zeros(2, 1)


def test_moving_by_pi_turns_a_sine_over_and_keeps_the_step(page_says):
    page_says("Half a turn later the sine is its own mirror image")
    assert sp.simplify(sp.sin(W + sp.pi) + sp.sin(W)) == 0
    step = newton_step(sp.sin(W)) - W
    assert sp.simplify(step.subs(W, W + sp.pi) - step) == 0


def test_the_landscape_has_four_minima_four_saddles_and_one_maximum(page_says):
    page_says(
        "return ((w**2 - 1) ** 2).sum() / 4 + w.prod() ** 2 / 4 + w.prod() / 5",
        "four minima, four saddles and one maximum",
    )
    x, y = sp.symbols("x y", real=True)
    f = ((x**2 - 1) ** 2 + (y**2 - 1) ** 2) / 4 + (x * y) ** 2 / 4 + x * y / 5
    points = sp.solve([sp.diff(f, x), sp.diff(f, y)], [x, y], dict=True)
    kinds = []
    for point in points:
        hessian = sp.hessian(f, (x, y)).subs(point)
        bowl = hessian.trace() > 0 and hessian.det() > 0
        kinds.append("saddle" if hessian.det() < 0 else "min" if bowl else "max")
    assert sorted(kinds) == ["max"] + 4 * ["min"] + 4 * ["saddle"]


def test_the_network_that_ignores_its_input_is_a_saddle_and_draws_newton_in():
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(50, 2, generator=generator, dtype=torch.float64)
    goal = torch.sin(2 * X[:, 0]) + X[:, 1] ** 2 / 2

    def net(w):
        hidden = torch.tanh(X @ w[:12].view(2, 6) + w[12:18])
        return ((hidden @ w[18:24] + w[24] - goal) ** 2).mean() / 2 + 0.001 * w @ w

    asleep = torch.zeros(25, dtype=torch.float64)
    asleep[24] = goal.mean() / 1.002
    assert classify_stationary(net, asleep, tol=1e-9) == "saddle"
    torch.testing.assert_close(newton(net, asleep + 0.01, steps=6)[-1], asleep)


def test_newton_on_a_convex_function_cubes(page_says):
    page_says(
        r"$f(w) = \sqrt{1 + w^2}$",
        "$f' = w (1 + w^2)^{-1/2}$ and $f'' = (1 + w^2)^{-3/2}$",
        "$f'/f'' = w (1 + w^2)$",
        "$w_+ = w - w (1 + w^2) = -w^3$",
    )
    f = sp.sqrt(1 + W**2)
    assert sp.simplify(sp.diff(f, W) - W * (1 + W**2) ** (-sp.Rational(1, 2))) == 0
    assert sp.simplify(sp.diff(f, W, 2) - (1 + W**2) ** (-sp.Rational(3, 2))) == 0
    assert newton_step(f) == -(W**3)


def test_the_border_for_log_cosh(page_says):
    page_says(
        r"$f' = \tanh w$ and $f'' = 1/\cosh^2 w$",
        r"$w_+ = w - \tfrac12 \sinh 2w$",
        r"$\sinh 2w = 4w$, near 1.089",
    )
    step = W - sp.tanh(W) * sp.cosh(W) ** 2
    assert sp.simplify((step - W + sp.sinh(2 * W) / 2).rewrite(sp.exp)) == 0
    border = sp.nsolve(sp.sinh(2 * W) - 4 * W, W, 1.1)
    assert float(border) == pytest.approx(1.089, abs=5e-4)
    assert float(step.subs(W, border)) == pytest.approx(-float(border))


def test_a_turn_by_45_degrees_makes_the_diagonal_equal(page_says):
    page_says(r"$D^{-1/2} H D^{-1/2}$", "After the turn all $H_{ii}$ are equal")
    turn = sp.Matrix([[1, -1], [1, 1]]) / sp.sqrt(2)
    turned = turn * sp.diag(LOW, HIGH) * turn.T
    assert sp.simplify(turned[0, 0] - turned[1, 1]) == 0
