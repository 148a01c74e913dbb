"""What the refusal of a table says."""

import pytest
import torch

from firstdescent.regression.from_scratch import train


def test_the_refusal_of_a_shape_names_both_shapes():
    X, y = torch.ones(4, 2), torch.ones(3)
    with pytest.raises(ValueError, match=r"got \(4, 2\) and \(3,\)"):
        train(X, y, 0.1, 2, 1, torch.Generator())
