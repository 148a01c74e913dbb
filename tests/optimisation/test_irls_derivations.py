"""What docs/en/optimisation/irls.md derives, by computer algebra and by trial.

A formula that is checked here is also looked up on the page.
"""

import math

import pytest
import sympy as sp
import torch

T, Y, V = sp.symbols("t y v", real=True)
P = 1 / (1 + sp.exp(-T))
D = torch.float64


def test_the_two_derivatives_of_the_loss_of_a_row(page_says):
    page_says(
        r"$$\ell(\theta) = \sum_i \log(1 + \exp(a_i \cdot \theta))"
        r" - y_i\, a_i \cdot \theta$$",
        r"$p_i = 1/(1 + \exp(-a_i \cdot \theta))$",
        r"the derivative of $\log(1 + \exp x)$ is $1/(1 + \exp(-x))$",
        r"the derivative of that, $p$, is $p(1 - p)$",
    )
    assert sp.simplify(sp.diff(sp.log(1 + sp.exp(T)), T) - P) == 0
    assert sp.simplify(sp.diff(P, T) - P * (1 - P)) == 0
    for label, chance in ((1, P), (0, 1 - P)):
        loss = sp.log(1 + sp.exp(T)) - label * T
        assert sp.simplify(sp.exp(-loss) - chance) == 0


def two_rows():
    """A table of two rows and two columns with letters for numbers."""
    A = sp.Matrix(2, 2, sp.symbols("a11 a12 a21 a22", real=True))
    theta, y = sp.Matrix(sp.symbols("t1:3", real=True)), sp.Matrix(sp.symbols("y1:3"))
    scores = A * theta
    p = scores.applyfunc(lambda t: 1 / (1 + sp.exp(-t)))
    loss = sum(
        sp.log(1 + sp.exp(t)) - label * t for t, label in zip(scores, y, strict=True)
    )
    return A, theta, y, p, loss


def test_the_gradient_and_the_hessian(page_says):
    page_says(
        r"g = \sum_i (p_i - y_i)\, a_i = A^\top (p - y)",
        r"H = \sum_i p_i (1 - p_i)\, a_i a_i^\top = A^\top S A",
        r"$s_i = p_i (1 - p_i)$",
        r"$v^\top H v = \sum_i s_i (a_i \cdot v)^2 \ge 0$",
    )
    A, theta, y, p, loss = two_rows()
    g = sp.Matrix([loss]).jacobian(theta).T
    assert sp.simplify(g - A.T * (p - y)) == sp.zeros(2, 1)
    S = sp.diag(*[q * (1 - q) for q in p])
    assert sp.simplify(sp.hessian(loss, theta) - A.T * S * A) == sp.zeros(2)
    v, s = sp.Matrix(sp.symbols("v1:3")), sp.symbols("s1:3")
    form = (v.T * A.T * sp.diag(*s) * A * v)[0]
    squares = sum(s[i] * (A.row(i) * v)[0] ** 2 for i in range(2))
    assert sp.expand(form - squares) == 0


def test_a_weight_is_at_most_a_quarter_and_positive(page_says):
    page_says(r"A row weighs most, $\tfrac14$, where the model is undecided")
    q = sp.Symbol("q")
    assert sp.solve(sp.diff(q * (1 - q), q), q) == [sp.Rational(1, 2)]
    assert (q * (1 - q)).subs(q, sp.Rational(1, 2)) == sp.Rational(1, 4)


def test_a_newton_step_is_the_weighted_least_squares_of_the_working_response(page_says):
    page_says(
        r"\theta_+ = \theta - H^{-1} g",
        r"= H^{-1} (A^\top S A\,\theta + A^\top (y - p))",
        r"= (A^\top S A)^{-1} A^\top S\, (A\theta + S^{-1} (y - p))",
        r"z_i = a_i \cdot \theta + \frac{y_i - p_i}{s_i}",
        r"\theta_+ = (A^\top S A)^{-1} A^\top S z",
        r"$\sum_i s_i (z_i - a_i \cdot \theta_+)^2$",
    )
    A = sp.Matrix([[1, 2], [3, -1], [0, 1]])
    theta = sp.Matrix(sp.symbols("t1:3"))
    p, y = sp.Matrix(sp.symbols("p1:4")), sp.Matrix(sp.symbols("y1:4"))
    S = sp.diag(*[q * (1 - q) for q in p])
    step = theta - (A.T * S * A).inv() * (A.T * (p - y))
    z = A * theta + S.inv() * (y - p)
    new = sp.Matrix(sp.symbols("n1:3"))
    gap = z - A * new
    squares = (gap.T * S * gap)[0]
    at_step = sp.Matrix([squares]).jacobian(new).subs(dict(zip(new, step, strict=True)))
    assert sp.simplify(at_step) == sp.zeros(1, 2)
    assert sp.simplify((A.T * S * A).inv() * A.T * S * z - step) == sp.zeros(2, 1)


