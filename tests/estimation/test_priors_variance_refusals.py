"""What firstdescent.estimation.priors_variance refuses, and how it says so."""

import pytest
import torch

from firstdescent.estimation.priors_variance import (
    bias_variance,
    check_scales,
    log_evidence,
    posterior,
)

NAN, INF = float("nan"), float("inf")
FUNCTIONS = [posterior, log_evidence]


def table(n, d):
    g = torch.Generator().manual_seed(0)
    A = torch.randn(n, d, generator=g, dtype=torch.float64)
    return A, torch.randn(n, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("value", [0.0, -1.0, NAN, INF, 10**400])
def test_a_standard_deviation_must_be_positive_and_finite(value):
    for f in FUNCTIONS:
        with pytest.raises(ValueError, match="sigma must be positive"):
            f(*table(4, 2), value, 1.0)
        with pytest.raises(ValueError, match="tau must be positive"):
            f(*table(4, 2), 1.0, value)
    with pytest.raises(ValueError, match="sigma must be positive"):
        bias_variance(table(4, 2)[0], torch.ones(2).double(), value, 1.0)


@pytest.mark.parametrize("value", [True, 1j, "1", None, torch.ones(2)])
def test_a_standard_deviation_must_be_a_real_number(value):
    with pytest.raises(TypeError, match="sigma must be a real number"):
        check_scales(value)


def test_a_whole_number_will_do():
    assert check_scales(2, 3) is None


@pytest.mark.parametrize("f", FUNCTIONS)
def test_labels_must_fit_the_rows(f):
    A, y = table(4, 2)
    for bad in (y[:3], y[:, None], y * NAN):
        with pytest.raises(ValueError, match="finite y"):
            f(A, bad, 1.0, 1.0)
    with pytest.raises(TypeError, match="share a dtype"):
        f(A, y.float(), 1.0, 1.0)
    with pytest.raises(TypeError, match="floating point"):
        f(A.long(), y.long(), 1.0, 1.0)
    with pytest.raises(ValueError, match="A must be finite"):
        f(A * INF, y, 1.0, 1.0)


def test_the_truth_must_fit_the_columns():
    A = table(4, 2)[0]
    for bad in (torch.ones(3).double(), torch.ones(2).double() * NAN):
        with pytest.raises(ValueError, match="expected a finite w"):
            bias_variance(A, bad, 1.0, 1.0)
    with pytest.raises(TypeError, match="share a dtype"):
        bias_variance(A, torch.ones(2), 1.0, 1.0)


@pytest.mark.parametrize("penalty", [-1.0, INF, NAN])
def test_a_penalty_must_be_finite_and_not_negative(penalty):
    with pytest.raises(ValueError, match="penalty must be finite"):
        bias_variance(table(4, 2)[0], torch.ones(2).double(), 1.0, penalty)


def test_no_penalty_needs_independent_columns():
    with pytest.raises(ValueError, match="independent columns"):
        bias_variance(torch.ones(3, 2), torch.ones(2), 1.0, 0)


@pytest.mark.parametrize("tau, dtype", [(1e160, torch.double), (1e20, torch.float)])
def test_a_belief_too_wide_for_its_square_is_refused(tau, dtype):
    with pytest.raises(ValueError, match="over- or underflow"):
        posterior(torch.ones(3, 2, dtype=dtype), torch.ones(3, dtype=dtype), 1.0, tau)


@pytest.mark.parametrize("sigma, tau", [(1e-40, 1e-40), (1.0, 1e-30), (1e30, 1e30)])
def test_scales_that_single_precision_cannot_hold_are_refused(sigma, tau):
    one = torch.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="over- or underflow"):
        posterior(one[:, None], one, sigma, tau)


@pytest.mark.parametrize(
    "a, y, sigma, tau, dtype",
    [
        (1.0, 1.0, 1e-46, 1.0, torch.float),
        (1.0, 1.0, 1e39, 1.0, torch.float),
        (1e10, 1.0, 1.0, 1e300, torch.double),
        (1.0, 1e200, 1e-200, 1.0, torch.double),
    ],
)
def test_an_evidence_that_is_not_finite_is_refused(a, y, sigma, tau, dtype):
    A, y = torch.tensor([[a], [a]], dtype=dtype), torch.tensor([y, y], dtype=dtype)
    with pytest.raises(ValueError, match="over- or underflow"):
        log_evidence(A, y, sigma, tau)


@pytest.mark.parametrize(
    "w, sigma, dtype",
    [(1.0, 1e200, torch.double), (1.0, 1e30, torch.float), (1e200, 1.0, torch.double)],
)
def test_a_bias_or_a_variance_that_overflows_is_refused(w, sigma, dtype):
    A, w = torch.ones(3, 1, dtype=dtype), torch.tensor([w], dtype=dtype)
    with pytest.raises(ValueError, match="bias or variance overflows"):
        bias_variance(A, w, sigma, 1.0)
