"""The same training run with torch's own parts, and a record of where it went.

Page: docs/en/regression/concise.md
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils import parameters_to_vector
from torch.utils.data import DataLoader, TensorDataset


# --8<-- [start:load_array]
def load_array(
    arrays: Sequence[Tensor], batch_size: int, shuffle: bool, generator: Generator
) -> DataLoader:
    """Return a loader that hands out the arrays' rows, `batch_size` at a time.

    Shapes: arrays (n, ...) each; a batch is a list of (m, ...), m <= batch_size.
    Raises: ValueError if the arrays differ in n, or there is no row.
    """
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) != 1 or lengths[0] == 0:
        raise ValueError(f"arrays must have one length n > 0, got {lengths}")
    dataset = TensorDataset(*arrays)
    return DataLoader(dataset, batch_size, shuffle=shuffle, generator=generator)
    # --8<-- [end:load_array]


# --8<-- [start:train_concise]
def train_concise(
    net: nn.Module,
    loader: Iterable,
    loss: Callable[[Tensor, Tensor], Tensor],
    optimiser: torch.optim.Optimizer,
    epochs: int,
) -> Tensor:
    """Return net's parameters before the first update and after each one.

    The optimiser's step() must need no closure (that of LBFGS does).

    Shapes: a batch is X (m, d) and y, shaped as net(X); result
            (updates + 1, parameters), for nn.Linear(d, 1): w, then b, in a row.
    Units:  the optimiser's lr belongs to `loss`: MSELoss is a mean, no half.
    Raises: ValueError if y is not shaped as net(X), epochs < 0, or the loader
            can be walked once only and epochs > 1; FloatingPointError if the
            end of the path is not finite.
    """
    if epochs < 0:
        raise ValueError(f"epochs must be at least 0, got {epochs}")
    if epochs > 1 and isinstance(loader, Iterator):
        raise ValueError("the loader is used up after one epoch: give a list")
    path = [parameters_to_vector(net.parameters()).detach()]
    for _ in range(epochs):
        for X_batch, y_batch in loader:
            y_hat = net(X_batch)
            if y_hat.shape != y_batch.shape:
                shapes = f"{tuple(y_hat.shape)} and {tuple(y_batch.shape)}"
                raise ValueError(f"net(X) and y must have one shape, got {shapes}")
            optimiser.zero_grad()  # line 4
            loss(y_hat, y_batch).backward()  # line 5
            optimiser.step()  # line 6
            path.append(parameters_to_vector(net.parameters()).detach())
    if not path[-1].isfinite().all():
        raise FloatingPointError("lr is too large, or the data are not finite")
    return torch.stack(path)
    # --8<-- [end:train_concise]
