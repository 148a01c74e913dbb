"""What the page derives: the exact excess, the best lr, ages and effective rows."""

import cmath
import math

import pytest
import sympy as sp
import torch

from firstdescent.deep.concept_drift import online_sgd, track_error, turning_stream

LR, OMEGA, SIGMA, DELAY = sp.symbols("lr omega sigma D", positive=True)
DIM, S = sp.symbols("d s", positive=True)


def test_the_mean_error_turns_with_the_rule_and_has_this_length(page_says):
    page_says(
        r"\lVert m \rVert^2 = \frac{s}{\text{lr}^2 + (1 - \text{lr})\,s}",
        r"$b \exp(i\omega) = (1 - \text{lr})\,b - z$. So $b = -z/(z + \text{lr})$",
        r"$s = 4\sin^2(\omega/2)$",
        r"$$\text{lag} \approx \frac{\omega}{\text{lr}}$$",
    )
    for lr, omega in ((0.05, 0.01), (0.3, 0.2), (0.01, 1.0)):
        m = 0j  # by iteration: a step shrinks it, the rule turns away
        for t in range(4000):
            step = cmath.exp(1j * omega * (t + 1)) - cmath.exp(1j * omega * t)
            m = (1 - lr) * m - step
        s = 4 * math.sin(omega / 2) ** 2
        assert abs(m) ** 2 == pytest.approx(s / (lr**2 + (1 - lr) * s), rel=1e-6)
    lag = sp.sqrt(S / (LR**2 + (1 - LR) * S)).subs(S, 4 * sp.sin(OMEGA / 2) ** 2)
    assert sp.simplify(sp.series(lag, OMEGA, 0, 2).removeO() - OMEGA / LR) == 0


def test_a_step_shrinks_the_squared_error_by_this_factor(page_says):
    page_says(r"= (1 - 2\,\text{lr} + (d + 2)\,\text{lr}^2)\,\lVert e \rVert^2")
    # E|(I - lr x x')e|^2 for e = (1, 0, ...): fourth moments 3, others products
    d = 3
    x = sp.symbols("x1:4")
    new = [(1 if i == 0 else 0) - LR * x[i] * x[0] for i in range(d)]
    moments = {0: 1, 2: 1, 4: 3}
    square = sp.Poly(sp.expand(sum(v**2 for v in new)), *x)
    mean = sum(
        c * math.prod(moments.get(k, 0) for k in powers) for powers, c in square.terms()
    )
    assert sp.expand(mean - (1 - 2 * LR + (d + 2) * LR**2)) == 0


def test_the_settled_equation_gives_the_formula_of_the_page(page_says):
    page_says(
        r"(2\,\text{lr} &- (d + 2)\,\text{lr}^2)\; \mathbb{E}\,\lVert e \rVert^2 \\"
        r"&= \text{lr}^2 d \sigma^2 + s - 2 (1 - \text{lr})\, m \cdot \Delta",
        r"\frac{1}{2 - \text{lr}\,(d + 2)} \Big( \text{lr}\,d\sigma^2 \\"
        r"&+ \frac{s\,(2 - \text{lr})}{\text{lr}^2 + (1 - \text{lr})\,s} \Big)",
    )
    w = sp.symbols("w", positive=True)
    z = sp.exp(sp.I * w) - 1
    inner = sp.re(sp.conjugate(-z / (z + LR)) * z)
    s = 4 * sp.sin(w / 2) ** 2
    left = LR**2 * DIM * SIGMA**2 + s - 2 * (1 - LR) * inner
    excess = left / (2 * LR - (DIM + 2) * LR**2)
    for values in ((0.05, 0.01, 0.5, 2), (0.2, 0.4, 1.5, 5)):
        at = dict(zip((LR, w, SIGMA, DIM), values, strict=True))
        lr, speed, noise, d = values
        found = track_error(lr, speed, noise, d)
        assert found == pytest.approx(float(sp.re(excess.subs(at))), rel=1e-9)


def test_the_exact_excess_is_what_a_thousand_streams_have():
    lr, speed, noise = 0.1, 0.05, 0.4
    generator = torch.Generator().manual_seed(3)
    X, rule, score = turning_stream(speed * torch.arange(300), 2000, generator)
    scatter = torch.randn(score.shape, generator=generator, dtype=torch.float64)
    run = online_sgd(X, score + noise * scatter, lr)
    gap = (run.weights - rule[:, None]).square().sum(-1)[100:].mean().item()
    assert gap == pytest.approx(track_error(lr, speed, noise), rel=0.02)


