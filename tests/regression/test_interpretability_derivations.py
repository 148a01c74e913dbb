"""What the page derives, by computer algebra, enumeration and simulation."""

from itertools import permutations

import sympy as sp
import torch
from torch import Generator
from torch.testing import assert_close

from firstdescent.regression.house_prices import make_houses
from firstdescent.regression.interpretability import (
    contributions,
    permutation_importance,
)

D = torch.float64


def houses(n=300):
    return make_houses(n, Generator().manual_seed(1))


def fit(X, y):
    A = torch.hstack([X, X.new_ones(len(X), 1)])
    return torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]


def mean(values):
    return sum(values) / len(values)


def test_a_linear_model_differs_from_its_mean_by_the_contributions(page_says):
    page_says(
        r"f(x) - f(\bar x) &= (w \cdot x + b) - (w \cdot \bar x + b) \\"
        r"&= \sum_j w_j\,(x_j - \bar x_j)"
    )
    w, x, m = (sp.Matrix(sp.symbols(f"{name}1:4")) for name in "wxm")
    b = sp.Symbol("b")
    parts = sum(w[j] * (x[j] - m[j]) for j in range(3))
    assert sp.expand((w.dot(x) + b) - (w.dot(m) + b) - parts) == 0


def test_the_contributions_are_the_shapley_values(page_says):
    page_says(r"adds the same $w_j\,(x_j - \bar x_j)$ in every order")
    w, x = torch.tensor([[2.0, -3.0, 0.5], [4.0, 1.0, -2.0]], dtype=D)
    middle = torch.tensor([1.0, 5.0, 3.0], dtype=D)
    shapley = torch.zeros(3, dtype=D)
    for order in permutations(range(3)):
        present = middle.clone()
        for j in order:
            before = present @ w
            present[j] = x[j]
            shapley[j] += (present @ w - before) / 6
    assert_close(contributions(w, x[None], middle)[0], shapley)


def test_residuals_orthogonal_to_the_columns_leave_the_fit_alone(page_says):
    page_says(
        r"satisfy $A^\top r = 0$. Turn that round",
        r"subtract *any* $r$ with $A^\top r = 0$ from a line",
    )
    A = sp.Matrix([[1, 1], [2, 1], [4, 1], [7, 1]])
    theta = sp.Matrix(sp.symbols("slope offset"))
    for r in A.T.nullspace():
        assert A.T * r == sp.zeros(2, 1)
        back = (A.T * A).inv() * A.T * (A * theta - r)
        assert sp.expand(back - theta) == sp.zeros(2, 1)


def test_mean_squared_error_is_squared_bias_plus_scatter(page_says):
    page_says(r"$\text{mse} = \text{bias}^2 + \text{scatter}^2$")
    r = sp.symbols("r1:5")
    variance = mean([(value - mean(r)) ** 2 for value in r])
    squares = mean([value**2 for value in r])
    assert sp.expand(squares - mean(r) ** 2 - variance) == 0


def test_the_slope_without_z_is_that_with_it_plus_what_comes_along(page_says):
    page_says(
        r"$\mathrm{cov}(x, y) / \mathrm{var}(x)$",
        r"w_{\text{short}} &= \frac{\mathrm{cov}(x,\ \beta x + \gamma z + e)}"
        r"{\mathrm{var}(x)} \\ &= \beta + \gamma\,"
        r"\frac{\mathrm{cov}(x, z)}{\mathrm{var}(x)}",
    )
    beta, gamma, e5 = sp.symbols("beta gamma e5")
    x, z = sp.Matrix([1, 2, 4, 7, 1]), sp.Matrix(sp.symbols("z1:6"))
    e = sp.Matrix([*sp.symbols("e1:5"), e5])

    def cov(u, v):
        return mean([(a - mean(u)) * (b - mean(v)) for a, b in zip(u, v, strict=True)])

    e = e.subs(e5, sp.solve(cov(x, e), e5)[0])
    short = cov(x, beta * x + gamma * z + e) / cov(x, x)
    assert sp.simplify(short - beta - gamma * cov(x, z) / cov(x, x)) == 0


def test_for_two_fits_on_the_same_rows_the_formula_has_a_term_a_feature():
    X, y = houses()
    long, short = fit(X, y), fit(X[:, :1], y)[0]
    slopes = [fit(X[:, :1], X[:, j])[0] for j in (1, 2)]
    assert_close(short, long[0] + long[1] * slopes[0] + long[2] * slopes[1])
    # and it is not near: bedrooms alone stand for 55 thousand more
    assert short - long[0] > 40


def test_the_bias_of_the_short_fit_is_that_of_the_formula_on_average():
    generator = Generator().manual_seed(0)
    x, u, e = torch.randn(3, 400, 500, generator=generator, dtype=D)
    z = 0.8 * x + 0.6 * u  # cov(x, z) / var(x) = 0.8
    y = 1.0 * x + 3.0 * z + e
    x = x - x.mean(dim=1, keepdim=True)
    short = (x * y).sum(dim=1) / x.square().sum(dim=1)
    se = short.std() / 400**0.5
    assert abs(short.mean() - (1 + 3 * 0.8)) < 4 * se


