"""What the page derives, by computer algebra and by counting.

A formula that is checked here is also looked up on the page.
"""

from fractions import Fraction
from itertools import product

import sympy as sp

S, L, H, T, U, A, B, X = sp.symbols("s l h t u a b x", positive=True)
VALUES_X, VALUES_Y = (
    (Fraction(-1), Fraction(2), Fraction(5)),
    (Fraction(0), Fraction(3)),
)
# A joint table that is no product, as weights of 36.
JOINT = dict(zip(product(VALUES_X, VALUES_Y), (1, 9, 4, 12, 7, 3), strict=True))


def mean(f):
    """E f(X, Y), summed over the joint table."""
    return sum(Fraction(w, 36) * f(x, y) for (x, y), w in JOINT.items())


def variance(f):
    return mean(lambda x, y: (f(x, y) - mean(f)) ** 2)


def test_bayes_rule_is_the_cell_over_the_sum_of_its_column(page_says):
    page_says(
        r"P(t) = \sum_s P(s, t), \qquad P(s \mid t) = \frac{P(s, t)}{P(t)}",
        r"P(s \mid t) = \frac{P(s)\,P(t \mid s)}{\sum_{s'} P(s')\,P(t \mid s')}",
    )
    for x, y in JOINT:
        p_x = {v: mean(lambda a, _, v=v: a == v) for v in VALUES_X}
        given_x = {v: Fraction(JOINT[v, y], 36) / p_x[v] for v in VALUES_X}
        rule = p_x[x] * given_x[x] / sum(p_x[v] * given_x[v] for v in VALUES_X)
        assert rule == Fraction(JOINT[x, y], sum(JOINT[v, y] for v in VALUES_X))


def test_the_odds_are_multiplied_by_the_likelihood_ratio(page_says):
    page_says(
        r"\frac{P(\text{sick} \mid t)}{P(\text{healthy} \mid t)} \quad ="
        r" \frac{P(\text{sick})}{P(\text{healthy})} \cdot"
        r" \frac{P(t \mid \text{sick})}{P(t \mid \text{healthy})}"
    )
    total = S * L + (1 - S) * H  # prior s, likelihoods l and h
    posterior = S * L / total
    odds = posterior / (1 - posterior)
    assert sp.simplify(odds - S / (1 - S) * L / H) == 0


def test_means_add_although_the_two_are_dependent(page_says):
    page_says(
        r"\mathbb{E}(X + Y) = \sum_{x, y} (x + y)\,P(x, y)"
        r" = \sum_x x \sum_y P(x, y) \quad + \sum_y y \sum_x P(x, y)"
        r" = \mathbb{E}X + \mathbb{E}Y"
    )
    together = mean(lambda x, y: x + y)
    assert together == mean(lambda x, _: x) + mean(lambda _, y: y)
    inner = {x: sum(Fraction(JOINT[x, y], 36) for y in VALUES_Y) for x in VALUES_X}
    assert sum(x * p for x, p in inner.items()) == mean(lambda x, _: x)


def test_mean_and_variance_of_a_straight_line(page_says):
    page_says(
        r"$\mathbb{E}(a + bX) = a + b\,\mathbb{E}X$",
        r"\mathrm{Var}(a + bX) = \mathbb{E}\big[(bX - b\,\mathbb{E}X)^2\big]"
        r" = b^2\,\mathrm{Var}\,X",
    )
    p, q, x, y, z = sp.symbols("p q x y z", real=True)
    a, b = sp.symbols("a b", real=True)
    weights = {x: p, y: q, z: 1 - p - q}

    def expect(f):
        return sum(w * f(v) for v, w in weights.items())

    m = expect(lambda v: v)
    assert sp.expand(expect(lambda v: a + b * v) - a - b * m) == 0
    line = expect(lambda v: (a + b * v - (a + b * m)) ** 2)
    assert sp.expand(line - expect(lambda v: (b * v - b * m) ** 2)) == 0
    assert sp.expand(line - b**2 * expect(lambda v: (v - m) ** 2)) == 0


