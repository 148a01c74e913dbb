"""firstdescent.optimisation.gd_vs_newton against answers that it did not compute."""

from contextlib import suppress

import pytest
import torch

from firstdescent.optimisation.gd_vs_newton import (
    check_reached,
    descend,
    newton,
)

A = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
B = torch.tensor([1.0, -1.0], dtype=torch.float64)
START = torch.zeros(2, dtype=torch.float64)
NAN, INF = float("nan"), float("inf")


def bowl(w):
    """A strictly convex quadratic, lowest where A w = B."""
    return 0.5 * w @ A @ w - B @ w


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_newton_lands_on_a_quadratic_minimum_in_one_step():
    expected = torch.linalg.solve(A, B)
    torch.testing.assert_close(newton(bowl, START)[-1], expected)


@pytest.mark.parametrize("scale", [50.0, 0.01, -1.0])
def test_newton_ignores_the_scale_and_the_sign_of_the_loss(scale):
    def curved(w):
        return (w.exp() - 2 * w).sum()

    scaled = newton(lambda w: scale * curved(w), START, steps=4)
    torch.testing.assert_close(scaled, newton(curved, START, steps=4))


def test_newton_follows_the_iteration_for_square_roots():
    # f' = w^2 - 2, so Newton's step is Heron's: the mean of w and 2 / w.
    path = newton(lambda w: (w**3 / 3 - 2 * w).sum(), vector(1.0), steps=3)
    torch.testing.assert_close(path, vector(1, 3 / 2, 17 / 12, 577 / 408)[:, None])


def test_newton_takes_the_same_path_in_other_units():
    M = vector(0.01, 3.0).diag() @ torch.tensor([[1.0, 2.0], [0.0, 1.0]]).double()

    def quartic(w):
        return bowl(w) + (w**4).sum()

    start = vector(1.0, 2.0)
    inner = torch.linalg.solve(M, start)
    path = newton(lambda z: quartic(M @ z), inner, steps=5) @ M.T
    torch.testing.assert_close(path, newton(quartic, start, steps=5))


def test_newtons_step_solves_its_equations_also_where_the_hessian_is_nearly_singular():
    i = torch.arange(10, dtype=torch.float64)
    hilbert = 1 / (i[:, None] + i + 1)  # its condition number is 1e13
    b = torch.ones(10, dtype=torch.float64)
    end = newton(lambda w: w @ hilbert @ w / 2 - b @ w, torch.zeros_like(b))[-1]
    assert (hilbert @ end - b).norm() < 1e-14 * end.norm()


def test_newton_refuses_a_singular_hessian():
    with pytest.raises(torch.linalg.LinAlgError):
        newton(lambda w: w[0] ** 2, START)


def test_rounding_may_hide_a_singular_hessian():
    def flat(w):  # no stationary point
        return (0.1 * w[0] + 0.3 * w[1] - 1) ** 2 / 2 + 1e-8 * w[0]

    H = torch.tensor([[0.01, 0.03], [0.03, 0.09]], dtype=torch.float64)
    assert torch.linalg.cond(H) > 1e15
    with suppress(torch.linalg.LinAlgError):  # rounding may also not hide it
        assert newton(flat, START)[-1].norm() > 1e6


def test_a_path_may_leave_the_domain_of_the_loss():
    # f = w - log w: f' = 1 - 1/w, f'' = 1/w^2, so w+ = 2 w - w^2.
    path = newton(lambda w: (w - w.log()).sum(), vector(3.0), steps=3)
    assert path[:, 0].tolist() == pytest.approx([3, -3, -15, -255])


def test_newton_says_when_a_path_overflows():
    # log cosh: each step from 2 doubles the exponent.
    with pytest.raises(FloatingPointError, match="Newton step"):
        newton(lambda w: w.cosh().log().sum(), vector(2.0), steps=9)


def test_newton_raises_where_curvature_underflows():
    with pytest.raises(torch.linalg.LinAlgError):
        newton(lambda w: (1 + w @ w).sqrt(), vector(1.1), steps=20)


def test_descend_takes_the_steps_that_torch_sgd_takes():
    w = START.clone().requires_grad_()
    sgd = torch.optim.SGD([w], lr=0.1)
    expected = [START]
    for _ in range(7):
        sgd.zero_grad()
        bowl(w).backward()
        sgd.step()
        expected.append(w.detach().clone())
    path = descend(bowl, START, lr=0.1, steps=7)
    torch.testing.assert_close(path, torch.stack(expected))


