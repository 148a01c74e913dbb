"""What the page derives, by computer algebra, enumeration and simulation."""

from itertools import product

import pytest
import sympy as sp
import torch
from torch import Generator
from torch.testing import assert_close

from firstdescent.regression.rank_deficiency import (
    min_norm,
    ridge,
    row_space_projection,
    visible_directions,
)

# 5 x 4 of rank 2: the third column is a sum, the fourth a multiple.
A = sp.Matrix([[1, 0, 1, 2], [2, 1, 3, 4], [0, 1, 1, 0], [1, 3, 4, 2], [2, 2, 4, 4]])
Y = sp.Matrix([3, -1, 4, 1, 5])
GRAM, RIGHT = A.T * A, A.T * Y
NULL = A.nullspace()
PLUS = A.pinv() * Y
P = sp.simplify(A.pinv() * A)
T = sp.Matrix(sp.symbols("t1:5"))


TA, TY = (
    torch.tensor([[float(v) for v in row] for row in M.tolist()]).double()
    for M in (A, Y)
)
TY = TY[:, 0]


def test_dropping_dependent_columns_gives_a_solution_of_all_normal_equations():
    _, kept = A.rref()
    B = A[:, list(kept)]
    assert (B.T * B).det() != 0
    weights = (B.T * B).inv() * B.T * Y
    theta = sp.zeros(4, 1)
    for column, weight in zip(kept, weights, strict=True):
        theta[column] = weight
    assert GRAM * theta == RIGHT


def test_two_solutions_predict_the_same_and_differ_by_a_null_vector(page_says):
    page_says(
        r"0 = (\theta - \theta')^\top A^\top A\, (\theta - \theta')"
        r" = \|A\theta - A\theta'\|^2"
    )
    d = T - sp.Matrix(sp.symbols("r1:5"))
    assert sp.expand((d.T * GRAM * d)[0] - (A * d).dot(A * d)) == 0
    assert len(NULL) == 2
    general = PLUS + 7 * NULL[0] - 3 * NULL[1]
    assert GRAM * general == RIGHT
    assert A * general == A * PLUS


def test_the_loss_falls_apart_along_the_singular_directions(page_says):
    page_says(
        r"\|y - A\theta\|^2 = \sum_{s_j > 0} (u_j^\top y - s_j c_j)^2 + \text{rest}",
        r"$\|\theta\|^2 = \sum_j c_j^2$",
        r"\theta^+ = \sum_{s_j > 0} \frac{u_j^\top y}{s_j}\, v_j",
    )
    U, s, Vh = torch.linalg.svd(TA)  # all of U and V
    U, Vh, s = U[:, :2], Vh, s[:2]
    rest = (TY - U @ (U.T @ TY)).square().sum()
    generator = Generator().manual_seed(0)
    for _ in range(5):
        c = torch.randn(4, generator=generator, dtype=TA.dtype)
        theta = Vh.T @ c
        split = (U.T @ TY - s * c[:2]).square().sum() + rest
        assert_close((TY - TA @ theta).square().sum(), split)
        assert_close(theta.square().sum(), c.square().sum())
    plus = sum((U[:, j] @ TY) / s[j] * Vh[j] for j in range(2))
    exact = torch.tensor([float(v) for v in PLUS]).double()
    assert_close(plus, exact)
    assert_close(min_norm(TA, TY), exact)


def test_the_least_norm_solution_is_shorter_than_all_others_and_at_right_angles():
    assert all(sp.simplify(PLUS.dot(v)) == 0 for v in NULL)
    a, b = sp.symbols("a b", real=True)
    other = PLUS + a * NULL[0] + b * NULL[1]
    more = sp.expand(other.dot(other) - PLUS.dot(PLUS))
    null = a * NULL[0] + b * NULL[1]
    assert sp.expand(more - null.dot(null)) == 0


