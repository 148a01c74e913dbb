"""Three real processes: each test reads what one torchrun has left.

The page itself runs two, and compares what they write.
"""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Three ranks with 5, 0 and 25 rows, and what each of them finds out.
THREE = """
import os, sys
import torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from firstdescent.optimisation.accumulation_ddp import (
    accumulate, ddp_gradient, ddp_loss, ddp_walk, join_group, linear_from_zero,
    rows_per_rank, squared_sum,
)
from contextlib import nullcontext
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook

device, said = join_group(), []
rank = dist.get_rank()
g = torch.Generator().manual_seed(3)
X = torch.randn(30, 2, generator=g, dtype=torch.float64).to(device)
y = torch.randn(30, 1, generator=g, dtype=torch.float64).to(device)
A = torch.hstack([X, torch.ones_like(y)])
right = -(A * y).mean(0)  # by hand, at zero parameters
mine = [Z.split([5, 0, 25])[rank] for Z in (X, y)]
own = -(A * y).split([5, 0, 25])[rank].sum(0)  # this rank's gradient of the sum

said.append(("rows_per_rank", rows_per_rank(len(mine[0]), device) == 10))
repaired = lambda p, y: ddp_loss(squared_sum(p, y), len(y))
said.append(("ddp_loss", torch.allclose(ddp_gradient(*mine, repaired), right)))
dist.all_reduce(own)
summed = ddp_gradient(*mine, squared_sum)
said.append(("sum over ranks / W", torch.allclose(summed, own / 3)))

theta = torch.zeros(3, 1, dtype=X.dtype, device=device)
for _ in range(20):
    theta = theta - 0.3 * A.T @ (A @ theta - y) / 30
for quiet, expected in ((True, 1), (False, 3)):
    end, messages = ddp_walk(*mine, 10, quiet)
    said.append((f"walk {quiet}", torch.allclose(end, theta[:, 0], atol=1e-12)))
    said.append((f"messages {quiet}", messages == expected))

model = linear_from_zero(X)
torch.nn.init.constant_(model.bias, rank + 7.0)
model = DistributedDataParallel(model)
said.append(("starts from rank 0", model.module.bias.item() == 7))

def messages(calls_quietly, goes_back_quietly):
    model, sent = DistributedDataParallel(linear_from_zero(X)), []

    def average(group, bucket: dist.GradBucket):
        sent.append(bucket.index())
        return allreduce_hook(group, bucket)

    model.register_comm_hook(None, average)
    with model.no_sync() if calls_quietly else nullcontext():
        loss = squared_sum(model(mine[0]), mine[1])
    with model.no_sync() if goes_back_quietly else nullcontext():
        loss.backward()
    return len(sent)

said.append(("a call outside is sent", messages(0, 0) == messages(0, 1) == 1))
said.append(("a call inside is not", messages(1, 0) == messages(1, 1) == 0))

class Marked(torch.nn.Linear):
    def __init__(self):
        super().__init__(2, 1, dtype=X.dtype, device=device)
        self.register_buffer("mark", torch.zeros(1, device=device))

model, marks = DistributedDataParallel(Marked()), []
squared_sum(model(X), y).backward()
with model.no_sync():
    for _ in range(2):
        model.module.mark.fill_(rank)
        squared_sum(model(X), y).backward()
        marks.append(model.module.mark.item())
said.append(("buffers come from rank 0", marks == [0, rank]))

large = linear_from_zero(X.float())
large = DistributedDataParallel(large)
(2.5e38 * large(torch.ones(1, 2, device=device))).sum().backward()
said.append(("divides first", large.module.weight.grad.isfinite().all().item()))

try:
    rows_per_rank(0, device)
except ValueError as error:
    said.append(("no rows at all", "none on any rank" in str(error)))
all_fine = torch.tensor(int(all(fine for _, fine in said)), device=device)
dist.all_reduce(all_fine)
dist.destroy_process_group()
if rank == 0:
    print(*[name for name, fine in said if fine], sep="\\n")
    print(f"all fine on {all_fine.item()} ranks")
    sys.stdout.flush()
os._exit(0)
"""


def torchrun(processes, *program):
    """What torchrun returned and wrote; after two minutes it is told to stop."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    running = subprocess.Popen(
        [*launch, f"--nproc-per-node={processes}", *program],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = running.communicate(timeout=120)
    except BaseException:
        running.terminate()  # torchrun stops its ranks: they are no children of ours
        try:
            running.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
        raise
    return running.returncode, out, err


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    path = tmp_path_factory.mktemp("three") / "three.py"
    path.write_text(textwrap.dedent(THREE))
    code, out, err = torchrun(3, str(path))
    assert code == 0, err
    return out.split("\n")


@pytest.mark.parametrize(
    "claim",
    [
        "rows_per_rank",
        "ddp_loss",
        "sum over ranks / W",
        "walk True",
        "walk False",
        "messages True",
        "messages False",
        "starts from rank 0",
        "a call outside is sent",
        "a call inside is not",
        "buffers come from rank 0",
        "divides first",
        "no rows at all",
        "all fine on 3 ranks",
    ],
)
def test_three_ranks_of_which_one_is_empty_agree_with_one_process(three, claim):
    assert claim in three
