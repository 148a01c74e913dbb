"""What the page derives by hand, by computer algebra and enumeration.

A formula that is checked here is also looked up on the page.
"""

from itertools import combinations

import sympy as sp

X = sp.Matrix(4, 3, sp.symbols("x1:13"))
W, B = sp.Matrix(sp.symbols("w1:4")), sp.Symbol("b")
Y = sp.Matrix(sp.symbols("y1:5"))
ONES = sp.ones(4, 1)
A = X.row_join(ONES)
NUMBERS = sp.Matrix([[5, 3, 2], [1, 1, 7], [4, 2, 0], [3, 5, 1], [2, 1, 1]])
LABELS = sp.Matrix([3, 1, 4, 1, 5])


def least_squares(M, y=LABELS):
    return (M.T * M).inv() * M.T * y


def ones(M):
    return M.row_join(sp.ones(M.rows, 1))


def test_all_bills_are_one_product_also_with_a_column_of_ones(page_says):
    page_says(
        r"\hat y_i &= x_{i1} w_1 + x_{i2} w_2 + x_{i3} w_3 + b \\",
        r"\hat y &= X w + b",
        r"$A = [X, 1]$ and $\theta = (w, b)$",
    )
    bills = [sum(X[i, j] * W[j] for j in range(3)) + B for i in range(4)]
    assert sp.expand(sp.Matrix(bills) - (X * W + B * ONES)) == sp.zeros(4, 1)
    assert sp.expand(sp.Matrix(bills) - A * sp.Matrix([*W, B])) == sp.zeros(4, 1)


def test_a_weight_is_the_price_of_one_more_unit_with_the_others_held():
    x = sp.Matrix(sp.symbols("u1:4"))
    for j in range(3):
        more = x + sp.eye(3).col(j)
        assert sp.expand((more.dot(W) + B) - (x.dot(W) + B)) == W[j]


def test_a_second_layer_without_a_bend_adds_nothing_new():
    V, c = sp.Matrix(2, 3, sp.symbols("v1:7")), sp.Matrix(sp.symbols("c1:3"))
    outer, x = sp.Matrix(sp.symbols("o1:3")), sp.Matrix(sp.symbols("u1:4"))
    deep = outer.dot(V * x + c) + B
    assert sp.expand(deep - (x.dot(V.T * outer) + (outer.dot(c) + B))) == 0


def test_the_half_cancels_the_two_of_the_derivative(page_says):
    page_says("The derivative of $r^2$ is $2r$", r"that of $\frac12 r^2$ is $r$")
    page_says(r"$$L = \frac{1}{2n} \sum_i r_i^2$$", r"$A^\top r / n$")
    r = sp.Symbol("r")
    assert sp.diff(r**2, r) == 2 * r and sp.diff(r**2 / 2, r) == r
    residual = A * sp.Matrix([*W, B]) - Y
    loss = residual.dot(residual) / 8
    gradient = sp.Matrix([loss]).jacobian([*W, B]).T
    assert sp.expand(gradient - A.T * residual / 4) == sp.zeros(4, 1)


def test_the_notes_minus_mirrors_the_bias_and_mixing_costs_twice_the_bias(page_says):
    page_says(r"$\frac1n \sum_i [y_i - (\langle x_i, w \rangle - b)]^2$")
    page_says("every price is off by $2b$")
    notes = sum((Y[i] - (X.row(i).dot(W) - B)) ** 2 for i in range(4)) / 4
    residual = X * W + B * ONES - Y
    assert sp.expand(notes - residual.dot(residual).subs(B, -B) / 4) == 0
    right, wrong = (least_squares(NUMBERS.row_join(s * sp.ones(5, 1))) for s in (1, -1))
    assert wrong == sp.Matrix([*right[:3], -right[3]])
    assert right[3] != 0
    gap = ones(NUMBERS) * (wrong - right)
    assert gap == -2 * right[3] * sp.ones(5, 1)


def test_the_gradient_of_a_random_mini_batch_is_on_average_the_full_one():
    residual = A * sp.Matrix([*W, B]) - Y
    single = [A[i, :].T * residual[i] for i in range(4)]
    pairs = [sum(pair, sp.zeros(4, 1)) / 2 for pair in combinations(single, 2)]
    mean = sum(pairs, sp.zeros(4, 1)) / len(pairs)
    assert sp.expand(mean - A.T * residual / 4) == sp.zeros(4, 1)


