"""firstdescent.optimisation.gd_vs_newton against answers that it did not compute."""

import pytest
import torch

from firstdescent.optimisation.gd_vs_newton import descend, newton

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


def test_newton_refuses_a_singular_hessian():
    with pytest.raises(torch.linalg.LinAlgError):
        newton(lambda w: w[0] ** 2, START)


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
        with pytest.raises(ValueError, match="expected finite"):
            walk(bowl, vector(0.0, bad))


def test_no_steps_leave_the_start():
    assert torch.equal(newton(bowl, START, 0), START[None])
    assert torch.equal(descend(bowl, START, 0.1, 0), START[None])


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="steps >= 0, got -1"):
        newton(bowl, START, -1)
    with pytest.raises(ValueError, match="steps >= 0, got -1"):
        descend(bowl, START, 0.1, -1)


@pytest.mark.parametrize("lr", [0.0, -0.1, NAN, INF])
def test_descend_refuses_a_step_size_that_is_not_positive_and_finite(lr):
    with pytest.raises(ValueError, match="positive, finite lr"):
        descend(bowl, START, lr, 1)
