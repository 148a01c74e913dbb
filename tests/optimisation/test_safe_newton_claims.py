"""What the page says in prose, and no block of it shows."""

import pytest
import torch
from torch.func import grad, jacrev

from firstdescent.optimisation.safe_newton import (
    backtrack,
    levenberg_marquardt,
    trust_newton,
    trust_step,
)

X = torch.linspace(0, 4, 40).double()
NOISE = torch.randn(40, generator=torch.Generator().manual_seed(0)).double()


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def residual(theta):
    truth = 3 * torch.exp(-1.3 * X) + 0.5
    return theta[0] * torch.exp(-theta[1] * X) + theta[2] - truth - 0.1 * NOISE


def hills(w):
    return ((w**2 - 1) ** 2).sum() / 4 + w.prod() ** 2 / 4 + w.prod() / 5


def valley(w):
    return 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2


def test_a_loss_that_falls_towards_a_level_at_infinity_ends_far_out(page_says):
    page_says("stops with “converged” or “out of steps”")
    end = trust_newton(lambda w: (-w).exp().sum(), vector(0.0))
    assert end.reason == "converged"
    assert end.path[-1] > 15
    line = levenberg_marquardt(residual, vector(1.0, -1.0, 0.0))
    assert line.reason == "out of steps"
    assert line.path[-1][0] < -1000


def test_a_loss_that_falls_without_a_bound_may_end_as_converged(page_says):
    page_says(r"without a bound ($-\log w$)")
    end = trust_newton(lambda w: -w.log().sum(), vector(1.0))
    assert end.reason == "converged"
    assert end.path[-1] > 1e7


def test_the_reason_depends_on_the_unit_of_the_loss(page_says):
    page_says(
        "With `hills` times $10^9$ the same minimum reads “stalled”;"
        " times $10^{-9}$, the start reads “converged”"
    )
    start = vector(0.1, 0.2)
    large = trust_newton(lambda w: 1e9 * hills(w), start)
    assert large.reason == "stalled"
    torch.testing.assert_close(large.path[-1].abs(), vector(0.8, 0.8) ** 0.5)
    assert len(trust_newton(lambda w: 1e-9 * hills(w), start).path) == 1


@pytest.mark.parametrize("start", [(1.0, 0.0), (0.0, 0.0)])
def test_a_saddle_without_negative_curvature_passes_for_a_minimum(start, page_says):
    page_says("or for the saddle $w_1^4 - w_2^4$")
    end = trust_newton(lambda w: w[0] ** 4 - w[1] ** 4, vector(*start))
    assert end.reason == "converged"
    assert end.path[-1].norm() < 0.01


def test_large_curved_residuals_drive_full_gauss_newton_steps_away(page_says):
    page_says("full steps run away even from next to the minimum")

    def curved(w):  # I - H / B = -2 at the minimum, 0
        return torch.cat([w + 1, -2 * w**2 + w - 1])

    w, errors = vector(1e-5), []
    for _ in range(10):
        J, r = jacrev(curved)(w), curved(w)
        w = w - torch.linalg.solve(J.T @ J, J.T @ r)
        errors.append(w.item())
    assert errors[1] / errors[0] == pytest.approx(-2, rel=1e-3)
    assert abs(errors[-1]) > 500 * abs(errors[0]) * 0.9
    guarded = levenberg_marquardt(curved, vector(0.01))
    refused = (guarded.path[1:] == guarded.path[:-1]).sum()
    assert refused >= 5
    assert guarded.path[-1].abs() < 1e-7
    assert len(trust_newton(lambda w: (curved(w) ** 2).mean() / 2, w).path) < 10


def test_near_a_minimum_a_small_first_radius_cuts_the_first_steps(page_says):
    page_says("In the end, near a minimum with positive curvatures")
    start = vector(0.7)
    end = trust_newton(lambda w: (w.exp() - 2 * w).sum(), start, radius=1e-3, tol=1e-14)
    assert (end.path[1] - start).abs().item() == pytest.approx(1e-3)
    assert (end.path[-1] - vector(2.0).log()).abs() < 1e-12


def test_the_guards_do_not_climb_in_the_valley(page_says):
    page_says("The guards do not climb")
    losses = trust_newton(valley, vector(-1.2, 1.0)).losses
    assert (losses[1:] <= losses[:-1]).all()
    w = vector(-1.2, 1.0)
    while (g := grad(valley)(w)).norm() > 1e-10:
        p = -torch.linalg.solve(jacrev(grad(valley))(w), g)
        lower = w + backtrack(valley, w, p) * p
        assert valley(lower) <= valley(w)
        w = lower


def test_an_inflection_passes_for_a_minimum(page_says):
    page_says("as $0$ is for $w^3$")
    end = trust_newton(lambda w: (w**3).sum(), vector(1.0))
    assert end.reason == "converged"
    assert end.path[-1].abs() < 1e-3


def test_a_radius_makes_the_path_depend_on_the_units(page_says):
    page_says("so far from the minimum the path now depends on")
    start, M = vector(-1.2, 1.0), vector(10.0, 1.0)
    path = trust_newton(valley, start).path
    other = trust_newton(lambda z: valley(M * z), start / M).path * M
    assert not torch.allclose(path[:15], other[:15], atol=0.01)
    torch.testing.assert_close(path[-1], other[-1])


def test_levenberg_marquardt_does_not_see_a_saddle():
    def curved(w):  # half the mean of squares falls along w: a maximum at 0
        return torch.stack([w[0] ** 2 - 1])

    assert levenberg_marquardt(curved, vector(0.0)).reason == "converged"
    end = trust_newton(lambda w: curved(w)[0] ** 2 / 2, vector(0.0))
    torch.testing.assert_close(end.path[-1].abs(), vector(1.0))


@pytest.mark.parametrize("c", [1e-4, 0.3])
def test_near_a_minimum_the_full_newton_step_passes(c):
    w = vector(1.01, 1.02)
    p = -torch.linalg.solve(jacrev(grad(valley))(w), grad(valley)(w))
    assert backtrack(valley, w, p, c) == 1.0


def test_no_damping_at_all_can_solve_the_hard_case():
    """At a saddle every damped step is zero: shorter than any radius."""
    H, eye = vector(1.0, -1.0).diag(), torch.eye(2).double()
    for damping in (1.1, 2.0, 100.0):
        s = torch.linalg.solve(H + damping * eye, -vector(0.0, 0.0))
        assert s.norm() == 0
    s = trust_step(vector(0.0, 0.0), H, vector(0.5)[0])
    torch.testing.assert_close(s.step.abs(), vector(0.0, 0.5))


def test_gradient_descent_in_the_valley_takes_the_counted_steps():
    w = vector(-1.2, 1.0)
    for _ in range(200):  # the plain loop of exercise 1 against autograd
        w = w - 0.001 * grad(valley)(w)
    u, v = -1.2, 1.0
    for _ in range(200):
        slope = 200 * (v - u * u)
        u, v = u + 0.001 * (2 * u * slope + 2 * (1 - u)), v - 0.001 * slope
    torch.testing.assert_close(w, vector(u, v))


def test_on_the_bowl_a_quarter_passes_both_lines(page_says):
    page_says(r"Here $t = \tfrac14$ passes both")

    def bowl(w):
        return (1 + w @ w).sqrt()

    for c in (1e-4, 0.2):
        assert backtrack(bowl, vector(2.0), vector(-10.0), c) == 0.25
