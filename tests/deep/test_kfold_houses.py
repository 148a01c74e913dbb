"""Folds, cross-validation and its formulas against answers they did not compute."""

import math

import pytest
import torch
from torch import Generator

from firstdescent.deep.kfold_houses import (
    check_fold,
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
    g = Generator().manual_seed(seed)
    A = torch.randn(*lead, n, p, generator=g, dtype=dtype)
    return A, torch.randn(*lead, n, generator=g, dtype=dtype)


def augmented_fit(A, y, lam):
    """Ridge as plain least squares with p more rows, by QR."""
    B = torch.cat([A, torch.diag(torch.as_tensor(lam, dtype=A.dtype)).sqrt()])
    c = torch.cat([y, y.new_zeros(A.shape[1])])
    return torch.linalg.lstsq(B, c[:, None], driver="gels").solution[:, 0]


@pytest.mark.parametrize("n", range(2, 14))
@pytest.mark.parametrize("seed", [None, 0, 1])
def test_each_row_is_validated_once_and_sizes_differ_by_at_most_one(n, seed):
    for k in range(2, n + 1):
        g = None if seed is None else Generator().manual_seed(seed)
        folds = kfold(n, k, g)
        assert len(folds) == k
        assert sorted(i for _, valid in folds for i in valid) == list(range(n))
        sizes = [len(valid) for _, valid in folds]
        assert max(sizes) - min(sizes) <= 1
        for train, valid in folds:
            assert sorted(train + valid) == list(range(n))


def test_without_a_generator_the_rows_keep_their_order():
    folds = kfold(7, 3)
    assert [valid for _, valid in folds] == [[0, 1, 2], [3, 4], [5, 6]]
    assert folds[1][0] == [0, 1, 2, 5, 6]


def test_the_same_seed_gives_the_same_folds_and_another_seed_others():
    a, b, c = (kfold(50, 5, Generator().manual_seed(s)) for s in (3, 3, 4))
    assert a == b
    assert a != c


@pytest.mark.parametrize(
    ("n", "k"), [(5, 1), (5, 0), (5, -2), (5, 6), (0, 2), (1, 2), (-3, 2)]
)
def test_too_few_or_too_many_folds_are_refused(n, k):
    with pytest.raises(ValueError, match=f"2 <= k <= n, got k = {k}, n = {n}"):
        kfold(n, k)


@pytest.mark.parametrize(("n", "k"), [(5, True), (True, 2), (5, 2.0), ("5", 2)])
def test_a_bool_or_a_float_is_no_number_of_folds(n, k):
    with pytest.raises(TypeError, match="whole number"):
        kfold(n, k)


def test_no_group_is_split():
    groups = ["a", "b", "a", "c", "b", "d", "e", None, None]
    for seed in range(5):
        folds = group_kfold(groups, 3, Generator().manual_seed(seed))
        assert sorted(i for _, valid in folds for i in valid) == list(range(9))
        for train, valid in folds:
            assert sorted(train + valid) == list(range(9))
            assert not {groups[i] for i in train} & {groups[i] for i in valid}
            assert len({groups[i] for i in valid}) == 2


def test_groups_may_be_a_tensor():
    assert group_kfold(torch.tensor([7, 7, 8]), 2) == [([2], [0, 1]), ([0, 1], [2])]


def test_groups_that_are_tensors_of_one_number_are_that_number():
    groups = [torch.tensor(v) for v in (1, 2, 1, 3)]
    assert group_kfold(groups, 3) == group_kfold([1, 2, 1, 3], 3)
    with pytest.raises(ValueError, match="k = 4, n = 3"):
        group_kfold(groups, 4)


def test_bad_groups_are_refused():
    for shape in ((), (2, 2)):
        with pytest.raises(ValueError, match=r"expected groups \(n,\)"):
            group_kfold(torch.ones(shape), 2)
    with pytest.raises(ValueError, match="row 0: expected one group"):
        group_kfold([torch.arange(2), torch.arange(2)], 2)
    with pytest.raises(ValueError, match="nan"):
        group_kfold([("a", math.nan), ("a", math.nan)], 2)
    with pytest.raises(ValueError, match="k = 3, n = 2"):
        group_kfold(["a", "b", "a"], 3)
    with pytest.raises(ValueError, match="nan"):
        group_kfold([1.0, float("nan"), 2.0], 2)
    with pytest.raises(TypeError, match="whole number"):
        group_kfold(["a", "b"], True)


def test_fit_sees_the_training_rows_and_score_the_validation_rows():
    seen = []

    def score(model, rows):
        seen.append((model, rows))
        return 10 * len(model) + len(rows)

    scores = cross_val(sorted, score, "abcde", kfold(5, 2))
    assert scores.tolist() == [23, 32]
    assert scores.dtype == D
    assert seen == [(["d", "e"], ["a", "b", "c"]), (["a", "b", "c"], ["d", "e"])]


def test_a_score_may_be_many_numbers():
    scores = cross_val(len, lambda m, r: torch.arange(3) + m, range(4), kfold(4, 4))
    assert scores.shape == (4, 3)
    assert scores[0].tolist() == [3, 4, 5]


def test_folds_may_be_an_iterator():
    assert len(cross_val(len, lambda m, r: m, range(4), iter(kfold(4, 2)))) == 2


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        ([], "at least one fold"),
        ([([0, 1], [1, 2])], "row 1 both trains and validates"),
        ([([0, 1], [3])], "rows 0 to 2, got 0 to 3"),
        ([([0, 1], [-1])], "got -1 to 1"),
        ([([], [1])], r"got \(0, 1\)"),
        ([([1], [])], r"got \(1, 0\)"),
    ],
)
def test_folds_that_are_not_sound_are_refused(folds, said):
    with pytest.raises(ValueError, match=said):
        cross_val(len, lambda m, r: 0.0, "abc", folds)


