"""What irls refuses, and what it must not refuse."""

import math

import pytest
import torch

from firstdescent.optimisation.irls import (
    check_classes,
    column_scales,
    inverse_hessian,
    irls,
    penalties,
    refuse_separated,
    reweight,
    separates,
    shortened,
    summed_loss,
)

D = torch.float64
X = torch.tensor([[-2.0], [-1.0], [0.5], [1.0], [3.0]], dtype=D)
ONES = torch.ones(5, 1, dtype=D)
A = torch.hstack([X, ONES])
MIXED = torch.tensor([0.0, 1, 0, 1, 1], dtype=D)
SPLIT = torch.tensor([0.0, 0, 1, 1, 1], dtype=D)
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("bad", [A.int(), A.half(), A.to(torch.complex128), A > 0])
def test_a_table_of_another_dtype_is_refused(bad):
    with pytest.raises(TypeError, match="float32 or float64"):
        irls(bad, MIXED)


def test_complex_labels_are_refused():
    with pytest.raises(TypeError, match="real y"):
        check_classes(A, MIXED.to(torch.complex128))


@pytest.mark.parametrize(
    ("bad", "y"), [(A, MIXED[:4]), (A, A), (A[:, 0], MIXED), (A[:0], MIXED[:0])]
)
def test_other_shapes_are_refused(bad, y):
    with pytest.raises(ValueError, match=r"expected A \(n, p\)"):
        irls(bad, y)


@pytest.mark.parametrize("label", [2.0, -1.0, 0.5, NAN])
def test_other_labels_are_refused(label):
    y = MIXED.clone()
    y[2] = label
    with pytest.raises(ValueError, match="labels 0 and 1, got"):
        irls(A, y)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_table_that_is_not_finite_is_refused(bad):
    table = A.clone()
    table[1, 0] = bad
    with pytest.raises(ValueError, match="finite"):
        irls(table, MIXED)


@pytest.mark.parametrize("bad", [-1.0, NAN, INF, torch.tensor([1.0, -1.0])])
def test_a_penalty_below_zero_or_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="finite and not negative"):
        irls(A, MIXED, bad)


def test_a_penalty_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="penalty"):
        irls(A, MIXED, torch.ones(3))


@pytest.mark.parametrize(
    "how", [{"tol": 0.0}, {"tol": 0.02}, {"tol": NAN}, {"steps": 0}]
)
def test_a_tolerance_or_steps_that_make_no_sense_are_refused(how):
    with pytest.raises(ValueError, match="expected tol"):
        irls(A, MIXED, **how)


def test_too_few_steps_are_said():
    with pytest.raises(RuntimeError, match="after 2 steps"):
        irls(A, MIXED, steps=2)


@pytest.mark.parametrize("copies", [1, 100])
def test_a_dependent_column_is_named(copies):
    y = MIXED.repeat(copies)
    twin = torch.hstack([X, X**2, 3 * X - 1, ONES]).repeat(copies, 1)
    with pytest.raises(torch.linalg.LinAlgError, match=r"column [023] is dependent"):
        irls(twin, y)
    zero = torch.hstack([X, 0 * X, ONES]).repeat(copies, 1)
    with pytest.raises(torch.linalg.LinAlgError, match="column 1 is dependent"):
        irls(zero, y)
    assert irls(twin, y, 0.1).theta.isfinite().all()
    assert irls(zero, y, 0.1).theta[1] == 0


def test_more_columns_than_rows_need_a_penalty():
    wide = torch.hstack([X, X**2, X**3, X**4, X**5, ONES])
    with pytest.raises(torch.linalg.LinAlgError):
        irls(wide, MIXED)
    assert irls(wide, MIXED, 0.1).theta.isfinite().all()


def test_one_row_with_a_penalty_has_the_root_of_its_derivative():
    theta = irls(torch.tensor([[2.0]]), torch.tensor([1]), 1.0).theta.item()
    assert theta == pytest.approx(2 / (1 + math.exp(2 * theta)), rel=1e-6)


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_one_class_has_no_minimum_while_the_intercept_is_free(label, penalty):
    with pytest.raises(ValueError, match=f"all are {label:.0f}"):
        irls(A, torch.full((5,), label), penalty)
    assert irls(A, torch.full((5,), label), torch.ones(2)).theta.isfinite().all()


