"""Batches in two dimensions, the middle of Student's distribution, a stick's end."""

import math

import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from torch.testing import assert_close

from firstdescent.regression.coefficients import coef_table, t_quantile
from firstdescent.regression.figures.coefficients import draw_sticks


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


@pytest.mark.parametrize("p", [0.34, 0.4, 0.49, 0.51, 0.6, 0.66])
def test_quantiles_near_the_middle_are_those_of_the_closed_forms(p):
    assert t_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-6)
    expected = (2 * p - 1) / math.sqrt(2 * p * (1 - p))
    assert t_quantile(p, 2) == pytest.approx(expected, rel=1e-6)


def test_a_stick_whose_end_is_the_truth_does_not_miss_it():
    ax = Figure().subplots()
    estimate, half = torch.tensor([8.0, 12.0, 8.0]), torch.tensor([2.0, 2.0, 1.0])
    draw_sticks(ax, estimate, half, truth=10)
    below, above, missing = (stick.get_color() for stick in ax.lines[:6:2])
    assert same_color(below, above)
    assert not same_color(below, missing)
