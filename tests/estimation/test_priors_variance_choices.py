"""What the page derives about choosing a penalty and stopping early.

A formula that is checked here is also looked up on the page.
"""

import math

import pytest
import sympy as sp
import torch

SIGMA = sp.Symbol("sigma", positive=True)
X = sp.Symbol("x", real=True)


def bell(x, sd):
    return sp.exp(-(x**2) / (2 * sd**2)) / (sp.sqrt(2 * sp.pi) * sd)


def test_the_log_evidence_is_the_density_of_a_normal_vector(page_says):
    page_says(
        r"\log p(y) = -\frac12 \sum_j \frac{(u_j^\top y)^2}"
        r"{\tau^2 s_j^2 + \sigma^2} - \frac{\|y_\bot\|^2}{2\sigma^2}",
        r"-\frac12 \sum_j \log(\tau^2 s_j^2 + \sigma^2)",
        r"- (n - q) \log \sigma - \frac n2 \log 2\pi",
    )
    g = torch.Generator().manual_seed(0)
    B, y = (torch.randn(5, k, generator=g, dtype=torch.float64) for k in (2, 1))
    y, sigma, tau = y[:, 0], 0.6, 1.7
    U, s, _ = torch.linalg.svd(B, full_matrices=False)
    var = tau**2 * s**2 + sigma**2
    rest = (y - U @ (U.T @ y)).square().sum() / (2 * sigma**2)
    shown = -((U.T @ y) ** 2 / var).sum() / 2 - rest - var.log().sum() / 2
    shown = shown - 3 * math.log(sigma) - 5 / 2 * math.log(2 * math.pi)
    cov = tau**2 * B @ B.T + sigma**2 * torch.eye(5)
    normal = torch.distributions.MultivariateNormal(torch.zeros(5).double(), cov)
    torch.testing.assert_close(shown, normal.log_prob(y))


def test_the_residual_of_a_row_left_out_needs_one_fit(page_says):
    page_says(r"$r_i/(1 - h_i)$")
    g = torch.Generator().manual_seed(0)
    B, y = (torch.randn(7, k, generator=g, dtype=torch.float64) for k in (3, 1))
    penalty = 0.8 * torch.eye(3)
    P = B @ torch.linalg.solve(B.T @ B + penalty, B.T)
    short = (P @ y - y)[:, 0] / (1 - P.diag())
    for i in range(7):
        rest = torch.arange(7) != i
        D = B[rest]
        w = torch.linalg.solve(D.T @ D + penalty, D.T @ y[rest])
        torch.testing.assert_close((B[i] @ w - y[i])[0], short[i])


def test_if_you_centred_first_one_over_n_joins_the_leverage(page_says):
    page_says(r"then add $1/n$ to $h_i$")
    g = torch.Generator().manual_seed(0)
    B, y = (torch.randn(7, k, generator=g, dtype=torch.float64) for k in (3, 1))
    penalty = 0.8 * torch.eye(3)
    C, z = B - B.mean(dim=0), (y - y.mean())[:, 0]
    P = C @ torch.linalg.solve(C.T @ C + penalty, C.T)
    short = (P @ z - z) / (1 - P.diag() - 1 / 7)
    for i in range(7):
        rest = torch.arange(7) != i
        mean, level = B[rest].mean(dim=0), y[rest].mean()
        D = B[rest] - mean
        w = torch.linalg.solve(D.T @ D + penalty, D.T @ (y[rest, 0] - level))
        honest = (B[i] - mean) @ w + level - y[i, 0]
        torch.testing.assert_close(honest, short[i])


def test_descent_reaches_the_share_of_the_page(page_says):
    page_says(r"1 - (1 - \text{lr}\, s_j^2)^t, \qquad \frac{s_j^2}{s_j^2 + \lambda}")
    B = torch.tensor([[2.0, 1.0], [0.0, 1.0], [1.0, 3.0]]).double()
    y = torch.tensor([1.0, -1.0, 2.0]).double()
    w, lr = torch.zeros(2).double(), 0.05
    for _ in range(9):
        w = w - lr * B.T @ (B @ w - y)
    U, s, Vh = torch.linalg.svd(B, full_matrices=False)
    share = 1 - (1 - lr * s**2) ** 9
    torch.testing.assert_close(Vh @ w, share * (U.T @ y) / s)


def test_descent_is_ahead_of_ridge_and_the_limit_of_the_gap(page_says):
    page_says(r"$(1 - x/t)^t \le e^{-x} \le 1/(1 + x)$", r"at most 0.204")
    x = torch.linspace(0, 30, 30_001).double()
    for t in (1, 2, 10, 1000):
        left = (1 - x[x <= t] / t) ** t
        assert (left <= (-x[x <= t]).exp() + 1e-15).all()
    assert ((-x).exp() <= 1 / (1 + x)).all()
    best = sp.nsolve(sp.exp(X) - (1 + X) ** 2, X, 2.5)  # where the gap has no slope
    top = float(1 / (1 + best) - sp.exp(-best))
    assert top == pytest.approx(0.204, abs=5e-4)
    assert (1 / (1 + x) - (-x).exp()).max().item() <= top + 1e-12


def test_the_soft_threshold_is_the_minimum(page_says):
    page_says(r"$\tfrac12 (w - y)^2 + k|w|$", r"$k = \sigma^2/\beta$")
    y, k, w = sp.symbols("y k w", positive=True)
    log_posterior = sp.log(bell(y - w, SIGMA)) - w * k / SIGMA**2  # w > 0
    slope = sp.simplify(-(SIGMA**2) * sp.diff(log_posterior, w))
    assert sp.expand(slope - (w - y + k)) == 0
