# ---
# description: Measure what feeds your model and what starves it. DataLoader or slices, workers, pinned memory, copies, each with a prediction that is checked.
# needs: [tools/dataloader, tools/loader_workers, tools/tensor_batches]
# ---

# %% [markdown]
# # How fast can you feed a model? { #feed_lab }
#
# *“My processor is busy, my model is small, and still an epoch takes for ever. More workers? Pinned memory? Larger batches? Which of them helps here, and how do I find out without trying everything?”*
#
# Measure where the time goes, predict what a change would save, then make the change and see. This lab does that again and again. What is behind the numbers is proven on three pages: [what a `DataLoader` does](../tools/dataloader.md), [what workers do](../tools/loader_workers.md) and [batches of tensors](../tools/tensor_batches.md). Your times will differ from ours, so the cells print what should hold on any machine. Lines marked `# change this` are yours.

# %%
import time
from functools import partial
from statistics import median

import matplotlib.pyplot as plt
import torch
from torch import Generator
from torch.nn import Linear, ReLU, Sequential
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset

from firstdescent.tools.loader_workers import Calls, loader_schedule
from firstdescent.tools.tensor_batches import TensorBatches
from firstdescent.tools.vectorise import Timer, best_time

device = "cuda" if torch.cuda.is_available() else "cpu"


def seeded():
    return Generator().manual_seed(0)


# %% [markdown]
# ## Two ways to the same rows { #two-ways }
#
# The data are tensors in memory. `by_rows` is the usual way: a `TensorDataset` in a `DataLoader`. `by_index` asks for a whole batch of rows at once. Each gives all rows once, in random order.

# %%
n = 1000
X = torch.randn(n, 20, generator=seeded())
y = X.sum(dim=1)
data = TensorDataset(X, y)


def by_rows(batch_size, **more):
    order = {"shuffle": True, "generator": seeded()}
    return DataLoader(data, batch_size, **order, **more)


def by_index(batch_size):
    return TensorBatches(X, y, batch_size=batch_size, generator=seeded())


def drain(batches):
    for _ in batches:
        pass


# %% [markdown]
# A loader takes the rows [one by one](../tools/tensor_batches.md#batch) and stacks them again; `by_index` makes one call for a whole batch. So one cost should come once a *row*, whatever the batch size, and the other once a *batch*.
#
# ## A clock that is fair { #race }
#
# One measurement tells little. The first call pays for what is made once, and whatever else the machine does adds to a time. So `race` lets the ways take turns, throws the first round away, and keeps each way's shortest time, [which is nearest to what it costs](../tools/vectorise.md#ratio). `Timer` waits for a GPU before it looks at the clock. **Guess first, then run:** how do the two curves run, from batches of 10 to batches of 1000?


# %% timed="figure"
def race(*ways, rounds=9):
    times = [[] for _ in ways]
    for _ in range(rounds + 1):
        for way, taken in zip(ways, times, strict=True):
            timer = Timer()
            way()
            taken.append(timer.stop())
    return [min(taken[1:]) for taken in times]


sizes = [10, 30, 100, 300, 1000]
cost = {}  # microseconds a row
for load in (by_rows, by_index):
    seconds = race(*(partial(drain, load(size)) for size in sizes))
    cost[load] = [1e6 * s / n for s in seconds]
    plt.loglog(sizes, cost[load], "o-", label=load.__name__)
old, new = cost[by_rows], cost[by_index]
plt.legend(loc="center right", bbox_to_anchor=(1, 0.6))
plt.gca().set(xlim=(8, 1300), ylim=(0.003, 50))
plt.gca().set(xlabel="batch size", ylabel="microseconds a row")
print("batches of 100: over 10 times:", old[2] > 10 * new[2])
print("batches of 1000: over 30 times:", old[4] > 30 * new[4])

# %% [markdown]
# ![Two curves of the time for one row against batch size. By rows the curve is nearly flat at a few microseconds, by index it falls steadily, from about ten times below to more than a hundred times below.](../assets/figures/labs/feed_lab/cost.svg)
#
# The figure shows the times of the machine that recorded this page. A larger table, with 100,000 rows of up to 200 columns, stands in `benchmarks/tensor_batches.md` of this project's repository.
#
# ## Two numbers tell the rest { #two-numbers }
#
# If a row costs $r$, and a batch $c$ besides, then with $B$ rows a batch the time for a row is
#
# $$t(B) = r + c / B$$
#
# Two measurements give both letters. Take those at 10 and 1000, and foretell the other three. **Guess:** at a batch size of 100, which part is the larger?