def test_one_class_without_an_intercept_may_have_a_minimum():
    # sum of log(1 + exp(-x theta)) over x = -2, -1, 0.5, 1, 3
    theta = irls(X, torch.ones(5)).theta.item()
    slope = sum(x / (1 + math.exp(x * theta)) for x in X[:, 0].tolist())
    assert slope == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("copies", [1, 200])
def test_complete_separation_is_said_and_a_penalty_cures_it(copies):
    B, y = A.repeat(copies, 1), SPLIT.repeat(copies)
    with pytest.raises(ValueError, match="separated"):
        irls(B, y)
    for penalty in (1e-6, 1.0, 1e6):
        w, b = irls(B, y, penalty).theta.tolist()
        wrong = torch.sigmoid(X[:, 0] * w + b) - SPLIT
        slope = copies * (wrong @ X[:, 0]).item()
        assert slope == pytest.approx(-penalty * w, rel=1e-5)
        assert wrong.sum().item() == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("copies", [1, 200])
@pytest.mark.parametrize("pure", [0.0, 1.0])
def test_a_group_with_one_label_is_quasi_complete_separation(copies, pure):
    group = torch.tensor([[1.0], [1], [0], [0], [0]], dtype=D)
    y = torch.tensor([pure, pure, 0, 1, 1], dtype=D).repeat(copies)
    with pytest.raises(ValueError, match="separated"):
        irls(torch.hstack([group, ONES]).repeat(copies, 1), y)


def test_quasi_complete_separation_with_a_tie_at_the_border():
    x = torch.tensor([[-1.0], [0], [0], [1]], dtype=D)
    table = torch.hstack([x, torch.ones_like(x)])
    with pytest.raises(ValueError, match="separated"):
        irls(table, torch.tensor([0, 0, 1, 1]))


@pytest.mark.parametrize("gap", [1.0, 1e-3, 1e-6, 1e-9])
def test_an_overlap_down_to_1e_minus_9_has_the_finite_answer(gap):
    x = torch.tensor([-2.0, -gap, gap, 2.0], dtype=D)
    table = torch.stack([x, torch.ones_like(x)], dim=1)
    w = irls(table, torch.tensor([0, 1, 0, 1])).theta[0].item()
    # by symmetry b = 0, and the derivative along w is zero
    assert 2 / (1 + math.exp(2 * w)) == pytest.approx(
        gap / (1 + math.exp(-gap * w)), rel=1e-6
    )


def test_a_separating_column_without_penalty_is_found_beside_a_penalised_one():
    other = torch.tensor([[1.0], [-1], [2], [0], [1]], dtype=D)
    table = torch.hstack([X, other])
    with pytest.raises(ValueError, match="separated"):
        irls(table, SPLIT, torch.tensor([0.0, 1.0]))
    assert irls(table, SPLIT, torch.tensor([1.0, 0.0])).theta.isfinite().all()


def test_scores_of_thousands_are_reached_where_they_are_right():
    wild = torch.tensor([[1e4, 1.0], [1, 1], [2, 1], [3, 1], [4, 1]], dtype=D)
    fit = irls(wild, torch.tensor([1, 0, 1, 0, 1]))
    assert (wild @ fit.theta)[0] > 1000
    g = wild.T @ (torch.sigmoid(wild @ fit.theta) - torch.tensor([1.0, 0, 1, 0, 1]))
    assert g.abs().max() < 1e-6


def test_columns_so_small_that_theta_overflows_are_refused():
    with pytest.raises(ValueError, match="overflows"):
        irls(A * torch.tensor([2.0**-1070, 1.0], dtype=D), MIXED)
    with pytest.raises(ValueError, match="overflows"):
        irls((A * torch.tensor([1e-39, 1.0], dtype=D)).float(), MIXED)


