"""What the page derives, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import itertools

import sympy as sp
import torch

Z, X, V, B = sp.symbols("z x v b", real=True)
SIGMOID = 1 / (1 + sp.exp(-Z))
TANH = (sp.exp(Z) - sp.exp(-Z)) / (sp.exp(Z) + sp.exp(-Z))
QUARTER, HALF = sp.Rational(1, 4), sp.Rational(1, 2)


def test_two_linear_layers_are_one(page_says):
    page_says(
        r"W^{(2)} (W^{(1)} x + b^{(1)}) + b^{(2)}",
        r"= (W^{(2)} W^{(1)})\, x + (W^{(2)} b^{(1)} + b^{(2)})",
    )
    W1, W2 = sp.Matrix(3, 2, sp.symbols("p:6")), sp.Matrix(2, 3, sp.symbols("q:6"))
    x, b1 = sp.Matrix(sp.symbols("x:2")), sp.Matrix(sp.symbols("b:3"))
    b2 = sp.Matrix(sp.symbols("c:2"))
    gap = W2 * (W1 * x + b1) + b2 - ((W2 * W1) * x + (W2 * b1 + b2))
    assert gap.expand() == sp.zeros(2, 1)


def test_the_four_inequalities_of_xor_add_up_to_a_contradiction(page_says):
    page_says(
        r"b &\le 0 & \text{(0, 0)}",
        r"w_2 + b &> 0 & \text{(0, 1)}",
        r"w_1 + b &> 0 & \text{(1, 0)}",
        r"w_1 + w_2 + b &\le 0 & \text{(1, 1)}",
        "$w_1 + w_2 + 2b > 0$",
        r"$w_1 + w_2 + 2b \le 0$",
    )
    w1, w2 = sp.symbols("w1 w2", real=True)
    score = {(i, j): w1 * i + w2 * j + B for i in (0, 1) for j in (0, 1)}
    assert score[0, 1] == w2 + B and score[1, 1] == w1 + w2 + B
    assert sp.expand(score[0, 1] + score[1, 0]) == w1 + w2 + 2 * B
    assert sp.expand(score[0, 0] + score[1, 1]) == w1 + w2 + 2 * B


def test_two_relus_by_hand_are_xor(page_says):
    page_says(
        r"h_1 &= \text{relu}(x_1 + x_2)",
        r"h_2 &= \text{relu}(x_1 + x_2 - 1)",
        r"o &= h_1 - 2 h_2",
        r"So $o - \tfrac12$ has the right sign.",
        r"$h_1 - 2h_2 = \tfrac12$",
    )
    for a, b in itertools.product((0, 1), repeat=2):
        assert max(a + b, 0) - 2 * max(a + b - 1, 0) == a ^ b


def test_a_unit_folds_at_minus_b_over_w_by_v_times_the_size_of_w(page_says):
    page_says("$x = -b/w$", r"changes there by $v\,|w|$", r"along $w \cdot x + b = 0$")
    for sign in (1, -1):
        w = sign * sp.Symbol("w", positive=True)
        fold = sp.solve(w * X + B, X)[0]
        assert sp.simplify(fold + B / w) == 0
        # To the right of the fold wx + b has the sign of w.
        left, right = (0, V * w) if sign > 0 else (V * w, 0)
        assert sp.simplify(right - left - V * sp.Abs(w)) == 0


def test_the_slope_of_sigmoid_and_its_bound(page_says):
    page_says(
        r"$\sigma(z) = 1/(1 + e^{-z})$",
        r"$1/(1 + e^{-z})$ is $\sigma$, and $e^{-z}/(1 + e^{-z})$ is $1 - \sigma$",
        r"\sigma' &= \frac{e^{-z}}{(1 + e^{-z})^2} = \sigma\,(1 - \sigma)",
        r"\sigma\,(1 - \sigma) &= \tfrac14 - (\sigma - \tfrac12)^2 \le \tfrac14",
    )
    slope, s = sp.diff(SIGMOID, Z), sp.Symbol("s")
    assert sp.simplify(1 - SIGMOID - sp.exp(-Z) / (1 + sp.exp(-Z))) == 0
    assert sp.simplify(slope - sp.exp(-Z) / (1 + sp.exp(-Z)) ** 2) == 0
    assert sp.simplify(slope - SIGMOID * (1 - SIGMOID)) == 0
    assert sp.expand(s * (1 - s) - (QUARTER - (s - HALF) ** 2)) == 0
    assert slope.subs(Z, 0) == QUARTER


def test_tanh_is_a_stretched_sigmoid_and_its_slope(page_says):
    page_says(
        "$(e^z - e^{-z})/(e^z + e^{-z})$",
        "$2/(1 + e^{-2z}) - 1$",
        r"\tanh(z) &= 2\,\sigma(2z) - 1",
        r"\tanh'(z) &= 4\,\sigma(2z)\,(1 - \sigma(2z))",
        r"&= 1 - \tanh^2(z)",
        r"$2\sigma(2z) = 1 + \tanh z$ and $2 - 2\sigma(2z) = 1 - \tanh z$",
    )
    twice = SIGMOID.subs(Z, 2 * Z)
    assert sp.simplify(TANH - (2 / (1 + sp.exp(-2 * Z)) - 1)) == 0
    assert sp.simplify(TANH - (2 * twice - 1)) == 0
    slope = sp.diff(TANH, Z)
    assert sp.simplify(slope - 4 * twice * (1 - twice)) == 0
    assert sp.simplify(slope - (1 - TANH**2)) == 0
    assert sp.simplify(slope.subs(Z, 0)) == 1


def test_the_log_loss_loses_the_flat_factor_and_the_squared_error_keeps_it(page_says):
    page_says(r"$-\sigma'/\sigma = -(1 - p)$", r"$(p - 1)\,p\,(1 - p)$")
    log_loss, squared = -sp.log(SIGMOID), (SIGMOID - 1) ** 2 / 2
    assert sp.simplify(sp.diff(log_loss, Z) + (1 - SIGMOID)) == 0
    expected = (SIGMOID - 1) * SIGMOID * (1 - SIGMOID)
    assert sp.simplify(sp.diff(squared, Z) - expected) == 0


def test_a_chord_misses_a_parabola_by_an_eighth_of_its_width_squared():
    """So does no curve with |f''| <= 1 by more.

    f minus its chord, minus this gap, has the second derivative f'' + 1 >= 0: it is
    convex, and 0 at both ends, so never positive. Likewise from below.
    """
    s = sp.Symbol("s", positive=True)
    gap = X * s / 2 - X**2 / 2  # the chord from 0 to s, less x²/2, where f'' = 1
    (worst,) = sp.solve(sp.diff(gap, X), X)
    assert sp.simplify(gap.subs(X, worst) - s**2 / 8) == 0
    assert sp.diff(gap, X, 2) == -1 and gap.subs(X, 0) == gap.subs(X, s) == 0


def test_parameters_counted_layer_by_layer(page_says):
    page_says(
        "$dk + k$",
        r"$2 \cdot 32 + 32 = 96$",
        r"$32 \cdot 32 + 32 = 1056$",
        r"$32 \cdot 2 + 2 = 66$",
        r"$2 \cdot 63 + 63 + 1$",
    )
    layers = [torch.nn.Linear(d, k) for d, k in ((2, 32), (32, 32), (32, 2))]
    counted = [sum(p.numel() for p in layer.parameters()) for layer in layers]
    assert counted == [96, 1056, 66] and sum(counted) == 1218
    deep = [2 + 2] + 5 * [4 + 2] + [2 + 1]
    assert sum(deep) == 37 and 2 * 63 + 63 + 1 == 190
