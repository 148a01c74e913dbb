"""The searches of safe_newton on functions whose minima are known."""

import pytest
import torch
from torch.func import grad, jacrev, vmap

from firstdescent.optimisation.gd_vs_newton import classify_stationary, newton
from firstdescent.optimisation.safe_newton import (
    Model,
    TrustStep,
    judge,
    levenberg_marquardt,
    trust_newton,
    trust_region,
)

NAN, INF = float("nan"), float("inf")


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def rosenbrock(w):
    return (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum()


def hills(w):
    return ((w**2 - 1) ** 2).sum() / 4 + w.prod() ** 2 / 4 + w.prod() / 5


def never_rises(end):
    room = 1e-14 * end.losses[:-1].abs()
    return (end.losses[1:] <= end.losses[:-1] + room).all()


def test_rosenbrock_in_2_dimensions():
    end = trust_newton(rosenbrock, vector(-1.2, 1.0))
    assert end.reason == "converged"
    torch.testing.assert_close(end.path[-1], vector(1.0, 1.0))
    assert never_rises(end)
    assert end.path.shape == (len(end.losses), 2)
    assert end.losses.shape == end.radii.shape
    torch.testing.assert_close(end.losses, vmap(rosenbrock)(end.path))


def test_rosenbrock_in_10_dimensions_from_many_starts():
    generator = torch.Generator().manual_seed(0)
    starts = 2 * torch.randn(20, 10, generator=generator, dtype=torch.float64)
    end = trust_newton(rosenbrock, starts)
    assert end.reason == ["converged"] * 20
    assert never_rises(end)
    # Known: the minimum at all ones, and one other near (-1, 1, ..., 1).
    one = (end.path[-1] - 1).norm(dim=1) < 1e-6
    other = ((end.path[-1][:, 0] + 1).abs() < 0.05) & ((end.losses[-1] - 3.986) < 0.01)
    assert (one | other).all()
    assert one.any()


@pytest.mark.parametrize("start", [1.1, -10.0, 1e6, 1e12])
def test_the_bowl_from_far_away(start):
    end = trust_newton(lambda w: (1 + w @ w).sqrt(), vector(start))
    assert end.reason == "converged"
    assert end.path[-1].abs() < 1e-7


def test_every_start_on_the_hills_ends_at_a_minimum():
    side = torch.linspace(-2, 2, 25).double()
    starts = torch.cat([torch.cartesian_prod(side, side), vector(0, 0)[None]])
    end = trust_newton(hills, starts)
    assert set(end.reason) == {"converged"}
    curvatures = torch.linalg.eigvalsh(vmap(jacrev(grad(hills)))(end.path[-1]))
    assert (curvatures[:, 0] > 0.1).all()
    assert never_rises(end)


@pytest.mark.parametrize("start", [(1e-3, 0.0), (1e-4, 2e-4), (-1e-4, 0.0)])
def test_it_leaves_a_monkey_saddle(start):
    def monkey(w):
        return w[0] ** 3 - 3 * w[0] * w[1] ** 2 + (w @ w) ** 2

    end = trust_newton(monkey, vector(*start))
    assert end.reason == "converged"
    # Along a falling valley: -r^3 + r^4 is least at r = 3/4.
    torch.testing.assert_close(end.path[-1].norm().item(), 0.75)
    assert classify_stationary(monkey, end.path[-1]) == "minimum"
    # At the very middle g = 0 and H = 0: second derivatives see nothing.
    middle = trust_newton(monkey, vector(0.0, 0.0))
    assert (middle.reason, len(middle.path)) == ("converged", 1)


@pytest.mark.parametrize("start", [(0.0, 0.0), (1.0, 0.0)])
def test_it_leaves_a_saddle_from_its_ridge(start):
    def saddle(w):
        return w[0] ** 2 - w[1] ** 2 + w[1] ** 4

    end = trust_newton(saddle, vector(*start))
    torch.testing.assert_close(end.path[-1].abs(), vector(0.0, 0.5**0.5))


def test_near_a_minimum_it_takes_newtons_steps():
    def valley(w):
        return (w.exp() - 2 * w).sum()

    end = trust_newton(valley, vector(0.5, 0.9), tol=1e-12)
    torch.testing.assert_close(end.path, newton(valley, end.path[0], len(end.path) - 1))


def test_a_quartic_takes_two_thirds_off_a_step():
    end = trust_newton(lambda w: (w**4).sum(), vector(3.0))
    torch.testing.assert_close(end.path[-1] / end.path[-2], vector(2 / 3))


@pytest.mark.parametrize(
    "loss", [lambda w: w.sum(), lambda w: -w @ w, lambda w: -w.cosh().sum()]
)
def test_a_loss_without_a_floor_is_reported(loss):
    end = trust_newton(loss, vector(0.0, 1.0))
    assert end.reason == "below the floor"
    assert end.losses[-1] < -1e15
    assert end.path.isfinite().all()
    low = trust_newton(loss, vector(0.0, 1.0), floor=-100.0)
    assert low.losses[-1] < -100 <= low.losses[-2]


def test_without_a_floor_the_radius_stays_finite():
    end = trust_newton(lambda w: w.sum(), vector(0.0, 0.0), floor=-INF, steps=600)
    assert end.reason == "out of steps"
    assert end.path.isfinite().all()
    assert end.radii.isfinite().all()
    assert end.path[-1].max() < -1e150


def test_steps_can_run_out():
    end = trust_newton(rosenbrock, vector(-1.2, 1.0), steps=3)
    assert (end.reason, len(end.path)) == ("out of steps", 4)
    assert trust_newton(rosenbrock, vector(1.0, 1.0), steps=0).reason == "converged"
    assert trust_newton(rosenbrock, vector(2.0, 1.0), steps=0).reason == "out of steps"


def test_it_stalls_where_the_loss_has_no_more_digits():
    end = trust_newton(lambda w: 1e6 * (w - w.log()).sum(), vector(5.3), tol=1e-300)
    assert end.reason in ("stalled", "converged")  # g may be 0 to the last bit
    assert (end.path[-1] - 1).abs() < 1e-9
    single = trust_newton(rosenbrock, vector(-1.2, 1.0).float(), tol=1e-30)
    assert single.reason in ("stalled", "converged")
    assert single.path.dtype == torch.float32
    torch.testing.assert_close(single.path[-1], torch.ones(2))


@pytest.mark.parametrize("start", [1e7, 1e8, 1e9, 1e10])
def test_a_parabola_in_float32_from_where_a_step_of_one_is_invisible(start):
    end = trust_newton(lambda w: ((w - 1) ** 2).sum(), torch.tensor([start]))
    assert (end.reason, end.path[-1].item()) == ("converged", 1.0)


@pytest.mark.parametrize("start", [1e15, 1e16])
def test_a_bowl_in_float64_from_where_a_step_of_one_is_invisible(start):
    end = trust_newton(lambda w: (1 + w @ w).sqrt(), vector(start))
    assert end.reason == "converged"
    assert end.path[-1].abs() < 1e-7


def test_a_first_radius_too_small_to_see_a_change():
    end = trust_newton(hills, vector(0.0, 0.0), radius=1e-8)
    assert end.reason == "converged"
    assert classify_stationary(hills, end.path[-1]) == "minimum"
    single = torch.zeros(1, dtype=torch.float32)
    end = trust_newton(lambda w: (1e5 + (w - 3) ** 2 / 2).sum(), single, radius=1e-3)
    assert (end.reason, end.path[-1].item()) == ("converged", 3.0)


def test_a_saddle_whose_fall_is_invisible_nearby():
    def loss(w):
        return 1e9 + w[0] ** 2 - 1e-7 * w[1] ** 2 + 1e-16 * w[1] ** 4

    end = trust_newton(loss, vector(0.0, 0.0))
    # At its two minima w1^2 = 1e-7 / 2e-16, lower by 1e-14 / 4e-16 = 25.
    assert end.losses[-1].item() == pytest.approx(1e9 - 25, abs=1e-5)


def test_a_small_negative_curvature_is_no_end():
    end = trust_newton(lambda w: (w**4 - 1e-4 * w**2).sum(), vector(0.0))
    torch.testing.assert_close(end.path[-1].abs(), vector(5e-5**0.5), rtol=1e-3, atol=0)


def test_the_length_of_the_gradient_counts_and_not_a_component():
    def slope(w):
        return 0.9e-8 * w.sum()

    end = trust_newton(slope, torch.zeros(4).double(), steps=0)
    assert end.reason == "out of steps"
    one = trust_newton(slope, torch.zeros(1).double(), steps=0)
    assert one.reason == "converged"


def test_a_trial_that_is_not_finite_is_refused():
    def barrier(w):  # nan for w < 0
        return (w - w.log()).sum()

    end = trust_newton(barrier, vector(0.01, 5.0), radius=100.0)
    assert end.reason == "converged"
    torch.testing.assert_close(end.path[-1], vector(1.0, 1.0))
    assert end.losses.isfinite().all()


def test_nan_all_around_ends_without_nan():
    def island(w):
        return torch.where(w.abs() < 1e-30, w, NAN).sum() + 1.0

    end = trust_newton(island, vector(0.0))
    assert end.reason in ("stalled", "out of steps")
    assert end.path.tolist() == [[0.0]] * len(end.path)
    at_zero = trust_newton(lambda w: island(w) - 1, vector(0.0), steps=600)
    assert at_zero.reason in ("stalled", "out of steps")
    assert (at_zero.radii > 0).all()


def test_many_starts_walk_as_each_does_alone():
    starts = torch.tensor([[-1.2, 1.0], [1.0, 1.0], [2.0, -3.0]]).double()
    together = trust_newton(rosenbrock, starts)
    for k, start in enumerate(starts):
        alone = trust_newton(rosenbrock, start)
        assert alone.reason == together.reason[k]
        rows = together.path[: len(alone.path), k]
        torch.testing.assert_close(rows, alone.path)
        assert torch.equal(together.path[-1, k], together.path[len(alone.path) - 1, k])


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_a_sum_takes_the_path_of_a_mean(scale):
    start = vector(-1.2, 1.0)
    path = trust_newton(rosenbrock, start).path
    scaled = trust_newton(lambda w: scale * rosenbrock(w), start).path
    torch.testing.assert_close(scaled[:20], path[:20])


def test_the_start_is_left_alone_and_the_path_detached():
    start = vector(-1.2, 1.0).requires_grad_()
    end = trust_newton(rosenbrock, start)
    assert not end.path.requires_grad
    assert not end.losses.requires_grad
    assert start.grad is None
    assert start.tolist() == [-1.2, 1.0]


def here(loss, g=1.0, H=0.0):
    return Model(vector(loss), vector(g)[:, None], vector(H)[:, None, None])


# The promise of a step -1 with g = 1 and damping 1: (1 + 1) / 2 = 1.
STEP = TrustStep(vector(-1.0)[:, None], vector(1.0), vector(0.0))


@pytest.mark.parametrize(
    ("fall", "take", "radius"),
    [
        (1.0, True, 2.0),
        (0.76, True, 2.0),
        (0.74, True, 1.0),
        (0.26, True, 1.0),
        (0.24, True, 0.25),
        (0.11, True, 0.25),
        (0.09, False, 0.25),
        (-5.0, False, 0.25),
        (NAN, False, 0.25),
        (INF, False, 0.25),
        (-INF, False, 0.25),
    ],
)
def test_the_ratio_judges_step_and_radius(fall, take, radius):
    result = judge(here(3.0), here(3.0 - fall), STEP, vector(1.0))
    assert [t.item() for t in result] == [take, radius, False]


def test_a_step_inside_the_radius_does_not_stretch_it():
    inside = STEP._replace(damping=vector(0.0))  # promises 1/2
    take, radius, _ = judge(here(3.0), here(2.5), inside, vector(8.0))
    assert (take.item(), radius.item()) == (True, 8.0)


def test_a_poor_step_inside_the_radius_draws_it_in_to_a_quarter_of_the_step():
    inside = STEP._replace(damping=vector(0.0))  # promises 1/2
    take, radius, _ = judge(here(3.0), here(2.9), inside, vector(8.0))
    assert (take.item(), radius.item()) == (True, 0.25)


def test_a_large_rise_after_an_invisible_promise_is_refused():
    result = judge(here(1e20), here(2e20, 0.5), STEP, vector(1.0))
    assert [t.item() for t in result] == [False, 0.25, False]


def test_an_invisible_fall_does_not_stretch_the_radius():
    result = judge(here(1e20), here(1e20 - 16384, 0.5), STEP, vector(1.0))
    assert [t.item() for t in result] == [True, 1.0, False]


@pytest.mark.parametrize(
    ("first", "damping", "radius", "stalled"),
    [(1.0, 1.0, 2.0, False), (1.1, 1.0, 1.0, True), (1.0, 0.0, 1.0, True)],
)
def test_an_invisible_step_to_a_border_not_drawn_in_goes_on(
    first, damping, radius, stalled
):
    step = STEP._replace(damping=vector(damping))
    result = judge(here(1e20), here(1e20, 1.5), step, vector(1.0), first)
    assert [t.item() for t in result] == [False, radius, stalled]


def test_the_radius_does_not_fall_to_zero():
    tiny = STEP._replace(step=vector(-1e-160)[:, None])
    _, radius, _ = judge(here(0.0), here(1.0), tiny, vector(1e-160))
    assert radius.item() > 1e-154


@pytest.mark.parametrize(("g", "take"), [(0.5, True), (1.5, False)])
def test_below_rounding_the_gradient_judges(g, take):
    result = judge(here(1e20), here(1e20, g), STEP, vector(1.0))
    assert [t.item() for t in result] == [take, 1.0, not take]


@pytest.mark.parametrize("bad", [{"g": NAN}, {"H": INF}])
def test_a_trial_without_a_finite_slope_or_curvature_is_refused(bad):
    result = judge(here(3.0), here(2.0, **bad), STEP, vector(1.0))
    assert [t.item() for t in result] == [False, 0.25, False]


def test_levenberg_marquardt_solves_a_linear_fit_in_one_step():
    A = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]).double()
    y = vector(1.0, 3.0, 4.0)
    end = levenberg_marquardt(lambda w: A @ w - y, vector(0.0, 0.0), radius=10.0)
    best = torch.linalg.lstsq(A, y[:, None]).solution[:, 0]
    torch.testing.assert_close(end.path[1], best)
    half_mean = ((A @ best - y) ** 2).mean() / 2
    torch.testing.assert_close(end.losses[-1], half_mean)


