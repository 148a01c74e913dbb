"""What the page derives, step by step, by computer algebra or by finite sums.

A formula that is checked here is also looked up on the page.
"""

import sympy as sp

A = sp.Matrix(3, 2, sp.symbols("a1:7", real=True))
Y = sp.Matrix(sp.symbols("y1:4", real=True))
W = sp.Matrix(sp.symbols("w1:3", real=True))
SIGMA, TAU, S, LAM = sp.symbols("sigma tau s lambda", positive=True)
C, X = sp.symbols("c x", real=True)


def bell(x, sd):
    return sp.exp(-(x**2) / (2 * sd**2)) / (sp.sqrt(2 * sp.pi) * sd)


def ssq(v):
    return (v.T * v)[0]


def test_minus_the_log_posterior_is_ridge_over_twice_the_variance(page_says):
    page_says(
        r"-\log p(w \mid y) = \frac{\|y - Aw\|^2}{2\sigma^2} "
        r"+ \frac{\|w\|^2}{2\tau^2} + \text{const}",
        r"\|y - Aw\|^2 + \lambda\, \|w\|^2 + \text{const}, "
        r"\qquad \lambda = \frac{\sigma^2}{\tau^2}",
    )
    logs = [sp.expand_log(sp.log(bell(r, SIGMA)), force=True) for r in Y - A * W]
    logs += [sp.expand_log(sp.log(bell(v, TAU)), force=True) for v in W]
    shown = ssq(Y - A * W) / (2 * SIGMA**2) + ssq(W) / (2 * TAU**2)
    const = sp.expand(-sum(logs) - shown)
    assert not const.free_symbols & set(W)
    ridge = ssq(Y - A * W) + SIGMA**2 / TAU**2 * ssq(W)
    assert sp.expand(2 * SIGMA**2 * shown - ridge) == 0


def test_the_hessian_and_the_quadratic_around_the_minimum(page_says):
    page_says(
        r"H = \frac{A^\top A}{\sigma^2} + \frac{I}{\tau^2} "
        r"= \frac{A^\top A + \lambda I}{\sigma^2}",
        r"H^{-1} = \sigma^2 (A^\top A + \lambda I)^{-1}",
        r"\tfrac12 (w - \hat w)^\top H (w - \hat w)",
    )
    f = ssq(Y - A * W) / (2 * SIGMA**2) + ssq(W) / (2 * TAU**2)
    lam = SIGMA**2 / TAU**2
    H = (A.T * A + lam * sp.eye(2)) / SIGMA**2
    assert sp.simplify(sp.hessian(f, list(W)) - H) == sp.zeros(2)
    numbers = dict(zip([*A, *Y], [1, 2, 0, 1, 3, -1, 2, 1, 4], strict=True))
    g = f.subs(numbers)
    best = sp.solve([sp.diff(g, w) for w in W], list(W), dict=True)[0]
    step = W - W.subs(best)
    around = g.subs(best) + (step.T * H.subs(numbers) * step)[0] / 2
    assert sp.simplify(g - around) == 0


def test_a_bell_with_curvature_h_has_the_variance_one_over_h():
    h = sp.Symbol("h", positive=True)
    weight = sp.exp(-h * X**2 / 2)
    area = sp.integrate(weight, (X, -sp.oo, sp.oo))
    second = sp.integrate(X**2 * weight, (X, -sp.oo, sp.oo))
    assert sp.simplify(second / area - 1 / h) == 0


def error(lam=LAM):
    return (lam**2 * C**2 + SIGMA**2 * S**2) / (S**2 + lam) ** 2


def test_the_error_along_one_direction_and_its_slope(page_says):
    page_says(
        r"E_j(\lambda) = \frac{\lambda^2 c_j^2 + \sigma^2 s_j^2}"
        r"{(s_j^2 + \lambda)^2}",
        r"E_j'(\lambda) = \frac{2 s_j^2\, (\lambda c_j^2 - \sigma^2)}"
        r"{(s_j^2 + \lambda)^3}",
        r"misses $\lambda c_j/(s_j^2 + \lambda)$",
        r"scatters by $\sigma s_j/(s_j^2 + \lambda)$",
    )
    noise = sp.Symbol("noise")
    estimate = S**2 / (S**2 + LAM) * (S * C + noise) / S
    miss, slope = sp.Poly(sp.expand(estimate - C), noise).all_coeffs()[::-1]
    squared = miss**2 + SIGMA**2 * slope**2  # the mean over noise of variance sigma^2
    assert sp.simplify(squared - error()) == 0
    shown = 2 * S**2 * (LAM * C**2 - SIGMA**2) / (S**2 + LAM) ** 3
    assert sp.simplify(sp.diff(error(), LAM) - shown) == 0


def test_at_zero_the_slope_is_negative_whatever_the_truth(page_says):
    page_says(r"$-2\sigma^2 \sum_j 1/s_j^4$", r"$\lambda = \sigma^2/c_j^2$")
    slope = sp.diff(error(), LAM)
    assert sp.simplify(slope.subs(LAM, 0) + 2 * SIGMA**2 / S**4) == 0
    assert sp.simplify(slope.subs(LAM, SIGMA**2 / C**2)) == 0


def test_with_equal_singular_values_the_best_penalty_is_known(page_says):
    page_says(r"$\lambda = d\,\sigma^2/\|w\|^2$", r"$\|w\|^2 = d\,\tau^2$")
    truth = sp.symbols("c1:4", real=True)
    total = sum(sp.diff(error(), LAM).subs(C, c) for c in truth)
    best = 3 * SIGMA**2 / sum(c**2 for c in truth)
    assert sp.simplify(total.subs(LAM, best)) == 0


def test_averaged_over_the_prior_each_direction_is_best_at_the_ratio(page_says):
    page_says(r"*every* direction has its best average at $\lambda = \sigma^2/\tau^2$")
    mean = error().subs(C, TAU)  # the error is linear in c^2, whose mean is tau^2
    ratio = SIGMA**2 / TAU**2
    slope = sp.factor(sp.diff(mean, LAM))
    assert sp.simplify(slope.subs(LAM, ratio)) == 0
    assert sp.simplify(slope / (LAM - ratio)).is_positive  # falls before, rises after
    assert sp.simplify(mean.subs(LAM, ratio) - SIGMA**2 / (S**2 + ratio)) == 0


def test_where_ridge_loses(page_says):
    page_says(r"c_j^2 < 2\tau^2 + \frac{\sigma^2}{s_j^2}")
    gain = SIGMA**2 / S**2 - error(SIGMA**2 / TAU**2)
    border = 2 * TAU**2 + SIGMA**2 / S**2
    assert sp.simplify(gain / (border - C**2)).is_positive
