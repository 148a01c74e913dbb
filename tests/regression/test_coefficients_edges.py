"""Batches in two dimensions, and the median of Student's distribution."""

import pytest
import torch
from torch.testing import assert_close

from firstdescent.regression.coefficients import coef_table, t_quantile


def test_a_grid_of_tables_is_fitted_table_by_table():
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(2, 3, 7, 2, generator=generator, dtype=torch.float64)
    y = torch.randn(2, 3, 7, generator=generator, dtype=torch.float64)
    fit, flat = coef_table(A, y), coef_table(A.flatten(0, 1), y.flatten(0, 1))
    assert fit.estimate.shape == fit.se.shape == (2, 3, 2)
    assert fit.sigma.shape == (2, 3)
    for grid, row in zip(fit[:3], flat[:3], strict=True):
        assert_close(grid.flatten(0, 1), row)
    assert fit.df == flat.df == 5


@pytest.mark.parametrize("df", [1, 2, 7, 40, 10**6])
def test_half_of_the_chance_lies_below_0(df):
    assert t_quantile(0.5, df) == 0
