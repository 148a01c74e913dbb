"""What batches of tensors in memory cost: DataLoader, TensorBatches, plain indexing.

    python benchmarks/tensor_batches.py [--write]

One process, one run: the ways take turns, and each ratio is of two times of the same
round. `--write` records the table in tensor_batches.md.
"""

import argparse
import platform
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import Generator
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from firstdescent.tools.tensor_batches import TensorBatches
from firstdescent.tools.vectorise import Timer

ROWS, BATCH, ROUNDS = 100_000, 100, 9


def ways(columns: int) -> dict:
    generator = Generator().manual_seed(0)
    X = torch.randn(ROWS, columns, generator=generator)
    y = torch.randn(ROWS, generator=generator)
    data = TensorDataset(X, y)
    order = RandomSampler(data, generator=generator)
    lists = BatchSampler(order, BATCH, drop_last=False)

    def index():
        for rows in torch.randperm(ROWS, generator=generator).split(BATCH):
            yield X[rows], y[rows]

    loader = DataLoader(data, BATCH, shuffle=True, generator=generator)
    batches = TensorBatches(X, y, batch_size=BATCH, generator=generator)
    return {
        "DataLoader(TensorDataset, shuffle=True)": lambda: loader,
        "DataLoader(sampler=BatchSampler, batch_size=None)": lambda: DataLoader(
            data, sampler=lists, batch_size=None
        ),
        "TensorBatches": lambda: batches,
        "plain indexing, `X[rows], y[rows]`": index,
    }


def seconds(make) -> float:
    timer = Timer()
    for _ in make():
        pass
    return timer.stop()


def measure(columns: int) -> list[str]:
    todo = ways(columns)
    times: dict[str, list[float]] = {name: [] for name in todo}
    for round_ in range(ROUNDS + 1):
        for name, make in todo.items():
            taken = seconds(make)
            if round_:  # the first round warms up
                times[name].append(taken)
        print(f"{columns} columns, round {round_} of {ROUNDS}", file=sys.stderr)
    first, *_ = times
    lines = [
        "",
        f"{columns} columns:",
        "",
        "| way | ms an epoch | times as fast | lowest and highest round |",
        "|---|--:|--:|--:|",
    ]
    for name, taken in times.items():
        ratios = [a / b for a, b in zip(times[first], taken, strict=True)]
        lines.append(
            f"| {name} | {1000 * statistics.median(taken):.1f} "
            f"| {statistics.median(ratios):.1f} "
            f"| {min(ratios):.1f} to {max(ratios):.1f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "# Batches of tensors in memory",
        "",
        f"{ROWS:,} rows of float32 in batches of {BATCH}, random order, medians of "
        f"{ROUNDS} rounds; ratios to the first line, round by round. Recorded "
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, torch "
        f"{torch.__version__.partition('+')[0]}, one thread of a {platform.machine()} "
        "processor.",
    ]
    for columns in (2, 20, 200):
        lines += measure(columns)
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
