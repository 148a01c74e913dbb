"""An L2 penalty, steps of SGD and Adam with decay inside or outside, and groups.

Page: docs/en/deep/weight_decay.md
"""

from collections.abc import Iterable
from math import exp, fsum, inf, log1p
from numbers import Integral

from torch import Tensor, nn


# --8<-- [start:check_number]
def check_number(name: str, value: float, positive: bool = False) -> None:
    """Return None if `value` is a finite number >= 0 (or > 0), else raise.

    Raises: TypeError if it is no int or float; ValueError if it is negative, inf
            or nan, or 0 where it must be positive.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"expected a number for {name}, got {value!r}")
    if not 0 <= value < inf or (positive and value == 0):
        least = ">" if positive else ">="
        raise ValueError(f"expected a finite {name} {least} 0, got {value}")
    # --8<-- [end:check_number]


# --8<-- [start:l2_penalty]
def l2_penalty(params: Iterable[Tensor], lam: float) -> Tensor:
    """Return lam / 2 times the sum of all squared entries, to add to a loss.

    Its gradient is lam * w: what `weight_decay=lam` of SGD and Adam adds.

    Squares of half-precision entries are summed in float32.

    Shapes: params of any shapes, result (), on the graph of the params.
    Units:  as the loss that it is added to. Beside a mean over n examples it is
            ridge with the penalty n * lam of the sum, if the mean has a half.
    Raises: TypeError if params is one tensor, or one of them is not of a
            floating-point dtype; ValueError if there is none; as check_number.
    """
    check_number("lam", lam)
    if isinstance(params, Tensor):
        raise TypeError("expected a list of tensors, such as [w], got a tensor")
    params = list(params)
    if not params:
        raise ValueError("expected at least one tensor, got none")
    for p in params:
        if not isinstance(p, Tensor) or not p.is_floating_point():
            raise TypeError("expected tensors of a floating-point dtype")
    wide = (p.float() if p.dtype.itemsize < 4 else p for p in params)
    return lam / 2 * sum(p.square().sum() for p in wide)
    # --8<-- [end:l2_penalty]


# --8<-- [start:check_update]
def check_update(w: Tensor, *others: Tensor, lr: float, lam: float) -> None:
    """Return None if a step from w is possible, else raise.

    Shapes: w and all others of one shape.
    Raises: ValueError if w is not of a floating-point dtype, a shape or dtype
            differs, or an entry is inf or nan; lr and lam as check_number.
    """
    check_number("lr", lr, positive=True)
    check_number("lam", lam)
    for t in (w, *others):
        if not w.is_floating_point() or (t.shape, t.dtype) != (w.shape, w.dtype):
            raise ValueError(
                "expected floating-point tensors of one shape and dtype, got "
                f"{w.dtype} {tuple(w.shape)} and {t.dtype} {tuple(t.shape)}"
            )
        if not t.isfinite().all():
            raise ValueError("expected finite numbers, got inf or nan")
    # --8<-- [end:check_update]


# --8<-- [start:sgd_step]
def sgd_step(
    w: Tensor,
    g: Tensor,
    v: Tensor,
    lr: float,
    lam: float = 0.0,
    momentum: float = 0.0,
    decoupled: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the next w and the next velocity v; begin with v = 0.

    torch.optim.SGD is the one that is not decoupled.

    Shapes: w, g, v and both results of one shape.
    Units:  g of a mean or of a sum: lam belongs to the same one.
    Raises: as check_update, and momentum as check_number; ValueError if
            momentum is 1 or more.
    """
    check_update(w, g, v, lr=lr, lam=lam)
    check_number("momentum", momentum)
    if momentum >= 1:
        raise ValueError(f"expected momentum < 1, got {momentum}")
    if decoupled:
        w = (1 - lr * lam) * w  # outside of the velocity
    else:
        g = g + lam * w  # inside
    v = momentum * v + g
    return w - lr * v, v
    # --8<-- [end:sgd_step]


