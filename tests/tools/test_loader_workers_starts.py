"""How workers start, fail and end, as docs/en/tools/loader_workers.md says."""

import gc
import multiprocessing
import pickle
import subprocess
import sys
import warnings
from functools import partial

import pytest
import torch
from torch.utils.data import DataLoader

from firstdescent.tools.loader_workers import (
    Calls,
    Counting,
    Incident,
    Noisy,
    seed_worker,
)


def first_epoch(dataset):
    generator = torch.Generator().manual_seed(0)
    settings = {"num_workers": 1, "generator": generator}
    loader = DataLoader(dataset, worker_init_fn=seed_worker, **settings)
    return [draw.item() for _, draw in loader]


def test_a_timeout_is_refused_if_negative_or_without_workers():
    with pytest.raises(ValueError, match="timeout option should be non-negative"):
        DataLoader(range(2), timeout=-1)
    with pytest.raises(AssertionError, match="requires timeout == 0"):
        iter(DataLoader(range(2), timeout=1))


def test_a_lambda_cannot_be_sent_to_a_spawned_worker():
    loader = DataLoader(
        Calls(2, lambda: 0), num_workers=1, multiprocessing_context="spawn"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
            iter(loader)


GUARDED = """
import multiprocessing, sys
from torch.utils.data import DataLoader
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print(*(batch.tolist() for batch in DataLoader(range(4), num_workers=1)))
"""


@pytest.mark.parametrize("way", multiprocessing.get_all_start_methods())
def test_a_guarded_script_works_however_workers_start(tmp_path, way):
    script = tmp_path / "script.py"
    script.write_text(GUARDED)
    command = [sys.executable, script, way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "[0] [1] [2] [3]\n", done.stderr


def test_a_spawned_worker_loads_the_same():
    loader = DataLoader(
        Noisy(2),
        num_workers=1,
        multiprocessing_context="spawn",
        worker_init_fn=seed_worker,
        generator=torch.Generator().manual_seed(0),
    )
    assert [draw.item() for _, draw in loader] == first_epoch(Noisy(2))


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="only Linux shares tensors by descriptor, which is what fails",
)
def test_a_torch_generator_in_the_dataset_cannot_be_sent_to_a_spawned_worker():
    call = partial(torch.randint, 9, (), generator=torch.Generator())
    loader = DataLoader(Calls(1, call), num_workers=1, multiprocessing_context="spawn")
    # its state goes through a file that is closed too early: whose fault, is chance
    with pytest.raises((RuntimeError, ValueError, OSError)):
        next(iter(loader))


SCRIPT = """
import multiprocessing, os
def start():
    process = multiprocessing.get_context("spawn").Process(target=os.getpid)
    process.start()
    process.join(60)
    print("ended with", process.exitcode)
"""


@pytest.mark.parametrize(
    "guard, exit_code", [("", 1), ("if __name__ == '__main__': ", 0)]
)
def test_a_script_that_starts_workers_on_import_fails_under_spawn(
    tmp_path, guard, exit_code
):
    script = tmp_path / "script.py"
    script.write_text(f"{SCRIPT}{guard}start()\n")
    command = [sys.executable, script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == f"ended with {exit_code}\n"
    assert ("bootstrapping phase" in done.stderr) == bool(exit_code)


def test_the_traceback_of_a_workers_exception_keeps_the_worker_alive():
    before = {*multiprocessing.active_children()}
    gc.collect()
    gc.disable()  # or the collector may find the worker at any time
    try:
        for clear in (False, True):
            try:
                list(DataLoader(Incident(4, 1, partial(int, "seven")), num_workers=1))
            except ValueError as error:
                if clear:
                    error.__traceback__ = None
            assert bool({*multiprocessing.active_children()} - before) != clear
            gc.collect()
    finally:
        gc.enable()


def test_shared_counts_are_exact_where_each_worker_writes_entries_of_its_own():
    dataset = Counting(50)
    for _ in range(2):
        assert (
            len([*DataLoader(dataset, num_workers=2, persistent_workers=False)]) == 50
        )
    assert dataset.shared.tolist() == [2] * 50 and dataset.served == 0


def test_an_exception_that_needs_more_than_a_text_arrives_as_a_runtime_error():
    wrong = Incident(2, 0, partial(bytes.decode, b"\xff", "utf-8"))
    with pytest.raises(RuntimeError, match="UnicodeDecodeError") as caught:
        list(DataLoader(wrong, num_workers=1))
    caught.value.__traceback__ = None
