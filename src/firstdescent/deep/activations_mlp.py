"""Activation functions and a first network with a hidden layer.

Page: docs/en/deep/activations_mlp.md
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.random import fork_rng

from firstdescent.deep.softmax import check_labels


# --8<-- [start:spirals]
def spirals(
    n: int, generator: torch.Generator, noise: float = 0.12
) -> tuple[Tensor, Tensor]:
    """Return n points on two spirals, and which one each is on.

    Shapes: X (n, 2), y (n,) of 0 and 1; float64, on the CPU.
    Units:  noise is the standard deviation of each coordinate.
    Raises: ValueError if n < 1, or noise is negative or not finite.
    """
    if n < 1 or not 0 <= noise < math.inf:
        raise ValueError(f"expected n >= 1, noise >= 0, got {n} and {noise}")
    turn = 0.5 + 2 * math.pi * torch.rand(n, generator=generator, dtype=torch.float64)
    y = torch.randint(2, (n,), generator=generator)
    angle = turn + math.pi * y
    X = torch.stack([turn * angle.cos(), turn * angle.sin()], 1) / 4
    scatter = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    return X + noise * scatter, y
    # --8<-- [end:spirals]


# --8<-- [start:mlp]
def mlp(
    sizes: Sequence[int],
    generator: torch.Generator,
    activation: Callable[[], nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Return linear layers of these sizes, with an activation between each two.

    Weights and biases start as nn.Linear starts them, uniform between plus and
    minus 1 / sqrt(inputs), but from `generator`: torch's own is left alone. With
    two sizes there is no activation. The network is float64, on the CPU.

    Shapes: (n, sizes[0]) in, (n, sizes[-1]) out.
    Raises: TypeError if a size is no integer; ValueError if one is below 1, or
            there are fewer than two.
    """
    if any(isinstance(s, bool) or not isinstance(s, int) for s in sizes):
        raise TypeError(f"expected integer sizes, got {list(sizes)}")
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"expected two or more sizes >= 1, got {list(sizes)}")
    layers = []
    for d, k in pairwise(sizes):
        with fork_rng(devices=[]):  # nn.Linear draws too: put torch's own back
            layer = nn.Linear(d, k, dtype=torch.float64, device="cpu")
        for p in layer.parameters():
            nn.init.uniform_(p, -(d**-0.5), d**-0.5, generator=generator)
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1])  # nothing after the last layer
    # --8<-- [end:mlp]


