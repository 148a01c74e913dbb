"""What the page derives, by computer algebra and exact arithmetic.

A formula that is checked here is also looked up on the page.
"""

import sympy as sp
import torch
from torch.testing import assert_close

from firstdescent.regression.coefficients import fit_matrix, vif, with_ones

# Features of 6 houses (exact numbers), and a column of ones.
TALL = sp.Matrix([[1, 2, 1], [0, -1, 1], [3, 1, 1], [2, 2, 1], [-1, 4, 1], [5, 1, 1]])
N, P = TALL.shape
B = (TALL.T * TALL).inv() * TALL.T
HAT = TALL * B
REST = sp.eye(N) - HAT
NOISE = sp.Matrix(sp.symbols("e1:7"))
SIGMA = sp.Symbol("sigma", positive=True)


def expected(square, variances):
    """The mean of a quadratic form in independent noise of mean 0."""
    form = sp.Poly(sp.expand(square), *NOISE)
    return sum(
        form.coeff_monomial(e**2) * v for e, v in zip(NOISE, variances, strict=True)
    )


def test_the_standard_error_is_sigma_times_the_length_of_a_row(page_says):
    page_says(r"$B = (A^\top A)^{-1} A^\top$", r"$\sigma^2 B B^\top = \sigma^2 (A^\top")
    page_says(r"row $j$ of $B$ times itself, $\lVert B_j \rVert^2$")
    page_says(r"$$\mathrm{s.e.}_j = \sigma\,\lVert B_j \rVert$$")
    assert (TALL.T * TALL).inv() == B * B.T
    error = B * NOISE
    for j in range(P):
        variance = expected(error[j] ** 2, [SIGMA**2] * N)
        assert sp.expand(variance - SIGMA**2 * B[j, :].dot(B[j, :])) == 0


def test_the_triangle_gives_the_fit_matrix(page_says):
    page_says(r"$A^\top A = R^\top R$, and $B = R^{-1} Q^\top$")
    Q, R = TALL.QRdecomposition()
    assert sp.simplify(R.inv() * Q.T - B) == sp.zeros(P, N)
    assert sp.simplify(R.T * R - TALL.T * TALL) == sp.zeros(P)


def test_the_squared_residuals_add_up_to_n_minus_p_variances(page_says):
    page_says(
        r"$\varepsilon = y - A\theta$",
        r"Let $P = AB$",
        r"$PP = A(BA)B = P$",
        r"$(I - P)(I - P) = I - P$",
        r"$$r = A\hat\theta - y = -(I - P)\,\varepsilon$$",
        r"$\lVert r \rVert^2 = \varepsilon^\top (I - P)\,\varepsilon$",
        r"$\mathrm{tr}(AB) = \mathrm{tr}(BA)$",
        r"&= \sigma^2\, \mathrm{tr}(I - P) = \sigma^2 (n - \mathrm{tr}(AB)) \\",
        r"&= \sigma^2 (n - \mathrm{tr}(BA)) = \sigma^2 (n - p)",
        r"$$\hat\sigma^2 = \frac{\mathrm{RSS}}{n - p}$$",
    )
    theta = sp.Matrix([2, -3, 4])
    y = TALL * theta + NOISE
    residual = TALL * (B * y) - y
    assert sp.expand(residual + REST * NOISE) == sp.zeros(N, 1)
    assert HAT.T == HAT and HAT * HAT == HAT and HAT * TALL == TALL
    assert REST.T == REST and REST * REST == REST
    assert sp.expand(residual.dot(residual) - (NOISE.T * REST * NOISE)[0]) == 0
    assert sp.eye(P) == B * TALL and HAT.trace() == (B * TALL).trace() == P
    rss = expected(residual.dot(residual), [SIGMA**2] * N)
    assert sp.expand(rss - SIGMA**2 * (N - P)) == 0


def test_a_row_of_the_fit_matrix_is_what_the_other_columns_leave(page_says):
    page_says(
        r"$$B_j = \frac{e_j}{\lVert e_j \rVert^2}, \qquad"
        r" \mathrm{s.e.}_j = \frac{\sigma}{\lVert e_j \rVert}$$"
    )
    for j in range(P):
        others, a = TALL.copy(), TALL[:, j]
        others.col_del(j)
        e = a - others * (others.T * others).inv() * others.T * a
        assert e / e.dot(e) == B[j, :].T
        assert e.dot(a) == e.dot(e)
        assert B[j, :].dot(B[j, :]) == 1 / e.dot(e)


