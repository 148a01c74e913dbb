"""What autograd keeps, counted by hand and by firstdescent.deep.backprop."""

import gc
import math
import weakref

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from firstdescent.deep.backprop import LiveBytes, node_table, saved_bytes


def test_the_table_says_what_each_node_makes_and_keeps():
    w = torch.tensor(2.0, requires_grad=True)
    e = w.exp()
    J = e * w
    names = {"w": w, "e": e, "J": J}
    assert node_table(J, names) == [
        ("Mul", "J", ["w", "e"]),
        ("Exp", "e", ["e"]),
        ("AccumulateGrad", "w", []),
    ]
    unknown = node_table(J, {})
    assert unknown[0] == ("Mul", "", ["?", "?"])
    assert unknown[2] == ("AccumulateGrad", "?", [])


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, slope):
        return 2 * ctx.saved_tensors[0] * slope


def test_lists_of_tensors_and_those_of_a_function_of_ones_own_are_listed():
    w, i = torch.ones(3, requires_grad=True), torch.tensor([0, 2])
    part = w[i]
    assert node_table(part, {"w": w, "i": i}) == [
        ("Index", "", ["i"]),
        ("AccumulateGrad", "w", []),
    ]
    assert node_table(Square.apply(w), {"w": w})[0][2] == ["w"]


def test_a_number_that_became_a_tensor_is_listed_and_a_shared_memory_has_one_name():
    w = torch.ones(3, requires_grad=True)
    names = {"w": w, "first": w.detach()[0]}
    half = torch.tensor(0.5)
    assert node_table(half * w, {"half": half})[0][2] == ["half"]
    assert node_table(w.sin(), names)[0][2] == ["first"]


def test_the_table_needs_a_graph_that_is_still_there():
    w = torch.tensor(2.0, requires_grad=True)
    with pytest.raises(ValueError, match="grad_fn"):
        node_table(w, {})
    J = w.exp()
    J.backward()
    with pytest.raises(RuntimeError, match="freed"):
        node_table(J, {})


def test_each_memory_is_counted_once_and_in_full():
    a = torch.ones(10, dtype=torch.float64, requires_grad=True)
    assert saved_bytes(lambda: a.sin()) == 80
    assert saved_bytes(lambda: a.sin() + a.cos() + a[:1].sin()) == 80
    assert saved_bytes(lambda: a.sin(), but=a) == 0
    assert saved_bytes(lambda: a.sin(), but=iter([a])) == 0
    assert saved_bytes(lambda: a + a) == 0
    assert saved_bytes(lambda: a.exp().sum().backward()) == 80
    assert saved_bytes(lambda: a[:0].sin()) == 80  # a view keeps all of it


def test_what_saved_bytes_watched_is_let_go():
    a = torch.ones(10, requires_grad=True)
    seen = []

    def program():
        out = a.exp()
        seen.append(weakref.ref(out))
        return out.relu()

    gc.disable()
    try:
        assert saved_bytes(program, but=[a]) == 80
        assert seen[0]() is None
    finally:
        gc.enable()


def test_the_gradients_under_saved_bytes_are_the_usual_ones():
    a = torch.tensor(2.0, requires_grad=True)
    slopes = []
    saved_bytes(lambda: slopes.append(torch.autograd.grad(a.exp() * a**3, a)[0]))
    assert_close(slopes[0].item(), math.exp(2) * (8 + 12), rtol=1e-6, atol=0)


def test_saved_bytes_watches_the_memory_itself_and_not_a_copy():
    a, places = torch.ones(10, requires_grad=True), []

    def program():
        out = a.exp()
        node = out.grad_fn
        places.append((out.data_ptr(), node._saved_result.data_ptr()))

    saved_bytes(program)
    assert places[0][0] == places[0][1]


def test_inside_saved_bytes_a_change_in_place_is_not_noticed():
    def slope():
        a = torch.tensor(2.0, requires_grad=True)
        b = a.exp()
        out = b * 1 + b  # b itself is kept by exp
        with torch.no_grad():
            b.mul_(10)
        return torch.autograd.grad(out, a)[0]

    with pytest.raises(RuntimeError, match="inplace"):
        slope()
    slopes = []
    saved_bytes(lambda: slopes.append(slope()))
    assert_close(slopes[0].item(), 20 * math.exp(2), rtol=1e-6, atol=0)


def test_saved_bytes_refuses_what_it_cannot_use():
    with pytest.raises(TypeError, match="expected a function, got Tensor"):
        saved_bytes(torch.ones(1))
    with pytest.raises(TypeError, match="expected tensors in `but`"):
        saved_bytes(lambda: None, but=nn.Linear(1, 1).named_parameters())


def test_live_bytes_rise_fall_and_remember_their_peak():
    with LiveBytes() as live:
        a = torch.zeros(100)
        view = a.view(10, 10)[0]
        a.add_(1)
        assert (live.now, live.peak) == (400, 400)
        b = torch.zeros(25)
        assert live.now == 500
        del a
        assert live.now == 500  # the view holds the memory
        del view
        assert (live.now, live.peak) == (100, 500)
    del b
    assert (live.now, live.peak) == (0, 500)


def test_memory_from_outside_does_not_count():
    a = torch.zeros(100)
    with LiveBytes() as live:
        kept = a.view(10, 10), a.t(), a.add_(1)
        assert live.now == 0
    assert len(kept) == 3


def test_live_bytes_forget_what_is_gone():
    with LiveBytes() as live:
        for _ in range(200):
            a = torch.zeros(100)
            assert live.now == 400
            del a
        assert (live.now, live.peak) == (0, 400)
    assert not live._known


def test_memory_that_an_operation_hands_out_again_counts_once():
    held = []
    library = torch.library.Library("first_descent_test", "DEF")
    library.define("held() -> Tensor")
    library.impl("held", lambda: held[0], "CompositeExplicitAutograd")
    with LiveBytes() as live:
        held.append(torch.zeros(100))
        again = torch.ops.first_descent_test.held()
        assert again.data_ptr() == held[0].data_ptr()
        assert live.now == 400


def test_live_bytes_do_not_see_what_comes_in_from_python_or_by_resize():
    with LiveBytes() as live:
        kept = torch.tensor([1.0] * 100), torch.empty(0).resize_(100)
        assert live.now == 0
    assert len(kept) == 2
