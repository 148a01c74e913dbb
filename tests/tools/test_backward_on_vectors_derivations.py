"""Each formula of docs/en/tools/backward_on_vectors.md, by SymPy."""

import sympy
import torch
from sympy import Matrix, Rational, diff, ones, simplify, symbols, zeros

from firstdescent.tools.backward_on_vectors import own_input_grads, sum_input_grads

N = 3
X = Matrix(symbols("x0:3", real=True))
V = Matrix(symbols("v0:3", real=True))
MU = sum(X) / N
SIGMA = sympy.sqrt(sum((x - MU) ** 2 for x in X) / N + symbols("eps", positive=True))
NORMED = Matrix([(x - MU) / SIGMA for x in X])
POINT = {"x0": 1, "x1": 3, "x2": 8, "eps": 0}
RING = Matrix([X[i] ** 2 + X[(i + 1) % N] - X[(i - 1) % N] for i in range(N)])


def test_the_gradient_of_the_weighted_sum_is_v_times_the_jacobian():
    x = Matrix(symbols("x0:4", real=True))
    f = Matrix([x[0] * x[1], sympy.sin(x[2]), x[3] ** 2 * x[0]])
    gradient = Matrix([[diff((V.T * f)[0], xj) for xj in x]])
    assert simplify(gradient - V.T * f.jacobian(x)) == zeros(1, 4)
    total = Matrix([[diff(sum(f), xj) for xj in x]])
    assert simplify(total - ones(1, 3) * f.jacobian(x)) == zeros(1, 4)
    mean = Matrix([[diff(sum(f) / 3, xj) for xj in x]])
    assert simplify(mean - total / 3) == zeros(1, 4)


def test_the_jacobian_by_hand_of_the_two_outputs():
    f = Matrix([X[0] * X[1], X[0] + X[1] ** 2])
    J = f.jacobian(X[:2, :])
    assert Matrix([[X[1], X[0]], [1, 2 * X[1]]]) == J
    J = J.subs({X[0]: 1, X[1]: 2})
    assert Matrix([[2, 1], [1, 4]]) == J
    assert Matrix([[1, 1]]) * J == Matrix([[3, 5]])
    assert Matrix([[Rational(1, 2)] * 2]) * J == Matrix([[3, 5]]) / 2


def test_the_sum_gives_the_own_gradient_iff_the_rest_of_the_column_adds_up_to_zero():
    """Both directions, for linear maps: their Jacobian is their matrix."""
    zero = torch.zeros(3, dtype=torch.float64)
    for rest in (0.0, 2.5):
        A = torch.tensor([[1.0, 4.0, -3.0], [2.0, 5.0, 3.0], [rest - 2.0, -4.0, 6.0]])
        A = A.double()
        total = sum_input_grads(lambda x, A=A: A @ x, zero)
        own = own_input_grads(lambda x, A=A: A @ x, zero)
        assert own.tolist() == [1.0, 5.0, 6.0]
        assert (total - own).tolist() == [rest, 0.0, 0.0]


def test_it_holds_for_every_v_only_if_all_entries_off_the_diagonal_are_zero():
    J = Matrix(3, 3, symbols("j0:9"))
    gap = [sympy.expand((V.T * J)[j] - V[j] * J[j, j]) for j in range(3)]
    conditions = [c for g in gap for c in sympy.Poly(g, *V).coeffs()]
    off_diagonal = {J[i, j] for i in range(3) for j in range(3) if i != j}
    assert set(conditions) == off_diagonal


def test_on_the_ring_the_sum_is_own_although_the_examples_mix():
    J = RING.jacobian(X)
    assert ones(1, N) * J == Matrix([[2 * x for x in X]])
    assert [J[i, i] for i in range(N)] == [2 * x for x in X]
    assert J[0, 1] == 1 and J[0, 2] == -1
    gap = [sympy.expand((V.T * J)[j] - V[j] * J[j, j]) for j in range(N)]
    assert gap == [V[2] - V[1], V[0] - V[2], V[1] - V[0]]


def at_point(expression):
    names = {symbol: POINT[symbol.name] for symbol in expression.free_symbols}
    return expression.subs(names)


def test_normalised_values_sum_to_zero_and_so_does_every_column():
    assert simplify(sum(NORMED)) == 0
    columns = ones(1, N) * NORMED.jacobian(X)
    assert simplify(columns) == zeros(1, N)
    own = [at_point(diff(NORMED[i], X[i])) for i in range(N)]
    assert all(value > 0 for value in own)


def test_scale_and_shift_leave_the_sum_a_constant_of_the_inputs():
    scale, shift = symbols("scale shift")
    assert simplify(sum(scale * NORMED + shift * ones(N, 1)) - N * shift) == 0


def test_each_normalised_value_rises_with_its_own_input():
    # own = (1 - 1/n - z^2/n) / sigma, and z^2 <= n - 1 for each of n values
    own = diff(NORMED[0], X[0])
    z = NORMED[0]
    assert simplify(own - (1 - Rational(1, N) - z**2 / N) / SIGMA) == 0
    spread = sum((x - MU) ** 2 for x in X)
    gap = (N - 1) * spread - N * (X[0] - MU) ** 2  # of squares: never negative
    assert simplify(gap - (X[1] - X[2]) ** 2) == 0


def test_a_running_mean_is_triangular_and_only_its_last_column_is_own():
    J = Matrix([sum(X[: i + 1]) / (i + 1) for i in range(N)]).jacobian(X)
    assert J.is_lower
    total = ones(1, N) * J
    assert [total[j] == J[j, j] for j in range(N)] == [False, False, True]


def test_the_parameter_gradient_of_the_sum_is_the_sum_even_if_examples_mix():
    w = symbols("w")
    losses = [(w * z - 1) ** 2 for z in NORMED]
    apart = sum(diff(loss, w) for loss in losses)
    assert simplify(diff(sum(losses), w) - apart) == 0


def test_the_worked_numbers_of_the_four_examples():
    w0, w1 = symbols("w0 w1")
    rows, y = [(1, 2), (3, 4), (5, 6), (8, 7)], [-1, -3, -3, -5]
    losses = [(a * w0 + b * w1 - t) ** 2 for (a, b), t in zip(rows, y, strict=True)]
    at = {w0: Rational(1, 2), w1: -1}
    grads = [[diff(loss, w).subs(at) for w in (w0, w1)] for loss in losses]
    assert grads == [[-1, -2], [3, 4], [-5, -6], [32, 28]]
    assert [sum(column) for column in zip(*grads, strict=True)] == [29, 24]
