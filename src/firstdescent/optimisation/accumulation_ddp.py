"""Gradients added up over chunks and over processes, each row counted once.

Run by torchrun, the module compares two processes with one.

Page: docs/en/optimisation/accumulation_ddp.md
"""

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from datetime import timedelta
from math import isfinite
from numbers import Integral, Real

import torch
import torch.distributed as dist
from torch import Generator, Tensor, nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import parameters_to_vector

from firstdescent.regression.house_prices import make_houses, standardise


# --8<-- [start:squared_sum]
def squared_sum(y_hat: Tensor, y: Tensor) -> Tensor:
    """Return half the squared error, summed over the rows; 0 for no rows.

    Shapes: y_hat and y alike, such as (n, 1); result ().
    Units:  a sum, not a mean: in units of y squared, and it grows with n.
    Raises: ValueError if the shapes differ; TypeError if either is not of a
            floating-point dtype.
    """
    if y_hat.shape != y.shape:
        shapes = f"{tuple(y_hat.shape)} and {tuple(y.shape)}"
        raise ValueError(f"expected y_hat and y of one shape, got {shapes}")
    if not (y_hat.is_floating_point() and y.is_floating_point()):
        raise TypeError(f"expected floating point, got {y_hat.dtype} and {y.dtype}")
    return (y_hat - y).square().sum() / 2
    # --8<-- [end:squared_sum]


# --8<-- [start:check_sum]
def check_sum(loss: Tensor) -> None:
    """Return None if `loss` is one real number in a tensor, else raise.

    Shapes: loss ().
    Raises: TypeError if it is no tensor, or complex; ValueError if not ().
    """
    if not isinstance(loss, Tensor) or loss.is_complex():
        got = loss.dtype if isinstance(loss, Tensor) else type(loss).__name__
        raise TypeError(f"expected a real tensor, got {got}")
    if loss.dim():
        raise ValueError(f"expected a sum of shape (), got {tuple(loss.shape)}")
    # --8<-- [end:check_sum]


# --8<-- [start:accumulate]
def accumulate(
    model: nn.Module,
    chunks: Iterable[tuple[Tensor, Tensor]],
    loss_sum: Callable[[Tensor, Tensor], Tensor],
    total: float,
) -> float:
    """Return the loss of all chunks; add its gradient to each `.grad`.

    Clear the gradients before, and step after all chunks, not between. After
    an error clear them too: the chunks before it have been added.

    Shapes: a chunk is (X, y), n may differ; loss_sum(model(X), y) is ().
    Units:  loss_sum is a sum; with total = all rows the result is their mean.
    Raises: TypeError if total is not a real number, or a loss no real tensor;
            ValueError if total is not positive and finite, there is no chunk,
            or a loss is not (); FloatingPointError at the first loss / total
            that is not finite (the gradient is not looked at).
    """
    if not isinstance(total, Real) or isinstance(total, bool):
        raise TypeError(f"expected a number for total, got {total!r}")
    if not 0 < total <= sys.float_info.max:
        raise ValueError(f"expected a positive, finite total, got {total}")
    values = []
    for X, y in chunks:
        loss = loss_sum(model(X), y)
        check_sum(loss)
        share = loss / float(total)
        if not isfinite(share.item()):
            got = f"loss {loss.item()} and total {total}"
            raise FloatingPointError(f"chunk {len(values)} has {got}")
        share.backward()  # frees what this chunk has stored
        values.append(share.item())
    if not values:
        raise ValueError("expected at least one chunk, got none (used up?)")
    return sum(values)
    # --8<-- [end:accumulate]


# --8<-- [start:rows_per_rank]
def rows_per_rank(n_local: int, device: torch.device | str) -> float:
    """Return the average number of rows per rank; each rank says its own.

    Every rank must call it, as often as the others: it waits for them.

    Raises: TypeError if n_local is not an integer; ValueError if it is
            negative, or if no rank has a row.
    """
    if not isinstance(n_local, Integral) or isinstance(n_local, bool):
        raise TypeError(f"expected an integer n_local, got {n_local!r}")
    if n_local < 0:
        raise ValueError(f"expected n_local >= 0, got {n_local}")
    n = torch.tensor(int(n_local), device=device)
    dist.all_reduce(n)  # now the sum over all ranks, on all ranks
    if n == 0:
        raise ValueError("expected at least one row, got none on any rank")
    return n.item() / dist.get_world_size()
    # --8<-- [end:rows_per_rank]


# --8<-- [start:ddp_loss]
def ddp_loss(loss_sum: Tensor, n_local: int) -> Tensor:
    """Return what a rank must call backward() on, so that each row counts once.

    For one backward() a step. With several chunks a step, count the rows of
    all of them first and give `accumulate` that `rows_per_rank` as total.

    Shapes: loss_sum (), the sum over this rank's n_local rows; result ().
    Units:  averaged over the ranks it is the mean over all rows.
    Raises: as rows_per_rank and check_sum.
    """
    check_sum(loss_sum)
    return loss_sum / rows_per_rank(n_local, loss_sum.device)
    # --8<-- [end:ddp_loss]


# --8<-- [start:linear_from_zero]
def linear_from_zero(X: Tensor) -> nn.Linear:
    """Return a linear model for X with one output and all parameters 0.

    Shapes: X (n, d) of a floating-point dtype, d > 0; n may be 0.
    Raises: ValueError if X has another shape or dtype.
    """
    if X.dim() != 2 or not X.shape[1] or not X.is_floating_point():
        got = f"{X.dtype} of shape {tuple(X.shape)}"
        raise ValueError(f"expected floating-point X of shape (n, d), got {got}")
    model = nn.Linear(X.shape[1], 1, device=X.device, dtype=X.dtype)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model
    # --8<-- [end:linear_from_zero]


