"""A layer written by hand, and three ways to look into a module.

Page: docs/en/tools/modules.md
"""

import copy

import torch
from torch import Generator, Tensor, nn


# --8<-- [start:anatomy]
def anatomy(module: nn.Module) -> dict[str, list[str]]:
    """Return the names of what `module` itself keeps, store by store.

    What its children keep is not listed. Of hooks, only the stores in use are
    named. A slot that holds None (the bias, if there is none) is left out.

    Raises: TypeError if `module` is not an nn.Module.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"expected an nn.Module, got {type(module).__name__}")
    inside, empty = vars(module), vars(nn.Module())
    stores = {"parameters": "_parameters", "buffers": "_buffers"}
    stores["children"] = "_modules"
    kept = {
        name: [key for key, value in inside[store].items() if value is not None]
        for name, store in stores.items()
    }
    kept["hooks"] = [s for s in inside if s.endswith("_hooks") and inside[s]]
    kept["attributes"] = [name for name in inside if name not in empty]
    return kept
    # --8<-- [end:anatomy]


# --8<-- [start:reach]
def _parts(value: object) -> list:
    """Return the modules and tensors in an attribute, also those in a list."""
    if isinstance(value, list | tuple):
        return [part for entry in value for part in _parts(entry)]
    if isinstance(value, nn.Module):
        return [*value.modules(), *value.parameters(), *value.buffers()]
    return [value]


def reach(module: nn.Module) -> dict[str, set[str]]:
    """Return, for each of four calls, the names in `module` that it reaches.

    A child is reached if anything in it is. What changes a module is tried on
    copies, `to` with the device "meta", where tensors have a shape and no numbers.

    Shapes: any, they do not matter.
    Raises: TypeError if `module` is not an nn.Module.
    """
    names = {"training"}.union(*anatomy(module).values())
    moved = copy.deepcopy(module).to("meta")
    on, off = copy.deepcopy(module).train(), copy.deepcopy(module).eval()
    parameters = {id(p) for p in module.parameters()}
    found = {call: set() for call in ("parameters", "state_dict", "to", "train")}
    found["state_dict"] = {name.split(".")[0] for name in module.state_dict()}
    for name in names:
        parts = [_parts(getattr(m, name)) for m in (module, moved, on, off)]
        for here, there, trained, evaluated in zip(*parts, strict=True):
            if id(here) in parameters:
                found["parameters"].add(name)
            if isinstance(here, Tensor) and there.is_meta and not here.is_meta:
                found["to"].add(name)
            if isinstance(here, nn.Module) and trained.training != evaluated.training:
                found["train"].add(name)
    found["train"].add("training")
    return found
    # --8<-- [end:reach]


# --8<-- [start:Linear]
class Linear(nn.Module):
    """Return x @ weight.T + bias for each x, as nn.Linear does.

    weight starts with draws of mean 0 and standard deviation 0.01, bias with
    zeros. (nn.Linear draws both otherwise.)

    Shapes: x (..., in_features), result (..., out_features),
            weight (out_features, in_features), bias (out_features,).
    """

    def __init__(
        self, in_features: int, out_features: int, generator: Generator | None = None
    ) -> None:
        super().__init__()
        weight = torch.empty(out_features, in_features)
        self.weight = nn.Parameter(weight.normal_(0, 0.01, generator=generator))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T + self.bias
        # --8<-- [end:Linear]


# --8<-- [start:activation_shapes]
def activation_shapes(net: nn.Module, x: Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Return (name, shape of its output) for each layer that net(x) calls, in order.

    A layer is a module without children; one that is called twice stands twice.
    `net` is really run: in training mode, BatchNorm counts this batch too.

    Shapes: x as `net` takes it.
    Raises: TypeError if a layer returns something else than one tensor.
    """
    shapes, handles = [], []
    for name, layer in net.named_modules():
        if not list(layer.children()):

            def note(layer, inputs, output, name=name):
                if not isinstance(output, Tensor):
                    came = type(output).__name__
                    raise TypeError(f"expected a tensor from {name!r}, got {came}")
                shapes.append((name, tuple(output.shape)))

            handles.append(layer.register_forward_hook(note))
    try:
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return shapes
    # --8<-- [end:activation_shapes]