def test_a_last_column_of_ones_is_free_of_a_number_but_not_of_a_vector():
    assert penalties(A, 3.0).tolist() == [3.0, 0.0]
    assert penalties(2 * A, 3.0).tolist() == [3.0, 3.0]
    assert penalties(A, torch.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert penalties(A, 0.0).dtype == torch.float64


def test_scales_are_powers_of_two_just_below_the_largest_number():
    table = torch.tensor([[1.0, -5.0, 0.0, 1e308], [0.5, 3.0, 0.0, 5e-324]], dtype=D)
    assert column_scales(table).tolist() == [1.0, 4.0, 1.0, 2.0**1023]
    with pytest.raises(ValueError, match="finite"):
        column_scales(table / 0)


def test_the_inverse_falls_back_on_all_rows_where_a_sample_does_not_do():
    rare = torch.zeros(40, 1, dtype=D)
    rare[1] = 1  # not among every 4th row
    table, s = torch.hstack([rare, torch.ones_like(rare)]), torch.ones(40, dtype=D)
    inverse, every = inverse_hessian(table, s, torch.zeros(2, dtype=D), 4)
    assert every == 1
    torch.testing.assert_close(inverse, torch.linalg.inv(table.T @ table))
    usual = torch.arange(40.0, dtype=D)[:, None]
    sampled, every = inverse_hessian(usual, s, torch.zeros(1, dtype=D), 4)
    assert every == 4
    assert 1 / sampled.item() == pytest.approx(4 * sum(k * k for k in range(0, 40, 4)))
    with pytest.raises(torch.linalg.LinAlgError, match="column 0 is dependent"):
        inverse_hessian(0 * usual, s, torch.zeros(1, dtype=D), 4)


def test_separates_allows_ties_but_no_wrong_move_and_no_standstill():
    sign = 2 * SPLIT - 1
    assert separates(A, sign, torch.tensor([1.0, 0.0], dtype=D))
    assert separates(A, sign, torch.tensor([1.0, 1.0], dtype=D))  # -1 is a tie
    assert not separates(A, sign, torch.tensor([1.0, 1.1], dtype=D))
    assert not separates(A, sign, torch.zeros(2, dtype=D))
    assert not separates(A, sign, torch.tensor([-1.0, 0.0], dtype=D))


def test_the_loss_is_right_for_scores_of_a_thousand_and_for_tiny_losses():
    sign, ridge = torch.tensor([1.0, -1.0], dtype=D), torch.tensor([0.5], dtype=D)
    point = torch.tensor([2.0, 40.0, 1000.0], dtype=D)
    assert summed_loss(sign, ridge, point) == pytest.approx(1000 + 1 + math.exp(-40))
    point = torch.tensor([0.0, 40.0, -40.0], dtype=D)
    assert summed_loss(sign, ridge, point) == pytest.approx(2 * math.exp(-40))


def test_a_step_is_halved_until_the_loss_falls():
    def parabola(v):
        return (v[0] ** 2).item()

    start, step = torch.tensor([1.0]), torch.tensor([-5.0])
    end, loss = shortened(parabola, 1.0, -10.0, start, step)
    assert (end.item(), loss) == (-0.25, 0.0625)  # from -4, -1.5, -0.25


def test_the_error_without_minimum_says_which_kind():
    ones, sign, free = torch.ones(2, 1), torch.tensor([1.0, -1.0]), torch.zeros(1)
    way = torch.ones(1)
    with pytest.raises(ValueError, match="all are 0"):
        refuse_separated(ones, -ones[:, 0], free, 0 * way, -way)
    with pytest.raises(ValueError, match="separated"):
        refuse_separated(sign[:, None], sign, free, way)
    refuse_separated(ones, sign, free, way, -way)
    refuse_separated(sign[:, None], sign, free + 1, way)  # the penalty holds it


def test_a_step_that_promises_more_than_it_brings_is_halved():
    def parabola(v):
        return (v[0] ** 2).item()

    start, step = torch.tensor([1.0], dtype=D), torch.tensor([-1.99999], dtype=D)
    end, _ = shortened(parabola, 1.0, -4.0, start, step)
    assert end.item() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("height", [NAN, INF, 2.0])
def test_where_no_step_lowers_the_loss_the_point_stays(height):
    start, step = torch.tensor([1.0]), torch.tensor([3.0])
    end, loss = shortened(lambda _: height, 1.0, -1.0, start, step)
    assert (end.item(), loss) == (1.0, 1.0)


@pytest.mark.parametrize(("left", "fine"), [(1e-13, False), (1e-12, True)])
def test_a_column_is_dependent_if_the_others_leave_3e_minus_13_of_its_square(
    left, fine
):
    table = torch.tensor([[1.0, 1.0], [0.0, left**0.5]], dtype=D)
    one, free = torch.ones(2, dtype=D), torch.zeros(2, dtype=D)
    if fine:
        inverse, _ = inverse_hessian(table, one, free)
        assert inverse[1, 1].item() == pytest.approx(1 / left, rel=1e-3)
    else:
        with pytest.raises(torch.linalg.LinAlgError, match="is dependent: drop it"):
            inverse_hessian(table, one, free)


@pytest.mark.parametrize(
    ("offset", "why"), [(1e5, "nearly separated or"), (4e5, "column . is dependent")]
)
def test_a_steep_slope_beside_a_large_offset_is_not_called_separated(offset, why):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20_000, 1, generator=generator, dtype=D)
    y = torch.bernoulli(torch.sigmoid(60 * x[:, 0]), generator=generator)
    ones = torch.ones_like(x)
    assert irls(torch.hstack([x, ones]), y).theta[0].item() == pytest.approx(60, abs=9)
    with pytest.raises(torch.linalg.LinAlgError, match=why):
        irls(torch.hstack([x + offset, ones]), y)


