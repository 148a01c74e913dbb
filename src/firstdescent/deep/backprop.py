"""A network with one hidden layer, forward and backward by hand, and what it keeps.

Page: docs/en/deep/backprop.md
"""

import weakref
from collections.abc import Callable, Iterable
from numbers import Real
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from firstdescent.tools.autograd import graph_nodes


# --8<-- [start:Cache]
class Cache(NamedTuple):
    """What `backward` needs from `forward`; neither Z nor O is in it.

    The tensors are those of the forward pass, not copies: change one in place
    and `backward` gives another gradient, without an error.

    Shapes: X (n, d), y (n,), H (n, h), P (n, k), W1 (h, d), W2 (k, h).
    """

    X: Tensor
    y: Tensor
    H: Tensor
    P: Tensor
    W1: Tensor
    W2: Tensor
    lam: float
    # --8<-- [end:Cache]


# --8<-- [start:Gradients]
class Gradients(NamedTuple):
    """The slopes of J in the weights.

    Shapes: W1 (h, d), W2 (k, h).
    """

    W1: Tensor
    W2: Tensor
    # --8<-- [end:Gradients]


# --8<-- [start:check_network]
def check_network(
    W1: Tensor, W2: Tensor, X: Tensor, y: Tensor, lam: float = 0.0
) -> None:
    """Return None if `forward` can run on these, else raise.

    Shapes: W1 (h, d), W2 (k, h), X (n, d), y (n,) with n > 0.
    Raises: TypeError if one is no tensor, W1, W2 and X are not of one
            floating-point dtype, y is not int64, or lam is not a number;
            ValueError if they are on several devices, the shapes do not fit, a
            label is not in 0 ... k - 1, or a number is not finite, or lam < 0.
    """
    if not all(isinstance(t, Tensor) for t in (W1, W2, X, y)):
        raise TypeError("expected tensors W1, W2, X and y")
    if not (W1.dtype == W2.dtype == X.dtype and X.is_floating_point()):
        kinds = f"{W1.dtype}, {W2.dtype} and {X.dtype}"
        raise TypeError(f"expected one floating-point dtype, got {kinds}")
    if y.dtype != torch.int64:
        raise TypeError(f"expected labels of dtype int64, got {y.dtype}")
    if not isinstance(lam, Real) or isinstance(lam, bool):
        raise TypeError(f"expected a number for lam, got {lam!r}")
    if len({t.device for t in (W1, W2, X, y)}) > 1:
        raise ValueError("expected W1, W2, X and y on one device")
    shapes = [tuple(t.shape) for t in (W1, W2, X, y)]
    if [len(shape) for shape in shapes] != [2, 2, 2, 1] or not len(y):
        raise ValueError(f"expected (h, d), (k, h), (n, d), (n,), got {shapes}")
    if shapes[0] != (W2.shape[1], X.shape[1]) or len(X) != len(y):
        raise ValueError(f"expected (h, d), (k, h), (n, d), (n,), got {shapes}")
    if not 0 <= lam <= torch.finfo(W1.dtype).max:
        raise ValueError(f"expected a finite lam >= 0, got {lam}")
    if y.min() < 0 or y.max() >= len(W2):
        found = f"{y.min().item()} to {y.max().item()}"
        raise ValueError(f"expected labels from 0 to {len(W2) - 1}, got {found}")
    if not all(t.isfinite().all() for t in (W1, W2, X)):
        raise ValueError("expected finite W1, W2 and X, got inf or nan")
    # --8<-- [end:check_network]


# --8<-- [start:forward]
@torch.no_grad()
def forward(
    W1: Tensor, W2: Tensor, X: Tensor, y: Tensor, lam: float = 0.0
) -> tuple[Tensor, Cache]:
    """Return J of a ReLU network with weight decay, and what `backward` needs.

    Shapes: W1 (h, d), W2 (k, h), X (n, d), y (n,) int64, J ().
    Units:  J = mean over the n examples of the cross-entropy in nats, plus
            lam / 2 times the sum of all squared weights, counted once.
    Raises: as check_network; FloatingPointError if J overflows, or a step to it.
    """
    check_network(W1, W2, X, y, lam)
    lam = float(lam)
    Z = X @ W1.T  # (n, h)
    H = Z.relu()  # (n, h)
    log_P = (H @ W2.T).log_softmax(dim=1)  # (n, k), from the logits O
    L = -log_P[torch.arange(len(y), device=y.device), y].mean()
    s = lam / 2 * ((W1**2).sum() + (W2**2).sum()) if lam else 0.0
    J = L + s
    if not J.isfinite():
        raise FloatingPointError(f"J is {J.item()}: weights, inputs or lam too big")
    return J, Cache(X, y, H, log_P.exp(), W1, W2, lam)
    # --8<-- [end:forward]


