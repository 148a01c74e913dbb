"""What the page derives by hand, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import sympy as sp

X = sp.Matrix(3, 1, sp.symbols("x1:4"))
A = X.row_join(sp.ones(3, 1))
ANY = sp.Matrix(3, 2, sp.symbols("a1:7"))
Y, THETA = sp.Matrix(sp.symbols("y1:4")), sp.Matrix(sp.symbols("t1:3"))
R = ANY * THETA - Y
LOSS = R.dot(R) / 6  # n = 3
# Independent columns with numbers, so that inverses are short.
TALL = sp.Matrix([[1, 2, 1], [0, -1, 1], [3, 1, 1], [2, 2, 1], [-1, 4, 1]])
LABELS = sp.Matrix(sp.symbols("y1:6"))
FIT = (TALL.T * TALL).inv() * TALL.T * LABELS


def test_a_column_of_ones_carries_the_bias(page_says):
    page_says(
        r"$$A = [X, 1], \qquad \theta = \begin{pmatrix} w \\ b \end{pmatrix}$$",
        r"Then $A\theta = Xw + b$.",
    )
    w, b = THETA
    assert sp.expand(A * THETA - (X * w + b * sp.ones(3, 1))) == sp.zeros(3, 1)


def test_each_entry_of_the_gradient_is_a_sum_over_the_rows(page_says):
    page_says(
        r"\frac{\partial r_i}{\partial \theta_k} = A_{ik}",
        r"\frac{1}{2n} \sum_i 2\, r_i\, A_{ik} = \frac{1}{n} \sum_i A_{ik}\, r_i",
        r"$$L(\theta) = \frac{1}{2n} \lVert A\theta - y \rVert^2$$",
    )
    for k in range(2):
        for i in range(3):
            assert sp.diff(R[i], THETA[k]) == ANY[i, k]
        entry = sum(ANY[i, k] * R[i] for i in range(3)) / 3
        assert sp.expand(sp.diff(LOSS, THETA[k]) - entry) == 0


def test_the_gradient_and_the_hessian_in_matrices(page_says):
    page_says(
        r"$$\nabla L(\theta) = \frac{1}{n} A^\top (A\theta - y)$$",
        r"H_{kl} = \frac{1}{n} \sum_i A_{ik}\, A_{il}, \qquad H = \frac{1}{n} A^\top A",
    )
    gradient = sp.Matrix([LOSS]).jacobian(THETA).T
    assert sp.expand(gradient - ANY.T * R / 3) == sp.zeros(2, 1)
    hessian = sp.hessian(LOSS, list(THETA))
    assert sp.expand(hessian - ANY.T * ANY / 3) == sp.zeros(2)
    for k in range(2):
        for m in range(2):
            entry = sum(ANY[i, k] * ANY[i, m] for i in range(3)) / 3
            assert sp.expand(hessian[k, m] - entry) == 0


def test_the_normal_equations_make_the_gradient_zero(page_says):
    page_says(
        r"$$A^\top A\, \hat\theta = A^\top y$$",
        r"$\hat\theta = (A^\top A)^{-1} A^\top y$",
        r"v^\top A^\top A v = \lVert Av \rVert^2 = 0",
    )
    fit = (ANY.T * ANY).inv() * ANY.T * Y
    assert sp.simplify(ANY.T * (ANY * fit - Y)) == sp.zeros(2, 1)
    v = THETA
    assert sp.expand((v.T * ANY.T * ANY * v)[0] - (ANY * v).dot(ANY * v)) == 0


def test_completing_the_square_drops_nothing(page_says):
    page_says(
        r"\lVert A\theta - y \rVert^2 = \lVert \hat r \rVert^2"
        r" + 2\, \delta^\top A^\top \hat r + \lVert A\delta \rVert^2",
        r"$$L(\theta) = L(\hat\theta) + \tfrac12\, \delta^\top H\, \delta$$",
        r"with $\delta^\top H\, \delta = \frac{1}{n} \lVert A\delta \rVert^2$",
    )
    delta = sp.Matrix(sp.symbols("d1:4"))
    r_hat, moved = TALL * FIT - LABELS, TALL * delta
    r = TALL * (FIT + delta) - LABELS
    middle = 2 * (delta.T * TALL.T * r_hat)[0]
    assert sp.expand(r.dot(r) - r_hat.dot(r_hat) - middle - moved.dot(moved)) == 0
    assert sp.expand(middle) == 0
    H = TALL.T * TALL / 5
    added = (delta.T * H * delta)[0]
    assert sp.expand(added - moved.dot(moved) / 5) == 0
    assert sp.expand((r.dot(r) - r_hat.dot(r_hat)) / 10 - added / 2) == 0


def test_the_residual_is_perpendicular_and_squares_add_up(page_says):
    page_says(r"$\lVert y \rVert^2 = \lVert \hat y \rVert^2 + \lVert \hat r \rVert^2$")
    y_hat = TALL * FIT
    r = y_hat - LABELS
    assert sp.expand(TALL.T * r) == sp.zeros(3, 1)
    assert sp.expand(sum(r)) == 0
    assert sp.expand(LABELS.dot(LABELS) - y_hat.dot(y_hat) - r.dot(r)) == 0
    through = sum(TALL[:, 0]) / 5, sum(TALL[:, 1]) / 5, 1  # the mean row
    assert sp.expand(sp.Matrix([through]).dot(FIT) - sum(LABELS) / 5) == 0


def test_the_residuals_of_a_fit_without_ones_need_not_sum_to_zero():
    x, y = sp.Matrix([0, 1, 2]), sp.Matrix([1, 7, 4])
    slope = sp.Rational(x.dot(y), x.dot(x))
    assert sum(x * slope - y) != 0


def test_the_loss_follows_from_the_sums(page_says):
    page_says(r"$[A, y]\,t = A\theta - y$", r"$t^\top M t$ is the sum of squares")
    both, t = ANY.row_join(Y), sp.Matrix([*THETA, -1])
    assert sp.expand(both * t - R) == sp.zeros(3, 1)
    assert sp.expand((t.T * both.T * both * t)[0] - R.dot(R)) == 0


def test_a_step_multiplies_the_error(page_says):
    page_says(
        r"$e_+ = (I - \text{lr}\,H)\,e$",
        r"Since $A^\top y = A^\top A\, \hat\theta$, the gradient is"
        r" $H\,(\theta - \hat\theta)$",
    )
    lr, e, H = sp.Symbol("lr"), sp.Matrix(sp.symbols("e1:4")), TALL.T * TALL / 5
    g = TALL.T * (TALL * (FIT + e) - LABELS) / 5
    assert sp.expand(g - H * e) == sp.zeros(3, 1)
    assert sp.expand(e - lr * g - (sp.eye(3) - lr * H) * e) == sp.zeros(3, 1)


def test_half_kappa_times_the_logarithm_is_enough_steps(page_says):
    page_says(
        r"$$k = \frac{\ln(1/\tau)}{\ln\frac{\kappa + 1}{\kappa - 1}}"
        r" \le \tfrac12\, \kappa \ln(1/\tau)$$",
        r"$$p < \kappa \ln(1/\tau)$$",
        r"leaves at most $(\kappa - 1)/(\kappa + 1)$ of the length of $e$ each time",
    )
    k, eps, u = sp.symbols("k epsilon u", positive=True)
    rate = sp.Symbol("rate", positive=True)
    (steps,) = sp.solve(sp.Eq(-k * rate, sp.log(eps)), k)  # rate: log of 1 / factor
    assert sp.simplify(steps - sp.log(1 / eps) / rate) == 0
    # With u = 1 / kappa: log((1 + u) / (1 - u)) - 2 u grows from 0 on (0, 1).
    gap = sp.log((1 + u) / (1 - u)) - 2 * u
    assert gap.subs(u, 0) == 0
    assert sp.simplify(sp.diff(gap, u) - 2 * u**2 / (1 - u**2)) == 0


def test_the_slope_of_one_feature_is_covariance_over_variance(page_says):
    page_says(r"$$w \sum_i x_i (x_i - \bar x) = \sum_i x_i (y_i - \bar y)$$")
    (w, b) = (A.T * A).inv() * A.T * Y
    x_bar, y_bar = sum(X) / 3, sum(Y) / 3
    assert sp.simplify(w * x_bar + b - y_bar) == 0
    left = w * sum(x * (x - x_bar) for x in X)
    right = sum(x * (y - y_bar) for x, y in zip(X, Y, strict=True))
    assert sp.simplify(left - right) == 0
    assert sp.expand(sum((x - x_bar) ** 2 for x in X) - left / w) == 0
    pairs = zip(X, Y, strict=True)
    cov = sum((x - x_bar) * (y - y_bar) for x, y in pairs)
    assert sp.expand(cov - right) == 0


def test_another_constant_than_the_mean_adds_its_squared_distance(page_says):
    page_says(r"every other $b$ adds $n\,(b - \bar y)^2$")
    b, mean = sp.Symbol("b"), sum(Y) / 3
    more = sum((y - b) ** 2 - (y - mean) ** 2 for y in Y)
    assert sp.expand(more - 3 * (b - mean) ** 2) == 0


def test_weights_enter_the_normal_equations_between_the_factors(page_says):
    page_says(
        r"$\frac{1}{n} A^\top S (A\theta - y)$",
        r"$A^\top S A\,\hat\theta = A^\top S y$",
    )
    s = sp.symbols("s1:4", positive=True)
    S = sp.diag(*s)
    loss = sum(w * r**2 for w, r in zip(s, R, strict=True)) / 6
    gradient = sp.Matrix([loss]).jacobian(THETA).T
    assert sp.expand(gradient - ANY.T * S * R / 3) == sp.zeros(2, 1)
    root = sp.diag(*[sp.sqrt(w) for w in s])
    assert (root * ANY).T * (root * ANY) == ANY.T * S * ANY


def test_the_residual_of_a_row_left_out_is_the_old_one_over_one_minus_h(page_says):
    page_says(
        r"$(G - a a^\top)^{-1} = G^{-1} + \dfrac{G^{-1} a a^\top G^{-1}}"
        r"{1 - a^\top G^{-1} a}$",
        r"$$\hat\theta_{-i} = \hat\theta + \frac{G^{-1} a\, r_i}{1 - h}$$",
        r"$r_i / (1 - h)$",
    )
    G, a = TALL.T * TALL, TALL[0, :].T
    inverse = G.inv()
    h = (a.T * inverse * a)[0]
    update = inverse + inverse * a * a.T * inverse / (1 - h)
    assert update * (G - a * a.T) == sp.eye(3)
    left = update * (TALL.T * LABELS - a * LABELS[0])
    r = (a.T * FIT)[0] - LABELS[0]
    assert sp.expand(left - FIT - inverse * a * r / (1 - h)) == sp.zeros(3, 1)
    assert sp.expand((a.T * left)[0] - LABELS[0] - r / (1 - h)) == 0
