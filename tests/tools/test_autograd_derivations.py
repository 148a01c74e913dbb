"""Each formula of docs/en/tools/autograd.md, by an outside judge."""

import math
from itertools import pairwise

import pytest
import sympy
import torch

from firstdescent.tools.autograd import parabola_path

ETA, R = sympy.symbols("eta r", positive=True)
ONE = torch.tensor(1.0, dtype=torch.float64)


def test_the_gradient_of_two_x_dot_x_is_four_x():
    x = sympy.Matrix(sympy.symbols("x0:4", real=True))
    y = (2 * x.T * x)[0]
    assert [sympy.diff(y, xi) for xi in x] == list(4 * x)


def test_the_backward_pass_multiplies_the_jacobians_of_the_chain():
    x = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    s = torch.stack([x[0] * x[1], torch.sin(x[1]), x[0] ** 2])
    (torch.exp(s[0]) + s[1] * s[2]).backward()
    a, b = x.tolist()
    outer = torch.tensor([math.exp(a * b), a**2, math.sin(b)], dtype=torch.float64)
    inner = [[b, a], [0, math.cos(b)], [2 * a, 0]]  # ds/dx, by hand
    expected = outer @ torch.tensor(inner, dtype=torch.float64)
    torch.testing.assert_close(x.grad, expected)


def test_the_directional_derivative_is_the_gradient_dotted_with_the_direction():
    a, b, h, u, v = sympy.symbols("a b h u v")
    walk = sympy.expand((a + h * u) * (b + h * v))
    assert walk.coeff(h, 1) == sympy.expand(b * u + a * v)
    numbers = {a: 3, b: 5, u: sympy.Rational(3, 5), v: sympy.Rational(4, 5)}
    parts = [walk.coeff(h, k).subs(numbers) for k in range(3)]
    assert parts == [15, sympy.Rational(27, 5), sympy.Rational(12, 25)]
    assert math.hypot(0.6, 0.8) == 1


def test_forgetting_to_clear_gives_the_spring():
    past, now = sympy.symbols("past now")  # w before the last round, and after it
    held = (past - now) / ETA  # .grad after the last step: past - eta * held = now
    new = now - ETA * (held + now)
    assert sympy.expand(new - 2 * now + past + ETA * now) == 0


def test_the_two_roots_of_the_spring_multiply_to_one():
    spring = sympy.Poly(R**2 - 2 * R + 1 + ETA * R, R)
    assert spring.all_coeffs() == [1, ETA - 2, 1]
    roots = sympy.roots(spring, multiple=True)
    assert sympy.simplify(roots[0] * roots[1]) == 1
    complex_where = sympy.solveset(spring.discriminant() < 0, ETA, sympy.S.Reals)
    assert complex_where == sympy.Interval.open(0, 4)
    angle = sympy.exp(sympy.I * sympy.acos(1 - ETA / 2))
    assert sympy.simplify(angle + 1 / angle - (2 - ETA)).rewrite(sympy.cos) == 0


@pytest.mark.parametrize("lr", [0.001, 0.1, 2.0, 3.99])
def test_the_swing_keeps_its_energy_at_any_step_size_below_four(lr):
    path = parabola_path(ONE, "backward step", lr, 500)
    pairs = pairwise(path)
    energy = [a * a + b * b - (2 - lr) * a * b for a, b in pairs]
    assert path[1] == pytest.approx(1 - lr)
    assert energy == pytest.approx([lr] * 500, rel=1e-6)


def test_beyond_a_step_size_of_four_the_swing_grows():
    assert abs(parabola_path(ONE, "backward step", 4.1, 100)[-1]) > 1e6


def test_a_full_swing_takes_two_pi_over_theta_rounds():
    path = parabola_path(ONE, "backward step", 0.1, 2000)
    flips = [t for t in range(2000) if path[t] * path[t + 1] < 0]
    period = 2 * (flips[-1] - flips[0]) / (len(flips) - 1)
    # The first and the last crossing are known to one round each.
    assert period == pytest.approx(2 * math.pi / math.acos(0.95), abs=4 / len(flips))


@pytest.mark.parametrize("order", ["clear backward step", "backward step clear"])
def test_a_loop_that_clears_in_time_shrinks_w_by_one_factor(order):
    path = parabola_path(ONE, order, lr=0.1, steps=20)
    assert path == pytest.approx([0.9**t for t in range(21)])


def test_a_loop_that_clears_before_the_step_never_moves():
    assert parabola_path(ONE, "backward clear step", lr=0.1, steps=5) == 6 * [1.0]


@pytest.mark.parametrize("lr", [0.01, 0.1, 1.0, 3.9])
def test_a_loop_that_never_clears_follows_a_cosine(lr):
    angle = math.acos(1 - lr / 2)
    wave = [math.cos(angle * (t + 0.5)) / math.cos(angle / 2) for t in range(61)]
    path = parabola_path(ONE, "backward step", lr=lr, steps=60)
    # Rounding errors of 60 steps are as undamped as the wave itself.
    assert path == pytest.approx(wave, abs=1e-9)


def test_never_clearing_is_momentum_one():
    w = ONE.clone().requires_grad_()
    sgd = torch.optim.SGD([w], lr=0.1, momentum=1.0)
    path = [1.0]
    for _ in range(60):
        sgd.zero_grad()
        (w**2 / 2).backward()
        sgd.step()
        path.append(w.item())
    assert parabola_path(ONE, "backward step", 0.1, 60) == pytest.approx(path)
