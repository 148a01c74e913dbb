"""What the page derives, by algebra, enumeration and exact integrals."""

import math
from itertools import product

import sympy as sp
import torch

from firstdescent.deep.init_stability import depth_probe

F64 = torch.float64
N_IN, N_OUT, N, A = sp.symbols("n_in n_out n alpha", positive=True)


def test_the_law_by_all_signs_of_the_weights(page_says):
    page_says(
        r"\mathbb{E}[z_i] &= \textstyle\sum_j \mathbb{E}[W_{ij}] \, h_j = 0",
        r"\mathbb{E}[z_i^2] &= \textstyle\sum_{j,k} \mathbb{E}[W_{ij} W_{ik}]"
        r" \, h_j h_k = \alpha^2 \sum_j h_j^2",
        r"\operatorname{Var}(z) = n_\text{in} \, \alpha^2 \, \mathbb{E}[h^2]",
        r"\mathbb{E}[(W^\top \delta)_j^2] = n_\text{out} \, \alpha^2 \,"
        r" \mathbb{E}[\delta^2]",
    )
    h = sp.symbols("h1:4")  # of any mean
    signs = [
        A * sum(s * x for s, x in zip(w, h, strict=True))
        for w in product((1, -1), repeat=3)
    ]
    assert sp.expand(sum(signs)) == 0
    second = sp.expand(sum(z**2 for z in signs) / 8)
    mean_square = sum(x**2 for x in h) / 3
    assert sp.expand(second - 3 * A**2 * mean_square) == 0
    # W^T delta is the same sum over the rows of W.
    W = sp.Matrix(3, 2, sp.symbols("w1:7"))
    row = (W.T * sp.Matrix(h))[0]
    assert row == sum(W[i, 0] * h[i] for i in range(3))


def test_a_product_keeps_the_mean_square_only_at_one_over_root_n(page_says):
    page_says(
        r"\mathbb{E} \lVert W_L \cdots W_1 x \rVert^2 = (n \alpha^2)^L \,"
        r" \lVert x \rVert^2",
        r"only $\alpha = 1/\sqrt n$ keeps the mean square",
    )
    # All 2 x 2 sign matrices, twice: every product of two, exactly.
    entries = product((1.0, -1.0), repeat=4)
    every = torch.tensor(list(entries), dtype=F64).view(16, 2, 2)
    x = torch.tensor([0.3, -2.0], dtype=F64)
    once = 0.7 * every @ x  # (16, 2)
    twice = 0.7 * torch.einsum("aij,bj->abi", every, once)
    mean = twice.square().sum(-1).mean()
    torch.testing.assert_close(mean, (2 * 0.7**2) ** 2 * x.square().sum())
    assert sp.solve(N * A**2 - 1, A) == [1 / sp.sqrt(N)]


def test_the_log_of_a_mean_of_n_squares_has_mean_minus_1_over_n_and_variance_2_over_n(
    page_says,
):
    page_says(
        "its logarithm has a mean of about $-1/n$ and a variance of about $2/n$",
        r"\text{mean of } \log \lVert \cdot \rVert^2 &\approx -L/n",
        r"\text{variance of } \log \lVert \cdot \rVert^2 &\approx 2L/n",
    )
    # log(chi2_n / n): digamma and trigamma of n / 2, for large n.
    n = sp.Symbol("n", positive=True)
    for k in (64, 1024):
        mean = sp.digamma(sp.Rational(k, 2)) - sp.log(sp.Rational(k, 2))
        assert abs(float(mean) * k + 1) < 1 / k
        variance = sp.polygamma(1, sp.Rational(k, 2))
        assert abs(float(variance) * k / 2 - 1) < 2 / k
    # That these are its moments: E[t^s] = gamma(n/2 + s) / gamma(n/2) (2/n)^s.
    s = sp.Symbol("s")
    cumulants = sp.loggamma(n / 2 + s) - sp.loggamma(n / 2) + s * sp.log(2 / n)
    first = sp.diff(cumulants, s).subs(s, 0)
    assert sp.simplify(first - sp.digamma(n / 2) + sp.log(n / 2)) == 0
    assert sp.diff(cumulants, s, 2).subs(s, 0) == sp.polygamma(1, n / 2)
    x = sp.Symbol("x", positive=True)
    density = x * sp.exp(-x / 2) / 4  # chi2 with 4 degrees of freedom
    moment = sp.integrate((x / 4) ** 3 * density, (x, 0, sp.oo))
    assert sp.simplify(moment - sp.exp(cumulants).subs({n: 4, s: 3})) == 0


def test_xavier_makes_the_mean_of_both_factors_one_and_is_a_harmonic_mean(page_says):
    page_says(
        r"\tfrac12 (n_\text{in} + n_\text{out}) \, \alpha^2 &= 1",
        r"\alpha^2 &= \frac{2}{n_\text{in} + n_\text{out}}",
        r"$a = \sqrt{6 / (n_\text{in} + n_\text{out})}$",
        "have variance $a^2/3$",
    )
    square = sp.Symbol("square", positive=True)
    (xavier,) = sp.solve((N_IN * square + N_OUT * square) / 2 - 1, square)
    assert sp.simplify(xavier - 2 / (N_IN + N_OUT)) == 0
    wishes = (1 / N_IN, 1 / N_OUT)
    harmonic = 2 / sum(1 / wish for wish in wishes)
    assert sp.simplify(xavier - harmonic) == 0
    w, a = sp.symbols("w a", positive=True)
    assert sp.integrate(w**2 / (2 * a), (w, -a, a)) == a**2 / 3
    (bound,) = sp.solve(a**2 / 3 - xavier, a)
    assert sp.simplify(bound - sp.sqrt(6 / (N_IN + N_OUT))) == 0


