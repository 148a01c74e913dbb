"""What docs/en/optimisation/irls.md says and no block of it shows."""

import math
from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from firstdescent.optimisation.irls import irls
from firstdescent.regression.coefficients import with_ones

D = torch.float64


def houses(n, seed=0, slope=-1.5):
    generator = torch.Generator().manual_seed(seed)
    A = with_ones(torch.randn(n, 1, generator=generator, dtype=D))
    chance = torch.sigmoid(A @ torch.tensor([slope, 0.5], dtype=D))
    return A, torch.bernoulli(chance, generator=generator)


def test_a_hessian_costs_2npp_operations_and_the_rest_4np(page_says):
    page_says("$H$ costs $2nm^2$ operations, the rest of a step about $4nm$")
    n, p = 300, 7
    A, v, u = torch.ones(n, p), torch.ones(p, 1), torch.ones(n, 1)
    with FlopCounterMode(display=False) as counter:
        (A * u).T @ A
    assert counter.get_total_flops() == 2 * n * p**2
    with FlopCounterMode(display=False) as counter:
        A.T @ u, A @ v
    assert counter.get_total_flops() == 4 * n * p


def test_a_full_step_from_zero_rarely_raises_the_loss(page_says):
    page_says("Full steps from 0 on rarely raise the loss, but they can.")
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(2000, 20, 5, generator=generator, dtype=D) ** 3
    A = with_ones(X)
    sign = torch.randn(2000, 20, generator=generator, dtype=D).sign()[..., None]
    theta, loss = torch.zeros(2000, 6, 1, dtype=D), math.inf
    risen = torch.zeros(2000, dtype=torch.bool)
    for _ in range(8):
        q = torch.sigmoid(-sign * (A @ theta))
        now = -torch.nn.functional.logsigmoid(sign * (A @ theta)).sum(dim=(1, 2))
        risen |= now > loss + 1e-3
        loss = now
        H = A.mT @ (q * (1 - q) * A) + 1e-9 * torch.eye(6, dtype=D)
        theta = theta + torch.linalg.solve(H, A.mT @ (sign * q))
    assert 0 < risen.sum() < 0.05 * 2000


def test_the_sample_of_rows_changes_the_steps_and_not_the_minimum(page_says):
    page_says("The gradient always takes all rows. So the minimum is the same, only")
    A, y = houses(20_000)
    plain = torch.zeros(2, dtype=D)
    for _ in range(8):
        p = torch.sigmoid(A @ plain)
        H = A.T @ ((p * (1 - p))[:, None] * A)
        plain = plain + torch.linalg.solve(H, A.T @ (y - p))
    fit = irls(A, y)
    torch.testing.assert_close(fit.theta, plain, rtol=1e-9, atol=0)
    torch.testing.assert_close(
        fit.se, torch.linalg.inv(H).diag().sqrt(), rtol=5e-3, atol=0
    )
    assert len(fit.losses) - 1 <= 9


def test_with_many_rows_the_scatter_is_the_standard_error(page_says):
    page_says("this gets exact, and $H$ at")
    fits = [irls(*houses(1000, seed)) for seed in range(200)]
    slopes = torch.stack([fit.theta[0] for fit in fits])
    se = torch.stack([fit.se[0] for fit in fits])
    assert slopes.std().item() == pytest.approx(se.mean().item(), rel=0.17)


def test_ten_rows_a_column_are_too_few(page_says):
    page_says(
        r"with 400 rows and 40 columns $\hat\theta$ came out a sixth too long,"
        " and the intervals held in 92 % of the cases"
    )
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(400, 40, generator=generator, dtype=D)
    truth = torch.randn(40, generator=generator, dtype=D)
    truth *= 2 / truth.norm()
    chance = torch.sigmoid(A @ truth)
    fits = [irls(A, torch.bernoulli(chance, generator=generator)) for _ in range(100)]
    theta, se = (torch.stack(v) for v in list(zip(*fits, strict=True))[:2])
    longer = (theta @ truth).mean().item() / 4
    assert longer == pytest.approx(1 + 1 / 6, abs=0.02)
    held = ((theta - truth).abs() <= 1.96 * se).double().mean().item()
    assert held == pytest.approx(0.92, abs=0.01)


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_a_sample_of_odd_rows_costs_steps_and_changes_no_answer(size, page_says):
    page_says("So the minimum is the same, only the number of steps changes.")
    n, generator = 20_000, torch.Generator().manual_seed(0)
    odd = torch.arange(n) % 250 == 0  # the rows of the sample, and no others
    x = torch.randn(n, generator=generator, dtype=D) * torch.where(odd, size, 1.0)
    y = torch.bernoulli(torch.sigmoid(2 * x + 0.3), generator=generator)
    A = with_ones(x[:, None])
    fit = irls(A, y)
    assert len(fit.losses) - 1 > 9
    gradient = A.T @ (torch.sigmoid(A @ fit.theta) - y)
    assert gradient.abs().max() < 1e-4


def test_the_standard_errors_are_right_to_half_a_percent(page_says):
    page_says("this makes them wrong by about half a percent at most")
    y = torch.tensor([0.0, 1, 0, 1], dtype=D)
    for gap in (1.0, 1e-2, 1e-4, 1e-8):
        A = with_ones(torch.tensor([[-2.0], [-gap], [gap], [2]], dtype=D))
        fit = irls(A, y)
        p = torch.sigmoid(A @ fit.theta)
        exact = torch.linalg.inv(A.T @ ((p * (1 - p))[:, None] * A)).diag().sqrt()
        torch.testing.assert_close(fit.se, exact, rtol=5e-3, atol=0)
    assert exact[0].item() == pytest.approx((2 * gap) ** -0.5, rel=1e-3)


