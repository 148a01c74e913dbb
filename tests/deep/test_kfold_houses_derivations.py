"""What the page derives about the score, by computer algebra and simulation."""

import math

import sympy as sp
import torch
from torch import Generator

from firstdescent.deep.kfold_houses import loo_residuals

D = torch.float64


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=D)


def test_the_mean_of_one_over_a_sum_of_squares(page_says):
    page_says(r"$1/(\nu - 2) = 1/(m - d - 1)$, for $\nu > 2$", r"$\nu = m - (d - 1)$")
    x = sp.Symbol("x", positive=True)
    for nu in (3, 4, 7, 29):
        weight = x ** (sp.Rational(nu, 2) - 1) * sp.exp(-x / 2)
        area = sp.integrate(weight, (x, 0, sp.oo))
        mean = sp.integrate(weight / x, (x, 0, sp.oo)) / area
        assert sp.simplify(mean - sp.Rational(1, nu - 2)) == 0


def test_the_expected_risk_has_d_equal_entries(page_says):
    page_says(r"$$\text{mean risk}(m) = 1 + \frac{d}{m - d - 1}$$")
    m, d = sp.symbols("m d")
    entry = 1 / (m - (d - 1) - 2)
    assert sp.simplify(d * entry - d / (m - d - 1)) == 0
    A = normal(4000, 30, 5)
    traces = torch.linalg.inv(A.mT @ A).diagonal(dim1=1, dim2=2).sum(dim=1)
    se = traces.std().item() / math.sqrt(4000)
    assert abs(traces.mean().item() - 5 / (30 - 5 - 1)) < 4 * se


def test_a_diagonal_entry_is_one_over_the_length_of_what_is_left():
    A = normal(9, 3)
    rest = A[:, :2]
    left = A[:, 2] - rest @ torch.linalg.lstsq(rest, A[:, 2:]).solution[:, 0]
    entry = torch.linalg.inv(A.T @ A)[2, 2]
    torch.testing.assert_close(entry, 1 / left.square().sum())


def test_the_risk_of_a_fit_is_that_on_new_rows(page_says):
    page_says(r"$1 + \lVert w - w^* \rVert^2$")
    w, star = torch.tensor([0.5, 2.0, 1.0], dtype=D), torch.ones(3, dtype=D)
    X, noise = normal(400_000, 3), normal(400_000, seed=1)
    squares = (X @ w - X @ star - noise).square()
    se = squares.std().item() / math.sqrt(400_000)
    assert abs(squares.mean().item() - (1 + 0.25 + 1)) < 4 * se


def test_the_residual_of_a_row_left_out_is_divided_by_one_minus_h(page_says):
    page_says("$r_i/(1 - h_i)$")
    a, y, lam = sp.symbols("a1:4"), sp.symbols("y1:4"), sp.Symbol("lam", positive=True)
    G = sum(v * v for v in a) + lam
    theta = sum(v * t for v, t in zip(a, y, strict=True)) / G
    left = (a[1] * y[1] + a[2] * y[2]) / (a[1] ** 2 + a[2] ** 2 + lam)
    h = a[0] ** 2 / G
    assert sp.simplify((a[0] * theta - y[0]) / (1 - h) - (a[0] * left - y[0])) == 0


def test_the_formula_on_given_columns_has_standardised_with_the_row():
    """Leaving a row out before standardising gives something else."""
    raw, y = normal(12, 2) ** 3, normal(12, seed=1)
    z = (raw - raw.mean(dim=0)) / raw.std(dim=0, correction=0)
    given = loo_residuals(z, y, 1.0)
    rest = raw[1:]
    mean, std = rest.mean(dim=0), rest.std(dim=0, correction=0)
    inner = (rest - mean) / std
    w = torch.linalg.solve(inner.T @ inner + torch.eye(2, dtype=D), inner.T @ y[1:])
    assert abs((((raw[0] - mean) / std) @ w - y[0] - given[0]).item()) > 0.01


def test_the_least_of_equal_scores_lies_below_by_their_own_luck(page_says):
    page_says(
        r"$$E \min_j S_j = \mu - s\,z_M$$",
        r"$S_j = \mu + c + e_j$",
        r"about $s\,z_M$ below",
    )
    mu, s, M = 1.3, 0.1, 30
    shared = 0.5 * normal(20_000, 1)
    own = s * normal(20_000, M, seed=1)
    low = (mu + shared + own).amin(dim=1)
    z = normal(20_000, M, seed=2).amax(dim=1)
    gap = low.mean().item() - (mu - s * z.mean().item())
    assert abs(gap) < 4 * low.std().item() / math.sqrt(20_000)


def test_the_own_part_of_correlated_scores(page_says):
    page_says(r"$s = \sqrt{v(1 - \rho)}$")
    common, own = sp.symbols("common own", positive=True)  # the two variances
    v, rho = common + own, common / (common + own)
    assert sp.simplify(v * (1 - rho) - own) == 0


def test_the_half_width_of_a_test_score(page_says):
    page_says(
        r"$\sqrt 2\,\sigma^2$",
        r"$\tfrac12\sqrt{2/m} = 1/\sqrt{2m}$",
        r"$1.96/\sqrt{2m}$",
    )
    x, sigma, m = sp.symbols("x sigma m", positive=True)
    density = sp.exp(-(x**2) / (2 * sigma**2)) / (sigma * sp.sqrt(2 * sp.pi))
    fourth = 2 * sp.integrate(x**4 * density, (x, 0, sp.oo))
    assert sp.simplify(sp.sqrt(fourth - sigma**4) - sp.sqrt(2) * sigma**2) == 0
    share = sp.sqrt(2) * sigma**2 / sp.sqrt(m) / sigma**2
    assert sp.simplify(share - sp.sqrt(2 / m)) == 0
    slope = sp.diff(sp.sqrt(x), x) * x / sp.sqrt(x)  # share of the root per share
    assert sp.simplify(slope) == sp.Rational(1, 2)
    assert sp.simplify(share / 2 - 1 / sp.sqrt(2 * m)) == 0
    roots = normal(4000, 400).square().mean(dim=1).sqrt()
    inside = ((roots - 1).abs() < 1.96 / math.sqrt(2 * 400)).double().mean().item()
    assert 0.935 < inside < 0.965


def test_the_r2_of_noise_on_new_rows(page_says):
    page_says(r"$-\lVert w \rVert^2 - b^2$")
    w, b = torch.tensor([0.3, -0.5], dtype=D), 0.2
    X, y = normal(400_000, 2), normal(400_000, seed=1)
    r2 = 1 - (X @ w + b - y).square().mean() / y.var()
    assert abs(r2.item() + 0.09 + 0.25 + 0.04) < 0.01
