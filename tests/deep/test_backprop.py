"""firstdescent.deep.backprop against answers that it did not compute."""

from fractions import Fraction

import pytest
import torch
from torch.nn.functional import cross_entropy, linear, relu
from torch.testing import assert_close

from firstdescent.deep.backprop import backward, check_network, forward

NAN, INF = float("nan"), float("inf")


def problem(n=7, d=3, h=4, k=3, dtype=torch.float64):
    generator = torch.Generator().manual_seed(5)

    def draw(*shape):
        return torch.randn(*shape, generator=generator).to(dtype)

    y = torch.randint(k, (n,), generator=generator)
    return draw(h, d), draw(k, h), draw(n, d), y


def torchs_own(W1, W2, X, y, lam):
    W1, W2 = (W.clone().requires_grad_() for W in (W1, W2))
    loss = cross_entropy(relu(linear(X, W1)) @ W2.T, y)
    J = loss + lam / 2 * (W1.norm() ** 2 + W2.norm() ** 2)
    return J.detach(), torch.autograd.grad(J, (W1, W2))


@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("lam", [0, 0.3])
def test_value_and_gradients_are_those_of_torch(n, lam):
    data = problem(n)
    J, cache = forward(*data, lam)
    expected, slopes = torchs_own(*data, lam)
    assert_close(J, expected)
    assert_close(tuple(backward(cache)), slopes)


def test_the_gradients_are_those_of_a_finite_difference():
    W1, W2, X, y = problem()
    step = torch.zeros_like(W1)
    step[2, 1] = 1e-6
    up, down = (forward(W1 + e, W2, X, y, 0.3)[0] for e in (step, -step))
    slope = backward(forward(W1, W2, X, y, 0.3)[1]).W1[2, 1]
    assert_close(slope, (up - down) / 2e-6, rtol=1e-6, atol=1e-8)


def test_repeating_every_example_changes_nothing():
    W1, W2, X, y = problem()
    J, cache = forward(W1, W2, X, y, 0.3)
    twice, cache_twice = forward(W1, W2, X.repeat(2, 1), y.repeat(2), 0.3)
    assert_close(twice, J)
    assert_close(backward(cache_twice), backward(cache))


def test_many_rows_in_float32_agree_with_float64():
    data = problem(100_000, dtype=torch.float32)
    slopes = backward(forward(*data, 0.3)[1])
    wide = [t.double() if t.is_floating_point() else t for t in data]
    _, expected = torchs_own(*wide, 0.3)
    assert_close([g.double() for g in slopes], list(expected), rtol=1e-4, atol=1e-5)


def test_extreme_logits_give_finite_slopes():
    W = torch.tensor([[1000.0], [-1000.0]])
    J, cache = forward(torch.ones(1, 1), W, torch.ones(1, 1), torch.tensor([1]))
    assert J.item() == 2000
    assert backward(cache).W2.tolist() == [[1.0], [-1.0]]


def test_a_fraction_is_a_number_like_any_other():
    data = problem()
    J, cache = forward(*data, Fraction(3, 10))
    expected, slopes = torchs_own(*data, 0.3)
    assert_close(J, expected)
    assert_close(tuple(backward(cache)), slopes)


def test_without_a_penalty_its_squares_may_overflow():
    W1, W2 = torch.full((2, 2), 1e20), torch.full((1, 2), 1e-20)
    J, _ = forward(W1, W2, torch.ones(1, 2), torch.tensor([0]))
    assert J.item() == 0  # one class, float32


def test_the_cache_holds_the_tensors_themselves():
    W1, W2, X, y = problem()
    _, cache = forward(W1, W2, X, y, 0.3)
    before = backward(cache)
    W2.mul_(2)
    assert cache.W2 is W2
    assert cache.W1 is W1 and cache.X is X and cache.y is y
    assert not torch.allclose(backward(cache).W1, before.W1)


def test_nothing_is_recorded_and_nothing_is_changed():
    W1, W2, X, y = problem()
    before = [t.clone() for t in (W1, W2, X, y)]
    J, cache = forward(W1.requires_grad_(), W2.requires_grad_(), X, y, 0.3)
    first = backward(cache)
    assert not J.requires_grad and not first.W1.requires_grad
    assert_close(backward(cache), first)
    assert all(torch.equal(a, b) for a, b in zip((W1, W2, X, y), before, strict=True))


@pytest.mark.parametrize(
    ("place", "value", "error", "words"),
    [
        (0, torch.ones(4, 3), TypeError, "one floating-point dtype"),
        (2, torch.ones(7, 3, dtype=torch.int64), TypeError, "floating-point"),
        (3, torch.zeros(7), TypeError, "int64"),
        (3, torch.zeros(7, dtype=torch.bool), TypeError, "int64"),
        (4, True, TypeError, "a number for lam"),
        (4, "1", TypeError, "a number for lam"),
        (4, -1e-9, ValueError, "finite lam >= 0"),
        (4, 10**400, ValueError, "finite lam >= 0"),
        (0, [[1.0]], TypeError, "expected tensors"),
        (3, torch.zeros(7, dtype=torch.int64, device="meta"), ValueError, "one device"),
        (4, NAN, ValueError, "finite lam >= 0"),
        (4, INF, ValueError, "finite lam >= 0"),
        (0, torch.ones(4, 2).double(), ValueError, "expected \\(h, d\\)"),
        (1, torch.ones(3, 5).double(), ValueError, "expected \\(h, d\\)"),
        (2, torch.ones(6, 3).double(), ValueError, "expected \\(h, d\\)"),
        (2, torch.ones(3).double(), ValueError, "expected \\(h, d\\)"),
        (3, torch.full((7,), 3), ValueError, "from 0 to 2, got 3"),
        (3, torch.full((7,), -1), ValueError, "from 0 to 2, got -1"),
        (0, torch.full((4, 3), NAN).double(), ValueError, "finite"),
        (2, torch.full((7, 3), INF).double(), ValueError, "finite"),
    ],
)
def test_what_cannot_be_meant_is_refused(place, value, error, words):
    arguments = [*problem(), 0.1]
    arguments[place] = value
    for f in (forward, check_network):
        with pytest.raises(error, match=words):
            f(*arguments)


def test_complex_numbers_and_no_examples_are_refused():
    W1, W2, X, y = problem()
    with pytest.raises(TypeError, match="floating-point"):
        forward(*(t.to(torch.complex128) for t in (W1, W2, X)), y)
    with pytest.raises(ValueError, match="expected"):
        forward(W1, W2, X[:0], y[:0])


def test_an_overflow_is_an_error_and_no_nan():
    W1, W2, X, y = problem(dtype=torch.float32)
    with pytest.raises(FloatingPointError, match="J is"):
        forward(1e30 * W1, W2, X, y, 0.1)
    with pytest.raises(FloatingPointError, match="J is nan"):
        forward(1e30 * W1, 1e30 * W2, X, y)
    with pytest.raises(FloatingPointError, match="lam too big"):
        forward(W1, W2, X, y, 3e38)


def test_a_slope_that_overflows_is_an_error_too():
    W1, W2 = torch.tensor([[1e-25]]), torch.tensor([[-1e18], [1e18]])
    J, cache = forward(W1, W2, torch.tensor([[1e25]]), torch.tensor([0]))
    assert J.isfinite()
    with pytest.raises(FloatingPointError, match="a slope overflows"):
        backward(cache)
