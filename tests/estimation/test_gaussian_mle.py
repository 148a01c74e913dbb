"""firstdescent.estimation.gaussian_mle against answers that it did not compute."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from firstdescent.estimation.gaussian_mle import (
    check_sigma,
    gaussian_nll,
    normal_pdf,
    sigma2_hat,
)

NAN, INF = float("nan"), float("inf")


def vector(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


X = vector(-3, -0.5, 0, 1, 7)


class TestNormalPdf:
    @pytest.mark.parametrize(("mu", "sigma"), [(0, 1), (0, 2), (3, 1), (-1.5, 0.1)])
    def test_it_is_the_density_of_torchs_normal_distribution(self, mu, sigma):
        torchs = torch.distributions.Normal(float(mu), float(sigma)).log_prob(X)
        assert_close(normal_pdf(X, mu, sigma), torchs.exp())

    def test_an_area_is_the_difference_of_the_distribution_function(self):
        x = torch.linspace(1, 2.5, 20_001, dtype=torch.float64)
        area = torch.trapezoid(normal_pdf(x, 2, 0.7), x)
        ends = torch.special.ndtr(vector(-1 / 0.7, 0.5 / 0.7))
        assert_close(area, ends[1] - ends[0])

    def test_means_and_sigmas_broadcast(self):
        together = normal_pdf(X[:, None], vector(0, 3), vector(1, 2))
        assert together.shape == (5, 2)
        assert_close(together[:, 1], normal_pdf(X, 3, 2))

    def test_far_out_it_is_zero_and_at_infinity_too(self):
        assert normal_pdf(vector(1e200, INF, -INF), 0, 1).tolist() == [0, 0, 0]

    def test_a_tiny_sigma_whose_square_underflows(self):
        # sqrt(2 pi sigma^2), as the formula is often typed, would be 0.
        peak = normal_pdf(vector(0), 0, 1e-200)
        assert_close(peak, vector(1e200 / math.sqrt(2 * math.pi)))

    def test_float32_stays_float32(self):
        result = normal_pdf(X.float(), 0, vector(2))
        assert result.dtype == torch.float32

    def test_an_empty_tensor_has_no_densities(self):
        assert normal_pdf(X[:0], 0, 1).shape == (0,)

    @pytest.mark.parametrize(("x", "mu"), [(NAN, 0), (0, NAN), (INF, INF)])
    def test_nan_is_refused(self, x, mu):
        with pytest.raises(ValueError, match="nan"):
            normal_pdf(vector(x), mu, 1)


class TestGaussianNll:
    def test_it_is_the_mean_of_torchs_log_density_with_a_minus(self):
        torchs = torch.distributions.Normal(0.0, 2.5).log_prob(X)
        assert_close(gaussian_nll(X, 2.5), -torchs.mean())

    def test_it_is_torchs_loss_with_the_constant_and_the_variance(self):
        loss = nn.GaussianNLLLoss(full=True)(X, torch.zeros_like(X), vector(6.25)[0])
        assert_close(gaussian_nll(X, 2.5), loss)

    def test_one_row(self):
        nll = math.log(3) + math.log(2 * math.pi) / 2 + 4 / 18
        assert_close(gaussian_nll(vector(2), 3), vector(nll)[0])

    def test_a_batch_with_its_own_sigmas(self):
        r, sigmas = torch.stack([X, 2 * X]), vector(1, 5)
        expected = [
            -torch.distributions.Normal(0.0, float(s)).log_prob(row).mean()
            for row, s in zip(r, sigmas, strict=True)
        ]
        assert_close(gaussian_nll(r, sigmas), torch.stack(expected))

    def test_the_gradient_reaches_the_residuals_and_sigma(self):
        r, sigma = X.clone().requires_grad_(), vector(2)[0].requires_grad_()
        gaussian_nll(r, sigma).backward()
        assert_close(r.grad, X / 4 / 5)
        assert_close(sigma.grad, 1 / 2 - X.square().mean() / 8)

    def test_other_units_shift_it_by_the_logarithm_of_the_factor(self):
        shift = gaussian_nll(1000 * X, 2000) - gaussian_nll(X, 2)
        assert_close(shift, vector(math.log(1000))[0])

    def test_residuals_whose_squares_overflow_or_underflow(self):
        large = gaussian_nll(1e200 * X, 1e200) - gaussian_nll(X, 1)
        small = gaussian_nll(1e-200 * X, 1e-200) - gaussian_nll(X, 1)
        assert_close(large, vector(math.log(1e200))[0])
        assert_close(small, vector(-math.log(1e200))[0])

    def test_a_hundred_thousand_rows_in_float32(self):
        r = torch.full((100_000,), 0.1)
        expected = math.log(2 * math.pi) / 2 + 0.01 / 2
        assert_close(gaussian_nll(r, 1), torch.tensor(expected))

    @pytest.mark.parametrize(
        ("r", "sigma"),
        [
            (torch.tensor(1.0), 1),
            (X[:0], 1),
            (X, torch.ones(5)),  # a sigma for each row is another page's
            (X, torch.ones(1)),
            (X[None], torch.ones(2)),
        ],
    )
    def test_other_shapes_are_refused(self, r, sigma):
        with pytest.raises(ValueError, match=r"expected r \(\.\.\., n > 0\)"):
            gaussian_nll(r, sigma)

    @pytest.mark.parametrize("bad", [NAN, INF])
    def test_residuals_that_are_not_finite_are_refused(self, bad):
        with pytest.raises(ValueError, match="must be finite"):
            gaussian_nll(vector(1, bad), 1)


@pytest.mark.parametrize("call", [lambda v, s: normal_pdf(v, 0, s), gaussian_nll])
class TestWhatBothRefuse:
    @pytest.mark.parametrize("sigma", [0, -1, NAN, INF, torch.zeros(())])
    def test_a_sigma_that_is_not_positive_and_finite(self, call, sigma):
        with pytest.raises(ValueError, match="positive and finite"):
            call(X, sigma)

    def test_a_sigma_that_float32_rounds_to_zero(self, call):
        with pytest.raises(ValueError, match="positive and finite"):
            call(X.float(), 1e-60)

    @pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
    def test_numbers_that_are_not_floating(self, call, dtype):
        with pytest.raises(TypeError, match="expected float32 or float64"):
            call(X.to(dtype), 1)

    @pytest.mark.parametrize("sigma", [1j, torch.tensor(1j)])
    def test_a_complex_sigma(self, call, sigma):
        with pytest.raises(TypeError, match="real"):
            call(X, sigma)


def test_a_sigma_just_above_zero_passes_and_keeps_its_graph():
    sigma = torch.tensor(5e-324, dtype=torch.float64, requires_grad=True)
    assert check_sigma(X, 5e-324).item() == 5e-324
    assert check_sigma(X.float(), torch.ones((), requires_grad=True)).requires_grad
    assert check_sigma(X, sigma).requires_grad


A = torch.stack([X, torch.ones_like(X)], dim=1)
Y = vector(1, 4, 2, 0, 5)


class TestSigma2Hat:
    @pytest.mark.parametrize("correction", [0, 2, 4, -1])
    def test_it_divides_what_numpys_fit_leaves(self, correction):
        rss = np.linalg.lstsq(A.numpy(), Y.numpy())[1].item()
        expected = vector(rss / (5 - correction))[0]
        assert_close(sigma2_hat(A, Y, correction), expected)

    @pytest.mark.parametrize("correction", [0, 1])
    def test_with_a_column_of_ones_it_is_torchs_variance(self, correction):
        ones = torch.ones(5, 1, dtype=torch.float64)
        assert_close(sigma2_hat(ones, Y, correction), Y.var(correction=correction))

    def test_one_table_serves_many_prices(self):
        both = sigma2_hat(A, torch.stack([Y, 3 * Y + X]), 2)
        assert_close(both[0], sigma2_hat(A, Y, 2))
        assert_close(both[1], 9 * both[0])  # X is a column of A: it is fitted away

    def test_labels_on_a_line_leave_no_noise(self):
        assert sigma2_hat(A, 2 * X + 1, 0).item() == pytest.approx(0, abs=1e-25)

    @pytest.mark.parametrize("correction", [5, 6])
    def test_a_correction_that_is_not_below_n(self, correction):
        with pytest.raises(ValueError, match="correction below 5"):
            sigma2_hat(A, Y, correction)

    @pytest.mark.parametrize("correction", [1.5, 2.0, True])
    def test_a_correction_that_is_no_whole_number(self, correction):
        with pytest.raises(TypeError):
            sigma2_hat(A, Y, correction)

    def test_a_whole_number_of_numpy_is_one(self):
        assert sigma2_hat(A, Y, np.int64(2)) == sigma2_hat(A, Y, 2)

    def test_as_many_rows_as_columns_are_refused(self):
        with pytest.raises(ValueError, match="more rows than columns"):
            sigma2_hat(A[:2], Y[:2], 0)


def test_what_overflows_is_refused():
    with pytest.raises(ValueError, match="overflow"):
        gaussian_nll(torch.tensor([1e200]).double(), 1.0)
    with pytest.raises(ValueError, match="overflows"):
        normal_pdf(torch.zeros(2).double(), 0, 1e-310)


def test_a_complex_mu_is_refused_and_a_float64_mu_keeps_float32():
    for mu in (1j, torch.tensor(1j)):
        with pytest.raises(TypeError, match="mu"):
            normal_pdf(torch.zeros(2), mu, 1.0)
    mu = torch.zeros(2, dtype=torch.float64)
    assert normal_pdf(torch.zeros(2), mu, 1.0).dtype == torch.float32


def test_the_message_names_one_bad_sigma():
    sigma = torch.full((100_000,), -3.0)
    with pytest.raises(ValueError, match=r"got -3\.0$"):
        normal_pdf(torch.zeros(100_000), 0, sigma)
