"""A dataset of rows, a stream that is shuffled on the way, and even batches.

Page: docs/en/tools/datasets_samplers.md
"""

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset


# --8<-- [start:Table]
class Table(Dataset):
    """Rows of `X`, each with its label from `y`.

    `transform` gets a copy of a row each time it is asked for; `X` stays as it is.

    Shapes: X (n, d), y (n,), row i: (d,) and ().
    Raises: ValueError if `X` and `y` do not have equally many rows;
            IndexError for a row that is not there.
    """

    def __init__(
        self, X: Tensor, y: Tensor, transform: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        if len(X) != len(y):
            raise ValueError(f"expected a label a row, got {len(X)} and {len(y)}")
        self.X, self.y, self.transform = X, y, transform

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        x = self.X[i]  # past the end, a tensor raises IndexError
        if self.transform is not None:
            x = self.transform(x.clone())
        return x, self.y[i]

    # --8<-- [end:Table]


# --8<-- [start:ShuffleBuffer]
class ShuffleBuffer(IterableDataset):
    """The items of `source`, shuffled as far as a buffer of `size` items allows.

    An item comes at most `size` - 1 places early; how late has no limit but the end.
    For one process: a worker gets a copy of the generator, the same in each epoch.

    Raises: ValueError if `size` is less than 1.
    """

    def __init__(self, source: Iterable, size: int, generator: torch.Generator) -> None:
        if size < 1:
            raise ValueError(f"expected a buffer for 1 item or more, got {size}")
        self.source, self.size, self.generator = source, size, generator

    def __iter__(self) -> Iterator:
        buffer = []
        for item in self.source:
            if len(buffer) < self.size:
                buffer.append(item)
            else:
                k = int(torch.randint(self.size, (), generator=self.generator))
                yield buffer[k]
                buffer[k] = item
        for k in torch.randperm(len(buffer), generator=self.generator).tolist():
            yield buffer[k]

    # --8<-- [end:ShuffleBuffer]


# --8<-- [start:stratified_batches]
def stratified_batches(
    y: Tensor, batch_size: int, generator: torch.Generator
) -> list[list[int]]:
    """Return batches of row numbers in which each label has its share.

    Each row is in one batch. Two batches differ by at most one row, in all
    and in each label, and none has more than `batch_size` rows.

    Shapes: y (n,), on the CPU.
    Raises: ValueError if `y` is not a vector or `batch_size` is less than 1.
    """
    if y.ndim != 1 or batch_size < 1:
        got = f"{tuple(y.shape)} and {batch_size}"
        raise ValueError(f"expected y (n,) and batch_size >= 1, got {got}")
    shuffled = torch.randperm(len(y), generator=generator)
    by_label = shuffled[torch.argsort(y[shuffled], stable=True)]
    k = math.ceil(len(y) / batch_size)
    return [by_label[j::k].tolist() for j in range(k)]  # as one deals cards
    # --8<-- [end:stratified_batches]
