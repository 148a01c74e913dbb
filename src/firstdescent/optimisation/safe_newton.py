"""Newton's method kept safe: line search, trust region, Levenberg-Marquardt.

Page: docs/en/optimisation/safe_newton.md
"""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap

from firstdescent.optimisation.gd_vs_newton import check_start


# --8<-- [start:backtrack]
def backtrack(
    loss: Callable[[Tensor], Tensor], w: Tensor, step: Tensor, c: float = 1e-4
) -> float:
    """Return the first t of 1, 1/2, 1/4, ... with loss(w + t step) low enough.

    Low enough: lower than loss(w) by c times what the slope promises, give or
    take the loss's rounding. A loss of nan or inf never is. If t gets so small
    that w + t step rounds to w, the result is 0.0.

    Shapes: w (d,), step (d,), loss(w) ().
    Units:  none; a sum and a mean of losses give the same t.
    Raises: ValueError if w or step is not one finite vector, or c not between
            0 and 1, or the loss not finite at w, or the step not downhill (or
            its slope underflows); TypeError if w and step differ in dtype.
    Source: Nocedal and Wright (2006), Numerical Optimization, algorithm 3.1.
    """
    check_start(w, steps=0)
    if w.dim() != 1 or w.shape != step.shape or not step.isfinite().all():
        shapes = f"{tuple(w.shape)} and {tuple(step.shape)}"
        raise ValueError(f"expected w (d,) and a finite step (d,), got {shapes}")
    if w.dtype != step.dtype:
        raise TypeError(f"expected one dtype, got {w.dtype} and {step.dtype}")
    if not 0 < c < 1:
        raise ValueError(f"expected c between 0 and 1, got {c}")
    height, slope = loss(w).item(), (grad(loss)(w) @ step).item()
    if not -inf < height < inf:
        raise ValueError(f"expected a finite loss at w, got {height}")
    if not -inf < slope < 0:
        raise ValueError(f"expected a downhill step, got slope {slope:.3g}")
    t, blur = 1.0, 10 * torch.finfo(w.dtype).eps * abs(height)
    while not torch.equal(w + t * step, w):
        if -inf < loss(w + t * step).item() <= height + c * t * slope + blur:
            return t
        t /= 2
    return 0.0
    # --8<-- [end:backtrack]


# --8<-- [start:secular_root]
def secular_root(a: Tensor, h: Tensor) -> Tensor:
    """Return the least mu >= 0 with |a / (h + mu)| <= 1, where 0 / 0 counts as 0.

    Newton's method on 1 / |a / (h + mu)| = 1: concave in mu, so from the left
    of the root no step goes past it.

    Shapes: a (..., d), h (..., d) not negative, result (..., 1).
    Raises: ValueError if the shapes differ, or h is negative by more than rounding.
    """
    tiny, eps = torch.finfo(a.dtype).tiny, torch.finfo(a.dtype).eps
    if a.shape != h.shape or (h < -(eps**0.5) * h.abs().amax()).any():
        got = f"{tuple(a.shape)}, {tuple(h.shape)} and {h.min().item():.3g}"
        raise ValueError(f"expected a and h >= 0 of one shape, got {got}")
    mu = (a.abs() - h).amax(-1, keepdim=True).clamp(min=0)  # at or left of the root
    for _ in range(50):
        z = a / (h + mu + tiny)
        size = z.norm(dim=-1, keepdim=True)
        if (size <= 1 + 4 * eps).all():
            break
        fall = (z.square() / (h + mu + tiny)).sum(-1, keepdim=True)
        mu = mu + torch.where(size > 1, (size - 1) * size.square() / fall, 0)
    return mu
    # --8<-- [end:secular_root]


# --8<-- [start:TrustStep]
class TrustStep(NamedTuple):
    """A step, the damping lambda that makes it, and the lowest curvature.

    A curvature so near 0 that it may be rounding, without slope, counts as 0.

    Shapes: step (..., d), damping (...), lowest (...).
    Units:  damping and lowest are those of H.
    """

    step: Tensor
    damping: Tensor
    lowest: Tensor
    # --8<-- [end:TrustStep]


