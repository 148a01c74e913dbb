"""firstdescent.estimation.probability against answers that it did not compute."""

import pytest
import torch
from torch.testing import assert_close

from firstdescent.estimation.probability import (
    check_probs,
    conditional,
    is_independent,
    marginals,
)

NAN, INF = float("nan"), float("inf")


def table(*rows, dtype=torch.float64):
    return torch.tensor(rows, dtype=dtype)


JOINT = table([0.1, 0.2, 0.1], [0.3, 0.1, 0.2])


class TestCheckProbs:
    @pytest.mark.parametrize("bad", [-0.1, NAN, INF, -INF])
    def test_no_negative_infinite_or_missing_number(self, bad):
        with pytest.raises(ValueError, match="negative, inf or nan"):
            check_probs(table(bad, 1.1))

    def test_no_empty_table(self):
        with pytest.raises(ValueError, match="got none"):
            check_probs(torch.zeros(0))
        with pytest.raises(ValueError, match="got none"):
            check_probs(torch.zeros(2, 0), dim=1)

    @pytest.mark.parametrize(
        ("dtype", "passes", "fails"),
        [(torch.float32, 5e-6, 8e-6), (torch.float64, 1.5e-12, 2.5e-12)],
    )
    @pytest.mark.parametrize("sign", [1, -1])
    def test_the_tolerance_is_that_of_the_dtype(self, dtype, passes, fails, sign):
        check_probs(table(0.5, 0.5 + sign * passes, dtype=dtype))
        with pytest.raises(ValueError, match="sum 1, got"):
            check_probs(table(0.5, 0.5 + sign * fails, dtype=dtype))

    def test_a_long_float32_table_is_no_rounding_error(self):
        g = torch.Generator().manual_seed(0)
        check_probs(torch.rand(100_000, generator=g).softmax(dim=0))
        check_probs(torch.full((100_000,), 1e-5))

    def test_float32_numbers_made_float64_fail_unless_roundings_cancel(self):
        with pytest.raises(ValueError, match="sum 1"):
            check_probs(table(0.0015, 0.9985, dtype=torch.float32).double())
        check_probs(table(0.3, 0.7, dtype=torch.float32).double())

    def test_each_slice_is_judged_alone(self):
        check_probs(table([0.5, 0.5], [1.0, 0.0]), dim=1)
        with pytest.raises(ValueError, match=r"got 1.5$"):
            check_probs(table([0.5, 0.5], [1.0, 0.0]), dim=0)

    @pytest.mark.parametrize(
        "dtype", [torch.int64, torch.bool, torch.complex64, torch.float16]
    )
    def test_other_dtypes_are_refused(self, dtype):
        with pytest.raises(TypeError, match="float32 or float64"):
            check_probs(torch.tensor([1, 0]).to(dtype))

    def test_one_certain_outcome(self):
        check_probs(torch.ones(1))
        check_probs(torch.ones(()))

    def test_a_sum_that_overflows(self):
        with pytest.raises(ValueError, match="got inf"):
            check_probs(table(1.7e308, 1.7e308))


class TestTables:
    def test_marginals_are_sums_of_rows_and_of_columns(self):
        rows, columns = marginals(JOINT)
        assert_close(rows, table(0.4, 0.6))
        assert_close(columns, table(0.4, 0.3, 0.3))

    def test_conditionals_by_hand(self):
        rows = table([1 / 4, 1 / 2, 1 / 4], [1 / 2, 1 / 6, 1 / 3])
        assert_close(conditional(JOINT, dim=1), rows)
        columns = table([1 / 4, 2 / 3, 1 / 3], [3 / 4, 1 / 3, 2 / 3])
        assert_close(conditional(JOINT, dim=0), columns)

    def test_both_conditionals_lead_back_to_the_joint_table(self):
        assert_close(conditional(JOINT, 1) * table([0.4], [0.6]), JOINT)
        assert_close(conditional(JOINT, 0) * table(0.4, 0.3, 0.3), JOINT)

    @pytest.mark.parametrize("dim", [-1, 2, None, True, 1.0])
    def test_there_are_two_dimensions(self, dim):
        with pytest.raises(ValueError, match="dim 0 or 1"):
            conditional(JOINT, dim)

    @pytest.mark.parametrize(
        ("dim", "rows"), [(1, [[0, 0], [0.5, 0.5]]), (0, [[1, 0]])]
    )
    def test_nothing_is_given_what_cannot_happen(self, dim, rows):
        with pytest.raises(ValueError, match="probability 0"):
            conditional(table(*rows), dim)

    @pytest.mark.parametrize("shape", [(), (4,), (2, 2, 2)])
    def test_a_joint_table_has_two_dimensions(self, shape):
        full = torch.ones(shape) / max(1, torch.ones(shape).numel())
        for f in (
            marginals,
            lambda j: conditional(j, 1),
            lambda j: is_independent(j, 0),
        ):
            with pytest.raises(ValueError, match="a table"):
                f(full)

    @pytest.mark.parametrize("bad", [[[0.5, 0.6]], [[1.5, -0.5]], [[NAN, 1.0]]])
    def test_every_entrance_is_checked(self, bad):
        for f in (
            marginals,
            lambda j: conditional(j, 1),
            lambda j: is_independent(j, 0),
        ):
            with pytest.raises(ValueError, match="expected probabilities"):
                f(table(*bad))

    def test_float32_stays_float32(self):
        assert conditional(JOINT.float(), 0).dtype == torch.float32

    def test_one_cell(self):
        assert conditional(torch.ones(1, 1), 0).tolist() == [[1.0]]
        assert is_independent(torch.ones(1, 1), atol=0)


class TestIsIndependent:
    def test_an_outer_product_is_and_a_shifted_one_is_not(self):
        product = table([0.08, 0.32], [0.12, 0.48])  # (0.4, 0.6) times (0.2, 0.8)
        assert is_independent(product, atol=1e-12)
        shift = table([0.001, -0.001], [-0.001, 0.001])
        assert not is_independent(product + shift, atol=0.00099)
        assert is_independent(product + shift, atol=0.00101)

    def test_a_cell_may_be_too_small_as_well_as_too_large(self):
        off = table([-4.0, 2, 2], [2, -1, -1], [2, -1, -1]) / 1000
        assert not is_independent(1 / 9 + off, atol=0.003)

    def test_one_thing_seen_twice_is_not(self):
        assert not is_independent(torch.eye(2) / 2, atol=0.24)
        assert is_independent(torch.eye(2) / 2, atol=0.25)

    @pytest.mark.parametrize("atol", [-1e-9, 1, NAN, INF])
    def test_a_tolerance_is_a_small_number(self, atol):
        with pytest.raises(ValueError, match="atol"):
            is_independent(JOINT, atol)
