"""Random weights of a chosen size, and what they do to a deep stack of layers.

Page: docs/en/deep/init_stability.md
"""

from collections.abc import Callable
from math import inf, sqrt
from numbers import Integral, Real
from typing import NamedTuple

import torch
from torch import Generator, Tensor


# --8<-- [start:check_counts]
def check_counts(**counts: int) -> None:
    """Return None if all are whole numbers of at least 1, else raise.

    Raises: TypeError if one is no integer; ValueError if one is below 1.
    """
    for name, count in counts.items():
        if not isinstance(count, Integral) or isinstance(count, bool):
            raise TypeError(f"expected an integer {name}, got {count!r}")
        if count < 1:
            raise ValueError(f"expected {name} >= 1, got {count}")
    # --8<-- [end:check_counts]


# --8<-- [start:xavier_std]
def xavier_std(n_in: int, n_out: int) -> float:
    """Return the standard deviation of Xavier's weights, √(2 / (n_in + n_out)).

    Raises: TypeError if a size is no integer; ValueError if it is below 1.
    """
    check_counts(n_in=n_in, n_out=n_out)
    return sqrt(2 / (n_in + n_out))
    # --8<-- [end:xavier_std]


# --8<-- [start:he_std]
def he_std(n_in: int) -> float:
    """Return the standard deviation of He's weights for ReLU, √(2 / n_in).

    Raises: TypeError if n_in is no integer; ValueError if it is below 1.
    """
    check_counts(n_in=n_in)
    return sqrt(2 / n_in)
    # --8<-- [end:he_std]


# --8<-- [start:rms]
def rms(t: Tensor) -> Tensor:
    """Return the root mean square of the numbers in each t[i].

    Divides by the largest first, so that no square overflows or becomes 0.

    Shapes: t (k, ...), result (k,).
    """
    flat = t.flatten(1)
    tiny = torch.finfo(t.dtype).tiny  # for rows of nothing but 0
    top = flat.abs().amax(1, keepdim=True).clamp(min=tiny)
    return (flat / top).square().mean(1).sqrt() * top[:, 0]
    # --8<-- [end:rms]


# --8<-- [start:Probe]
class Probe(NamedTuple):
    """What depth_probe measured, for each network and layer.

    signal:   root mean square of the layer's outputs h;
    contrast: the same of h minus its mean over the examples, unit by unit:
              how much h depends on the input (below about 1e-14 of the
              signal it is, in part, rounding);
    gradient: norm of one example's gradient with respect to the layer's
              weights, root mean square over the examples.

    Shapes: each (draws, depth).
    """

    signal: Tensor
    contrast: Tensor
    gradient: Tensor
    # --8<-- [end:Probe]


# --8<-- [start:check_probe]
def check_probe(generator: Generator, weight_std: float, bias_std: float) -> None:
    """Return None if a network can be drawn, else raise.

    Raises: TypeError if there is no generator or a standard deviation is not a
            real number; ValueError if one is negative, inf or nan, or that of
            the weights is 0.
    """
    if not isinstance(generator, Generator):
        raise TypeError(f"expected a torch.Generator, got {generator!r}")
    for name, std in (("weight_std", weight_std), ("bias_std", bias_std)):
        if not isinstance(std, Real) or isinstance(std, bool):
            raise TypeError(f"expected a number for {name}, got {std!r}")
        if not 0 <= std < inf:
            raise ValueError(f"expected a finite {name} >= 0, got {std}")
    if weight_std == 0:
        raise ValueError("expected weight_std > 0, got 0")
    # --8<-- [end:check_probe]


# --8<-- [start:check_output]
def check_output(h: Tensor, z: Tensor) -> None:
    """Return None if an activation's output h fits its input z, else raise.

    Shapes: h and z the same, any.
    Raises: TypeError if h is no tensor of z's dtype; ValueError if it has another
            shape, or autograd does not know that it was made from z.
    """
    if not isinstance(h, Tensor) or h.dtype != z.dtype:
        got = h.dtype if isinstance(h, Tensor) else type(h).__name__
        raise TypeError(f"expected an activation that returns {z.dtype}, got {got}")
    if h.shape != z.shape:
        shapes = f"{tuple(z.shape)}, got {tuple(h.shape)}"
        raise ValueError(f"expected an activation that keeps the shape {shapes}")
    if not h.requires_grad:
        raise ValueError("expected an activation to differentiate, got a constant")
    # --8<-- [end:check_output]


