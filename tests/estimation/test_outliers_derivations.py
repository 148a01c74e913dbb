"""What the page derives, by computer algebra and by numerical integrals.

A formula that is checked here is also looked up on the page.
"""

import pytest
import sympy as sp
import torch

D = torch.float64
R, DELTA, NU, S, M, Q = sp.symbols("r delta nu s m q", positive=True)
T_LOSS = (NU + 1) / 2 * sp.log(1 + R**2 / (NU * S**2))
LOSSES = {"squared": R**2 / 2, "absolute": R, "outer": DELTA * R - DELTA**2 / 2,
          "t": T_LOSS.subs(S, 1)}  # fmt: skip


def test_the_gradient_is_the_sum_of_pulls_times_features(page_says):
    page_says(r"\sum_i \psi(r_i)\, a_i", r"\sum_i w_i\, r_i\, a_i = 0")
    g = torch.Generator().manual_seed(0)
    A = torch.randn(9, 3, generator=g, dtype=D)
    y = torch.randn(9, generator=g, dtype=D)
    theta = torch.randn(3, generator=g, dtype=D).requires_grad_()
    (2 * torch.log1p((A @ theta - y) ** 2 / 3)).sum().backward()
    r = (A @ theta - y).detach()
    torch.testing.assert_close((4 * r / (3 + r**2)) @ A, theta.grad)


def test_the_pulls_and_weights_of_the_table(page_says):
    page_says(
        r"| $\lvert r \rvert$ | $\mathrm{sign}(r)$ | $1 / \lvert r \rvert$ |",
        r"| Huber | $r$, cut at $\pm\delta$ | $\min(1, \delta / \lvert r \rvert)$ |",
        r"| Student's t | $\dfrac{(\nu+1)\, r}{\nu + r^2}$ | "
        r"$\dfrac{\nu+1}{\nu + r^2}$ |",
    )
    pulls = {
        "squared": R,
        "absolute": 1,
        "outer": DELTA,
        "t": (NU + 1) * R / (NU + R**2),
    }
    for name, rho in LOSSES.items():
        assert sp.simplify(sp.diff(rho, R) - pulls[name]) == 0


def test_hubers_line_continues_the_parabola_with_its_slope(page_says):
    page_says(r"\delta |r| - \frac12 \delta^2 & \text{if } |r| > \delta")
    outer, inner = LOSSES["outer"], LOSSES["squared"]
    assert sp.simplify((outer - inner).subs(R, DELTA)) == 0
    assert sp.simplify(sp.diff(outer - inner, R).subs(R, DELTA)) == 0


def test_the_t_loss_is_minus_the_log_of_the_density(page_says):
    page_says(
        r"$(1 + r^2/(\nu s^2))^{-(\nu+1)/2}$",
        r"\rho(r) = \frac{\nu+1}{2} \log\Bigl(1 + \frac{r^2}{\nu s^2}\Bigr)",
    )
    density = (1 + R**2 / (NU * S**2)) ** (-(NU + 1) / 2)
    assert sp.simplify(sp.expand_log(sp.log(density) + T_LOSS, force=True)) == 0
    x = torch.linspace(-4, 4, 9, dtype=D)  # and it is torch's density
    one = torch.ones((), dtype=D)
    torch_log = torch.distributions.StudentT(3 * one, 0 * one, 2 * one).log_prob(x)
    ours = -2 * torch.log1p(x**2 / 12)
    torch.testing.assert_close(torch_log - torch_log[4], ours - ours[4])


def test_each_loss_is_concave_in_the_square_and_below_its_tangent(page_says):
    page_says(
        r"\rho(r) \le \rho(r_0) + \frac{w(r_0)}{2} (r^2 - r_0^2)",
        r"$\psi(r)/(2r) = w/2$",
    )
    for rho in LOSSES.values():
        slope = sp.diff(rho.subs(R, sp.sqrt(Q)), Q)
        w = sp.diff(rho, R) / R
        assert sp.simplify(slope - w.subs(R, sp.sqrt(Q)) / 2) == 0
        assert sp.simplify(sp.diff(slope, Q)).subs({Q: 3, NU: 3, DELTA: 1}) <= 0
    r = torch.linspace(0, 9, 91, dtype=D)
    m = r[1:, None]
    huber = torch.where(r <= 1, r**2 / 2, r - 0.5)
    for rho, w in (
        (r, 1 / m),
        (huber, (1 / m).clamp(max=1)),
        (2 * torch.log1p(r**2 / 3), 4 / (3 + m**2)),
    ):
        tangent = rho[1:, None] + w / 2 * (r**2 - m**2)
        assert (rho <= tangent + 1e-12).all()


def test_hubers_loss_is_above_every_line_less_half_its_slope_squared(page_says):
    page_says(
        r"$\;\rho(r) \ge u r - \frac12 u^2$",
        r"\ge u \cdot (A\theta - y) - \frac12 \lVert u \rVert^2 = "
        r"-u \cdot y - \frac12 \lVert u \rVert^2",
    )
    u = sp.Symbol("u", real=True)
    assert sp.expand(R**2 / 2 - (u * R - u**2 / 2) - (R - u) ** 2 / 2) == 0
    assert sp.diff(LOSSES["outer"] - (u * R - u**2 / 2), R) == DELTA - u


