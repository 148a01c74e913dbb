"""What docs/en/deep/distribution_shift.md says in words and no block of it shows."""

import pytest
import torch

from firstdescent.deep.distribution_shift import (
    auc,
    density_ratio,
    domain_logits,
    permutation_p,
)
from firstdescent.estimation.gaussian_mle import normal_pdf
from firstdescent.estimation.unequal_noise import weighted_least_squares
from firstdescent.regression.coefficients import with_ones

JANUARY, JULY = (2.0, 0.5), (1.5, 0.3)
D = torch.float64


@pytest.fixture
def draws():
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(shape, generator=generator, dtype=D)


def true_ratio(x):
    return normal_pdf(x, *JULY) / normal_pdf(x, *JANUARY)


def test_weights_help_a_slightly_wrong_line_only_with_enough_houses(page_says, draws):
    page_says(
        "It helps a model whose form is wrong, if there are enough houses for the "
        "error of form to count more than scatter."
    )

    def curve(x):
        return 2 * x + 0.1 * (x - 1.5) ** 3

    at = JULY[0] + JULY[1] * draws(2000)
    found = {}
    for n in (30, 300):
        x = JANUARY[0] + JANUARY[1] * draws(2000, n)
        y = curve(x) + 0.3 * draws(2000, n)
        for name, w in (("plain", torch.ones_like(x)), ("weighted", true_ratio(x))):
            theta = weighted_least_squares(with_ones(x[..., None]), y, w).estimate
            gap = theta @ with_ones(at[:, None]).T - curve(at)
            found[name, n] = gap.square().mean().item()
    assert found["weighted", 30] > 1.1 * found["plain", 30]
    assert found["weighted", 300] < 0.8 * found["plain", 300]


def test_a_new_correlation_hides_from_each_column_and_its_square(page_says, draws):
    page_says(
        "A new *correlation* of two columns hides from each column and its square."
    )
    old, new = draws(4000, 2), draws(4000, 2)
    new[:, 1] = 0.9 * new[:, 0] + 0.19**0.5 * new[:, 1]

    def score(product):
        tables = [torch.cat([t, t**2], dim=1) for t in (old, new)]
        if product:
            tables = [torch.cat([t, t[:, :1] * t[:, 1:2]], dim=1) for t in tables]
        a, b = tables
        logits = domain_logits(a[:2000], b[:2000], torch.cat([a[2000:], b[2000:]]))
        return auc(logits[:2000], logits[2000:])

    assert abs(score(product=False) - 0.5) < 0.07
    assert score(product=True) > 0.75


def test_a_wrong_ratio_may_give_julys_mean_and_spread(page_says, draws):
    page_says("Agreement proves nothing: a wrong ratio may pass this test.")
    n = 50_000
    old = JANUARY[0] + JANUARY[1] * draws(n)
    side = torch.where(draws(n) > 0, 0.28, -0.28)
    new = 1.5 + side + 0.0116**0.5 * draws(n)  # two humps, spread 0.3
    bend = [torch.stack([x, x**2], dim=1) for x in (old, new)]
    w = density_ratio(*bend, bend[0])
    mean = (w * old).sum() / w.sum()
    sd = ((w * (old - mean) ** 2).sum() / w.sum()).sqrt()
    assert mean.item() == pytest.approx(1.5, abs=0.05)
    assert sd.item() == pytest.approx(0.3, abs=0.07)
    share = (w * ((old > 1.4) & (old < 1.6))).sum() / w.sum()
    assert share > 5 * ((new > 1.4) & (new < 1.6)).double().mean()


def test_999_shuffles_allow_no_p_below_a_thousandth(page_says):
    page_says("(999 shuffles allow no p below 0.001.")
    low, high = torch.zeros(30), torch.ones(30)
    assert permutation_p(low, high, torch.Generator().manual_seed(0)) == 1 / 1000


def test_where_the_ratio_peaks_and_the_unweighted_line_crosses_the_curve(page_says):
    page_says(
        "most near 1.2, tiny beyond 2.5",
        "It runs below the curve at most of July's sizes",
        "and above it from 1.7 to 2.6.",
    )
    x = torch.linspace(0.5, 3.4, 2901, dtype=D)
    assert x[true_ratio(x).argmax()].item() == pytest.approx(1.2, abs=0.05)
    assert true_ratio(x[x > 2.5]).max() < 0.02
    # January's best line for many rows: E[(x - 2)^4] = 3 sd^4, and so on.
    z = x - 2  # 2 x + (z + 0.5)^3 = 2 x + z^3 + 1.5 z^2 + 0.75 z + 0.125
    line = 2 * x + (3 * 0.25 + 0.75) * z + 1.5 * 0.25 + 0.125
    above = x[line > 2 * x + (x - 1.5) ** 3]
    above = above[above > 1]
    assert above.min().item() == pytest.approx(1.7, abs=0.1)
    assert above.max().item() == pytest.approx(2.6, abs=0.1)
