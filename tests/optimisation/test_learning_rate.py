"""firstdescent.optimisation.learning_rate against answers that it did not compute."""

import math

import pytest
import torch

from firstdescent.optimisation.learning_rate import (
    best_lr,
    best_momentum,
    heavy_ball,
    largest_curvature,
    lr_range_test,
)

NAN, INF = float("nan"), float("inf")
BAD_ENDS = [(0, 1), (-1, 1), (2, 1), (1, INF), (NAN, 1), (1, NAN)]


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def quadratic(*curvatures):
    curvatures = vector(*curvatures)
    return lambda w: (curvatures.to(w) * w**2).sum() / 2


def rotated(curvatures, seed=0):
    """A quadratic with these curvatures along random directions."""
    d = len(curvatures)
    Q = torch.linalg.qr(torch.randn(d, d, generator=seeded(seed)).double()).Q
    H = Q @ vector(*curvatures).diag() @ Q.T
    return lambda w: w @ H @ w / 2


@pytest.mark.parametrize(("low", "high"), [(1, 100), (0.05, 2.7), (3.0, 3.0)])
def test_no_lr_of_a_grid_has_a_better_worst_factor(low, high):
    best = best_lr(low, high)
    worst = max(abs(1 - best * low), abs(1 - best * high))
    for share in (0.5, 0.9, 0.999, 1.001, 1.1, 1.9):
        lr = share * best
        assert max(abs(1 - lr * low), abs(1 - lr * high)) > worst
    assert worst == pytest.approx((high - low) / (high + low))


def test_curvatures_near_the_largest_number_do_not_overflow():
    assert best_lr(1e308, 1.5e308) == pytest.approx(0.8e-308)


@pytest.mark.parametrize("tiny", [5e-324, 1e-310])
def test_curvatures_whose_lr_would_overflow_are_refused(tiny):
    with pytest.raises(ValueError, match="lr is finite"):
        best_lr(tiny, tiny)
    with pytest.raises(ValueError, match="lead to lr inf"):
        best_momentum(tiny, tiny)
    assert best_lr(1e-307, 1e-307) == pytest.approx(1e307)
    assert best_momentum(1e-307, 1e-307) == (pytest.approx(1e307), 0)


def test_a_momentum_that_rounds_to_one_is_refused():
    with pytest.raises(ValueError, match="momentum 1"):
        best_momentum(1, 1e33)
    lr, momentum = best_momentum(1, 1e31)
    assert (lr, momentum < 1) == (pytest.approx(4e-31), True)


def radius(curvature, lr, m):
    """How fast the recursion with these numbers shrinks: its larger root."""
    step = torch.tensor([[1 + m - lr * curvature, -m], [1.0, 0.0]]).double()
    return torch.linalg.eigvals(step).abs().max().item()


@pytest.mark.parametrize(("low", "high"), [(1, 100), (0.05, 2.7)])
def test_no_pair_of_a_grid_beats_the_best_momentum(low, high):
    lr, m = best_momentum(low, high)
    between = [low + (high - low) * k / 30 for k in range(31)]
    worst = max(radius(c, lr, m) for c in between)
    assert worst == pytest.approx(math.sqrt(m), abs=1e-5)  # a double root rounds
    for a in (0.5, 0.8, 0.97, 1.03, 1.2, 1.5):
        for b in (-0.2, -0.05, -0.01, 0, 0.01, 0.05):
            if 0 <= m + b < 1:
                ends = [radius(c, a * lr, m + b) for c in (low, high)]
                assert max(ends) > worst


def test_one_curvature_needs_no_momentum():
    assert best_momentum(4, 4) == (0.25, 0.0)


@pytest.mark.parametrize(("low", "high"), BAD_ENDS)
@pytest.mark.parametrize("rule", [best_lr, best_momentum])
def test_curvatures_that_are_not_positive_and_in_order_are_refused(rule, low, high):
    with pytest.raises(ValueError, match="expected 0 < low <= high < inf"):
        rule(low, high)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_path_is_that_of_torch_sgd(momentum):
    def curved(w):
        return (w.exp() - 2 * w).sum() + w[0] * w[1]

    w = vector(0.3, -0.4).requires_grad_()
    sgd = torch.optim.SGD([w], lr=0.05, momentum=momentum)
    expected = [w.detach().clone()]
    for _ in range(9):
        sgd.zero_grad()
        curved(w).backward()
        sgd.step()
        expected.append(w.detach().clone())
    path = heavy_ball(curved, vector(0.3, -0.4), 0.05, 9, momentum)
    torch.testing.assert_close(path, torch.stack(expected))


