"""Items that one tensor cannot hold."""

import pytest
import torch

from firstdescent.tools.dataloader import padded


def test_padded_refuses_two_dtypes_and_names_them():
    items = [torch.ones(2), torch.ones(1, dtype=torch.int64)]
    both = r"\[\('torch\.float32', 'cpu'\), \('torch\.int64', 'cpu'\)\]"
    with pytest.raises(ValueError, match=f"one dtype and device, got {both}$"):
        padded(items)


def test_padded_refuses_two_devices_and_names_them():
    items = [torch.ones(2), torch.ones(1, device="meta")]  # it needs no GPU
    both = r"\[\('torch\.float32', 'cpu'\), \('torch\.float32', 'meta'\)\]"
    with pytest.raises(ValueError, match=f"one dtype and device, got {both}$"):
        padded(items)
