"""The largest lam, the dtypes that came, and operations with several results."""

import pytest
import torch

from firstdescent.deep.backprop import LiveBytes, check_network, saved_bytes


def problem():
    y = torch.tensor([0, 1])
    return torch.ones(4, 3), torch.ones(2, 4), torch.ones(2, 3), y


def test_the_largest_finite_lam_is_no_mistake():
    assert check_network(*problem(), torch.finfo(torch.float32).max) is None


def test_the_refusal_of_dtypes_names_all_three():
    W1, W2, X, y = problem()
    words = "got torch.float64, torch.float32 and torch.float32"
    with pytest.raises(TypeError, match=words):
        check_network(W1.double(), W2, X, y)


def test_a_single_number_can_be_left_out_of_what_is_saved():
    s = torch.tensor(2.0, requires_grad=True)
    assert saved_bytes(lambda: s.sin()) == 4
    assert saved_bytes(lambda: s.sin(), but=s) == 0


def test_nothing_lives_before_the_first_operation():
    with LiveBytes() as live:
        pass
    assert (live.now, live.peak) == (0, 0)


def test_live_bytes_pass_the_settings_of_an_operation_on():
    with LiveBytes() as live:
        a = torch.zeros(25, dtype=torch.float64)
        assert live.now == 200
    assert a.dtype == torch.float64


def test_of_several_results_each_new_memory_counts_once():
    held = []

    def several():
        new = torch.zeros(10)
        return held[0], new, new[:5]

    library = torch.library.Library("first_descent_several", "DEF")
    library.define("several() -> (Tensor, Tensor, Tensor)")
    library.impl("several", several, "CompositeExplicitAutograd")
    with LiveBytes() as live:
        held.append(torch.zeros(100))
        old, new, part = torch.ops.first_descent_several.several()
        assert old.data_ptr() == held[0].data_ptr()
        assert new.data_ptr() == part.data_ptr()
        assert live.now == 400 + 40