def test_the_odds_ratios_of_the_sixty_houses(page_says):
    page_says(
        r"by $e^{-1.98} = 0.14$, and with the interval by something from 0.04 to 0.44",
        "$e^{-1.5} = 0.22$",
        "slope     -1.98 +- 1.16",
    )
    logs = -1.98, -1.98 - 1.16, -1.98 + 1.16, -1.5
    assert [round(math.exp(v), 2) for v in logs] == [0.14, 0.04, 0.44, 0.22]


def test_one_huge_number_makes_an_overlap_count_as_none(page_says):
    page_says("one huge number in a column can be enough")
    y = torch.tensor([1, 0, 1, 0, 1])
    for huge, found in ((1e9, True), (1e10, False)):
        A = with_ones(torch.tensor([[huge], [1], [2], [3], [4]], dtype=D))
        if found:
            assert irls(A, y).theta[0].item() == pytest.approx(0.908, abs=1e-3)
        else:
            with pytest.raises(ValueError, match="separated"):
                irls(A, y)


def test_twice_theta_gives_every_label_of_complete_separation_more_probability(
    page_says,
):
    page_says("twice the slope gives every right label a higher probability")
    score = torch.tensor([0.1, 1.0, 7.0], dtype=D)
    assert (torch.sigmoid(2 * score) > torch.sigmoid(score)).all()


def test_four_times_as_many_new_rows_about_halve_the_standard_errors(page_says):
    page_says("With new rows the standard errors halve too, about")
    for seed in range(5):
        few, many = irls(*houses(500, seed)), irls(*houses(2000, seed + 100))
        assert (many.se / few.se).tolist() == pytest.approx([0.5, 0.5], rel=0.3)


def test_a_penalty_a_tenth_as_large_adds_about_two_to_the_slope(page_says):
    page_says("A penalty ten times as small adds about 2 to the slope")
    x = with_ones(torch.tensor([[-2.0], [-1], [1], [2]], dtype=D))
    y = torch.tensor([0, 0, 1, 1])
    slopes = [irls(x, y, 10.0**-k).theta[0].item() for k in range(2, 9)]
    gains = [b - a for a, b in pairwise(slopes)]
    assert all(1.8 < gain < 2.3 for gain in gains)


def test_without_separation_but_with_dependent_columns_h_is_never_definite(page_says):
    page_says("if the columns of $A$ are independent, and at none if they are not")
    A, _ = houses(30)
    twice = torch.hstack([A, A[:, :1]])
    for scale in (0.0, 1.0, 5.0):
        p = torch.sigmoid(twice @ torch.full((3,), scale, dtype=D))
        H = twice.T @ ((p * (1 - p))[:, None] * twice)
        v = torch.tensor([1.0, 0.0, -1.0], dtype=D)
        assert (v @ H @ v).item() == 0
        assert torch.linalg.eigvalsh(H[:2, :2])[0] > 0


def test_overlap_in_one_row_is_enough_and_a_smaller_one_is_called_separated(page_says):
    page_says("So labels that overlap by less than that are called separated")
    y = torch.tensor([0, 1, 0, 1])
    for gap, found in ((1e-9, True), (1e-12, False)):
        x = with_ones(torch.tensor([[-2.0], [-gap], [gap], [2]], dtype=D))
        if found:
            assert irls(x, y).theta.isfinite().all()
        else:
            with pytest.raises(ValueError, match="separated"):
                irls(x, y)


def test_a_penalised_fit_needs_both_labels_because_of_the_free_intercept(page_says):
    page_says("there is a minimum, if both labels occur")
    A, _ = houses(6)
    y = torch.tensor([1, 0, 0, 0, 0, 0])
    fit = irls(A, y, 0.1)
    wrong = torch.sigmoid(A @ fit.theta) - y
    assert wrong.sum().item() == pytest.approx(0, abs=1e-9)
    slope = (wrong @ A[:, 0] + 0.1 * fit.theta[0]).item()
    assert slope == pytest.approx(0, abs=1e-9)


def test_after_14_steps_the_tables_that_still_move_are_those_without_minimum(page_says):
    page_says("for _ in range(14):", "amax(dim=1) < 0.5")
    generator = torch.Generator().manual_seed(0)
    A = with_ones(torch.randn(20, 1, generator=generator, dtype=D))
    truth = torch.tensor([-1.5, 0.5], dtype=D)
    chance = torch.sigmoid(A @ truth).expand(4000, 20)
    y = torch.bernoulli(chance, generator=generator)
    squares = (A[:, :, None] * A[:, None, :]).flatten(1)
    theta = torch.zeros(4000, 2, dtype=D)
    for _ in range(14):
        p = torch.sigmoid(theta @ A.T)
        step = torch.linalg.solve(((p * (1 - p)) @ squares).view(-1, 2, 2), (y - p) @ A)
        theta = theta + step
    still = ~((step @ A.T).abs().amax(dim=1) < 0.5)
    x = A[:, 0]
    least = [torch.where(y == k, x, math.inf).amin(dim=1) for k in (0, 1)]
    most = [torch.where(y == k, x, -math.inf).amax(dim=1) for k in (0, 1)]
    apart = (most[0] <= least[1]) | (most[1] <= least[0])
    assert torch.equal(still, apart)
    assert apart.sum() > 5
