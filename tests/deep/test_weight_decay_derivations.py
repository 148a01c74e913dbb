"""What the page derives about steps and rest points, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import math

import pytest
import sympy as sp
import torch

from firstdescent.deep.weight_decay import adam_step, sgd_step, shrink_after
from firstdescent.regression.rank_deficiency import ridge

W, G, LR, LAM, MU, EPS = sp.symbols("w g lr lam mu eps", positive=True)


def rest(step):
    """What a step changes, per lr."""
    return sp.simplify((step - W) / LR)


def test_a_step_on_the_penalised_loss_is_a_shrink_and_a_step(page_says):
    page_says(
        r"w_+ &= w - \text{lr}\,(g + \lambda w) \\",
        r"&= (1 - \text{lr}\,\lambda)\, w - \text{lr}\, g",
        r"$\tfrac{\lambda}{2}\lVert w \rVert^2$ has the gradient $\lambda w$",
    )
    assert sp.diff(LAM / 2 * W**2, W) == LAM * W
    assert sp.expand(W - LR * (G + LAM * W) - ((1 - LR * LAM) * W - LR * G)) == 0


def test_outside_momentum_rests_where_a_smaller_penalty_would(page_says):
    page_says(
        r"$v = \mu v + g$ with the momentum $\mu$, so $v = g/(1 - \mu)$",
        r"\text{lr}\,\frac{g}{1 - \mu} + \text{lr}\,\lambda w &= 0 \\",
        r"g + (1 - \mu)\,\lambda w &= 0",
    )
    v = sp.Symbol("v")
    (settled,) = sp.solve(MU * v + G - v, v)
    change = (1 - LR * LAM) * W - LR * settled - W
    assert sp.simplify(change + LR * (G / (1 - MU) + LAM * W)) == 0
    (g,) = sp.solve(change, G)
    assert sp.simplify(g + (1 - MU) * LAM * W) == 0


def test_sgd_step_outside_stands_still_there():
    w, v, mu, lam = torch.tensor([2.0, -1.0]).double(), 0, 0.75, 0.25
    g = -(1 - mu) * lam * w
    v = g / (1 - mu)
    after, velocity = sgd_step(w, g, v, 0.5, lam, mu, decoupled=True)
    torch.testing.assert_close(after, w)
    torch.testing.assert_close(velocity, v)


def test_the_rest_point_of_adamw(page_says):
    page_says(
        r"$$\text{lr}\,\frac{g_j}{|g_j| + \epsilon} + \text{lr}\,\lambda w_j = 0$$",
        r"$\lambda |w_j| = |g_j|/(|g_j| + \epsilon)$",
        r"so $|w_j| < 1/\lambda$",
        r"|g_j| = \epsilon\, \frac{\lambda |w_j|}{1 - \lambda |w_j|}",
    )
    # Positive w needs a negative gradient, of size G.
    (size,) = sp.solve(-G / (G + EPS) + LAM * W, G)
    assert sp.simplify(size - EPS * LAM * W / (1 - LAM * W)) == 0
    assert sp.limit(G / (G + EPS) / LAM, G, sp.oo) == 1 / LAM
    assert sp.simplify(1 - G / (G + EPS)) == EPS / (EPS + G)  # so below the wall


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_adam_step_outside_stands_still_there(share):
    lam, eps = 0.4, 1e-2
    w = torch.tensor([share / lam, -share / lam]).double()
    g = -w.sign() * eps * share / (1 - share)
    after, _, _ = adam_step(w, g, g, g**2, 10**6, 0.1, lam, True, eps=eps)
    torch.testing.assert_close(after, w)


def test_adam_step_inside_stands_still_only_where_the_penalised_gradient_is_zero(
    page_says,
):
    page_says(r"the step is 0 only if $g + \lambda w = 0$")
    w = torch.tensor([2.0, -1.0]).double()
    for off, moves in ((0.0, 0.0), (1e-3, -0.1), (-5.0, 0.1)):
        total = torch.full((2,), off).double()  # g + lam w, all that m and v recall
        after, _, _ = adam_step(
            w, total - 0.4 * w, total, total**2, 10**6, 0.1, 0.4, eps=1e-12
        )
        torch.testing.assert_close(after - w, torch.full((2,), moves).double())


@pytest.mark.parametrize("s", [0.1, 3.0])
def test_the_mean_step_of_adamw_is_zero_at_the_predicted_point(page_says, s):
    page_says(
        r"$\sqrt{\bar g^2 + s^2}$",
        r"$-\text{lr}\,(\bar g_j / \sqrt{\bar g_j^2 + s_j^2} + \lambda w_j)$",
        r"\bar g_j + \lambda \sqrt{\bar g_j^2 + s_j^2}\; w_j = 0",
    )
    lam, w = 0.3, 0.7
    # g = -lam sqrt(g^2 + s^2) w, squared and solved for g^2:
    g = -lam * w * s / (1 - lam**2 * w**2) ** 0.5
    noise = torch.tensor([s, -s]).double()  # mean 0, standard deviation s
    v = ((g + noise) ** 2).mean().expand(2)  # no longer changes
    w0, zero = torch.full((2,), w).double(), torch.zeros(2).double()
    betas = (0.0, 1 - 1e-12)
    after, _, _ = adam_step(w0, g + noise, zero, v, 10**15, 0.1, lam, True, betas)
    assert after.mean().item() == pytest.approx(w, abs=1e-6)


def test_what_one_step_of_adam_takes_from_a_weight_that_nobody_needs(page_says):
    page_says(
        r"$\sqrt{\hat v} \approx \sqrt{s^2 + \lambda^2 w^2}$",
        r"\text{lr}\,\frac{\lambda w}{\sqrt{s^2 + \lambda^2 w^2}}",
        r"a share of $\text{lr}\,\lambda/s$",
    )
    s = sp.Symbol("s", positive=True)
    mean_square = sp.expand(((s + LAM * W) ** 2 + (-s + LAM * W) ** 2) / 2)
    assert mean_square == s**2 + LAM**2 * W**2
    step = LR * LAM * W / sp.sqrt(mean_square)
    assert sp.limit(step * s / (LR * LAM * W), s, sp.oo) == 1
    assert sp.limit(step, s, 0) == LR


def test_many_small_shares_make_an_exponential(page_says):
    page_says(
        r"$(1 - \text{lr}\,\lambda)^k$ at a constant lr", r"about $e^{-\lambda S}$"
    )
    k, total = sp.symbols("k S", positive=True)
    assert sp.limit((1 - LAM * total / k) ** k, k, sp.oo) == sp.exp(-LAM * total)


def test_the_exponential_is_near_if_the_squares_have_a_small_sum(page_says):
    page_says(r"If the squares of all $\text{lr}\,\lambda$ have a small sum")
    for lam, k in ((0.05, 1000), (0.2, 3000), (0.01, 50)):
        lrs = [0.01 * (1 - i / k) for i in range(k)]  # falling to 0
        gap = math.log(shrink_after(lrs, lam)) + lam * math.fsum(lrs)
        squares = math.fsum((lam * lr) ** 2 for lr in lrs)
        assert gap == pytest.approx(-squares / 2, rel=0.01)  # -x - x^2 / 2 - ...
    small_terms = shrink_after([0.01] * 20_000, 1.0)  # squares: 2 in all
    assert math.exp(-200) / small_terms == pytest.approx(math.exp(1), rel=0.02)


def test_two_half_steps_differ_from_one_by_a_quarter_of_the_square(page_says):
    page_says(r"up to $(\text{lr}\,\lambda)^2/4$ a step")
    assert sp.expand((1 - W / 2) ** 2 - (1 - W)) == W**2 / 4


@pytest.mark.parametrize(
    ("name", "weight", "factor"),
    [
        (r"half the mean of the squares | $n\lambda$", 1 / 24, 12),
        (r"`MSELoss()`, their mean | $n\lambda/2$", 1 / 12, 6),
        (r"half their sum | $\lambda$", 1 / 2, 1),
        (r"their sum | $\lambda/2$", 1, 1 / 2),
    ],
)
def test_which_ridge_a_loss_with_weight_decay_is(page_says, name, weight, factor):
    page_says("| " + name + " |")
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(12, generator=generator, dtype=torch.float64)
    lam = 0.7
    theta = ridge(A, y, factor * lam)
    gradient = weight * 2 * A.T @ (A @ theta - y)
    torch.testing.assert_close(gradient + lam * theta, torch.zeros(3).double())
    if weight == 1 / 12:
        theta.requires_grad_()
        torch.nn.MSELoss()(A @ theta, y).backward()
        torch.testing.assert_close(theta.grad, gradient.detach())


def test_the_belief_that_belongs_to_lam_beside_half_a_mean(page_says):
    page_says(r"$\lambda = \sigma^2/(n \tau^2)$ beside half the mean")
    n, sigma, tau, square, norm = sp.symbols("n sigma tau square norm", positive=True)
    minus_log_posterior = square / (2 * sigma**2) + norm / (2 * tau**2)
    ours = square / (2 * n) + sigma**2 / (n * tau**2) / 2 * norm
    assert sp.simplify(ours / minus_log_posterior - sigma**2 / n) == 0