# %% timed="figure"
small, large = old[0], old[4]
c = (small - large) / (1 / 10 - 1 / 1000)
r = large - c / 1000
line = [(r + c / B) / small for B in sizes]
plt.semilogx(sizes, line, "C1", label="foretold")
plt.semilogx(sizes, [t / small for t in old], "oC0", label="measured")
plt.gca().set(xlim=(8, 1300), ylim=(0, 1.6), xlabel="batch size")
plt.ylabel("time for a row, at 10 it is 1")
plt.legend()
print("at 100, rows cost more:", r > c / 100)

# %% [markdown]
# ![The loader's time for one row against batch size: a line that falls from batches of 10 to batches of 100 and then stays level, with five measured dots on it or near it.](../assets/figures/labs/feed_lab/two_numbers.svg)
#
# So from batches of some dozens of rows on, larger ones have little left to save: the level part is $r$, and only another way of loading gets below it.
#
# ## Is the model waiting? { #waiting }
#
# Loading matters only if the model waits for it. `feed` walks through an epoch with two stopwatches, one for the waits and one for the steps, and takes the median of each. (So one batch that was disturbed does not count.)


# %%
def feed(batches, step):
    """Return the median wait for a batch and the median step, in seconds."""
    wait, work = Timer(), Timer()
    for batch in batches:
        wait.stop()
        work.start()
        step(*batch)
        work.stop()
        wait.start()
    return median(wait.times), median(work.times)


# %% [markdown]
# The model is linear regression, about as small as models get; `trainer(64)` would put 64 hidden units in between. A step moves its batch to the model's device, unless it is there already.


# %%
def trainer(width=0):
    net = Linear(20, 1).to(device)
    if width:
        hidden, last = Linear(20, width), Linear(width, 1)
        net = Sequential(hidden, ReLU(), last).to(device)
    sgd = torch.optim.SGD(net.parameters(), lr=0.01)

    def step(x, y):
        sgd.zero_grad()
        loss = mse_loss(net(x.to(device))[:, 0], y.to(device))
        loss.backward()  # the mean over the batch
        sgd.step()

    return step


def train(batches, step):
    for batch in batches:
        step(*batch)


# %% [markdown]
# (On a GPU the stopwatches make each step end before the next batch is fetched. Without them the fetching may go on beside the step, so the share below is the most that you could save.)
#
# Let $L$ be the wait for a batch of 100 rows, and $T$ the step on it. **Guess:** which share of the time, $L/(L + T)$, does the model wait?

# %%
step = trainer(width=0)  # change this
L, T = {}, {}
for load in (by_rows, by_index):
    feed(load(100), step)  # warm up
    pairs = [feed(load(100), step) for _ in range(20)]
    L[load], T[load] = map(median, zip(*pairs, strict=True))
    share = L[load] / (L[load] + T[load])
    print(f"{load.__name__:8} waits over a quarter: {share > 0.25}")

# %% [markdown]
# Now predict what the swap is worth, before you look. If only the wait changes, $L + T$ becomes $L_{\text{new}} + T$. We measure whole epochs, without stopwatches inside.

# %%
now = L[by_rows] + T[by_rows]
foretold = now / (L[by_index] + T[by_rows])
usual = partial(train, by_rows(100), step)
swapped = partial(train, by_index(100), step)
slow, fast = race(usual, swapped, rounds=20)
print("foretold: over 1.3 times as fast:", foretold > 1.3)
print("so fast, or nearly, or more:", slow / fast > 0.8 * foretold)

# %% [markdown]
# The gain may well be *more* than foretold. Then the steps became faster too, though nobody touched them. Perhaps what the loader does between two steps drives the model out of the processor's caches; we measure only that it happens. So the rule gives a cautious answer, and its limit is the one to remember: **a share $s$ of waiting can be worth a factor of $1/(1 - s)$ at most, as long as the steps stay as they are.** If $s$ is 5 %, look elsewhere.
#
# ## Would workers help? { #workers }
#
# Workers are [other processes](../tools/loader_workers.md#processes) that load while you train. Guess: for rows in memory, how does an epoch with two workers compare with `by_index`?

