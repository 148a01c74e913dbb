"""Each step derived on the page of weighted sampling, checked another way."""

import math

import pytest
import sympy as sp
import torch
from torch.utils.data import WeightedRandomSampler

from firstdescent.tools.weighted_sampling import balanced_weights

N, ROWS = 10_000, {0: 9500, 1: 500}


def test_the_chance_of_a_row_is_half_of_one_over_its_class():
    y = torch.tensor([0] * ROWS[0] + [1] * ROWS[1])
    q = balanced_weights(y) / balanced_weights(y).sum()
    for label, rows in ROWS.items():
        expected = torch.full((rows,), 1 / (2 * rows), dtype=torch.float64)
        torch.testing.assert_close(q[y == label], expected)


def test_the_share_never_drawn_is_that_of_a_simulation():
    g = torch.Generator().manual_seed(0)
    y = torch.tensor([0] * 95 + [1] * 5)
    never = torch.zeros(2)
    for _ in range(500):
        sampler = WeightedRandomSampler(balanced_weights(y), 100, generator=g)
        times = torch.bincount(torch.tensor(list(sampler)), minlength=100)
        never += torch.tensor([(times[y == k] == 0).sum() for k in (0, 1)]) / 500
    expected = torch.tensor([95 * (1 - 1 / 190) ** 100, 5 * (1 - 1 / 10) ** 100])
    torch.testing.assert_close(never, expected, atol=0.5, rtol=0)
    assert expected[0] > 50


def test_about_59_percent_of_the_negatives_and_no_positive_are_left_out():
    assert round((1 - 1 / 19_000) ** N, 2) == round(math.exp(-N / 19_000), 2) == 0.59
    assert ROWS[1] * (1 - 1 / 1000) ** N < 0.03
    assert N / 1000 == 10


def test_the_number_of_positives_has_the_spread_of_fair_coins():
    k = sp.symbols("k", integer=True)
    n = 6  # small enough to enumerate
    chance = sp.binomial(n, k) / 2**n
    variance = sp.summation((k - sp.Rational(n, 2)) ** 2 * chance, (k, 0, n))
    assert variance == sp.Rational(n, 4)


def test_drawing_at_rates_adds_the_log_of_their_quotient_to_the_logit():
    pi1, f0, f1, r0, r1 = sp.symbols("pi1 f0 f1 r0 r1", positive=True)
    p = pi1 * f1 / (pi1 * f1 + (1 - pi1) * f0)
    share = r1 * pi1 / (r1 * pi1 + r0 * (1 - pi1))
    drawn = share * f1 / (share * f1 + (1 - share) * f0)
    odds, odds_drawn = p / (1 - p), drawn / (1 - drawn)
    assert sp.simplify(odds_drawn / odds - r1 / r0) == 0


def test_the_logit_of_the_sigmoid_is_the_score():
    s = sp.symbols("s", real=True)
    p = 1 / (1 + sp.exp(-s))
    assert sp.simplify(p / (1 - p) - sp.exp(s)) == 0


def test_two_bell_curves_of_one_spread_have_a_linear_log_quotient():
    x0, x1 = sp.symbols("x0 x1", real=True)
    c = (sp.Rational(3, 2), sp.Integer(1))
    log_f1 = -((x0 - c[0]) ** 2 + (x1 - c[1]) ** 2) / 2  # same constant in both
    log_f0 = -(x0**2 + x1**2) / 2
    size = c[0] ** 2 + c[1] ** 2
    assert size / 2 == sp.Rational(1625, 1000)
    assert sp.expand(log_f1 - log_f0 - (c[0] * x0 + c[1] * x1 - size / 2)) == 0


def test_a_balanced_half_is_one_twentieth():
    p = sp.Rational(1, 20)
    assert p / (1 - p) * 19 == 1


def test_stretched_and_squeezed_positives_have_a_logit_in_the_squares():
    x0, x1 = sp.symbols("x0 x1", real=True)
    log_f1 = -(((x0 - 1.5) / 2) ** 2 + ((x1 - 1) / 0.5) ** 2) / 2
    logit = sp.Poly(log_f1 + (x0**2 + x1**2) / 2, x0, x1)
    assert set(logit.monoms()) == {(2, 0), (1, 0), (0, 2), (0, 1), (0, 0)}


def test_an_alarm_pays_above_the_quotient_of_the_costs():
    p, alarm, miss = sp.symbols("p alarm miss", positive=True)
    (edge,) = sp.solve(sp.Eq(alarm * (1 - p), miss * p), p)
    assert sp.simplify(edge - alarm / (alarm + miss)) == 0
    assert edge.subs({alarm: 1, miss: 19}) == sp.Rational(1, 20)


def test_sampler_and_weight_together_make_the_share_95_percent():
    odds = sp.Rational(1, 19) * 19 * 19
    assert odds / (1 + odds) == sp.Rational(95, 100)
    assert round(2 * math.log(19), 2) == 5.89


def test_three_copies_of_each_positive_make_the_share_3_of_22():
    assert sp.Rational(3 * 5, 3 * 5 + 95) == sp.Rational(3, 22)


def test_the_best_answer_for_three_classes_is_the_product_with_the_shares():
    f = sp.symbols("f0:3", positive=True)  # densities at some x
    shares = [sp.Rational(s, 100) for s in (80, 15, 5)]
    said = [k / sum(f) for k in f]  # what a balanced world would say
    product = [p * s for p, s in zip(said, shares, strict=True)]
    truth = [k * s for k, s in zip(f, shares, strict=True)]
    for mine, true in zip(product, truth, strict=True):
        assert sp.simplify(mine / sum(product) - true / sum(truth)) == 0


def test_someone_who_always_says_5_percent_has_a_log_loss_of_0_199():
    loss = -0.05 * math.log(0.05) - 0.95 * math.log(0.95)
    assert loss == pytest.approx(0.199, abs=5e-4)


def test_a_batch_of_32_without_a_positive_comes_one_time_in_five():
    shuffled = math.comb(9500, 32) / math.comb(10_000, 32)
    assert round(0.95**32, 3) == 0.194
    assert shuffled == pytest.approx(0.95**32, abs=1e-3)


def test_the_derivative_of_the_log_loss_in_the_score_is_p_minus_y():
    s, y = sp.symbols("s y", real=True)
    p = 1 / (1 + sp.exp(-s))
    loss = -y * sp.log(p) - (1 - y) * sp.log(1 - p)
    assert sp.simplify(sp.diff(loss, s) - (p - y)) == 0
