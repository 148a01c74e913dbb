"""The steps of safe_newton against answers that they did not compute."""

import pytest
import torch

from firstdescent.optimisation.safe_newton import (
    backtrack,
    secular_root,
    trust_step,
    unit_step,
)

NAN, INF = float("nan"), float("inf")
ONE = torch.tensor(1.0).double()


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def square(w):
    return w @ w


def model(g, H, s):
    return s @ g + ((s @ H) * s).sum(-1) / 2


def problems(d, count, seed):
    """Random slopes and symmetric matrices, and radii from 0.01 to 100.

    Every second matrix is positive definite.
    """
    generator = torch.Generator().manual_seed(seed)
    options = {"generator": generator, "dtype": torch.float64}
    g, A = torch.randn(count, d, **options), torch.randn(count, d, d, **options)
    H = torch.where(torch.arange(count)[:, None, None] % 2 == 0, A + A.mT, A @ A.mT)
    return g, H + 0.01 * torch.eye(d), 10 ** (4 * torch.rand(count, **options) - 2)


def test_backtrack_halves_until_the_armijo_line_is_met():
    # From 1 along -3: losses 4, 1/4 and slope -6; 1/4 <= 1 - 6 c / 2 for small c.
    assert backtrack(square, vector(1.0), vector(-3.0)) == 0.5
    # 1 - 6 * 0.24 / 2 = 0.28 is met, 1 - 6 * 0.26 / 2 = 0.22 is not.
    assert backtrack(square, vector(1.0), vector(-3.0), c=0.24) == 0.5
    assert backtrack(square, vector(1.0), vector(-3.0), c=0.26) == 0.25


def test_backtrack_takes_a_step_that_is_good_whole():
    assert backtrack(square, vector(1.0, 2.0), vector(-1.0, -2.0)) == 1.0


def test_backtrack_steps_back_from_nan_and_from_minus_infinity():
    def barrier(w):
        return (w - w.log()).sum()

    assert backtrack(barrier, vector(2.0), vector(-3.0)) == 0.5  # nan at -1

    def well(w):
        return torch.where(w > -1, w, -INF).sum()

    assert backtrack(well, vector(1.0), vector(-4.0)) == 0.25


def test_backtrack_forgives_rounding():
    def jumps_by_one_ulp(w):  # where it should fall by 1e-18
        return 1e6 + 1.2e-10 * (w < 1e-9).sum().double() + w @ w

    start, step = vector(1e-9), vector(-1e-9)
    assert jumps_by_one_ulp(start + step) > jumps_by_one_ulp(start)
    assert backtrack(jumps_by_one_ulp, start, step) == 1.0


def test_backtrack_forgives_no_more_than_rounding():
    def rises(w):  # by 170 ulp
        return 1e6 + 2e-8 * (w < 1e-9).sum().double() + w @ w

    assert backtrack(rises, vector(1e-9), vector(-1e-9)) == 0.0


def test_backtrack_refuses_slopes_that_are_infinite_or_underflow():
    with pytest.raises(ValueError, match="downhill step, got slope -inf"):
        backtrack(lambda w: -w.sqrt().sum(), vector(0.0), vector(1.0))
    with pytest.raises(ValueError, match=r"downhill step, got slope -?0"):
        backtrack(lambda w: 1e-200 * w @ w, vector(1e-100), vector(-1e-100))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_backtrack_refuses_two_dtypes(dtype):
    with pytest.raises(TypeError, match="one dtype"):
        backtrack(square, vector(1.0), vector(-1.0).to(dtype))


def test_backtrack_says_zero_when_no_step_is_low_enough():
    def spike(w):  # lower nowhere but at the start, whatever the slope says
        return torch.where(w == 1, w, w + 10).sum()

    assert backtrack(spike, vector(1.0), vector(-1.0)) == 0.0


@pytest.mark.parametrize("step", [vector(1.0), vector(0.0)])
def test_backtrack_refuses_a_step_that_is_not_downhill(step):
    with pytest.raises(ValueError, match="expected a downhill step"):
        backtrack(square, vector(1.0), step)


def test_backtrack_refuses_a_loss_that_is_not_finite_at_the_start():
    with pytest.raises(ValueError, match="expected a finite loss"):
        backtrack(lambda w: w.log().sum(), vector(-1.0), vector(1.0))


@pytest.mark.parametrize("c", [0.0, 1.0, -0.1, NAN])
def test_backtrack_refuses_a_c_that_is_not_between_0_and_1(c):
    with pytest.raises(ValueError, match="between 0 and 1"):
        backtrack(square, vector(1.0), vector(-1.0), c)


@pytest.mark.parametrize(
    ("w", "step"),
    [
        (vector(1.0), vector(1.0, 2.0)),
        (vector(1.0)[None], vector(1.0)[None]),
        (vector(1.0), vector(NAN)),
        (vector(INF), vector(1.0)),
        (torch.tensor([1]), torch.tensor([1])),
    ],
)
def test_backtrack_refuses_other_shapes_and_numbers(w, step):
    with pytest.raises(ValueError, match="expected"):
        backtrack(square, w, step)


