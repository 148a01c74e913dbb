"""Truncated CG, Newton-CG and the two loops against answers they did not compute."""

from itertools import pairwise
from math import sqrt

import pytest
import torch

from firstdescent.optimisation import newton_in_practice
from firstdescent.optimisation.newton_in_practice import (
    CGStep,
    length,
    newton_cg,
    slope_and_product,
    truncated_cg,
    two_loop,
)

NAN, INF = float("nan"), float("inf")


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def positive(d, seed=0):
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return A @ A.T + torch.eye(d)


def test_cg_solves_what_a_direct_solver_solves():
    H, g = positive(12), torch.arange(12.0).double() - 3
    s = truncated_cg(lambda v: H @ v, g, 1e-12, 100)
    torch.testing.assert_close(s.step, torch.linalg.solve(H, -g))
    assert s.reason == "small residual"


@pytest.mark.parametrize("rtol", [0.5, 0.1, 1e-3])
def test_cg_stops_at_the_first_residual_that_is_small_enough(rtol):
    H, g = positive(30), torch.ones(30).double()
    s = truncated_cg(lambda v: H @ v, g, rtol, 100)
    before = truncated_cg(lambda v: H @ v, g, 0.0, s.products - 1)
    assert (H @ s.step + g).norm() <= rtol * g.norm() * (1 + 1e-9)
    assert (H @ before.step + g).norm() > rtol * g.norm()
    assert before.reason == "out of steps"


def test_cg_of_one_weight_takes_one_product():
    s = truncated_cg(lambda v: 4 * v, vector(2.0), 0.0, 9)
    assert (s.step.item(), s.products, s.reason) == (-0.5, 1, "small residual")


def test_cg_of_no_slope_asks_for_nothing():
    s = truncated_cg(lambda v: 1 / 0, vector(0.0, 0.0), 0.0, 9)
    assert (s.step.tolist(), s.products) == ([0.0, 0.0], 0)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_cg_neither_under_nor_overflows(size):
    H, g = positive(4), size * vector(1.0, -2.0, 3.0, 0.5)
    s = truncated_cg(lambda v: H @ v, g, 1e-12, 100)
    torch.testing.assert_close(s.step / size, torch.linalg.solve(H, -g / size))


def test_negative_curvature_at_once_gives_a_step_down_of_the_right_scale():
    s = truncated_cg(lambda v: -4 * v, vector(2.0, 0.0), 0.0, 9)
    assert (s.step.tolist(), s.reason) == ([-0.5, 0.0], "negative curvature")


def test_no_curvature_at_all_gives_minus_the_gradient():
    s = truncated_cg(torch.zeros_like, vector(2.0, -6.0), 0.0, 9)
    assert (s.step.tolist(), s.reason) == ([-2.0, 6.0], "negative curvature")


def test_negative_curvature_later_keeps_the_step_so_far():
    H = vector(1.0, -0.5).diag()
    s = truncated_cg(lambda v: H @ v, vector(2.0, 1.0), 0.0, 9)
    first = (4 + 1) / (4 - 0.5)  # g.g / g.Hg
    torch.testing.assert_close(s.step, -first * vector(2.0, 1.0))
    assert (s.products, s.reason) == (2, "negative curvature")


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_product_that_is_not_finite_ends_cg_without_nan(bad):
    s = truncated_cg(lambda v: bad * v, vector(2.0, 1.0), 0.0, 9)
    assert s.reason == "not finite"
    assert s.step.tolist() == [-2.0, -1.0]


@pytest.mark.parametrize("seed", range(20))
def test_every_step_of_cg_goes_downhill(seed):
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(8, 8, generator=generator, dtype=torch.float64)
    g = torch.randn(8, generator=generator, dtype=torch.float64)
    for k in range(1, 9):
        step = truncated_cg(lambda v, A=A: (A + A.T) @ v, g, 0.0, k).step
        assert g @ step < 0