def test_levenberg_marquardt_solves_rosenbrocks_residuals():
    def residual(w):
        return torch.stack([10 * (w[1] - w[0] ** 2), 1 - w[0]])

    starts = torch.tensor([[-1.2, 1.0], [5.0, -5.0]]).double()
    end = levenberg_marquardt(residual, starts)
    assert end.reason == ["converged"] * 2
    torch.testing.assert_close(end.path[-1], torch.ones(2, 2).double())
    assert never_rises(end)


def test_levenberg_marquardt_refuses_other_residuals():
    for bad in (lambda w: w @ w, lambda w: w[:0], lambda w: w[:, None]):
        with pytest.raises(ValueError, match="expected residuals"):
            levenberg_marquardt(bad, vector(1.0, 2.0))


def test_a_loss_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="expected a loss"):
        trust_newton(lambda w: w**2, vector(1.0, 2.0))


@pytest.mark.parametrize("value", [NAN, INF])
def test_a_loss_that_is_not_finite_at_the_start_is_refused(value):
    with pytest.raises(ValueError, match="finite loss, gradient and Hessian at the"):
        trust_newton(lambda w: w.sum() * value, vector(1.0))


def test_a_slope_that_is_not_finite_at_the_start_is_refused():
    with pytest.raises(ValueError, match="finite loss, gradient and Hessian"):
        trust_newton(lambda w: w.abs().sqrt().sum(), vector(0.0))