@pytest.mark.parametrize("c", [*sp.eye(4).tolist(), [1, 0, 1, 2], [1, -1, 0, 2]])
def test_a_combination_is_estimable_if_and_only_if_the_projection_keeps_it(
    c, page_says
):
    page_says("the test is $Pq = q$", r"$P = \sum v_j v_j^\top$")
    c = sp.Matrix(c)
    right_angles = all(c.dot(v) == 0 for v in NULL)
    assert (P * c == c) == right_angles
    ours = row_space_projection(TA)
    assert_close(ours, torch.tensor(P.tolist(), dtype=torch.float64))


def test_a_diagonal_entry_of_the_projection_is_a_squared_length(page_says):
    page_says(r"$P_{jj} = \|P e_j\|^2$", r"$P = P^\top = P^2$")
    assert P == P.T == P * P
    for j in range(4):
        column = P[:, j]
        assert P[j, j] == column.dot(column)


def test_a_gradient_step_moves_within_the_row_space_by_the_factor_claimed(page_says):
    page_says(
        r"\theta_{t+1} = \theta_t - \frac{\text{lr}}{n} A^\top (A\theta_t - y)",
        r"multiplies the distance to $u_j^\top y / s_j$ by $1 - \text{lr}\, s_j^2 / n$",
        r"$\frac{1}{2n}\|A\theta - y\|^2$",
    )
    lr = sp.Symbol("lr")
    r = A * T - Y
    gradient = sp.Matrix([r.dot(r) / 10]).jacobian(T).T
    assert sp.expand(gradient - A.T * r / 5) == sp.zeros(4, 1)
    step = T - lr * A.T * r / 5
    outside = sp.eye(4) - P
    assert sp.expand(outside * step - outside * T) == sp.zeros(4, 1)
    for value, _, vectors in (A.T * A).eigenvects():
        for v in vectors:
            before, after = v.dot(T - PLUS), v.dot(step - PLUS)
            if value != 0:
                factor = 1 - lr * value / 5
                numbers = {
                    lr: sp.Rational(1, 7),
                    **dict(zip(T, (1, -2, 3, 5), strict=True)),
                }
                gap = (after - factor * before).subs(numbers)
                assert abs(sp.N(gap, 30)) < 1e-20


def run(theta, lr, steps):
    for _ in range(steps):
        theta = theta - lr * TA.T @ (TA @ theta - TY) / 5
    return theta


@pytest.mark.parametrize("start", [[0, 0, 0, 0], [10, -3, 2, 7], [-1, 5, 0, 0]])
def test_gradient_descent_ends_where_the_formula_says(start, page_says):
    page_says(r"\theta_\infty = \theta^+ + (I - P)\,\theta_0")
    end = PLUS + (sp.eye(4) - P) * sp.Matrix(start)
    found = run(torch.tensor(start).double(), 0.05, 5000)
    assert_close(found, torch.tensor([float(v) for v in end]).double())


def test_gradient_descent_needs_a_step_below_2n_over_the_largest_square(page_says):
    page_says(r"$0 < \text{lr} < 2n / s_1^2$")
    limit = 2 * 5 / torch.linalg.svdvals(TA)[0] ** 2
    start = torch.ones(4).double()
    near = run(start, 0.99 * limit, 5000)
    assert_close(TA @ near, TA @ min_norm(TA, TY))
    assert run(start, 1.01 * limit, 5000).norm() > 1e10