def test_two_steps_by_hand():
    # loss w^2, slope 2w: v = 4, w = 1.6; then v = 0.5 * 4 + 3.2, w = 1.08
    path = heavy_ball(lambda w: (w**2).sum(), vector(2.0), 0.1, 2, momentum=0.5)
    torch.testing.assert_close(path, vector(2, 1.6, 1.08)[:, None])


def test_the_path_leaves_its_start_alone_and_keeps_its_dtype():
    start = torch.tensor([1.0, 2.0], requires_grad=True)
    path = heavy_ball(quadratic(1, 3), start, 0.1, 4, 0.5)
    assert path.shape == (5, 2)
    assert path.dtype == torch.float32
    assert not path.requires_grad
    assert start.grad is None
    assert path[0].tolist() == start.tolist() == [1.0, 2.0]
    assert torch.equal(heavy_ball(quadratic(1, 3), start, 0.1, 0), path[:1])
    lr = torch.tensor(0.1, requires_grad=True)
    assert not heavy_ball(quadratic(1, 3), start, lr, 4).requires_grad


def test_without_a_record_of_gradients_they_are_recorded_all_the_same():
    path = heavy_ball(quadratic(1, 3), vector(1, 2), 0.1, 4)
    with torch.no_grad():
        assert torch.equal(heavy_ball(quadratic(1, 3), vector(1, 2), 0.1, 4), path)
        found = largest_curvature(quadratic(1, 3), vector(1, 2), 2, seeded())
        assert not torch.is_grad_enabled()
    assert found == pytest.approx(3)


@pytest.mark.parametrize(
    "loss", [lambda w: w**2, lambda w: (w**2).sum()[None], lambda w: torch.ones(())]
)
def test_a_walk_needs_a_loss_that_is_one_number_computed_from_w(loss):
    for walk in (heavy_ball, lambda *args: lr_range_test(*args[:2], [0.1], 1)):
        with pytest.raises(ValueError, match="expected one number computed from w"):
            walk(loss, vector(1.0, 2.0), 0.1, 1)


def test_a_start_without_a_finite_gradient_is_refused():
    for walk in (heavy_ball, lambda *args: lr_range_test(*args[:2], [0.1], 1)):
        with pytest.raises(ValueError, match="finite gradient at the start"):
            walk(lambda w: w.sqrt().sum(), vector(0.0), 1e-9, 1)


@pytest.mark.parametrize(
    "start",
    [torch.tensor(v) for v in (1.0, [[1.0, 2.0]], [], [1, 2], [True], [1j])],
)
def test_another_start_is_refused(start):
    with pytest.raises(ValueError, match="floating-point start"):
        heavy_ball(quadratic(1), start, 0.1, 1)


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_start_that_is_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="finite start"):
        heavy_ball(quadratic(1), vector(bad), 0.1, 1)


@pytest.mark.parametrize(
    ("lr", "steps", "momentum"),
    [
        *[(lr, 1, 0) for lr in (0, -1, NAN, INF)],
        *[(0.1, 1, m) for m in (-0.1, 1.0, NAN)],
        (0.1, -1, 0),
    ],
)
def test_numbers_out_of_range_are_refused(lr, steps, momentum):
    with pytest.raises(ValueError, match="expected lr > 0"):
        heavy_ball(quadratic(1), vector(1.0), lr, steps, momentum)


def test_a_path_that_overflows_says_so():
    with pytest.raises(FloatingPointError, match="is lr too large"):
        heavy_ball(quadratic(1), vector(1.0), 1e9, 99)
    with pytest.raises(FloatingPointError, match="is lr too large"):
        heavy_ball(quadratic(1e10, 1e-3), vector(1.0, 1.0), 1.0, 99)  # one of two