def test_the_correction_is_one_over_the_probability_of_the_right_label(page_says):
    page_says(r"$(1 - p_i)/s_i = 1/p_i$", r"$-p_i/s_i = -1/(1 - p_i)$")
    s = P * (1 - P)
    assert sp.simplify((1 - P) / s - 1 / P) == 0
    assert sp.simplify((0 - P) / s + 1 / (1 - P)) == 0


def test_the_first_step_is_least_squares_on_plus_and_minus_two(page_says):
    page_says(r"ordinary least squares on labels $\pm 2$")
    z = T + (Y - P) / (P * (1 - P))
    assert [z.subs({T: 0, Y: label}) for label in (0, 1)] == [-2, 2]


def test_the_weights_change_by_at_most_the_exponential_of_the_move(page_says):
    page_says("which turns the 1 into 0.99")
    slope = sp.diff(sp.log(P * (1 - P)), T)
    assert sp.simplify(slope - (1 - 2 * P)) == 0  # between -1 and 1
    assert math.exp(-0.01) == pytest.approx(0.99, abs=1e-4)


def tables_with_separation(times):
    """Tables and weights, labels made by a direction d that separates them."""
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(times, 12, 3, generator=generator, dtype=D)
    d = torch.randn(times, 3, 1, generator=generator, dtype=D)
    theta = torch.randn(times, 3, 1, generator=generator, dtype=D)
    sign = (A @ d).sign()
    # four rows on the border, with labels that theta or chance decide
    A[:, :4] -= (A[:, :4] @ d) * d.mT / (d.mT @ d)
    return A, d, theta, torch.where(sign == 0, 1.0, sign)


def steps_of(A, theta, sign):
    p = torch.sigmoid(A @ theta)
    s, y = p * (1 - p), (sign + 1) / 2
    return torch.linalg.solve(A.mT @ (s * A), A.mT @ (y - p)), s


def test_on_separated_labels_each_newton_step_moves_a_score_by_more_than_one(page_says):
    page_says(r"a full Newton step from any $\theta$ moves some score by more than 1")
    A, _, theta, sign = tables_with_separation(5000)
    u, _ = steps_of(A, theta, sign)
    most = (sign * (A @ u)).amax(dim=(1, 2))
    assert most.min() > 1
    two = torch.tensor([[[-1.0], [1.0]]], dtype=D)  # the bound is no idle one
    u, _ = steps_of(two, torch.tensor([[[15.0]]], dtype=D), two)
    assert 1 < u.item() < 1.001


def test_a_penalty_where_d_is_zero_changes_nothing_about_that(page_says):
    page_says("the same holds for a $d$ that is 0 there")
    A, d, _, _ = tables_with_separation(5000)
    d[:, 2] = 0
    generator = torch.Generator().manual_seed(1)
    theta = torch.randn(5000, 3, 1, generator=generator, dtype=D)
    sign = (A @ d).sign()
    ridge = torch.diag(torch.tensor([0.0, 0.0, 5.0], dtype=D))
    q = torch.sigmoid(-sign * (A @ theta))  # of the wrong label
    g = ridge @ theta - A.mT @ (sign * q)
    u = torch.linalg.solve(A.mT @ (q * (1 - q) * A) + ridge, -g)
    assert (A @ u).abs().amax(dim=(1, 2)).min() > 1


def test_the_first_long_steps_of_the_four_separated_houses(page_says):
    page_says(
        "0.00 1.20 2.02 2.91",
        "the slope moves by 0.82 at the second step",
        "twice that, more than 1",
    )
    x = torch.tensor([-2.0, -1, 1, 2], dtype=D)  # by symmetry the intercept stays 0
    w = [0.0]
    for _ in range(2):
        p = torch.sigmoid(w[-1] * x)
        pull = (x * ((x > 0).to(D) - p)).sum()
        w.append(w[-1] + (pull / (p * (1 - p) * x**2).sum()).item())
    assert w[2] - w[1] == pytest.approx(0.82, abs=0.005)
    assert 2 * (w[2] - w[1]) > 1.6