def test_a_score_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="fold 0: expected a finite score, got nan"):
        cross_val(len, lambda m, r: math.nan, "abcd", kfold(4, 2))


def test_a_sound_fold_passes():
    assert check_fold([0], [1], 2) == ([0], [1])


def test_a_fold_of_tensors_or_a_range_comes_back_as_lists():
    for train in (range(2), torch.arange(2), [torch.tensor(0), torch.tensor(1)]):
        found = check_fold(train, iter([3, 2]), 4)
        assert found == ([0, 1], [3, 2])
        assert all(type(row) is int for part in found for row in part)


@pytest.mark.parametrize(
    ("train", "valid", "error", "said"),
    [
        (torch.tensor([0, 1]), torch.tensor([1]), ValueError, "row 1 both trains"),
        ([torch.tensor(1)], [1], ValueError, "row 1 both trains"),
        ([0, 0], [1], ValueError, "got one twice"),
        ([0], [1, 2, 1], ValueError, "got one twice"),
        ([0.5], [1], TypeError, "whole numbers of rows, got 0.5"),
        ([0], [True], TypeError, "got True"),
        (torch.tensor([True, False]), [2], TypeError, "got True"),
        (torch.tensor([[0, 1]]), [2], TypeError, r"got \[0, 1\]"),
    ],
)
def test_a_fold_that_hides_a_leak_is_refused(train, valid, error, said):
    with pytest.raises(error, match=said):
        check_fold(train, valid, 3)
    with pytest.raises(error, match=said):
        cross_val(len, lambda m, r: 0.0, "abc", [(train, valid)])


def test_held_out_refuses_index_tensors_that_leak():
    A, y = table()
    parts = torch.arange(12).split(6)
    with pytest.raises(ValueError, match="row 0 both trains and validates"):
        held_out(A, y, [(torch.arange(12), part) for part in parts])
    good = [(parts[1], parts[0]), (parts[0], parts[1])]
    assert torch.equal(held_out(A, y, good), held_out(A, y, kfold(12, 2)))


def test_held_out_may_get_an_iterator_of_folds():
    A, y = table()
    assert torch.equal(held_out(A, y, iter(kfold(12, 3))), held_out(A, y, kfold(12, 3)))


def test_a_score_that_is_no_list_of_real_numbers_is_refused():
    for score in (1 + 2j, True, torch.tensor(1j)):
        with pytest.raises(TypeError, match="fold 0: expected a real score"):
            cross_val(len, lambda m, r, s=score: s, "abcd", kfold(4, 2))
    with pytest.raises(ValueError, match=r"fold 1: .* shape \(3,\), got \(2,\)"):
        cross_val(len, lambda m, r: torch.zeros(len(r)), "abcde", kfold(5, 2))