def test_from_the_lowest_point_the_loss_rises_by_half_the_curvature(page_says):
    page_says(
        r"$$\tfrac12\, c\, t^2 \quad \text{with} \quad c = \frac1n \sum_i (Av)_i^2$$"
    )
    M, t, v = ones(NUMBERS), sp.Symbol("t"), sp.Matrix(sp.symbols("v1:5"))
    best = least_squares(M)
    moved, lowest = M * (best + t * v) - LABELS, M * best - LABELS
    rise = (moved.dot(moved) - lowest.dot(lowest)) / 10
    c = (M * v).dot(M * v) / 5
    assert sp.expand(rise - c * t**2 / 2) == 0
    assert sp.expand(c - v.dot(M.T * M * v) / 5) == 0


def test_below_the_stable_lr_a_step_removes_less_than_two_parts_in_kappa(page_says):
    page_says(
        r"$t - \text{lr} \cdot c\,t$",
        r"$1 - \text{lr} \cdot c$",
        r"$2 / c_{\max}$",
        r"a share $2 / \kappa$",
    )
    page_says(r"$$\kappa = c_{\max} / c_{\min}$$", r"$2 / (c_{\min} + c_{\max})$")
    low, high, part = sp.symbols("low high part", positive=True)
    lr = part * 2 / high  # part < 1
    assert sp.simplify((1 - lr * high) - (1 - 2 * part)) == 0
    assert sp.simplify(lr * low - part * 2 / (high / low)) == 0
    best = 2 / (low + high)
    assert sp.simplify((1 - best * low) + (1 - best * high)) == 0


def test_correlation_splits_the_curvatures_of_two_standardised_features(page_says):
    page_says(r"$1 + \rho$", r"$1 - \rho$", r"$\kappa = (1 + \rho) / (1 - \rho)$")
    page_says(r"$v = (1, 1)/\sqrt 2$", r"$(1 + 2\rho + 1)/2$")
    r = sp.Symbol("r")
    H = sp.Matrix([[1, r], [r, 1]])
    assert sp.expand(H * sp.Matrix([1, 1]) - (1 + r) * sp.Matrix([1, 1])).is_zero_matrix
    apart = sp.Matrix([1, -1])
    assert sp.expand(H * apart - (1 - r) * apart).is_zero_matrix


def test_a_feature_times_c_has_its_best_weight_over_c_and_the_same_prices():
    c = sp.Rational(7, 3)
    scaled = NUMBERS * sp.diag(1, 1, c)
    before, after = least_squares(ones(NUMBERS)), least_squares(ones(scaled))
    assert after == sp.Matrix([before[0], before[1], before[2] / c, before[3]])
    assert ones(scaled) * after == ones(NUMBERS) * before


def test_standardised_weights_are_read_back(page_says):
    page_says(
        r"\hat y &= \sum_j \frac{x_j - m_j}{s_j}\, w_j + b \\",
        r"&= \sum_j x_j\, \frac{w_j}{s_j}"
        r" + \Bigl( b - \sum_j \frac{m_j}{s_j}\, w_j \Bigr)",
    )
    x, m, s = (sp.symbols(f"{name}1:4") for name in "xms")
    first = sum((x[j] - m[j]) / s[j] * W[j] for j in range(3)) + B
    second = sum(x[j] * W[j] / s[j] for j in range(3))
    second += B - sum(m[j] / s[j] * W[j] for j in range(3))
    assert sp.simplify(first - second) == 0


def test_with_features_of_mean_zero_the_best_bias_is_the_mean_label():
    centred = NUMBERS - sp.ones(5, 1) * (sp.ones(1, 5) * NUMBERS) / 5
    assert least_squares(ones(centred))[3] == sum(LABELS) / 5


def test_the_slopes_of_the_two_lines_multiply_to_the_squared_correlation(page_says):
    page_says(r"multiply to the squared correlation $\rho^2$")
    x = NUMBERS.col(0)
    forth = least_squares(ones(x))[0]
    back = least_squares(ones(LABELS), x)[0]
    u, v = x - sp.ones(5, 1) * sum(x) / 5, LABELS - sp.ones(5, 1) * sum(LABELS) / 5
    assert forth * back == u.dot(v) ** 2 / (u.dot(u) * v.dot(v))


def test_two_rows_standardised_alone_are_one_and_minus_one():
    low, gap = sp.Symbol("low"), sp.Symbol("gap", positive=True)
    rows = sp.Matrix([low + gap, low])
    centred = rows - sp.ones(2, 1) * sum(rows) / 2
    std = sp.sqrt(centred.dot(centred) / 2)
    assert sp.simplify(centred / std) == sp.Matrix([1, -1])