def test_the_variance_splits_into_spread_rows_and_inflation(page_says):
    page_says(
        r"$\lVert e_j \rVert^2 = n\,s_j^2\,(1 - R_j^2)$",
        r"$$\mathrm{s.e.}_j^2 = \frac{\sigma^2}{n\,s_j^2}\, \mathrm{VIF}_j, \quad"
        r" \mathrm{VIF}_j = \frac{1}{1 - R_j^2}$$",
    )
    X = torch.tensor(TALL[:, :2].tolist(), dtype=torch.float64)
    for j in (0, 1):
        a, other = TALL[:, j], TALL[:, 1 - j]
        centred, rest = a - sp.ones(N, 1) * sum(a) / N, TALL[:, [1 - j, 2]]
        e = a - rest * (rest.T * rest).inv() * rest.T * a
        total, left = centred.dot(centred), e.dot(e)
        r2 = 1 - left / total
        # R^2 is the squared correlation with the one other feature.
        away = other - sp.ones(N, 1) * sum(other) / N
        assert r2 == centred.dot(away) ** 2 / total / away.dot(away)
        assert (TALL.T * TALL).inv()[j, j] == 1 / (total * (1 - r2))
        assert_close(vif(X)[j].item(), float(1 / (1 - r2)))


def test_with_two_features_the_inflation_is_that_of_their_correlation(page_says):
    page_says(r"$R_j^2 = \rho^2$", r"so it is $1/(1 - \rho^2)$")
    n, s, t, rho = sp.symbols("n s t rho", positive=True)
    # The Gram matrix of two centred features and the ones.
    gram = n * sp.Matrix([[s**2, rho * s * t, 0], [rho * s * t, t**2, 0], [0, 0, 1]])
    inflated = gram.inv()[0, 0] * n * s**2
    assert sp.simplify(inflated - 1 / (1 - rho**2)) == 0


def test_predictions_have_an_average_variance_that_no_correlation_changes(page_says):
    page_says(
        r"$A\hat\theta$ have the covariance $\sigma^2 P$",
        r"$\sigma^2\,\mathrm{tr}(P)/n = \sigma^2 p/n$",
    )
    assert TALL * (B * B.T) * TALL.T == HAT
    for shade in (0.0, 0.9, 0.9999):
        X = torch.randn(30, 2, generator=torch.Generator().manual_seed(0)).double()
        X[:, 1] = shade * X[:, 0] + (1 - shade**2) ** 0.5 * X[:, 1]
        A = with_ones(X)
        assert_close((A @ fit_matrix(A)).diag().mean().item(), 3 / 30)


def test_the_area_under_students_density_is_that_of_a_power_of_the_cosine():
    u, df = sp.symbols("u df", positive=True)
    x = sp.sqrt(df) * sp.tan(u)
    density = (1 + x**2 / df) ** (-(df + 1) / 2) * sp.diff(x, u) / sp.sqrt(df)
    ratio = density / sp.cos(u) ** (df - 1)
    for point in ((0.3, 2), (1.1, 5), (0.7, 1.5)):
        assert abs(ratio.subs({u: point[0], df: point[1]}).evalf() - 1) < 1e-12


def test_a_slope_on_the_residual_is_the_full_coefficient(page_says):
    page_says(r"$e \cdot y / \lVert e \rVert^2 = B_j y$")
    y, others = sp.Matrix([3, 1, 4, 1, 5, 9]), TALL[:, 1:]
    e = TALL[:, 0] - others * (others.T * others).inv() * others.T * TALL[:, 0]
    assert e.dot(y) / e.dot(e) == (B * y)[0]


def test_a_sale_adds_its_own_noise(page_says):
    page_says(r"$\sigma^2 \lVert xB \rVert^2 + \sigma^2$")
    x, own = sp.Matrix([[4, 2, 1]]), sp.Symbol("own")
    gap = (x * B * NOISE)[0] - own
    form = sp.Poly(sp.expand(gap**2), *NOISE, own)
    mean = sum(form.coeff_monomial(e**2) for e in (*NOISE, own)) * SIGMA**2
    length = (x * B).dot(x * B)
    assert sp.expand(mean - SIGMA**2 * (length + 1)) == 0


def test_600_houses_give_an_error_of_two(page_says):
    page_says(r"$n = \sigma^2 \cdot \mathrm{VIF} / (s^2 \cdot 2^2) = 400 \cdot 12 / 8")
    spread = sp.Rational(sum((k - 3) ** 2 for k in range(1, 6)), 5)
    n, inflation = sp.symbols("n inflation")
    for value, rows in ((12, 600), (1, 50)):
        law = sp.Eq(20**2 / (n * spread) * inflation, 2**2)
        assert sp.solve(law.subs(inflation, value), n) == [rows]
