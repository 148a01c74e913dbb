"""Which device the pages are proven on, and whether it is the reference."""

import os
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HIDE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


class DeviceError(Exception):
    """The device asked for is not there."""


def hide_gpus() -> None:
    """Make `torch.cuda.is_available()` false, before CUDA is initialised."""
    for name in HIDE:
        os.environ[name] = ""


def demand_cuda() -> str:
    """Return the name of the GPU; DeviceError if there is none."""
    import torch

    if not torch.cuda.is_available():
        raise DeviceError(
            "--device cuda: expected a CUDA device, but this torch "
            f"({torch.__version__}) sees none. Nothing was run."
        )
    return torch.cuda.get_device_name()


def cuda_allocations() -> int:
    """Return how many allocations this process has made on the GPU so far."""
    import torch

    if not torch.cuda.is_initialized():
        return 0
    return torch.cuda.memory_stats().get("allocation.all.allocated", 0)


def differing(constraints: Path, packages: Iterable[str]) -> list[str]:
    """Return which packages are not at the version that the constraints pin."""
    lines = constraints.read_text(encoding="utf-8").split("\n")
    pins = dict(line.split("==") for line in lines if "==" in line)
    found = []
    for package in packages:
        try:
            here = version(package).partition("+")[0]
        except PackageNotFoundError:
            continue
        if here != pins.get(package):
            found.append(f"{package} {here} instead of {pins.get(package, 'any')}")
    return found
