"""Each formula of docs/en/tools/custom_gradients.md, by an outside judge."""

import math

import pytest
import sympy
import torch

from firstdescent.tools.custom_gradients import finite_difference

H, EPS = sympy.symbols("h epsilon", positive=True)
X = sympy.symbols("x", real=True)


def test_the_schemes_leave_out_what_taylor_says():
    f = sympy.Function("f")
    ahead, behind = (
        sum(s**k * H**k * sympy.diff(f(X), X, k) / sympy.factorial(k) for k in range(5))
        for s in (1, -1)
    )
    slope, second, third = (sympy.diff(f(X), X, k) for k in (1, 2, 3))
    forward = sympy.expand((ahead - f(X)) / H)
    assert (forward.coeff(H, 0), forward.coeff(H, 1)) == (slope, second / 2)
    central = sympy.expand((ahead - behind) / (2 * H))
    coefficients = [central.coeff(H, k) for k in range(3)]
    assert coefficients == [slope, 0, third / 6]


def test_the_constants_of_one_over_x_are_1_2_and_6():
    sizes = [abs(sympy.diff(1 / X, X, k)).subs(X, 1) for k in range(4)]
    assert sizes == [1, 1, 2, 6]  # and they fall as x grows from 1
    assert [sizes[2] / 2, sizes[3] / 6] == [1, 1]  # hence h and h^2


@pytest.mark.parametrize(
    ("error", "best", "least"),
    [
        (H + EPS / H, sympy.sqrt(EPS), 2 * sympy.sqrt(EPS)),
        (H**2 + EPS / (2 * H), sympy.cbrt(EPS / 4), 3 * sympy.cbrt(EPS / 4) ** 2),
    ],
)
def test_the_bottom_of_each_curve(error, best, least):
    slope = sympy.diff(error, H)
    assert sympy.simplify(slope.subs(H, best)) == 0
    assert sympy.simplify(error.subs(H, best) - least) == 0
    assert sympy.simplify(sympy.diff(error, H, 2)).is_positive  # so it is the bottom


def test_the_derivatives_of_the_errors_are_as_written():
    assert sympy.diff(H + EPS / H, H) == 1 - EPS / H**2
    central = sympy.diff(H**2 + EPS / (2 * H), H)
    assert sympy.simplify(central - (2 * H - EPS / (2 * H**2))) == 0


def worst(scheme, h):
    x = (1 + torch.arange(400) / 1024).to(h.dtype)[:, None]
    assert torch.equal((x + h).double(), x.double() + h.double())  # exact
    assert torch.equal((x - h).double(), x.double() - h.double())
    found = finite_difference(lambda x: 1 / x, x, h, scheme).double()
    return (found + 1 / x.double() ** 2).abs().amax(dim=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_no_step_makes_more_than_the_two_errors_together(dtype):
    eps = torch.finfo(dtype).eps
    h = 2.0 ** -torch.arange(2, 53)
    h = h[h > eps].to(dtype)
    bound = h + eps / h  # of f'' and |f| on the way; what is above rounds once more
    assert (worst("forward", h) <= bound * (1 + 1e-6)).all()
    bound = h**2 / (1 - h**2) + eps / (2 * h)
    assert (worst("central", h) <= bound * (1 + 1e-6)).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_measured_best_step_is_within_a_factor_of_two_of_theory(dtype):
    eps = torch.finfo(dtype).eps
    h = 2.0 ** -torch.arange(1, 53)
    h = h[h > eps].to(dtype)
    theory = {"forward": eps**0.5, "central": (eps / 4) ** (1 / 3)}
    digits = {}
    for scheme, best in theory.items():
        error = worst(scheme, h)
        ratio = h[error.argmin()].item() / best
        assert 0.5 * (1 - 1e-6) <= ratio <= 2
        digits[scheme] = -math.log10(error.min().item())
    low, high = (10, 11) if dtype == torch.float64 else (4, 5)
    assert low < digits["central"] < high and digits["forward"] < digits["central"]


def test_a_value_of_f_is_stored_with_an_error_of_at_most_half_eps():
    x = (1 + torch.arange(400) / 1024).float()
    error = ((1 / x).double() - 1 / x.double()).abs()
    eps = torch.finfo(torch.float32).eps
    assert (error <= eps / 2 * (1 / x.double())).all() and error.max() > eps / 8
    one = torch.tensor(1.0)
    assert torch.nextafter(one, 2 * one) - one == eps


def test_the_slope_of_softplus_is_the_sigmoid_and_the_careful_form_the_same():
    softplus = sympy.log(1 + sympy.exp(X))
    sigmoid = 1 / (1 + sympy.exp(-X))
    assert sympy.simplify(sympy.diff(softplus, X) - sigmoid) == 0
    assert sympy.simplify(sympy.diff(sigmoid, X) - sigmoid * (1 - sigmoid)) == 0
    t = sympy.symbols("t", positive=True)
    for x in (t, -t):
        careful = sympy.Max(x, 0) + sympy.log(1 + sympy.exp(-t))
        gap = sympy.exp(careful) - sympy.exp(softplus.subs(X, x))
        assert sympy.simplify(gap) == 0


def test_the_softmax_is_the_gradient_of_log_sum_exp():
    x = sympy.symbols("x0:3", real=True)
    y = sympy.log(sum(sympy.exp(t) for t in x))
    for t in x:
        assert sympy.simplify(sympy.diff(y, t) - sympy.exp(t - y)) == 0


def test_a_stored_slope_gives_8_where_the_second_derivative_is_12():
    slope = sympy.Function("s")(X)  # stored: a constant for the second derivative
    first = 2 * X**2 * slope  # the derivative of F(x)^2 with F = x^2, F' stored
    right = sympy.diff(first.subs(slope, 2 * X), X)
    forgetful = (4 * X * slope).subs(slope, 2 * X)  # only x^2 is differentiated
    assert (right.subs(X, 1), forgetful.subs(X, 1)) == (12, 8)


def test_where_the_moves_cancel_the_mean_of_round_is_the_target():
    share, target = sympy.symbols("p target")  # of the time at 3, else at 2
    move = share * (3 - target) + (1 - share) * (2 - target)
    (found,) = sympy.solve(move, share)
    assert sympy.simplify(3 * found + 2 * (1 - found) - target) == 0
    assert found.subs(target, sympy.Rational(13, 5)) == sympy.Rational(3, 5)
