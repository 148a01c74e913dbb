"""Keep what one page does to the process from reaching the next."""

import atexit
import builtins
import contextlib
import gc
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Run a page in a folder of its own, and put the process back as it was.

    Seeds are drawn afresh on entry, so that a page which forgets to seed cannot print
    the same numbers twice and pass.
    """
    restore = [_environment(), _python(), _matplotlib()]
    _torch()
    os.chdir(_folder())
    try:
        yield
    finally:
        for put_back in restore:
            put_back()
        _torch()
        _empty(_folder())


def leftover_threads(before: set[threading.Thread], grace: float = 2.0) -> list[str]:
    """Return the names of the threads that have been started since and still run.

    Those that are about to end, as a queue's feeder is, get `grace` seconds.
    """
    end = time.monotonic() + grace
    while left := set(threading.enumerate()) - before:
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    return sorted(thread.name for thread in left)


@cache
def _folder() -> Path:
    """The folder in which pages run, empty for each of them."""
    folder = tempfile.mkdtemp(prefix="page-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def own_folder() -> None:
    """Let pages run in another folder than that of the process which forked this."""
    _folder.cache_clear()


def _empty(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)  # a page may have removed it,
    folder.chmod(0o700)  # or closed it
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _environment() -> Callable[[], None]:
    cwd, env, umask = Path.cwd(), dict(os.environ), os.umask(0)
    os.umask(umask)

    def put_back() -> None:
        os.chdir(cwd)
        os.umask(umask)
        if dict(os.environ) != env:
            os.environ.clear()
            os.environ.update(env)

    return put_back


def _python() -> Callable[[], None]:
    lists = [(some, list(some)) for some in (sys.path, sys.argv, warnings.filters)]
    main, names = sys.modules["__main__"], dict(vars(builtins))
    hooks = {name: getattr(sys, name) for name in ("excepthook", "displayhook")}
    signs = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    limit, collecting = sys.getrecursionlimit(), gc.isenabled()
    random.seed()

    def put_back() -> None:
        for some, items in lists:
            some[:] = items
        for name, value in hooks.items():
            setattr(sys, name, value)
        for sign, handler in signs.items():
            signal.signal(sign, handler)
        sys.modules["__main__"] = main
        for name in set(vars(builtins)) - set(names):
            delattr(builtins, name)
        vars(builtins).update(names)
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)
        (gc.enable if collecting else gc.disable)()

    return put_back


def _matplotlib() -> Callable[[], None]:
    def put_back() -> None:
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            pyplot.close("all")
        if matplotlib := sys.modules.get("matplotlib"):
            matplotlib.rcdefaults()

    return put_back


def warm_up() -> None:
    """Import torch once for all pages, and keep the collector off what it brings.

    Traversing torch's modules again and again, and once more at exit, costs more than
    most pages do.
    """
    if "torch" in sys.modules:
        return
    gc.disable()
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.simplefilter("ignore")
        import torch  # noqa: F401, for its effect
    gc.freeze()
    gc.enable()


def _torch() -> None:
    """Seeds anew, defaults as in a fresh process; nothing if nobody imported them."""
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
        numpy.set_printoptions(**_NUMPY_PRINT)
    if not (torch := sys.modules.get("torch")):
        return
    torch.default_generator.seed()
    if torch.cuda.is_initialized():
        torch.cuda.seed_all()
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.set_anomaly_enabled(False)
    if torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(False)  # costs a second when it is off
    torch.set_printoptions(profile="default", sci_mode=None)
    torch.set_warn_always(True)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if torch.get_num_threads() != _THREADS.setdefault("torch", torch.get_num_threads()):
        torch.set_num_threads(_THREADS["torch"])


_THREADS: dict[str, int] = {}
_NUMPY_PRINT = {
    "precision": 8,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 75,
    "suppress": False,
    "nanstr": "nan",
    "infstr": "inf",
    "formatter": None,
    "sign": "-",
    "floatmode": "maxprec",
}