def test_on_overlapping_labels_a_step_may_be_short():
    generator = torch.Generator().manual_seed(1)
    A = torch.randn(50, 2, generator=generator, dtype=D)
    sign = torch.randn(50, 1, generator=generator, dtype=D).sign()
    theta = torch.zeros(2, 1, dtype=D)
    for _ in range(8):
        theta = theta + steps_of(A, theta, sign)[0]
    assert (A @ steps_of(A, theta, sign)[0]).abs().max() < 1e-9


def test_what_the_fit_leaves_is_at_right_angles_to_every_direction(page_says):
    page_says(
        r"\sum_i s_i \Bigl(\frac{t_i}{q_i} - a_i \cdot u\Bigr)\, a_i \cdot d = 0",
        r"\sum_i s_i \Bigl(\frac{1}{q_i} - t_i\, a_i \cdot u\Bigr)"
        r" (t_i\, a_i \cdot d) = 0",
    )
    A, d, theta, sign = tables_with_separation(200)
    u, s = steps_of(A, theta, sign)
    q = torch.sigmoid(sign * (A @ theta))  # of the right label
    first = s * (sign / q - A @ u) * (A @ d)
    second = s * (1 / q - sign * (A @ u)) * (sign * (A @ d))
    size = first.abs().amax(dim=1)
    assert (first.sum(dim=1).abs() < 1e-9 * size).all()
    assert (second.sum(dim=1).abs() < 1e-9 * size).all()


def test_the_covariance_of_the_gradient_is_the_hessian(page_says):
    page_says(
        r"$\hat\theta - \theta \approx -H^{-1} g$",
        r"$$\mathrm{Cov}(\hat\theta) \approx H^{-1} H H^{-1} = H^{-1}$$",
    )
    A, _, _, p, _ = two_rows()
    mean, square = sp.zeros(2, 1), sp.zeros(2)
    for labels in ((0, 0), (0, 1), (1, 0), (1, 1)):
        chance = p[0] if labels[0] else 1 - p[0]
        chance *= p[1] if labels[1] else 1 - p[1]
        g = A.T * (p - sp.Matrix(labels))
        mean, square = mean + chance * g, square + chance * g * g.T
    S = sp.diag(*[q * (1 - q) for q in p])
    assert sp.simplify(mean) == sp.zeros(2, 1)
    assert sp.simplify(square - A.T * S * A) == sp.zeros(2)


def test_poisson_regression_has_the_same_form(page_says):
    page_says(
        r"$\sum_i \mu_i - y_i\, a_i \cdot \theta$",
        r"$g = A^\top (\mu - y)$",
        r"$z_i = a_i \cdot \theta + (y_i - \mu_i)/\mu_i$",
    )
    loss = sp.exp(T) - Y * T
    assert sp.diff(loss, T) - (sp.exp(T) - Y) == 0
    assert sp.diff(loss, T, 2) == sp.exp(T)
    k, mu = sp.Symbol("k", integer=True, nonnegative=True), sp.exp(T)
    likelihood = sp.exp(-mu) * mu**k / sp.factorial(k)
    rest = -sp.log(likelihood) - (mu - k * T)
    assert sp.simplify(sp.expand_log(sp.diff(rest, T), force=True)) == 0


def test_the_slope_of_the_four_separated_houses_under_a_small_penalty(page_says):
    page_says(
        r"$\lambda w = 2 \exp(-w)$",
        r"$w + \log w = \log(2/\lambda)$",
    )
    w, lam = sp.symbols("w lambda", positive=True)
    slope = sp.diff(2 * sp.exp(-w) + lam * w**2 / 2, w)
    (root,) = sp.solve(slope, lam)
    assert sp.simplify(sp.expand_log(sp.log(2 / root)) - w - sp.log(w)) == 0
    full = 2 * sp.log(1 + sp.exp(-w)) + 2 * sp.log(1 + sp.exp(-2 * w))
    assert sp.limit(full * sp.exp(w), w, sp.oo) == 2
