"""A lab run as a reader runs it who has changed some of its lines."""

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch

from pageproof.lab import read_script

LABS = Path(__file__).parents[2] / "docs/en/labs"


@pytest.fixture(scope="session")
def run():
    """Return what a lab's names stand for in the end; `edits` change its cells.

    A cell for CUDA is left out. `until` is a line of the last cell that is to run.
    """

    def run(name: str, *edits: tuple[str, str], until: str = "") -> dict:
        path = LABS / f"{name}.py"
        cells = read_script(path, path.read_text("utf-8")).code_cells
        codes = [cell.code for cell in cells if "requires" not in cell.options]
        for old, new in edits:
            assert any(old in code for code in codes), f"{name}: no {old!r} to change"
            codes = [code.replace(old, new) for code in codes]
        names, dtype = {"__name__": "__main__"}, torch.get_default_dtype()
        try:
            for code in codes:
                exec(compile(code, str(path), "exec"), names)
                plt.close("all")
                if until and until in code:
                    break
        finally:
            torch.set_default_dtype(dtype)
        return names

    return run