# %%
helped = partial(drain, by_rows(100, num_workers=2))
two, none = race(helped, partial(drain, by_index(100)), rounds=3)
print("2 workers: over 10 times as long:", two > 10 * none)

# %% [markdown]
# They must be started, and each batch has to cross from one process to another. There was nothing to save: [what a worker costs](../tools/loader_workers.md#cost).
#
# Where loading is *slow*, they pay. Let us make it slow: `Calls` calls a function for each item, here a sleep of 20 ms, as if a disk were answering; the training step sleeps 10 ms. An item stands for a whole batch, so `batch_size=None`. `loader_schedule` [predicts](../tools/loader_workers.md#timeline) the time of an epoch. The workers are kept (`persistent_workers`), and the epoch that starts them does not count. (A notebook can do this on every system, since `Calls` comes from a module. A script may need [a guard](../tools/loader_workers.md#context).)

# %% timed="figure"
load, step = 0.02, 0.01  # change this
ready = Calls(8, partial(time.sleep, load))
counts, took, foretold = [0, 1, 2], [], []
for k in counts:
    _, steps = loader_schedule([load] * 8, step, k)
    foretold.append(steps[-1][1])
    workers = {"num_workers": k, "persistent_workers": k > 0}
    loader = DataLoader(ready, batch_size=None, **workers)
    pause = partial(train, loader, lambda *_: time.sleep(step))
    took += race(pause, rounds=3)
del loader, pause  # ends the workers
plt.plot(counts, foretold, "C1", label="foretold")
plt.plot(counts, took, "oC0", label="measured")
plt.gca().set(xlabel="workers", ylabel="seconds an epoch", ylim=(0, 0.4))
plt.xticks(counts)
plt.legend()
for k, a, b in zip(counts, took, foretold, strict=True):
    print(f"{k} workers: as foretold: {0.8 < a / b < 1.5}")

# %% [markdown]
# ![Seconds an epoch against workers: the foretold line falls from 0.24 without workers to less than half of that with two, and the measured dots lie on it or a little above.](../assets/figures/labs/feed_lab/workers.svg)
#
# In the long run a batch costs $\max(T, L/W)$ with $W$ workers, loading time $L$ and step time $T$. Here $L/T = 2$, so a third worker would gain nothing. (Sleeping workers need no core. If loading *computes*, workers beyond the cores gain nothing either.)
#
# ## What is copied, and what is not { #copies }
#
# **Guess four answers.** Does a slice of a tensor copy? Does an indexing? Does `.to` the device where the tensor is already? And does a `DataLoader`?


# %%
def copied(tensor):
    return tensor.untyped_storage().data_ptr() != X.untyped_storage().data_ptr()


loader = DataLoader(data, batch_size=100)
print("slice:     ", copied(X[:100]))
print("index:     ", copied(X[torch.arange(100)]))
print("to the CPU:", copied(X.to("cpu")))
print("DataLoader:", copied(next(iter(loader))[0]))

# %% [markdown]
# A slice is free, but [it is the data itself](../tools/tensor_batches.md#exercises): write into it and the data change. On a CPU there is no way to a device, so nothing about pinning can help: `pin_memory=True` [only warns](../tools/loader_workers.md#pinned).
#
# ## The way to a GPU { #gpu }
#
# The next three cells need CUDA. The machine that recorded this page has none, so they show no output here; in a notebook on a GPU they show your machine's numbers.
#
# Memory is **pinned** if the system may not move it. From there the GPU fetches by itself; anything else is first copied into a pinned buffer, piece by piece. Guess: which of the three lines is fastest, which slowest?

# %% requires="cuda"
usual = torch.ones(2**26)  # 256 MiB
pinned = usual.pin_memory()
seconds = race(
    lambda: usual.to(device),
    lambda: pinned.to(device),
    lambda: usual.pin_memory().to(device),
)
names = "usual", "pinned", "pin, then copy"
rates = [usual.nbytes / s / 1e9 for s in seconds]  # GB/s
dict(zip(names, rates, strict=True))  # a notebook shows its last line

