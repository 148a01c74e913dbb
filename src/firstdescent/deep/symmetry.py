"""Hidden units that start equal: how long they stay so, and who parts them.

Page: docs/en/deep/symmetry.md
"""

from collections.abc import Callable, Sequence
from math import inf
from numbers import Integral, Real
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.optim import Optimizer

from firstdescent.regression.house_prices import squared_loss


# --8<-- [start:Weights]
class Weights(NamedTuple):
    """The weights of a network with one hidden layer of h units and one output.

    Shapes: W1 (h, d), b1 (h,), W2 (1, h), b2 (1,).
    """

    W1: Tensor
    b1: Tensor
    W2: Tensor
    b2: Tensor
    # --8<-- [end:Weights]


# --8<-- [start:check_weights]
def check_weights(net: Weights) -> None:
    """Return None if the four tensors fit together, else raise.

    Shapes: W1 (h, d), b1 (h,), W2 (1, h), b2 (1,), with h, d > 0.
    Raises: TypeError unless all are of one floating dtype; ValueError if a shape
            differs, or an entry is inf or nan.
    """
    dtypes = {part.dtype for part in net}
    if len(dtypes) > 1 or not net.W1.is_floating_point():
        raise TypeError(f"expected weights of one floating dtype, got {dtypes}")
    shapes = [tuple(part.shape) for part in net]
    if len(shapes[0]) != 2 or 0 in shapes[0]:
        raise ValueError(f"expected W1 (h, d) with h, d > 0, got {shapes[0]}")
    h = shapes[0][0]
    if shapes[1:] != [(h,), (1, h), (1,)]:
        raise ValueError(f"expected {(h,)}, {(1, h)}, (1,), got {shapes[1:]}")
    if not all(part.isfinite().all() for part in net):
        raise ValueError("expected finite weights, got inf or nan")
    # --8<-- [end:check_weights]


# --8<-- [start:two_layer]
def two_layer(
    X: Tensor,
    net: Weights,
    activation: Callable[[Tensor], Tensor] = torch.tanh,
    mask: Tensor | None = None,
) -> Tensor:
    """Return the network's output for each row of X.

    `mask` multiplies the hidden units, as dropout does.

    Shapes: X (n, d), mask (n, h), result (n,).
    Raises: ValueError if X, a weight or the mask has another shape, or a device.
    """
    h, d = len(net.b1), X.shape[-1]
    found = [tuple(part.shape) for part in (X, *net)]
    if X.dim() != 2 or found[1:] != [(h, d), (h,), (1, h), (1,)]:
        wanted = "X (n, d), W1 (h, d), b1 (h,), W2 (1, h) and b2 (1,)"
        raise ValueError(f"expected {wanted}, got {found}")
    if len(devices := {str(part.device) for part in (X, *net)}) > 1:
        raise ValueError(f"expected one device, got {sorted(devices)}")
    hidden = activation(X @ net.W1.T + net.b1)  # (n, h)
    if mask is not None:
        if mask.shape != hidden.shape:
            raise ValueError(f"expected a mask (n, h), got {tuple(mask.shape)}")
        hidden = hidden * mask
    return (hidden @ net.W2.T + net.b2)[:, 0]
    # --8<-- [end:two_layer]


# --8<-- [start:draw_mask]
def draw_mask(like: Tensor, n: int, rate: float, generator: Generator) -> Tensor:
    """Return a dropout mask: entries 0 with probability `rate`, else 1/(1 - rate).

    Shapes: like (h,) gives dtype and device, result (n, h).
    Raises: ValueError unless the rate is in [0, 1), and like is (h,).
    """
    if like.dim() != 1 or not 0 <= rate < 1:
        got = f"{tuple(like.shape)} and {rate}"
        raise ValueError(f"expected like (h,), a rate in [0, 1), got {got}")
    draws = torch.rand(
        n, len(like), generator=generator, device=generator.device, dtype=torch.float64
    )
    return (draws >= rate).to(like) / (1 - rate)
    # --8<-- [end:draw_mask]


# --8<-- [start:check_training]
def check_training(
    X: Tensor,
    y: Tensor,
    net: Weights,
    steps: int,
    batch_size: int | None,
    rate: float,
    generator: Generator | None,
) -> None:
    """Return None if `train` can start, else raise.

    Shapes: X (n, d), y (n,), net for d inputs.
    Raises: TypeError if X or y has another dtype than the weights, a count is no
            integer or the rate no number; ValueError if a shape or a device does
            not fit, an entry is inf or nan, steps < 1, the batch size is not in
            1..n, the rate not in [0, 1), or a generator is needed and missing; as
            check_weights.
    """
    check_weights(net)
    if {X.dtype, y.dtype} != {net.W1.dtype}:
        raise TypeError(f"expected {net.W1.dtype}, got {X.dtype} and {y.dtype}")
    devices = {part.device for part in (X, y, *net)}
    if len(devices) > 1:
        raise ValueError(f"expected one device, got {devices}")
    n, d = y.numel(), net.W1.shape[1]
    if n == 0 or X.shape != (n, d) or y.shape != (n,):
        found = f"{tuple(X.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected X (n, {d}) and y (n,), got {found}")
    if not (X.isfinite().all() and y.isfinite().all()):
        raise ValueError("expected finite data, got inf or nan")
    counts = {"steps": (steps, inf)}
    if batch_size is not None:
        counts["batch_size"] = (batch_size, n)
    for name, (count, most) in counts.items():
        if isinstance(count, bool) or not isinstance(count, Integral):
            raise TypeError(f"expected an integer {name}, got {count!r}")
        if not 1 <= count <= most:
            raise ValueError(f"expected {name} from 1 to {most}, got {count}")
    if isinstance(rate, bool) or not isinstance(rate, Real):
        raise TypeError(f"expected a number for the rate, got {rate!r}")
    if not 0 <= rate < 1:
        raise ValueError(f"expected a rate in [0, 1), got {rate}")
    if generator is None and (rate > 0 or batch_size is not None):
        raise ValueError("expected a generator for the batches and masks, got None")
    # --8<-- [end:check_training]


