"""What backward computes from many outputs, and whose gradient it is.

Page: docs/en/tools/backward_on_vectors.md
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.functional import jacobian
from torch.func import grad, vmap


# --8<-- [start:vjp]
def vjp(f: Callable, x: Tensor, v: Tensor) -> Tensor:
    """Return v^T J, where J is the Jacobian of `f` at `x`.

    One backward pass, which never builds J. `x` and `x.grad` are left alone.

    Shapes: x (any), f(x) and v of one shape, result as x.
    Raises: ValueError if `v` has not the shape of f(x);
            RuntimeError if f(x) was not made from x.
    """
    x = x.detach().requires_grad_()
    out = f(x)
    if out.shape != v.shape:
        shapes = f"{tuple(out.shape)}, got {tuple(v.shape)}"
        raise ValueError(f"expected v of shape {shapes}")
    (result,) = torch.autograd.grad(out, x, v)  # returned, not put into .grad
    return result
    # --8<-- [end:vjp]


# --8<-- [start:sum_input_grads]
def sum_input_grads(g: Callable, X: Tensor) -> Tensor:
    """Return the gradient of g(X).sum() with respect to X, by one backward pass.

    Shapes: X (n, ...), g(X) (n,), result as X.
    Raises: ValueError if g(X) is not one number for each row of X.
    """
    return vjp(g, X, X.new_ones(len(X)))
    # --8<-- [end:sum_input_grads]


# --8<-- [start:own_input_grads]
def own_input_grads(g: Callable, X: Tensor) -> Tensor:
    """Return, in row i, the gradient of g(X)[i] with respect to X[i] alone.

    It builds the whole Jacobian, by n backward passes, and reads its diagonal.

    Shapes: X (n, ...), g(X) (n,), result as X.
    Raises: ValueError if g(X) is not one number for each row of X;
            RuntimeError if X has no rows.
    """
    n = len(X)
    J = jacobian(g, X)  # (n, n, ...)
    if J.shape != (n, *X.shape):
        got = tuple(J.shape[: J.ndim - X.ndim])
        raise ValueError(f"expected g(X) of shape ({n},), got {got}")
    i = torch.arange(n)
    return J[i, i]
    # --8<-- [end:own_input_grads]


# --8<-- [start:cross_example_leak]
def cross_example_leak(g: Callable, X: Tensor) -> float:
    """Return the largest |d g(X)[i] / d X[j]| over two different examples i, j.

    Zero says that no output has a slope, at this X, in another example's input;
    nan says that some slope is not a number.

    Shapes: X (n, ...), g(X) (n, ...).
    Raises: ValueError if X has fewer than two rows, or g(X) not as many as X.
    """
    n = len(X)
    if n < 2:
        raise ValueError(f"expected at least two examples, got {n}")
    J = jacobian(g, X)  # (n, ..., n, ...)
    if J.ndim == X.ndim or len(J) != n:
        got = tuple(J.shape[: J.ndim - X.ndim])
        raise ValueError(f"expected g(X) with {n} rows, got shape {got}")
    blocks = J.movedim(-X.ndim, 1).reshape(n, n, -1)  # block i, j
    others = ~torch.eye(n, dtype=torch.bool, device=X.device)
    return blocks[others].abs().max().item()
    # --8<-- [end:cross_example_leak]


# --8<-- [start:per_example_grads]
def per_example_grads(loss: Callable, w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    """Return, in row i, the gradient in w of the loss of example i.

    `loss` is written for one example; `vmap` runs it on all of them at once.

    Shapes: w (p,), X (n, ...), y (n, ...), loss(w, X[i], y[i]) (), result (n, p).
    Units:  one example's loss a row: neither their sum nor their mean.
    Raises: ValueError if X and y differ in length;
            RuntimeError if the loss of one example is not one number.
    """
    return vmap(grad(loss), in_dims=(None, 0, 0))(w, X, y)
    # --8<-- [end:per_example_grads]