def test_the_variance_of_a_sum_has_twice_the_covariance(page_says):
    page_says(
        r"\mathrm{Var}(X + Y) = \mathrm{Var}\,X + \mathrm{Var}\,Y"
        r" \quad + 2\,\mathrm{cov}(X, Y)",
        r"$\mathrm{cov}(X, Y) = \mathbb{E}(UV)$",
    )
    m_x, m_y = mean(lambda x, _: x), mean(lambda _, y: y)
    cov = mean(lambda x, y: (x - m_x) * (y - m_y))
    assert cov != 0
    apart = variance(lambda x, _: x) + variance(lambda _, y: y)
    assert variance(lambda x, y: x + y) == apart + 2 * cov


def test_independent_numbers_have_covariance_zero(page_says):
    page_says(r"$\mathbb{E}(UV)$ splits into $\mathbb{E}U \cdot \mathbb{E}V = 0")
    p, q = (
        (Fraction(1, 6), Fraction(2, 6), Fraction(3, 6)),
        (Fraction(1, 4), Fraction(3, 4)),
    )
    m_x = sum(a * x for a, x in zip(p, VALUES_X, strict=True))
    m_y = sum(b * y for b, y in zip(q, VALUES_Y, strict=True))
    cells = product(zip(p, VALUES_X, strict=True), zip(q, VALUES_Y, strict=True))
    assert sum(a * b * (x - m_x) * (y - m_y) for (a, x), (b, y) in cells) == 0


def test_the_variance_of_a_mean_and_chebyshevs_bound_for_dice(page_says):
    page_says(
        r"\mathrm{Var}\left(\tfrac1n \textstyle\sum_i X_i\right) ="
        r" \frac{1}{n^2}\,\mathrm{Var}\left(\textstyle\sum_i X_i\right)"
        r" = \frac{1}{n^2} \cdot n\,\sigma^2 = \frac{\sigma^2}{n}",
        r"P(|M - \mu| \ge \delta) \le \frac{\sigma^2}{n\,\delta^2}",
    )
    for n in (1, 2, 3, 4):
        off = [
            Fraction(sum(r), n) - Fraction(7, 2) for r in product(range(1, 7), repeat=n)
        ]
        var = sum(d**2 for d in off) / len(off)
        assert var == Fraction(35, 12) / n
        for delta in (Fraction(1, 2), 1, Fraction(3, 2), 2):
            far = [d for d in off if abs(d) >= delta]
            assert Fraction(len(far), len(off)) <= var / delta**2


def test_the_inverse_of_the_exponential_and_of_the_cauchy_distribution(page_says):
    page_says(
        r"P(X \le x) = P(F(X) \le F(x)) = P(U \le F(x)) = F(x)",
        r"$F(x) = 1 - e^{-x}$",
        r"$x = -\log(1 - u)$",
        r"$X = \tan(\pi(U - \frac12))$",
        r"$1/(\pi(1 + x^2))$",
    )
    assert sp.solve(sp.Eq(1 - sp.exp(-X), U), X) == [sp.log(-1 / (U - 1))]
    assert sp.simplify((1 - sp.exp(-X)).subs(X, -sp.log(1 - U)) - U) == 0
    cauchy = sp.Rational(1, 2) + sp.atan(X) / sp.pi  # solves u for x
    assert sp.simplify(sp.tan(sp.pi * (cauchy - sp.Rational(1, 2))) - X) == 0
    assert sp.simplify(sp.diff(cauchy, X) - 1 / (sp.pi * (1 + X**2))) == 0


def test_half_a_cauchy_mean_grows_without_end(page_says):
    page_says(
        r"\int_0^T \frac{x}{\pi(1 + x^2)}\,dx = \frac{\log(1 + T^2)}{2\pi}",
    )
    half = sp.integrate(X / (sp.pi * (1 + X**2)), (X, 0, T))
    assert sp.simplify(half - sp.log(1 + T**2) / (2 * sp.pi)) == 0
    assert sp.limit(half, T, sp.oo) == sp.oo


def test_the_variance_of_a_zero_or_one(page_says):
    page_says(r"variance $p - p^2$", r"\sqrt{p(1 - p)/n}")
    assert sp.expand(A * (1 - A) ** 2 + (1 - A) * A**2 - (A - A**2)) == 0
