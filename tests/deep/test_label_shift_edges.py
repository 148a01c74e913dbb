"""One class, stacks of tables in two axes, and what the refusals say."""

import pytest
import torch

from firstdescent.deep.label_shift import (
    class_means,
    confusion,
    count_labels,
    em_shares,
    label_shares,
    mixture_se,
    nearest_shares,
)

D = torch.float64


def t(*values):
    return torch.tensor(values, dtype=D)


def ints(*values):
    return torch.tensor(values)


def columns(*shape, seed=0):
    """Confusion matrices whose largest entries are on the diagonal."""
    g = torch.Generator().manual_seed(seed)
    k = shape[-1]
    C = torch.rand(*shape, k, generator=g, dtype=D) + 3 * torch.eye(k, dtype=D)
    return C / C.sum(-2, keepdim=True)


def test_a_single_class_has_all_shares():
    assert label_shares(t([1]), ints(0, 0, 0)).tolist() == [1]
    assert confusion(ints(0, 0), ints(0, 0), 1).tolist() == [[1]]
    assert em_shares(t([1], [1]), t(1)).tolist() == [1]


def test_matrices_and_rows_may_be_stacked_along_two_axes():
    C = columns(2, 3, 4)
    rows = torch.randint(4, (2, 3, 7), generator=torch.Generator().manual_seed(1))
    found = label_shares(C, rows)
    assert found.shape == (2, 3, 4)
    for i in range(2):
        for j in range(3):
            alone = label_shares(C[i, j], rows[i, j])
            torch.testing.assert_close(found[i, j], alone)


def test_an_axis_of_one_serves_any_number():
    C, rows = columns(3, 2), ints([0, 1, 1], [0, 0, 1], [1, 1, 1])
    torch.testing.assert_close(
        label_shares(C, rows[:1]), torch.stack([label_shares(M, rows[0]) for M in C])
    )
    torch.testing.assert_close(
        label_shares(C[:1], rows), torch.stack([label_shares(C[0], r) for r in rows])
    )


@pytest.mark.parametrize("lead", [(5, 3), (2, 5)])
def test_stacks_must_fit_in_each_of_their_axes(lead):
    rows = torch.zeros(*lead, 7, dtype=torch.long)
    with pytest.raises(ValueError, match=r"got \(2, 3, 4, 4\) and \(\d, \d, 7\)"):
        label_shares(columns(2, 3, 4), rows)


@pytest.mark.parametrize("shape", [(2,), (1, 2, 3), (2, 3, 0, 0)])
def test_a_stack_of_no_square_matrices_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected C \(\.\.\., k, k\), got"):
        label_shares(torch.ones(shape, dtype=D), ints(0))


def test_a_large_row_takes_no_digits_from_another():
    found = nearest_shares(t([1e17, 0], [0.25, 0.75]))
    assert found.tolist() == [[1, 0], [0.25, 0.75]]


def test_shares_that_do_not_move_have_arrived_even_without_a_tolerance():
    P = torch.eye(2, dtype=D)[[0, 0, 0, 1]]
    assert em_shares(P, t(0.5, 0.5), tol=0).tolist() == [0.75, 0.25]


def test_each_table_has_the_standard_error_that_it_has_alone():
    source, target = t([1, 0, 3, 3, 6], [2, 2, 5, 9, 4]), t([4, 6, 9], [1, 1, 3])
    y, p = ints([0, 1, 0, 1, 1], [1, 1, 0, 0, 0]), t([0.5, 0.5], [0.1, 0.9])
    alone = [mixture_se(*one) for one in zip(source, y, target, p, strict=True)]
    torch.testing.assert_close(mixture_se(source, y, target, p), torch.stack(alone))


def test_complex_source_values_have_no_standard_error():
    with pytest.raises(TypeError, match=r"in source, got torch\.complex128"):
        mixture_se(t(1, 2, 3, 4) + 0j, ints(0, 0, 1, 1), t(1, 2), t(0.5, 0.5))


def test_the_missing_class_of_a_stack_is_named():
    y = ints([0, 1, 2], [2, 0, 0])
    with pytest.raises(ValueError, match="no row of class 1: its column"):
        confusion(y, y, 3)
    with pytest.raises(ValueError, match="no row of class 1: its mean"):
        class_means(y.double(), y, 3)


def test_the_refusal_of_no_labels_names_their_shape():
    with pytest.raises(ValueError, match=r"got \(2, 0\)"):
        count_labels(torch.zeros(2, 0, dtype=torch.long), 2)
