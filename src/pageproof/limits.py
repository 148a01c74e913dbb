"""Bound what a block may take, so that no page keeps the others from being run.

A block that takes too long has an exception raised in it, then again each second; where
none of them ends it, as in a loop that runs in C, its process ends, with a traceback.
"""

import errno
import faulthandler
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

SECONDS = 120  # for a Python block, and again for the drawing of its figures
GRACE = 30  # seconds more, until its process ends
MEMORY = 8 << 30  # bytes on top of those of the process, on Linux without a GPU
FILE = 256 << 20  # bytes of each file that is written, that of what is printed too
ENDING = ("_exit", "abort", "execv", "execve")  # what of `os` would end the run
ENDS = True  # whether the process ends then; not where another one watches it
STDERR = 2  # for that traceback; a plugin knows better, where pytest captures this


class LimitError(BaseException):
    """Stops a block, also one that handles each Exception."""


class Limits:
    """Holds for what runs inside; `passed` is what that did not keep, if anything."""

    passed: str | None = None
    interrupted = False  # from the keyboard, not by the page

    def __init__(self, *, memory: bool = True) -> None:
        self.resources = Resources(memory=memory)

    def __enter__(self) -> "Limits":
        self.pid = os.getpid()
        self.real = {name: getattr(os, name) for name in ENDING if hasattr(os, name)}
        for name, real in self.real.items():
            setattr(os, name, self.refusal(name, real))
        self.resources.__enter__()
        if os.name == "posix":
            if ENDS:
                later = SECONDS + GRACE
                faulthandler.dump_traceback_later(later, exit=True, file=STDERR)
            handlers = {signal.SIGALRM: self.late, signal.SIGINT: self.interrupt}
            self.before = {sign: signal.signal(sign, h) for sign, h in handlers.items()}
            signal.setitimer(signal.ITIMER_REAL, SECONDS, 1)
        return self

    def __exit__(self, *_: object) -> None:
        if os.name == "posix":
            signal.setitimer(signal.ITIMER_REAL, 0)
            if ENDS:
                faulthandler.cancel_dump_traceback_later()
            for sign, handler in self.before.items():
                signal.signal(sign, handler)
        self.resources.__exit__()
        for name, real in self.real.items():
            setattr(os, name, real)

    def late(self, *_: object) -> NoReturn:
        self.stop(f"still running after {SECONDS} s")

    def interrupt(self, sign: int, frame: FrameType | None) -> None:
        self.interrupted = True
        if callable(handler := self.before[signal.SIGINT]):
            handler(sign, frame)

    def refusal(self, name: str, real: Callable) -> Callable:
        """Return what stands for a function that ends its process: not this one."""

        def refuse(*arguments: object) -> None:
            if os.getpid() != self.pid:
                real(*arguments)
            self.stop(f"calls os.{name}, which would end the run")

        return refuse

    def stop(self, why: str) -> NoReturn:
        self.passed = why
        raise LimitError(why)


class Resources:
    """The limits that the system keeps, for a block and the processes it starts."""

    def __init__(self, *, memory: bool = True) -> None:
        self.memory = memory
        self.before: dict[int, tuple[int, int]] = {}

    def __enter__(self) -> None:
        if sys.platform != "linux":
            return
        import resource

        limits = {resource.RLIMIT_FSIZE: FILE}
        if self.memory:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + MEMORY
        for kind, limit in limits.items():
            soft, hard = self.before[kind] = resource.getrlimit(kind)
            finite = [n for n in (limit, soft, hard) if n != resource.RLIM_INFINITY]
            resource.setrlimit(kind, (min(finite), hard))

    def __exit__(self, *_: object) -> None:
        if self.before:
            import resource

            for kind, limits in self.before.items():
                resource.setrlimit(kind, limits)


def hint(error: BaseException) -> str:
    """Return, with a blank before it, which limit an error may come from."""
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return f" (a block may take {MEMORY >> 30} GiB)"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return f" (a block may write {FILE >> 20} MiB to a file)"
    return ""