# --8<-- [start:unit_step]
def unit_step(g: Tensor, H: Tensor) -> TrustStep:
    """Return the step s with |s| <= 1 and the least g.s + s.Hs / 2.

    Shapes: g (..., d), H (..., d, d) symmetric.
    Raises: ValueError if the shapes or devices do not fit.
    Source: Nocedal and Wright (2006), Numerical Optimization, theorem 4.1.
    """
    if H.shape != (*g.shape, *g.shape[-1:]) or H.device != g.device:
        got = f"{tuple(g.shape)} on {g.device} and {tuple(H.shape)} on {H.device}"
        raise ValueError(f"expected g (..., d) and H (..., d, d), got {got}")
    h, U = torch.linalg.eigh(H)  # curvatures h (..., d), ascending
    a = (U.mT @ g[..., None])[..., 0]  # slopes along the eigenvectors
    noise = torch.finfo(h.dtype).eps * h.shape[-1]
    flat = a.abs() <= noise * a.abs().amax(-1, keepdim=True)
    flat = flat & (h.abs() <= noise * h.abs().amax(-1, keepdim=True))
    a, h = torch.where(flat, 0, a), torch.where(flat, 0, h)  # do not follow noise
    lift = (-h[..., :1]).clamp(min=0)  # makes the lowest curvature 0
    mu = secular_root(a, h + lift)
    z = -a / (h + lift + mu + torch.finfo(h.dtype).tiny)
    # The hard case: lifted, no slope along the lowest curvature, and too short.
    rest = (1 - z.square().sum(-1, keepdim=True)).clamp(min=0).sqrt()
    # Both signs are as good. An eigenvector's own sign is arbitrary: fix it.
    lean = U[..., 0] @ torch.arange(1, 1 + h.shape[-1]).to(h)
    rest = torch.where(lean[..., None] < 0, -rest, rest)
    z[..., :1] += torch.where((mu == 0) & (lift > 0), rest, 0)
    return TrustStep((U @ z[..., None])[..., 0], (lift + mu)[..., 0], h[..., 0])
    # --8<-- [end:unit_step]


# --8<-- [start:trust_step]
def trust_step(g: Tensor, H: Tensor, radius: Tensor) -> TrustStep:
    """Return the step s no longer than the radius with the least g.s + s.Hs / 2.

    H may have curvatures of any sign. If several steps are equally good, the
    result is one of them.

    Shapes: g (..., d), H (..., d, d) symmetric, radius (...).
    Units:  radius as w; g and H of one loss, a sum or a mean.
    Raises: ValueError if shapes do not fit, numbers are not finite, H is not
            symmetric up to rounding, a radius is not positive, or g / radius
            overflows; TypeError unless all three are float32 or all float64.
    """
    dtypes = {g.dtype, H.dtype, radius.dtype}
    if dtypes != {torch.float32} and dtypes != {torch.float64}:
        raise TypeError(f"expected float32 or float64, got {dtypes}")
    if H.shape != (*g.shape, *g.shape[-1:]) or radius.shape != g.shape[:-1]:
        shapes = ", ".join(str(tuple(t.shape)) for t in (g, H, radius))
        raise ValueError(f"expected (..., d), (..., d, d), (...), got {shapes}")
    if not all(t.isfinite().all() for t in (g, H, radius)) or not (radius > 0).all():
        raise ValueError("expected finite numbers and a radius > 0")
    skew, top = (t.abs().amax((-2, -1)) for t in (H - H.mT, H))
    if (skew > torch.finfo(g.dtype).eps ** 0.5 * top).any():
        raise ValueError("expected a symmetric H")
    unit = g / radius[..., None]  # with lengths measured in radii
    if not unit.isfinite().all():
        raise ValueError("expected g / radius that does not overflow")
    s = unit_step(unit, H)
    return s._replace(step=radius[..., None] * s.step)
    # --8<-- [end:trust_step]


# --8<-- [start:Model]
class Model(NamedTuple):
    """A quadratic model of a loss near w: its height, slope and curvature.

    Shapes: loss (k,), g (k, d), H (k, d, d), or all without k.
    Units:  all three of one loss, a sum or a mean.
    """

    loss: Tensor
    g: Tensor
    H: Tensor

    def is_finite(self) -> Tensor:
        """Return where loss, g and H are finite, all of them: () or (k,)."""
        sound = self.loss.isfinite() & self.g.isfinite().all(-1)
        return sound & self.H.isfinite().all(-1).all(-1)
        # --8<-- [end:Model]