def test_the_best_lr_and_its_two_thirds_power(page_says):
    page_says(
        r"the squared lag plus the noise, for $\omega \ll \text{lr} \ll 2/(d + 2)$:",
        r"\text{excess} \approx \frac{\omega^2}{\text{lr}^2}"
        r" + \frac{\text{lr}\,d\,\sigma^2}{2}",
        r"\text{lr}^* = \left( \frac{4\,\omega^2}{d\,\sigma^2} \right)^{1/3}",
        "$2^{2/3} = 1.59$ times",
        r"$\tfrac34\,\text{lr}^*\,d\sigma^2$",
    )
    lag, noise = OMEGA**2 / LR**2, LR * DIM * SIGMA**2 / 2
    best = (4 * OMEGA**2 / (DIM * SIGMA**2)) ** sp.Rational(1, 3)
    assert sp.simplify(sp.diff(lag + noise, LR).subs(LR, best)) == 0
    assert sp.diff(lag + noise, LR, 2).is_positive
    assert sp.simplify((noise - 2 * lag).subs(LR, best)) == 0
    three = sp.Rational(3, 4) * best * DIM * SIGMA**2
    assert sp.simplify((lag + noise).subs(LR, best) - three) == 0
    twice = best.subs(OMEGA, 2 * OMEGA) / best
    assert float(sp.simplify(twice)) == pytest.approx(1.587, abs=1e-3)


def test_the_simple_excess_is_the_limit_of_the_exact_one():
    for lr in (1e-3, 1e-4):
        speed = lr**1.5  # so that both terms are of order lr
        simple = speed**2 / lr**2 + lr * 2 * 0.5**2 / 2
        assert track_error(lr, speed, 0.5) == pytest.approx(simple, rel=4 * lr)


def test_mean_age_and_effective_rows_of_sgd(page_says):
    page_says(
        r"| SGD | $1/\text{lr}$ | $2/\text{lr} - 1$ |",
        r"| window | $(L + 1)/2$ | $L$ |",
        r"$\text{lr}\,(1 - \text{lr})^{k-1}$",
    )
    lr = sp.Rational(1, 20)
    k = sp.symbols("k", integer=True, positive=True)
    weight = lr * (1 - lr) ** (k - 1)
    assert sp.summation(weight, (k, 1, sp.oo)) == 1
    assert sp.summation(k * weight, (k, 1, sp.oo)) == 1 / lr
    assert 1 / sp.summation(weight**2, (k, 1, sp.oo)) == 2 / lr - 1
    length = 2 / lr - 1
    assert (length + 1) / 2 == 1 / lr


def test_a_late_learner_is_the_prompt_one_of_some_steps_ago():
    X, y = torch.randn(2, 30, 3, generator=torch.Generator().manual_seed(0))
    y, late = y[:, 0], 4
    w, weights = torch.zeros(3), []
    for t in range(30):
        weights.append(w)
        if t >= late:  # the label of row t - late comes after step t
            x = X[t - late]
            w = w - 0.1 * (x @ w - y[t - late]) * x
    prompt = online_sgd(X, y, 0.1).weights
    torch.testing.assert_close(torch.stack(weights)[late:], prompt[: 30 - late])


def test_a_delay_adds_to_the_lag_and_asks_for_a_larger_lr(page_says):
    page_says(
        r"\text{excess} \approx \omega^2 \left( \frac{1}{\text{lr}} + D \right)^2"
        r" + \frac{\text{lr}\,d\,\sigma^2}{2}"
    )
    late = OMEGA**2 * (1 / LR + DELAY) ** 2 + LR * DIM * SIGMA**2 / 2
    best = (4 * OMEGA**2 / (DIM * SIGMA**2)) ** sp.Rational(1, 3)
    slope = sp.simplify(sp.diff(late, LR).subs(LR, best))
    assert slope.is_negative  # still falling at the best lr without delay


def test_the_best_lr_for_jumps_grows_like_the_root_of_their_number(page_says):
    page_says(
        r"$J^2/(2\,\text{lr}\,N) + \text{lr}\,d\sigma^2/2$",
        r"$\text{lr} = J/\sqrt{N d \sigma^2}$",
    )
    J, N = sp.symbols("J N", positive=True)
    excess = J**2 / (2 * LR * N) + LR * DIM * SIGMA**2 / 2
    best = sp.solve(sp.diff(excess, LR), LR)
    assert sp.simplify(best[0] - J / sp.sqrt(N * DIM * SIGMA**2)) == 0


