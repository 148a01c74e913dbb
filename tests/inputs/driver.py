"""Call a function with good arguments of which one was spoilt, and say what came.

A `Case` is a public function with a valid call. What must come of a fault is said
for each kind of fault in these words, several of them if it depends on the numbers:

error       a clear exception, and the arguments are as they were
spent       a clear exception, but arguments have changed, as the docstring says
answer      a right one: finite, of the promised shape, as in float64 up to rounding
            (that float64 is right, the function's own tests say)
propagates  nan or inf that was given comes out again, as in IEEE arithmetic
overflows   inf, where the right number is too large for the dtype
underflows  0, where the right number, or its square, is too small for the dtype
nan         nan from finite numbers, as the docstring says
"""

import copy
import inspect
import linecache
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from tests.inputs.shapes import bind, fit, promised
from tests.inputs.spoil import SEED, Pick, kinds, spoilt

SRC = Path(__file__).parents[2] / "src/firstdescent"
WORDS = ["error", "spent", "answer", "propagates", "overflows", "underflows", "nan"]
CLEAR = ValueError, TypeError, RuntimeError, IndexError, FileNotFoundError
CLEAR += FloatingPointError, OverflowError
EITHER = "error answer"

# What must come of a fault, unless a line of the table says otherwise.
DEFAULT = {
    "shape": "error",  # one that the docstring does not allow
    "size": EITHER,  # another one that it allows
    "empty": "error",  # no rows, or no columns
    "device": "error",  # one tensor on the device "meta", where there are no numbers
    "whole": "error",  # integers or booleans, where numbers have a point
    "half": "error",  # float16 or bfloat16
    "mixed": "error",  # float32 among float64, or the reverse
    "complex": "error",
    "point": "error",  # floating point or complex, where numbers are whole
    "range": "error",  # whole numbers that are far too large, or negative
    "nan": "error",
    "inf": "error",
    "huge": EITHER,  # 1e30 in float32, 1e200 in float64, of both signs
    "tiny": EITHER,
    "zero": EITHER,  # all entries, or a row, or a column
    "negative": "error",  # of an argument that is one number
    "none": "error",  # the number 0, a list or dict without entries
    "fraction": "error",  # 2.5, where a count is expected
    "type": "error",  # text, None, a complex number
    "word": "error",  # another word than those expected
}


@dataclass(frozen=True)
class Case:
    """A public function, a valid call of it, and what its lines in the table say."""

    function: Callable
    call: Callable
    args: dict[str, object]
    says: dict[str, str]
    shapes: dict[str, list[str]]
    dtypes: tuple[torch.dtype, ...]
    slow: bool  # try less
    near: float  # in roots of rounding: how near to float64; 0 if it may be elsewhere

    @property
    def name(self) -> str:
        module = self.function.__module__.removeprefix("firstdescent.")
        return f"{module}.{self.function.__name__}"

    def line(self, argument: str, kind: str) -> str | None:
        """Return the place in the table that is in force, if there is one."""
        places = f"{argument}.{kind}", kind
        return next((place for place in places if place in self.says), None)

    def must(self, argument: str, kind: str) -> list[str]:
        place = self.line(argument, kind)
        return (self.says[place] if place else DEFAULT[kind]).split()


def case(
    function: Callable,
    /,
    *lines: str,
    call_: Callable | None = None,
    shapes_: str = "",
    dtypes_: tuple[torch.dtype, ...] = (torch.float32, torch.float64),
    slow_: bool = False,
    near_: float = 1.0,
    **args: object,
) -> Case:
    """Return a Case. A line "nan X.inf: propagates" says what must come of faults.

    `call_` makes the call if keywords do not, `shapes_` adds to the docstring's.
    """
    says = {}
    for line in lines:
        places, words = line.split(":")
        assert set(words.split()) <= set(WORDS), line
        for place in places.split():
            argument, _, kind = place.rpartition(".")
            assert kind in DEFAULT and place not in says, line
            assert argument in ("", *args), line
            says[place] = words.strip()
    shapes = promised(inspect.getdoc(function) or "") | promised(f"Shapes: {shapes_}")
    return Case(function, call_ or function, args, says, shapes, dtypes_, slow_, near_)


