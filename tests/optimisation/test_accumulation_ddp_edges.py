"""The edges of accumulation_ddp, and what its refusals name."""

import sys

import pytest
import torch
import torch.distributed as dist

from firstdescent.optimisation.accumulation_ddp import (
    accumulate,
    check_sum,
    linear_from_zero,
    rows_per_rank,
    squared_sum,
)

X = torch.tensor([[1.0, 2.0], [0.0, -1.0]], dtype=torch.float64)
Y = torch.tensor([[1.0], [-2.0]], dtype=torch.float64)


def test_the_refusal_of_two_dtypes_names_both():
    with pytest.raises(TypeError, match=r"got torch\.float64 and torch\.int64"):
        squared_sum(Y, Y.long())


def test_the_refusal_of_a_loss_names_what_it_is():
    with pytest.raises(TypeError, match=r"real tensor, got float$"):
        check_sum(1.0)
    with pytest.raises(TypeError, match=r"real tensor, got torch\.complex64"):
        check_sum(torch.tensor(1j))


@pytest.mark.parametrize("total", [True, "2"])
def test_the_refusal_of_a_total_names_it(total):
    with pytest.raises(TypeError, match=f"for total, got {total!r}"):
        accumulate(linear_from_zero(X), [(X, Y)], squared_sum, total)


def test_the_largest_number_is_a_total_too():
    total = sys.float_info.max
    value = accumulate(linear_from_zero(X), [(X, Y)], squared_sum, total)
    assert value == pytest.approx(2.5 / total)


def test_a_total_may_be_less_than_a_row():
    assert accumulate(linear_from_zero(X), [(X, Y)], squared_sum, 0.5) == 5


def test_the_refusal_of_chunks_that_are_used_up_says_so():
    with pytest.raises(ValueError, match=r"one chunk, got none \(used up\?\)"):
        accumulate(linear_from_zero(X), [], squared_sum, 2)


@pytest.mark.parametrize("count", [True, 2.0])
def test_the_refusal_of_a_count_names_it(count):
    with pytest.raises(TypeError, match=f"integer n_local, got {count!r}"):
        rows_per_rank(count, "cpu")


@pytest.mark.parametrize("rows", [1, 7])
def test_the_rows_are_shared_out_among_the_ranks(rows, monkeypatch):
    monkeypatch.setattr(dist, "all_reduce", lambda n: n.mul_(2))
    monkeypatch.setattr(dist, "get_world_size", lambda: 4)
    assert rows_per_rank(rows, "cpu") == rows / 2


def test_no_rows_on_any_rank_are_refused(monkeypatch):
    monkeypatch.setattr(dist, "all_reduce", lambda n: None)
    with pytest.raises(ValueError, match="got none on any rank"):
        rows_per_rank(0, "cpu")


def test_the_refusal_of_what_is_no_table_names_its_dtype_and_shape():
    with pytest.raises(ValueError, match=r"got torch\.int64 of shape \(2, 2\)"):
        linear_from_zero(X.long())