def test_a_python_score_keeps_its_digits():
    assert cross_val(len, lambda m, r: 0.1, "ab", kfold(2, 2)).tolist() == [0.1, 0.1]


@pytest.mark.parametrize("lam", [0.0, 0.7, [0.5, 2.0, 0.0]])
@pytest.mark.parametrize("k", [2, 5, 12])
def test_held_out_residuals_are_those_of_separate_fits(lam, k):
    A, y = table(lead=(2, 4))
    folds = kfold(12, k, Generator().manual_seed(1))
    penalty = torch.tensor(lam, dtype=D) if isinstance(lam, list) else lam
    r = held_out(A, y, folds, penalty)
    each = lam if isinstance(lam, list) else [lam] * 3
    for a in range(2):
        for b in range(4):
            for train, valid in folds:
                theta = augmented_fit(A[a, b, train], y[a, b, train], each)
                expected = A[a, b, valid] @ theta - y[a, b, valid]
                torch.testing.assert_close(r[a, b, valid], expected)


@pytest.mark.parametrize("lam", [0.0, 3.0, [0.5, 2.0, 0.0]])
def test_one_formula_gives_all_the_leave_one_out_residuals(lam):
    A, y = table(lead=(5,))
    each = lam if isinstance(lam, list) else [lam] * 3
    r = loo_residuals(A, y, torch.tensor(each, dtype=D))
    for t in range(5):
        for i in range(12):
            rest = [j for j in range(12) if j != i]
            theta = augmented_fit(A[t, rest], y[t, rest], each)
            torch.testing.assert_close(r[t, i], A[t, i] @ theta - y[t, i])


def test_leaving_rows_out_of_a_constant_compares_with_the_mean_of_the_others():
    y = torch.tensor([1.0, 2.0, 6.0], dtype=D)
    expected = torch.tensor([4 - 1, 3.5 - 2, 1.5 - 6], dtype=D)
    ones = torch.ones(3, 1, dtype=D)
    torch.testing.assert_close(loo_residuals(ones, y), expected)
    torch.testing.assert_close(held_out(ones, y, kfold(3, 3)), expected)


def test_float32_stays_float32():
    A, y = table(n=200, dtype=torch.float32)
    for r in (loo_residuals(A, y), held_out(A, y, kfold(200, 4))):
        assert r.dtype == torch.float32
    exact = loo_residuals(A.double(), y.double())
    torch.testing.assert_close(
        loo_residuals(A, y).double(), exact, rtol=1e-4, atol=1e-5
    )


def test_dependent_columns_are_refused_unless_penalised():
    A, y = table()
    twice = torch.cat([A, A[:, :1]], dim=1)
    for find in (loo_residuals, lambda *a: held_out(*a[:2], kfold(12, 3), *a[2:])):
        with pytest.raises(torch.linalg.LinAlgError, match="independent"):
            find(twice, y)
        assert find(twice, y, 1.0).isfinite().all()
    with pytest.raises(torch.linalg.LinAlgError, match="independent"):
        inverse_gram(twice, torch.zeros(4, dtype=D))


def test_a_column_that_lives_in_one_row_is_refused():
    A, y = table()
    A[:, 2] = 0
    A[4, 2] = 1
    with pytest.raises(torch.linalg.LinAlgError, match="one row alone"):
        loo_residuals(A, y)
    with pytest.raises(torch.linalg.LinAlgError, match="one row alone"):
        loo_residuals(A[:1, :1], y[:1])


def test_a_row_that_all_but_decides_a_column_is_refused():
    A, y = table()
    A[:, 2] = 1e-7
    A[4, 2] = 1.0  # 1 - h is about 1e-13: the quotient would be rounding
    with pytest.raises(torch.linalg.LinAlgError, match="one row alone"):
        loo_residuals(A, y)
    A[:, 2] = 1e-3
    A[4, 2] = 1.0
    rest = [i for i in range(12) if i != 4]
    theta = augmented_fit(A[rest], y[rest], [0.0] * 3)
    torch.testing.assert_close(
        loo_residuals(A, y)[4], A[4] @ theta - y[4], rtol=1e-6, atol=0
    )


