"""The steps, the penalty, the shrink and the groups, against PyTorch and by hand."""

from fractions import Fraction
from math import inf, nan

import pytest
import torch
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.testing import assert_close

from firstdescent.deep.weight_decay import (
    adam_step,
    check_number,
    check_update,
    l2_penalty,
    sgd_step,
    shrink_after,
)

GRADIENTS = torch.randn(
    30, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64
)
START = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
ZERO = torch.zeros_like(START)


def walk(kind, **settings):
    w = START.clone().requires_grad_()
    optimiser = kind([w], **settings)
    for g in GRADIENTS:
        w.grad = g.clone()
        optimiser.step()
    return w.detach()


def test_the_penalty_counts_every_entry_and_its_gradient_is_lam_w():
    w = torch.tensor([3.0, -4.0], requires_grad=True)
    B = torch.tensor([[1.0], [2.0]], requires_grad=True)
    penalty = l2_penalty(iter([w, B]), 0.5)  # an iterator is read once
    assert penalty.item() == 0.25 * (9 + 16 + 1 + 4)
    penalty.backward()
    assert_close(w.grad, torch.tensor([1.5, -2.0]))
    assert_close(B.grad, torch.tensor([[0.5], [1.0]]))
    assert l2_penalty([w], 0).item() == 0


@pytest.mark.parametrize("bad", [torch.ones(2), [torch.tensor([1])], [1.0], [1j]])
def test_the_penalty_refuses_what_is_no_list_of_real_tensors(bad):
    with pytest.raises(TypeError, match="expected"):
        l2_penalty(bad, 0.1)


