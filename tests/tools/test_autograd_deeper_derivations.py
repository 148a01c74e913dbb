"""Each formula of docs/en/tools/autograd_deeper.md, by an outside judge."""

from itertools import product

import pytest
import sympy
import torch

A, B, T = sympy.symbols("a b t", real=True)
ROSENBROCK = (1 - A) ** 2 + 100 * (B - A**2) ** 2
HERE = {A: sympy.Rational(-6, 5), B: 1}
H = sympy.hessian(ROSENBROCK, [A, B])


def test_the_first_three_derivatives_of_x_to_the_fourth_at_two():
    x = sympy.symbols("x")
    assert [sympy.diff(x**4, x, k) for k in (1, 2, 3)] == [4 * x**3, 12 * x**2, 24 * x]
    assert [sympy.diff(x**4, x, k).subs(x, 2) for k in (1, 2, 3)] == [32, 48, 48]


def test_the_gradient_and_the_hessian_of_the_rosenbrock_function():
    ga = -2 * (1 - A) - 400 * A * (B - A**2)
    gb = 200 * (B - A**2)
    assert sympy.expand(sympy.diff(ROSENBROCK, A) - ga) == 0
    assert sympy.expand(sympy.diff(ROSENBROCK, B) - gb) == 0
    matrix = sympy.Matrix([[2 - 400 * B + 1200 * A**2, -400 * A], [-400 * A, 200]])
    assert (H - matrix).expand() == sympy.zeros(2, 2)
    assert H.subs(HERE) == sympy.Matrix([[1330, 480], [480, 200]])


def test_the_curvature_along_v_is_v_dot_hv():
    u, v = sympy.symbols("u v", real=True)
    walk = ROSENBROCK.subs({A: A + T * u, B: B + T * v}, simultaneous=True)
    direction = sympy.Matrix([u, v])
    along = sympy.diff(walk, T, 2).subs(T, 0)
    assert sympy.expand(along - (direction.T * H * direction)[0]) == 0


def test_the_extreme_curvatures_are_the_eigenvalues_64_to_1():
    low, high = sorted(H.subs(HERE).eigenvals(), key=float)
    assert float(high) == pytest.approx(1506.4, abs=0.05)
    assert float(low) == pytest.approx(23.6, abs=0.05)
    assert round(float(high / low)) == 64


def test_the_gradient_of_g_dot_v_is_h_transposed_v_and_so_hv():
    w = sympy.symbols("w0:3", real=True)
    f = sympy.exp(w[0] * w[1]) * sympy.sin(w[2]) + w[0] ** 3 * w[2]
    v = sympy.Matrix(sympy.symbols("v0:3", real=True))
    g = sympy.Matrix([sympy.diff(f, wi) for wi in w])
    jacobian = g.jacobian(w)
    by_gradient = sympy.Matrix([sympy.diff(g.dot(v), wi) for wi in w])
    assert (by_gradient - jacobian.T * v).expand() == sympy.zeros(3, 1)
    assert (jacobian - jacobian.T).expand() == sympy.zeros(3, 3)


def test_the_logistic_loss_has_gradient_xtr_and_hessian_xtsx():
    X = sympy.Matrix(3, 2, sympy.symbols("x0:6", real=True))
    y, w = sympy.symbols("y0:3", real=True), sympy.symbols("w0:2", real=True)
    h = X * sympy.Matrix(w)
    sigma = [1 / (1 + sympy.exp(-hi)) for hi in h]
    loss = sum(sympy.log(1 + sympy.exp(h[i])) - y[i] * h[i] for i in range(3)) / 3
    r = sympy.Matrix([(sigma[i] - y[i]) / 3 for i in range(3)])
    S = sympy.diag(*[p * (1 - p) / 3 for p in sigma])
    g = sympy.Matrix([sympy.diff(loss, wi) for wi in w])
    assert sympy.simplify(g - X.T * r) == sympy.zeros(2, 1)
    assert sympy.simplify(g.jacobian(w) - X.T * S * X) == sympy.zeros(2, 2)


def test_a_product_costs_two_to_three_gradients_whatever_the_layers_weigh():
    first = sympy.symbols("first", positive=True)  # its share of the forward pass
    ratio = (9 - 5 * first) / (3 - first)
    assert (ratio.subs(first, 1), sympy.limit(ratio, first, 0)) == (2, 3)
    assert sympy.simplify(sympy.diff(ratio, first) * (3 - first) ** 2) == -6
    L = sympy.symbols("L", positive=True)
    assert sympy.expand((9 * (L - 1) + 4) / L - (9 - 5 / L)) == 0
    assert sympy.expand((3 * (L - 1) + 2) / L - (3 - 1 / L)) == 0


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_random_signs_give_the_trace_with_the_stated_variance(d):
    generator = torch.Generator().manual_seed(d)
    A = torch.randn(d, d, generator=generator, dtype=torch.float64)
    matrix = A + A.T
    signs = torch.tensor(list(product([1.0, -1.0], repeat=d)), dtype=torch.float64)
    drawn = ((signs @ matrix) * signs).sum(dim=1)  # all 2^d draws
    torch.testing.assert_close(drawn.mean(), matrix.trace())
    expected = 4 * (matrix.triu(1) ** 2).sum()
    torch.testing.assert_close(drawn.var(correction=0), expected)


def test_the_variance_of_the_rosenbrock_trace():
    assert 4 * H.subs(HERE)[0, 1] ** 2 == 921_600


def test_half_a_step_divides_the_rest_of_taylors_formula_by_eight_four_or_two():
    w = sympy.Matrix([A, B])
    s = sympy.Matrix(sympy.symbols("u v", real=True)) * T
    f = ROSENBROCK.subs({A: A + s[0], B: B + s[1]}, simultaneous=True)
    g = sympy.Matrix([sympy.diff(ROSENBROCK, x) for x in w])
    e = sympy.symbols("e")

    def lowest_power(slope, matrix):
        model = ROSENBROCK + slope.dot(s) + (s.T * matrix * s)[0] / 2
        rest = sympy.Poly(sympy.expand(f - model), T)
        return min(power for (power,), _ in rest.terms())

    assert lowest_power(g, H) == 3
    assert lowest_power(g, H * (1 + e)) == 2
    assert lowest_power(g * (1 + e), H) == 1


def test_the_gradient_penalty_of_a_linear_model_is_weight_decay():
    w = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    X = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad((X @ w).sum(), X, create_graph=True)
    (by_penalty,) = torch.autograd.grad((slopes**2).sum(dim=1).mean(), w)
    torch.testing.assert_close(by_penalty, 2 * w.detach())