@pytest.mark.parametrize(
    ("g", "rtol", "steps", "error"),
    [
        (torch.tensor([1]), 0.1, 1, TypeError),
        (torch.tensor([1j]), 0.1, 1, TypeError),
        (vector(NAN), 0.1, 1, ValueError),
        (vector(), 0.1, 1, ValueError),
        (vector(1.0)[None], 0.1, 1, ValueError),
        (vector(1.0), 1.0, 1, ValueError),
        (vector(1.0), -0.1, 1, ValueError),
        (vector(1.0), NAN, 1, ValueError),
        (vector(1.0), 0.1, 0, ValueError),
    ],
)
def test_cg_refuses_what_it_cannot_use(g, rtol, steps, error):
    with pytest.raises(error, match="expected"):
        truncated_cg(lambda v: v, g, rtol, steps)


@pytest.mark.parametrize(
    ("g", "curvature", "dtype"),
    [
        (1e200, 1e-200, torch.float64),
        (1e10, 1e-300, torch.float64),
        (1e20, 1e-20, torch.float32),
    ],
)
def test_a_step_that_overflows_becomes_minus_the_gradient(g, curvature, dtype):
    g = torch.tensor([g], dtype=dtype)
    s = truncated_cg(lambda v: curvature * v, g, 0.0, 9)
    assert s.step.isfinite().all()
    assert (s.step.item(), s.reason) == (-g.item(), "not finite")


def test_cg_stops_where_rounding_begins():
    h, g = torch.logspace(0, 8, 60).double(), torch.ones(60).double()
    s = truncated_cg(lambda v: h * v, g, 0.0, 5000)
    eps = truncated_cg(lambda v: h * v, g, 2.0**-52, 5000)
    assert s.reason == "small residual"
    assert s.products == eps.products


def test_a_product_may_write_into_its_argument():
    s = truncated_cg(lambda v: v.mul_(2), vector(1.0, 3.0), 0.0, 9)
    assert (s.step.tolist(), s.products) == ([-0.5, -1.5], 1)


def test_the_step_of_cg_is_not_recorded():
    g = vector(1.0, 3.0).requires_grad_()
    assert not truncated_cg(lambda v: v * g, g, 0.0, 9).step.requires_grad


@pytest.mark.parametrize("wrong", [lambda v: v[:, None], lambda v: v.float()])
def test_cg_refuses_a_product_unlike_its_argument(wrong):
    with pytest.raises(ValueError, match="expected a product like v"):
        truncated_cg(wrong, vector(1.0, 3.0), 0.0, 9)


@pytest.mark.parametrize("unit", [1e-300, 1.0, 1e300])
def test_a_length_neither_under_nor_overflows(unit):
    assert length(unit * vector(3.0, -4.0)) == pytest.approx(5 * unit)


def test_a_length_of_nothing_is_zero_and_nan_stays_nan():
    assert length(vector(0.0, 0.0)) == 0
    assert length(vector(1.0, -INF)) == INF
    assert length(vector(1.0, NAN)) != length(vector(1.0, NAN))


def test_the_product_is_zero_if_only_another_tensor_was_recorded():
    a = vector(2.0, 3.0).requires_grad_()
    _, product = slope_and_product(lambda w: (a * w).sum(), vector(1.0, 2.0))
    assert product(vector(1.0, 1.0)).tolist() == [0.0, 0.0]


def test_a_product_is_the_hessian_times_a_vector():
    w, v = vector(1.0, 2.0), vector(3.0, -1.0)
    g, product = slope_and_product(lambda w: w[0] ** 2 * w[1] + w[1] ** 3, w)
    torch.testing.assert_close(g, vector(4.0, 13.0))  # 2ab, a² + 3b²
    torch.testing.assert_close(product(v), vector(10.0, -6.0))  # [4 2; 2 12] v


def test_the_product_of_a_linear_loss_is_zero():
    _, product = slope_and_product(lambda w: w.sum(), vector(1.0, 2.0))
    assert product(vector(1.0, 1.0)).tolist() == [0.0, 0.0]


