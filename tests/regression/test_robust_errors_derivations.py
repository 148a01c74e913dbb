"""What the page derives, by computer algebra and exact sums.

A formula that is checked here is also looked up on the page.
"""

import math

import sympy as sp
import torch
from torch.testing import assert_close

from firstdescent.regression.coefficients import coef_table, with_ones
from firstdescent.regression.robust_errors import robust_se

# Features of 6 houses (exact numbers), and a column of ones.
TALL = sp.Matrix([[1, 2, 1], [0, -1, 1], [3, 1, 1], [2, 2, 1], [-1, 4, 1], [5, 1, 1]])
N, P = TALL.shape
B = (TALL.T * TALL).inv() * TALL.T
HAT = TALL * B
NOISE = sp.Matrix(sp.symbols("e1:7"))
SIGMA = sp.Symbol("sigma", positive=True)


def expected(square, variances):
    """The mean of a quadratic form in independent noise of mean 0."""
    form = sp.Poly(sp.expand(square), *NOISE)
    return sum(
        form.coeff_monomial(e**2) * v for e, v in zip(NOISE, variances, strict=True)
    )


def test_unequal_noise_gives_the_sandwich(page_says):
    page_says(
        r"\mathrm{Cov}(\hat\theta) = B D B^\top, \qquad"
        r" \mathrm{s.e.}_j^2 = \sum_i B_{ji}^2\, \sigma_i^2"
    )
    variances = sp.symbols("v1:7", positive=True)
    error, sandwich = B * NOISE, B * sp.diag(*variances) * B.T
    for j in range(P):
        mean = expected(error[j] ** 2, variances)
        assert sp.expand(mean - sandwich[j, j]) == 0
        by_sum = sum(B[j, i] ** 2 * variances[i] for i in range(N))
        assert sp.expand(mean - by_sum) == 0


def test_one_squared_residual_loses_its_leverage(page_says):
    page_says(r"$r = -(I - P)\,\varepsilon$ with $P = AB$")
    page_says(r"$$\mathbb{E}\, r_i^2 = \sigma^2 (1 - P_{ii})$$")
    rest = sp.eye(N) - HAT
    assert rest * rest.T == rest
    residual = -rest * NOISE
    for i in range(N):
        mean = expected(residual[i] ** 2, [SIGMA**2] * N)
        assert sp.expand(mean - SIGMA**2 * (1 - HAT[i, i])) == 0


def test_the_leverage_is_the_weight_of_a_price_in_its_own_prediction():
    prediction = TALL * (B * NOISE)
    for i in range(N):
        assert sp.diff(sp.expand(prediction[i]), NOISE[i]) == HAT[i, i]


def test_for_equal_noise_the_squares_of_hc2_are_right_on_average(page_says):
    page_says(r"$r_i^2 / (1 - P_{ii})$ for $\sigma_i^2$")
    residual = HAT * NOISE - NOISE
    means = [
        expected(r**2, [SIGMA**2] * N) / (1 - HAT[i, i]) for i, r in enumerate(residual)
    ]
    robust = B * sp.diag(*means) * B.T
    assert sp.simplify(robust - SIGMA**2 * B * B.T) == sp.zeros(P)


def moments(values, variances, j):
    """The four means of the page for column j, and its e."""
    column, others = values[:, j], values.copy()
    others.col_del(j)
    e = column - others * (others.T * others).inv() * others.T * column
    n = len(e)
    both = sum(a**2 * v for a, v in zip(e, variances, strict=True)) / n
    return e.dot(e) / n, sum(variances) / sp.Integer(n), both


def test_the_two_errors_in_means_over_the_rows(page_says):
    page_says(
        r"\text{usual: } & \mathrm{s.e.}_j^2 \approx"
        r" \frac{m(\sigma^2)}{n\,m(e_j^2)}",
        r"\text{true: } & \mathrm{s.e.}_j^2 ="
        r" \frac{m(e_j^2\,\sigma^2)}{n\,m(e_j^2)^2}",
        r"$$q = \sqrt{\frac{m(e_j^2)\,m(\sigma^2)}{m(e_j^2\,\sigma^2)}}$$",
    )
    variances = sp.symbols("v1:7", positive=True)
    for j in range(P):
        spread, level, both = moments(TALL, variances, j)
        true = (B * sp.diag(*variances) * B.T)[j, j]
        assert sp.expand(true - both / (N * spread**2)) == 0
        usual = level * (B * B.T)[j, j]
        assert sp.expand(usual - level / (N * spread)) == 0
        assert sp.simplify(usual / true - spread * level / both) == 0