@pytest.mark.parametrize(
    "curvatures", [[4.0], [1, 2, 5], [-5, 3], [-5, -3], [2, 2, 2], [0, 0], [1, 1, 4, 4]]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_d_products_find_the_largest_whatever_the_signs(curvatures, seed):
    w = torch.zeros(len(curvatures), dtype=torch.float64)
    found = largest_curvature(rotated(curvatures), w, len(w), seeded(seed))
    assert found == pytest.approx(max(curvatures), abs=1e-9)


def test_the_estimate_rises_with_the_steps_and_is_never_too_large():
    curvatures = torch.linspace(-30, 40, 60).tolist()
    w = torch.zeros(60, dtype=torch.float64)
    found = [
        largest_curvature(rotated(curvatures), w, k, seeded()) for k in range(1, 70, 4)
    ]
    assert found == pytest.approx(sorted(found), abs=1e-9)
    assert max(found) <= 40 + 1e-9
    assert found[0] < 20
    assert found[-1] == pytest.approx(40)


@pytest.mark.parametrize("curvatures", [[2, 2, 2, 2, 2], [0.1, 0.1, 0.3, 0.3, 0.3]])
def test_it_stops_where_the_products_lead_nowhere_new(curvatures):
    calls, loss = [], rotated(curvatures)
    w = torch.zeros(5, dtype=torch.float64)
    largest_curvature(lambda w: calls.append(0) or loss(w), w, 5, seeded())
    assert len(calls) == len(set(curvatures))


def test_it_is_the_curvature_at_w():
    found = largest_curvature(lambda w: (w**4).sum(), vector(1, 3, -2), 3, seeded())
    assert found == pytest.approx(12 * 3**2)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_squares_of_the_curvature_may_overflow(size):
    w = torch.zeros(2, dtype=torch.float64)
    found = largest_curvature(quadratic(size, 3 * size), w, 2, seeded())
    assert found == pytest.approx(3 * size)


def test_the_sum_of_two_curvatures_may_overflow():
    w = torch.zeros(3, dtype=torch.float64)
    found = largest_curvature(quadratic(1e308, 1e308, 1e308), w, 3, seeded())
    assert found == pytest.approx(1e308)


def test_rounding_is_that_of_the_curvature_largest_in_size():
    w = torch.zeros(3, dtype=torch.float64)
    found = largest_curvature(quadratic(-1e16, 1, 0.5), w, 3, seeded())
    assert abs(found - 1) < 10 * torch.finfo(torch.float64).eps * 1e16


def test_float32_is_as_exact_as_float32_is():
    loss = quadratic(*range(1, 41))
    found = largest_curvature(loss, torch.zeros(40), 40, seeded())
    assert found == pytest.approx(40, rel=1e-5)


@pytest.mark.parametrize(
    "w", [torch.tensor([1]), torch.tensor([1j]), torch.ones(2).half()]
)
def test_another_dtype_is_refused(w):
    with pytest.raises(TypeError, match="float32 or float64"):
        largest_curvature(quadratic(1), w, 1, seeded())


@pytest.mark.parametrize(
    ("w", "steps"), [(torch.ones(2, 2), 1), (torch.ones(0), 1), (torch.ones(1), 0)]
)
def test_another_shape_or_no_steps_are_refused(w, steps):
    with pytest.raises(ValueError, match=r"expected w \(d,\)"):
        largest_curvature(quadratic(1), w, steps, seeded())


def test_curvatures_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite second derivatives"):
        largest_curvature(lambda w: w.sqrt().sum(), vector(0, 1), 2, seeded())


def test_a_loss_that_is_not_one_number_is_refused():
    with pytest.raises(ValueError, match="one number"):
        largest_curvature(lambda w: w**2, vector(1, 2), 1, seeded())


def test_the_range_test_follows_the_formula_and_walks_an_iterator_once():
    lrs = [0.1, 0.5, 0.9, 1.1]
    found = lr_range_test(quadratic(2), vector(3.0), iter(lrs), 5)
    expected = [((1 - 2 * lr) ** 5 * 3) ** 2 for lr in lrs]
    assert found == pytest.approx(expected)


def test_momentum_is_handed_on_to_the_walk():
    end = heavy_ball(quadratic(1, 3), vector(1, 2), 0.1, 7, 0.8)[-1]
    found = lr_range_test(quadratic(1, 3), vector(1, 2), [0.1], 7, 0.8)
    assert found == pytest.approx([quadratic(1, 3)(end).item()])


def test_a_walk_or_a_loss_that_overflows_counts_as_infinite():
    assert lr_range_test(quadratic(1), vector(1.0), [1e9, 1e200], 50) == [INF, INF]
    # the path stays finite, its square does not
    assert lr_range_test(quadratic(1), vector(1.0), [1e160], 1) == [INF]
    nothing = lr_range_test(lambda w: (w - 1).sqrt().sum(), vector(1.1), [2.0], 1)
    assert nothing == [INF]  # nan is not a small loss


def test_the_range_test_refuses_an_lr_out_of_range():
    with pytest.raises(ValueError, match="expected lr > 0"):
        lr_range_test(quadratic(1), vector(1.0), [0.1, -1], 1)
