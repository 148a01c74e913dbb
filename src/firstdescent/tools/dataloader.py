"""What a DataLoader does with its rows, by hand, and two helpers beside it.

Page: docs/en/tools/dataloader.md
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import BatchSampler, Dataset, Sampler, default_collate


# --8<-- [start:load]
def load(
    dataset: Dataset, sampler: Sampler, batch_size: int, generator: Generator | None
) -> Iterator:
    """Return an iterator over one epoch of batches, as DataLoader's without workers.

    It draws from `generator` at the first `next`; DataLoader does so at `iter`.

    Raises: ValueError if `batch_size` is not a positive integer.
    """
    # DataLoader draws a seed for its workers, even if it has none.
    torch.empty((), dtype=torch.int64).random_(generator=generator)
    for rows in BatchSampler(sampler, batch_size, drop_last=False):
        items = [dataset[row] for row in rows]
        yield default_collate(items)
    # --8<-- [end:load]


# --8<-- [start:padded]
def padded(items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return `items` as one tensor, filled up with 0, and their lengths.

    A 0 may also be data: the lengths tell which is which.

    Shapes: each item (its length,), results (B, longest) and (B,).
    Raises: ValueError if there is no item, or if dtypes or devices differ.
    """
    if not items:
        raise ValueError("expected at least one item, got none")
    if len(kinds := {(str(item.dtype), str(item.device)) for item in items}) > 1:
        raise ValueError(f"expected one dtype and device, got {sorted(kinds)}")
    lengths = torch.tensor([len(item) for item in items])
    return pad_sequence(items, batch_first=True), lengths
    # --8<-- [end:padded]


# --8<-- [start:epoch_mean]
def epoch_mean(means: Sequence[float], counts: Sequence[float]) -> float:
    """Return the mean over all rows, from the mean and the size of each batch.

    For a weighted mean, a batch's size is the sum of its rows' weights.

    Units:  each of `means` is a mean over the rows of its batch, not a sum.
    Raises: ValueError if there is no batch, if a count is not positive, or if
            there are not as many counts as means.
    """
    if not counts or not min(counts) > 0:
        raise ValueError(f"expected positive counts of rows, got {counts}")
    pairs = zip(means, counts, strict=True)
    return sum(mean * count for mean, count in pairs) / sum(counts)
    # --8<-- [end:epoch_mean]
