"""Catch what a block prints, and put the streams back whatever it does to them."""

import ctypes
import io
import os
import sys
import tempfile
from functools import cache
from typing import TextIO

LIBC = ctypes.CDLL(None) if os.name == "posix" else None


class Streams:
    """All that is written to standard output, from Python and from below it.

    Standard error goes where it went, by a stream that may be closed.
    """

    def __enter__(self) -> "Streams":
        sys.stdout.flush()
        self.file = _scratch()
        os.ftruncate(self.file, 0)
        os.lseek(self.file, 0, os.SEEK_SET)
        self.streams = sys.stdin, sys.stdout, sys.stderr
        self.saved = {number: os.dup(number) for number in (1, 2)}
        os.dup2(self.file, 1)
        sys.stdout, sys.stderr = _writer(self.file), _writer(2)
        self.out = sys.stdout
        return self

    def __exit__(self, *_: object) -> None:
        if LIBC:
            LIBC.fflush(None)
        self.closed = _closed(self.out) or not _same(1, self.file)
        for number, saved in self.saved.items():
            os.dup2(saved, number)
            os.close(saved)
        sys.stdin, sys.stdout, sys.stderr = self.streams
        self.written = os.pread(self.file, os.fstat(self.file).st_size, 0)
        self.text = self.written.decode("utf-8", "backslashreplace")


def _writer(number: int) -> TextIO:
    raw = io.FileIO(number, "wb", closefd=False)
    return io.TextIOWrapper(
        raw, "utf-8", "backslashreplace", newline="\n", write_through=True
    )


def _closed(stream: TextIO) -> bool:
    try:
        return stream.closed
    except ValueError:  # it has been detached
        return True


def _same(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:  # one of them is closed
        return False


@cache
def _scratch() -> int:
    """One file for all that is printed: opening one a block is half the cost."""
    file, name = tempfile.mkstemp()
    os.unlink(name)
    return file