def test_a_short_newton_step_is_taken_whole_without_damping():
    H = vector(2.0, 4.0).diag()
    s = trust_step(vector(2.0, 4.0), H, torch.tensor(9.0).double())
    torch.testing.assert_close(s.step, vector(-1.0, -1.0))
    assert s.damping.item() == 0.0
    torch.testing.assert_close(s.lowest.item(), 2.0)


@pytest.mark.parametrize("curvature", [3.0, 0.0, -3.0])
def test_in_one_dimension_the_step_goes_downhill_to_the_border(curvature):
    s = trust_step(vector(8.0), vector(curvature)[None], torch.tensor(2.0).double())
    torch.testing.assert_close(s.step, vector(-2.0))
    # (H + damping) s = -g
    torch.testing.assert_close(s.damping.item(), 8 / 2 - curvature)


@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_the_step_fulfils_the_three_lines_of_the_theorem(d):
    g, H, radius = problems(d, 300, seed=d)
    s = trust_step(g, H, radius)
    lifted = H + s.damping[:, None, None] * torch.eye(d).double()
    torch.testing.assert_close((lifted @ s.step[..., None])[..., 0], -g)
    size = s.step.norm(dim=1)
    assert (size <= radius * (1 + 1e-9)).all()
    slack = s.damping * (radius - size)
    assert (slack.abs() <= 1e-9 * g.norm(dim=1)).all()
    assert (torch.linalg.eigvalsh(lifted)[:, 0] >= -1e-9).all()
    assert (s.damping >= 0).all()
    assert (s.damping == 0).any()
    assert (s.damping > 0).any()


def test_no_step_of_a_fine_grid_makes_the_model_lower():
    g, H, radius = problems(2, 60, seed=9)
    turn = torch.linspace(0, 2 * torch.pi, 361).double()
    rays = torch.stack([turn.cos(), turn.sin()], dim=1)
    grid = (torch.linspace(0, 1, 41).double()[:, None, None] * rays).view(-1, 2)
    for one_g, one_H, one_radius in zip(g, H, radius, strict=True):
        s = trust_step(one_g, one_H, one_radius).step
        best = model(one_g, one_H, one_radius * grid).min()
        assert model(one_g, one_H, s) <= best + 1e-9 * best.abs()


def test_many_problems_are_solved_as_each_is_alone():
    g, H, radius = problems(3, 20, seed=3)
    together = trust_step(g, H, radius)
    for k in range(20):
        alone = trust_step(g[k], H[k], radius[k])
        torch.testing.assert_close(alone.step, together.step[k])
        torch.testing.assert_close(alone.damping, together.damping[k])


def test_on_a_saddle_without_slope_the_step_falls_by_the_most():
    H = torch.tensor([[0.0, 3.0], [3.0, 1.0]]).double()
    s = trust_step(vector(0.0, 0.0), H, torch.tensor(2.0).double())
    lowest = (1 - 37**0.5) / 2  # of x^2 - x - 9
    torch.testing.assert_close(model(vector(0.0, 0.0), H, s.step).item(), 2 * lowest)
    torch.testing.assert_close(s.damping.item(), -lowest)
    torch.testing.assert_close(s.lowest.item(), lowest)


def test_the_sign_of_a_free_step_is_that_of_its_coordinates():
    _, H, radius = problems(3, 50, seed=7)
    step = trust_step(torch.zeros(50, 3).double(), H, radius).step
    assert (step @ vector(1.0, 2.0, 3.0) >= 0).all()
    assert (step.norm(dim=1) > 0).any()


@pytest.mark.parametrize("slope", [0.0, 1e-300, 1e-30, 1e-9, 1e-3])
def test_the_hard_case_and_its_neighbours(slope):
    # g has next to no part along the lowest curvature, -1.
    g, H = vector(3.0, slope), vector(1.0, -1.0).diag()
    s = trust_step(g, H, torch.tensor(4.0).double())
    # 3 / (1 + 1) = 1.5 along the first, the rest of the radius along the second.
    torch.testing.assert_close(s.step[0].item(), -1.5, rtol=1e-3, atol=0)
    torch.testing.assert_close(s.step.norm().item(), 4.0)
    assert slope == 0 or s.step[1] < 0


def test_a_direction_without_slope_and_curvature_is_not_entered():
    def sum_only(w):
        return (w.sum() - 1) ** 2

    w = vector(3.0, 7.0, 2.0)
    g = torch.func.grad(sum_only)(w)
    H = torch.full((3, 3), 2.0).double()
    s = trust_step(g, H, torch.tensor(100.0).double())
    torch.testing.assert_close(s.step, torch.full((3,), -11 / 3).double())


def test_without_slope_and_curvature_there_is_no_step():
    s = trust_step(vector(0.0, 0.0), torch.zeros(2, 2).double(), vector(1.0)[0])
    assert s.step.tolist() == [0.0, 0.0]
    assert s.damping.item() == s.lowest.item() == 0.0


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_huge_and_tiny_losses_have_the_same_step(size):
    g, H, radius = problems(3, 50, seed=4)
    expected = trust_step(g, H, radius)
    s = trust_step(size * g, size * H, radius)
    torch.testing.assert_close(s.step, expected.step)
    torch.testing.assert_close(s.damping / size, expected.damping)