def test_the_t_scale_makes_the_bound_least_and_the_bound_touches(page_says):
    page_says(
        r"\ell(\theta, s) \le n \log s + \frac{1}{2 s^2} \sum_i w_i r_i^2",
        r"$w_i = (\nu+1) / (\nu + r_i^2/s^2)$",
        r"s^2 = \frac1n \sum_i w_i r_i^2",
        r"$n/s - \sum w_i r_i^2 / s^3$",
        r"&\quad + \frac{\nu+1}{2} \sum_i \log\Bigl(1 + \frac{r_i^2}{\nu s^2}\Bigr)",
    )
    n, total = sp.symbols("n total", positive=True)
    bound = n * sp.log(S) + total / (2 * S**2)
    slope = sp.diff(bound, S)
    assert sp.simplify(slope - (n / S - total / S**3)) == 0
    assert sp.solve(slope, S) == [sp.sqrt(total / n)]
    tangent = sp.diff((NU + 1) / 2 * sp.log(1 + Q / NU), Q)
    assert sp.simplify(tangent - (NU + 1) / (NU + Q) / 2) == 0


def test_a_share_above_one_over_nu_plus_one_pushes_the_t_scale_up(page_says):
    page_says(r"\epsilon\, (\nu + 1) < 1", r"$w z^2 = (\nu + 1)\, z^2 / (\nu + z^2)$")
    share = (NU + 1) * Q / (NU + Q)
    assert sp.limit(share, Q, sp.oo) == NU + 1
    assert sp.simplify(sp.diff(share, Q) - NU * (NU + 1) / (NU + Q) ** 2) == 0


def test_exact_rows_send_the_t_likelihood_to_infinity_beyond_a_share(page_says):
    page_says(r"$(k - \nu (n - k)) \log s$", r"$\log s - (\nu + 1) \log s")
    row = sp.log(S) + T_LOSS
    assert sp.limit(row.subs({NU: 2, R: 3}) / sp.log(S), S, 0) == -2


def test_the_quartile_of_the_bell_is_0_6745(page_says):
    page_says(r"s = \frac{\text{median of } |r_i|}{0.6745}")
    z = torch.linspace(-0.6745, 0.6745, 20_001, dtype=D)
    area = torch.trapezoid(torch.exp(-(z**2) / 2), z) / (2 * torch.pi) ** 0.5
    assert area.item() == pytest.approx(0.5, abs=5e-5)


@pytest.mark.parametrize(
    ("c", "share"), [(0.5, 0.792), (1.0, 0.903), (1.345, 0.95), (2.0, 0.99)]
)
def test_hubers_efficiency_at_normal_noise_by_numerical_integrals(c, share, page_says):
    page_says(
        r"\approx \frac{E[\psi(\varepsilon)^2]}{(E[\psi'(\varepsilon)])^2}",
        r"E[\psi'] &= 2\Phi(c) - 1",
        r"E[\psi^2] &= 2\Phi(c) - 1 - 2c\,\varphi(c)",
        r"&\quad + 2c^2 (1 - \Phi(c))",
    )
    z = torch.linspace(-12, 12, 400_001, dtype=D)
    density = torch.exp(-(z**2) / 2) / (2 * torch.pi) ** 0.5
    square = torch.trapezoid(z.clamp(-c, c) ** 2 * density, z)
    slope = torch.trapezoid((z.abs() < c) * density, z)
    assert (slope**2 / square).item() == pytest.approx(share, abs=6e-4)
    normal = torch.distributions.Normal(torch.zeros((), dtype=D), 1)
    Phi, phi = normal.cdf(torch.tensor(c)), normal.log_prob(torch.tensor(c)).exp()
    formula = 2 * Phi - 1 - 2 * c * phi + 2 * c**2 * (1 - Phi)
    assert formula.item() == pytest.approx(square.item(), abs=1e-4)


def test_a_better_half_never_has_a_larger_sum(page_says):
    """Refit the kept rows, then choose anew: both lower the sum of the kept."""
    page_says(r"$(1 - \epsilon)^p$", "Neither step can raise the sum.")
    g = torch.Generator().manual_seed(0)
    A, y = (
        torch.randn(30, 2, generator=g, dtype=D),
        torch.randn(30, generator=g, dtype=D),
    )
    theta = torch.randn(2, generator=g, dtype=D)
    for _ in range(5):
        kept = ((A @ theta - y) ** 2).topk(16, largest=False)
        theta = torch.linalg.lstsq(A[kept.indices], y[kept.indices]).solution
        refitted = ((A[kept.indices] @ theta - y[kept.indices]) ** 2).sum()
        chosen = ((A @ theta - y) ** 2).topk(16, largest=False).values.sum()
        assert chosen <= refitted + 1e-12
        assert refitted <= kept.values.sum() + 1e-12
    assert round((1 - 0.3) ** 4, 2) == 0.24
