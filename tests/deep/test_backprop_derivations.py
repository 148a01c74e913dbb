"""Each formula of the page, by computer algebra; the page is looked up for it."""

import pytest
import sympy as sp

R = sp.Rational
LAM = sp.Symbol("lam", positive=True)
X = sp.Matrix(sp.symbols("x1:3", real=True))
W1 = sp.Matrix(3, 2, sp.symbols("a1:7", real=True))
W2 = sp.Matrix(2, 3, sp.symbols("b1:7", real=True))
ON = sp.diag(1, 1, 0)  # the slope of ReLU where two units are on, one is off
POINT = dict(zip(X, (1, 2), strict=True))
POINT |= dict(zip(W1, (0, 1, -1, 1, 1, -1), strict=True))
POINT |= dict(zip(W2, (1, 0, 1, 0, 2, -1), strict=True)) | {LAM: R(1, 10)}


def loss(o):
    return -sp.log(sp.exp(o[0]) / (sp.exp(o[0]) + sp.exp(o[1])))


def penalty():
    return LAM / 2 * (sum(w**2 for w in W1) + sum(w**2 for w in W2))


def values():
    z = W1 * X
    h = ON * z  # near the point: units 1, 2 on, unit 3 off
    return z, h, W2 * h


def slopes(f, W):
    return W.applyfunc(lambda w: sp.diff(f, w))


def same(a, b):
    return sp.simplify(a - b) == sp.zeros(*a.shape)


def test_the_forward_numbers(page_says):
    page_says(
        r"z = (0 + 2,\ -1 + 2,\ 1 - 2) = (2, 1, -1)",
        r"h = (2, 1, 0)",
        r"o = (2 + 0 + 0,\ 0 + 2 + 0) = (2, 2)",
        r"p = (\tfrac12, \tfrac12), \qquad L = \log 2 \approx 0.6931",
        r"s = \tfrac{0.1}{2} (5 + 7) = 0.6, \qquad J \approx 1.2931",
    )
    z, h, o = (v.subs(POINT) for v in values())
    assert (list(z), list(h), list(o)) == ([2, 1, -1], [2, 1, 0], [2, 2])
    assert sp.simplify(loss(o) - sp.log(2)) == 0
    assert penalty().subs(POINT) == R(6, 10)
    squares = [sum(w**2 for w in W.subs(POINT)) for W in (W1, W2)]
    assert squares == [5, 7]
    assert round(float(sp.log(2) + R(6, 10)), 4) == 1.2931


def test_the_adjoint_of_the_logits(page_says):
    page_says(
        r"\bar o = p - \text{onehot}(y) = (\tfrac12 - 1,\ \tfrac12)"
        r" = (-\tfrac12, \tfrac12)"
    )
    o = sp.Matrix(sp.symbols("o1:3", real=True))
    p = o.applyfunc(sp.exp) / (sp.exp(o[0]) + sp.exp(o[1]))
    gradient = slopes(loss(o), o)
    assert same(gradient, p - sp.Matrix([1, 0]))
    assert list(gradient.subs({o[0]: 2, o[1]: 2})) == [-R(1, 2), R(1, 2)]


def test_each_adjoint_is_the_local_jacobian_transposed_times_the_next(page_says):
    page_says(
        r"$$\bar v = \left( \frac{\partial u}{\partial v} \right)^{\!\top} \bar u$$",
        r"\bar h = W^{(2)\top} \bar o = (-\tfrac12,\ 1,\ -1)",
        r"\bar o\, h^\top = \begin{pmatrix} -1 & -\tfrac12 & 0 \\ 1 & \tfrac12 & 0"
        r" \end{pmatrix}",
        r"\bar z = \varphi'(z) \odot \bar h = (-\tfrac12,\ 1,\ 0)",
        r"\bar z\, x^\top = \begin{pmatrix} -\tfrac12 & -1 \\ 1 & 2 \\ 0 & 0"
        r" \end{pmatrix}",
    )
    _, h, o = values()
    u = sp.Matrix(sp.symbols("u1:3", real=True))
    o_bar = slopes(loss(u), u).subs(dict(zip(u, o, strict=True)))
    h_free = sp.Matrix(sp.symbols("h1:4", real=True))
    at_h = dict(zip(h_free, h, strict=True))
    h_bar = slopes(loss(W2 * h_free), h_free).subs(at_h)
    assert same(h_bar, (W2 * h_free).jacobian(h_free).T * o_bar)
    assert same(slopes(loss(o), W2), o_bar * h.T)
    z_free = sp.Matrix(sp.symbols("z1:4", real=True))
    at_z = dict(zip(z_free, W1 * X, strict=True))
    z_bar = slopes(loss(W2 * ON * z_free), z_free).subs(at_z)
    assert same(z_bar, ON * h_bar)
    assert same(slopes(loss(o), W1), z_bar * X.T)
    half = R(1, 2)
    assert list(sp.simplify(h_bar.subs(POINT))) == [-half, 1, -1]
    assert list(sp.simplify(z_bar.subs(POINT))) == [-half, 1, 0]
    outer = (o_bar * h.T).subs(POINT), (z_bar * X.T).subs(POINT)
    assert sp.simplify(outer[0]) == sp.Matrix([[-1, -half, 0], [1, half, 0]])
    assert sp.simplify(outer[1]) == sp.Matrix([[-half, -1], [1, 2], [0, 0]])


