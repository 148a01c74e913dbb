"""What a DataLoader's workers do, when main waits for them, what they do not share.

Page: docs/en/tools/loader_workers.md
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, Subset, get_worker_info


# --8<-- [start:Calls]
class Calls(Dataset):
    """Return (i, call()) for item i: `call` runs in the process that loads the item.

    Raises: IndexError for an item that is not there.
    """

    def __init__(self, n: int, call: Callable[[], Any]) -> None:
        self.n, self.call = n, call

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> tuple[int, Any]:
        if not 0 <= i < self.n:
            raise IndexError(f"expected 0 <= i < {self.n}, got {i}")
        return i, self.call()

    # --8<-- [end:Calls]


# --8<-- [start:Incident]
class Incident(Dataset):
    """Return i for item i, but call `action` before item `at` is returned.

    Raises: IndexError for an item that is not there.
    """

    def __init__(self, n: int, at: int, action: Callable[[], Any]) -> None:
        self.n, self.at, self.action = n, at, action

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> int:
        if not 0 <= i < self.n:
            raise IndexError(f"expected 0 <= i < {self.n}, got {i}")
        if i == self.at:
            self.action()
        return i

    # --8<-- [end:Incident]


# --8<-- [start:Counting]
class Counting(Dataset):
    """Return for item i how many items this copy of the dataset has served so far.

    `served` belongs to one copy; `shared` lies in memory that all processes see.

    Shapes: shared (n,), how often each item was loaded, by anyone.
    """

    def __init__(self, n: int) -> None:
        self.served = 0
        self.shared = torch.zeros(n, dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        return len(self.shared)

    def __getitem__(self, i: int) -> int:
        self.served += 1
        self.shared[i] += 1
        return self.served

    # --8<-- [end:Counting]


# --8<-- [start:Noisy]
class Noisy(Dataset):
    """Return (i, a random whole number below 1000), from a generator of its own.

    Raises: IndexError for an item that is not there.
    """

    def __init__(self, n: int, seed: int = 0) -> None:
        self.n, self.rng = n, random.Random(seed)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> tuple[int, int]:
        if not 0 <= i < self.n:
            raise IndexError(f"expected 0 <= i < {self.n}, got {i}")
        return i, self.rng.randrange(1000)

    # --8<-- [end:Noisy]


# --8<-- [start:numpy_draw]
def numpy_draw() -> int:
    """Return a whole number below 1000 from NumPy's global generator."""
    return int(np.random.randint(1000))
    # --8<-- [end:numpy_draw]


# --8<-- [start:python_draw]
def python_draw() -> int:
    """Return a whole number below 1000 from the global generator of `random`."""
    return random.randrange(1000)
    # --8<-- [end:python_draw]


# --8<-- [start:seed_worker]
def seed_worker(worker_id: int) -> None:
    """Return nothing; give the `rng` of this worker's dataset a seed of its own.

    The seed is drawn from torch, which the loader has already seeded in each worker.
    Of a Subset, it is the dataset below that has the `rng`.

    Raises: RuntimeError if called outside a worker.
    """
    info = get_worker_info()
    if info is None:
        raise RuntimeError("expected to be called in a worker, got the main process")
    dataset = info.dataset
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    dataset.rng.seed(torch.randint(2**63 - 1, ()).item())
    # --8<-- [end:seed_worker]


# --8<-- [start:Stream]
class Stream(IterableDataset):
    """Return 0, 1, ..., n - 1 as a stream, in whatever process iterates over it."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.n))

    # --8<-- [end:Stream]


# --8<-- [start:ShardedStream]
class ShardedStream(IterableDataset):
    """Return 0, 1, ..., n - 1 as a stream that the workers divide among them."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        if info is None:  # the main process, no workers
            return iter(range(self.n))
        return iter(range(info.id, self.n, info.num_workers))

    # --8<-- [end:ShardedStream]


# --8<-- [start:EpochNoise]
class EpochNoise(Dataset):
    """Return for the index (epoch, i) a number that depends on these and `seed` only.

    Uniform on [0, 1). A text seeds Python's generator through SHA-512, so that
    neighbours have nothing in common.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __getitem__(self, index: tuple[int, int]) -> float:
        epoch, i = index
        return random.Random(f"{self.seed}, {epoch}, {i}").random()

    # --8<-- [end:EpochNoise]


# --8<-- [start:loader_schedule]
def loader_schedule(
    loads: Sequence[float], train: float, workers: int, prefetch: int = 2
) -> tuple[list[tuple[int, float, float]], list[tuple[float, float]]]:
    """Return (worker, start, end) of each load and (start, end) of each training step.

    A model: starting a worker and handing over a batch take no time, and nobody
    waits for a processor. Without workers the main process, -1, loads.

    Units:  any, the same for `loads` (one number a batch) and `train` (for each).
    Raises: ValueError if a duration or `workers` is negative, `prefetch` below 1.
    """
    if not all(x >= 0 for x in (train, workers, *loads)) or prefetch < 1:
        given = f"{list(loads)}, {train}, {workers}, {prefetch}"
        raise ValueError(f"expected durations >= 0 and prefetch >= 1, got {given}")
    loaded, steps, now = [], [], 0.0
    free = [0.0] * workers  # when each worker has finished what it was asked for
    ahead = workers * prefetch  # batches asked for before the first is taken
    for k, load in enumerate(loads):
        worker, start = -1, now
        if workers:  # batch k is asked for when batch k - ahead is taken
            worker = k % workers
            asked = steps[k - ahead][0] if k >= ahead else 0.0
            start = max(asked, free[worker])
            free[worker] = start + load
        loaded.append((worker, start, start + load))
        begin = max(now, start + load)
        now = begin + train
        steps.append((begin, now))
    return loaded, steps
    # --8<-- [end:loader_schedule]