def leaves(value: object, path: tuple = ()) -> Iterator[tuple[tuple, object]]:
    """Yield (path, value) of all in an argument that can be spoilt."""
    if kinds(value):
        yield path, value
    if isinstance(value, dict):
        inside = value.items()
    elif hasattr(value, "_fields"):
        inside = value._asdict().items()
    else:
        inside = enumerate(value) if isinstance(value, list | tuple) else []
    for key, part in inside:
        yield from leaves(part, (*path, key))


def faults(case: Case) -> list[tuple[tuple, str]]:
    """Return (path to what is spoilt, kind) for all that can be tried."""
    found, points = [], 0
    for argument, value in case.args.items():
        for path, leaf in leaves(value, (argument,)):
            points += isinstance(leaf, Tensor) and leaf.is_floating_point()
            found += [(path, kind) for kind in kinds(leaf)]
            if isinstance(leaf, int) and f"{argument}.huge" in case.says:
                found.append((path, "huge"))
    return [(path, kind) for path, kind in found if kind != "mixed" or points > 1]


def at(value: object, path: tuple) -> object:
    """Return what lies at a path, None if nothing does."""
    for key in path:
        try:
            value = getattr(value, key) if hasattr(value, "_fields") else value[key]
        except (TypeError, LookupError):
            return None
    return value


def put(value: object, path: tuple, new: object) -> object:
    """Return the value with something else at a path."""
    if not path:
        return new
    key, *rest = path
    new = put(at(value, [key]), rest, new)
    if hasattr(value, "_fields"):
        return value._replace(**{key: new})
    if isinstance(value, dict):
        return {**value, key: new}
    return type(value)(new if i == key else part for i, part in enumerate(value))


def fresh(value: object, dtype: torch.dtype | None = None) -> object:
    """Return a copy, with its floating-point tensors in that dtype, if there is one."""
    if value is SEED and dtype:
        return torch.Generator().manual_seed(0)
    if isinstance(value, Tensor):
        floating = dtype and value.is_floating_point()
        return value.to(dtype, copy=True) if floating else value.clone()
    if isinstance(value, nn.Module):
        return copy.deepcopy(value).to(dtype=dtype)
    if isinstance(value, dict):
        return {key: fresh(part, dtype) for key, part in value.items()}
    if hasattr(value, "_fields"):
        return type(value)(*(fresh(part, dtype) for part in value))
    if isinstance(value, list | tuple):
        return type(value)(fresh(part, dtype) for part in value)
    return value


def numbers(value: object) -> list[Tensor]:
    """Return all tensors and numbers with a point in a value, as tensors."""
    if isinstance(value, Tensor):
        return [value.detach()]
    if isinstance(value, float):
        return [torch.tensor(value, dtype=torch.float64)]
    if isinstance(value, nn.Module):
        return [p.detach() for p in value.parameters()]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple | set):
        return []
    return [t for part in value for t in numbers(part)]


@dataclass(frozen=True)
class Outcome:
    """What came of a fault: a word, its kind, and what to read if it is not right."""

    word: str
    kind: str
    detail: str
    own: bool = False  # whether an error was raised by the teaching code itself