# --8<-- [start:backward]
@torch.no_grad()
def backward(cache: Cache) -> Gradients:
    """Return the slopes of J in W1 and W2, from the cache of `forward`.

    Shapes: as in Cache and Gradients.
    Units:  slopes of a mean over the n examples, plus lam times the weights.
    Raises: FloatingPointError if a slope overflows.
    """
    X, y, H, P, W1, W2, lam = cache
    O_bar = P.clone()
    O_bar[torch.arange(len(y), device=y.device), y] -= 1  # p - onehot, in each row
    O_bar /= len(y)  # J holds the mean
    W2_bar = O_bar.T @ H + lam * W2  # two paths: through L and through s
    H_bar = O_bar @ W2
    Z_bar = torch.where(H > 0, H_bar, 0.0)  # h > 0 exactly where z > 0
    W1_bar = Z_bar.T @ X + lam * W1
    if not (W1_bar.isfinite().all() and W2_bar.isfinite().all()):
        raise FloatingPointError(f"a slope overflows in {X.dtype}")
    return Gradients(W1_bar, W2_bar)
    # --8<-- [end:backward]


# --8<-- [start:node_table]
def node_table(J: Tensor, names: dict[str, Tensor]) -> list[tuple[str, str, list[str]]]:
    """Return (kind, what it makes, what it keeps) for each node of the graph of J.

    A tensor that is not among `names` is called "?"; a node that makes none
    of them has "". Shapes and Python numbers that a node keeps are not listed; a
    number that PyTorch made a tensor is. Of names that share memory the last one
    is told. C++ nodes that keep lists of tensors in their own way may show none.

    Shapes: J (any), names (any).
    Raises: ValueError if J has no graph; RuntimeError if it was freed.
    """
    at = {t.untyped_storage().data_ptr(): name for name, t in names.items()}
    made = {t.grad_fn: name for name, t in names.items() if t.grad_fn is not None}
    table = []
    for node in graph_nodes(J):
        kind = type(node).__name__.removesuffix("Backward0")
        if kind == "AccumulateGrad":  # the node of a leaf
            made[node] = at.get(node.variable.untyped_storage().data_ptr(), "?")
        saved = [getattr(node, key) for key in dir(node) if key.startswith("_saved")]
        saved.append(getattr(node, "saved_tensors", ()))  # of your own Function
        saved = [t for t in tree_leaves(saved) if isinstance(t, Tensor)]
        keeps = [at.get(t.untyped_storage().data_ptr(), "?") for t in saved]
        table.append((kind, made.get(node, ""), keeps))
    return table
    # --8<-- [end:node_table]


# --8<-- [start:saved_bytes]
def saved_bytes(fn: Callable[[], object], but: Iterable[Tensor] = ()) -> int:
    """Return the bytes that autograd saves for backward while `fn()` runs.

    Memory that several nodes save, or of which they save parts, counts once
    and in full. Memory of the tensors in `but` (the parameters, say) does not
    count. What a backward() inside `fn` has freed again does count. A saved
    tensor that is changed in place is not noticed by a backward() inside `fn`.

    Shapes: but (any), dense.
    Raises: TypeError if fn cannot be called or `but` holds something else.
    """
    but = [but] if isinstance(but, Tensor) else list(but)
    if not callable(fn):
        raise TypeError(f"expected a function, got {type(fn).__name__}")
    if not all(isinstance(t, Tensor) for t in but):
        raise TypeError("expected tensors in `but`")
    kept = {}

    def pack(t: Tensor) -> Tensor:
        memory = t.untyped_storage()
        kept[t.device, memory.data_ptr()] = memory  # held: no address comes twice
        return t.detach()  # t itself could hold the graph that holds it

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        fn()
    for t in but:
        kept.pop((t.device, t.untyped_storage().data_ptr()), None)
    return sum(memory.nbytes() for memory in kept.values())
    # --8<-- [end:saved_bytes]


# --8<-- [start:LiveBytes]
class LiveBytes(TorchDispatchMode):
    """Counts the bytes of what operations made inside its `with`, while it lives.

    `now` is their sum at this moment, and goes on falling after the `with`;
    `peak` is the largest it has been after an operation. What an operation
    needs for itself, and frees before it ends, is not seen. Neither is what
    torch.tensor, as_tensor or from_numpy bring in, nor what resize_ adds.

    Shapes: any tensors, dense; views of one memory count once, in full.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now, self.peak, self._known = 0, 0, set()

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = operation(*args, **kwargs)
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        old = {t.untyped_storage()._cdata for t in given} | self._known
        for t in tree_leaves(result):
            if not isinstance(t, Tensor) or t.untyped_storage()._cdata in old:
                continue  # no tensor, or a view of memory that was there before
            memory = t.untyped_storage()
            old.add(memory._cdata)
            self._known.add(memory._cdata)
            self.now += memory.nbytes()
            weakref.finalize(memory, self._forget, memory._cdata, memory.nbytes())
        self.peak = max(self.peak, self.now)
        return result
        # --8<-- [end:LiveBytes]
