"""What the page derives, by computer algebra, counting and exact fractions.

A formula that is checked here is also looked up on the page.
"""

from fractions import Fraction
from itertools import pairwise, product

import pytest
import sympy as sp
import torch

from firstdescent.estimation.laplace_robust import (
    best_proved,
    corner,
    least_absolute,
    through_points,
)
from firstdescent.regression.coefficients import with_ones

D = torch.float64
R, U = sp.symbols("r u", positive=True)
BETA, N, S = sp.symbols("beta n S", positive=True)
DENSITY = sp.exp(-R / BETA) / (2 * BETA)  # for r > 0; it is even


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_mean_and_the_spread_of_laplace_noise(page_says):
    page_says(
        r"f(r) = \frac{1}{2\beta}\, e^{-|r|/\beta}",
        r"The mean of $|r|$ is $\beta$, and the standard deviation is $\beta\sqrt2$",
    )
    moments = [2 * sp.integrate(R**k * DENSITY, (R, 0, sp.oo)) for k in range(3)]
    assert [sp.simplify(m) for m in moments] == [1, BETA, 2 * BETA**2]


def test_the_tails_beyond_four_standard_deviations(page_says):
    page_says("beyond 4 sd, Laplace: 1 in 286", "beyond 4 sd, normal:  1 in 15,787")
    sd = 4 * sp.sqrt(2) * BETA
    assert round(1 / (2 * sp.integrate(DENSITY, (R, sd, sp.oo)))) == 286
    assert round(1 / sp.erfc(4 / sp.sqrt(2)).evalf()) == 15787


def test_a_uniform_number_becomes_laplace_noise(page_says):
    page_says(
        r"is $\frac12 (1 - e^{-r/\beta})$",
        r"r = -\beta\,\mathrm{sign}(u)\,\log(1 - 2|u|)",
    )
    z = sp.Symbol("z", positive=True)
    chance = sp.integrate(DENSITY.subs(R, z), (z, 0, R))
    assert sp.simplify(chance - (1 - sp.exp(-R / BETA)) / 2) == 0
    drawn = -BETA * sp.log(1 - 2 * U)  # u > 0
    assert sp.simplify(chance.subs(R, drawn) - U) == 0


def test_the_likelihood_and_its_best_scale(page_says):
    page_says(
        r"-\log f(r_i) = \log(2\beta) + \frac{|r_i|}{\beta}",
        r"\ell(\theta, \beta) = n \log(2\beta) + \frac{1}{\beta} \sum_{i=1}^n |r_i|",
        r"The derivative is $n/\beta - \sum |r_i|/\beta^2$",
        r"\hat\beta = \frac1n \sum_{i=1}^n |r_i|",
        r"$\ell = n \log(2\beta) + \sum |r_i| / \beta$",
    )
    row = sp.expand_log(-sp.log(DENSITY), force=True)
    assert sp.simplify(row - sp.log(2 * BETA) - R / BETA) == 0
    nll = N * sp.log(2 * BETA) + S / BETA  # S is the sum of |r|
    slope = sp.diff(nll, BETA)
    assert sp.simplify(slope - (N / BETA - S / BETA**2)) == 0
    assert sp.solve(slope, BETA) == [S / N]
    # From minus to plus.
    assert slope.subs(BETA, S / N / 2) == -2 * N**2 / S
    assert sp.simplify(slope.subs(BETA, 2 * S / N)) == N**2 / S / 4


