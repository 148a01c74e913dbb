"""Robust errors in extreme units, and what the refusal of a bootstrap says."""

import pytest
import torch
from torch.testing import assert_close

from firstdescent.regression.robust_errors import bootstrap, robust_se


def table():
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    return both[:, :2], both[:, 2]


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_units_whose_squares_overflow_or_vanish_have_robust_errors(size):
    A, y = table()
    for units in ([size, 1.0], [1.0, size]):
        units = A.new_tensor(units)
        assert_close(robust_se(A * units, y) * units, robust_se(A, y))


def test_the_refusal_of_a_bootstrap_names_what_came():
    A, y = table()
    with pytest.raises(ValueError, match=r"got 0, \(12, 2\) and \(12,\)"):
        bootstrap(A, y, 0, torch.Generator())