def test_simpsons_reversal_is_the_formula_with_the_district_left_out():
    centre, base = (60, 100, 150), (320, 150, 0)
    cov = mean([a * b for a, b in zip(centre, base, strict=True)])
    cov -= mean(centre) * mean(base)
    var = mean([a * a for a in centre]) - mean(centre) ** 2 + 10**2
    expected = 2 + cov / var
    noise = torch.randn(2, 3, 200_000, generator=Generator().manual_seed(0), dtype=D)
    area = torch.tensor(centre, dtype=D)[:, None] + 10 * noise[0]
    price = torch.tensor(base, dtype=D)[:, None] + 2 * area + 20 * noise[1]
    pooled = torch.cov(torch.stack([area.flatten(), price.flatten()]))
    assert expected < -1
    assert_close((pooled[0, 1] / pooled[0, 0]).item(), expected, rtol=0.01, atol=0)


def growth_over_all_orders(x, r, weight):
    """The mean over all orders of the growth of the mean squared residual."""
    n, growths = len(x), []
    for order in permutations(range(n)):
        moved = [r[i] + weight * (x[order[i]] - x[i]) for i in range(n)]
        growths.append(mean([m**2 - v**2 for m, v in zip(moved, r, strict=True)]))
    return sp.expand(mean(growths))


def test_importance_over_all_orders_is_twice_variance_and_covariance(page_says):
    page_says(
        r"\text{importance}_j = 2\,w_j^2\,\mathrm{var}(x_j) "
        r"- 2\,w_j\,\mathrm{cov}(r, x_j)",
        r"from $r_i$ to $r_i + w_j\,(x_{\pi(i) j} - x_{ij})$",
    )
    x, r, w = sp.symbols("x1:5"), sp.symbols("r1:5"), sp.Symbol("w")
    var = mean([(v - mean(x)) ** 2 for v in x])
    cov = mean([(a - mean(r)) * (b - mean(x)) for a, b in zip(r, x, strict=True)])
    expected = 2 * w**2 * var - 2 * w * cov
    assert sp.expand(growth_over_all_orders(x, r, w) - expected) == 0


def test_the_squared_differences_give_twice_the_variance(page_says):
    page_says("so the squared differences give twice the variance")
    x = sp.symbols("x1:5")
    squares = growth_over_all_orders(x, (0, 0, 0, 0), 1)
    twice = 2 * mean([v**2 for v in x]) - 2 * mean(x) ** 2
    assert sp.expand(squares - twice) == 0


def test_shuffled_houses_have_the_importance_of_the_formula():
    X, y = houses()
    theta = fit(X, y)
    r = X @ theta[:3] + theta[3] - y
    # least squares: residuals on these rows have no covariance with a feature
    assert_close(r @ (X - X.mean(dim=0)), X.new_zeros(3), rtol=0, atol=1e-6)
    expected = 2 * theta[:3] ** 2 * X.var(dim=0, correction=0)
    draws = [
        permutation_importance(
            lambda H: H @ theta[:3] + theta[3],
            X,
            y,
            Generator().manual_seed(seed),
            repeats=1,
        )
        for seed in range(400)
    ]
    drawn = torch.stack(draws)
    se = drawn.std(dim=0) / 400**0.5
    assert ((drawn.mean(dim=0) - expected).abs() < 4 * se).all()


def test_a_copied_column_halves_the_weight_and_quarters_the_importance(page_says):
    page_says(r"$(w_3 + w_4)^2 = w_3^2 + w_4^2 + 2\,w_3 w_4$")
    X, y = houses()
    once, twice = fit(X, y), fit(X[:, [0, 1, 2, 2]], y)
    assert_close(twice, once[[0, 1, 2, 2, 3]] * X.new_tensor([1, 1, 0.5, 0.5, 1]))
    var = X[:, 2].var(correction=0)
    parts = 2 * twice[2:4] ** 2 * var
    full = 2 * once[2] ** 2 * var
    assert_close(parts, torch.stack([full, full]) / 4)
    assert_close(parts.sum() + 4 * twice[2] * twice[3] * var, full)


def test_columns_that_travel_together_count_their_covariance(page_says):
    page_says(
        r"$2\,v^\top \Sigma\, v$",
        r"$4\,w_1 w_3\,\mathrm{cov}(x_1, x_3)$",
    )
    X = torch.tensor([[1.0, 2.0], [4.0, 1.0], [2.0, 7.0], [0.0, 3.0]], dtype=D)
    v = torch.tensor([2.0, -3.0], dtype=D)
    moves = [X - X[list(order)] for order in permutations(range(4))]
    growth = torch.stack([(move @ v).square().mean() for move in moves]).mean()
    sigma = torch.cov(X.T, correction=0)
    assert_close(growth, 2 * v @ sigma @ v)
    alone = 2 * (v**2 * sigma.diag()).sum()
    assert_close(growth - alone, 4 * v[0] * v[1] * sigma[0, 1])
