"""The edges of gd_vs_newton, and what its refusals name."""

from math import inf

import pytest
import torch

from firstdescent.optimisation.gd_vs_newton import (
    check_reached,
    check_start,
    classify_stationary,
    descend,
    measured_order,
    newton,
)


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def bowl(w):
    return w @ w / 2


def along(*curvatures):
    """A quadratic with these curvatures along the axes."""
    return lambda w: vector(*curvatures) @ w**2 / 2


def test_the_refusal_of_a_start_names_its_dtype_and_shape():
    with pytest.raises(ValueError, match=r"got torch\.float64 of shape \(1, 2, 3\)"):
        check_start(torch.ones(1, 2, 3).double(), 1)


def test_the_refusal_of_numbers_names_the_first_and_counts_them():
    with pytest.raises(ValueError, match=r"got inf \(2 not finite\)"):
        check_start(vector(1.0, inf, -inf), 1)


@pytest.mark.parametrize("steps", [True, 2.5])
def test_the_refusal_of_steps_names_them(steps):
    with pytest.raises(TypeError, match=f"number of steps, got {steps!r}"):
        check_start(vector(1.0), steps)


def test_one_start_that_goes_wrong_has_no_number():
    with pytest.raises(FloatingPointError, match=r"^step 3 is not finite$"):
        check_reached(vector(1.0, inf), "step 3")


def test_the_step_that_overflows_is_counted_from_1():
    with pytest.raises(FloatingPointError, match="gradient step 1 is not finite"):
        descend(bowl, vector(1e200), 1e200, 5)
    with pytest.raises(FloatingPointError, match="Newton step 1 is not finite"):
        newton(lambda w: (1e-300 * w**2 + 1e100 * w).sum(), vector(1.0), 5)


@pytest.mark.parametrize("lr", [True, "0.1"])
def test_the_refusal_of_an_lr_that_is_no_number_names_it(lr):
    with pytest.raises(TypeError, match=f"number for lr, got {lr!r}"):
        descend(bowl, vector(1.0), lr, 1)


@pytest.mark.parametrize("lr", [0.0, inf])
def test_the_refusal_of_an_lr_out_of_range_names_it(lr):
    with pytest.raises(ValueError, match=f"finite lr, got {lr}"):
        descend(bowl, vector(1.0), lr, 1)


def test_a_newton_search_takes_one_step_unless_asked():
    assert newton(lambda w: (w**4).sum(), vector(3.0)).tolist() == [[3.0], [2.0]]


def test_the_refusal_of_half_precision_names_it():
    with pytest.raises(ValueError, match=r"got torch\.float16"):
        newton(bowl, torch.ones(2).half())
    with pytest.raises(ValueError, match=r"got torch\.bfloat16"):
        classify_stationary(bowl, torch.ones(2).bfloat16())


@pytest.mark.parametrize(
    ("errors", "wanted"),
    [
        ([1.0, 0.5], "three or more positive"),
        ([1.0, 0.5, 0.0], "three or more positive"),
        ([1.0, 0.5, inf], "three or more positive"),
        ([1.0, 0.5, 0.5], "strictly decreasing"),
    ],
)
def test_the_refusal_of_errors_says_what_is_wrong_and_names_them(errors, wanted):
    with pytest.raises(ValueError, match=wanted) as refusal:
        measured_order(errors)
    assert str(refusal.value).endswith(f"got {errors}")


def test_errors_may_be_larger_than_1():
    assert measured_order([1e8, 1e4, 1e2]) == pytest.approx([0.5])


def test_the_refusal_of_points_names_their_shape_and_tol():
    with pytest.raises(ValueError, match=r"got \(1, 2\), 0\.25"):
        classify_stationary(bowl, torch.zeros(1, 2), 0.25)


@pytest.mark.parametrize("tol", [inf, float("nan"), -1.0])
def test_a_tolerance_that_is_not_positive_and_finite_is_refused(tol):
    with pytest.raises(ValueError, match="tol > 0"):
        classify_stationary(bowl, vector(0.0), tol)


def test_a_tolerance_above_1_takes_in_steeper_slopes():
    assert classify_stationary(lambda w: 3 * bowl(w), vector(0.5), 2.0) == "minimum"
    assert classify_stationary(bowl, vector(3.0), 2.0) == "not stationary"


def test_a_slope_and_curvatures_of_just_tol_are_still_within_it():
    def ramp(w):
        return 0.25 * w.sum() + 0 * bowl(w)

    assert classify_stationary(ramp, vector(0.0), 0.25) == "undecided"
    for curvatures in ((0.25,), (-0.25,), (0.25, -1.0), (1.0, -0.25)):
        loss = along(*curvatures)
        assert classify_stationary(loss, 0 * vector(*curvatures), 0.25) == "undecided"
