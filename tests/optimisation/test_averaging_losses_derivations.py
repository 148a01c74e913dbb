"""What the page derives, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import sympy as sp

LR, MU, TAU, DECAY, EPS, BETA1, BETA2 = sp.symbols(
    "lr mu tau decay epsilon beta1 beta2", positive=True
)
B, S = sp.symbols("B s", positive=True)
THETA = sp.Symbol("theta", real=True)
G = sp.symbols("g1:4", real=True)  # the mean's gradients of three steps


def momentum(gradients, rates, nesterov=False, dampening=0):
    """The positions after each step of PyTorch's form; v_1 = g_1."""
    theta, v, path = THETA, None, []
    for g, rate in zip(gradients, rates, strict=True):
        v = g if v is None else MU * v + (1 - dampening) * g
        theta = theta - rate * (g + MU * v if nesterov else v)
        path.append(theta)
    return path


def inside(gradients, rates):
    """The form with the lr inside the buffer."""
    theta, u, path = THETA, 0, []
    for g, rate in zip(gradients, rates, strict=True):
        u = MU * u + rate * g
        theta = theta - u
        path.append(theta)
    return path


def same(one, other):
    return all(sp.expand(a - b) == 0 for a, b in zip(one, other, strict=True))


def times(factor, values):
    return [factor * value for value in values]


def test_the_two_lines_are_one_step(page_says):
    page_says(
        r"\text{mean:}\quad \theta_+ &= \theta - \text{lr} \cdot "
        r"\frac{1}{B} \sum_i g_i",
        r"\text{sum:}\quad \theta_+ &= \theta - \frac{\text{lr}}{B} \cdot \sum_i g_i",
    )
    total = sum(G)
    assert sp.expand((THETA - LR * (total / 3)) - (THETA - LR / 3 * total)) == 0


def test_momentum_scales_with_the_loss_for_any_learning_rates(page_says):
    page_says(
        r"v_t &= \mu\, v_{t-1} + g_t \\",
        r"\theta_t &= \theta_{t-1} - \text{lr} \cdot v_t",
        r"$$\mu\, B v_{t-1} + B g_t = B\, (\mu\, v_{t-1} + g_t)$$",
        r"which steps along $g_t + \mu\, v_t$",
    )
    rates = sp.symbols("r1:4", positive=True)
    for nesterov in (False, True):
        mean = momentum(G, rates, nesterov)
        summed = momentum(times(B, G), times(1 / B, rates), nesterov)
        assert same(mean, summed)
        assert not same(mean, momentum(times(B, G), rates, nesterov))


def test_dampening_scales_as_well(page_says):
    page_says(
        r"$v_t = \mu\, v_{t-1} + (1 - \tau)\, g_t$",
        r"$\mu B v_{t-1} + (1 - \tau) B g_t$ is $B$ times what it was",
    )
    rates = (LR, LR, LR)
    summed = momentum(times(B, G), times(1 / B, rates), dampening=TAU)
    assert same(momentum(G, rates, dampening=TAU), summed)


def test_an_lr_divided_by_each_batchs_size_does_not_repair_momentum():
    sizes = sp.symbols("b1:4", positive=True)
    summed = [b * g for b, g in zip(sizes, G, strict=True)]
    rates = [LR / b for b in sizes]
    mean = momentum(G, [LR] * 3)
    own = momentum(summed, rates)
    assert sp.expand(own[0] - mean[0]) == 0
    # What is left at step 2: the old gradient times b1 / b2, not 1.
    left = sp.expand(own[1] - mean[1] + LR * MU * G[0] * (sizes[0] / sizes[1] - 1))
    assert sp.simplify(left) == 0
    # With the lr inside the buffer it does.
    assert same(inside(G, [LR] * 3), inside(summed, rates))
    # Without momentum it does.
    assert same(*[[p.subs(MU, 0) for p in path] for path in (mean, own)])


