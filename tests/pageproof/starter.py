"""Runs pytest again and again, each time in a fork of this process.

What pytest, MkDocs and torch import is imported once, here, and nothing of `pageproof`:
this remembers where it was imported. Reads a line of JSON for each run, {"cwd", "env",
"arguments", "output"}, and answers with the exit status.
"""

import contextlib
import gc
import importlib
import json
import os
import sys

WARM = (
    "pytest",
    "hypothesis",
    "xdist.plugin",
    "xdist.looponfail",
    "pytest_codeblocks.plugin",
    "mkdocs.config.defaults",
    "mkdocs.plugins",
    "material",
    "jupytext",
    "nbformat",
    "pymdownx.snippets",
    "pymdownx.superfences",
    "pymdownx.highlight",
    "pygments.lexers",
    "pygments.formatters",
    "torch",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
)


def main() -> None:
    os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert "pageproof" not in sys.modules
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        if not os.fork():
            run(asked)
        _, status = os.wait()
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(asked: dict) -> None:
    """What the fork does: be `python -m pytest`, and end as it ends."""
    os.setsid()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    out = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, stream in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, out)):
        os.dup2(stream, number)
    # Plugins that are imported already cannot have their assertions rewritten.
    sys.argv = ["pytest", "--assert=plain", *asked["arguments"]]
    given = asked["env"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [asked["cwd"], *filter(None, given)]
    import pytest

    sys.exit(pytest.main())


if __name__ == "__main__":
    main()