def test_ridge_is_solvable_and_shrinks_each_direction(page_says):
    page_says(
        r"(A^\top A + \lambda I)\,\theta = A^\top y",
        r"$v^\top (A^\top A + \lambda I)\, v = \|Av\|^2 + \lambda \|v\|^2 > 0$",
        r"$(s_j^2 + \lambda)\, c_j = s_j\, u_j^\top y$",
        r"c_j = \frac{s_j^2}{s_j^2 + \lambda} \cdot \frac{u_j^\top y}{s_j}",
        r"$A^\top A\, v_j = s_j^2 v_j$",
        r"As $\lambda \to 0$ it tends to $\theta^+$",
    )
    lam = sp.Symbol("lam", positive=True)
    r = Y - A * T
    loss = r.dot(r) + lam * T.dot(T)
    gradient = sp.Matrix([loss]).jacobian(T).T
    system = GRAM + lam * sp.eye(4)
    assert sp.expand(gradient - 2 * (system * T - RIGHT)) == sp.zeros(4, 1)
    quadratic = (T.T * system * T)[0]
    assert sp.expand(quadratic - (A * T).dot(A * T) - lam * T.dot(T)) == 0
    # det = lam^2 (...): invertible for each lam > 0, singular at 0
    assert all(k > 0 for k in sp.Poly(system.det(method="berkowitz"), lam).coeffs())
    errors = []
    for small in (sp.Rational(1, 10**4), sp.Rational(1, 10**6)):
        theta = system.subs(lam, small).LUsolve(RIGHT)
        errors.append(float((theta - PLUS).norm()))
    assert 99 < errors[0] / errors[1] < 101  # in proportion to lam, so it tends to 0
    U, s, Vh = visible_directions(TA)
    for penalty in (0.3, 3, 30):
        c = s**2 / (s**2 + penalty) * (U.T @ TY) / s
        exact = system.subs(lam, sp.Rational(str(penalty))).LUsolve(RIGHT)
        exact = torch.tensor([float(v) for v in exact]).double()
        assert_close(Vh.T @ c, exact)
        assert_close(ridge(TA, TY, penalty), exact)


def test_the_condition_number_of_ridge_with_an_unseen_direction(page_says):
    page_says(r"$(s_1^2 + \lambda) / \lambda$")
    s1 = torch.linalg.svdvals(TA)[0]
    for penalty in (0.5, 5.0):
        system = TA.T @ TA + penalty * torch.eye(4).double()
        assert_close(torch.linalg.cond(system), (s1**2 + penalty) / penalty)


def test_a_mean_with_mu_is_a_sum_with_n_mu(page_says):
    page_says(
        r"$\frac{1}{2n}\|y - A\theta\|^2 + \frac{\mu}{2}\|\theta\|^2$",
        r"$\lambda = n\mu$",
    )
    mu, r = sp.Symbol("mu"), Y - A * T
    mean = r.dot(r) / 10 + mu / 2 * T.dot(T)
    assert sp.expand(10 * mean - r.dot(r) - 5 * mu * T.dot(T)) == 0


def test_appended_rows_add_the_penalty(page_says):
    page_says(r"$\sum_j (0 - \sqrt\lambda\, \theta_j)^2 = \lambda \|\theta\|^2$")
    lam = sp.Symbol("lam", positive=True)
    longer, target = A.col_join(sp.sqrt(lam) * sp.eye(4)), Y.col_join(sp.zeros(4, 1))
    r, plain = target - longer * T, Y - A * T
    assert sp.expand(r.dot(r) - plain.dot(plain) - lam * T.dot(T)) == 0
    assert longer.rank() == 4


def test_noise_on_the_features_adds_n_sigma_squared_on_the_diagonal(page_says):
    page_says(
        r"$\mathbb{E}[(X + E)^\top (X + E)] = X^\top X + n\sigma^2 I$",
        r"$\mathbb{E}[X^\top E] = 0$",
        r"$\mathbb{E}[(X + E)^\top y] = X^\top y$",
        r"ridge with $\lambda = n\sigma^2$",
    )
    sigma = sp.Symbol("sigma")
    X, y = sp.Matrix([[1, 2], [3, -1]]), sp.Matrix([5, 7])
    signs = list(product((-1, 1), repeat=4))  # entries of mean 0, variance sigma^2
    mean_gram, mean_right = sp.zeros(2), sp.zeros(2, 1)
    for sign in signs:
        noisy = X + sigma * sp.Matrix(2, 2, sign)
        mean_gram += noisy.T * noisy / len(signs)
        mean_right += noisy.T * y / len(signs)
    expected = X.T * X + 2 * sigma**2 * sp.eye(2)
    assert sp.expand(mean_gram - expected) == sp.zeros(2)
    assert sp.expand(mean_right - X.T * y) == sp.zeros(2, 1)