# --8<-- [start:slopes]
def slopes(f: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """Return the slope of f at each number of z, as autograd sees it.

    f must work number by number. That is not checked: of softmax or cumsum you get
    the slope of the sum. At a kink the answer is autograd's convention.

    Shapes: z of any shape, f(z) and the result the same; detached.
    Raises: TypeError if z is not of a floating-point dtype; ValueError if f
            changes the shape, or does not depend on z.
    """
    if not z.is_floating_point():
        raise TypeError(f"expected floating-point numbers, got {z.dtype}")
    z = z.detach().clone().requires_grad_()
    with torch.enable_grad():  # also where the caller has switched it off
        value = f(z * 1)  # f may work in place
        if value.shape != z.shape or not value.requires_grad:
            got = f"{tuple(value.shape)}, from z: {value.requires_grad}"
            raise ValueError(f"expected f(z) {tuple(z.shape)} made from z, got {got}")
        return torch.autograd.grad(value.sum(), z)[0]
    # --8<-- [end:slopes]


# --8<-- [start:bends]
def bends(net: nn.Sequential) -> tuple[Tensor, Tensor]:
    """Return where a line folded by ReLUs bends, and by how much its slope changes.

    Exact: read off the weights. Units with weight 0 fold nothing. Units that fold
    at the same place are added up, and left out if their changes cancel. A
    place closer than rounding to another counts as another.

    Shapes: both (m,), m at most the hidden width; ascending places; detached.
    Raises: TypeError if net is not Linear, ReLU, Linear; ValueError if it has
            not one input and one output, or a weight, place or change is not
            finite.
    """
    kinds = [type(part) for part in net]
    if kinds != [nn.Linear, nn.ReLU, nn.Linear]:
        got = [kind.__name__ for kind in kinds]
        raise TypeError(f"expected Linear, ReLU, Linear, got {got}")
    w, v = net[0].weight.detach(), net[2].weight.detach()
    if w.shape[1] != 1 or v.shape[0] != 1:
        raise ValueError(f"expected 1 input, 1 output, got {w.shape[1]}, {v.shape[0]}")
    w, v = w[:, 0], v[0]
    b = torch.zeros_like(w) if net[0].bias is None else net[0].bias.detach()
    places, unit = torch.unique(0 - b[w != 0] / w[w != 0], return_inverse=True)
    change = torch.zeros_like(places).index_add(0, unit, (v * w.abs())[w != 0])
    if not torch.cat([w, b, v, places, change]).isfinite().all():
        raise ValueError("expected finite weights and places, got inf or nan")
    return places[change != 0], change[change != 0]
    # --8<-- [end:bends]


# --8<-- [start:dead_units]
@torch.no_grad()
def dead_units(net: nn.Sequential, X: Tensor) -> list[Tensor]:
    """Return, for each ReLU of net, which units give 0 on every row of X.

    Give it all the rows you train on: on a few, living units look dead. If the
    net has dropout or batch norm, call net.eval() first.

    Shapes: X (n, d), n > 0; one (width,) of bool for each nn.ReLU, in order.
    Raises: TypeError if net is no nn.Sequential, or a part of it holds further
            modules; ValueError if X is not (n, d) with n > 0, a value is nan, or
            there is no nn.ReLU; what the net raises for rows it cannot take.
    """
    if not isinstance(net, nn.Sequential):
        raise TypeError(f"expected an nn.Sequential, got {type(net).__name__}")
    nested = [type(part).__name__ for part in net if [*part.children()]]
    if nested:
        raise TypeError(f"expected parts without modules inside, got {nested}")
    if X.dim() != 2 or not len(X):
        raise ValueError(f"expected rows X (n, d), n > 0, got {tuple(X.shape)}")
    dead, h = [], X.clone()  # an in-place ReLU must not write into X
    for part in net:
        h = part(h)
        if isinstance(part, nn.ReLU):
            if h.isnan().any():
                raise ValueError("expected numbers after the ReLU, got nan")
            dead.append((h == 0).all(0))
    if not dead:
        raise ValueError("expected an nn.ReLU in the network, got none")
    return dead
    # --8<-- [end:dead_units]


# --8<-- [start:check_together]
def check_together(nets: Sequence[nn.Sequential], X: Tensor, y: Tensor) -> None:
    """Return nothing, or raise if these networks cannot be trained side by side.

    Shapes: X (k, n, d), y (k, n) of class numbers, for k networks.
    Raises: ValueError if there is no network or one comes twice, they are not of the
            same layers, anything but nn.Linear with bias has parameters, one is
            frozen, X or y has another shape or no row, or X is not finite; TypeError
            if X and the weights differ in dtype; both as `check_labels`.
    """
    if not nets or X.dim() != 3 or len(X) != len(nets) or y.shape != X.shape[:2]:
        got = f"{len(nets)} networks, X {tuple(X.shape)}, y {tuple(y.shape)}"
        raise ValueError(f"expected k networks, X (k, n, d) and y (k, n), got {got}")
    if len({str(net) for net in nets}) > 1 or len(set(nets)) < len(nets):
        raise ValueError("expected different networks, all of the same layers")
    for net in nets:
        for part in net:
            found = [p.requires_grad for p in part.parameters()]
            if found != [True, True] * isinstance(part, nn.Linear):
                got = f"{part}, trainable: {found}"
                raise ValueError(f"expected nn.Linear with bias to train, got {got}")
    *_, last = nets[0].parameters()
    if X.dtype != last.dtype:
        raise TypeError(f"expected X of {last.dtype}, as the weights, got {X.dtype}")
    if not X.numel() or not X.isfinite().all():
        raise ValueError(f"expected rows of finite numbers, got X {tuple(X.shape)}")
    check_labels(y.flatten(), (y.numel(), len(last)))
    # --8<-- [end:check_together]


# --8<-- [start:adam_steps]
def adam_steps(
    losses: Callable[[], Tensor], params: list[Tensor], lr: float, steps: int
) -> None:
    """Return nothing; walk `steps` Adam steps down the sum of losses(), in place.

    Betas 0.9 and 0.999, eps 1e-8: PyTorch's defaults.

    Shapes: losses() of any; params leaf tensors that require gradients.
    Raises: ValueError if lr is not positive and finite, steps is negative, or the
            square of a gradient is not finite.
    Source: the formulas of optimisation/averaging_losses, section Adam.
    """
    if not 0 < lr < math.inf or steps < 0:
        raise ValueError(f"expected a positive lr, steps >= 0, got {lr} and {steps}")
    means = [torch.zeros_like(p) for p in params]
    squares = [torch.zeros_like(p) for p in params]
    for t in range(1, steps + 1):
        grads = torch.autograd.grad(losses().sum(), params)
        with torch.no_grad():
            for p, g, m, v in zip(params, grads, means, squares, strict=True):
                m.lerp_(g, 0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                scale = (v / (1 - 0.999**t)).sqrt() + 1e-8
                if not scale.isfinite().all():
                    raise ValueError(
                        "losses overflow: a squared gradient is not finite"
                    )
                p -= lr * (m / (1 - 0.9**t)) / scale
    # --8<-- [end:adam_steps]


# --8<-- [start:train_together]
def train_together(
    nets: Sequence[nn.Sequential], X: Tensor, y: Tensor, lr: float, steps: int
) -> Tensor:
    """Return the losses after `steps` full-batch Adam steps, one for each network.

    The networks, made by `mlp` with the same sizes and activation, are trained in
    place, side by side. Network i sees X[i] and y[i] only, and takes the steps
    that it would take alone, up to rounding.

    Shapes: X (k, n, d), y (k, n) of class numbers, for k networks; result (k,).
    Units:  each loss is the mean cross-entropy of its n rows, in nats.
    Raises: TypeError and ValueError as `check_together` and `adam_steps`;
            ValueError if a loss overflows (the networks are then as they were).
    """
    check_together(nets, X, y)
    each = zip(*[net.parameters() for net in nets], strict=True)
    stacks = [torch.stack(ps).detach().requires_grad_() for ps in each]

    def losses() -> Tensor:  # (k,): no network's loss knows another's weights
        h, weights = X, iter(stacks)
        for part in nets[0]:
            if isinstance(part, nn.Linear):
                W, b = next(weights), next(weights)  # (k, out, in), (k, out)
                h = torch.baddbmm(b[:, None], h, W.mT)
            else:
                h = part(h)
        loss = cross_entropy(h.flatten(0, 1), y.flatten(), reduction="none")
        return loss.view(y.shape).mean(1)

    adam_steps(losses, stacks, lr, steps)
    with torch.no_grad():
        last = losses()
        if not last.isfinite().all():
            raise ValueError(f"losses overflow: expected smaller lr than {lr}, or X")
        for i, net in enumerate(nets):
            for p, stack in zip(net.parameters(), stacks, strict=True):
                p.copy_(stack[i])
        return last
    # --8<-- [end:train_together]
