"""A clock that can be trusted, and the time of one call.

Page: docs/en/tools/vectorise.md
"""

import itertools
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


# --8<-- [start:wait_for_gpu]
def wait_for_gpu() -> None:
    """Return when the current CUDA device has done all that it was asked to do.

    Without CUDA, or before its first use, it does not wait.
    """
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    # --8<-- [end:wait_for_gpu]


# --8<-- [start:Timer]
class Timer:
    """A stopwatch that keeps every time it took.

    It runs from the moment it is made. `wait` is called before each look at
    the clock, so that work still under way is not missed.

    Units:  seconds, if `clock` counts seconds.
    Raises: RuntimeError from stop() if it is not running, and from avg()
            if no time was taken yet.
    """

    def __init__(self, clock=time.perf_counter, wait=wait_for_gpu) -> None:
        self.clock, self.wait = clock, wait
        self.times: list[float] = []
        self.start()

    def start(self) -> None:
        self.wait()
        self.since: float | None = self.clock()

    def stop(self) -> float:
        """Return the time since start(), and keep it."""
        if self.since is None:
            raise RuntimeError("expected start() before stop(), got stop() twice")
        self.wait()
        self.times.append(self.clock() - self.since)
        self.since = None
        return self.times[-1]

    def avg(self) -> float:
        """Return the mean of the times."""
        if not self.times:
            raise RuntimeError("expected a time taken by stop(), got none yet")
        return statistics.fmean(self.times)

    def sum(self) -> float:
        """Return the sum of the times."""
        return sum(self.times)

    def cumsum(self) -> list[float]:
        """Return the sums of the first time, the first two, and so on."""
        return list(itertools.accumulate(self.times))

    # --8<-- [end:Timer]


# --8<-- [start:best_time]
def best_time(f: Callable[[], object], repeats: int = 5, **timer) -> float:
    """Return the shortest time of `repeats` calls of `f`, after one that warms up.

    What else the machine does mostly adds to a time, so the shortest is nearest to
    what `f` costs.

    Units:  seconds. Further arguments go to Timer.
    Raises: ValueError if `repeats` is below 1.
    """
    if repeats < 1:
        raise ValueError(f"expected repeats >= 1, got {repeats}")
    f()  # the first call pays for what is made once: caches, kernels, memory
    stopwatch = Timer(**timer)
    for _ in range(repeats):
        stopwatch.start()
        f()
        stopwatch.stop()
    return min(stopwatch.times)
    # --8<-- [end:best_time]


# --8<-- [start:add_in_a_loop]
def add_in_a_loop(a: Tensor, b: Tensor) -> Tensor:
    """Return a + b, made number by number.

    Shapes: a (n,), b (n,), result (n,).
    Raises: ValueError if a and b differ in shape or dtype.
    """
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        got = f"{tuple(a.shape)} {a.dtype}, {tuple(b.shape)} {b.dtype}"
        raise ValueError(f"expected two vectors alike, got {got}")
    c = torch.zeros_like(a)
    for i in range(len(a)):
        c[i] = a[i] + b[i]
    return c
    # --8<-- [end:add_in_a_loop]


# --8<-- [start:CountCalls]
class CountCalls(TorchDispatchMode):
    """Inside `with CountCalls() as count:`, what PyTorch is asked to do.

    `names` lists the operations called, `tensors` counts what they returned.

    Shapes: of any tensors.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.tensors = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        self.names.append(operation.overloadpacket.__name__)
        self.tensors += sum(isinstance(leaf, Tensor) for leaf in tree_leaves(result))
        return result

    # --8<-- [end:CountCalls]
