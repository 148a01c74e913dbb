"""Ways to spoil one argument: wrong shapes, dtypes and devices, empty, huge, nan, inf.

`pick(n)` chooses a number from 0 to n - 1: hypothesis does, or a seeded generator.
"""

from collections.abc import Callable
from random import Random

import torch
from torch import Tensor, nn

Pick = Callable[[int], int]
SEED = object()  # stands for a fresh generator
FAR = ["nan", "inf", "huge", "tiny", "zero"]
DTYPES = ["whole", "half", "complex", "mixed"]
TENSOR = ["shape", "empty", "device", *FAR, *DTYPES]
WHOLE = ["shape", "empty", "device", "point", "range"]
NUMBER = ["nan", "inf", "negative", "none", "huge", "tiny", "type"]
COUNT = ["nan", "inf", "negative", "none", "fraction", "type"]


def kinds(value: object) -> list[str]:
    """Return the ways to spoil a value."""
    if isinstance(value, Tensor):
        return TENSOR if value.is_floating_point() else WHOLE
    if isinstance(value, bool | None):
        return []
    if isinstance(value, int | float):
        return COUNT if isinstance(value, int) else NUMBER
    if isinstance(value, str):
        return ["word", "type"]
    if isinstance(value, nn.Module):
        return ["nan", "device", "type"]
    if isinstance(value, list | tuple | dict):
        return [] if hasattr(value, "_fields") else ["none", "type"]
    if value is SEED:
        return ["type"]
    return ["nan", "inf", "shape", "type"] if callable(value) else []


def spoilt(value: object, kind: str, pick: Pick) -> object:
    """Return the value, spoilt in that way."""
    if kind == "type":
        wrong = [None, "one", 1j] if isinstance(value, int | float) else [None, 1.0]
        if isinstance(value, torch.Generator):
            wrong = [1, "seed", 1.0]  # None stands for torch's own
        return wrong[pick(len(wrong))]
    if isinstance(value, Tensor):
        return spoilt_tensor(value, kind, pick)
    if isinstance(value, nn.Module):
        return spoilt_module(value, kind, pick)
    if isinstance(value, list | tuple | dict):
        return type(value)()
    if isinstance(value, str):
        return ["no such word", "", "nan"][pick(3)]
    if callable(value):
        seed = pick(1000)  # each call of the function is spoilt alike
        return lambda *a, **k: spoilt_result(value(*a, **k), kind, seed)
    sign = 1 - 2 * pick(2)
    known = {"nan": float("nan"), "inf": sign * float("inf"), "none": type(value)(0)}
    known |= {"negative": [-abs(value) or -1, -1][pick(2)], "fraction": value + 0.5}
    known |= {"huge": [1e30, 1e200, 1.7e308][pick(3)], "tiny": [1e-30, 1e-310][pick(2)]}
    if isinstance(value, int):
        known["huge"] = [10**10, 2**62, 2**70, 10**400][pick(4)]
    return known[kind]


def spoilt_result(result: object, kind: str, seed: int) -> object:
    """Return what a function has returned, spoilt in that way."""
    if isinstance(result, tuple):
        first, *rest = result
        return type(result)(spoilt_result(first, kind, seed), *rest)
    if kind == "shape":
        tensor = isinstance(result, Tensor)
        return reshaped(result, Random(seed).randrange) if tensor else [result]
    return result * float(kind) if isinstance(result, Tensor) else float(kind)


def spoilt_tensor(t: Tensor, kind: str, pick: Pick) -> Tensor:
    """Return the tensor, spoilt in that way."""
    if kind == "shape":
        return reshaped(t, pick)
    if kind == "empty":
        shape = list(t.shape) or [1]
        shape[pick(len(shape))] = 0
        return t.new_zeros(shape)
    if kind == "device":
        return t.to("meta")
    if kind == "whole":
        t = t if (t == t.round()).all() else (8 * t).round()
        return t.to([torch.int64, torch.int32, torch.bool][pick(3)])
    if kind == "half":
        return t.to([torch.float16, torch.bfloat16][pick(2)])
    if kind == "mixed":
        return t.float() if t.dtype == torch.float64 else t.double()
    if kind == "complex":
        return torch.complex(t, t)
    if kind == "point":
        return t.to([torch.float64, torch.complex128][pick(2)])
    sign, single = 1 - 2 * pick(2), t.dtype != torch.float64
    if kind in ("huge", "tiny"):
        power = (30 if single else 200) * (1 if kind == "huge" else -1)
        value = sign * 10.0**power
        if pick(2):
            return t * value
    elif kind == "zero":
        axis = pick(t.dim()) if t.dim() else 0
        if t.dim() and pick(2):
            return t.index_fill(axis, torch.tensor([pick(t.shape[axis])]), 0)
        return torch.zeros_like(t)
    else:
        far = [-1, 2**62, -(2**63)]
        value = {"nan": float("nan"), "inf": sign * float("inf")}
        value = far[pick(3)] if kind == "range" else value[kind]
        if t.dtype == torch.bool:
            return t
        if not pick(4):
            return torch.full_like(t, value)
    flat = t.clone().flatten()
    flat[pick(len(flat))] = value
    return flat.view(t.shape)


def reshaped(t: Tensor, pick: Pick) -> Tensor:
    """Return the numbers of a tensor in another shape, repeated or cut if need be."""
    shape = list(t.shape)
    axis = pick(len(shape)) if shape else 0
    way = pick(8)
    if way == 0:
        shape = [*shape, 1]
    elif way == 1:
        shape = [1, *shape]
    elif way == 2:
        shape = shape[::-1] if len(shape) > 1 else [1, *shape]
    elif way == 3:
        shape = []
    elif way == 4 and shape:
        shape.pop(axis)
    elif way in (5, 6) and shape:
        shape[axis] = max(1, shape[axis] + (1 if way == 5 else -1))
    else:
        shape = [1 + pick(4) for _ in range(pick(4))]
    shape = [1, *shape] if shape == list(t.shape) else shape
    count = torch.Size(shape).numel()
    return t.flatten()[torch.arange(count) % t.numel()].view(shape)


def spoilt_module(module: nn.Module, kind: str, pick: Pick) -> nn.Module:
    """Return the module, with one parameter spoilt, or all on another device."""
    if kind == "device":
        return module.to("meta")
    params = list(module.parameters())
    if params:
        with torch.no_grad():
            params[pick(len(params))].view(-1)[0] = float("nan")
    return module
