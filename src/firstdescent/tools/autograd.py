"""What autograd records, what its backward pass sends, and what becomes of `.grad`.

Page: docs/en/tools/autograd.md
"""

import torch
from torch import Tensor


# --8<-- [start:graph_nodes]
def graph_nodes(output: Tensor) -> list[torch.autograd.graph.Node]:
    """Return every node of the graph recorded for `output`, each once.

    The first is `output.grad_fn`; a node named AccumulateGrad stands for a leaf.

    Shapes: output (any).
    Raises: ValueError if no operation was recorded for `output`.
    """
    if output.grad_fn is None:
        raise ValueError("expected a tensor with a grad_fn, got one without")
    nodes = [output.grad_fn]
    for node in nodes:  # the list grows while the loop walks along it
        for receiver, _ in node.next_functions:
            if receiver is not None and receiver not in nodes:
                nodes.append(receiver)
    return nodes
    # --8<-- [end:graph_nodes]


# --8<-- [start:backward_edges]
def backward_edges(output: Tensor) -> list[tuple[str, str, Tensor]]:
    """Return (sender, receiver, value) for all that `output.backward()` sends.

    It calls backward, so gradients are added to the leaves' .grad as usual.

    Shapes: output of one element; value as the operand whose gradient it is,
            or None where a node sends nothing.
    Raises: ValueError if `output` is not one number or has no grad_fn.
    """
    if output.numel() != 1:
        raise ValueError(f"expected one number, got shape {tuple(output.shape)}")
    sent, handles = [], []
    for node in graph_nodes(output):

        def note(values, _, sender=node):
            for (receiver, _), value in zip(sender.next_functions, values, strict=True):
                if receiver is not None:
                    sent.append((type(sender).__name__, type(receiver).__name__, value))

        handles.append(node.register_hook(note))  # called when the node has sent
    output.backward()
    for handle in handles:
        handle.remove()
    return sent
    # --8<-- [end:backward_edges]


# --8<-- [start:parabola_path]
def parabola_path(start: Tensor, order: str, lr: float, steps: int) -> list[float]:
    """Return w before and after each of `steps` rounds of SGD on the loss w**2 / 2.

    `order` says what a round does: "clear backward step", for example.

    Shapes: start ().
    Units:  the loss is one number, neither a sum nor a mean.
    Raises: ValueError if `start` is not one floating-point number, `lr` not
            positive, `steps` negative, a word unknown, or the path not finite.
    """
    if start.shape != () or not start.is_floating_point():
        kind = f"{start.dtype} of shape {tuple(start.shape)}"
        raise ValueError(f"expected a floating-point start of shape (), got {kind}")
    if not 0 < lr < float("inf") or steps < 0:
        raise ValueError(f"expected lr > 0 and steps >= 0, got {lr} and {steps}")
    w = start.detach().clone().requires_grad_()
    optimiser = torch.optim.SGD([w], lr=lr)
    actions = {
        "clear": optimiser.zero_grad,
        "backward": lambda: (w**2 / 2).backward(),
        "step": optimiser.step,
    }
    if unknown := set(order.split()) - set(actions):
        raise ValueError(f"expected words among {list(actions)}, got {unknown}")
    path = [w.item()]
    for _ in range(steps):
        for word in order.split():
            actions[word]()
        path.append(w.item())
    if not abs(path[-1]) < float("inf"):
        raise ValueError(f"expected a finite path, got {path[-1]}: lr is {lr}")
    return path
    # --8<-- [end:parabola_path]


# --8<-- [start:attach_grad]
def attach_grad(x: Tensor) -> None:
    """Give the leaf `x` a .grad of zeros before any backward, as MXNet does.

    Shapes: x (any), x.grad the same.
    Raises: ValueError if `x` is the result of a recorded operation;
            RuntimeError if it is a tensor of integers.
    Source: Apache MXNet, Python API reference, NDArray.attach_grad.
    """
    if not x.is_leaf:
        raise ValueError(f"expected a leaf, got the result of {x.grad_fn.name()}")
    x.requires_grad_(True)
    x.grad = torch.zeros_like(x)
    # --8<-- [end:attach_grad]
