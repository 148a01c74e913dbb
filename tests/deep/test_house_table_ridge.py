"""Which of its two arguments fit_ridge refuses."""

import pytest
import torch

from firstdescent.deep.house_table import fit_ridge


def test_the_one_without_fractions_is_named():
    X, y = torch.eye(3), torch.arange(3)
    with pytest.raises(TypeError, match=r"floating point in X, got torch\.int64"):
        fit_ridge(X.long(), y.float(), 1.0)
    with pytest.raises(TypeError, match=r"floating point in y, got torch\.int64"):
        fit_ridge(X, y, 1.0)