def test_slope_and_product_refuses_a_loss_of_two_numbers():
    with pytest.raises(ValueError, match="expected one number"):
        slope_and_product(lambda w: w, vector(1.0, 2.0))


def test_newton_cg_finds_the_minimum_of_a_quadratic():
    H, g = positive(10), torch.ones(10).double()
    end = newton_cg(lambda w: w @ H @ w / 2 + g @ w, torch.zeros(10).double(), tol=1e-9)
    torch.testing.assert_close(end.w, torch.linalg.solve(H, -g))
    assert end.reason == "small gradient"
    assert len(end.losses) == len(end.products) + 1
    assert end.losses == sorted(end.losses, reverse=True)


def test_newton_cg_does_not_depend_on_the_units_of_the_loss():
    def loss(w):
        return (w**4).sum() + ((w - 1) ** 2).sum()

    one = newton_cg(loss, vector(3.0, -2.0, 1.0), tol=1e-6)
    big = newton_cg(
        lambda w: 2.0**30 * loss(w), vector(3.0, -2.0, 1.0), tol=2**30 * 1e-6
    )
    torch.testing.assert_close(one.w, big.w)
    assert one.products == big.products


def valley(w):
    return (w**4).sum() / 4 + (torch.arange(1.0, 9.0) * w**2).sum() / 2 - w.sum()


def watch(monkeypatch):
    """Return the list of (|g|, rtol, products asked for) of each truncated_cg."""
    calls = []

    def spied(product, g, rtol, steps):
        asked = []
        s = truncated_cg(lambda v: asked.append(v) or product(v), g, rtol, steps)
        calls.append((g.norm().item(), rtol, len(asked)))
        return s

    monkeypatch.setattr(newton_in_practice, "truncated_cg", spied)
    return calls


def hollow(w):  # its gradient first grows on the way from afar
    return -torch.exp(-(w * torch.arange(1.0, 5.0) * w).sum() / 2)


@pytest.mark.parametrize(
    ("loss", "start"),
    [(valley, torch.linspace(-9, 9, 8).double()), (hollow, vector(1.3, 1.0, 1.0, 0.9))],
)
def test_newton_cg_solves_as_exactly_as_the_page_says(
    monkeypatch, page_says, loss, start
):
    page_says(
        r"\eta &= \min\left(0.1, \sqrt{\lVert g \rVert / \lVert g_0 \rVert}\right)"
    )
    calls = watch(monkeypatch)
    end = newton_cg(loss, start, tol=1e-9)
    assert end.reason == "small gradient"
    assert end.products == [asked for _, _, asked in calls]
    largest = 0.0
    for size, rtol, _ in calls:
        largest = max(largest, size)
        assert rtol == pytest.approx(min(0.1, sqrt(size / largest)))
    assert (largest > calls[0][0]) == (loss is hollow)


def test_newton_cg_is_faster_than_order_1_near_the_minimum(monkeypatch):
    calls = watch(monkeypatch)
    newton_cg(valley, torch.linspace(-9, 9, 8).double(), tol=1e-12)
    sizes = [size for size, _, _ in calls]
    ratios = [b / a for a, b in pairwise(sizes)]
    assert ratios[-1] < 1e-3 < 0.1 < ratios[0]


def test_newton_cg_makes_no_more_products_than_it_may():
    start = torch.linspace(-9, 9, 8).double()
    assert max(newton_cg(valley, start, inner=2).products) == 2


@pytest.mark.parametrize("bad", [[1.0, 1.0], [-INF, -1.0]])
def test_newton_cg_goes_along_minus_g_if_the_step_is_no_use(monkeypatch, bad):
    broken = CGStep(vector(*bad), 1, "out of steps")
    monkeypatch.setattr(newton_in_practice, "truncated_cg", lambda *_: broken)
    end = newton_cg(lambda w: w @ w / 2, vector(1.0, 1.0))
    assert (end.w.tolist(), end.reason) == ([0.0, 0.0], "small gradient")