def test_jumps_cost_what_the_exercise_says():
    lr, every, noise = 0.02, 400, 0.5
    generator = torch.Generator().manual_seed(3)
    angle = math.pi / 2 * (torch.arange(3200) // every % 2)
    X, rule, score = turning_stream(angle, 100, generator)
    scatter = torch.randn(score.shape, generator=generator, dtype=torch.float64)
    run = online_sgd(X, score + noise * scatter, lr)
    gap = (run.weights - rule[:, None]).square().sum(-1)[800:].mean().item()
    jump = 2  # squared: from (1, 0) to (0, 1)
    formula = jump / (2 * lr * every) + lr * 2 * noise**2 / 2
    assert gap == pytest.approx(formula, rel=0.1)


def test_a_still_rule_costs_its_floor(page_says):
    page_says(r"$\text{lr}\,d\sigma^2/(2 - (d + 2)\,\text{lr})$")
    generator = torch.Generator().manual_seed(3)
    X, rule, score = turning_stream(torch.zeros(400), 1000, generator)
    scatter = torch.randn(score.shape, generator=generator, dtype=torch.float64)
    run = online_sgd(X, score + 0.5 * scatter, 0.2)
    gap = (run.weights - rule[:, None]).square().sum(-1)[100:].mean().item()
    assert gap == pytest.approx(0.2 * 2 * 0.25 / (2 - 4 * 0.2), rel=0.03)


def test_in_features_that_turn_along_a_turning_rule_stands_still(page_says):
    page_says("in features that turn along, the rule stands still")
    generator = torch.Generator().manual_seed(3)
    angle = 2 * math.pi / 1000 * torch.arange(1000, dtype=torch.float64)
    X, rule, score = turning_stream(angle, 20, generator)
    across = torch.stack([-rule[:, 1], rule[:, 0]], dim=1)[:, None]
    along = torch.stack([score, (X * across).sum(dim=-1)], dim=-1)
    scatter = torch.randn(score.shape, generator=generator, dtype=torch.float64)
    falling = 1 / (torch.arange(1000) + 5.0)
    run = online_sgd(along, score + 0.5 * scatter, falling[:, None])
    still = torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert (run.weights[500:] - still).square().sum(-1).mean() < 0.002


def test_a_late_label_adds_less_than_the_arc_once_the_turn_is_large(page_says):
    page_says(r"while $D\omega$ is well below 1 (radians):")
    lr, speed, noise = 0.04, 2 * math.pi / 2000, 0.5
    u = [cmath.exp(1j * speed * k) for k in range(1001)]
    z = u[1] - 1
    spread = track_error(lr, speed, noise) - abs(z / (z + lr)) ** 2
    for late, most in ((20, 0.06), (100, 0.06)):
        exact = spread + abs(1 - z / (z + lr) - u[late]) ** 2
        simple = speed**2 * (1 / lr + late) ** 2 + lr * 2 * noise**2 / 2
        assert simple == pytest.approx(exact, rel=most)
    half = spread + abs(1 - z / (z + lr) - u[1000]) ** 2
    assert half < 4.1 < (speed * (1 / lr + 1000)) ** 2


def test_labels_of_what_was_bought_lower_the_constant_and_shrink_the_weights(page_says):
    page_says("These failures lower the constant and shrink the weights")
    generator = torch.Generator().manual_seed(3)
    X, _, score = turning_stream(torch.full((1000,), math.pi), 40, generator)
    X = torch.cat([X, torch.ones(1000, 40, 1)], dim=2)  # a rule the other way round
    chance = torch.rand(score.shape, generator=generator)
    y = ((score > 0) ^ (chance < 0.1)).double()
    start = torch.tensor([2.4, 0.0, 0.0])
    run = online_sgd(X, y, 0.1, torch.sigmoid, start, lambda z: (z > 0).double())
    end = run.weights[-1].median(dim=0).values
    assert end[2] < -0.5
    assert run.weights[-1, :, :2].norm(dim=-1).median() < 1.2
    bought = (run.scores > 0).double().mean(dim=1)
    assert bought[:100].mean() > 0.1 > 0.01 > bought[-100:].mean()


def test_two_boundaries_disagree_on_the_share_of_their_angle(page_says):
    page_says("on a share $a/180$ of the houses", "formula = 0.9 - 0.8 * turn / 180")
    ring = (torch.arange(3600) + 0.5) / 3600 * 2 * math.pi
    for degrees in (0, 45, 90, 180):
        first, second = ring.cos() > 0, (ring - math.radians(degrees)).cos() > 0
        share = (first != second).double().mean().item()
        assert share == pytest.approx(degrees / 180, abs=1e-3)
        right = 0.9 * (1 - share) + 0.1 * share
        assert right == pytest.approx(0.9 - 0.8 * degrees / 180, abs=1e-3)


def test_the_limit_of_three_standard_deviations(page_says):
    page_says(r"$50 \cdot 0.1 + 3\sqrt{50 \cdot 0.1 \cdot 0.9} = 11.4$")
    assert 5 + 3 * math.sqrt(50 * 0.1 * 0.9) == pytest.approx(11.4, abs=0.05)


def test_the_scatter_of_the_auc_without_shift(page_says):
    page_says("the AUC scatters by 0.013")
    assert math.sqrt(2001 / (12 * 1000 * 1000)) == pytest.approx(0.013, abs=5e-4)
