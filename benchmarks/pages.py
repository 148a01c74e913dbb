"""The pages of the benchmark: a small lesson, told again with other numbers a page."""

import re
from dataclasses import dataclass
from pathlib import Path

LESSON = Path(__file__).with_name("lesson.py")
MARKER = "<!--pytest-codeblocks:expected-output-->"
PROSE = """\
Page {page} asks what step {step} does to the loss, and why. With $r_i = x_i \\cdot w -
y_i$ the gradient is $\\frac{{1}}{{n}} \\sum_i x_i r_i$: a mean and not a sum, so *lr*
keeps its meaning when $n$ changes. `requires_grad` says whose derivative it is[^1]."""

SETUP = """\
import math

import torch
from torch import Tensor
"""
LINE_DATA = '--8<-- "src/lesson.py:line_data"\n'
DESCEND = '--8<-- "src/lesson.py:descend"\n'
DATA = """\
generator = torch.Generator().manual_seed(SEED)
X, y = line_data(SIZE, 0.01, generator)
n, d = X.shape
print("X", tuple(X.shape), "y", tuple(y.shape))
"""
LOSS = """\
w = torch.zeros(d, dtype=X.dtype, requires_grad=True)
residual = X @ w - y
loss = (residual**2).mean() / 2
print(f"loss {loss.item():.4f}")
"""
BACKWARD = """\
loss.backward()
by_hand = X.T @ residual.detach() / n
print("autograd", [round(v, 3) for v in w.grad.tolist()])
print("by hand ", [round(v, 3) for v in by_hand.tolist()])
print(torch.allclose(w.grad, by_hand))
"""
TRAIN = """\
w, losses = descend(X, y, lr=0.3, steps=20)
for step in range(0, 20, 5):
    print(f"{step:3d} steps: loss {losses[step]:.5f}")
print("w =", [round(v, 3) for v in w.tolist()])
"""
SOLVE = """\
best = torch.linalg.solve(X.T @ X, X.T @ y)
floor = ((X @ best - y) ** 2).mean() / 2
print("best", [round(v, 3) for v in best.tolist()])
print(f"floor {floor.item():.2e}, after descent {losses[-1]:.2e}")
"""
HESSIAN = """\
H = X.T @ X / n  # (d, d)
slow, fast = torch.linalg.eigvalsh(H).tolist()
print(f"curvature from {slow:.3f} to {fast:.3f}")
print(f"steps per digit: {math.log(10) * fast / slow:.2f}")
"""
TOO_LONG = """\
for lr in (1 / fast, 1.9 / fast, 2.1 / fast):
    _, losses = descend(X, y, lr, steps=12)
    print(f"lr {lr:.3f}: loss {losses[0]:.3f} -> {losses[-1]:.3g}")
"""
DIFFERENCE = """\
def loss_at(w: Tensor) -> Tensor:
    return ((X @ w - y) ** 2).mean() / 2

step = 1e-6
at = torch.ones(d, dtype=X.dtype, requires_grad=True)
(exact,) = torch.autograd.grad(loss_at(at), at)
for i in range(d):
    e = torch.eye(d, dtype=X.dtype)[i] * step
    ahead, behind = loss_at(at.detach() + e), loss_at(at.detach() - e)
    print(f"{exact[i].item():8.4f} {((ahead - behind) / (2 * step)).item():8.4f}")
"""
REFUSED = """\
try:
    descend(X, y, lr=-SIZE, steps=1)
except ValueError as error:
    print(error)
"""
OPENING = [SETUP, LINE_DATA, DATA, LOSS, BACKWARD, DESCEND, TRAIN]
FURTHER = [SOLVE, HESSIAN, TOO_LONG, DIFFERENCE, REFUSED, LOSS, BACKWARD, TRAIN]
FOLDED = (SOLVE, REFUSED)


@dataclass
class Block:
    """A block as the page has it, as it runs, and what it prints."""

    shown: str
    code: str
    folded: bool
    printed: str = ""


def page_blocks(page: int, count: int) -> list[Block]:
    """Return the blocks of a page: the same steps on data of its own."""
    steps = OPENING + FURTHER * (count // len(FURTHER) + 1)
    blocks = []
    for step in steps[:count]:
        shown = step.replace("SEED", str(page)).replace("SIZE", str(100 + page))
        blocks.append(Block(shown, _expanded(shown), step in FOLDED))
    return blocks


def _expanded(code: str) -> str:
    if not (include := re.fullmatch(r'--8<-- ".*:(\w+)"\n', code)):
        return code
    text = LESSON.read_text()
    inside = re.search(rf"\[start:{include[1]}\]\n(.*\n) *# --8<-- \[end", text, re.S)
    return inside[1]


def page_text(page: int, fences: list[tuple[str, Block]]) -> str:
    """Return a page: prose, and under each block what it prints."""
    parts = [f"---\ndescription: Page {page} of the benchmark.\n---", f"# Page {page}"]
    for step, (code, block) in enumerate(fences, 1):
        parts.append(f"## Step {step} {{ #step{step} }}")
        parts.append(PROSE.format(page=page, step=step))
        text = f"```python\n{code}```"
        if block.printed:
            text += f"\n\n{MARKER}\n```text\n{block.printed}```"
        if block.folded:
            text = '??? success "Answer"\n\n' + re.sub(r"(?m)^(?=.)", "    ", text)
        parts.append(text)
    return "\n\n".join([*parts, "[^1]: A footnote, as pages have them.\n"])