def test_the_adjoints_of_the_two_paths_add(page_says):
    page_says(
        r"\bar W^{(2)} = \bar o\, h^\top + \lambda W^{(2)}",
        r"\bar W^{(1)} = \bar z\, x^\top + \lambda W^{(1)}",
    )
    o = values()[2]
    for W in (W1, W2):
        whole = slopes(loss(o) + penalty(), W)
        assert same(whole, slopes(loss(o), W) + LAM * W)


@pytest.mark.parametrize("n", [1, 2])
def test_the_batch_sums_the_outer_products_of_a_mean(page_says, n):
    page_says(
        r"\bar O = (P - Y)/n",
        r"\bar W^{(2)} = \bar O^\top H + \lambda W^{(2)}",
        r"\bar H = \bar O\, W^{(2)}",
        r"\bar Z = \varphi'(Z) \odot \bar H",
        r"\bar W^{(1)} = \bar Z^\top X + \lambda W^{(1)}",
    )
    page_says(r"$Z = X W^{(1)\top}$, $H = \varphi(Z)$, $O = H W^{(2)\top}$")
    rows = sp.Matrix([[1, 2], [1, -3]])[:n, :]  # on, on, off; then off, off, on
    on = sp.Matrix([[1, 1, 0], [0, 0, 1]])[:n, :]
    labels = [0, 1][:n]
    at = {w: POINT[w] for w in [*W1, *W2]}
    Z = rows * W1.T
    assert [(z > 0) for z in Z.subs(at)] == [bool(m) for m in on]
    H = Z.multiply_elementwise(on)
    O_ = H * W2.T
    P = O_.applyfunc(sp.exp)
    P = sp.Matrix([P[i, :] / sum(P[i, :]) for i in range(n)])
    J = sum(-sp.log(P[i, y]) for i, y in enumerate(labels)) / n + penalty()
    Y = sp.Matrix([[1 - y, y] for y in labels])
    O_bar = (P - Y) / n
    Z_bar = (O_bar * W2).multiply_elementwise(on)
    assert same(slopes(J, W2).subs(at), (O_bar.T * H + LAM * W2).subs(at))
    assert same(slopes(J, W1).subs(at), (Z_bar.T * rows + LAM * W1).subs(at))


def test_the_jacobian_of_the_output_in_the_matrix_is_wide_and_empty():
    o = values()[2]
    table = sp.Matrix(o).jacobian(list(W2)).subs(POINT)
    assert table == sp.Matrix([[2, 1, 0, 0, 0, 0], [0, 0, 0, 2, 1, 0]])


def test_the_skip_and_the_bias(page_says):
    page_says(r"\bar b = \bar z", r"\bar x = W^{(1)\top} \bar z + \bar h")
    V1 = sp.Matrix(2, 2, sp.symbols("v1:5", real=True))
    V2 = sp.Matrix(2, 2, sp.symbols("c1:5", real=True))
    b, on = sp.Matrix(sp.symbols("d1:3", real=True)), sp.diag(1, 0)
    h = sp.Matrix(sp.symbols("h1:3", real=True))
    at = dict(zip(h, on * (V1 * X + b) + X, strict=True))
    h_bar = slopes(loss(V2 * h), h).subs(at)
    J = loss(V2 * (on * (V1 * X + b) + X))
    assert same(slopes(J, X), V1.T * on * h_bar + h_bar)
    assert same(slopes(J, b), on * h_bar)


def test_the_best_number_of_parts_is_the_root(page_says):
    page_says(r"is $k + 16/k + 1$, smallest at $k = \sqrt{16} = 4$")
    k = sp.Symbol("k", positive=True)
    assert sp.solve(sp.diff(k + 16 / k, k), k) == [4]
    assert sp.diff(k + 16 / k, k, 2).subs(k, 4) > 0
