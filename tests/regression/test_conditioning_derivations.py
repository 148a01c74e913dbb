"""The formulas of the page, by fractions, computer algebra and counting."""

from fractions import Fraction

import pytest
import sympy as sp
import torch
from torch import Generator
from torch.testing import assert_close

from firstdescent.regression.conditioning import ill_conditioned

A = sp.Matrix([[1, 2], [0, 3], [2, 1]])
Y = sp.Matrix([1, 4, 3])
BEST = (A.T * A).inv() * A.T * Y


def randn(*shape, seed=0):
    generator = Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def norm(matrix):
    return torch.linalg.matrix_norm(matrix, 2)


def test_two_triangular_systems_give_the_least_squares_answer(page_says):
    page_says(r"$A^\top A = L L^\top$", r"$L z = A^\top y$, then $L^\top \theta = z$")
    L = (A.T * A).cholesky()
    assert L.is_lower and sp.simplify(L * L.T - A.T * A) == sp.zeros(2)
    z = L.LUsolve(A.T * Y)
    assert sp.simplify(L.T.LUsolve(z) - BEST) == sp.zeros(2, 1)


def test_the_triangle_of_qr_gives_the_answer_and_is_that_of_cholesky(page_says):
    page_says(
        r"$R^\top R\,\theta = R^\top Q^\top y$",
        r"$R\,\theta = Q^\top y$",
        r"$A^\top A = R^\top R$",
        r"$(A^\top A)^{-1} = R^{-1} R^{-\top}$",
    )
    Q, R = A.QRdecomposition()
    assert sp.simplify(Q.T * Q) == sp.eye(2) and R.is_upper
    assert sp.simplify(R.LUsolve(Q.T * Y) - BEST) == sp.zeros(2, 1)
    assert sp.simplify(R - (A.T * A).cholesky().T) == sp.zeros(2)
    assert sp.simplify(R.inv() * R.inv().T - (A.T * A).inv()) == sp.zeros(2)


def svd():
    """A product U S V^T with a rotation V and any two positive stretches."""
    s1, s2 = sp.symbols("s1 s2", positive=True)
    V = sp.Matrix([[3, -4], [4, 3]]) / 5
    U = sp.Matrix([[1, 2], [2, 1], [2, -2]]) / 3
    return U, sp.diag(s1, s2), V


def test_the_svd_gives_the_answer_and_the_square_of_the_stretches(page_says):
    page_says(
        r"$V S^2 V^\top \theta = V S\, U^\top y$",
        r"$\theta = V\, S^{-1}\, U^\top y$",
        r"A^\top A = V S U^\top U S V^\top = V S^2 V^\top",
        r"$(A^\top A)^{-1} A^\top = V S^{-1} U^\top$",
        r"\kappa(A^\top A) = \kappa(A)^2",
    )
    U, S, V = svd()
    B = U * S * V.T
    assert sp.eye(2) == U.T * U
    assert sp.simplify(B.T * B - V * S**2 * V.T) == sp.zeros(2)
    inverse = sp.simplify((B.T * B).inv() * B.T)
    assert sp.simplify(inverse - V * S.inv() * U.T) == sp.zeros(2, 3)


def test_the_ratio_of_the_stretches_of_a_gram_matrix_is_the_square():
    B = ill_conditioned(8, 3, 50, Generator().manual_seed(0))
    low, *_, high = torch.linalg.eigvalsh(B.T @ B).tolist()
    assert high / low == pytest.approx(50**2)


def test_the_two_equations_of_the_page_jump_as_it_says(page_says):
    page_says(r"$w_1 + w_2 = 2$ and $w_1 + 1.1\, w_2 = 2.1$", r"$0.1\, w_2 = 0.2$")
    pair = sp.Matrix([[1, 1], [1, sp.Rational(11, 10)]])
    for right, crossing in ((21, (1, 1)), (22, (0, 2))):
        w = pair.LUsolve(sp.Matrix([2, sp.Rational(right, 10)]))
        assert tuple(w) == crossing


def test_the_bound_of_a_change_of_y_holds_and_is_reached(page_says):
    page_says(
        r"\sigma_{\min} \|d\theta\| &\le \|A\,d\theta\| \le \|dy\|",
        r"\|A\theta\| &\le \sigma_{\max} \|\theta\|",
        r"\le \kappa(A)\, \frac{\|dy\|}{\|A\theta\|}",
    )
    B = ill_conditioned(8, 3, 50, Generator().manual_seed(0))
    U, S, Vt = torch.linalg.svd(B, full_matrices=False)
    cases = [(randn(3, seed=k), randn(8, seed=100 + k)) for k in range(200)]
    ratios = []
    for theta, dy in [*cases, (Vt[0], U[:, -1])]:
        change = torch.linalg.pinv(B) @ dy
        assert S[-1] * change.norm() <= (B @ change).norm() * (1 + 1e-12)
        assert (B @ change).norm() <= dy.norm() * (1 + 1e-12)
        relative = (change.norm() / theta.norm()) / (dy.norm() / (B @ theta).norm())
        ratios.append(relative.item())
    assert max(ratios[:-1]) < 50
    assert ratios[-1] == pytest.approx(50)


