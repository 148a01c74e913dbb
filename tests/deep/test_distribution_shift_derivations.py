"""What docs/en/deep/distribution_shift.md derives, by algebra and enumeration.

A formula that is checked here is also looked up on the page.
"""

import itertools
import math
from fractions import Fraction

import pytest
import sympy as sp

X, Z = sp.symbols("x z", real=True)
S, T = sp.symbols("s t", positive=True)
DELTA = sp.Symbol("delta", real=True)


def normal(x, mean, sd):
    return sp.exp(-((x - mean) ** 2) / (2 * sd**2)) / (sd * sp.sqrt(2 * sp.pi))


def test_the_identity_on_a_table_and_its_condition(page_says):
    page_says(
        r"E_p[l] = \int\!\!\int l\; p(y \mid x)\, p(x)\, dx\, dy",
        r"= \int\!\!\int l\; q(y \mid x)\, q(x)\, \frac{p(x)}{q(x)}\, dx\, dy",
        r"= E_q[l\, w], \qquad w(x) = \frac{p(x)}{q(x)}",
        r"$q(x) > 0$ wherever $p(x) > 0$",
        r"With $l = 1$ it says $E_q[w] = 1$",
    )
    q, p = [Fraction(k, 10) for k in (2, 3, 5)], [Fraction(k, 10) for k in (5, 5, 0)]
    law = [Fraction(4, 5), Fraction(1, 2), Fraction(3, 10)]  # of y = 1
    loss = {(i, y): Fraction(3 * i + 7 * y + 1) for i in range(3) for y in (0, 1)}

    def mean(shares, weights, losses):
        cells = itertools.product(range(3), (0, 1))
        chance = [[1 - v, v] for v in law]
        return sum(
            losses[i, y] * chance[i][y] * shares[i] * weights[i] for i, y in cells
        )

    w = [b / a for a, b in zip(q, p, strict=True)]
    ones = dict.fromkeys(loss, Fraction(1))
    assert mean(q, w, loss) == mean(p, [1] * 3, loss)
    assert mean(q, w, ones) == 1
    # Swap: now p needs the third size, which q lacks; its part is lost.
    w = [a / b if b else Fraction(0) for a, b in zip(q, p, strict=True)]
    assert mean(p, w, loss) < mean(q, [1] * 3, loss)
    assert mean(p, w, ones) == Fraction(1, 2)


def test_the_identity_for_two_normals_and_the_ratio_of_their_densities():
    q, p = normal(X, 2, sp.Rational(1, 2)), normal(X, 1, sp.Rational(3, 10))
    ratio = sp.lambdify(X, p / q)
    density = sp.lambdify(X, q)
    step, total = 1e-3, 0.0
    for k in range(-1000, 5000):
        x = k * step
        total += density(x) * ratio(x) * (x - 0.2) ** 2 * step
    assert total == pytest.approx(0.09 + 0.64, rel=1e-9)  # variance, mean squared


def test_the_exponent_decides_whether_the_weights_have_a_variance(page_says):
    page_says(
        r"The variance of $w$ is $E_q[w^2] - 1$, and $E_q[w^2] = \int p^2 / q$",
        r"$-\left(\frac{1}{\sigma_p^2} - \frac{1}{2\sigma_q^2}\right)$",
        r"$$\sigma_p^2 < 2\sigma_q^2$$",
    )
    exponent = -2 * (X - DELTA) ** 2 / (2 * T**2) + X**2 / (2 * S**2)
    square = sp.expand(exponent).coeff(X, 2)
    assert sp.simplify(square + 1 / T**2 - 1 / (2 * S**2)) == 0
    assert square.subs({T: 1, S: sp.sqrt(sp.Rational(51, 100))}) < 0  # 1 < 1.02
    assert square.subs({T: 1, S: sp.sqrt(sp.Rational(49, 100))}) > 0  # 1 > 0.98
    assert square.subs({T: sp.sqrt(2) * S}).simplify() == 0


def test_the_mean_of_the_squared_weights(page_says):
    page_says(
        r"$$E_q[w^2] = \frac{\sigma_q^2}{\sigma_p \sqrt{2\sigma_q^2 - \sigma_p^2}}\,"
        r" \exp \frac{\delta^2}{2\sigma_q^2 - \sigma_p^2}$$"
    )
    for s, t, delta in ((0.5, 0.3, 0.5), (0.5, 0.5, 0.5), (1.0, 1.3, 0.2)):
        step = 1e-3
        grid = [k * step for k in range(-15_000, 15_001)]

        def density(x, mean, sd):
            return math.exp(-(((x - mean) / sd) ** 2) / 2) / sd / math.sqrt(2 * math.pi)

        total = 0.0
        for x in grid:
            q = density(x, 0, s)
            total += density(x, delta, t) ** 2 / q * step if q > 0 else 0
        gap = 2 * s**2 - t**2
        formula = s**2 / (t * math.sqrt(gap)) * math.exp(delta**2 / gap)
        assert total == pytest.approx(formula, rel=1e-6)


def test_the_share_left_is_one_over_that_mean(page_says):
    page_says(r"tends to $E_q[w]^2/E_q[w^2] = 1/E_q[w^2]$, which is 0.42 here")
    gap = 2 * 0.25 - 0.09
    mean = 0.25 / (0.3 * math.sqrt(gap)) * math.exp(0.25 / gap)
    assert 1 / mean == pytest.approx(0.42, abs=0.005)


