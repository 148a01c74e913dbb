"""What the page derives, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

from itertools import pairwise

import sympy as sp

A1, A2 = sp.symbols("a1 a2", real=True)
H1, H2, LAM = sp.symbols("h1 h2 lambda", real=True)
U = sp.Matrix([[3, -4], [4, 3]]) / 5  # a rotation
U1, U2 = U[:, 0], U[:, 1]
H = sp.simplify(U * sp.diag(H1, H2) * U.T)  # eigenvalues of any sign
G = A1 * U1 + A2 * U2
S = -(A1 / (H1 + LAM) * U1 + A2 / (H2 + LAM) * U2)
V = sp.Matrix(sp.symbols("v1:3", real=True))


def number(matrix):
    return sp.simplify(matrix[0])


def test_for_small_t_more_than_the_share_c_is_reached(page_says):
    page_says(r"$$f(w + tp) \le f(w) + c\, t\, g^\top p$$")
    t, c, slope, curvature = sp.symbols("t c slope curvature")
    f = sp.Function("f")
    phi = f(0) + slope * t + curvature * t**2 / 2  # the loss along the step
    gap = (phi - f(0) - c * t * slope) / t
    assert sp.simplify(sp.limit(gap, t, 0) - (1 - c) * slope) == 0


def test_points_on_a_parabola_that_fall_for_ever_and_stay_above_one(page_says):
    page_says(r"on $w^2$ the points $1.5, -1.25, 1.125, \dots$ go lower")
    points = [(-1) ** (k + 1) * (1 + sp.Rational(1, 2) ** k) for k in range(1, 20)]
    assert points[:3] == [sp.Rational(3, 2), -sp.Rational(5, 4), sp.Rational(9, 8)]
    losses = [w**2 for w in points]
    assert all(b < a for a, b in pairwise(losses))
    assert min(losses) > 1
    # The Armijo condition with c = 1e-4 refuses one of these steps.
    falls = [(v**2 - w**2, 2 * w * (v - w)) for w, v in pairwise(points)]
    assert any(fall > slope / 10_000 for fall, slope in falls)


def test_newtons_direction_is_downhill_if_all_curvatures_are_positive(page_says):
    page_says(r"$$g^\top p = -g^\top H^{-1} g < 0$$")
    p = -H.inv() * G
    assert sp.simplify(number(G.T * p) + A1**2 / H1 + A2**2 / H2) == 0


def test_the_step_along_the_eigenvectors(page_says):
    page_says(
        r"$$(H + \lambda I)\, s(\lambda) = -g$$",
        r"s(\lambda) = -\sum_i \frac{a_i}{h_i + \lambda}\, u_i",
        r"g^\top s(\lambda) = -\sum_i \frac{a_i^2}{h_i + \lambda}",
        r"\lVert s(\lambda) \rVert^2 = \sum_i \frac{a_i^2}{(h_i + \lambda)^2}",
        r"$a_i = u_i \cdot g$",
    )
    assert sp.simplify((H + LAM * sp.eye(2)) * S + G) == sp.zeros(2, 1)
    assert sp.simplify(number(U1.T * G) - A1) == 0
    downhill = -(A1**2 / (H1 + LAM) + A2**2 / (H2 + LAM))
    assert sp.simplify(number(G.T * S) - downhill) == 0
    square = A1**2 / (H1 + LAM) ** 2 + A2**2 / (H2 + LAM) ** 2
    assert sp.simplify(number(S.T * S) - square) == 0


def test_the_length_falls_as_the_damping_grows():
    term = A1**2 / (H1 + LAM) ** 2
    lifted = sp.Symbol("lifted", positive=True)  # h + lambda
    fall = sp.diff(term, LAM).subs(H1, lifted - LAM)
    assert sp.simplify(fall + 2 * A1**2 / lifted**3) == 0


def test_a_large_damping_makes_a_short_gradient_step(page_says):
    page_says(r"$\lambda\, s(\lambda) \to -g$")
    assert sp.simplify((LAM * S).limit(LAM, sp.oo) + G) == sp.zeros(2, 1)


def test_within_the_radius_no_step_is_better(page_says):
    page_says(
        r"$$m(s) = g^\top s + \tfrac12 s^\top H s$$",
        r"(H + \lambda I)\, s = -g",
        r"\lambda\, (\Delta - \lVert s \rVert) = 0",
        r"H + \lambda I \ \text{has no negative eigenvalue}",
        r"$q(v) = m(v) + \tfrac12 \lambda \lVert v \rVert^2$",
        r"$$m(v) \ge m(s) + \tfrac12 \lambda \left( \lVert s \rVert^2 "
        r"- \lVert v \rVert^2 \right)$$",
    )

    def m(s):
        return (G.T * s)[0] + (s.T * H * s)[0] / 2

    rest = m(V) - m(S) - LAM * ((S.T * S)[0] - (V.T * V)[0]) / 2
    lifted = (H + LAM * sp.eye(2)) * (V - S)
    assert sp.simplify(rest - ((V - S).T * lifted)[0] / 2) == 0


def test_the_promise_of_a_step_is_a_sum_of_two_parts(page_says):
    page_says(
        r"$$-m(s) = \tfrac12 \left( \lambda \lVert s \rVert^2 - g^\top s \right)$$"
    )
    m = (G.T * S)[0] + (S.T * H * S)[0] / 2
    assert sp.simplify(m + (LAM * (S.T * S)[0] - (G.T * S)[0]) / 2) == 0


def test_one_over_the_length_is_concave(page_says):
    page_says(
        r"$$\left(\frac1L\right)'' = \frac{3}{L^5} \left( (\alpha \cdot \beta)^2 "
        r"- \lVert \alpha \rVert^2 \lVert \beta \rVert^2 \right) \le 0$$",
        r"$\alpha_i = a_i/(h_i + \mu)$ and $\beta_i = a_i/(h_i + \mu)^2$",
    )
    x = sp.Matrix([A1 / (H1 + LAM), A2 / (H2 + LAM)])
    y = sp.Matrix([A1 / (H1 + LAM) ** 2, A2 / (H2 + LAM) ** 2])
    L = sp.sqrt(x.dot(x))
    claimed = 3 / L**5 * (x.dot(y) ** 2 - x.dot(x) * y.dot(y))
    found = sp.diff(1 / L, LAM, 2)
    assert sp.simplify(found - claimed) == 0


def test_a_quartic_leaves_two_thirds_of_the_error(page_says):
    page_says(r"$$w_+ = w - \frac{4 w^3}{12 w^2} = \tfrac23 w$$")
    w = sp.Symbol("w")
    step = w - sp.diff(w**4, w) / sp.diff(w**4, w, 2)
    assert sp.simplify(step - sp.Rational(2, 3) * w) == 0


def test_gradient_and_hessian_of_half_the_mean_of_squares(page_says):
    page_says(
        r"g = \frac1n J^\top r",
        r"H = \frac1n J^\top J + \frac1n \sum_i r_i \nabla^2 r_i",
        r"$v^\top J^\top J v = \lVert J v \rVert^2 \ge 0$",
    )
    theta = sp.Matrix(sp.symbols("t1 t2"))
    r = sp.Matrix([sp.Function(f"r{i}")(*theta) for i in range(3)])
    loss, J = (r.T * r)[0] / 2 / 3, r.jacobian(theta)
    g = sp.Matrix([loss]).jacobian(theta).T
    assert sp.simplify(g - J.T * r / 3) == sp.zeros(2, 1)
    curved = sum((r[i] * sp.hessian(r[i], theta) for i in range(3)), sp.zeros(2))
    found = sp.hessian(loss, theta)
    assert sp.simplify(found - (J.T * J + curved) / 3) == sp.zeros(2)


def test_what_a_gauss_newton_step_leaves(page_says):
    page_says(r"$e_+ \approx (I - B^{-1} H)\, e$, where $B = J^\top J / n$")
    e = sp.Matrix(sp.symbols("e1:3"))
    B = sp.Matrix([[2, 1], [1, 3]])
    left = e - B.inv() * (H * e)  # near the minimum g is H e
    assert sp.simplify(left - (sp.eye(2) - B.inv() * H) * e) == sp.zeros(2, 1)


def test_the_armijo_condition_needs_c_up_to_a_half(page_says):
    page_says(
        r"$p^\top H p = -g^\top p$",
        r"f(w + p) = f(w) + g^\top p + \tfrac12 p^\top H p"
        r" = f(w) + \tfrac12 g^\top p",
        r"exactly if $c \le \tfrac12$",
    )
    p = -H.inv() * G
    slope = (G.T * p)[0]
    assert sp.simplify((p.T * H * p)[0] + slope) == 0
    c, down = sp.Symbol("c", real=True), sp.Symbol("down", negative=True)
    passes = sp.solve_univariate_inequality(down / 2 <= c * down, c, relational=False)
    assert passes == sp.Interval(-sp.oo, sp.Rational(1, 2))


def test_a_tiny_radius_makes_a_gradient_step(page_says):
    page_says(r"$\lambda \approx \lVert g \rVert / \Delta$", r"$\Delta / \lVert g \rV")
    length = sp.sqrt(A1**2 / (H1 + LAM) ** 2 + A2**2 / (H2 + LAM) ** 2)
    values = {A1: 3, A2: 4, H1: -2, H2: 7}
    assert sp.limit((length * LAM).subs(values), LAM, sp.oo) == 5