def test_of_several_starts_the_one_that_overflows_is_named():
    starts = torch.tensor([[0.5], [2.0], [0.1], [-2.0]], dtype=torch.float64)
    said = r"Newton step 3 is not finite from start 1 \(2 in all\)"
    with pytest.raises(FloatingPointError, match=said):
        newton(lambda w: w.cosh().log().sum(), starts, steps=9)
    starts = torch.tensor([[0.5], [20.0]], dtype=torch.float64)
    said = r"gradient step 6 is not finite from start 1 \(1 in all\)"
    with pytest.raises(FloatingPointError, match=said):
        descend(lambda w: (w**4).sum(), starts, 0.1, 99)
    assert check_reached(starts, "a step") is None


def test_descend_says_when_a_path_overflows():
    with pytest.raises(FloatingPointError, match="gradient step"):
        descend(bowl, vector(1.0, 1.0), lr=1e9, steps=99)


@pytest.mark.parametrize(
    "walk", [lambda *a: descend(*a, 0.1, 6), lambda *a: newton(*a, 6)]
)
class TestBothMethods:
    def test_several_starts_walk_as_each_does_alone(self, walk):
        starts = torch.tensor([[0.3, 2.0], [-1.0, 0.5], [0.1, 0.2]]).double()

        def quartic(w):
            return bowl(w) + (w**4).sum()

        alone = torch.stack([walk(quartic, start) for start in starts], dim=1)
        torch.testing.assert_close(walk(quartic, starts), alone)

    def test_the_path_begins_at_the_start_and_leaves_it_alone(self, walk):
        start = vector(1.0, 2.0).requires_grad_()
        path = walk(bowl, start)
        assert path.shape == (7, 2)
        assert not path.requires_grad
        assert start.grad is None
        assert path[0].tolist() == start.tolist() == [1.0, 2.0]

    def test_float32_stays_float32(self, walk):
        assert walk(lambda w: w @ w, torch.ones(2)).dtype == torch.float32

    @pytest.mark.parametrize(
        "start",
        [torch.tensor(1.0), torch.ones(1, 2, 3), torch.ones(0), torch.ones(0, 2)],
    )
    def test_another_shape_is_refused(self, walk, start):
        with pytest.raises(ValueError, match="expected a floating-point start"):
            walk(bowl, start)

    def test_whole_numbers_are_refused(self, walk):
        with pytest.raises(ValueError, match=r"got torch\.int64"):
            walk(bowl, torch.tensor([1, 2]))

    @pytest.mark.parametrize("bad", [NAN, INF])
    def test_a_start_that_is_not_finite_is_refused(self, walk, bad):
        with pytest.raises(ValueError, match=rf"finite numbers, got {bad} \(1 not"):
            walk(bowl, vector(0.0, bad))

    def test_a_list_is_refused(self, walk):
        with pytest.raises(TypeError, match="a tensor start, got list"):
            walk(bowl, [1.0, 2.0])

    def test_a_loss_that_is_not_one_number_is_refused(self, walk):
        with pytest.raises(RuntimeError):
            walk(lambda w: w, START)

    def test_a_loss_that_looks_at_values_takes_one_start_only(self, walk):
        def picky(w):
            return (w**2).sum() if w[0].item() > -9 else w.sum()

        assert walk(picky, START + 1).shape == (7, 2)
        with pytest.raises(RuntimeError):
            walk(picky, START[None] + 1)


def test_no_steps_leave_the_start():
    assert torch.equal(newton(bowl, START, 0), START[None])
    assert torch.equal(descend(bowl, START, 0.1, 0), START[None])


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="steps >= 0, got -1"):
        newton(bowl, START, -1)
    with pytest.raises(ValueError, match="steps >= 0, got -1"):
        descend(bowl, START, 0.1, -1)


@pytest.mark.parametrize("steps", [2.5, True, "3"])
def test_a_number_of_steps_that_is_not_whole_is_refused(steps):
    with pytest.raises(TypeError, match="integer number of steps"):
        newton(bowl, START, steps)
    with pytest.raises(TypeError, match="integer number of steps"):
        descend(bowl, START, 0.1, steps)


@pytest.mark.parametrize("lr", [True, "0.1", torch.tensor([0.1, 0.2])])
def test_descend_refuses_a_step_size_that_is_no_number(lr):
    with pytest.raises(TypeError, match="expected a number for lr"):
        descend(bowl, START, lr, 1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_can_descend_but_has_no_newton_step(dtype):
    start = torch.ones(2, dtype=dtype)
    assert descend(lambda w: w @ w, start, 0.25, 1)[-1].tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="expected float32 or float64"):
        newton(lambda w: w @ w, start)


@pytest.mark.parametrize("lr", [0.0, -0.1, NAN, INF])
def test_descend_refuses_a_step_size_that_is_not_positive_and_finite(lr):
    with pytest.raises(ValueError, match="positive, finite lr"):
        descend(bowl, START, lr, 1)
