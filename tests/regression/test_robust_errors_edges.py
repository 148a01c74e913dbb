"""Robust errors in extreme units, and what the refusal of a bootstrap says."""

import pytest
import torch
from torch.testing import assert_close

from firstdescent.regression.coefficients import CoefTable
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


@pytest.mark.parametrize("shape", [(4, 4, 2), (4, 0), (4,)])
def test_a_bootstrap_draws_from_one_table_with_columns(shape):
    with pytest.raises(ValueError, match=r"expected times >= 1, A \(n, p\)"):
        bootstrap(torch.ones(shape), torch.ones(4), 3, torch.Generator())


def test_no_more_than_80_megabytes_of_rows_are_drawn_at_a_time(monkeypatch):
    sizes = []

    def noted(A, y):
        sizes.append(8 * A.numel())
        return CoefTable(y[..., :1], y[..., :1], y[..., 0], 1)  # fits nothing: faster

    monkeypatch.setattr("firstdescent.regression.robust_errors.coef_table", noted)
    A = torch.ones(1_000_000, 1, dtype=torch.float64)
    bootstrap(A, A[:, 0], 11, torch.Generator())
    assert sizes == [8_000_000, 80_000_000, 8_000_000]