def test_columns_that_float32_cannot_tell_apart_are_named_as_such():
    g = Generator().manual_seed(0)
    year = 2000 + 10 * torch.randn(1000, 1, generator=g)
    A, y = torch.cat([year, torch.ones(1000, 1)], dim=1), year[:, 0] / 100
    with pytest.raises(torch.linalg.LinAlgError, match="float64 may help"):
        loo_residuals(A, y)
    assert loo_residuals(A.double(), y.double()).isfinite().all()


def test_the_inverse_is_that_of_the_penalised_gram_matrix():
    A, _ = table(lead=(2,))
    lam = torch.tensor([1.0, 0, 2], dtype=D)
    product = inverse_gram(A, lam) @ (A.mT @ A + torch.diag(lam))
    torch.testing.assert_close(product, torch.eye(3, dtype=D).expand(2, 3, 3))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda A, y: (A.long(), y.long(), 0), TypeError, "float64"),
        (lambda A, y: (A.float(), y, 0), TypeError, "one dtype"),
        (lambda A, y: (A + 0j, y + 0j, 0), TypeError, "float32"),
        (lambda A, y: (A, y[:-1], 0), ValueError, "expected A"),
        (lambda A, y: (A[0], y[0], 0), ValueError, "expected A"),
        (lambda A, y: (A[:0], y[:0], 0), ValueError, "expected A"),
        (lambda A, y: (A * math.nan, y, 0), ValueError, "finite numbers"),
        (lambda A, y: (A, y / 0, 0), ValueError, "finite numbers"),
        (lambda A, y: (A, y, -1.0), ValueError, "penalties >= 0"),
        (lambda A, y: (A, y, math.inf), ValueError, "penalties >= 0"),
        (lambda A, y: (A, y, torch.ones(2)), ValueError, "penalty"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change, error, said):
    A, y, penalty = change(*table())
    with pytest.raises(error, match=said):
        check_tables(A, y, penalty)
    with pytest.raises(error, match=said):
        loo_residuals(A, y, penalty)
    with pytest.raises(error, match=said):
        held_out(A, y, kfold(12, 3), penalty)


def test_one_penalty_serves_every_column():
    assert check_tables(*table(), 2).tolist() == [2, 2, 2]


def test_held_out_wants_each_row_once():
    A, y = table()
    with pytest.raises(ValueError, match="each of 12 rows"):
        held_out(A, y, kfold(12, 3)[:2])
    with pytest.raises(ValueError, match="each of 12 rows"):
        held_out(A, y, [*kfold(12, 3), *kfold(12, 4)])
    with pytest.raises(ValueError, match="both trains and validates"):
        held_out(A, y, [(list(range(12)), list(range(12)))])


def test_the_mean_of_the_largest_has_its_known_values():
    root = math.sqrt(math.pi)
    assert mean_of_largest(1) == pytest.approx(0, abs=1e-9)
    assert mean_of_largest(2) == pytest.approx(1 / root)
    assert mean_of_largest(3) == pytest.approx(1.5 / root)
    four = 3 / root * (0.5 + math.asin(1 / 3) / math.pi)
    assert mean_of_largest(4) == pytest.approx(four)


def test_the_mean_of_the_largest_is_that_of_a_simulation():
    z = torch.randn(40_000, 30, generator=Generator().manual_seed(0), dtype=D)
    largest = z.amax(dim=1)
    se = largest.std().item() / 200
    assert abs(mean_of_largest(30) - largest.mean().item()) < 4 * se


@pytest.mark.parametrize("m", [10**6, 10**9])
def test_the_mean_of_the_largest_of_very_many_is_that_of_their_limit(m):
    # the mean of a number above 3 is 3 + the integral of P(it is above x)
    x = torch.linspace(3, 12, 90_001, dtype=D)
    below = (m * torch.log1p(-0.5 * torch.erfc(x / math.sqrt(2)))).exp()
    expected = 3 + torch.trapezoid(1 - below, x).item()
    assert mean_of_largest(m) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("m", [0, -1, 10**9 + 1])
def test_the_largest_of_none_is_refused(m):
    with pytest.raises(ValueError, match=r"m in 1\.\.1e9"):
        mean_of_largest(m)


@pytest.mark.parametrize("m", [True, 2.0])
def test_the_number_of_numbers_is_whole(m):
    with pytest.raises(TypeError, match="whole number"):
        mean_of_largest(m)
