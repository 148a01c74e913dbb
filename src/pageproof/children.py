"""Know the processes that a page starts, and end those that it leaves (on Linux)."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

# What a forked process writes that runs on after its block, and how it ends then.
CAME_OUT = b"\0forked, and out of its block\0"
STATUS = 70
RAN_ON = "a forked process runs on after its block: expected os._exit(0)"

kept: set[int] = set()  # processes that are none of a page's


def running() -> set[int]:
    """Return the children of this process, with those that have ended unnoticed."""
    found: set[int] = set()
    with contextlib.suppress(ChildProcessError, AttributeError):  # there is none
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has ended
                parent = stat.read_text().rpartition(")")[2].split()[1]
                if int(parent) == os.getpid():
                    found.add(int(stat.parent.name))
    return found


def end_new(before: set[int], grace: float = 2.0) -> str | None:
    """End the children that have come since; return what is wrong with them, if any.

    Those that are about to end, as a loader's workers are, get `grace` seconds.
    """
    end = time.monotonic() + grace
    while (new := running() - before - kept - _helpers()) and time.monotonic() < end:
        if all(map(_status, new)):
            break
        time.sleep(0.01)
    left = {pid for pid in new if not _status(pid)}
    came_out = any(_status(pid) == [STATUS] for pid in new - left)
    names = sorted(_name(pid) for pid in left)
    for pid in left:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if left:
        return f"the page leaves processes running: {names}"
    if came_out:
        return RAN_ON
    return None


def _status(pid: int) -> list[int]:
    """Return a child's exit status in a list, an empty one if it has not ended."""
    with contextlib.suppress(ChildProcessError):
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return [ended.si_status] if ended else []
    return [0]  # somebody has asked for it meanwhile


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return str(pid)


def _helpers() -> set[int | None]:
    """The processes that `multiprocessing` starts once and keeps."""
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    server = sys.modules.get("multiprocessing.forkserver")
    return {
        getattr(getattr(tracker, "_resource_tracker", None), "_pid", None),
        getattr(getattr(server, "_forkserver", None), "_forkserver_pid", None),
    }