def test_the_penalty_refuses_nothing_to_penalise():
    with pytest.raises(ValueError, match="at least one tensor"):
        l2_penalty([], 0.1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_penalty_of_half_precision_weights_does_not_overflow(dtype):
    w = torch.full((2,), 256.0, dtype=dtype, requires_grad=True)
    penalty = l2_penalty([w, torch.ones(2, dtype=torch.float64)], 0.5)
    assert penalty.item() == 0.25 * (2 * 65536 + 2)
    penalty.backward()
    assert w.grad.tolist() == [128, 128]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_step_inside_is_torchs_sgd(momentum):
    w, v = START, ZERO
    for g in GRADIENTS:
        w, v = sgd_step(w, g, v, 0.1, 0.3, momentum)
    assert_close(w, walk(SGD, lr=0.1, weight_decay=0.3, momentum=momentum))


def test_sgd_step_outside_keeps_the_decay_out_of_the_velocity():
    w, v = sgd_step(START, 0 * START, START, 0.1, 0.5, 0.8, decoupled=True)
    assert_close(v, 0.8 * START)
    assert_close(w, (0.95 - 0.08) * START)


def test_without_momentum_inside_and_outside_are_one_step():
    inside = sgd_step(START, GRADIENTS[0], ZERO, 0.1, 0.5)[0]
    outside = sgd_step(START, GRADIENTS[0], ZERO, 0.1, 0.5, decoupled=True)[0]
    assert_close(inside, outside)


@pytest.mark.parametrize(("kind", "decoupled"), [(Adam, False), (AdamW, True)])
def test_adam_step_is_torchs_adam_inside_and_adamw_outside(kind, decoupled):
    w, m, v = START, ZERO, ZERO
    for t, g in enumerate(GRADIENTS, 1):
        w, m, v = adam_step(
            w, g, m, v, t, 0.1, 0.3, decoupled, betas=(0.8, 0.95), eps=1e-3
        )
    settings = {"lr": 0.1, "weight_decay": 0.3, "betas": (0.8, 0.95), "eps": 1e-3}
    assert_close(w, walk(kind, **settings))
    with pytest.raises(AssertionError):
        assert_close(w, walk(AdamW if kind is Adam else Adam, **settings))


def test_the_defaults_are_those_of_torch():
    w, m, v = START, ZERO, ZERO
    for t, g in enumerate(GRADIENTS, 1):
        w, m, v = adam_step(w, g, m, v, t, 1e-3, 0.01, decoupled=True)
    assert_close(w, walk(AdamW))


@pytest.mark.parametrize("bad", [-1.0, inf, nan])
def test_a_number_must_be_finite_and_not_negative(bad):
    with pytest.raises(ValueError, match="lam >= 0"):
        check_number("lam", bad)
    with pytest.raises(ValueError, match="lr > 0"):
        check_number("lr", 0.0, positive=True)


@pytest.mark.parametrize(
    "bad", ["0.1", True, None, 1j, torch.tensor(0.1), Fraction(1, 2)]
)
def test_a_number_must_be_a_number(bad):
    with pytest.raises(TypeError, match="expected a number for lam"):
        check_number("lam", bad)


@pytest.mark.parametrize("g", [START[:3], START.float(), START[None], START * nan])
def test_an_update_needs_finite_tensors_of_one_shape_and_dtype(g):
    with pytest.raises(ValueError, match="expected"):
        sgd_step(START, g, ZERO, 0.1)
    with pytest.raises(ValueError, match="expected"):
        adam_step(START, g, ZERO, ZERO, 1, 0.1)


def test_an_update_refuses_integers_and_bad_settings():
    with pytest.raises(ValueError, match="expected floating-point"):
        check_update(torch.tensor([1]), lr=0.1, lam=0.0)
    with pytest.raises(ValueError, match="lr > 0"):
        check_update(START, lr=0.0, lam=0.0)
    with pytest.raises(ValueError, match="momentum < 1"):
        sgd_step(START, START, ZERO, 0.1, momentum=1.0)
    with pytest.raises(ValueError, match="finite momentum"):
        sgd_step(START, START, ZERO, 0.1, momentum=-0.1)
    for eps in (-1.0, 0.0):  # 0 would make 0 / 0 of a weight without gradients
        with pytest.raises(ValueError, match="finite eps > 0"):
            adam_step(START, ZERO, ZERO, ZERO, 1, 0.1, eps=eps)


def test_adam_step_refuses_a_negative_mean_square_and_an_overflow():
    with pytest.raises(ValueError, match="expected v >= 0"):
        adam_step(START, START, ZERO, ZERO - 1, 1, 0.1)
    w = torch.ones(2)
    for big in (w, torch.tensor([1.0, 1e20])):  # its square is inf in float32
        if big.max() > 1:
            with pytest.raises(ValueError, match="overflows"):
                adam_step(w, big, 0 * w, 0 * w, 1, 0.1)
        else:
            adam_step(w, big, 0 * w, 0 * w, 1, 0.1)


@pytest.mark.parametrize(
    ("t", "betas"),
    [(0, (0, 0)), (1.0, (0, 0)), (1, (0.9, 1)), (1, (0.9, 0.9, 0.9)), (1, (0.9,))],
)
def test_adam_step_refuses_a_step_before_the_first_and_a_beta_of_one(t, betas):
    with pytest.raises(ValueError, match="t >= 1, two betas"):
        adam_step(START, START, ZERO, ZERO, t, 0.1, betas=betas)


def test_shrink_after_is_what_adamw_does_without_gradients_under_a_schedule():
    w = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimiser = AdamW([w], lr=0.2, weight_decay=0.7)
    schedule, lrs = CosineAnnealingLR(optimiser, 20), []
    for _ in range(20):
        lrs.append(optimiser.param_groups[0]["lr"])
        w.grad = torch.zeros_like(w)
        optimiser.step()
        schedule.step()
    assert shrink_after(iter(lrs), 0.7) == pytest.approx(w.item(), rel=1e-12)


def test_shrink_after_keeps_its_digits_in_a_million_tiny_steps():
    exact = (1 - Fraction(1e-3) * Fraction(1, 10**9)) ** 2
    assert shrink_after([1e-3] * 2, 1e-9) == float(exact)
    assert shrink_after([1e-3] * 10**6, 1e-9) == pytest.approx(1 - 1e-6, abs=1e-12)


def test_shrink_after_nothing_and_after_everything():
    assert shrink_after([], 0.1) == 1
    assert shrink_after([0.0, 0.0], 0.1) == 1
    assert shrink_after([0.5, 2.0, 0.1], 0.5) == 0


def test_shrink_after_refuses_a_turn_of_the_sign_and_negative_steps():
    with pytest.raises(ValueError, match=r"lr \* lam <= 1"):
        shrink_after([2.001], 0.5)
    with pytest.raises(ValueError, match="finite lr"):
        shrink_after([-0.1], 0.5)
    with pytest.raises(ValueError, match="finite lam"):
        shrink_after([0.1], nan)
