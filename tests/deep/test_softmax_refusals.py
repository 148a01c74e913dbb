"""What the functions of firstdescent.deep.softmax refuse, and how they say so."""

import math

import pytest
import torch

from firstdescent.deep.softmax import (
    ce_grad,
    check_labels,
    check_scores,
    cross_entropy,
    fit_softmax,
    log_softmax,
    log_sum_exp,
    softmax,
)

D = torch.float64
INF, NAN = math.inf, math.nan


def scores(n, k, size=1.0, dtype=D, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (size * torch.randn(n, k, generator=generator, dtype=D)).to(dtype)


def labels(n, k, seed=1):
    return torch.randint(k, (n,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64]
)
def test_scores_are_float32_or_float64(dtype):
    o = torch.ones(2, 3).to(dtype)
    for f in (check_scores, log_sum_exp, log_softmax, softmax):
        with pytest.raises(TypeError, match="expected float32 or float64"):
            f(o)
    for f in (cross_entropy, ce_grad):
        with pytest.raises(TypeError, match="expected float32 or float64"):
            f(o, torch.tensor([0, 1]))
    with pytest.raises(TypeError, match="expected float32 or float64 X"):
        fit_softmax(o, torch.tensor([0, 1]), 2, 0.1, 1)


@pytest.mark.parametrize(
    "row", [[NAN, 0.0], [0.0, NAN], [INF, 0.0], [-INF, -INF], [INF, NAN]]
)
def test_scores_that_are_no_numbers_are_refused(row):
    o = torch.tensor([[0.0, 0.0], row], dtype=D)
    for f in (check_scores, log_sum_exp, log_softmax, softmax):
        with pytest.raises(ValueError, match="without nan or inf"):
            f(o)
    with pytest.raises(ValueError, match="without nan or inf"):
        cross_entropy(o, torch.tensor([0, 1]))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_scores_need_a_class(shape):
    with pytest.raises(ValueError, match="k > 0"):
        check_scores(torch.zeros(shape))


def test_labels_are_int64_class_numbers_one_a_row():
    o = scores(2, 3)
    for y in (torch.tensor([0.0, 1.0]), torch.tensor([True, False]), torch.eye(3)[:2]):
        with pytest.raises(TypeError, match="expected int64"):
            cross_entropy(o, y)
    for y in (torch.tensor([0]), torch.tensor([[0, 1]]), torch.tensor(0)):
        with pytest.raises(ValueError, match=r"labels \(n,\)"):
            ce_grad(o, y)
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=f"labels 0 to 2, got .*{wrong}"):
            check_labels(torch.tensor([1, wrong]), (2, 3))
    with pytest.raises(ValueError, match=r"scores \(n, k\)"):
        cross_entropy(o[0], torch.tensor([0, 1, 2]))


@pytest.mark.parametrize(
    ("X", "lr", "steps"),
    [
        (torch.zeros(2), 0.1, 1),
        (torch.zeros(0, 2), 0.1, 1),
        (torch.full((2, 2), NAN), 0.1, 1),
        (torch.full((2, 2), -INF), 0.1, 1),
        (torch.zeros(2, 2), 0.0, 1),
        (torch.zeros(2, 2), NAN, 1),
        (torch.zeros(2, 2), INF, 1),
        (torch.zeros(2, 2), 0.1, -1),
    ],
)
def test_fit_softmax_refuses_what_it_cannot_walk_on(X, lr, steps):
    with pytest.raises(ValueError, match="expected"):
        fit_softmax(X, labels(len(X), 2), 2, lr, steps)


def test_fit_softmax_refuses_labels_beyond_the_classes_even_for_no_steps():
    with pytest.raises(ValueError, match="labels 0 to 1"):
        fit_softmax(torch.zeros(2, 1), torch.tensor([0, 2]), 2, 0.1, 0)


def test_scores_are_a_tensor():
    for f in (check_scores, softmax):
        with pytest.raises(TypeError, match=r"float32 or float64 .*got list"):
            f([1.0, 2.0])


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_fit_softmax_tells_of_an_overflow(steps):
    y = torch.tensor([0, 1])
    for X, lr in (
        (torch.tensor([[3e38], [-3e38]]), 10.0),
        (torch.tensor([[1e200], [-1e200]], dtype=D), 1.0),
    ):
        with pytest.raises(ValueError, match="overflow: expected smaller X or lr"):
            fit_softmax(X, y, 2, lr, steps)
