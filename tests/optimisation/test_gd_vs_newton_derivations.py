"""What the page derives near a solution, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import sympy as sp

W, A, B = sp.symbols("w a b", real=True)
HALF = sp.Rational(1, 2)
LOW, HIGH = sp.symbols("low high", positive=True)
H = sp.Matrix([[A, B], [B, sp.Symbol("c")]])  # any symmetric 2 x 2 matrix
G, E = sp.Matrix(sp.symbols("g1:3")), sp.Matrix(sp.symbols("e1:3"))
M = sp.Matrix(2, 2, sp.symbols("m1:5"))
ZERO = sp.zeros(2, 1)


def newton_step(f, w=W):
    return sp.simplify(w - sp.diff(f, w) / sp.diff(f, w, 2))


def test_the_step_makes_the_linear_model_of_the_gradient_vanish(page_says):
    page_says(r"$$g + H s = 0, \qquad w_+ = w + s = w - H^{-1} g$$")
    assert sp.simplify(G + H * (-H.inv() * G)) == ZERO
    page_says("a step of $-f'(w)/f''(w)$")
    height, slope, curvature, s = sp.symbols("height slope curvature s")
    parabola = height + slope * s + curvature * s**2 / 2
    assert sp.solve(sp.diff(parabola, s), s) == [-slope / curvature]


def test_the_errors_on_a_quadratic_after_one_step_of_each(page_says):
    page_says("$e_+ = e - H^{-1} H e = 0$", r"$e_+ = (I - \text{lr}\,H)\, e$")
    best, lr = sp.Matrix(sp.symbols("b1:3")), sp.Symbol("lr")
    w = sp.Matrix(sp.symbols("w1:3"))
    loss = ((w - best).T * H * (w - best))[0] / 2
    g = sp.Matrix([loss]).jacobian(w).T.subs(dict(zip(w, best + E, strict=True)))
    assert sp.expand(g - H * E) == ZERO
    assert sp.simplify(E - H.inv() * g) == ZERO
    assert sp.expand(E - lr * g - (sp.eye(2) - lr * H) * E) == ZERO


def test_the_best_fixed_step_balances_the_two_extreme_factors(page_says):
    page_says(
        r"\text{lr} = \frac{2}{\lambda_{\min} + \lambda_{\max}}",
        r"1 - \text{lr}\,\lambda_{\min} = \frac{\kappa - 1}{\kappa + 1}",
        r"1 - \text{lr}\,\lambda_{\max} = -\frac{\kappa - 1}{\kappa + 1}",
        r"$\kappa = \lambda_{\max} / \lambda_{\min}$",
    )
    lr, kappa = 2 / (LOW + HIGH), HIGH / LOW
    factor = (kappa - 1) / (kappa + 1)
    assert sp.simplify(1 - lr * LOW - factor) == 0
    assert sp.simplify(1 - lr * HIGH + factor) == 0
    # A shorter step leaves more along LOW, a longer one more along HIGH.
    change = sp.Symbol("change", positive=True)
    assert sp.simplify(1 - (lr - change) * LOW - factor - change * LOW) == 0
    assert sp.simplify((lr + change) * HIGH - 1 - factor - change * HIGH) == 0


def test_the_loss_of_logistic_regression_is_minus_the_log_likelihood(page_says):
    page_says(
        r"$p = 1/(1 + \exp(-z))$",
        r"$\log(1 + \exp z) - \text{label} \cdot z$",
    )
    z = sp.Symbol("z", real=True)
    p = 1 / (1 + sp.exp(-z))
    for label, likelihood in ((1, p), (0, 1 - p)):
        loss = sp.log(1 + sp.exp(z)) - label * z
        assert sp.simplify(sp.exp(loss) * likelihood) == 1


def test_the_first_power_of_the_error_cancels(page_says):
    taylor = r"0 = f'(w^*) = f'(w) - f''(w)\, e + \tfrac{1}{2} f'''(\xi)\, e^2"
    result = r"e_+ = e - \frac{f'(w)}{f''(w)} = \frac{f'''(\xi)}{2 f''(w)}\, e^2"
    page_says(taylor, result)
    f1, f2, f3, e = sp.symbols("f1 f2 f3 e")
    (slope,) = sp.solve(f1 - f2 * e + f3 * e**2 / 2, f1)
    assert sp.simplify(e - slope / f2 - f3 / (2 * f2) * e**2) == 0


def test_taylors_theorem_gives_a_point_between_for_the_valley():
    f, best = sp.exp(W) - 2 * W, sp.log(2)
    e = 2 - best
    remainder = -sp.diff(f, W).subs(W, 2) + sp.diff(f, W, 2).subs(W, 2) * e
    xi = sp.log(2 * remainder / e**2)  # where f''' = exp takes the value needed
    assert best < xi < 2


def test_the_factor_tends_to_a_half_for_the_valley(page_says):
    page_says("$f'''(w^*) / 2 f''(w^*)$, which is $\\tfrac12$ for `valley`")
    f, e = sp.exp(W) - 2 * W, sp.Symbol("e")
    step = newton_step(f).subs(W, sp.log(2) + e) - sp.log(2)
    assert sp.limit(step / e**2, e, 0) == HALF
    assert (sp.diff(f, W, 3) / (2 * sp.diff(f, W, 2))).subs(W, sp.log(2)) == HALF


def test_the_newton_step_is_the_same_in_other_units(page_says):
    page_says(
        r"g_u = M^\top g, \qquad H_u = M^\top H M",
        r"-M H_u^{-1} g_u = -M M^{-1} H^{-1} M^{-\top} M^\top g = -H^{-1} g",
        r"$-\text{lr}\, M M^\top g$",
    )
    z, w = sp.Matrix(sp.symbols("z1:3")), sp.Matrix(sp.symbols("w1:3"))
    loss = (w.T * H * w)[0] / 2 + (G.T * w)[0] + w[0] ** 3
    rescaled = loss.subs(dict(zip(w, M * z, strict=True)))
    at = dict(zip(w, M * z, strict=True))
    g = sp.Matrix([loss]).jacobian(w).T.subs(at)
    g_z = sp.Matrix([rescaled]).jacobian(z).T
    assert sp.expand(g_z - M.T * g) == ZERO
    H_z = sp.hessian(rescaled, list(z))
    assert sp.expand(H_z - M.T * sp.hessian(loss, list(w)).subs(at) * M) == sp.zeros(2)
    steps = M * (M.T * H * M).inv() * M.T * G - H.inv() * G
    assert sp.simplify(steps) == ZERO
