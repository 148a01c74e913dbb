"""What reach finds in a list of registered parts, and what it leaves alone."""

import torch
from torch import nn

from firstdescent.tools.modules import reach


def test_a_list_of_registered_parts_is_reached_by_way_of_the_parts():
    module = nn.Module()
    module.layer, module.weight = nn.Linear(2, 2), nn.Parameter(torch.ones(2))
    module.nested = [(module.layer,), module.weight]
    found = reach(module)
    assert [call for call in found if "nested" in found[call]] == [
        "parameters",
        "to",
        "train",
    ]


def test_reach_leaves_the_parts_of_a_module_in_eval_mode():
    module = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Linear(2, 2)).eval()
    reach(module)
    assert not any(part.training for part in module.modules())