def test_bad_starts_among_many_are_named():
    starts = vector(1.0, -1.0, 2.0, -3.0)[:, None]
    with pytest.raises(ValueError, match=r"in rows \[1, 3\]"):
        trust_newton(lambda w: w.log().sum(), starts)


def test_a_loss_of_another_dtype_is_refused():
    with pytest.raises(TypeError, match=r"model of torch\.float32"):
        trust_newton(lambda w: ((w - vector(1.0)) ** 2).sum(), torch.ones(1))
    with pytest.raises(TypeError, match=r"model of torch\.float64"):
        trust_newton(lambda w: torch.tensor(1), vector(1.0))


@pytest.mark.parametrize(
    "bad",
    [
        *({"tol": 0.0}, {"tol": NAN}, {"tol": INF}, {"radius": 0.0}, {"radius": INF}),
        *({"floor": NAN}, {"floor": INF}, {"steps": -1}),
    ],
)
def test_other_options_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        trust_newton(rosenbrock, vector(1.0, 2.0), **bad)


@pytest.mark.parametrize("dtype", [torch.int64, torch.float16, torch.complex64])
def test_starts_of_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match="expected float32 or float64"):
        trust_region(None, torch.ones(2).to(dtype))


@pytest.mark.parametrize("start", [vector(NAN), torch.tensor(1.0), torch.ones(1, 1, 1)])
def test_starts_of_other_shapes_and_numbers_are_refused(start):
    with pytest.raises(ValueError, match="expected"):
        trust_newton(rosenbrock, start)