def attempt(case: Case, path: tuple, kind: str, pick: Pick) -> Outcome | None:
    """Return what came of a call with the fault, None if nothing was spoilt by it."""
    dtype = case.dtypes[pick(len(case.dtypes))]
    args = fresh(case.args, dtype)
    good = at(args, path)
    bad = spoilt(good, kind, pick)
    if isinstance(good, Tensor) and same(good, bad):
        return None
    args = put(args, path, bad)
    sizes = sizes_of(case, args)
    if kind == "shape" and isinstance(good, Tensor) and sizes is not None:
        kind = "size"
    shown = f"{dtype}, {'.'.join(map(str, path))} = {show(bad)}"
    given = fresh(args)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = case.call(**args)
    except (*CLEAR, AttributeError) as error:
        detail = f"{shown}: {type(error).__name__}: {error}"
        if isinstance(error, AttributeError) and kind != "type":
            return Outcome("crash", kind, detail)
        if len(str(error).split()) < 3:
            return Outcome("unclear", kind, detail)
        kept = all(map(same, held(given), held(args)))
        return Outcome("error" if kept else "spent", kind, detail, own(error))
    except Exception as error:
        return Outcome("crash", kind, f"{shown}: {type(error).__name__}: {error}")
    word = judged(case, kind, bad, given, sizes, dtype, answer)
    return Outcome(word, kind, f"{shown}: {str(answer)[:300]}")


def held(value: object) -> list[Tensor]:
    """Return the tensors of arguments, and the gradients that they hold."""
    found = numbers(value)
    modules = [v for v in value.values() if isinstance(v, nn.Module)]
    grads = [p.grad for m in modules for p in m.parameters() if p.grad is not None]
    return [*found, *grads]


