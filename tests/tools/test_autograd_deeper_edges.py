"""What refusals of second derivatives say, and when conjugate gradients stop."""

import math

import pytest
import torch

from firstdescent.tools.autograd_deeper import (
    conjugate_gradient,
    hessian_rows,
    hvp,
    recorded_gradient,
)

DOUBLE = torch.float64
H = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=DOUBLE)
B = torch.tensor([5.0, 5.0], dtype=DOUBLE)  # H @ (1, 2)


@pytest.mark.parametrize(
    ("w", "kind"),
    [
        (torch.ones(2, 3), r"torch\.float32 of shape \(2, 3\)"),
        (torch.ones(2, dtype=torch.int64), r"torch\.int64 of shape \(2,\)"),
    ],
)
def test_the_refusal_of_w_names_its_dtype_and_shape(w, kind):
    for call in (recorded_gradient, hessian_rows, lambda f, w: hvp(f, w, w)):
        with pytest.raises(ValueError, match=f"got {kind}$"):
            call(torch.sum, w)


@pytest.mark.parametrize(
    ("f", "kind"),
    [
        (lambda w: w * w, r"shape \(3,\), recorded: True"),
        (lambda w: w.detach().sum(), r"shape \(\), recorded: False"),
    ],
)
def test_the_refusal_of_f_names_its_shape_and_whether_it_was_recorded(f, kind):
    with pytest.raises(ValueError, match=f"got {kind}$"):
        recorded_gradient(f, torch.ones(3))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_conjugate_gradients_refuse_b_without_finite_squares(bad):
    b = torch.tensor([1.0, bad], dtype=DOUBLE)
    with pytest.raises(ValueError, match="expected finite squares of b"):
        conjugate_gradient(lambda v: v, b, 2)


@pytest.mark.parametrize("power", [-100, -40, 40, 100])
def test_conjugate_gradients_do_not_depend_on_the_unit_of_b(power):
    """A power of two changes no digit, so the result is the same to the last bit."""
    unit = 2.0**power
    x = conjugate_gradient(lambda v: H @ v, unit * B, 5) / unit
    assert torch.equal(x, conjugate_gradient(lambda v: H @ v, B, 5))
    torch.testing.assert_close(x, torch.tensor([1.0, 2.0], dtype=DOUBLE))


@pytest.mark.parametrize("curvature", [0.0, -2.0])
def test_conjugate_gradients_refuse_the_first_direction_without_curvature(curvature):
    b = torch.tensor([1.0, 0.0], dtype=DOUBLE)
    with pytest.raises(ValueError, match=f"positive curvature, got {curvature}$"):
        conjugate_gradient(lambda v: curvature * v, b, 1)