def test_relu_keeps_half_the_second_moment_of_what_is_symmetric(page_says):
    page_says(
        r"\mathbb{E}[\operatorname{relu}(z)^2] = \tfrac12 \, \mathbb{E}[z^2]",
        r"$$\alpha^2 = \frac{2}{n_\text{in}}$$",
    )
    z = sp.Symbol("z", real=True)
    for density in (sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi), sp.exp(-sp.Abs(z)) / 2):
        half = sp.integrate(z**2 * density, (z, 0, sp.oo))
        assert sp.simplify(half - sp.integrate(z**2 * density, (z, -sp.oo, 0))) == 0
    assert sp.solve(N_IN * A**2 / 2 - 1, A**2) == [2 / N_IN]


def test_backward_a_relu_layer_multiplies_by_half_n_out_alpha_squared(page_says):
    page_says(r"the factor is $\tfrac12 n_\text{out} \alpha^2$")
    for width in (32, 64):
        g = torch.Generator().manual_seed(3)
        found = depth_probe(torch.relu, 0.1, 3, width, g, draws=400, batch=4)
        # Layer 1: |x|^2 is width, and |delta|^2 1/2 in layer 3, two steps before.
        twice = found.gradient[:, 0].square().mean().item() / (width / 2)
        assert math.isclose(math.sqrt(twice), width * 0.1**2 / 2, rel_tol=0.05)


def test_pytorchs_default_loses_five_sixths_and_its_biases_hold_the_rest(page_says):
    page_says(
        r"$2/((1 + a^2)\,n) = 1/(3n)$",
        r"$\tfrac12 n \cdot \frac{1}{3n} = \tfrac16$",
        r"s = \tfrac12 \left( \tfrac13 s + \tfrac{1}{3n} \right)"
        r" \quad\Rightarrow\quad s = \frac{1}{5n}",
    )
    default = 2 / ((1 + sp.sqrt(5) ** 2) * N)
    assert default == 1 / (3 * N)
    assert N * default / 2 == sp.Rational(1, 6)
    s = sp.Symbol("s", positive=True)
    assert sp.solve(s - (N * default * s + default) / 2, s) == [1 / (5 * N)]
    assert abs(math.sqrt(1 / 6) - 0.41) < 0.005
    assert 1e-8 < math.sqrt(1 / 6) ** 20 < 2e-8
    gain = torch.nn.init.calculate_gain("leaky_relu", math.sqrt(5))
    assert math.isclose(gain**2 / 400, 1 / (3 * 400))


def test_sigmoids_slope_is_at_most_a_quarter_and_tanh_is_a_sigmoid(page_says):
    page_says(
        r"$\sigma(z)(1 - \sigma(z)) \le \tfrac14$",
        r"$\tanh z = 2\sigma(2z) - 1$",
        r"$(\tfrac14)^{19} = 4 \cdot 10^{-12}$",
    )
    z, sigma = sp.Symbol("z", real=True), lambda z: 1 / (1 + sp.exp(-z))
    slope = sp.diff(sigma(z), z)
    assert sp.simplify(slope - sigma(z) * (1 - sigma(z))) == 0
    p = sp.Symbol("p", real=True)
    quarter = sp.Rational(1, 4)
    assert sp.expand(quarter - p * (1 - p) - (p - sp.Rational(1, 2)) ** 2) == 0
    tanh = (sp.exp(z) - sp.exp(-z)) / (sp.exp(z) + sp.exp(-z))
    assert sp.simplify(2 * sigma(2 * z) - 1 - tanh) == 0
    assert round(0.25**19 * 1e12) == 4


def test_the_steps_back_through_a_layer_and_their_bound(page_says):
    page_says(
        r"\delta^{(l)} = \varphi'(z^{(l)}) \odot W^{(l+1)\top} \delta^{(l+1)}",
        r"\lVert \delta^{(l)} \rVert \le \tfrac14 \, \lVert W^{(l+1)} \rVert \,"
        r" \lVert \delta^{(l+1)} \rVert",
        r"$z - \bar z = W (h - \bar h)$",
        r"the factor $\sqrt{n_\text{in}}\,\alpha$",
    )
    g = torch.Generator().manual_seed(0)
    for _ in range(20):
        z, up = torch.randn(2, 5, generator=g, dtype=F64)
        W = 3 * torch.randn(5, 5, generator=g, dtype=F64)
        z.requires_grad_()
        (delta,) = torch.autograd.grad((W @ z.sigmoid()) @ up, z)
        p = z.detach().sigmoid()
        torch.testing.assert_close(delta, p * (1 - p) * (W.T @ up))
        assert delta.norm() <= torch.linalg.matrix_norm(W, 2) * up.norm() / 4
    h, b = torch.randn(7, 5, generator=g, dtype=F64), torch.ones(5, dtype=F64)
    z = h @ W.T + b
    torch.testing.assert_close(z - z.mean(0), (h - h.mean(0)) @ W.T)
    W = 0.3 * torch.randn(2000, 6, 5, generator=g, dtype=F64)  # alpha 0.3, n_in 5
    d = h - h.mean(0)
    ratio = (d @ W.mT).square().mean() / d.square().mean()
    assert math.isclose(ratio.sqrt().item(), math.sqrt(5) * 0.3, rel_tol=0.03)
    spread, before = z.sigmoid().var(0), z.var(0)
    assert (spread <= before / 16).all()
