"""bayes and running_mean against answers that they did not compute."""

from fractions import Fraction
from itertools import accumulate

import pytest
import torch
from torch.testing import assert_close

from firstdescent.estimation.probability import bayes, running_mean

NAN, INF = float("nan"), float("inf")


def table(*rows, dtype=torch.float64):
    return torch.tensor(rows, dtype=dtype)


PRIOR = table(0.0015, 0.9985)
TEST = table([1.0, 0.0], [0.01, 0.99])


class TestBayes:
    def test_the_test_of_the_page_in_fractions(self):
        sick, first, other = (
            Fraction(15, 10_000),
            (1, Fraction(1, 100)),
            (Fraction(98, 100), Fraction(3, 100)),
        )
        one = sick * first[0] / (sick * first[0] + (1 - sick) * first[1])
        posterior = bayes(PRIOR, TEST, 0)
        assert_close(posterior, table(float(one), float(1 - one)))
        two = one * other[0] / (one * other[0] + (1 - one) * other[1])
        again = bayes(posterior, table([0.98, 0.02], [0.03, 0.97]), 0)
        assert_close(again, table(float(two), float(1 - two)))

    def test_it_is_the_column_of_the_joint_table(self):
        likelihood = table([0.2, 0.3, 0.5], [0.6, 0.1, 0.3], [0.1, 0.1, 0.8])
        prior = table(0.5, 0.3, 0.2)
        for j in range(3):
            column = (prior.diag() @ likelihood)[:, j]
            assert_close(bayes(prior, likelihood, j), column / column.sum())

    def test_posteriors_average_to_the_prior(self):
        seen = PRIOR @ TEST
        mixed = sum(seen[j] * bayes(PRIOR, TEST, j) for j in range(2))
        assert_close(mixed, PRIOR)

    def test_a_negative_result_of_a_test_that_never_misses_is_certain(self):
        assert bayes(PRIOR, TEST, 1).tolist() == [0.0, 1.0]

    def test_a_useless_test_and_a_single_cause_leave_the_prior(self):
        assert_close(bayes(PRIOR, table([0.3, 0.7], [0.3, 0.7]), 0), PRIOR)
        assert bayes(torch.ones(1), table([0.3, 0.7]).float(), 1).tolist() == [1.0]

    def test_products_that_underflow(self):
        likelihood = table([2e-300, 1.0], [1e-300, 1.0])
        prior = table(1e-100, 1.0)
        assert_close(bayes(prior, likelihood, 0)[0].item(), 2e-100, rtol=1e-9, atol=0)

    def test_an_impossible_cause_hides_no_other(self):
        likelihood = table([1.0, 0.0], [2e-300, 1.0], [0.0, 1.0])
        assert bayes(table(0.0, 1e-200, 1.0), likelihood, 0).tolist() == [0, 1, 0]

    def test_what_cannot_happen_was_not_observed(self):
        for prior, likelihood in (
            (PRIOR, table([1.0, 0.0], [1.0, 0.0])),
            (table(0.0, 1.0), table([0.0, 1.0], [1.0, 0.0])),
        ):
            with pytest.raises(ValueError, match="outcome 1 has probability 0"):
                bayes(prior, likelihood, 1)

    @pytest.mark.parametrize("observed", [-1, 2])
    def test_the_outcome_is_one_of_m(self, observed):
        with pytest.raises(ValueError, match="0 <= observed < m"):
            bayes(PRIOR, TEST, observed)

    @pytest.mark.parametrize("observed", [0.0, True, torch.tensor(0)])
    def test_the_outcome_is_an_int(self, observed):
        with pytest.raises(TypeError, match="an int"):
            bayes(PRIOR, TEST, observed)

    @pytest.mark.parametrize(
        ("prior", "likelihood"),
        [(PRIOR, TEST[0]), (PRIOR[:1], TEST), (PRIOR[None], TEST), (PRIOR, TEST[:1])],
    )
    def test_shapes_have_to_fit(self, prior, likelihood):
        with pytest.raises(ValueError, match="likelihood \\(k, m\\)"):
            bayes(prior, likelihood, 0)

    def test_rows_of_the_likelihood_and_the_prior_add_up_to_one(self):
        with pytest.raises(ValueError, match="sum 1"):
            bayes(PRIOR, TEST.T.contiguous(), 0)
        with pytest.raises(ValueError, match="sum 1"):
            bayes(PRIOR / 2, TEST, 0)

    def test_dtypes_have_to_agree(self):
        with pytest.raises(TypeError, match="one dtype"):
            bayes(PRIOR.float(), TEST, 0)
        with pytest.raises(TypeError, match="float32 or float64"):
            bayes(torch.tensor([1, 0]), torch.tensor([[1, 0], [0, 1]]), 0)


class TestRunningMean:
    def test_by_hand(self):
        means = running_mean(table([3.0, 5, 1], [-2, 2, 6]))
        assert_close(means, table([3.0, 4, 3], [-2, 0, 2]))

    def test_one_number_is_its_own_mean(self):
        assert running_mean(torch.tensor([7.0])).tolist() == [7.0]

    def test_each_mean_is_that_of_a_slice(self):
        x = torch.randn(50, generator=torch.Generator().manual_seed(0)).double()
        sums = list(accumulate(x.tolist()))
        expected = [total / (k + 1) for k, total in enumerate(sums)]
        assert_close(running_mean(x), table(*expected))

    def test_a_long_float32_row_keeps_its_digits(self):
        means = running_mean(torch.full((300_000,), 0.1))
        assert_close(means, torch.full((300_000,), 0.1), rtol=1e-7, atol=0)

    def test_float32_sums_may_exceed_float32(self):
        means = running_mean(torch.full((9,), 3e38))
        assert means.dtype == torch.float32
        assert means.isfinite().all()

    @pytest.mark.parametrize("values", [[1.0, NAN], [INF, 1.0], [1.7e308, 1.7e308]])
    def test_no_nan_and_no_overflow(self, values):
        with pytest.raises(ValueError, match="finite"):
            running_mean(table(*values))

    @pytest.mark.parametrize("x", [torch.zeros(0), torch.zeros(()), torch.zeros(3, 0)])
    def test_no_mean_of_nothing(self, x):
        with pytest.raises(ValueError, match="n > 0"):
            running_mean(x)

    @pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex128])
    def test_other_dtypes_are_refused(self, dtype):
        with pytest.raises(TypeError, match="float32 or float64"):
            running_mean(torch.ones(3).to(dtype))
