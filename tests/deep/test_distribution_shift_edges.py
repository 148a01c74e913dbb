"""What the refusals say, rows of weights, and drawings under other styles."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.distribution_shift import (
    domain_logits,
    doubled_ranks,
    effective_size,
    permutation_p,
)
from firstdescent.deep.figures.distribution_shift import draw_kinds, draw_lines

D = torch.float64


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def vector(*values, dtype=D):
    return torch.tensor(values, dtype=dtype)


def test_refusals_name_the_shapes_that_came():
    with pytest.raises(ValueError, match=r"got \[\(3, 2\), \(4, 2\), \(5, 1\)\]"):
        domain_logits(torch.ones(3, 2), torch.ones(4, 2), torch.ones(5, 1))
    with pytest.raises(ValueError, match=r"got \(1,\) and \(2, 1\)"):
        doubled_ranks(torch.ones(1), torch.ones(2, 1))


def test_the_refusal_of_two_dtypes_names_both():
    with pytest.raises(TypeError, match=r"got torch\.float64 and torch\.float32"):
        doubled_ranks(vector(1), vector(2).float())


def test_one_weight_is_one_row():
    assert effective_size(vector(5)).item() == 1
    assert effective_size(vector([2], [0.1])).tolist() == [1, 1]


def test_float32_weights_are_counted_in_float32():
    found = effective_size(vector(1, 2, dtype=torch.float32))
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(9 / 5)


def test_each_row_of_weights_is_counted_by_itself_whatever_its_scale():
    found = effective_size(vector([1e300, 2e300, 0], [1e-300, 1e-300, 1e-300]))
    assert found.tolist() == pytest.approx([9 / 5, 3])


def test_a_row_of_zeros_among_others_is_refused():
    with pytest.raises(ValueError, match="a weight above 0"):
        effective_size(vector([1, 1], [0, 0]))


def test_one_shuffle_is_enough():
    p = permutation_p(vector(0.0), vector(0.0), torch.Generator().manual_seed(0), 1)
    assert p == 1


@pytest.mark.parametrize("lines", [False, True])
def test_the_bars_have_no_grid_whatever_the_style(lines):
    table = vector([0.1, 0.3], [0.4, 0.2])
    with plt.rc_context({"axes.grid": lines}):
        draw_kinds(table, {"one": table, "two": table}, ["a", "b"])
    for axes in plt.gcf().axes:
        assert not any(line.get_visible() for line in axes.get_xgridlines())
        assert not any(line.get_visible() for line in axes.get_ygridlines())


def test_the_curve_is_asked_in_float64_at_every_twentieth_of_the_sizes():
    asked = []

    def curve(x):
        asked.append(x)
        return x

    flat = dict.fromkeys("abc", vector(0, 1))
    draw_lines({"m": (2.0, 0.5)}, (vector(1), vector(1), vector(1)), curve, flat)
    (grid,) = asked
    torch.testing.assert_close(grid, torch.arange(10, 69, dtype=D) / 20)
