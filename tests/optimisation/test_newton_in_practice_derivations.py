"""Each formula of the page newton_in_practice, checked step by step."""

import sympy as sp
import torch

from firstdescent.optimisation.newton_in_practice import truncated_cg


def test_the_polynomial_is_one_at_zero_and_zero_at_each_eigenvalue(page_says):
    page_says(
        r"P(\lambda) = \prod_{i=1}^{k} \left(1 - \frac{\lambda}{\lambda_i}\right)"
    )
    page_says(r"g + Hs = P(H)\,g, \qquad P(\lambda) = 1 + \lambda\,p(\lambda)")
    x, roots = sp.symbols("x"), sp.symbols("a b c", positive=True)
    P = sp.prod(1 - x / root for root in roots)
    assert P.subs(x, 0) == 1
    assert all(P.subs(x, root) == 0 for root in roots)
    q = sp.cancel((P - 1) / x)  # a polynomial, of degree r - 1
    assert sp.degree(sp.together(q * sp.prod(roots)), x) == len(roots) - 1
    H = sp.diag(roots[0], roots[1], roots[1], roots[2])
    g = sp.Matrix(sp.symbols("g0:4"))
    c = sp.Poly(sp.expand(q), x).all_coeffs()
    s = sum((k * H**i * g for i, k in enumerate(reversed(c))), sp.zeros(4, 1))
    assert (g + H * s).applyfunc(sp.simplify) == sp.zeros(4, 1)


def test_cg_ends_after_as_many_products_as_there_are_different_eigenvalues():
    for r in (1, 2, 4, 6):
        values = torch.arange(1, r + 1).double().repeat_interleave(8)
        s = truncated_cg(lambda v, h=values: h * v, torch.ones_like(values), 1e-9, 99)
        assert s.products == r


def test_the_error_stays_below_the_bound(page_says):
    page_says(
        r"\lVert e_k \rVert_H \le 2 "
        r"\left(\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}\right)^{k} \lVert e_0 \rVert_H"
    )
    generator = torch.Generator().manual_seed(1)
    for kappa in (2.0, 10.0, 100.0):
        h = 1 + (kappa - 1) * torch.rand(40, generator=generator).double()
        h[0], h[1] = 1.0, kappa
        g = torch.randn(40, generator=generator).double()
        root, first = kappa**0.5, (g**2 / h).sum().sqrt()
        for k in range(1, 15):
            e = truncated_cg(lambda v, h=h: h * v, g, 0.0, k).step + g / h
            bound = 2 * ((root - 1) / (root + 1)) ** k * first
            assert (h * e**2).sum().sqrt() <= bound


def test_the_update_fits_the_last_pair_and_stays_positive_definite(page_says):
    page_says(r"\rho &= 1 / s^\top y, \qquad V = I - \rho\, y s^\top")
    page_says(r"M_+ &= V^\top M V + \rho\, s s^\top")
    s, y, v = (sp.Matrix(sp.symbols(f"{name}0:2")) for name in "syv")
    a, b, c = sp.symbols("a b c")
    M, rho = sp.Matrix([[a, b], [b, c]]), 1 / (s.T * y)[0]
    V = sp.eye(2) - rho * y * s.T
    new = V.T * M * V + rho * s * s.T
    assert (V * y).applyfunc(sp.simplify) == sp.zeros(2, 1)
    assert (new * y - s).applyfunc(sp.simplify) == sp.zeros(2, 1)
    # v.M+ v is M's form of Vv plus rho (s.v)²; where s.v = 0, Vv is v.
    form = ((V * v).T * M * (V * v))[0] + rho * (s.T * v)[0] ** 2
    assert sp.simplify((v.T * new * v)[0] - form) == 0
    across = sp.Matrix([-s[1], s[0]])
    assert (V * across - across).applyfunc(sp.simplify) == sp.zeros(2, 1)


def test_one_pair_of_the_two_loops_is_the_update(page_says):
    page_says(r"M_+ q &= V^\top (M V q) + \alpha\, s")
    page_says(r"Vq &= q - \alpha\, y")
    s, y, q = (sp.Matrix(sp.symbols(f"{name}0:2")) for name in "syq")
    a, b, c = sp.symbols("a b c")
    M, rho = sp.Matrix([[a, b], [b, c]]), 1 / (s.T * y)[0]
    V = sp.eye(2) - rho * y * s.T
    alpha = rho * (s.T * q)[0]
    assert (V * q - (q - alpha * y)).applyfunc(sp.simplify) == sp.zeros(2, 1)
    whole = (V.T * M * V + rho * s * s.T) * q
    loops = V.T * (M * (V * q)) + alpha * s
    assert (whole - loops).applyfunc(sp.simplify) == sp.zeros(2, 1)


def test_the_mean_inverse_of_a_gaussian_batch(page_says):
    page_says(r"\mathbb{E}[H_B^{-1}] = \frac{B}{B - d - 1}\, H^{-1}")
    # d = 1: H_B is H chi²(B) / B, so the mean of 1 / H_B is an integral.
    x = sp.symbols("x", positive=True)
    for B in (4, 5, 9):
        density = x ** (sp.Rational(B, 2) - 1) * sp.exp(-x / 2)
        density /= 2 ** sp.Rational(B, 2) * sp.gamma(sp.Rational(B, 2))
        mean = sp.integrate(B / x * density, (x, 0, sp.oo))
        assert sp.simplify(mean - sp.Rational(B, B - 1 - 1)) == 0
    # d = 3, with columns that depend on each other: a simulation.
    generator = torch.Generator().manual_seed(0)
    mix = torch.tensor([[1.0, 0, 0], [0.5, 2, 0], [-1, 1, 0.5]]).double()
    Z = torch.randn(40_000, 15, 3, generator=generator).double() @ mix.T
    found = (Z.mT @ Z / 15).inverse().mean(dim=0)
    wanted = 15 / (15 - 3 - 1) * (mix @ mix.T).inverse()
    torch.testing.assert_close(found, wanted, rtol=0.03, atol=0.05)


def test_forming_and_solving_cost_what_the_page_says(page_says):
    page_says(r"d + d^2/3n")
    n, d = sp.symbols("n d", positive=True)
    one = 2 * n * d  # operations of a pass
    formed, solved = 2 * n * d * d, sp.Rational(2, 3) * d**3
    assert sp.simplify((formed + solved) / one - (d + d**2 / (3 * n))) == 0