def test_newton_cg_stops_before_a_point_that_is_not_finite(monkeypatch):
    far = CGStep(vector(1e308), 1, "out of steps")
    monkeypatch.setattr(newton_in_practice, "truncated_cg", lambda *_: far)

    def flat_far_away(w):
        return -(w * 1e-300).clamp(max=1.5e8).sum()

    end = newton_cg(flat_far_away, vector(1e308), tol=1e-305)
    assert (end.reason, end.w.item()) == ("stalled", 1e308)


@pytest.mark.parametrize(
    ("unit", "tol", "dtype"),
    [
        (1e20, 1e10, torch.float32),
        (1e-25, 1e-35, torch.float32),
        (1e160, 1e150, torch.float64),
        (1e-170, 1e-180, torch.float64),
    ],
)
def test_newton_cg_takes_gradients_whose_squares_under_or_overflow(unit, tol, dtype):
    start = torch.tensor([3.0, 2.0], dtype=dtype)
    end = newton_cg(lambda w: unit * ((w - 1) ** 2).sum(), start, tol=tol)
    torch.testing.assert_close(end.w, torch.ones_like(start))
    assert end.reason == "small gradient"


def test_newton_cg_says_stalled_if_no_slope_can_be_computed():
    start = torch.tensor([1.0])
    end = newton_cg(lambda w: -1e-30 * w.sum(), start, tol=1e-40)
    assert (end.reason, end.w.item()) == ("stalled", 1.0)


def test_newton_cg_works_where_nothing_is_recorded():
    with torch.no_grad():
        end = newton_cg(valley, torch.ones(8).double())
        slope, product = slope_and_product(valley, torch.ones(8).double())
        bent = product(torch.ones(8).double())
    torch.testing.assert_close(slope, torch.arange(1.0, 9.0).double())  # w³ + iw - 1
    torch.testing.assert_close(bent, torch.arange(4.0, 12.0).double())  # 3w² + i
    torch.testing.assert_close(end.w, newton_cg(valley, torch.ones(8).double()).w)
    assert not end.w.requires_grad


def test_newton_cg_leaves_a_saddle_that_it_does_not_start_on():
    def saddle(w):
        return (w[0] ** 2 - w[1] ** 2) / 2 + w[1] ** 4 / 4  # minima at (0, ±1)

    end = newton_cg(saddle, vector(1.0, 1e-3))
    torch.testing.assert_close(end.w, vector(0.0, 1.0), atol=1e-5, rtol=0)


def test_newton_cg_says_why_it_stopped():
    def falling(w):
        return -(w**2).sum()

    assert newton_cg(falling, vector(1.0)).reason == "unbounded"
    assert newton_cg(lambda w: w @ w, vector(0.0)).reason == "small gradient"
    assert newton_cg(lambda w: w @ w, vector(1.0), steps=0).reason == "out of steps"
    spike = newton_cg(lambda w: torch.where(w == 1, w, w + 10).sum(), vector(1.0))
    assert (spike.reason, spike.w.item()) == ("stalled", 1.0)


def test_newton_cg_stops_before_a_gradient_that_is_not_finite():
    class Cliff(torch.autograd.Function):  # falls, with a slope of nan beyond 0
        generate_vmap_rule = True

        @staticmethod
        def forward(w):
            return w.clone()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])

        @staticmethod
        def backward(ctx, g):
            (w,) = ctx.saved_tensors
            return torch.where(w > 0, g, g * NAN)

    end = newton_cg(lambda w: Cliff.apply(w).sum(), vector(0.5))
    assert (end.reason, end.w.item()) == ("stalled", 0.5)


