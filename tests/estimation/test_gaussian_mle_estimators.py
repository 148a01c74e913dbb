"""What the page derives about estimators, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import sympy as sp

X, MU = sp.symbols("x mu", real=True)
SIGMA, C, M, H = sp.symbols("sigma c m h", positive=True)
PHI = sp.exp(-((X - MU) ** 2) / (2 * SIGMA**2)) / (sp.sqrt(2 * sp.pi) * SIGMA)
LINE = (X, -sp.oo, sp.oo)

# Four houses, two columns: exact, and small enough for every product of the noise.
TALL = sp.Matrix([[0, 1], [1, 1], [2, 1], [5, 1]])
FIT = (TALL.T * TALL).inv() * TALL.T
NOISE = sp.symbols("e1:5")


def expected(polynomial):
    """The mean over independent normal noise: E e^2 = s^2, E e^4 = 3 s^4."""
    moments = {0: 1, 1: 0, 2: SIGMA**2, 3: 0, 4: 3 * SIGMA**4}
    poly = sp.Poly(sp.expand(polynomial), *NOISE)
    return sp.expand(
        sum(c * sp.prod([moments[k] for k in powers]) for powers, c in poly.terms())
    )


def test_the_moments_that_expected_uses():
    fourth = sp.integrate((X - MU) ** 4 * PHI, LINE)
    assert sp.simplify(fourth - 3 * SIGMA**4) == 0


def test_the_residual_sum_of_squares_has_mean_m_and_variance_2m(page_says):
    page_says(
        r"the other $m = n - p$ directions",
        r"\mathbb{E}\,\mathrm{RSS} = m\,\sigma^2,",
        r"\mathrm{Var}\,\mathrm{RSS} = 2m\,\sigma^4",
        r"variance $2\sigma^4$",
    )
    e = sp.Matrix(NOISE)
    rss = ((sp.eye(4) - TALL * FIT) * e).dot(e)
    assert expected(rss) == 2 * SIGMA**2  # m = 4 - 2
    assert expected(rss**2) - expected(rss) ** 2 == 2 * 2 * SIGMA**4
    assert expected(NOISE[0] ** 4) - SIGMA**4 == 2 * SIGMA**4


def test_the_residuals_are_the_noise_in_n_minus_p_dimensions():
    rest = sp.eye(4) - TALL * FIT
    assert sp.simplify(rest * rest - rest) == sp.zeros(4)
    assert rest.eigenvals() == {sp.Integer(0): 2, sp.Integer(1): 2}


def test_the_best_divisor_is_n_minus_p_plus_two(page_says):
    page_says(
        r"\mathbb{E}\,(c\,\mathrm{RSS} - \sigma^2)^2"
        r" = \sigma^4 \left[(cm - 1)^2 + 2c^2 m\right]",
        r"$\sigma^4\,[2m(cm - 1) + 4cm]$",
        r"c = \frac{1}{m + 2} = \frac{1}{n - p + 2}",
    )
    mean, variance = M * SIGMA**2, 2 * M * SIGMA**4
    square = C**2 * (variance + mean**2) - 2 * C * mean * SIGMA**2 + SIGMA**4
    formula = SIGMA**4 * ((C * M - 1) ** 2 + 2 * C**2 * M)
    assert sp.expand(square - formula) == 0
    slope = SIGMA**4 * (2 * M * (C * M - 1) + 4 * C * M)
    assert sp.expand(sp.diff(square, C) - slope) == 0
    assert [sp.simplify(c - 1 / (M + 2)) for c in sp.solve(slope, C)] == [0]
    assert sp.diff(square, C, 2).is_positive


def test_with_many_columns_the_likelihoods_divisor_is_the_worst(page_says):
    page_says(
        r"for $n = 100$ and $p = 60$ it is 0.37, against 0.05 for $n - p$",
    )

    def error(divisor, m):
        return (sp.Rational(m, divisor) - 1) ** 2 + sp.Rational(2 * m, divisor**2)

    assert round(float(error(100, 40)), 2) == 0.37
    assert round(float(error(40, 40)), 2) == 0.05
    assert error(42, 40) < error(40, 40)


def test_gauss_markov_with_any_right_linear_estimator(page_says):
    page_says(
        r"only if $CA = I$",
        r"$DA = CA - BA = I - I = 0$, so $DB^\top = DA\,(A^\top A)^{-1} = 0$",
        r"\sigma^2 C C^\top &= \sigma^2 (B + D)(B + D)^\top \\",
        r"&= \sigma^2 (B B^\top + D D^\top)",
    )
    u, v, s, t = sp.symbols("u v s t")
    left = TALL.T.nullspace()  # all D with DA = 0 are combinations of these
    D = sp.Matrix.vstack((u * left[0] + v * left[1]).T, (s * left[0] + t * left[1]).T)
    estimator = FIT + D
    assert sp.simplify(estimator * TALL) == sp.eye(2)
    assert sp.simplify(D * FIT.T) == sp.zeros(2)
    extra = estimator * estimator.T - FIT * FIT.T - D * D.T
    assert sp.simplify(extra) == sp.zeros(2)


def test_the_midrange_of_uniform_noise(page_says):
    page_says(
        r"its variance is $2h^2/((n + 1)(n + 2))$ for noise in $\pm h$",
        "With 100 prices its standard deviation would be 0.48, that of the mean 2.00",
        r"*uniform* between $\pm 20\sqrt3$",
    )
    # The joint density of lowest u and highest v is n (n-1) (v-u)^(n-2) / (2h)^n.
    u, v = sp.symbols("u v", real=True)
    for n in (2, 3, 5):
        joint = n * (n - 1) * (v - u) ** (n - 2) / (2 * H) ** n
        square = sp.integrate(
            sp.expand(((u + v) / 2) ** 2 * joint), (u, -H, v), (v, -H, H)
        )
        assert sp.simplify(square - 2 * H**2 / ((n + 1) * (n + 2))) == 0
    h = 20 * sp.sqrt(3)
    assert sp.integrate(X**2 / (2 * h), (X, -h, h)) == 400
    assert round(float(sp.sqrt(2 * h**2 / (101 * 102))), 2) == 0.48
    assert 20 / sp.sqrt(100) == 2


def test_the_mean_of_a_log_normal_price(page_says):
    page_says(r"the expected price is $\exp(\mu + \sigma^2/2)$")
    # exp(x) times a bell is another bell, of area 1, times the expected price.
    moved = PHI.subs(MU, MU + SIGMA**2)
    ratio = sp.exp(X) * PHI / (sp.exp(MU + SIGMA**2 / 2) * moved)
    assert sp.simplify(sp.powsimp(ratio)) == 1


def test_the_likelihood_of_counts_peaks_at_their_mean(page_says):
    page_says(
        r"$e^{-\mu} \mu^k / k!$",
        r"The sum of $\mu - k_i \log \mu + \log k_i!$",
        r"slope $n - \sum_i k_i / \mu$",
        r"the slope is $A^\top (\mu - k)$",
        r"the Hessian is $A^\top \mathrm{diag}(\mu)\, A$",
    )
    mu, theta1, theta2 = sp.symbols("mu theta1 theta2", positive=True)
    counts = (2, 0, 5)
    chances = [sp.exp(-mu) * mu**k / sp.factorial(k) for k in counts]
    ell = -sum(sp.expand_log(sp.log(p), force=True) for p in chances)
    terms = sum(mu - k * sp.log(mu) + sp.log(sp.factorial(k)) for k in counts)
    assert sp.simplify(ell - terms) == 0
    assert sp.simplify(sp.diff(ell, mu) - (3 - sp.Rational(7) / mu)) == 0
    rows = sp.Matrix([[1, 1], [2, 1], [-1, 1]])
    rates = [sp.exp(rows[i, 0] * theta1 + theta2) for i in range(3)]
    ell = sum(m - k * sp.log(m) for m, k in zip(rates, counts, strict=True))
    slope = sp.Matrix([sp.diff(ell, t) for t in (theta1, theta2)])
    excess = sp.Matrix(rates) - sp.Matrix(counts)
    assert sp.simplify(slope - rows.T * excess) == sp.zeros(2, 1)
    hessian = sp.hessian(ell, (theta1, theta2))
    assert sp.simplify(hessian - rows.T * sp.diag(*rates) * rows) == sp.zeros(2)