def test_float32_stays_float32():
    g, H, radius = (t.float() for t in problems(3, 50, seed=5))
    s = trust_step(g, H, radius)
    assert s.step.dtype == s.damping.dtype == torch.float32
    double = trust_step(g.double(), H.double(), radius.double())
    gap = (s.step - double.step).norm(dim=1) / radius
    assert (gap < 1e-2).float().mean() > 0.9


def test_the_secular_root_is_found_from_the_left():
    a, h = vector(3.0, 4.0), vector(0.0, 0.0)
    torch.testing.assert_close(secular_root(a, h), vector(5.0))
    assert secular_root(vector(0.3, 0.4), vector(1.0, 1.0)).tolist() == [0.0]
    assert secular_root(vector(0.0, 0.5), vector(0.0, 1.0)).tolist() == [0.0]
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(1000, 6, generator=generator).double()
    h = 10 ** (6 * torch.rand(1000, 6, generator=generator).double() - 5)
    mu = secular_root(a, h)
    size = (a / (h + mu)).norm(dim=1)
    assert (size[mu[:, 0] > 0] - 1).abs().max() < 1e-12
    assert (size[mu[:, 0] == 0] <= 1 + 1e-12).all()


def test_a_secular_root_far_from_its_start_is_found():
    a = 4 ** torch.arange(60.0).double()  # each term wants its own damping
    mu = secular_root(a, a - 1)
    assert (a / (a - 1 + mu)).norm().item() == pytest.approx(1, abs=1e-12)


def test_a_singular_hessian_needs_no_push_to_the_border():
    s = trust_step(vector(2.0, 0.0), vector(2.0, 0.0).diag(), 9 * ONE)
    assert s.step.tolist() == [-1.0, 0.0]
    assert s.damping.item() == 0.0


def test_of_two_lowest_directions_one_slope_is_enough():
    g, H = vector(0.0, 1.0, 0.0), vector(-1.0, -1.0, 2.0).diag()
    s = trust_step(g, H, 2 * ONE)
    torch.testing.assert_close(s.step, vector(0.0, -2.0, 0.0))
    torch.testing.assert_close(s.damping.item(), 1.5)  # 1 / (1.5 - 1) = 2


def test_a_curvature_below_rounding_without_slope_counts_as_zero():
    s = trust_step(vector(1e16, 0.0), vector(1e16, -1.0).diag(), 9 * ONE)
    assert s.lowest.item() == 0.0
    seen = trust_step(vector(1e16, 0.0), vector(1e16, -10.0).diag(), 9 * ONE)
    assert seen.lowest.item() == -10.0


def test_a_slope_too_steep_for_the_radius_is_refused():
    with pytest.raises(ValueError, match="does not overflow"):
        trust_step(vector(1e200), torch.eye(1).double(), 1e-150 * ONE)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_three_tensors_of_two_dtypes_are_refused(which):
    parts = [vector(1.0), torch.eye(1).double(), ONE]
    parts[which] = parts[which].float()
    with pytest.raises(TypeError, match="expected float32 or float64"):
        trust_step(*parts)


@pytest.mark.parametrize(("skew", "passes"), [(1e-10, True), (1e-6, False)])
def test_a_hessian_is_symmetric_up_to_rounding(skew, passes):
    H = torch.tensor([[2.0, 1.0], [1.0, 2.0]]).double()
    H[1, 0] = 1.0 + skew
    if passes:
        trust_step(vector(1.0, 1.0), H, ONE)
    else:
        with pytest.raises(ValueError, match="symmetric"):
            trust_step(vector(1.0, 1.0), H, ONE)


def test_the_unit_step_is_the_step_in_a_radius_of_one():
    g, H, _ = problems(4, 30, seed=6)
    expected = trust_step(g, H, torch.ones(30).double())
    torch.testing.assert_close(unit_step(g, H), expected)


@pytest.mark.parametrize(
    ("g", "H", "radius", "message"),
    [
        (vector(1.0), vector(1.0), ONE, "expected \\(\\.\\.\\., d\\)"),
        (vector(1.0, 2.0), torch.eye(3).double(), ONE, "expected \\(\\.\\.\\., d\\)"),
        (vector(1.0), torch.eye(1).double(), vector(1.0), "\\(\\.\\.\\., d, d\\)"),
        (vector(NAN), torch.eye(1).double(), ONE, "finite numbers"),
        (vector(1.0), torch.eye(1).double() * INF, ONE, "finite numbers"),
        (vector(1.0), torch.eye(1).double(), 0 * ONE, "radius > 0"),
        (vector(1.0), torch.eye(1).double(), -ONE, "radius > 0"),
        (vector(1.0, 1.0), torch.ones(2, 2).double().triu(), ONE, "symmetric"),
    ],
)
def test_other_problems_are_refused(g, H, radius, message):
    with pytest.raises(ValueError, match=message):
        trust_step(g, H, radius)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex128])
def test_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match="expected float32 or float64"):
        trust_step(vector(1.0).to(dtype), torch.eye(1).to(dtype), ONE)
