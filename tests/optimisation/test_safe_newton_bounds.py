"""What lies exactly on a bound of safe_newton, and rows that do not see each other."""

from math import inf, nan

import pytest
import torch

from firstdescent.optimisation.safe_newton import (
    Model,
    TrustStep,
    backtrack,
    judge,
    secular_root,
    trust_newton,
    trust_step,
    unit_step,
)

EYE = torch.eye(2).double()


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def bowl(w):
    return w @ w / 2


def test_a_loss_of_minus_infinity_is_not_finite():
    with pytest.raises(ValueError, match="finite loss at w, got -inf"):
        backtrack(lambda w: -inf * bowl(w), vector(1.0), vector(1.0))


def test_a_loss_as_low_as_the_slope_asks_is_low_enough():
    def loss(w):  # slope -1 at 0, and beyond it falls a quarter as fast
        return torch.where(w == 0, -w, -w / 4).sum()

    assert backtrack(loss, vector(0.0), vector(1.0), c=0.25) == 1


def test_a_step_that_rounds_to_nothing_is_none():
    def loss(w):  # slope -1 at 1, and higher all around
        return torch.where(w == 1, 2 - w, 2 + 0 * w).sum()

    assert backtrack(loss, vector(1.0), vector(1.0)) == 0


def test_curvatures_are_negative_beside_the_largest():
    assert secular_root(vector(0.0, 0.0), vector(1e8, -0.1)).isfinite()


def test_without_a_slope_a_curvature_that_may_be_rounding_is_flat():
    s = unit_step(vector(0.0, 0.0), vector(1.0, -1e-17).diag())
    assert (s.step.tolist(), s.lowest.item()) == ([0, 0], 0)


def test_a_steep_problem_does_not_flatten_the_one_beside_it():
    g = torch.stack([vector(1.0, 0.0)] * 2)
    H = torch.stack([1e20 * EYE, vector(1.0, 0.5).diag()])
    assert unit_step(g, H).lowest.tolist() == [1e20, 0.5]


def test_each_hessian_is_as_symmetric_as_its_own_size_asks():
    H = torch.stack([1e12 * EYE, torch.tensor([[1.0, 0.5], [0.0, 1.0]]).double()])
    with pytest.raises(ValueError, match="expected a symmetric H"):
        trust_step(torch.stack([vector(1.0, 0.0)] * 2), H, vector(1.0, 1.0))


@pytest.mark.parametrize("part", ["loss", "g", "H"])
@pytest.mark.parametrize("row", [0, 1])
def test_of_two_models_one_may_be_finite(part, row):
    model = Model(vector(1.0, 1.0), EYE.clone(), torch.stack([EYE, EYE]))
    getattr(model, part)[row] = nan
    assert model.is_finite().tolist() == [row != 0, row != 1]


def test_a_step_that_promises_and_changes_nothing_is_a_stall():
    here = Model(vector(0.0), vector(0.0)[:, None], EYE[None, :1, :1])
    s = TrustStep(vector(0.0)[:, None], vector(0.0), vector(1.0))
    take, radius, stalled = judge(here, here, s, vector(1.0))
    assert (take.item(), radius.item(), stalled.item()) == (False, 1, True)


def test_a_gradient_is_shorter_than_the_one_of_its_own_row():
    here = Model(vector(1e20, 1e20), vector(10, 1)[:, None], EYE.view(2, 2, 1)[:, :1])
    there = here._replace(g=vector(9, 2)[:, None])
    s = TrustStep(vector(-1.0, -1.0)[:, None], vector(0.0, 0.0), vector(1.0, 1.0))
    assert judge(here, there, s, vector(1.0, 1.0))[0].tolist() == [True, False]


@pytest.mark.parametrize("radius", [0.0, inf])
def test_a_radius_is_positive_and_finite(radius):
    with pytest.raises(ValueError, match=f"tol, radius > 0, got 1e-08, {radius}"):
        trust_newton(bowl, vector(1.0), radius=radius)


def test_the_refusal_of_a_start_says_what_has_to_be_finite():
    words = "^expected a finite loss, gradient and Hessian at the start, got others in"
    with pytest.raises(ValueError, match=words):
        trust_newton(lambda w: inf * bowl(w), vector(1.0))


def test_a_gradient_or_a_curvature_on_the_bound_has_converged():
    flat = trust_newton(bowl, vector(0.5), tol=0.5)
    bent = trust_newton(lambda w: -w @ w / 4, vector(0.0), tol=0.5)
    for found in (flat, bent):
        assert (found.reason, len(found.path)) == ("converged", 1)


def test_a_loss_on_the_floor_is_not_below_it():
    assert trust_newton(bowl, vector(2.0), radius=10.0, floor=2.0).reason == "converged"


def test_there_are_200_steps_unless_more_are_asked_for():
    found = trust_newton(lambda w: -w.sum(), vector(0.0), floor=-inf)
    assert (found.reason, len(found.path)) == ("out of steps", 201)
