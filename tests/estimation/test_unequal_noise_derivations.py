"""What the page derives, by computer algebra or with any matrices.

A formula that is checked here is also looked up on the page.
"""

import sympy as sp
import torch
from torch.testing import assert_close

U, R = sp.symbols("u r", real=True)
SIGMA, RHO = sp.symbols("sigma rho", positive=True)


def matrices(n=9, p=3, seed=0):
    g = torch.Generator().manual_seed(seed)
    A = torch.randn(n, p, generator=g).double()
    sigma = 0.3 + 3 * torch.rand(n, generator=g).double()
    return A, sigma


def test_the_log_likelihood_with_a_sigma_for_each_row(page_says):
    page_says(
        r"\ell = \sum_i \log \sigma_i + \tfrac{n}{2} \log 2\pi"
        r" + \sum_i \frac{r_i^2}{2 \sigma_i^2}",
        r"\sum_i w_i\, r_i^2, \qquad w_i = \frac{1}{\sigma_i^2}",
        r"the weight $1/(9\sigma^2)$, a ninth",
    )
    density = sp.exp(-(R**2) / (2 * SIGMA**2)) / (sp.sqrt(2 * sp.pi) * SIGMA)
    row = sp.log(SIGMA) + sp.log(2 * sp.pi) / 2 + R**2 / (2 * SIGMA**2)
    assert sp.simplify(sp.expand_log(sp.log(density) + row, force=True)) == 0
    assert sp.diff(row, R, 2) == 1 / SIGMA**2
    weight = 1 / SIGMA**2
    assert sp.simplify(weight.subs(SIGMA, 3 * SIGMA) / weight) == sp.Rational(1, 9)


def test_the_weighted_normal_equations_are_where_the_gradient_is_zero(page_says):
    page_says(r"$A^\top W A\,\hat\theta = A^\top W y$")
    A, sigma = matrices()
    W, y = torch.diag(sigma**-2), torch.arange(9).double()
    theta = torch.linalg.solve(A.T @ W @ A, A.T @ W @ y).requires_grad_()
    (((A @ theta - y) / sigma) ** 2).sum().backward()
    assert_close(theta.grad, torch.zeros(3).double(), atol=1e-9, rtol=0)


def test_the_covariance_with_the_right_weights(page_says):
    page_says(
        r"$C = (A^\top W A)^{-1} A^\top W$",
        r"\mathrm{Cov}(\hat\theta) &= C D C^\top \\"
        r" &= G^{-1} A^\top W\, W^{-1}\, W A\, G^{-1} \\"
        r" &= G^{-1} = (A^\top W A)^{-1}",
    )
    A, sigma = matrices()
    W, D = torch.diag(sigma**-2), torch.diag(sigma**2)
    inverse = torch.linalg.inv(A.T @ W @ A)
    C = inverse @ A.T @ W
    assert_close(C @ A, torch.eye(3).double())
    assert_close(C @ D @ C.T, inverse)


def test_any_fixed_weights_are_right_on_average_and_none_scatter_less(page_says):
    page_says(r"$C = (A^\top V A)^{-1} A^\top V$", "$CA = I$", r"$C D C^\top$")
    A, sigma = matrices()
    best = torch.linalg.inv(A.T @ torch.diag(sigma**-2) @ A)
    for seed in range(20):
        g = torch.Generator().manual_seed(seed)
        V = torch.diag(0.01 + torch.rand(9, generator=g).double())
        C = torch.linalg.inv(A.T @ V @ A) @ A.T @ V
        assert_close(C @ A, torch.eye(3).double())
        excess = C @ torch.diag(sigma**2) @ C.T - best
        assert torch.linalg.eigvalsh(excess).min() > -1e-10
        N = torch.randn(3, 9, generator=g).double()  # any other linear estimator
        N = C + N - N @ A @ torch.linalg.pinv(A)  # that is right on average
        assert_close(N @ A, torch.eye(3).double())
        excess = N @ torch.diag(sigma**2) @ N.T - best
        assert torch.linalg.eigvalsh(excess).min() > -1e-10


def test_weights_from_the_labels_pull_two_prices_down(page_says):
    page_says(r"b = \frac{1/200 + 1/400}{1/200^2 + 1/400^2} = 240")
    b = sp.Symbol("b")
    loss = ((b - 200) / 200) ** 2 + ((b - 400) / 400) ** 2
    assert sp.solve(sp.diff(loss, b), b) == [240]
    top = sp.Rational(1, 200) + sp.Rational(1, 400)
    assert top / (sp.Rational(1, 200) ** 2 + sp.Rational(1, 400) ** 2) == 240


