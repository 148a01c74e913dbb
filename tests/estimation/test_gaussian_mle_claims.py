"""What the page says without showing it."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from firstdescent.estimation.gaussian_mle import gaussian_nll, normal_pdf, sigma2_hat
from firstdescent.regression.coefficients import coef_table, t_quantile, with_ones
from firstdescent.regression.house_prices import make_houses

PRICES = torch.tensor([281.0, 296, 305, 318, 330], dtype=torch.float64)


def seeded(seed=0):
    return {"generator": torch.Generator().manual_seed(seed), "dtype": torch.float64}


def likelihood(b, unit=1.0):
    return normal_pdf(unit * PRICES, unit * b, unit * 20).prod().item()


def test_306_beats_280_by_a_factor_of_68_in_any_unit(page_says):
    page_says("its product is 68 times that of 280", "$10^{15}$ times smaller")
    by_hand = math.exp(5 * (280 - 306) ** 2 / (2 * 20**2))
    assert round(by_hand) == 68
    for unit in (1, 1000):
        ratio = likelihood(306, unit) / likelihood(280, unit)
        assert ratio == pytest.approx(by_hand)
    assert likelihood(306) / likelihood(306, 1000) == pytest.approx(1e15)


def test_of_all_densities_no_product_of_191_survives_in_float64(page_says):
    page_says("Each density is at most 0.02", "After 191 such factors")
    peak = 1 / math.sqrt(2 * math.pi) / 20
    assert peak < 0.02
    assert 0.02**191 == 0 < 0.02**190


def test_rotated_normal_noise_has_the_same_density(page_says):
    page_says("normal noise looks the same from every side")
    noise = torch.randn(6, **seeded())
    Q, _ = torch.linalg.qr(torch.randn(6, 6, **seeded(1)))
    turned = normal_pdf(Q @ noise, 0, 2).prod()
    assert_close(turned, normal_pdf(noise, 0, 2).prod())


def test_five_fits_of_six_lie_left_of_the_truth(page_says):
    page_says("Divided by n, five fits of six lie left of the truth")
    chance = torch.special.gammainc(*torch.tensor([[4.0], [6.0]]))  # chi2(8) < 12
    assert chance.item() == pytest.approx(5 / 6, abs=0.02)
    left = torch.special.gammainc(*torch.tensor([[4.0], [4.0]])).item()
    assert left < chance  # divided by n - p fewer do


def test_the_unbiased_estimate_of_the_variance_asks_for_no_normal_noise(page_says):
    page_says("no normal distribution either")
    A = with_ones(make_houses(12, seeded()["generator"])[0])
    coins = 2.0 * torch.randint(0, 2, (40_000, 12), generator=seeded()["generator"]) - 1
    s2 = sigma2_hat(A, coins.double(), 4)
    assert s2.mean().item() == pytest.approx(1, abs=5 * s2.std().item() / 200)
    # The fourth moment of a coin is 1, not 3: the variance of RSS loses 2 M_ii^2 each.
    rest = torch.eye(12).double() - A @ torch.linalg.pinv(A)
    scatter = (2 * 8 - 2 * rest.diag().square().sum()).sqrt() / 8
    assert s2.std().item() == pytest.approx(scatter.item(), rel=0.02)
    assert scatter.item() < 0.6 * math.sqrt(2 / 8)


def test_the_midrange_has_the_largest_uniform_likelihood(page_says):
    page_says(
        r"The product is $(2h)^{-n}$ if all $|r_i| \le h$, else 0",
        r"until $h = \max_i |r_i|$",
        "smallest at the midrange",
    )
    b = torch.linspace(281, 330, 491, dtype=torch.float64)
    h = torch.linspace(10, 60, 501, dtype=torch.float64)
    r = (b[:, None] - PRICES).abs().amax(dim=1)
    inside = r[:, None] <= h + 1e-9
    grid = torch.where(inside, (2 * h) ** -5.0, 0)
    row, column = divmod(grid.argmax().item(), 501)
    assert b[row].item() == pytest.approx((281 + 330) / 2)
    assert h[column].item() == pytest.approx((330 - 281) / 2)


def test_a_learnt_variance_given_as_sigma_is_a_variance(page_says):
    page_says("what comes out is a variance under the name of")
    r = torch.tensor([1.0, -3, 2, 5], dtype=torch.float64)
    s = torch.linspace(1, 20, 1901, dtype=torch.float64)
    loss = nn.GaussianNLLLoss()
    values = [loss(r, torch.zeros(4).double(), value) for value in s]
    best = s[torch.stack(values).argmin()].item()
    assert best == pytest.approx(r.square().mean().item(), abs=0.01)


def test_the_gradient_below_eps_is_that_of_eps(page_says):
    page_says("At $10^{-8}$ the slope should be 0. It is that of $10^{-6}$")
    r = torch.full((4,), 1e-4, dtype=torch.float64)
    zero, slopes = torch.zeros_like(r), []
    for var in (1e-8, 1e-6):
        v = torch.tensor(var, dtype=torch.float64, requires_grad=True)
        slopes += torch.autograd.grad(nn.GaussianNLLLoss()(r, zero, v), v)
    assert_close(slopes[0], slopes[1])
    sigma = torch.tensor(1e-4, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(gaussian_nll(r, sigma), sigma)
    assert abs(slope.item()) * 1e-4 < 1e-9


def test_the_inverse_hessian_is_the_scatter_of_a_poisson_fit(page_says):
    page_says("Here it is so approximately, when rows are many")
    ones = with_ones(torch.rand(500, 1, **seeded()))
    mu = (ones @ torch.tensor([1.5, 0.5]).double()).exp()
    generator = seeded(1)["generator"]
    counts = torch.poisson(mu.expand(1000, 500), generator=generator)
    theta = torch.zeros(1000, 2, dtype=torch.float64)
    for _ in range(12):  # Newton, for all tables at once
        rate = (theta @ ones.T).exp()
        H = torch.einsum("tn,ni,nj->tij", rate, ones, ones)
        theta = theta - torch.linalg.solve(H, (rate - counts) @ ones)
    se = torch.linalg.inv(ones.T @ (mu[:, None] * ones)).diag().sqrt()
    assert_close(theta.std(dim=0) / se, torch.ones(2).double(), atol=0.08, rtol=0)
    rate = (theta @ ones.T).exp()
    slope = (rate - counts) @ ones
    assert slope.abs().max() < 1e-8


def test_the_uniform_and_the_laplace_noise_have_the_deviation_20(page_says):
    page_says("Here are two other noises of standard deviation 20")
    # By midpoints of the inverse distribution function, with no draw at all.
    u = (torch.arange(2_000_000, dtype=torch.float64) + 0.5) / 2_000_000 - 0.5
    tails = -u.sign() * torch.log1p(-2 * u.abs()) / 2**0.5
    for noise in (12**0.5 * u, tails):
        assert (20 * noise).std().item() == pytest.approx(20, rel=1e-4)
    laplace = torch.distributions.Laplace(0.0, 0.5**0.5)
    assert_close(laplace.cdf(tails[::1000]), u[::1000] + 0.5)


@pytest.mark.parametrize("noise", ["uniform", "laplace"])
def test_with_eight_houses_t_intervals_stay_near_95_percent(noise, page_says):
    page_says("95 % intervals hold the truth in 93 to 97 % of worlds")
    generator = torch.Generator().manual_seed(5)
    A = with_ones(make_houses(8, generator)[0])
    u = torch.rand(40_000, 8, generator=generator).double() - 0.5
    tails = -u.sign() * torch.log1p(-2 * u.abs()) / 2**0.5
    fits = coef_table(A, {"uniform": 12**0.5 * u, "laplace": tails}[noise])
    inside = fits.estimate.abs() <= t_quantile(0.975, 4) * fits.se
    shares = inside.double().mean(dim=0)
    assert ((shares > 0.93) & (shares < 0.97)).all(), shares


def test_gaussian_nll_loss_averages_elements_and_refuses_negative_variances(page_says):
    page_says("averages over all elements", "(A negative one raises.)")
    generator = torch.Generator().manual_seed(6)
    hat, y = torch.randn(2, 4, 2, generator=generator).double()
    loss = nn.GaussianNLLLoss(full=True)
    by_hand = gaussian_nll((hat - y).flatten(), 2.0)
    assert_close(loss(hat, y, 4.0), by_hand)
    with pytest.raises(ValueError, match="negative"):
        loss(hat, y, torch.full_like(y, -1e-9))