def test_noise_that_does_not_go_with_e_squared_does_no_harm():
    # x = -1, -1, 1, 1 with variances 1, 3, 1, 3: unequal, and no covariance.
    A = sp.Matrix([[-1, 1], [-1, 1], [1, 1], [1, 1]])
    fit = (A.T * A).inv() * A.T
    assert fit * sp.diag(1, 3, 1, 3) * fit.T == 2 * fit * fit.T
    for j in (0, 1):
        spread, level, both = moments(A, [1, 3, 1, 3], j)
        assert both - spread * level == 0


def test_the_limits_of_the_fan_from_the_exact_chances_of_each_area(page_says):
    """Sums over all whole areas: no random number."""
    page_says(r"$\pm 1.96\,q$", r"$20\,(x/100)^2$")

    def below(a, bedrooms):
        return (1 + math.erf((a - 30 - 25 * bedrooms) / 12 / math.sqrt(2))) / 2

    chances = {
        x: sum(
            below(x + 0.5, k) - (below(x - 0.5, k) if x > 20 else 0)
            for k in range(1, 6)
        )
        / 5
        for x in range(20, 300)
    }
    assert abs(sum(chances.values()) - 1) < 1e-12

    def mean(f):
        return sum(p * f(x) for x, p in chances.items())

    middle, square = mean(lambda x: x), mean(lambda x: x * x)
    left = {  # what the other column leaves
        "area": lambda x: x - middle,
        "constant": lambda x: 1 - x * middle / square,
    }

    def variance(x):
        return (20 * (x / 100) ** 2) ** 2

    results = {}
    for name, e in left.items():
        both = mean(lambda x, e=e: e(x) ** 2 * variance(x))
        q = math.sqrt(mean(lambda x, e=e: e(x) ** 2) * mean(variance) / both)
        results[name] = q, math.erf(1.96 * q / math.sqrt(2))
    assert abs(results["area"][0] - 0.835) < 1e-3
    assert abs(results["area"][1] - 0.898) < 1e-3
    assert abs(results["constant"][0] - 1.149) < 1e-3
    assert abs(results["constant"][1] - 0.976) < 1e-3
    page_says("ratio 0.84, coverage 89.", "ratio 1.15, coverage 97.")
    # Most of the constant's e squared lies in the small houses.
    e = left["constant"]
    small = mean(lambda x: e(x) ** 2 * (x < 105)) / mean(lambda x: e(x) ** 2)
    assert small > 0.6


def test_with_each_row_twice_the_usual_error_shrinks_as_by_hand():
    X = torch.tensor(TALL[:, :2].tolist(), dtype=torch.float64)
    A, y = with_ones(X), torch.tensor([3.0, 1, 4, 1, 5, 9], dtype=torch.float64)
    once, twice = coef_table(A, y), coef_table(A.repeat(2, 1), y.repeat(2))
    # RSS doubles, degrees of freedom go from n - p to 2n - p, |B_j|^2 halves.
    ratio = math.sqrt(2 * (N - P) / (2 * N - P) / 2)
    assert_close(twice.se, once.se * ratio)
    # HC2: the leverage halves as well.
    r2 = (A @ once.estimate - y) ** 2
    fit = torch.linalg.pinv(A)
    h = (A * fit.T).sum(dim=1)
    by_hand = (fit**2 / 2) @ (r2 / (1 - h / 2))
    assert_close(robust_se(A.repeat(2, 1), y.repeat(2)), by_hand.sqrt())


def test_the_chance_of_a_normal_number_within_a_bound_is_the_error_function(page_says):
    page_says(r"$\mathrm{erf}(1.96\,q / \sqrt 2)$")
    z, bound = sp.Symbol("z", real=True), sp.Symbol("bound", positive=True)
    density = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
    chance = sp.integrate(density, (z, -bound, bound))
    assert sp.simplify(chance - sp.erf(bound / sp.sqrt(2))) == 0


def test_the_two_sums_are_the_means_over_the_rows(page_says):
    page_says(
        r"so $\lVert e_j \rVert^2 = n\,m(e_j^2)$",
        r"$\hat\sigma^2 \sum_i B_{ji}^2$ and into $\sum_i B_{ji}^2\,\sigma_i^2$",
    )
    e, v = sp.Matrix(sp.symbols("e1:5")), sp.Matrix(sp.symbols("v1:5"))
    row, mean = e / e.dot(e), sum(v) / 4
    spread = e.dot(e) / 4
    both = sum(a**2 * b for a, b in zip(e, v, strict=True)) / 4
    usual = mean * row.dot(row)
    true = sum(a**2 * b for a, b in zip(row, v, strict=True))
    assert sp.simplify(usual - mean / (4 * spread)) == 0
    assert sp.simplify(true - both / (4 * spread**2)) == 0