def test_the_derivatives_of_one_row_by_log_sigma(page_says):
    page_says(
        r"$\log \sigma_i + r_i^2 e^{-2 \log \sigma_i} / 2$",
        r"derivative $1 - z_i^2$",
        r"\nabla_\varphi\, \ell = S^\top (1 - z^2)",
        r"The Hessian, $2\, S^\top \mathrm{diag}(z^2)\, S$",
    )
    row, z2 = U + R**2 * sp.exp(-2 * U) / 2, R**2 * sp.exp(-2 * U)
    assert sp.simplify(sp.diff(row, U) - (1 - z2)) == 0
    assert sp.simplify(sp.diff(row, U, 2) - 2 * z2) == 0
    S, r = matrices(6, 2)
    phi = torch.tensor([0.2, -0.4]).double()

    def loss(f):
        return (S @ f + r**2 * torch.exp(-2 * S @ f) / 2).sum()

    z2 = (r * torch.exp(-S @ phi)) ** 2
    slope, bend = torch.func.grad(loss), torch.func.jacrev(torch.func.grad(loss))
    assert_close(slope(phi), S.T @ (1 - z2))
    assert_close(bend(phi), 2 * S.T @ torch.diag(z2) @ S)


def test_the_step_is_newtons_with_the_mean_of_the_hessian(page_says):
    page_says(
        r"\varphi_+ = \varphi + (S^\top S)^{-1} S^\top\, \frac{z^2 - 1}{2}",
        r"the mean $2 S^\top S$",
        r"(S^\top S)^{-1} S^\top\, \tfrac{2}{4} I\, S\, (S^\top S)^{-1}"
        r" = \tfrac12\, (S^\top S)^{-1}",
        r"$\mathrm{Cov}(\hat\varphi) \approx \tfrac12\, (S^\top S)^{-1}$",
    )
    S, z = matrices(6, 2)
    newton = -torch.linalg.solve(2 * S.T @ S, S.T @ (1 - z**2))
    fit = torch.linalg.lstsq(S, ((z**2 - 1) / 2)[:, None]).solution[:, 0]
    assert_close(newton, fit)
    x = sp.Symbol("x", real=True)
    bell = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    mean, fourth = (sp.integrate(x**k * bell, (x, -sp.oo, sp.oo)) for k in (2, 4))
    assert (mean, fourth - mean**2) == (1, 2)
    B = torch.linalg.inv(S.T @ S) @ S.T
    assert_close(B @ B.T * 2 / 4, torch.linalg.inv(S.T @ S) / 2)


def test_theta_and_phi_together_are_not_convex(page_says):
    page_says(r"$u + r^2 e^{-2u}/2$", r"$-2 r^2 e^{-4u}$")
    H = sp.hessian(U + R**2 * sp.exp(-2 * U) / 2, (R, U))
    assert sp.simplify(H.det() + 2 * R**2 * sp.exp(-4 * U)) == 0
    assert H[0, 1].subs(R, -R) == -H[0, 1]  # odd in r: its mean is 0


def test_the_pull_of_a_row_whose_sigma_is_its_residual(page_says):
    page_says(r"$r_i / \sigma_i^2$", r"$\sigma_i = |r_i|$", r"$1 / |r_i|$")
    row = sp.log(SIGMA) + R**2 / (2 * SIGMA**2)
    pull = sp.diff(row, R)
    assert sp.simplify(pull - R / SIGMA**2) == 0
    positive = sp.Symbol("p", positive=True)
    assert pull.subs(R, positive).subs(SIGMA, positive) == 1 / positive


def test_the_gain_is_bounded_by_the_ratio_of_the_sigmas(page_says):
    page_says(
        r"\frac{\mathrm{Var}_{\text{plain}}}{\mathrm{Var}_{\text{weighted}}}"
        r" \le \left(\frac{\rho + 1/\rho}{2}\right)^2",
        r"\sigma_i^2 \le m + M - \frac{mM}{\sigma_i^2}",
        r"m + M - mM\,t \le \frac{(m + M)^2}{4mM} \cdot \frac{1}{t}",
        r"$(m + M - 2mM\,t)^2 \ge 0$",
        r"$(1 + \rho^2)/2n$ and $2/(n\,(1 + \rho^{-2}))$",
    )
    m, M, t, s2, n = sp.symbols("m M t s n", positive=True)
    assert sp.simplify((m + M - m * M / s2 - s2) + (s2 - m) * (s2 - M) / s2) == 0
    K = (m + M) ** 2 / (4 * m * M)
    gap = (K / t - (m + M - m * M * t)) * 4 * m * M * t
    assert sp.expand(gap - (m + M - 2 * m * M * t) ** 2) == 0
    bound = ((RHO + 1 / RHO) / 2) ** 2
    assert sp.simplify(K.subs(M, RHO**2 * m) - bound) == 0
    ratio = (1 + RHO**2) / (2 * n) / (2 / (n * (1 + RHO**-2)))
    assert sp.simplify(ratio - bound) == 0
    halves = torch.tensor([1.0] * 4 + [3.0] * 4).double()  # the two variances
    assert_close(halves.square().mean() / 8, torch.tensor((1 + 9) / (2 * 8)).double())
    weighted = 1 / (halves**-2).sum()
    assert_close(weighted, torch.tensor(2 / (8 * (1 + 1 / 9))).double())
    for seed in range(50):
        A, sigma = matrices(7, 3, seed)
        B = torch.linalg.pinv(A)
        plain = (B * sigma**2) @ B.T
        best = torch.linalg.inv(A.T @ torch.diag(sigma**-2) @ A)
        p = sigma.max() / sigma.min()
        assert (plain.diag() <= best.diag() * ((p + 1 / p) / 2) ** 2).all()
