"""Batches of tensors that are in memory already.

Page: docs/en/tools/tensor_batches.md
"""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor
from torch.utils.data import TensorDataset


# --8<-- [start:TensorBatches]
class TensorBatches:
    """Batches of rows of `tensors`, in a new random order each epoch.

    Without a generator the order is that of the rows. Batches are copies:
    writing into one leaves the data alone. An epoch needs room for the order,
    8 bytes a row, and for two batches: the loop holds one while the next is made.

    Shapes: tensors (n, ...) each, batches (batch_size, ...); the last may be
            shorter unless `drop_last`.
    Raises: TypeError for what is no tensor, whole number or generator; ValueError
            if the tensors have no rows, unequal numbers of rows or several devices,
            or if there would be no batch.
    """

    def __init__(
        self,
        *tensors: Tensor,
        batch_size: int,
        generator: Generator | None = None,
        drop_last: bool = False,
    ) -> None:
        self.n = count_rows(*tensors)
        if not isinstance(batch_size, int) or isinstance(batch_size, bool):
            raise TypeError(f"expected a whole batch_size, got {batch_size!r}")
        if not isinstance(generator, Generator | None):
            raise TypeError(f"expected a torch.Generator, got {generator!r}")
        if batch_size < 1:
            raise ValueError(f"expected batch_size >= 1, got {batch_size}")
        if drop_last and batch_size > self.n:
            asked = f"batches of {batch_size} of {self.n} rows"
            raise ValueError(f"expected a full batch with drop_last, got {asked}")
        self.tensors, self.batch_size = tensors, batch_size
        self.generator, self.drop_last = generator, drop_last

    def __len__(self) -> int:
        whole, rest = divmod(self.n, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        if self.generator is None:
            order = torch.arange(self.n)
        else:
            device = self.generator.device
            order = torch.randperm(self.n, generator=self.generator, device=device)
        batches = order.to(self.tensors[0].device).split(self.batch_size)
        for rows in batches[: len(self)]:
            yield tuple(t.index_select(0, rows) for t in self.tensors)

    # --8<-- [end:TensorBatches]


# --8<-- [start:count_rows]
def count_rows(*tensors: Tensor) -> int:
    """Return the number of rows that all `tensors` have.

    Shapes: tensors (n, ...) each.
    Raises: TypeError for what is no tensor; ValueError if there is none, or
            no row, or if sizes or devices differ.
    """
    for t in tensors:
        if not isinstance(t, Tensor):
            raise TypeError(f"expected tensors, got a {type(t).__name__}")
    shapes = [tuple(t.shape) for t in tensors]
    if len({shape[:1] for shape in shapes}) != 1 or not all(shapes):
        raise ValueError(f"expected tensors of one length, got shapes {shapes}")
    if not shapes[0][0]:
        raise ValueError(f"expected at least one row, got shapes {shapes}")
    if len(devices := {str(t.device) for t in tensors}) > 1:
        raise ValueError(f"expected tensors on one device, got {sorted(devices)}")
    return shapes[0][0]
    # --8<-- [end:count_rows]


# --8<-- [start:WholeBatches]
class WholeBatches(TensorDataset):
    """A TensorDataset that a DataLoader asks once a batch, not once a row.

    Shapes: as TensorDataset.
    Raises: as `count_rows`.
    """

    def __init__(self, *tensors: Tensor) -> None:
        count_rows(*tensors)  # says what differs, where TensorDataset asserts
        super().__init__(*tensors)

    def __getitems__(self, rows: list[int]) -> list[tuple[Tensor, ...]]:
        """Return the rows as a list of examples, cut from one indexing."""
        return list(zip(*(t[rows] for t in self.tensors), strict=True))

    # --8<-- [end:WholeBatches]
