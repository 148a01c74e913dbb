"""firstdescent.tools.autograd_deeper against answers that it did not compute."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.tools.autograd_deeper import (
    conjugate_gradient,
    hessian_rows,
    hvp,
    recorded_gradient,
)
from firstdescent.tools.figures.autograd_deeper import draw_curvature

DOUBLE = torch.float64


def vector(*numbers):
    return torch.tensor(numbers, dtype=DOUBLE)


def normal(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator, dtype=DOUBLE)


def rosenbrock(w):
    a, b = w
    return (1 - a) ** 2 + 100 * (b - a**2) ** 2


def wave(w):
    return torch.sin(w @ torch.arange(1, len(w) + 1, dtype=w.dtype)) + w.exp().sum()


def wave_hessian(w):
    k = torch.arange(1, len(w) + 1, dtype=w.dtype)
    return -torch.sin(w @ k) * torch.outer(k, k) + torch.diag(w.exp())


def test_recorded_gradient_returns_the_gradient_on_a_graph_from_the_leaf():
    w = vector(1.0, 2.0)
    leaf, g = recorded_gradient(lambda w: (w**3).sum(), w)
    torch.testing.assert_close(g.detach(), vector(3.0, 12.0))
    (curvatures,) = torch.autograd.grad(g.sum(), leaf)
    torch.testing.assert_close(curvatures, vector(6.0, 12.0))


def test_nothing_is_left_with_the_tensor_that_was_given():
    w = vector(1.0, 2.0).requires_grad_()
    for result in (hessian_rows(wave, w), hvp(wave, w, w.detach())):
        assert not result.requires_grad
    leaf, _ = recorded_gradient(wave, w)
    assert w.grad is None and leaf.grad is None and leaf is not w


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_rows_are_those_of_a_hessian_known_in_closed_form(d):
    w = normal(d)
    torch.testing.assert_close(hessian_rows(wave, w), wave_hessian(w))


@pytest.mark.parametrize("d", [1, 2, 5])
def test_hvp_is_the_closed_hessian_times_the_vector(d):
    w, v = normal(2, d)
    torch.testing.assert_close(hvp(wave, w, v), wave_hessian(w) @ v)


def test_hvp_is_how_the_gradient_changes_along_the_vector():
    w, v, h = vector(-1.2, 1.0), vector(1.0, 2.0), 1e-5
    ahead = torch.func.grad(rosenbrock)(w + h * v)
    behind = torch.func.grad(rosenbrock)(w - h * v)
    # The central difference is off by h**2 times third derivatives, some 1e-7.
    expected = (ahead - behind) / (2 * h)
    torch.testing.assert_close(hvp(rosenbrock, w, v), expected, rtol=1e-6, atol=1e-4)


def test_hvp_is_linear_in_the_vector():
    w, u, v = normal(3, 4)
    expected = 2 * hvp(wave, w, u) - 3 * hvp(wave, w, v)
    torch.testing.assert_close(hvp(wave, w, 2 * u - 3 * v), expected)


def test_the_hessian_is_symmetric():
    H = hessian_rows(lambda w: (w.cumprod(0).sin() * w.flip(0)).sum(), normal(6))
    torch.testing.assert_close(H, H.T)


other = torch.ones(2, dtype=DOUBLE, requires_grad=True)


@pytest.mark.parametrize(
    "linear",
    [
        lambda w: w.sum(),
        lambda w: 3 * w[0],
        lambda w: w @ vector(1.0, 2.0),
        lambda w: w @ other,  # the gradient has a graph, but not from w
    ],
)
def test_a_linear_function_has_a_hessian_of_zeros(linear):
    w = vector(1.0, 2.0)
    torch.testing.assert_close(hessian_rows(linear, w), torch.zeros(2, 2).double())
    torch.testing.assert_close(hvp(linear, w, w), vector(0.0, 0.0))


def test_a_function_of_one_entry_has_zeros_for_the_other():
    H = hessian_rows(lambda w: w[0] ** 3, vector(2.0, 5.0))
    assert H.tolist() == [[12.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    "w", [torch.ones(2, 2), torch.tensor(1.0), torch.ones(2).int()]
)
def test_w_must_be_a_vector_of_floating_point_numbers(w):
    for call in (recorded_gradient, hessian_rows, lambda f, w: hvp(f, w, w)):
        with pytest.raises(ValueError, match="floating-point w of shape"):
            call(lambda w: w.sum(), w)


@pytest.mark.parametrize("f", [lambda w: w * w, lambda w: w.detach().sum()])
def test_f_must_return_one_number_computed_from_w(f):
    for call in (recorded_gradient, hessian_rows, lambda f, w: hvp(f, w, w)):
        with pytest.raises(ValueError, match="one number computed from w"):
            call(f, torch.ones(3))


def test_hvp_refuses_a_vector_of_another_length():
    with pytest.raises(ValueError, match=r"v like w, got \(3,\), \(2,\)"):
        hvp(wave, torch.ones(2), torch.ones(3))


def positive(d):
    A = normal(d, d)
    return A @ A.T + torch.eye(d, dtype=DOUBLE)


@pytest.mark.parametrize("d", [1, 2, 6])
def test_conjugate_gradients_solve_in_d_steps(d):
    H, b = positive(d), torch.arange(1, d + 1, dtype=DOUBLE)
    x = conjugate_gradient(lambda v: H @ v, b, d)
    torch.testing.assert_close(x, torch.linalg.solve(H, b))


def test_conjugate_gradients_stop_when_they_are_done():
    calls = []

    def product(v):
        calls.append(v)
        return 2 * v

    assert conjugate_gradient(product, vector(4.0, 6.0), 10).tolist() == [2.0, 3.0]
    assert len(calls) == 1
    assert conjugate_gradient(product, vector(0.0, 0.0), 10).tolist() == [0.0, 0.0]
    assert conjugate_gradient(product, vector(4.0, 6.0), 0).tolist() == [0.0, 0.0]
    assert len(calls) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_conjugate_gradients_stop_before_rounding_takes_over(dtype):
    h = torch.tensor([1.0, 2.0, 3.0], dtype=dtype)
    x = conjugate_gradient(lambda v: h * v, torch.ones_like(h), 5000)
    torch.testing.assert_close(x, 1 / h)


def test_conjugate_gradients_refuse_what_is_not_positive_definite():
    for sign in (-1.0, 0.0):
        with pytest.raises(ValueError, match="positive curvature"):
            conjugate_gradient(lambda v, sign=sign: sign * v, vector(1.0, 2.0), 2)
    with pytest.raises(ValueError, match="steps >= 0"):
        conjugate_gradient(lambda v: v, vector(1.0), -1)


def test_the_picture_shows_the_eigenvalues_as_extreme_curvatures():
    w = vector(-1.2, 1.0)
    draw_curvature(rosenbrock, w, torch.tensor([[1330, 480], [480, 200]]).double())
    top, bottom = plt.gcf().axes
    labels = [text.get_text() for text in top.get_legend().get_texts()]
    dots = [line.get_xydata()[0].tolist() for line in bottom.lines[1:]]
    plt.close()
    assert labels == ["1506.4 along 20 degrees", "23.6 along 110 degrees"]
    # Eigenvalues 765 ± sqrt(565² + 480²); one degree off costs less than 0.5.
    root = (565**2 + 480**2) ** 0.5
    assert dots[0] == [20, pytest.approx(765 + root, abs=0.5)]
    assert dots[1] == [110, pytest.approx(765 - root, abs=0.5)]
