"""Each claim of docs/en/tools/autograd.md about PyTorch, put to PyTorch."""

import pytest
import torch


@pytest.fixture
def x():
    return torch.arange(4.0, requires_grad=True)


def test_grad_is_numbers_that_do_not_follow_the_variables():
    a, b = (torch.tensor(v, requires_grad=True) for v in (3.0, 5.0))
    (a * b).backward()
    with torch.no_grad():
        b += 100
    assert (a.grad.item(), b.grad.item()) == (5.0, 3.0)
    assert a.grad.grad_fn is None and not a.grad.requires_grad


def test_three_backwards_without_clearing_add_up():
    w = torch.tensor(3.0, requires_grad=True)
    seen = []
    for _ in range(3):
        (w**2).backward()
        seen.append(w.grad.item())
    assert seen == [6.0, 12.0, 18.0]


@pytest.mark.parametrize(("to_none", "expected"), [(True, 0.89), (False, 0.7821)])
def test_zeros_let_momentum_and_decay_move_what_none_leaves_alone(to_none, expected):
    q = torch.ones((), dtype=torch.float64, requires_grad=True)
    sgd = torch.optim.SGD([q], lr=0.1, momentum=0.9, weight_decay=0.1)
    q.backward()
    sgd.step()  # velocity 1 + 0.1 * 1 = 1.1, so q = 1 - 0.11
    sgd.zero_grad(set_to_none=to_none)
    sgd.step()  # zeros: velocity 0.9 * 1.1 + 0.1 * 0.89 = 1.079
    assert q.item() == pytest.approx(expected)


def test_zero_grad_sets_none_unless_told_otherwise():
    q = torch.ones((), requires_grad=True)
    q.backward()
    torch.optim.SGD([q], lr=0.1).zero_grad()
    assert q.grad is None


def test_detach_shares_memory_and_stops_the_gradient(x):
    y = x * x
    u = y.detach()
    assert u.data_ptr() == y.data_ptr() and not u.requires_grad
    (slope,) = torch.autograd.grad((u * x).sum(), x)
    torch.testing.assert_close(slope, torch.arange(4.0) ** 2)
    (slope,) = torch.autograd.grad((y * x).sum(), x, retain_graph=True)
    torch.testing.assert_close(slope, 3 * torch.arange(4.0) ** 2)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(slope, 2 * torch.arange(4.0))


def test_no_grad_makes_a_constant_and_inference_mode_one_that_stays_sealed(x):
    with torch.no_grad():
        plain = x * x
    with torch.inference_mode():
        sealed = x * x
    with pytest.raises(RuntimeError, match="cannot be saved for backward"):
        sealed * x
    for constant in (plain, sealed.clone()):
        (slope,) = torch.autograd.grad((constant * x).sum(), x)
        torch.testing.assert_close(slope, torch.arange(4.0) ** 2)
    (slope,) = torch.autograd.grad((sealed + x).sum(), x)  # needs no value of it
    torch.testing.assert_close(slope, torch.ones(4))


def test_no_grad_leaves_dropout_on_and_eval_turns_it_off():
    dropout, ones = torch.nn.Dropout(), torch.ones(1000)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        assert (dropout(ones) == 0).any()
    assert torch.equal(dropout.eval()(ones), ones)


def test_whole_numbers_are_refused_and_complex_ones_are_not():
    with pytest.raises(RuntimeError, match="floating point and complex"):
        torch.arange(4, requires_grad=True)
    assert torch.ones(1, dtype=torch.complex64, requires_grad=True).requires_grad


def test_a_vector_needs_weights_and_ones_are_the_sum(x):
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        (x * x).backward()
    for weights in (torch.ones(4), torch.tensor([1.0, 0.0, 0.0, 10.0])):
        (by_weights,) = torch.autograd.grad(x * x, x, weights)
        (by_sum,) = torch.autograd.grad((weights * x * x).sum(), x)
        torch.testing.assert_close(by_weights, by_sum)
        torch.testing.assert_close(by_sum, 2 * weights * torch.arange(4.0))


def test_the_slope_is_highest_along_the_gradient_itself():
    gradient = torch.tensor([5.0, 3.0], dtype=torch.float64)
    angle = torch.linspace(0, 2 * torch.pi, 100_001, dtype=torch.float64)
    slopes = torch.stack([angle.cos(), angle.sin()], dim=1) @ gradient
    assert slopes.max().item() == pytest.approx(gradient.norm().item())  # 5.83
    best = angle[slopes.argmax()].rad2deg().item()
    assert best == pytest.approx(30.96, abs=0.01)
