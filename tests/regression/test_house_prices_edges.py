"""Standardising, of each type of number."""

import pytest
import torch

from firstdescent.regression.house_prices import standardise


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_standardising_keeps_the_float_type_of_the_houses(dtype):
    Z, mean, std = standardise(torch.tensor([[1.0], [3.0]], dtype=dtype))
    assert Z.dtype == mean.dtype == std.dtype == dtype