def test_zero_is_a_subgradient_exactly_at_the_medians(page_says):
    page_says(
        r"\text{from}\ n_{<} - n_{>} - n_{=} \ \text{ to }\ n_{<} - n_{>} + n_{=}",
        r"\text{best} \Leftrightarrow |n_{<} - n_{>}| \le n_{=}",
    )
    grid = [Fraction(k, 2) for k in range(-1, 6)]
    step = Fraction(1, 64)
    for y in product(range(3), repeat=4):
        for k in (3, 4):  # an odd and an even number
            sums = {b: sum(abs(b - v) for v in y[:k]) for b in grid}
            middle = sorted(y[:k])[(k - 1) // 2 : k // 2 + 1]
            for b in grid:
                below, above = (
                    sum(f) for f in zip(*[(v < b, v > b) for v in y[:k]], strict=True)
                )
                equal = k - below - above
                best = sums[b] == min(sums.values())
                assert best == (abs(below - above) <= equal)
                assert best == (middle[0] <= b <= middle[-1])
                # The ends are the slopes on the left and on the right.
                for side, end in ((-1, -equal), (1, equal)):
                    there = sum(abs(b + side * step - v) for v in y[:k])
                    assert (there - sums[b]) / (side * step) == below - above + end


def test_the_least_upper_bounds_of_the_residuals_are_their_sizes(page_says):
    page_says(
        r"\min_{\theta,\, t} \sum_i t_i \quad \text{with} \quad "
        r"-t_i \le a_i \cdot \theta - y_i \le t_i"
    )
    for r in (-3, -0.5, 0, 2):
        t = [Fraction(k, 8) for k in range(40)]
        assert min(v for v in t if -v <= r <= v) == abs(r)


def test_reweighting_touches_the_absolute_value(page_says):
    page_says(
        r"\frac12 \Bigl(\frac{r^2}{s} + s\Bigr) = |r| + \frac{(|r| - s)^2}{2s}",
        r"$|r| \le h(r) \le |r| + \epsilon/2$",
        r"at most $n\epsilon/2$ above the least",
    )
    m, eps = sp.symbols("m epsilon", positive=True)
    left = (R**2 / m + m) / 2
    assert sp.simplify(left - R - (R - m) ** 2 / (2 * m)) == 0
    # With m >= eps, the least of the left side is h: m = max(r, eps).
    h = left.subs(m, eps)
    page_says(
        r"\dfrac{r^2}{2\epsilon} + \dfrac{\epsilon}{2} & \text{if } |r| < \epsilon"
    )
    assert sp.simplify(h - R**2 / (2 * eps) - eps / 2) == 0
    assert sp.factor(h - R) == (R - eps) ** 2 / (2 * eps)  # so h >= r
    under = R * (2 * eps - R) / (2 * eps)  # above 0 for r < eps
    assert sp.simplify(R + eps / 2 - h - under) == 0
    assert sp.simplify(sp.diff(left, m) - (1 - R**2 / m**2) / 2) == 0  # rises, m > r


def test_neither_turn_of_reweighting_raises_the_sum(page_says):
    """An own IRLS with a fixed guard, and what the page says of its sum of h."""
    A = with_ones(torch.randn(25, 2, generator=seeded(), dtype=D))
    y = A.sum(dim=1) + torch.randn(25, generator=seeded(1), dtype=D) ** 3
    eps, sums = 0.05, []
    theta = A.new_zeros(3)
    for _ in range(400):
        r = (A @ theta - y).abs()
        sums.append(torch.where(r < eps, (r**2 / eps + eps) / 2, r).sum().item())
        W = (1 / r.clamp(min=eps))[:, None] * A
        theta = torch.linalg.solve(A.T @ W, W.T @ y)
    assert all(after <= before + 1e-12 for before, after in pairwise(sums))
    page_says(
        r"$\sum_i (r_i / s_i)\, a_i = 0$. That is the gradient of the sum of $h$",
        r"$s_i = \max(|r_i|, \epsilon)$",
    )
    theta.requires_grad_()
    r = (A @ theta - y).abs()
    torch.where(r < eps, (r**2 / eps + eps) / 2, r).sum().backward()
    by_hand = A.T @ ((A @ theta - y) / r.clamp(min=eps))
    torch.testing.assert_close(theta.grad, by_hand.detach())
    assert theta.grad.norm() < 1e-6  # it stands still
    least = (A @ through_points(A, y)[0] - y).abs().sum().item()
    assert least <= (A @ theta - y).abs().sum().item() <= least + 25 * eps / 2
    assert sums[0] > 1.2 * least  # there was something to do


def test_a_u_bounds_the_sum_for_every_theta(page_says):
    page_says(
        r"\sum_i |r_i| \ge \sum_i u_i r_i = u \cdot (A\theta - y) = -u \cdot y",
        r"$u_i = \mathrm{sign}(r_i)$ in the other rows",
    )
    A = with_ones(torch.randn(9, 1, generator=seeded(), dtype=D))
    y = torch.randn(9, generator=seeded(1), dtype=D)
    theta, rows = through_points(A, y)
    found, u = corner(A, y, rows)
    torch.testing.assert_close(found, theta)
    torch.testing.assert_close(A.T @ u, A.new_zeros(2))
    other = torch.ones(9, dtype=torch.bool)
    other[rows] = False
    assert torch.equal(u[other], (A @ theta - y).sign()[other])
    assert u.abs().max() == 1  # the best line
    bound = -(u @ y)
    torch.testing.assert_close(bound, (A @ theta - y).abs().sum())
    many = theta + torch.randn(1000, 2, generator=seeded(2), dtype=D)
    assert ((many @ A.T - y).abs().sum(dim=1) >= bound).all()


@pytest.mark.parametrize("seed", range(12))
def test_a_best_line_goes_through_p_points(seed):
    """Each time the bound proves that no line at all is better."""
    A = with_ones(torch.randn(8, 1 + seed % 3, generator=seeded(seed), dtype=D))
    y = torch.randn(8, generator=seeded(seed + 50), dtype=D)
    theta, rows = through_points(A, y)
    assert len(rows) == A.shape[1]
    _, u = corner(A, y, rows)
    assert u.abs().max() <= 1
    torch.testing.assert_close(-(u @ y), (A @ theta - y).abs().sum())


def test_the_proof_takes_the_best_theta_and_the_highest_bound():
    A, y = torch.ones(5, 1, dtype=D), torch.tensor([1.0, 2, 4, 9, 30], dtype=D)
    weak = (y.new_tensor([4.5]), y.new_zeros(5))  # sum 36.5, bound 0
    strong = (y.new_tensor([9.0]), y.new_tensor([1.0, 1, 0, -1, -1]))  # 41, 36
    theta, share = best_proved(A, y, [weak, strong])
    assert theta.item() == 4.5
    torch.testing.assert_close(share.item(), 0.5 / 36.5, rtol=1e-9, atol=0)
    doubled = (strong[0], 2 * strong[1])  # a |u| above 1 is divided out
    assert torch.equal(best_proved(A, y, [weak, doubled])[1], share)
    for rows in (torch.tensor([0, 0]), torch.tensor([1, 2])):
        B = with_ones(torch.tensor([[0.0], [1], [1]], dtype=D))
        dependent = corner(B, y[:3], rows)
        assert dependent[0].isnan().all()
        fit = (y.new_zeros(2), y.new_zeros(3))
        theta, share = best_proved(B, y[:3], [dependent, fit])
        assert torch.equal(theta, fit[0]) and share == pytest.approx(1)
    for lost in (
        float("nan"),
        float("inf"),
    ):  # a bound that is no number proves nothing
        share = best_proved(A, y, [(y.new_tensor([4.0]), y.new_full((5,), lost))])[1]
        assert share == float("inf")
    exact = (y.new_tensor([2.0]), y.new_zeros(5))
    assert best_proved(A, 2 * A[:, 0], [exact])[1] == 0  # nothing above a sum of 0


def test_rows_dependent_up_to_rounding_are_of_no_use_and_never_proved():
    A = torch.tensor([[0.1, 0.3], [0.3, 0.9], [1, 0]], dtype=D)
    theta, u = corner(A, A.new_tensor([1.0, 2, 3]), torch.tensor([0, 1]))
    assert theta.abs().max() > 1e10 and u.abs().max() > 1e10


def test_the_step_of_sgd_is_that_of_l1loss(page_says):
    page_says(
        r"\theta_+ = \theta - \frac{\text{lr}}{B} "
        r"\sum_{i \in \text{batch}} \mathrm{sign}(r_i)\, a_i"
    )
    X = torch.randn(6, 2, generator=seeded(), dtype=D)
    y = torch.randn(6, 1, generator=seeded(1), dtype=D)
    net = torch.nn.Linear(2, 1, dtype=D)
    theta = torch.cat([net.weight[0], net.bias]).detach().clone()
    torch.nn.L1Loss()(net(X), y).backward()
    torch.optim.SGD(net.parameters(), lr=0.3).step()
    expected = theta.clone()
    for row, label in zip(with_ones(X), y[:, 0], strict=True):
        expected -= 0.3 / 6 * torch.sign(row @ theta - label) * row
    found = torch.cat([net.weight[0], net.bias]).detach()
    torch.testing.assert_close(found, expected)


def test_the_distance_after_a_step_and_what_the_sum_of_steps_gives(page_says):
    page_says(
        r"\lVert \theta_+ - \theta^* \rVert^2 = \lVert \theta - \theta^* \rVert^2 "
        r"- 2\,\text{lr}\; g \cdot (\theta - \theta^*) + \text{lr}^2 \lVert g \rVert^2",
        r"\min_k L(\theta_k) - L(\theta^*) \le \frac{\lVert \theta_0 - \theta^* "
        r"\rVert^2 + G^2 \sum \text{lr}_k^2}{2 \sum \text{lr}_k}",
        r"$G^2\,\text{lr}/2$",
    )
    e, g, lr = (
        sp.Matrix(sp.symbols("e1:3")),
        sp.Matrix(sp.symbols("g1:3")),
        sp.Symbol("l"),
    )
    after = (e - lr * g).dot(e - lr * g)
    assert sp.expand(after - (e.dot(e) - 2 * lr * g.dot(e) + lr**2 * g.dot(g))) == 0
    K, G, far = sp.symbols("K G d", positive=True)
    bound = (far**2 + G**2 * K * lr**2) / (2 * K * lr)
    assert sp.limit(bound, K, sp.oo) == G**2 * lr / 2
    k = sp.Symbol("k", integer=True, positive=True)
    assert sp.Sum(1 / (1 + k / 50), (k, 1, sp.oo)).is_convergent() == sp.false
    assert sp.Sum(1 / (1 + k / 50) ** 2, (k, 1, sp.oo)).is_convergent() == sp.true
    # A path of the page's kind stays below the bound.
    A = with_ones(torch.randn(12, 1, generator=seeded(), dtype=D))
    y = torch.randn(12, generator=seeded(1), dtype=D)
    best = least_absolute(A, y, tol=1e-9)
    theta, sizes, losses = A.new_zeros(2), [], []
    for step in range(300):
        r = A @ theta - y
        losses.append(r.abs().mean().item())
        sizes.append(0.1 / (1 + step / 50))
        theta = theta - sizes[-1] * (r.sign()[:, None] * A).mean(dim=0)
        most = A.norm(dim=1).mean().item()  # no subgradient is longer
        top = best.norm().item() ** 2 + most**2 * sum(v**2 for v in sizes)
        excess = min(losses) - (A @ best - y).abs().mean().item()
        assert excess <= top / (2 * sum(sizes)) + 1e-12


def test_the_variance_of_the_median(page_says):
    page_says(
        r"n \cdot \text{variance of the median} \approx \frac{1}{4 f(m)^2}",
        r"$f(m) = 1/(2\beta)$. That gives $\beta^2$, half of the mean's $2\beta^2$",
        r"it gives $\frac{\pi}{2} \sigma^2$",
    )
    sigma = sp.Symbol("sigma", positive=True)
    normal = 1 / sp.sqrt(2 * sp.pi * sigma**2)  # at its middle
    assert sp.simplify(1 / (4 * DENSITY.subs(R, 0) ** 2)) == BETA**2
    assert sp.simplify(1 / (4 * normal**2) - sp.pi / 2 * sigma**2) == 0
    assert 0.3 < 1 - 2 / sp.pi < 0.4  # about a third
    share, s, f = sp.symbols("share s f", positive=True)
    assert sp.solve(f * s - share, s) == [share / f]


def test_the_counts_of_the_pinball_loss(page_says):
    page_says(r"$0.1\, n_{<} - 0.9\, n_{>}$", "$(2 - 2)/4 = 0$")
    y = [Fraction(v) for v in (1, 2, 4, 9, 30, 31, 50, 51, 60, 70)]

    def pinball(b):
        return sum(max(Fraction(9, 10) * (v - b), (b - v) / 10) for v in y)

    for b in (Fraction(3), Fraction(40), Fraction(65), Fraction(80)):
        below, above = sum(v < b for v in y), sum(v > b for v in y)
        slope = (pinball(b + Fraction(1, 9)) - pinball(b)) * 9
        assert slope == Fraction(1, 10) * below - Fraction(9, 10) * above
    assert pinball(60) == pinball(65) == pinball(70) < min(pinball(59), pinball(71))
    # Nine tenths of Laplace noise lie below log 5.
    chance = sp.Rational(1, 2) + sp.integrate(DENSITY, (R, 0, BETA * sp.log(5)))
    assert sp.simplify(chance) == sp.Rational(9, 10)
