"""The inverse of a triangle itself, what refusals say, and the drawings' scales."""

import math

import pytest
import torch
from matplotlib.figure import Figure
from torch.linalg import LinAlgError
from torch.testing import assert_close

from firstdescent.regression.conditioning import (
    by_cholesky,
    by_inverse,
    by_svd,
    check_problem,
    inverse_triangle,
)
from firstdescent.regression.figures.conditioning import (
    draw_accuracy,
    draw_crossing,
    draw_nudges,
)

D = torch.float64
SKEW = torch.tensor([[1.0, 1.0], [0.0, 1e-3]], dtype=D)


def accuracy(kappas, error):
    axes = list(Figure().subplots(2))
    values = [error] * len(kappas)
    draw_accuracy(
        axes, torch.tensor(kappas, dtype=D), dict.fromkeys("abcd", [values] * 2)
    )
    return axes


def power(label):
    """The number that a label such as 10⁻⁸ names."""
    digits = label.removeprefix("10").translate(
        str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    )
    return 10.0 ** int(digits) if digits != "1" else 1.0


def test_the_refusal_of_a_shape_names_both_shapes():
    with pytest.raises(ValueError, match=r"got \(4, 2\) and \(3,\)"):
        check_problem(torch.ones(4, 2), torch.ones(3))


def test_the_formula_refuses_a_gram_matrix_that_overflowed_and_names_a_way_out():
    A = torch.tensor([[1e200, 1], [1, 2], [3, 1]], dtype=D)
    with pytest.raises(LinAlgError, match="overflowed: columns too large; use by_qr"):
        by_inverse(A, A[:, 1])


def test_cholesky_refuses_a_first_column_of_zeros():
    A = torch.tensor([[0, 1], [0, 2], [0, 5]], dtype=D)
    with pytest.raises(LinAlgError, match="use by_qr"):
        by_cholesky(A, A[:, 1])


@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_a_triangle_times_its_inverse_is_one(dtype):
    R = torch.tensor([[2, 1, 3], [0, 4, 1], [0, 0, 5]], dtype=dtype)
    assert_close(R @ inverse_triangle(R, 3), torch.eye(3, dtype=dtype))


@pytest.mark.parametrize("batch", [(2,), (2, 3)])
def test_each_triangle_of_a_batch_is_inverted(batch):
    R = torch.randn(*batch, 4, 4, generator=torch.Generator().manual_seed(0), dtype=D)
    R = R.triu(1) + 2 * torch.eye(4, dtype=D)
    assert_close(inverse_triangle(R, 4), torch.linalg.inv(R))


@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_the_units_of_a_column_make_no_triangle_dependent(unit):
    for units in ([unit, 1.0], [1.0, unit]):
        R = SKEW * torch.tensor(units, dtype=D)
        for triangles in (R, R[None], torch.stack([SKEW, R])):
            inverse = inverse_triangle(triangles, 2)
            one = torch.eye(2, dtype=D).expand_as(triangles)
            assert_close(triangles @ inverse, one)


@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_a_triangle_is_refused_below_ten_root_n_roundings_of_a_column(dtype):
    for parts, accepted in ((84, True), (76, False)):  # 64 rows: the cutoff is 80
        left = parts * torch.finfo(dtype).eps
        R = torch.tensor([[1, 1], [0, left]], dtype=dtype)
        if accepted:
            assert_close(inverse_triangle(R, 64) @ R, torch.eye(2, dtype=dtype))
        else:
            with pytest.raises(LinAlgError, match="dependent columns"):
                inverse_triangle(R, 64)


@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_the_svd_is_refused_below_ten_root_n_roundings_of_the_largest_value(dtype):
    sign = torch.tensor([1.0, -1.0], dtype=dtype).repeat(32)
    for parts, accepted in ((84, True), (76, False)):  # 64 rows: the cutoff is 80
        # The singular values of 1 and 1 + d * sign have the ratio d / 2.
        moved = 1 + 2 * parts * torch.finfo(dtype).eps * sign
        A = torch.stack([torch.ones_like(sign), moved], dim=1)
        if accepted:
            assert by_svd(A, sign).isfinite().all()
        else:
            with pytest.raises(LinAlgError, match="dependent columns"):
                by_svd(A, sign)


def test_one_dependent_triangle_of_a_batch_is_refused():
    R = torch.tensor([[1.0, 1.0], [0.0, 1e-17]], dtype=D)
    with pytest.raises(LinAlgError, match="dependent columns"):
        inverse_triangle(torch.stack([SKEW, R]), 2)


def test_the_drawn_equations_begin_at_the_left_edge():
    ax = Figure().subplots()
    draw_crossing(ax, SKEW, SKEW[:, 1], SKEW[:, 1])
    assert {line.get_xdata()[0] for line in ax.lines[:3]} == {ax.get_xlim()[0]}


def test_each_error_stands_at_its_kappa():
    kappas = [1.0, 1e3, 1e5]
    for ax in accuracy(kappas, 1e-8):
        drawn = [line for line in ax.lines if line.get_label() in set("abcd")]
        assert [list(line.get_xdata()) for line in drawn] == 4 * [kappas]


def test_the_guides_stop_below_30():
    top = 30 * 2.0**52  # eps times it is 30
    for ax in accuracy([1.0, top / 2, top, top * 61 / 60, 2 * top], 1e-8):
        for guide in ax.lines:
            if guide.get_linestyle() == ":":
                assert max(guide.get_ydata()) < 30


def test_each_guide_has_its_label_nearby():
    eps = torch.finfo(D).eps
    axes = accuracy([1.0, 1e6], 1e-8)
    found = []
    for ax in axes:
        for text in ax.texts:
            kappa, height = text.get_position()
            found.append(text.get_text())
            line = eps * kappa ** {"ε κ²": 2, "ε κ": 1}[found[-1]]
            assert 1e-3 < height / line < 1e3
    assert found == ["ε κ²", "ε κ", "ε κ"]


def test_both_drawings_of_accuracy_show_kappa_from_1_and_all_precisions():
    for ax in accuracy([1.0, 1e6], 1e-8):
        (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
        assert left < 1 and right > 1e13
        assert low < torch.finfo(D).eps / 2 and high > 30


def test_the_routes_are_named_in_two_rows_in_the_upper_left_corner():
    ax, _ = accuracy([1.0, 1e6], 1e2)  # where the names are
    ax.get_figure().draw_without_rendering()
    texts = [text.get_window_extent() for text in ax.get_legend().get_texts()]
    assert len({round(box.x0) for box in texts}) == 2
    for box in texts:
        x, y = ax.transAxes.inverted().transform((box.x0, box.y0))
        assert x < 0.5 < y


def test_each_tick_stands_where_its_label_says():
    axes = accuracy([1.0, 1e6], 1e-8)
    nudges = Figure().subplots()
    draw_nudges(nudges, [1.0, 10.0], {0: [1, 2], 1: [3, 4]}, {0: [5, 6], 1: [7, 8]})
    for ax in (*axes, nudges):
        for axis in (ax.xaxis, ax.yaxis):
            named = [power(text.get_text()) for text in axis.get_ticklabels()]
            assert len(named) >= 3
            for value, name in zip(axis.get_ticklocs(), named, strict=True):
                assert math.isclose(value, name, rel_tol=1e-13)