def same(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors are alike to the last bit."""
    if (a.shape, a.dtype, a.device) != (b.shape, b.dtype, b.device):
        return False
    return a.is_meta or bool(((a == b) | (a.isnan() & b.isnan())).all())


def own(error: BaseException) -> bool:
    """Return whether the teaching code raised this itself."""
    frame = error.__traceback__
    while frame.tb_next:
        frame = frame.tb_next
    name = frame.tb_frame.f_code.co_filename
    line = linecache.getline(name, frame.tb_lineno)
    return Path(name).is_relative_to(SRC) and line.strip().startswith("raise")


def show(value: object) -> str:
    if isinstance(value, Tensor):
        few = "" if value.is_meta else f" {value.flatten()[:12].tolist()}"
        return f"{value.dtype} {tuple(value.shape)} on {value.device}{few}"
    return repr(value)[:100]


def sizes_of(case: Case, args: dict[str, object]) -> dict[str, int] | None:
    """Return what the letters of the promised shapes stand for, None if nothing."""
    found = []
    for path, leaf in leaves(case.args):
        if isinstance(leaf, Tensor):
            name = next(key for key in reversed(path) if isinstance(key, str))
            exactly = ", ".join(map(str, leaf.shape))
            shape = tuple(getattr(at(args, path), "shape", (None,)))
            found.append((case.shapes.get(name, [exactly]), shape))
    found.sort(key=lambda item: any("+" in spec or "-" in spec for spec in item[0]))
    counts = {n: v for n, v in args.items() if isinstance(v, int)}
    return fit(found, counts)


def judged(
    case: Case,
    kind: str,
    bad: object,
    args: dict[str, object],
    sizes: dict[str, int] | None,
    dtype: torch.dtype,
    answer: object,
) -> str:
    """Return the word for what was answered."""
    found = [t for t in numbers(answer) if not t.is_meta]
    finite = kind not in ("nan", "inf")
    if any(t.isnan().any() for t in found):
        said = "nan" in (inspect.getdoc(case.function) or "").split("Raises:")[0]
        return ("nan" if said else "SILENT NAN") if finite else "propagates"
    if not all(t.isfinite().all() for t in found):
        return too_large(case, args, found) if finite else "propagates"
    if isinstance(answer, Tensor) and sizes is not None and "result" in case.shapes:
        shape = tuple(answer.shape)
        if not any(bind(spec, shape, dict(sizes)) for spec in case.shapes["result"]):
            return f"WRONG SHAPE {shape}"
    points = [t for t in found if t.is_floating_point() or t.is_complex()]
    if kind == "complex" and points and not any(t.is_complex() for t in points):
        return "IMAGINARY PARTS LOST"
    if kind == "shape" and isinstance(bad, Tensor):
        return regrouped(case, bad, dtype, found)
    if not finite or not case.near or kind in ("complex", "device"):
        return "answer"
    return compared(case, args, found)


def regrouped(case: Case, bad: Tensor, dtype: torch.dtype, found: list[Tensor]) -> str:
    """Return "answer" if an axis more or less left all numbers as they were."""
    valid = numbers(case.call(**fresh(case.args, dtype)))
    if not valid and not found:
        return "answer"
    valid, found = (torch.cat([t.flatten() for t in ts]) for ts in (valid, found))
    if valid.shape != found.shape or not torch.allclose(
        valid, found.to(valid), 1e-4, 1e-6
    ):
        return "OTHER NUMBERS"
    return "answer"


def compared(case: Case, args: dict[str, object], found: list[Tensor]) -> str:
    """Return "answer" if float64 gives the same, up to the rounding of the dtypes."""
    tensors = [v for _, v in leaves(args) if isinstance(v, Tensor)]
    dtypes = [t.dtype for t in tensors] or [torch.float32]
    points = [d if d.is_floating_point else torch.float32 for d in dtypes]
    rounding = max(torch.finfo(dtype).eps for dtype in points)
    try:
        right = in_float64(case, args)
        top = max(map(largest, right), default=0)
        near = case.near * rounding**0.5
        allowed = [near * largest(t) + rounding * top + 1e-30 for t in right]
        if all(map(close, found, right, allowed)):
            return "answer"
        # How far do the answers move if each number given moves by its rounding?
        moved = [in_float64(case, args, 4 * rounding, seed) for seed in range(4)]
    except CLEAR as error:
        return f"FLOAT64 REFUSES ({error})"
    for k, t in enumerate(right):
        for m in moved:
            far = (m[k] - t).abs() if m[k].shape == t.shape else allowed[k]
            allowed[k] = torch.maximum(allowed[k], 20 * far)
    if all(map(close, found, right, allowed)):
        return "answer"
    if all(map(vanished, found, right, allowed)):
        return "underflows"
    return f"OTHER THAN FLOAT64, {[show(t) for t in right]}"


def too_large(case: Case, args: dict[str, object], found: list[Tensor]) -> str:
    """Return "overflows", unless float64 knows a number that the dtype can hold."""
    if not case.near or all(t.dtype == torch.float64 for t in found):
        return "overflows"
    try:
        right = in_float64(case, args)
    except CLEAR:
        return "overflows"
    for mine, theirs in zip(found, right, strict=True):
        inf = mine.isinf() & (theirs.abs() < torch.finfo(mine.dtype).max)
        if mine.shape != theirs.shape or inf.any():
            return f"INF, IN FLOAT64 {show(theirs)}"
    return "overflows"


def largest(t: Tensor) -> Tensor:
    return t.abs().max() if t.numel() else t.new_zeros(())


def close(mine: Tensor, right: Tensor, allowed: Tensor) -> bool:
    if mine.shape != right.shape:
        return False
    return bool(((mine.double() - right).abs() <= allowed).all())


def vanished(mine: Tensor, right: Tensor, allowed: Tensor) -> bool:
    """Return whether a number that is not right is 0."""
    return mine.shape == right.shape and close(mine, right.where(mine != 0, 0), allowed)


def in_float64(
    case: Case, args: dict[str, object], noise: float = 0.0, seed: int = 0
) -> list[Tensor]:
    """Return the answer's numbers in float64, for arguments with relative noise."""
    generator = torch.Generator().manual_seed(seed)
    exact = fresh(args, torch.float64)
    for path, leaf in leaves(case.args):
        now = at(exact, path) if isinstance(leaf, Tensor) else None
        if isinstance(now, Tensor) and leaf.is_floating_point():
            now, sign = now.double(), torch.randint(2, now.shape, generator=generator)
            labels = ((now == 0) | (now == 1)).all()
            moved = now if labels else now * (1 + noise * (2 * sign - 1))
            exact = put(exact, path, moved)
        if leaf is SEED:
            exact = put(exact, path, torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [t.double().nan_to_num() for t in numbers(case.call(**exact))]