def test_the_small_parameter_is_rounded_away(page_says):
    page_says(
        r"\begin{pmatrix} 1 & 1 \\ \delta & 0 \\ 0 & \delta \end{pmatrix}",
        r"\begin{pmatrix} 1 + \delta^2 & 1 \\ 1 & 1 + \delta^2 \end{pmatrix}",
        r"$\delta = 2^{-27}$. Then $\delta^2 = 2^{-54}$",
    )
    e = sp.Symbol("e")
    small = sp.Matrix([[1, 1], [e, 0], [0, e]])
    assert small.T * small == sp.Matrix([[1 + e**2, 1], [1, 1 + e**2]])
    assert float(1 + Fraction(1, 2**54)) == 1.0
    assert float(1 + Fraction(1, 2**52)) > 1.0
    assert torch.finfo(torch.float64).eps == 2.0**-52


def test_the_derivative_of_the_answer_by_the_matrix_has_the_two_terms(page_says):
    page_says(
        r"0 &= dA^\top r + A^\top dA\,\theta + A^\top A\,d\theta",
        r"-(A^\top A)^{-1} dA^\top r - (A^\top A)^{-1} A^\top dA\,\theta",
    )
    t, dA = sp.Symbol("t"), sp.Matrix([[1, -1], [2, 0], [1, 3]])
    moving = A + t * dA
    theta = (moving.T * moving).inv() * moving.T * Y
    G, r = A.T * A, A * BEST - Y
    expected = -G.inv() * dA.T * r - G.inv() * A.T * dA * BEST
    assert r != sp.zeros(3, 1)
    assert sp.simplify(theta.diff(t).subs(t, 0) - expected) == sp.zeros(2, 1)


def test_the_two_factors_of_that_derivative_stretch_as_the_page_says(page_says):
    page_says(
        r"at most $1/\sigma_{\min}^2$",
        r"by at most $1/\sigma_{\min}$",
        r"\left( \kappa + \kappa^2\, \frac{\|r\|}{\|A\|\,\|\theta\|} \right)",
    )
    B = ill_conditioned(8, 3, 50, Generator().manual_seed(0))  # sigma 1 to 1 / 50
    G = torch.linalg.inv(B.T @ B)
    assert_close(norm(G).item(), 50.0**2)
    assert_close(norm(G @ B.T).item(), 50.0)
    for k in range(100):
        dA, theta, r = randn(8, 3, seed=k), randn(3, seed=k), randn(8, seed=k)
        r -= B @ (G @ B.T @ r)  # any residual is perpendicular to the columns
        moved = -G @ dA.T @ r - G @ B.T @ dA @ theta
        share = r.norm() / theta.norm()  # the norm of B is 1
        assert moved.norm() / theta.norm() <= norm(dA) * (50 + 50**2 * share)


def test_chebyshev_by_cosines_is_the_polynomial_of_that_degree(page_says):
    page_says(r"$T_k(u) = \cos(k \arccos u)$")
    u, points = sp.Symbol("u"), torch.linspace(-1, 1, 9, dtype=torch.float64)
    for k in range(15):
        polynomial = sp.chebyshevt(k, u)
        assert sp.degree(polynomial, u) == k
        values = [float(polynomial.subs(u, p)) for p in points.tolist()]
        cosines = torch.cos(k * torch.arccos(points))
        assert_close(cosines, torch.tensor(values, dtype=torch.float64))


@pytest.mark.parametrize(("n", "d"), [(400, 200), (900, 300)])
def test_the_work_counted_step_by_step_has_the_leading_terms_of_the_table(
    n, d, page_says
):
    page_says(
        "| Cholesky | $n p^2 + p^3/3$ |",
        "| QR | $2 n p^2 - 2 p^3/3$ |",
        "| inverse | $n p^2 + 8 p^3/3$ |",
        "$8p^3/3$ additions and multiplications. Cholesky needs $p^3/3$.",
    )
    half_gram = sum(2 * n for i in range(d) for j in range(i + 1))
    # Column k of L: for each row below, a product of k terms.
    cholesky = sum(2 * k * (d - k) for k in range(d))
    # LU: each row below a pivot is updated; then two systems for each column of I.
    lu = sum(2 * (d - k - 1) * (d - k) for k in range(d))
    inverse = lu + d * 2 * sum(2 * k for k in range(d))
    # Householder: each vector, of length n - k, meets d - k columns, 4 flops each.
    qr = sum(4 * (n - k) * (d - k) for k in range(d))
    table = [n * d**2, d**3 / 3, 8 * d**3 / 3, 2 * n * d**2 - 2 * d**3 / 3]
    for counted, formula in zip((half_gram, cholesky, inverse, qr), table, strict=True):
        assert counted == pytest.approx(formula, rel=0.02)


def test_torchs_inverse_is_lu_and_a_system_for_each_column():
    G = torch.linalg.inv(ill_conditioned(9, 4, 5, Generator().manual_seed(0))[:4])
    one = torch.eye(4, dtype=G.dtype)
    with torch.profiler.profile() as seen:
        inverse = torch.linalg.inv(G)
    names = {event.name for event in seen.events()}
    assert any("linalg_lu_factor" in name for name in names), names
    assert any("lu_solve" in name for name in names), names
    assert_close(inverse, torch.linalg.solve(G, one))
