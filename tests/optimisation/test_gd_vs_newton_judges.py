"""What judges a path: the measured order and the kind of a stationary point."""

from math import log, nextafter, sqrt

import pytest
import torch

from firstdescent.optimisation.gd_vs_newton import classify_stationary, measured_order

A = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
B = torch.tensor([1.0, -1.0], dtype=torch.float64)
START = torch.zeros(2, dtype=torch.float64)
NAN, INF = float("nan"), float("inf")


def bowl(w):
    return 0.5 * w @ A @ w - B @ w


@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 3.0])
def test_measured_order_finds_the_order_of_a_made_sequence(order):
    errors = [0.1]
    for _ in range(4):
        errors.append(0.7 * errors[-1] ** order)
    assert measured_order(errors) == pytest.approx([order] * 3)


def test_measured_order_of_the_secant_method_is_the_golden_ratio():
    a, b, errors = 0.0, 1.0, []
    for _ in range(6):
        slope = (2**b - 2**a) / (b - a)  # solve 2^w = 3
        a, b = b, b - (2**b - 3) / slope
        errors.append(abs(b - log(3, 2)))
    assert measured_order(errors)[-1] == pytest.approx((1 + sqrt(5)) / 2, abs=0.1)


@pytest.mark.parametrize(
    "errors", [[1.0, 0.5], [1.0, 0.5, 0.0], [1, NAN, 0.1], [INF, 1, 0.1], [1, 0.5, 0.5]]
)
def test_measured_order_refuses_errors_that_do_not_fall_to_zero(errors):
    with pytest.raises(ValueError, match="expected"):
        measured_order(errors)


def test_measured_order_refuses_errors_whose_logarithms_are_equal():
    with pytest.raises(ValueError, match="expected errors further apart"):
        measured_order([nextafter(1e10, INF), 1e10, 1.0])


@pytest.mark.parametrize(
    ("signs", "kind"),
    [
        ((1, 2), "minimum"),
        ((-1, -2), "maximum"),
        ((1, -2), "saddle"),
        ((1, 0), "undecided"),
        ((1, -2, 0), "saddle"),
        ((3,), "minimum"),
        # The curvatures are twice these, and tol is 1e-6.
        ((1, 4e-7), "undecided"),
        ((1, 6e-7), "minimum"),
        ((1, -4e-7), "undecided"),
        ((1, -6e-7), "saddle"),
        ((-1, 4e-7), "undecided"),
        ((-1, 6e-7), "saddle"),
        ((-1, -4e-7), "undecided"),
        ((-1, -6e-7), "maximum"),
    ],
)
def test_classify_stationary_reads_the_signs_of_the_curvature(signs, kind):
    coefficients = torch.tensor(signs, dtype=torch.float64)
    w = torch.zeros_like(coefficients)
    assert classify_stationary(lambda w: coefficients @ w**2, w) == kind


def test_a_slope_is_not_stationary():
    assert classify_stationary(bowl, START) == "not stationary"
    assert classify_stationary(lambda w: (w * NAN).sum(), START) == "not stationary"


def test_classify_stationary_refuses_a_hessian_that_is_not_finite():
    with pytest.raises(FloatingPointError, match="Hessian is not finite"):
        classify_stationary(lambda w: w.abs().pow(1.5).sum(), START)


def test_classify_stationary_refuses_half_precision():
    with pytest.raises(ValueError, match="expected float32 or float64"):
        classify_stationary(lambda w: w @ w, START.half())


def test_classify_stationary_refuses_several_points_and_a_bad_tolerance():
    with pytest.raises(ValueError, match=r"expected w \(d,\)"):
        classify_stationary(bowl, START[None])
    with pytest.raises(ValueError, match="tol > 0"):
        classify_stationary(bowl, START, tol=0.0)