def test_the_two_forms_agree_at_a_constant_lr_only(page_says):
    page_says(
        r"$u_t = \mu\, u_{t-1} + \text{lr}_t \cdot g_t$",
        r"At a constant lr, $u_t = \text{lr} \cdot v_t$",
    )
    assert same(momentum(G, [LR] * 3), inside(G, [LR] * 3))
    rates = sp.symbols("r1:4", positive=True)
    assert not same(momentum(G, rates), inside(G, rates))
    assert same(inside(G, rates), inside(times(B, G), times(1 / B, rates)))


def test_weight_decay_becomes_b_times_weaker(page_says):
    page_says(
        r"&\frac{\text{lr}}{B} \Big( \sum_i g_i + \text{decay} \cdot \theta \Big) \\",
        r"&\quad = \text{lr} \Big( \frac{1}{B} \sum_i g_i "
        r"+ \frac{\text{decay}}{B}\, \theta \Big)",
    )
    total = sum(G)
    left = LR / B * (total + DECAY * THETA)
    assert sp.expand(left - LR * (total / B + DECAY / B * THETA)) == 0
    repaired = LR / B * (total + B * DECAY * THETA)
    assert sp.expand(repaired - LR * (total / B + DECAY * THETA)) == 0


def test_clipping_is_repaired_by_b_times_the_threshold(page_says):
    page_says(
        r"$g \cdot \min(1, c / \lVert g \rVert)$",
        r"$\min(1, Bc / \lVert Bg \rVert)$ is what it was",
        r"$\lVert g \rVert + 10^{-6}$",
    )
    c, length = sp.symbols("c length", positive=True)

    def clipped(long, threshold):
        return long * sp.Min(1, threshold / long)

    assert sp.simplify(clipped(B * length, B * c) / B - clipped(length, c)) == 0
    # With torch's 1e-6 the quotient is not what it was.
    tiny = sp.Rational(1, 10**6)
    assert sp.simplify(B * c / (B * length + tiny) - c / (length + tiny)) != 0


def adam_steps(gradients, eps):
    m = v = 0
    steps = []
    for t, g in enumerate(gradients, start=1):
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g**2
        m_hat, v_hat = m / (1 - BETA1**t), v / (1 - BETA2**t)
        steps.append(m_hat / (sp.sqrt(v_hat) + eps))
    return steps


def test_adam_ignores_the_scale_if_epsilon_scales_too(page_says):
    page_says(
        r"\theta_+ = \theta - \text{lr} \cdot \frac{\hat m}{\sqrt{\hat v} + \epsilon}",
        r"\frac{s\, \hat m}{s \sqrt{\hat v} + s\, \epsilon} "
        r"= \frac{\hat m}{\sqrt{\hat v} + \epsilon}",
    )
    m, v = sp.symbols("m v", positive=True)
    one = m / (sp.sqrt(v) + EPS)
    assert sp.simplify(S * m / (S * sp.sqrt(v) + S * EPS) - one) == 0
    numbers = {BETA1: sp.Rational(9, 10), BETA2: sp.Rational(99, 100), S: 7}
    numbers |= dict(zip(G, (3, -2, sp.Rational(1, 3)), strict=True))
    tiny = sp.Rational(1, 100)
    plain = adam_steps(G, tiny)
    both = adam_steps(times(S, G), S * tiny)
    only = adam_steps(times(S, G), tiny)
    for a, b, c in zip(plain, both, only, strict=True):
        value = float(a.subs(numbers))
        assert abs(value - float(b.subs(numbers))) < 1e-14
        assert abs(value - float(c.subs(numbers))) > 1e-4


def test_a_row_of_the_short_batch_counts_eight_times_as_much(page_says):
    page_says("each of them counts 1/4, and a row of a full batch 1/32", "8 times")
    assert sp.Rational(1, 4) / sp.Rational(1, 32) == 8