# %% [markdown]
# Pinned memory should be the fastest. But pinning is itself a copy, made by the processor: done anew for each batch, in the process that trains, it may eat what it gains. Pin once what you copy often, or let a loader with workers pin in its own thread.
#
# The second gain is that a copy from pinned memory need not hold you up. With `non_blocking=True` the call returns when the copy is *ordered*. The prediction: ordering takes less than a fifth of the time of the copy.


# %% requires="cuda"
def order():
    return pinned.to(device, non_blocking=True)


ordered = best_time(order, wait=lambda: None)
torch.cuda.synchronize()  # let the orders be carried out
done = best_time(order)  # Timer waits for the GPU
assert done > 5 * ordered
back = order().to("cpu", non_blocking=True)
torch.cuda.synchronize()  # before anyone reads `back`
assert torch.equal(back, pinned)
ordered / done  # the share of the copy's time that ordering it takes

# %% [markdown]
# Two rules come with it. What goes *to* the GPU is safe to compute with there at once, since the GPU keeps the order of its tasks; but do not write into the pinned source until the copy is done. What comes *back* must not be read before a `synchronize()`: until then the numbers may not have arrived.
#
# The best copy is the one that is not made. If the data fit on the GPU, keep them there:

# %% requires="cuda"
there = X.to(device), y.to(device)
resident = TensorBatches(*there, batch_size=100, generator=seeded())
step = trainer()
ways = by_rows(100), by_index(100), resident
seconds = race(*(partial(train, way, step) for way in ways))
names = "DataLoader", "batches, copied", "batches, resident"
gains = [seconds[0] / s for s in seconds]  # times as fast
dict(zip(names, gains, strict=True))

# %% [markdown]
# ## In short { #in-short }
#
# - First measure the share of waiting, $s$. No way of feeding makes an epoch faster than $1/(1 - s)$ times, if the steps stay as they are.
# - Tensors in memory: index whole batches. A `DataLoader` costs per row, whatever the batch size.
# - Slow loading: workers, about $L/T$ of them, and not more than there are cores if loading computes.
# - On a GPU: data that fit live there. Else pin once, copy with `non_blocking=True`, and synchronise before you read a clock or a result.
# - Let the ways take turns, throw the first round away, and keep the shortest of several times.
#
# ## Try { #try }
#
# Each of these is an edit of a cell above. Guess, edit, run from there on.
#
# 1. *Wide rows.* Give `X` 2000 columns instead of 20 (and `Linear` 2000 inputs). How much faster is `by_index` now, for batches of 1000?
#
# ??? success "What you should see"
#
#     A good deal less than before. Both ways now copy 8000 bytes a row, and copying takes about as long in both. Only the cost of the *calls* is saved. In practice: the gain is large for many small rows and small for few large ones. An image that is in memory already costs mostly its copy.
#
# 2. *Batches of one.* Put 1 in front of `sizes`.
#
# ??? success "What you should see"
#
#     The curves come closer: a batch of one row is a row, and `by_index` is a few times as fast, no longer tens of times. What is left is what the loader does besides, for a row and for a batch. (The cells that follow take other places of the list now; undo it before you go on.) In practice: `by_index` is fast because of its batches, so give it large ones, also where you only evaluate.
#
# 3. *A big step.* Write `trainer(width=16384)` where the share is measured.
#
# ??? success "What you should see"
#
#     On a CPU `by_rows` no longer waits over a quarter, and the foretold gain falls below 1.3. On a GPU the step should hardly grow, and then the waiting stays. In practice: the faster your device, the more it matters how you feed it.
#
# 4. *A slow model, a slow disk.* In the cell with the sleeps, set `step = 0.02`, then `0.04`. How many workers are worth starting? And with `load = 0.04` and the old step?
#
# ??? success "What you should see"
#
#     One: $L/T$ is 1, then ½. Without workers a batch costs $L + T$, with one it costs $\max(T, L)$, and with two the same. With the slow disk $L/T = 4$, so four workers would gain; put 4 into `counts` to see it. (PyTorch warns if you have fewer cores. These workers sleep.) In practice: estimate $L/T$ before you start eight.
#
# 5. *Other threads.* Put `torch.set_num_threads(1)` into the first cell and run all.
#
# ??? success "What you should see"
#
#     The words stay the same. The cost that this lab is about is Python's, and that part runs in one thread anyway. In practice: a number that changes with the threads belongs into a report together with their number.
