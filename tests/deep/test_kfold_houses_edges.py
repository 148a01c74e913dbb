"""Stacks of tables, bounds that rounding draws, and what the refusals say."""

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure

from firstdescent.deep.figures.kfold_houses import draw_folds
from firstdescent.deep.kfold_houses import (
    check_tables,
    cross_val,
    group_kfold,
    held_out,
    inverse_gram,
    kfold,
    loo_residuals,
    mean_of_largest,
)

D = torch.float64


def table(n=12, p=3, lead=(), seed=0, dtype=D):
    g = torch.Generator().manual_seed(seed)
    A = torch.randn(*lead, n, p, generator=g, dtype=dtype)
    return A, torch.randn(*lead, n, generator=g, dtype=dtype)


def test_what_is_no_whole_number_is_named():
    with pytest.raises(TypeError, match=r"a whole number n, got 5\.0"):
        kfold(5.0, 2)
    with pytest.raises(TypeError, match="a whole number k, got '2'"):
        kfold(5, "2")


def test_two_groups_of_one_row_make_two_folds():
    assert group_kfold("ab", 2) == [([1], [0]), ([0], [1])]


def test_the_refusals_of_groups_show_them():
    with pytest.raises(ValueError, match=r"expected groups \(n,\), got \(2, 2\)"):
        group_kfold(torch.ones(2, 2), 2)
    with pytest.raises(ValueError, match=r"row 1: expected one group, got \[0, 1\]"):
        group_kfold([torch.tensor(5), torch.arange(2)], 2)


def test_the_groups_are_shuffled_by_the_generator():
    groups = list(range(20))
    one, other = (
        group_kfold(groups, 4, torch.Generator().manual_seed(s)) for s in (0, 0)
    )
    assert one == other != group_kfold(groups, 4)


def test_a_later_score_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"fold 2: .* shape \(2,\), got \(1,\)"):
        cross_val(len, lambda m, r: torch.zeros(len(r)), "abcde", kfold(5, 3))


def test_the_refusals_of_tables_name_what_came():
    A, y = table()
    with pytest.raises(TypeError, match=r"got torch\.float32, torch\.float64"):
        check_tables(A.float(), y, 0)
    with pytest.raises(ValueError, match=r"got \(12, 3\) and \(11,\)"):
        check_tables(A, y[1:], 0)
    with pytest.raises(ValueError, match=r"\(\) or \(p,\), got \(1, 3\)"):
        check_tables(A, y, torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"\(\) or \(p,\), got \(12,\)"):
        check_tables(A, y, torch.ones(12))
    with pytest.raises(ValueError, match=r"got \(12, 3\) and \(2,\)"):
        inverse_gram(A, torch.zeros(2, dtype=D))


def test_penalties_get_the_dtype_of_the_table():
    A, y = table(dtype=torch.float32)
    assert check_tables(A, y, torch.ones(3, dtype=D)).dtype == torch.float32
    assert check_tables(A.double(), y.double(), 0.1).tolist() == [0.1] * 3
    assert check_tables(A, y, torch.tensor([2.0])).tolist() == [2, 2, 2]


def test_a_stack_of_tables_has_a_penalty_for_each_column():
    A, y = table(n=5, p=2, lead=(3,))
    lam = torch.tensor([1.0, 0], dtype=D)
    assert check_tables(A, y, lam).tolist() == [1, 0]
    for part in (torch.ones(3), torch.ones(5)):
        with pytest.raises(ValueError, match="expected a penalty"):
            check_tables(A, y, part)
    for find in (loo_residuals, lambda *a: held_out(a[0], a[1], kfold(5, 2), a[2])):
        alone = [find(A[k], y[k], lam) for k in range(3)]
        torch.testing.assert_close(find(A, y, lam), torch.stack(alone))


def test_one_row_and_one_column_are_a_table():
    A, y = torch.tensor([[2.0]], dtype=D), torch.tensor([3.0], dtype=D)
    # without the row nothing is known: the weight is 0
    torch.testing.assert_close(loo_residuals(A, y, 1.0), -y)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_one_dependent_table_of_a_stack_is_refused(k):
    A, y = table(lead=(3,))
    A[k, :, 2] = A[k, :, 0]
    with pytest.raises(torch.linalg.LinAlgError, match="independent"):
        loo_residuals(A, y)


BOUND = 1000 * 3 * torch.finfo(D).eps  # 1000 sqrt(p) eps, of 9 columns


@pytest.mark.parametrize(("share", "sound"), [(0.8, False), (1.2, True)])
def test_columns_are_dependent_if_the_others_leave_too_small_a_share(share, sound):
    A, left = torch.eye(9, dtype=D), share * BOUND
    A[:2, 1] = torch.tensor([(1 - left) ** 0.5, left**0.5])  # near column 0
    zero = torch.zeros(9, dtype=D)
    if sound:
        inverse = inverse_gram(A, zero)
        assert 1 / inverse[1, 1].item() == pytest.approx(left, rel=1e-2)
    else:
        with pytest.raises(torch.linalg.LinAlgError, match="independent"):
            inverse_gram(A, zero)


@pytest.mark.parametrize(("share", "sound"), [(0.8, False), (1.2, True)])
def test_a_row_is_too_weighty_if_it_leaves_too_small_a_share(share, sound):
    left = share * BOUND
    A = torch.eye(9, dtype=D).repeat_interleave(2, dim=0)  # each column in two rows
    A[1, 0] = (left / (1 - left)) ** 0.5  # so row 0 decides column 0
    y = A @ torch.ones(9, dtype=D)
    if sound:
        assert loo_residuals(A[None], y[None]).abs().max() < 0.01
    else:
        with pytest.raises(torch.linalg.LinAlgError, match="one row alone"):
            loo_residuals(A, y)


def test_the_limits_of_m_are_allowed():
    assert mean_of_largest(1) == pytest.approx(0, abs=1e-9)
    assert 5.9 < mean_of_largest(10**9) < 6.1
    with pytest.raises(ValueError, match=r"m in 1\.\.1e9, got 1000000001"):
        mean_of_largest(10**9 + 1)
    with pytest.raises(TypeError, match=r"whole number m, got 2\.0"):
        mean_of_largest(2.0)


@pytest.mark.parametrize("lines", [False, True])
def test_the_folds_have_no_grid_whatever_the_style(lines):
    with plt.rc_context({"axes.grid": lines}):
        ax = Figure().subplots()
        draw_folds(ax, kfold(4, 2), 4)
    for line in (*ax.get_xgridlines(), *ax.get_ygridlines()):
        assert not line.get_visible()
