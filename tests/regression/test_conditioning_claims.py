"""What the page says in prose, measured over many matrices."""

import math

import pytest
import torch
from matplotlib.figure import Figure
from torch import Generator
from torch.linalg import LinAlgError
from torch.testing import assert_close

from firstdescent.regression.conditioning import (
    by_cholesky,
    by_inverse,
    by_qr,
    by_svd,
    condition,
    ill_conditioned,
)
from firstdescent.regression.figures.conditioning import (
    draw_accuracy,
    draw_crossing,
    draw_nudges,
)
from firstdescent.regression.house_prices import make_houses, standardise

D = torch.float64
ONES = torch.ones(6, dtype=D)


def matrices(kappa, n=40):
    return [ill_conditioned(n, 6, kappa, Generator().manual_seed(s)) for s in range(30)]


def median(values):
    return sorted(values)[len(values) // 2]


def wrong(solve, A):
    return solve(A, A @ ONES) - ONES


def table():
    X, y = make_houses(200, Generator().manual_seed(0))
    return torch.hstack([X, X.new_ones(200, 1)]), y


@pytest.mark.parametrize("kappa", [1e2, 1e4, 1e6])
def test_the_coefficients_of_the_inverse_are_about_as_wrong_as_those_of_cholesky(kappa):
    errors = [
        [wrong(f, A).norm() for A in matrices(kappa)] for f in (by_inverse, by_cholesky)
    ]
    assert 0.3 < median(errors[0]) / median(errors[1]) < 5


def test_the_fit_of_the_inverse_is_more_than_a_thousand_times_worse():
    fits = [
        median([(A @ wrong(f, A)).norm() for A in matrices(1e6)])
        for f in (by_inverse, by_cholesky)
    ]
    assert fits[0] > 1000 * fits[1]


def test_cholesky_solves_nearby_normal_equations_and_the_inverse_does_not():
    def gap(solve, A):  # the smallest relative change of A^T A that explains theta
        G, theta = A.T @ A, solve(A, A @ ONES)
        return (G @ theta - A.T @ (A @ ONES)).norm() / (G.norm() * theta.norm())

    assert median([gap(by_cholesky, A) for A in matrices(1e6)]) < 1e-15
    assert median([gap(by_inverse, A) for A in matrices(1e6)]) > 1e-9


def test_the_error_of_cholesky_lies_where_the_matrix_hardly_stretches():
    def share(A):
        error, flattest = wrong(by_cholesky, A), torch.linalg.svd(A).Vh[-1]
        return (flattest @ error).abs() / error.norm()

    assert median([share(A) for A in matrices(1e6)]) > 0.99


def test_all_digits_are_gone_at_1e8_through_the_gram_matrix_and_half_through_qr():
    found = [wrong(by_inverse, A).norm() / ONES.norm() for A in matrices(1e8)]
    assert median(found) > 0.05
    found = [wrong(by_cholesky, A).norm() / ONES.norm() for A in matrices(3e7)]
    assert median(found) > 0.01
    assert median([wrong(by_qr, A).norm() / ONES.norm() for A in matrices(1e8)]) < 1e-8


def stopped(solve, kappa):
    count = 0
    for A in matrices(kappa):
        try:
            solve(A, A @ ONES)
        except LinAlgError:
            count += 1
    return count


def test_cholesky_begins_to_stop_near_1e8_and_the_inverse_stops_far_less_often():
    assert stopped(by_cholesky, 1e7) == 0
    assert stopped(by_cholesky, 1e9) > 5
    assert stopped(by_cholesky, 1e12) > 15
    assert stopped(by_inverse, 1e12) < 5


@pytest.mark.parametrize("solve", [by_qr, by_svd])
def test_qr_and_svd_go_on_to_1e13_and_then_mostly_refuse_noise(solve):
    assert stopped(solve, 1e13) == 0
    assert stopped(solve, 1e17) > 20


def test_a_large_residual_costs_qr_digits_by_rounding_alone():
    def error(half, length):
        m = torch.randn(20, generator=Generator().manual_seed(1), dtype=D)
        m *= length * (half @ ONES).norm() / m.norm()
        A = torch.cat([half, half])
        y = torch.cat([half @ ONES + m, half @ ONES - m])
        return (by_qr(A, y) - ONES).norm()

    without, with_one = (
        median([error(half, length) for half in matrices(1e6, 20)]) for length in (0, 1)
    )
    assert with_one > 300 * without


def test_squares_reach_the_precision_at_these_condition_numbers():
    assert math.sqrt(1 / torch.finfo(torch.float32).eps) == pytest.approx(
        3000, rel=0.04
    )
    assert math.sqrt(1 / torch.finfo(D).eps) == pytest.approx(1e8, rel=0.4)


def test_no_column_scaling_beats_columns_of_length_1_by_more_than_a_root():
    for A in (table()[0], ill_conditioned(20, 4, 1e3, Generator().manual_seed(0))):
        best = condition(A / A.norm(dim=0))
        generator = Generator().manual_seed(0)
        for _ in range(500):
            powers = torch.randn(4, generator=generator, dtype=D)
            scaled = A / A.norm(dim=0) * 3**powers
            assert condition(scaled) >= best / math.sqrt(4) * (1 - 1e-9)


def test_standardised_columns_are_perpendicular_to_the_column_of_ones():
    Z = standardise(table()[0][:, :3])[0]
    assert_close(Z.sum(dim=0), torch.zeros(3, dtype=D), rtol=0, atol=1e-10)


def test_gradient_descent_needs_steps_in_proportion_to_the_square():
    steps = []
    for kappa in (10.0, 20.0, 40.0):
        low, high = kappa**-2, 1.0  # the curvatures, eigenvalues of A^T A
        factor = 1 - 2 / (low + high) * low  # at the best constant step
        steps.append(math.log(1e-3) / math.log(factor))
    assert steps[1] / steps[0] == pytest.approx(4, rel=0.02)
    assert steps[2] / steps[1] == pytest.approx(4, rel=0.02)


def test_the_years_leave_a_scaled_condition_number_of_about_300():
    A, _ = table()
    year = torch.randint(1950, 2021, (200, 1), generator=Generator().manual_seed(5))
    raw = torch.hstack([A[:, :3], year, A[:, 3:]])
    assert 250 < condition(raw / raw.norm(dim=0)) < 350
    Z = torch.hstack([standardise(raw[:, :4])[0], raw[:, 4:]])
    assert 6 < condition(Z) < 9


def test_the_drawn_lines_cross_where_the_dots_are():
    A, y, moved = (
        torch.tensor(v, dtype=D) for v in ([[1, 1], [1, 1.1]], [2, 2.1], [2, 2.2])
    )
    ax = Figure().subplots()
    draw_crossing(ax, A, y, moved)
    first, second, dashed, *dots = ax.lines
    for line, dot, place in ((second, dots[0], (1, 1)), (dashed, dots[1], (0, 2))):
        assert_close(dot.get_xydata()[0].tolist(), [float(p) for p in place])
        for drawn in (first, line):
            (x0, y0), (x1, y1) = drawn.get_xydata().tolist()
            height = y0 + (y1 - y0) * (place[0] - x0) / (x1 - x0)
            assert height == pytest.approx(place[1])


def test_each_drawn_curve_is_what_was_handed_over():
    kappas = 10.0 ** torch.arange(14, dtype=D)
    errors = {name: [[1e-8] * 14, [1e-9] * 14] for name in "abcd"}
    axes = list(Figure().subplots(2))
    draw_accuracy(axes, kappas, errors)
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == list(
        "abcd"
    )
    for ax, value in zip(axes, (1e-8, 1e-9), strict=True):
        drawn = [line for line in ax.lines if line.get_label() in errors]
        guides = [line for line in ax.lines if line.get_linestyle() == ":"]
        powers = [1, 2] if ax is axes[0] else [1]
        for guide, power in zip(guides, powers, strict=True):
            eps = torch.finfo(D).eps
            for x, height in guide.get_xydata():
                assert height == pytest.approx(eps * x**power)
        assert (
            all(set(line.get_ydata()) == {value} for line in drawn) and len(drawn) == 4
        )
    ax = Figure().subplots()
    draw_nudges(ax, [1.0, 10.0], {0: [1, 2], 1: [3, 4]}, {0: [5, 6], 1: [7, 8]})
    assert [list(line.get_ydata()) for line in ax.lines] == [
        [1, 2],
        [5, 6],
        [3, 4],
        [7, 8],
    ]


def test_with_a_residual_a_small_change_of_y_can_move_everything_at_kappa_1():
    A = torch.ones(2, 1, dtype=D)
    y = torch.tensor([1.0, -0.999], dtype=D)
    dy = torch.tensor([0.0005, 0.0005], dtype=D)
    assert condition(A) == pytest.approx(1)
    moved = (by_qr(A, y + dy) - by_qr(A, y)).norm() / by_qr(A, y).norm()
    assert dy.norm() / y.norm() < 1e-3 and moved > 0.9
    assert moved <= dy.norm() / (A @ by_qr(A, y)).norm() * (1 + 1e-9)


def test_the_condition_number_of_the_curvatures_is_the_square():
    A, _ = table()
    H = A.T @ A / 200
    assert condition(H) == pytest.approx(condition(A) ** 2, rel=1e-6)