# --8<-- [start:adam_step]
def adam_step(
    w: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    t: int,
    lr: float,
    lam: float = 0.0,
    decoupled: bool = False,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the next w, m and v; begin with m = v = 0 and t = 1.

    Decoupled it is torch.optim.AdamW, else torch.optim.Adam.

    Shapes: w, g, m, v and the three results of one shape.
    Units:  not decoupled: lam belongs to the same mean or sum as g. Decoupled:
            lr * lam is the share of w that one step takes away.
    Raises: as check_update, and eps > 0 as check_number; ValueError if t is no
            integer >= 1, if there are not two betas in [0, 1), if an entry of v
            is negative, or if the step overflows.
    """
    check_update(w, g, m, v, lr=lr, lam=lam)
    check_number("eps", eps, positive=True)
    inside = len(betas) == 2 and all(0 <= b < 1 for b in betas)
    if not isinstance(t, Integral) or t < 1 or not inside:
        raise ValueError(f"expected t >= 1, two betas in [0, 1), got {t} and {betas}")
    if (v < 0).any():
        raise ValueError("expected v >= 0, a mean of squares")
    if decoupled:
        w = (1 - lr * lam) * w  # outside of both averages
    else:
        g = g + lam * w  # inside
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    w = w - lr * m_hat / (v_hat.sqrt() + eps)
    if not (w.isfinite() & v_hat.isfinite()).all():
        raise ValueError("the step overflows: expected smaller numbers")
    return w, m, v
    # --8<-- [end:adam_step]


# --8<-- [start:shrink_after]
def shrink_after(lrs: Iterable[float], lam: float) -> float:
    """Return the product of 1 - lr * lam over the steps of a schedule.

    What AdamW leaves of a weight whose gradient is 0 at every step.

    Units:  lr * lam is a share of the weight, whatever the loss is.
    Raises: as check_number; ValueError if some lr * lam is above 1: such a step
            would turn the sign of the weight.
    """
    check_number("lam", lam)
    shares = []
    for lr in lrs:
        check_number("lr", lr)
        shares.append(lr * lam)
        if shares[-1] > 1:
            raise ValueError(f"expected lr * lam <= 1, got {lr} * {lam}")
    if 1 in shares:
        return 0.0
    return exp(fsum(log1p(-share) for share in shares))
    # --8<-- [end:shrink_after]


# --8<-- [start:decay_groups]
def decay_groups(model: nn.Module, lam: float) -> list[dict]:
    """Return two groups for an optimiser: decay for weights, none for the rest.

    The rest: the parameters of LayerNorm and RMSNorm, all with fewer than two
    dimensions, such as the scales of other norms, and all with a name that
    begins with "bias". Embeddings decay, and so does the scale of `weight_norm`:
    sort that one yourself. Each parameter comes once, a shared or frozen one too.

    Shapes: any.
    Raises: TypeError if model is not a Module; ValueError if it has no
            parameter, or a lazy one whose shape is not known yet; as
            check_number.
    """
    check_number("lam", lam)
    if not isinstance(model, nn.Module):
        raise TypeError(f"expected a Module, got {type(model).__name__}")
    norms = (nn.LayerNorm, nn.RMSNorm)  # their scales may have two dimensions
    decays = {}  # an ordered set of parameters, and whether each one decays
    for module in model.modules():
        for name, p in module.named_parameters(recurse=False):
            if nn.parameter.is_lazy(p):
                raise ValueError("expected known shapes: run one batch first")
            other = isinstance(module, norms) or name.startswith("bias")
            decays[p] = decays.get(p, True) and p.dim() >= 2 and not other
    if not decays:
        raise ValueError("expected a model with parameters, got none")
    weights = [p for p, weight in decays.items() if weight]
    rest = [p for p, weight in decays.items() if not weight]
    return [
        {"params": weights, "weight_decay": lam},
        {"params": rest, "weight_decay": 0.0},
    ]
    # --8<-- [end:decay_groups]
