"""What a run on CUDA asks of a page, with the GPU's answers simulated."""

from itertools import count

import pytest

from pageproof import device
from pageproof.notebook import BlockError
from pageproof.proof import Proof, Settings
from pageproof.reading import Reader

TWO_BLOCKS = "```python\nx = 1\n```\n\n```python\ny = x\n```\n"


@pytest.fixture
def prove(project):
    """Prove a page as on a GPU; exact says whether as on the reference."""

    def run(text: str, *, exact: bool = False) -> None:
        page = Reader(project.root / "mkdocs.yml").read(project.page(text))
        style = project.root / "docs/assets/light.mplstyle"
        proof = Proof(page, Settings(cuda=True, exact=exact, update=False, style=style))
        try:
            for block in page.blocks:
                proof.prove(block)
        finally:
            proof.finish()

    return run


def test_a_page_that_uses_the_gpu_passes(prove, monkeypatch):
    allocations = count()
    monkeypatch.setattr(device, "cuda_allocations", lambda: next(allocations))
    prove(TWO_BLOCKS)


def test_a_page_that_allocates_nothing_on_the_gpu_fails_at_its_last_block(
    prove, monkeypatch
):
    monkeypatch.setattr(device, "cuda_allocations", lambda: 7)
    with pytest.raises(BlockError, match=r"page.md:5: .*allocated nothing on the GPU"):
        prove(TWO_BLOCKS)


def test_a_page_may_say_why_it_has_nothing_to_run_there(prove, monkeypatch):
    monkeypatch.setattr(device, "cuda_allocations", lambda: 7)
    prove(f"---\nno_cuda: it only draws\n---\n{TWO_BLOCKS}")


def test_a_block_that_needs_cuda_is_run_there(prove, monkeypatch):
    monkeypatch.setattr(device, "cuda_allocations", count().__next__)
    with pytest.raises(BlockError, match=r"page.md:3: ZeroDivisionError"):
        prove("<!--pytest.mark.requires(cuda)-->\n```python\n1 / 0\n```\n")


def test_a_last_digit_and_a_device_are_forgiven_there(prove, monkeypatch):
    monkeypatch.setattr(device, "cuda_allocations", count().__next__)
    shown = (
        "```python\nprint(\"tensor([0.123], device='cuda:0')\")\n```\n\n"
        "<!--pytest-codeblocks:expected-output-->\n```text\n{}\n```\n"
    )
    prove(shown.format("tensor([0.124])"))
    with pytest.raises(BlockError, match="the page shows"):
        prove(shown.format("tensor([0.125])"))
    with pytest.raises(BlockError, match="the page shows"):
        prove(shown.format("tensor([0.124])"), exact=True)


def test_what_is_not_at_its_pin_is_named(tmp_path):
    pins = tmp_path / "constraints.txt"
    pins.write_text("# a remark\npytest==0.1\nnothing-here==1\n")
    (found,) = device.differing(pins, ["pytest", "nothing-here"])
    assert found.startswith("pytest ")
    assert found.endswith(" instead of 0.1")
    pins.write_text(f"pytest=={pytest.__version__}\n")
    assert device.differing(pins, ["pytest"]) == []
