"""The dtype of a dropout mask, and a training whose last step overflows."""

import pytest
import torch

from firstdescent.deep.symmetry import Weights, draw_mask, train


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_mask_has_the_dtype_of_what_it_is_like(dtype):
    mask = draw_mask(torch.zeros(3, dtype=dtype), 50, 0.7, torch.Generator())
    assert mask.dtype == dtype
    assert set(mask.unique().tolist()) == {0, (mask.new_ones(()) / (1 - 0.7)).item()}


def test_the_last_step_is_looked_at_too():
    start = Weights(*(torch.ones(s).double() for s in ((3, 2), (3,), (1, 3), (1,))))
    X, y = torch.ones(4, 2).double(), torch.zeros(4).double()
    with pytest.raises(ValueError, match="expected finite weights"):
        train(start, X, 1e200 + y, lambda net: torch.optim.SGD(net, lr=1e200), 1)
