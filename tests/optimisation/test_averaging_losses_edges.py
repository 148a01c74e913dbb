"""The edges of averaging_losses, and what its refusals name."""

import pytest
import torch
from torch.optim import SGD

from firstdescent.optimisation.averaging_losses import (
    check_batches,
    largest_gap,
    one_a_step,
    trajectory,
)

X = torch.tensor([[1.0, 2.0], [0.0, -1.0]], dtype=torch.float64)
Y = torch.tensor([1.0, -2.0], dtype=torch.float64)


def test_the_refusal_of_a_batch_names_its_shapes():
    with pytest.raises(ValueError, match=r"got \(2, 2\) and \(2, 1\)"):
        check_batches([(X, Y[:, None])])


def test_the_refusal_of_a_device_names_all_three():
    with pytest.raises(ValueError, match="expected cpu, got cpu and meta"):
        check_batches([(X, Y.to("meta"))])
    with pytest.raises(ValueError, match="expected cpu, got meta and meta"):
        check_batches([(X, Y), (X.to("meta"), Y.to("meta"))])


def test_the_refusal_of_a_dtype_names_what_is_wanted_and_what_came():
    with pytest.raises(TypeError, match=r"expected torch\.float64, got .*64 and .*32"):
        check_batches([(X, Y.float())])
    with pytest.raises(TypeError, match=r"expected floating point, got torch\.int64"):
        check_batches([(X.long(), Y.long())])


@pytest.mark.parametrize("value", ["0.1", b"0.1"])
def test_the_refusal_of_text_names_it(value):
    with pytest.raises(TypeError, match=f"got {value!r}"):
        one_a_step(value, 1)


def test_the_refusal_of_numbers_names_them():
    with pytest.raises(ValueError, match=r"finite numbers, got \[1\.0, inf\]"):
        one_a_step([1.0, float("inf")], 2)
    with pytest.raises(ValueError, match=r"lr >= 0, got -0\.5"):
        trajectory([(X, Y)] * 2, SGD, lr=[1.0, -0.5])


def test_the_refusal_of_a_reduction_names_it():
    with pytest.raises(ValueError, match='"mean" or "sum", got \'none\''):
        trajectory([(X, Y)], SGD, "none", lr=0.1)


def test_an_lr_of_0_stays_at_the_start():
    assert not trajectory([(X, Y)] * 2, SGD, lr=0.0).any()


def test_the_refusal_of_two_paths_names_their_shapes_or_their_dtypes():
    with pytest.raises(ValueError, match=r"got \(2, 2\) and \(1, 2\)"):
        largest_gap(X, X[:1])
    with pytest.raises(TypeError, match=r"got torch\.float64 and torch\.int64"):
        largest_gap(X, X.long())
    with pytest.raises(ValueError, match="finite paths, got nan or inf"):
        largest_gap(X / 0, X)
