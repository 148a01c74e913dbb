"""Each claim of docs/en/tools/autograd_deeper.md about PyTorch, put to PyTorch."""

import subprocess
import sys
import warnings
import weakref
from itertools import pairwise

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
from torch.func import grad, jacfwd, jacrev
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from firstdescent.tools.autograd_deeper import hessian_rows, hvp

N, D = 30, 7


class Products(TorchDispatchMode):
    """The operands of each product of two matrices."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.mm.default:
            self.seen.append(args)
        return function(*args, **(kwargs or {}))

    def shapes(self):
        return [tuple(tuple(factor.shape) for factor in pair) for pair in self.seen]


@pytest.fixture(name="X")
def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N, D, generator=generator, dtype=torch.float64)


@pytest.fixture
def loss(X):
    def logistic(w):
        h = (X @ w[:, None])[:, 0]
        return (torch.nn.functional.softplus(h) - (X[:, 0] > 0) * h).mean()

    return logistic


@pytest.fixture
def w():
    return torch.full((D,), 0.1, dtype=torch.float64)


FORWARD, BACKWARD = ((N, D), (D, 1)), ((D, N), (N, 1))


def test_the_four_passes_of_a_product_are_the_four_of_the_table(X, loss, w):
    with Products() as products:
        result = hvp(loss, w, w)
    assert products.shapes() == [FORWARD, BACKWARD, FORWARD, BACKWARD]
    p = torch.sigmoid(X @ w)
    by_hand = [w, (p - (X[:, 0] > 0).double()) / N, w, p * (1 - p) / N * (X @ w)]
    for (_, column), expected in zip(products.seen, by_hand, strict=True):
        torch.testing.assert_close(column.detach()[:, 0], expected)
    torch.testing.assert_close(result, X.T @ by_hand[3])


def test_a_gradient_takes_no_product_for_the_data(loss, w):
    with Products() as products:
        grad(loss)(w)
    assert len(products.seen) == 2


def test_the_rows_share_one_recorded_gradient(loss, w):
    with Products() as products:
        hessian_rows(loss, w)
    assert products.shapes() == (1 + D) * [FORWARD, BACKWARD]


def test_jacrev_of_grad_and_functional_hessian_do_the_same_work(loss, w):
    counts = []
    for work in (
        lambda: hessian_rows(loss, w),
        lambda: jacrev(grad(loss))(w),
        lambda: torch.autograd.functional.hessian(loss, w),
    ):
        with FlopCounterMode(display=False) as counter:
            work()
        counts.append(counter.get_total_flops() / (2 * N * D))
    assert counts == 3 * [2 + 2 * D]


def test_each_layer_but_the_first_goes_back_through_nine_products():
    generator = torch.Generator().manual_seed(0)
    sizes = [2, 3, 5, 4]  # unequal, so that a product names its layer
    pairs = list(pairwise(sizes))
    Ws = [torch.randn(*pair, generator=generator).requires_grad_() for pair in pairs]
    with Products() as products:
        hidden = torch.ones(11, 2)
        for W in Ws:
            hidden = torch.tanh(hidden @ W)
        g = torch.autograd.grad((hidden**2).mean(), Ws, create_graph=True)
        torch.autograd.grad(g, Ws, Ws)
    of_layer = {pair: 0 for pair in pairs}
    for left, right in products.shapes():
        used = {left[0], left[1], right[1]} - {11}
        of_layer[next(pair for pair in pairs if set(pair) == used)] += 1
    assert list(of_layer.values()) == [4, 9, 9]


def test_autograd_grad_leaves_no_cycle_and_no_grad():
    x = torch.tensor(2.0, requires_grad=True)
    (slope,) = torch.autograd.grad(x**4, x, create_graph=True)
    assert x.grad is None
    watch = weakref.ref(x)
    del x, slope
    assert watch() is None  # at once, without the garbage collector


def test_pytorch_warns_of_the_cycle_once_in_a_process():
    code = """
import torch, warnings
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as caught:
    for _ in range(2):
        x = torch.tensor(2.0, requires_grad=True)
        (x**4).backward(create_graph=True)
        x.grad = None