def test_the_odds_of_the_classifier_hold_the_ratio(page_says):
    page_says(
        r"$$\frac{P(\text{July} \mid x)}{P(\text{January} \mid x)}"
        r" = \frac{n_p\, p(x)}{n_q\, q(x)}$$"
    )
    # Two sizes of houses, 6 rows of January and 12 of July, counted.
    rows = ["small q"] * 2 + ["large q"] * 4 + ["small p"] * 9 + ["large p"] * 3
    for size, p, q in (("small", 9 / 12, 2 / 6), ("large", 3 / 12, 4 / 6)):
        odds = rows.count(size + " p") / rows.count(size + " q")
        assert odds == pytest.approx(12 * p / (6 * q))
    mu, s = sp.symbols("mu s", positive=True)
    log_ratio = sp.expand(-((X - mu) ** 2) / (2 * s**2) + (X - DELTA) ** 2 / (2 * T**2))
    assert sp.degree(log_ratio, X) == 2  # page: a quadratic in x


def test_the_auc_from_the_ranks(page_says):
    page_says(
        r"$$\text{AUC} = \frac{R - m(m+1)/2}{nm}$$", "$1 + \\dots + m = m(m+1)/2$"
    )
    n, m = 4, 3
    for chosen in itertools.combinations(range(1, n + m + 1), m):
        rest = [k for k in range(1, n + m + 1) if k not in chosen]
        share = Fraction(sum(a > b for a in chosen for b in rest), n * m)
        assert share == Fraction(sum(chosen) - m * (m + 1) // 2, n * m)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 3), (5, 4)])
def test_the_variance_of_the_auc_without_shift(page_says, n, m):
    page_says(r"$\sqrt{(n + m + 1)/(12\, n m)}$, here 0.058")
    values = [
        Fraction(sum(chosen) - m * (m + 1) // 2, n * m)
        for chosen in itertools.combinations(range(1, n + m + 1), m)
    ]
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / len(values)
    assert mean == Fraction(1, 2)
    assert variance == Fraction(n + m + 1, 12 * n * m)
    assert math.sqrt(101 / 30_000) == pytest.approx(0.058, abs=5e-4)


def test_the_variance_of_a_weighted_mean(page_says):
    page_says(
        r"$$\mathrm{Var}\left(\frac{\sum w_i z_i}{\sum w_i}\right) = \sigma^2\,"
        r" \frac{\sum w_i^2}{\left(\sum w_i\right)^2}"
        r" = \frac{\sigma^2}{n_\text{eff}}$$",
        r"$$n_\text{eff} = \frac{\left(\sum w_i\right)^2}{\sum w_i^2}$$",
    )
    w = [Fraction(k) for k in (1, 2, 5)]
    signs = list(itertools.product((-1, 1), repeat=3))  # independent, variance 1
    means = [sum(a * b for a, b in zip(w, z, strict=True)) / sum(w) for z in signs]
    variance = sum(v**2 for v in means) / len(means)
    assert variance == Fraction(30, 64) == 1 / (sum(w) ** 2 / sum(a**2 for a in w))


def test_no_line_comes_nearer_to_the_cube_than_six_sigma_to_the_sixth(page_says):
    page_says(r"$6\sigma_p^6 = 0.0044$")
    a, b = sp.symbols("a b", real=True)
    density = normal(Z, 0, T)
    gap = sp.expand((Z**3 - a * Z - b) ** 2)  # a line more or less changes nothing
    error = sp.integrate(gap * density, (Z, -sp.oo, sp.oo))
    best = sp.solve([sp.diff(error, a), sp.diff(error, b)], [a, b], dict=True)[0]
    assert sp.simplify(error.subs(best) - 6 * T**6) == 0
    assert round(6 * 0.3**6, 4) == 0.0044


def test_the_share_left_falls_with_the_number_of_features(page_says):
    page_says(r"the share of houses left falls like $e^{-d/4}$")
    half = sp.Rational(1, 2)
    # p^2 / q is a normal density around 1, times the mean that we look for.
    left = normal(X, half, 1) ** 2 / normal(X, 0, 1)
    assert sp.simplify(left / normal(X, 1, 1)) == sp.exp(sp.Rational(1, 4))
    assert sp.simplify(sp.log(normal(X, half, 1) / normal(X, 0, 1))).expand() == (
        X / 2 - sp.Rational(1, 8)
    )


def test_the_residuals_of_a_weighted_fit_have_the_weighted_mean_zero(page_says):
    page_says("A weighted fit with a constant has residuals whose *weighted* mean is 0")
    x, y, w = (sp.Matrix(sp.symbols(f"{k}1:4")) for k in "xyw")
    a, b = sp.symbols("a b")
    r = [a * x[i] + b - y[i] for i in range(3)]
    loss = sum(w[i] * r[i] ** 2 for i in range(3))
    weighted = sum(w[i] * r[i] for i in range(3))
    assert sp.expand(sp.diff(loss, b) - 2 * weighted) == 0  # so both vanish together


def test_weights_exponential_in_x_move_a_normal_and_keep_its_width(page_says):
    page_says("$e^{a + bx}$. They can move a normal distribution, but not narrow it")
    a, b = sp.symbols("a b", real=True)
    tilted = normal(X, DELTA, S) * sp.exp(a + b * X)
    constant = sp.simplify(tilted / normal(X, DELTA + b * S**2, S))
    assert X not in constant.free_symbols