# --8<-- [start:Descent]
class Descent(NamedTuple):
    """Where a search went, and why it stopped.

    "converged": the gradient is at most tol, and no curvature below -tol (one
        without slope, below eps d times the largest, is taken for rounding).
    "below the floor": the loss is. It may have a bottom further down.
    "stalled": the last step tried changed the loss by no more than rounding,
        and did not make the gradient shorter.
    "out of steps": the number of steps was not enough.

    Shapes: path (steps + 1, d) or (steps + 1, k, d), the start first; losses
            and radii (steps + 1,) or (steps + 1, k). A refused step repeats a point.
    Units:  losses as the loss, radii as w; reason is a list for k starts.
    """

    path: Tensor
    losses: Tensor
    radii: Tensor
    reason: str | list[str]
    # --8<-- [end:Descent]


# --8<-- [start:judge]
def judge(
    here: Model, there: Model, s: TrustStep, radius: Tensor, first: float = inf
) -> tuple[Tensor, Tensor, Tensor]:
    """Return which steps to take, the next radii, and which starts have stalled.

    A step to the border that changes nothing visible doubles a radius that is
    no smaller than the `first` one.

    Shapes: here and there with k, s (k, d), radius (k,); each result (k,).
    Raises: TypeError if dtypes differ; ValueError if shapes do.
    Source: Nocedal and Wright (2006), Numerical Optimization, algorithm 4.1
            (there a quarter of the radius, and a largest radius).
    """
    dtypes = {part.dtype for part in (*here, *there, *s, radius)}
    if len(dtypes) > 1:
        raise TypeError(f"expected one dtype, got {dtypes}")
    k = {part.shape for part in (here.loss, there.loss, s.damping, radius)}
    d = {part.shape for part in (here.g, there.g, s.step)}
    if len(k) > 1 or len(d) > 1 or {shape[:-1] for shape in d} != k:
        raise ValueError(f"expected shapes (k,) and (k, d), got {k} and {d}")
    size = s.step.norm(dim=-1)
    predicted = (s.damping * size.square() - (here.g * s.step).sum(-1)) / 2
    actual = here.loss - there.loss
    ratio = actual / predicted
    # When the loss cannot tell the two points apart, the gradient judges.
    blur = 10 * torch.finfo(size.dtype).eps * here.loss.abs()
    blurred = (predicted <= blur) & (actual.abs() <= blur)
    nearer = there.g.norm(dim=-1) < here.g.norm(dim=-1)
    sound = there.is_finite()
    take = sound & torch.where(blurred, nearer, ratio > 0.1)
    good = sound & (blurred | (ratio > 0.25))
    longer = good & ~blurred & (ratio > 0.75) & (s.damping > 0)
    radius = torch.where(good, radius, size / 4)
    # A border too near to see a change, and not drawn in by a refusal: go on.
    unseen = blurred & (s.damping > 0) & (radius >= first)
    radius = torch.where(longer | unseen, 2 * radius, radius)
    limit = torch.finfo(size.dtype).max ** 0.5 / 4  # its square does not overflow
    return take, radius.clamp(1 / limit, limit), blurred & ~take & ~unseen
    # --8<-- [end:judge]


