"""Limits that are met exactly, shapes that broadcast, and what the refusals say."""

import math

import pytest
import torch

from firstdescent.deep.concept_drift import (
    alarm_step,
    check_stream,
    labels_needed,
    online_sgd,
    track_error,
    turning_stream,
    window_fit,
)

D = torch.float64


def rows(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=D)


def test_one_step_of_one_stream_is_enough():
    X, rule, score = turning_stream(torch.zeros(1), 1, torch.Generator().manual_seed(0))
    assert (X.shape, rule.tolist()) == ((1, 1, 2), [[1, 0]])
    assert torch.equal(score, X[..., 0])
    run = online_sgd(X[:, 0], score[:, 0], 0.1)
    assert (run.weights.tolist(), run.scores.tolist()) == ([[0, 0]], [0])


def test_refusals_name_what_came():
    g = torch.Generator()
    with pytest.raises(ValueError, match=r"got \(2, 2\) and 7"):
        turning_stream(torch.zeros(2, 2), 7, g)
    with pytest.raises(ValueError, match=r"limit >= 1: \(4,\), 5 and 2"):
        alarm_step(torch.zeros(4), 5, 2)
    with pytest.raises(ValueError, match=r"limit >= 1: \(\), 1 and 1"):
        alarm_step(torch.tensor(1), 1, 1)
    with pytest.raises(ValueError, match=r"got \(3, 1\) and \(4,\)"):
        check_stream(torch.zeros(3, 1), torch.zeros(4))
    with pytest.raises(ValueError, match=r"time: \(2,\) and \(3,\)"):
        online_sgd(rows(3, 1), rows(3), torch.ones(2))
    with pytest.raises(ValueError, match=r"got \(6, 2, 1\) and \(6, 1\)"):
        window_fit(rows(6, 2, 1), rows(6, 1), 3)
    with pytest.raises(ValueError, match=r"length >= 0: 0\.1, -1, 2\.0"):
        track_error(0.1, 0.1, -1, length=2.0)


def test_complex_angles_are_refused():
    with pytest.raises(ValueError, match="got complex numbers"):
        turning_stream(torch.zeros(2) + 0j, 1, torch.Generator())


@pytest.mark.parametrize("chances", [(1, 0.1), (0.1, 0), (1.5, 0.1), (0.1, 1.5)])
def test_a_certain_alarm_and_a_certain_silence_are_no_chances(chances):
    with pytest.raises(ValueError, match=r"chances in \(0, 1\)"):
        labels_needed(0.1, 0.9, *chances)


def test_a_miss_that_is_met_exactly_is_met():
    # a model that is never wrong: one error rings; one label misses 1 in 10
    assert labels_needed(0, 0.9, miss=0.1) == (1, 1)
    assert labels_needed(0, 0.9 - 1e-8, miss=0.1) == (2, 1)


def test_two_thousand_labels_are_the_last_that_are_tried():
    # before is 0, so one error rings; n labels miss it with chance (1 - after)^n
    assert labels_needed(0, 1 - 0.1 ** (1 / 1999.5)) == (2000, 1)
    with pytest.raises(ValueError, match="2000 labels do not tell 0 from"):
        labels_needed(0, 1 - 0.1 ** (1 / 2000.5))


def test_errors_in_half_precision_are_counted_exactly():
    wrong = torch.ones(2102, dtype=torch.float16)  # which has no 2101
    wrong[0] = 0
    assert alarm_step(wrong[:2101], 2101, 2101) == 2102  # 2100 errors: none
    assert alarm_step(wrong, 2101, 2101) == 2102  # rows 2 to 2102


def test_each_stream_meets_all_labels_that_it_shares():
    X, y = rows(6, 3, 2), rows(6, 3, seed=1)
    run = online_sgd(X, y[:, :1], 0.1)
    other = online_sgd(X[:, :1], y, 0.1)
    for s in range(3):
        one = online_sgd(X[:, s], y[:, 0], 0.1)
        torch.testing.assert_close(run.weights[:, s], one.weights)
        one = online_sgd(X[:, 0], y[:, s], 0.1)
        torch.testing.assert_close(other.scores[:, s], one.scores)


def test_an_lr_of_one_entry_is_a_number():
    X, y = rows(6, 2), rows(6, seed=1)
    one, other = (online_sgd(X, y, lr) for lr in (0.1, torch.tensor([0.1]).double()))
    torch.testing.assert_close(one.weights, other.weights)


def test_weights_have_the_dtype_of_x_whatever_lr_and_start_have():
    X, y, lr = rows(6, 2).float(), rows(6).float(), torch.full((6,), 0.1, dtype=D)
    run = online_sgd(X, y, lr, start=torch.ones(2, dtype=D))
    assert run.weights.dtype == run.scores.dtype == torch.float32


@pytest.mark.filterwarnings("ignore:Casting complex values")  # it comes before
def test_a_complex_start_is_refused():
    with pytest.raises(ValueError, match="expected a finite start"):
        online_sgd(rows(3, 2), rows(3), 0.1, start=torch.zeros(2) + 0j)


@pytest.mark.parametrize("length", [3, 4, 7, 8, 9])
def test_windows_of_every_length_from_d_to_t_are_least_squares(length):
    X, y = rows(9, 3), rows(9, seed=1)
    fits = window_fit(X, y, length)
    assert fits.shape == (10 - length, 3)
    for k, fit in enumerate(fits):
        part = slice(k, k + length)
        expected = torch.linalg.lstsq(X[part], y[part, None]).solution[:, 0]
        torch.testing.assert_close(fit, expected)


def test_each_stream_wants_windows_of_d_rows():
    with pytest.raises(ValueError, match=r"d <= length <= T, got 2, \(6, 1, 3\)"):
        window_fit(rows(6, 1, 3), rows(6, 1), 2)


@pytest.mark.parametrize(
    "rest", [(math.nan, 1, 1), (0.1, math.inf, 1), (0.1, 1, math.nan)]
)
def test_what_is_not_finite_has_no_error_that_settles(rest):
    speed, noise, length = rest
    with pytest.raises(ValueError, match="finite speed"):
        track_error(0.1, speed, noise, 2, length)


def test_a_rule_without_length_has_no_lag():
    noise = 0.1 * 2 * 0.09 / (2 - 0.4)
    assert track_error(0.1, 0.2, 0.3, length=0) == pytest.approx(noise)