def test_newton_cg_works_in_float32_with_many_rows():
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(100_000, 3, generator=generator)
    y = X @ torch.tensor([1.0, -2.0, 3.0])
    end = newton_cg(lambda w: ((X @ w - y) ** 2).mean() / 2, torch.zeros(3), tol=1e-5)
    assert end.reason == "small gradient"
    torch.testing.assert_close(end.w, torch.tensor([1.0, -2.0, 3.0]), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("start", "options", "error"),
    [
        (torch.tensor([1]), {}, TypeError),
        (torch.tensor([True]), {}, TypeError),
        (vector(NAN), {}, ValueError),
        (vector(), {}, ValueError),
        (vector(1.0)[None], {}, ValueError),
        (vector(1.0), {"steps": -1}, ValueError),
        (vector(1.0), {"tol": 0.0}, ValueError),
        (vector(1.0), {"tol": NAN}, ValueError),
        (vector(1.0), {"inner": 0}, ValueError),
        (vector(1.0), {"floor": NAN}, ValueError),
        (vector(1.0), {"floor": INF}, ValueError),
        (vector(1e200), {}, ValueError),  # the loss overflows
    ],
)
def test_newton_cg_refuses_what_it_cannot_use(start, options, error):
    with pytest.raises(error, match="expected"):
        newton_cg(lambda w: w @ w, start, **options)


def pairs_of(H, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn(count, len(H), generator=generator, dtype=torch.float64)
    return [(s, H @ s) for s in steps]


@pytest.mark.parametrize("m", [1, 2, 5])
def test_the_two_loops_equal_the_dense_formula(m):
    H, g = positive(6), torch.arange(6.0).double()
    pairs = pairs_of(H, m)
    s, y = pairs[-1]
    M = (s @ y) / (y @ y) * torch.eye(6).double()
    for s, y in pairs:  # Nocedal and Wright (2006), equation 6.17
        V = torch.eye(6) - y.outer(s) / (y @ s)
        M = V.T @ M @ V + s.outer(s) / (y @ s)
    torch.testing.assert_close(two_loop(g, pairs), M @ g)


def test_the_newest_pair_fulfils_the_secant_equation():
    pairs = pairs_of(positive(6), 4)
    s, y = pairs[-1]
    torch.testing.assert_close(two_loop(y, pairs), s)


def test_the_two_loops_apply_a_symmetric_positive_definite_matrix():
    pairs = pairs_of(positive(6), 4)
    M = torch.stack([two_loop(e, pairs) for e in torch.eye(6).double()])
    torch.testing.assert_close(M, M.T)
    assert torch.linalg.eigvalsh(M)[0] > 0


def test_without_pairs_the_two_loops_do_nothing():
    g = vector(1.0, 2.0)
    assert two_loop(g, []).tolist() == [1.0, 2.0]
    assert two_loop(g, []) is not g


@pytest.mark.parametrize(
    "pair",
    [
        (vector(1.0, 0.0), vector(-1.0, 0.0)),
        (vector(1.0, 0.0), vector(0.0, 1.0)),
        (vector(1.0, 0.0), vector(NAN, 0.0)),
        (vector(1.0, 0.0), vector(INF, 0.0)),
        (vector(1.0), vector(1.0)),
        (vector(1.0, 1.0).float(), vector(1.0, 1.0)),
        (vector(1e170, 0.0), vector(1e-170, 0.0)),  # y.y is 0
        (vector(1e-170, 0.0), vector(1e170, 0.0)),  # y.y is inf
    ],
)
def test_the_two_loops_refuse_a_pair_without_positive_curvature(pair):
    with pytest.raises(ValueError, match=r"expected s(, y like g|.y and y.y)"):
        two_loop(vector(1.0, 2.0), [pair])


@pytest.mark.parametrize(
    ("g", "error"),
    [
        (torch.tensor([1, 2]), TypeError),
        (torch.tensor([1j, 2]), TypeError),
        (vector(1.0, NAN), ValueError),
        (vector(1.0, INF), ValueError),
        (vector(1.0, 2.0)[None], ValueError),
    ],
)
def test_the_two_loops_refuse_a_gradient_they_cannot_use(g, error):
    with pytest.raises(error, match="expected"):
        two_loop(g, [])


def test_the_two_loops_refuse_a_result_that_overflows():
    pair = (vector(1e150, 0.0), vector(1e-150, 0.0))
    with pytest.raises(ValueError, match="expected a finite result"):
        two_loop(vector(1e20, 1.0), [pair])