# --8<-- [start:depth_probe]
def depth_probe(
    activation: Callable[[Tensor], Tensor],
    weight_std: float,
    depth: int,
    width: int,
    generator: Generator,
    *,
    bias_std: float = 0.0,
    draws: int = 30,
    batch: int = 16,
    skip: bool = False,
    device: torch.device | str = "cpu",
) -> Probe:
    """Return what happens in `draws` random networks, all computed side by side.

    Layer by layer h = activation(W h + b), from inputs, weights and biases that
    are normal with mean 0; inputs have standard deviation 1. With `skip` it is
    h = h + activation(W h + b). What is differentiated is v . h of the last
    layer, v a random direction of length 1.

    Shapes: activation works entry by entry; results (draws, depth), float64.
    Units:  gradients are those of one example's v . h, not of a mean.
    Raises: as check_counts, check_probe and check_output; FloatingPointError if a
            number overflows.
    """
    check_counts(depth=depth, width=width, draws=draws, batch=batch)
    check_probe(generator, weight_std, bias_std)
    options = {"device": generator.device, "dtype": torch.float64}

    def normal(*shape: int, std: float = 1) -> Tensor:
        drawn = torch.randn(draws, *shape, generator=generator, **options)
        return drawn.to(device).mul_(float(std))

    inputs, sums, outputs = [], [], []
    with torch.inference_mode(False), torch.enable_grad():
        h, v = normal(batch, width).requires_grad_(), normal(width, 1)
        for _ in range(depth):
            inputs.append(h)
            W = normal(width, width, std=weight_std)
            b = normal(1, width, std=bias_std)
            sums.append(torch.baddbmm(b, h, W.mT))  # z, (draws, batch, width)
            h = activation(sums[-1])
            check_output(h, sums[-1])
            h = h + inputs[-1] if skip else h
            outputs.append(h)
        reading = (h @ (v / v.norm(dim=1, keepdim=True))).sum()
        delta = torch.autograd.grad(reading, sums)  # as many (draws, batch, width)
    return summary(inputs, delta, outputs)
    # --8<-- [end:depth_probe]


# --8<-- [start:summary]
def summary(
    inputs: list[Tensor], delta: tuple[Tensor, ...], outputs: list[Tensor]
) -> Probe:
    """Return signal, contrast and gradient of each layer, as a Probe.

    The gradient of one example is an outer product, delta times the input's
    transpose. So its norm is the product of two norms.

    Shapes: each list holds (draws, batch, width), one for each layer.
    Raises: FloatingPointError if a result is inf or nan; ValueError if shapes differ.
    """
    shapes = {tuple(t.shape) for t in (*inputs, *delta, *outputs)}
    if len(shapes) > 1:
        raise ValueError(f"expected tensors of one shape, got {sorted(shapes)}")
    width, rows = inputs[0].shape[-1], inputs[0].shape[:2]

    def lengths(t: Tensor) -> Tensor:  # one for each draw and example
        return rms(t.flatten(0, 1)).view(rows) * width**0.5

    parts = (
        [rms(h) for h in outputs],
        [rms(h - h.mean(1, keepdim=True)) for h in outputs],
        [rms(lengths(d) * lengths(h)) for d, h in zip(delta, inputs, strict=True)],
    )
    found = Probe(*(torch.stack(part, 1).detach() for part in parts))
    for name, values in found._asdict().items():
        bad = (~values.isfinite()).any(0).nonzero().flatten().tolist()
        if bad:
            raise FloatingPointError(f"{name} of layer {bad[0] + 1} is not finite")
    return found
    # --8<-- [end:summary]