# --8<-- [start:train]
def train(
    start: Weights,
    X: Tensor,
    y: Tensor,
    optimiser: Callable[[Weights], Optimizer],
    steps: int,
    *,
    activation: Callable[[Tensor], Tensor] = torch.tanh,
    batch_size: int | None = None,
    rate: float = 0.0,
    generator: Generator | None = None,
) -> list[Weights]:
    """Return the weights before the first step and after each one.

    With `batch_size` a step sees that many rows, drawn without replacement; with
    `rate` it has dropout on the hidden units, a coin for each unit and row.
    `optimiser` makes one for the weights, whose `step` needs no closure (so not
    LBFGS). The start itself is not changed; the path holds copies.

    Shapes: X (n, d), y (n,).
    Units:  the loss is half the mean square over the rows of a step.
    Raises: as check_training; ValueError if the optimiser holds not all four
            weights that it was given, or if a weight overflows.
    """
    check_training(X, y, start, steps, batch_size, rate, generator)
    net = Weights(*(part.detach().clone().requires_grad_() for part in start))
    update, path = optimiser(net), [Weights(*(part.detach().clone() for part in net))]
    held = {id(part) for group in update.param_groups for part in group["params"]}
    if not held >= {id(part) for part in net}:
        raise ValueError("expected an optimiser of all four weights")
    rows, mask = torch.arange(len(y), device=X.device), None
    for _ in range(steps):
        if batch_size is not None:
            order = torch.randperm(len(y), generator=generator, device=generator.device)
            rows = order[:batch_size].to(X.device)
        if rate > 0:
            mask = draw_mask(net.b1, len(rows), float(rate), generator)
        update.zero_grad()
        squared_loss(two_layer(X[rows], net, activation, mask), y[rows]).backward()
        update.step()
        path.append(Weights(*(part.detach().clone() for part in net)))
    check_weights(path[-1])
    return path
    # --8<-- [end:train]


# --8<-- [start:distinct_units]
def distinct_units(net: Weights, atol: float) -> int:
    """Return how many hidden units differ, in incoming or outgoing weights.

    A unit is counted unless each of its weights (row of W1, entry of b1, column
    of W2) is within `atol` of the same weight of a unit counted before it. (So if
    units differ by about `atol`, the count can depend on their order.)

    Shapes: as check_weights.
    Raises: ValueError if atol is negative or nan; as check_weights.
    """
    check_weights(net)
    if not atol >= 0:
        raise ValueError(f"expected atol >= 0, got {atol}")
    units = torch.cat([net.W1, net.b1[:, None], net.W2.T], dim=1)  # (h, d + 2)
    counted = []
    for unit in units:
        if all((unit - other).abs().max() > atol for other in counted):
            counted.append(unit)
    return len(counted)
    # --8<-- [end:distinct_units]


# --8<-- [start:permute_units]
def permute_units(
    net: Weights, order: Sequence[int], signs: Sequence[int] | None = None
) -> Weights:
    """Return the network with its hidden units in another order.

    `signs` multiplies all of a unit's weights, incoming and outgoing: for an odd
    activation such as tanh, -1 leaves the network's outputs unchanged.

    Shapes: net as check_weights, order and signs of length h; result as net.
    Raises: TypeError if order holds booleans or other numbers than integers;
            ValueError if it holds not each of 0..h-1 once, or signs not only 1
            and -1, one a unit; as check_weights.
    """
    check_weights(net)
    h, order = len(net.b1), torch.as_tensor(list(order), device=net.b1.device)
    if len(order) > 0 and order.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"expected integers for the order, got {order.dtype}")
    if sorted(order.tolist()) != list(range(h)):
        raise ValueError(f"expected each of 0..{h - 1} once, got {order.tolist()}")
    signs = [1] * h if signs is None else [float(sign) for sign in signs]
    if len(signs) != h or not set(signs) <= {1, -1}:
        raise ValueError(f"expected {h} signs, each 1 or -1, got {signs}")
    flip = torch.tensor(signs).to(net.b1)
    W1 = net.W1[order] * flip[:, None]
    return Weights(W1, net.b1[order] * flip, net.W2[:, order] * flip, net.b2)
    # --8<-- [end:permute_units]
