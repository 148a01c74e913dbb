"""The order of the batches under another default device."""

import torch
from torch import Generator

from firstdescent.tools.tensor_batches import TensorBatches


def test_the_order_is_drawn_where_the_generator_is():
    t, order = torch.arange(5), torch.randperm(5, generator=Generator().manual_seed(0))
    batches = TensorBatches(t, batch_size=2, generator=Generator().manual_seed(0))
    with torch.device("meta"):
        drawn = list(batches)
    assert torch.cat([batch for (batch,) in drawn]).tolist() == order.tolist()