# --8<-- [start:join_group]
def join_group() -> torch.device:
    """Return the device of this process, after it has met the others.

    A GPU each (nccl) if the machine has enough of them, else the CPU (gloo).
    (For one machine: of several, all would have to choose alike.)

    Raises: KeyError if torchrun did not start this process.
    """
    local, here = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    patience = timedelta(seconds=30)  # a rank that waits longer gives up
    if torch.cuda.device_count() >= here:
        device = torch.device("cuda", local)
        dist.init_process_group("nccl", timeout=patience, device_id=device)
    else:
        device = torch.device("cpu")
        dist.init_process_group("gloo", timeout=patience)
    return device
    # --8<-- [end:join_group]


# --8<-- [start:ddp_gradient]
def ddp_gradient(
    X: Tensor, y: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Return the gradient that DDP leaves on every rank, from zero weights.

    Shapes: X (n, d), y (n, 1), this rank's rows; loss(y_hat, y) (); result
            (d + 1,): the weights', then the bias's.
    Units:  those of `loss`, averaged over the ranks.
    """
    model = DistributedDataParallel(linear_from_zero(X))
    loss(model(X), y).backward()  # leaves the average of the ranks in .grad
    return torch.cat([p.grad.flatten() for p in model.parameters()])
    # --8<-- [end:ddp_gradient]


# --8<-- [start:ddp_walk]
def ddp_walk(X: Tensor, y: Tensor, total: float, quiet: bool) -> tuple[Tensor, float]:
    """Return the parameters after 20 steps of SGD, and the messages a step.

    Each step adds up three chunks; if quiet, only the last one is averaged.

    Shapes: X (n, d), y (n, 1), this rank's rows; result (d + 1,).
    Units:  total as for `accumulate`; the step size is 0.3.
    """
    model, sent = DistributedDataParallel(linear_from_zero(X)), []

    def average(group: None, bucket: dist.GradBucket):
        sent.append(bucket.index())
        return allreduce_hook(group, bucket)  # as without a hook, up to rounding

    model.register_comm_hook(None, average)
    chunks = list(zip(X.tensor_split(3), y.tensor_split(3), strict=True))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(20):
        optimiser.zero_grad()
        with model.no_sync() if quiet else nullcontext():
            accumulate(model, chunks[:-1], squared_sum, total)
        accumulate(model, chunks[-1:], squared_sum, total)
        optimiser.step()
    return parameters_to_vector(model.parameters()).detach(), len(sent) / 20
    # --8<-- [end:ddp_walk]


# --8<-- [start:compare_gradients]
def compare_gradients(X: Tensor, y: Tensor) -> list[str]:
    """Return DDP's gradient over that of all rows, for three splits and losses.

    Shapes: X (n, 3), y (n, 1), all rows, the same on both ranks.
    """
    model = linear_from_zero(X)
    accumulate(model, [(X, y)], squared_sum, len(X))
    right = torch.cat([p.grad.flatten() for p in model.parameters()])
    losses = {"mean": lambda p, y: squared_sum(p, y) / len(y), "sum": squared_sum}
    losses["ddp_loss"] = lambda p, y: ddp_loss(squared_sum(p, y), len(y))
    lines = ["rows  loss      bedr  bath  area const"]
    for counts in ([15, 15], [4, 26], [0, 30]):
        mine = [Z.split(counts)[dist.get_rank()] for Z in (X, y)]
        for name, loss in losses.items():
            ratios = (ddp_gradient(*mine, loss) / right).tolist()
            numbers = " ".join(f"{ratio:5.2f}" for ratio in ratios)
            lines.append(f"{counts[0]:2}+{counts[1]} {name:8} {numbers}")
    return lines
    # --8<-- [end:compare_gradients]


# --8<-- [start:compare_walks]
def compare_walks(X: Tensor, y: Tensor) -> list[str]:
    """Return how far two ranks with 4 and 26 rows end from one with all 30.

    Shapes: X (30, d), y (30, 1), all rows, the same on both ranks.
    """
    model = linear_from_zero(X)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(20):
        optimiser.zero_grad()
        accumulate(model, [(X, y)], squared_sum, len(X))
        optimiser.step()
    right = parameters_to_vector(model.parameters()).detach()
    X, y = (Z.split([4, 26])[dist.get_rank()] for Z in (X, y))
    totals = {"own rows": len(X), "N / W": rows_per_rank(len(X), X.device)}
    lines = ["total    no_sync messages         gap"]
    for name, total in totals.items():
        for quiet in (False, True):
            end, messages = ddp_walk(X, y, total, quiet)
            gap = (end - right).abs().max().item()
            lines.append(f"{name:8} {quiet!s:7} {messages:8.0f} {gap:11.8f}")
    return lines
    # --8<-- [end:compare_walks]


# --8<-- [start:main]
def main() -> None:
    """Compare two processes with one; the process of rank 0 writes the result.

    Raises: ValueError if torchrun has not started two processes.
    """
    device = join_group()
    if dist.get_world_size() != 2:
        raise ValueError(f"expected 2 processes, got {dist.get_world_size()}")
    X, y = make_houses(30, Generator().manual_seed(7))
    X, y = standardise(X)[0].to(device), y[:, None].to(device)
    lines = [*compare_gradients(X, y), "", *compare_walks(X, y)]
    first = dist.get_rank() == 0
    dist.destroy_process_group()
    if first:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    os._exit(0)  # the usual way out was seen to abort now and then
    # --8<-- [end:main]


if __name__ == "__main__":
    main()