def test_a_penalty_that_rounding_loses_does_not_mend_dependent_columns(page_says):
    page_says(r"unless rounding loses $\lambda$ beside the sum of their squares")
    for unit, fine in ((1e3, True), (1e6, False)):
        table = torch.hstack([unit * X, unit * X, ONES])
        if fine:
            w, v, _ = irls(table, MIXED, 1.0).theta.tolist()
            assert w == pytest.approx(v, rel=1e-6)
        else:
            with pytest.raises(torch.linalg.LinAlgError, match="penalise it more"):
                irls(table, MIXED, 1e-3)


@pytest.mark.parametrize("unit", [1e-100, 1e-110, 1e-150, 1e-300])
def test_a_penalty_beside_a_tiny_column_leaves_it_its_own_standard_error(unit):
    fit = irls(A * torch.tensor([unit, 1.0], dtype=D), MIXED, 1.0)
    assert fit.se[0].item() == pytest.approx(1)  # H is 1 there, but for rounding
    # theta is minus the gradient there: sum of x (y - p), p the share of ones
    pull = sum((X[:, 0] * (MIXED - 0.6)).tolist())
    assert fit.theta[0].item() / unit == pytest.approx(pull, rel=1e-5)


def test_penalties_beyond_1e300_are_no_nan():
    fit = irls(A, MIXED, 1e308)
    assert fit.theta[1].item() == pytest.approx(math.log(1.5))
    assert fit.se[0].item() == pytest.approx(1e-154)


@pytest.mark.parametrize("tol", [1e-17, 1e-300])
def test_a_tolerance_below_rounding_ends_with_a_word(tol):
    with pytest.raises(RuntimeError, match="raise steps, tol or the penalty"):
        irls(A, MIXED, tol=tol)


def test_reweight_is_newtons_method_for_tables_of_few_rows():
    theta, inverse, losses = reweight(A, 2 * MIXED - 1, torch.zeros(2).to(D), 0.5, 9)
    point, plain = torch.zeros(2, dtype=D), []
    for k in range(len(losses)):
        p = torch.sigmoid(A @ point)
        plain.append(-(MIXED * p.log() + (1 - MIXED) * (1 - p).log()).sum().item())
        if k < len(losses) - 1:
            H = A.T @ ((p * (1 - p))[:, None] * A)
            point = point + torch.linalg.solve(H, A.T @ (MIXED - p))
    assert losses == pytest.approx(plain)
    torch.testing.assert_close(theta, point)
    torch.testing.assert_close(inverse, torch.linalg.inv(H))
