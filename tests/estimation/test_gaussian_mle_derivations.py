"""What the page derives about the likelihood, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import sympy as sp

X, MU, B, T = sp.symbols("x mu b t", real=True)
SIGMA, S = sp.symbols("sigma S", positive=True)
DATA = sp.symbols("x1:4", real=True)
N = len(DATA)
MEAN = sum(DATA) / N
PHI = sp.exp(-((X - MU) ** 2) / (2 * SIGMA**2)) / (sp.sqrt(2 * sp.pi) * SIGMA)
LINE = (X, -sp.oo, sp.oo)


def minus_log_likelihood(means):
    """The sum over the data, straight from the product of the densities."""
    factors = [PHI.subs({X: x, MU: mean}) for x, mean in zip(DATA, means, strict=True)]
    return -sum(sp.expand_log(sp.log(f), force=True) for f in factors)


ELL = minus_log_likelihood([B] * N)


def test_the_bell_has_area_one_mean_mu_and_standard_deviation_sigma(page_says):
    page_says(
        r"\varphi(x) = \frac{1}{\sqrt{2\pi}\,\sigma}"
        r" \exp\left(-\frac{(x - \mu)^2}{2\sigma^2}\right)",
        r"its mean is $\mu$ and its standard deviation $\sigma$",
    )
    moments = [sp.simplify(sp.integrate((X - MU) ** k * PHI, LINE)) for k in range(3)]
    assert moments == [1, 0, SIGMA**2]


def test_twice_the_sigma_is_twice_as_wide_and_half_as_high(page_says):
    page_says("= 2 is twice as wide and half as high")
    wide = PHI.subs(SIGMA, 2 * SIGMA).subs(X, MU + 2 * T)
    assert sp.simplify(wide - PHI.subs(X, MU + T) / 2) == 0


def test_what_one_price_costs(page_says):
    page_says(
        r"-\log \varphi(y_i) = \log \sigma + \tfrac12 \log 2\pi"
        r" + \frac{r_i^2}{2\sigma^2}",
        r"residual $r_i = b - y_i$",
    )
    cost = sp.log(SIGMA) + sp.log(2 * sp.pi) / 2 + (B - X) ** 2 / (2 * SIGMA**2)
    assert sp.simplify(sp.exp(-cost) - PHI.subs(MU, B)) == 0


def test_the_negative_log_likelihood_of_all_prices(page_says):
    page_says(
        r"\ell(b, \sigma) = n \log \sigma + \tfrac{n}{2} \log 2\pi"
        r" + \frac{1}{2\sigma^2} \sum_i r_i^2"
    )
    squares = sum((B - x) ** 2 for x in DATA)
    formula = N * sp.log(SIGMA) + N * sp.log(2 * sp.pi) / 2
    formula += squares / (2 * SIGMA**2)
    assert sp.simplify(sp.expand_log(ELL - formula, force=True)) == 0


def test_the_slope_in_b_vanishes_at_the_mean_alone(page_says):
    page_says(
        r"\frac{\partial \ell}{\partial b} = \frac{1}{\sigma^2} \sum_i (b - y_i)"
        r" = \frac{n}{\sigma^2}\,(b - \bar y)",
        r"0 at $b = \bar y$ alone",
    )
    slope = sp.diff(ELL, B)
    assert sp.simplify(slope - sum(B - x for x in DATA) / SIGMA**2) == 0
    assert sp.simplify(slope - N * (B - MEAN) / SIGMA**2) == 0
    (root,) = sp.solve(slope, B)
    assert sp.simplify(root - MEAN) == 0


def test_the_square_is_completed(page_says):
    page_says(
        r"$b - y_i = (b - \bar y) - (y_i - \bar y)$",
        r"\sum_i (b - y_i)^2 = n\,(b - \bar y)^2 + \sum_i (y_i - \bar y)^2",
    )
    left = sum((B - x) ** 2 for x in DATA)
    right = N * (B - MEAN) ** 2 + sum((x - MEAN) ** 2 for x in DATA)
    assert sp.expand(left - right) == 0
    assert sp.expand(sum(x - MEAN for x in DATA)) == 0


def test_in_sigma_it_falls_then_rises_around_the_mean_square(page_says):
    page_says(
        r"S = \sum_i (y_i - \bar y)^2",
        r"\frac{\partial \ell}{\partial \sigma} = \frac{n}{\sigma}"
        r" - \frac{S}{\sigma^3}"
        r" = \frac{n}{\sigma^3} \left(\sigma^2 - \frac{S}{n}\right)",
        r"negative while $\sigma^2 < S/n$ and positive beyond",
        r"\hat\sigma^2 = \frac{S}{n} = \frac1n \sum_i (y_i - \bar y)^2",
    )
    slope = sp.diff(ELL.subs(B, MEAN), SIGMA)
    total = sum((x - MEAN) ** 2 for x in DATA)
    assert sp.simplify(slope - (N / SIGMA - total / SIGMA**3)) == 0
    factored = N / SIGMA**3 * (SIGMA**2 - S / N)
    assert sp.simplify(factored - (N / SIGMA - S / SIGMA**3)) == 0
    step = sp.Symbol("step", positive=True)  # sigma^2 = S/n times 1 + step, or over it
    after = factored.subs(SIGMA, sp.sqrt(S / N * (1 + step)))
    before = factored.subs(SIGMA, sp.sqrt(S / N / (1 + step)))
    assert sp.simplify(after).is_positive
    assert sp.simplify(before).is_negative


def test_with_equal_prices_the_likelihood_grows_without_end(page_says):
    page_says("the likelihood would grow without end as $\\sigma$ shrinks")
    equal = ELL.subs(dict.fromkeys(DATA, B))
    assert sp.limit(equal, SIGMA, 0, "+") == -sp.oo


def test_a_line_sees_the_loss_and_a_factor(page_says):
    page_says(
        r"\frac{\ell(\theta, \sigma)}{n} = \log \sigma + \tfrac12 \log 2\pi"
        r" + \frac{L(\theta)}{\sigma^2}",
        r"\nabla_\theta\, \frac{\ell}{n} = \frac{1}{\sigma^2}\, \nabla L(\theta)",
        r"$L(\theta) = \frac{1}{2n} \sum_i r_i^2$",
        r"a step of $\text{lr} \cdot \sigma^2$ on $\ell / n$ is a step of $\text{lr}$",
        r"$\log\sigma + \tfrac12\log 2\pi + L(\theta)/\sigma^2$",
    )
    w, b = sp.symbols("w b", real=True)
    means = [w * a + b + sp.sin(w * a) for a in (-1, 0, 2)]  # curved, as a network is
    loss = sum((m - y) ** 2 for m, y in zip(means, DATA, strict=True)) / (2 * N)
    each = minus_log_likelihood(means) / N
    formula = sp.log(SIGMA) + sp.log(2 * sp.pi) / 2 + loss / SIGMA**2
    assert sp.simplify(sp.expand_log(each - formula, force=True)) == 0
    for v in (w, b):
        assert sp.simplify(sp.diff(each, v) - sp.diff(loss, v) / SIGMA**2) == 0