# --8<-- [start:trust_region]
def trust_region(
    model: Callable[[Tensor], Model],
    start: Tensor,
    steps: int = 200,
    tol: float = 1e-8,
    radius: float = 1.0,
    floor: float = -1e15,
) -> Descent:
    """Return the path from `start` that takes the model's best step in a radius.

    The loss never rises by more than rounding.

    Shapes: start (d,) or (k, d): k starts, side by side; model(w) as Model.
    Units:  tol bounds the gradient and the curvatures, so it scales with the
            loss (in float32 most gradients never get to 1e-8); floor bounds the
            loss; the radius is the first one, in units of w.
    Raises: ValueError if start is not finite, steps < 0, tol or radius not
            positive and finite, floor nan or inf, or the model not finite at
            the start; TypeError if start is not float32 or float64, or the
            model of another dtype.
    """
    if start.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64, got {start.dtype}")
    check_start(start, steps)
    if not 0 < tol < inf or not 0 < radius < inf:
        raise ValueError(f"expected tol, radius > 0, got {tol}, {radius}")
    if not floor < inf:
        raise ValueError(f"expected a floor below inf, got {floor}")
    w, here = start.detach(), model(start.detach())
    if {part.dtype for part in here} != {start.dtype}:
        got = [part.dtype for part in here]
        raise TypeError(f"expected a model of {start.dtype}, got {got}")
    bad = (~here.is_finite()).reshape(-1).nonzero()[:, 0].tolist()
    if bad:
        what = "a finite loss, gradient and Hessian at the start"
        raise ValueError(f"expected {what}, got others in rows {bad[:5]}")
    size = torch.full_like(here.loss, radius)
    code = torch.zeros_like(here.loss, dtype=torch.int)
    history = [(w, here.loss, size)]
    for k in range(steps + 1):
        s = trust_step(here.g, here.H, size)
        done = (here.g.norm(dim=-1) <= tol) & (s.lowest >= -tol)
        code = torch.where((code == 0) & done, 1, code)
        code = torch.where((code == 0) & (here.loss < floor), 2, code)
        if k == steps or (code > 0).all():
            break
        there = model(w + s.step)
        take, new_size, stalled = judge(here, there, s, size, radius)
        code = torch.where((code == 0) & stalled, 3, code)
        take, size = take & (code == 0), torch.where(code == 0, new_size, size)
        w = torch.where(take[..., None], w + s.step, w)
        here = Model(
            torch.where(take, there.loss, here.loss),
            torch.where(take[..., None], there.g, here.g),
            torch.where(take[..., None, None], there.H, here.H),
        )
        history.append((w, here.loss, size))
    names = ("out of steps", "converged", "below the floor", "stalled")
    codes = code.tolist()
    reason = [names[c] for c in codes] if start.dim() == 2 else names[codes]
    return Descent(*(torch.stack(part) for part in zip(*history, strict=True)), reason)
    # --8<-- [end:trust_region]


# --8<-- [start:trust_newton]
def trust_newton(
    loss: Callable[[Tensor], Tensor], start: Tensor, **options: float
) -> Descent:
    """Return the path of Newton's method in a trust region.

    Shapes: start (d,) or (k, d); loss(w) () for w (d,).
    Units:  a sum and a mean of losses give the same path, up to tol and floor.
    Raises: as `trust_region`; ValueError if loss(w) is not a single number.
    """

    def model(w: Tensor) -> Model:
        if w.dim() == 2:
            return Model(*vmap(model)(w))
        height = loss(w)
        if height.dim():
            raise ValueError(f"expected a loss (), got {tuple(height.shape)}")
        g, H = grad(loss)(w), jacrev(grad(loss))(w)
        return Model(height.detach(), g.detach(), (H + H.T).detach() / 2)

    return trust_region(model, start, **options)
    # --8<-- [end:trust_newton]


# --8<-- [start:levenberg_marquardt]
def levenberg_marquardt(
    residual: Callable[[Tensor], Tensor], start: Tensor, **options: float
) -> Descent:
    """Return the path of Gauss-Newton steps in a trust region.

    H is J.T J / n, which leaves out the residuals' own curvature. It never has
    negative curvature, so "converged" says only that the gradient is small.

    Shapes: start (d,) or (k, d); residual(w) (n,) for w (d,).
    Units:  losses are half the mean of the squared residuals.
    Raises: as `trust_region`; ValueError if residual(w) is not (n,), n > 0.
    Source: Nocedal and Wright (2006), Numerical Optimization, section 10.3.
    """

    def model(w: Tensor) -> Model:
        if w.dim() == 2:
            return Model(*vmap(model)(w))
        r, J = residual(w).detach(), jacrev(residual)(w).detach()
        if r.dim() != 1 or not len(r):
            raise ValueError(f"expected residuals (n,), got {tuple(r.shape)}")
        return Model(r @ r / len(r) / 2, J.T @ r / len(r), J.T @ J / len(r))

    return trust_region(model, start, **options)
    # --8<-- [end:levenberg_marquardt]