print(len(caught), caught[0].category.__name__, "reference cycle" in str(caught[0]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "UserWarning", "True"]


def test_without_retain_graph_the_first_row_frees_the_graph():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (g,) = torch.autograd.grad((x**4).sum(), x, create_graph=True)
    torch.autograd.grad(g[0], x)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(g[1], x)


def test_a_forgotten_create_graph_makes_the_penalty_a_constant():
    X = torch.ones(4, 3, requires_grad=True)
    w = torch.ones(3, requires_grad=True)
    (slopes,) = torch.autograd.grad((X @ w).sum(), X, retain_graph=True)
    assert not (slopes**2).sum().requires_grad


def load_forward_mode():
    """The first use in a process warns: torch 2.13 scripts some formulas then."""
    with warnings.catch_warnings(), forward_ad.dual_level():
        warnings.simplefilter("ignore")
        forward_ad.make_dual(torch.ones(1), torch.ones(1))


def test_forward_mode_keeps_nothing_for_a_backward_pass():
    load_forward_mode()
    saved = []
    hooks = torch.autograd.graph.saved_tensors_hooks(saved.append, lambda t: t)
    with hooks, forward_ad.dual_level():
        pair = forward_ad.make_dual(torch.tensor([3.0, 5.0]), torch.tensor([0.6, 0.8]))
        value, slope = forward_ad.unpack_dual(pair.prod().sin())
    assert saved == [] and value.grad_fn is None
    expected = 5.4 * torch.cos(torch.tensor(15.0))
    torch.testing.assert_close(slope, expected)


def test_the_wasted_pass_of_forward_mode_multiplies_by_zeros():
    load_forward_mode()
    W = torch.ones(3, 2)
    with Products() as products, forward_ad.dual_level():
        pair = forward_ad.make_dual(torch.ones(2, 1), torch.ones(2, 1))
        forward_ad.unpack_dual(W @ pair)
    idle = [a for a, b in products.seen if not a.any() or not b.any()]
    assert (len(products.seen), len(idle)) == (3, 1)


@pytest.mark.parametrize(("n", "m"), [(1, 5), (4, 4), (6, 1), (2, 3)])
def test_a_jacobian_takes_n_plus_two_forward_or_m_plus_one_backward_passes(n, m):
    load_forward_mode()
    V, U = torch.ones(3, n) / 5, torch.ones(m, 3) / 5
    counts = []
    for jacobian in (jacfwd, jacrev):
        with FlopCounterMode(display=False) as counter:
            jacobian(lambda x: (U @ torch.tanh(V @ x[:, None]))[:, 0])(torch.ones(n))
        counts.append(counter.get_total_flops() / (2 * 3 * (n + m)))
    assert counts == [n + 2, m + 1]


def test_a_million_weights_take_four_thousand_gigabytes():
    H = torch.empty(10**6, 10**6, dtype=torch.float32, device="meta")
    assert H.nbytes == 4000 * 10**9 and H[0].nbytes == 4 * 10**6


def test_fused_attention_has_no_second_derivative_and_the_plain_one_has():
    from torch.nn.attention import SDPBackend, sdpa_kernel

    def f(w):
        q = w.view(1, 1, 4, 2)
        return torch.nn.functional.scaled_dot_product_attention(q, q, q).sum()

    w = torch.linspace(-1, 1, 8, dtype=torch.float32)
    with pytest.raises(RuntimeError, match="not implemented"):
        hvp(f, w, torch.ones(8))
    with sdpa_kernel(SDPBackend.MATH):
        assert hvp(f, w, torch.ones(8)).isfinite().all()


@pytest.mark.parametrize(("kind", "same"), [("SGD", True), ("AdamW", False)])
def test_the_penalty_is_weight_decay_for_plain_sgd_only(kind, same):
    ends = []
    for decay, penalty in ((0.2, 0.0), (0.0, 0.1)):
        w = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
        make = getattr(torch.optim, kind)
        optimiser = make([w], lr=0.1, weight_decay=decay)
        for _ in range(5):
            optimiser.zero_grad()
            (((w - 3) ** 2).mean() + penalty * (w**2).sum()).backward()
            optimiser.step()
        ends.append(w.detach())
    assert torch.allclose(*ends) == same


def test_an_antisymmetric_error_never_shows_in_the_quadratic_form():
    E = torch.tensor([[0.0, 5.0], [-5.0, 0.0]], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for s in torch.randn(5, 2, generator=generator, dtype=torch.float64):
        assert abs(s @ E @ s) < 1e-12
