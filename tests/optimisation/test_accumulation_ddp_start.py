"""How a process of accumulation_ddp starts and ends, acted in one process."""

import os
import sys
from datetime import timedelta

import pytest
import torch
import torch.distributed as dist

from firstdescent.optimisation import accumulation_ddp
from firstdescent.optimisation.accumulation_ddp import join_group, main


@pytest.mark.parametrize("start", [join_group, main])
def test_a_process_that_torchrun_did_not_start_is_told(start, monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(KeyError, match="LOCAL_RANK"):
        start()


@pytest.mark.parametrize(("gpus", "backend"), [(0, "gloo"), (1, "gloo"), (2, "nccl")])
def test_a_process_takes_a_gpu_if_there_are_enough_and_waits_half_a_minute(
    gpus, backend, monkeypatch, page_says
):
    page_says("after 30 seconds if they met in `join_group`")
    asked = {}
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(
        dist, "init_process_group", lambda name, **how: asked.update(name=name, **how)
    )
    device = join_group()
    assert str(device) == ("cuda:1" if backend == "nccl" else "cpu")
    assert asked["name"] == backend
    assert asked["timeout"] == timedelta(seconds=30)
    assert asked.get("device_id", device) == device


@pytest.fixture
def acted(monkeypatch):
    """main() in this process, with all that other processes do acted."""
    events = []
    monkeypatch.setattr(accumulation_ddp, "join_group", lambda: torch.device("cpu"))
    for name in ("compare_gradients", "compare_walks"):
        monkeypatch.setattr(accumulation_ddp, name, lambda X, y, name=name: [name])
    monkeypatch.setattr(dist, "destroy_process_group", lambda: events.append("left"))
    monkeypatch.setattr(sys.stdout, "write", events.append)
    monkeypatch.setattr(sys.stdout, "flush", lambda: events.append("flushed"))
    monkeypatch.setattr(os, "_exit", lambda code: events.append(code))

    def run(rank, processes=2):
        monkeypatch.setattr(dist, "get_rank", lambda: rank)
        monkeypatch.setattr(dist, "get_world_size", lambda: processes)
        main()
        return events

    return run


def test_rank_0_leaves_the_group_then_writes_then_ends_at_once(acted):
    text = "compare_gradients\n\ncompare_walks\n"
    assert acted(0) == ["left", text, "flushed", 0]


def test_rank_1_writes_nothing(acted):
    assert acted(1) == ["left", 0]


@pytest.mark.parametrize("processes", [1, 3])
def test_another_number_of_processes_is_refused(acted, processes):
    with pytest.raises(ValueError, match=f"expected 2 processes, got {processes}"):
        acted(0, processes)
