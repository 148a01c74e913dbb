"""What the page says of the houses, judged without the page's own loops."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Generator, nn
from torch.testing import assert_close

from firstdescent.regression.house_prices import make_houses, predict, standardise


def houses():
    return make_houses(500, Generator().manual_seed(0))


def with_ones(F):
    return torch.hstack([F, torch.ones(len(F), 1, dtype=F.dtype)])


def units():
    X, _ = houses()
    scale = torch.tensor([1.0, 1.0, 100.0], dtype=X.dtype)
    return {"raw": X, "hundreds": X / scale, "standardised": standardise(X)[0]}


def excess(A, y, steps, lr):
    """The loss above the lowest after so many steps from 0, in closed form."""
    c, V = torch.linalg.eigh(A.T @ A / len(A))
    error = V.T @ torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]
    return 0.5 * (c * (1 - lr * c) ** (2 * steps) * error**2).sum().item()


def best_lr(A):
    c = torch.linalg.eigvalsh(A.T @ A / len(A))
    return (2 / (c[0] + c[-1])).item()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("raw", 470_000, 490_000),
        ("hundreds", 3557, 3558),
        ("standardised", 112, 113),
    ],
)
def test_the_closed_form_of_descent_counts_the_same_steps(name, before, after):
    (_, y), A = houses(), with_ones(units()[name])
    assert excess(A, y, before, best_lr(A)) > 1 >= excess(A, y, after, best_lr(A))


@pytest.mark.parametrize("name", ["raw", "hundreds", "standardised"])
def test_no_direction_is_steeper_than_the_last_or_flatter_than_the_first(name):
    A = with_ones(units()[name])
    c, V = torch.linalg.eigh(A.T @ A / len(A))
    generator = Generator().manual_seed(1)
    v = torch.randn(4, 5000, generator=generator, dtype=A.dtype)
    curvature = (A @ (v / v.norm(dim=0))).square().mean(dim=0)
    assert c[0] < curvature.min() and curvature.max() < c[-1]
    ends = (A @ V[:, [0, 3]]).square().mean(dim=0)
    assert_close(ends, c[[0, 3]])


@pytest.mark.parametrize("name", ["raw", "hundreds", "standardised"])
def test_the_steps_grow_above_two_over_the_steepest_curvature_only(name):
    (_, y), A = houses(), with_ones(units()[name])
    limit = 2 / torch.linalg.eigvalsh(A.T @ A / len(A))[-1].item()
    start = excess(A, y, 0, limit)
    assert excess(A, y, 10_000, 0.99 * limit) < start
    assert excess(A, y, 10_000, 1.01 * limit) > 1e6 * start


def test_the_best_fixed_lr_makes_the_worst_factor_smallest():
    A = with_ones(units()["standardised"])
    c = torch.linalg.eigvalsh(A.T @ A / len(A))
    worst = {f: (1 - f * best_lr(A) * c).abs().max() for f in (0.98, 1.0, 1.02)}
    assert worst[1.0] < min(worst[0.98], worst[1.02])


def test_a_step_with_mse_loss_is_twice_as_long_and_with_its_sum_2n_times():
    (_, y), A = houses(), with_ones(units()["standardised"])
    theta = torch.zeros(4, dtype=A.dtype, requires_grad=True)
    by_hand = -A.T @ y / len(y)
    for loss, factor in ((nn.MSELoss(), 2), (nn.MSELoss(reduction="sum"), 1000)):
        (g,) = torch.autograd.grad(loss(A @ theta, y), theta)
        assert_close(g, factor * by_hand)


def test_an_lr_too_large_jumps_from_side_to_side_ever_farther():
    (_, y), A = houses(), with_ones(units()["standardised"])
    _, V = torch.linalg.eigh(A.T @ A / len(A))
    error = -torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]
    along = []
    for _ in range(5):
        along.append((V[:, -1] @ error).item())
        error = error - 0.76 * A.T @ (A @ error) / len(A)
    for one, two in pairwise(along):
        assert one * two < 0 and abs(two) > abs(one)


def test_the_correlation_of_the_features_alone_makes_the_curvatures():
    Z = units()["standardised"]
    X, _ = houses()
    assert_close(Z.T @ Z / len(Z), torch.corrcoef(X.T))
    c = torch.linalg.eigvalsh(torch.corrcoef(X.T))
    full = torch.linalg.eigvalsh(with_ones(Z).T @ with_ones(Z) / len(Z))
    # The column of ones only adds the curvature 1, which lies between the others.
    assert_close(full, torch.hstack([c, torch.ones(1, dtype=c.dtype)]).sort().values)
    assert 52 < c[-1] / c[0] < 53.5


def test_shuffled_columns_have_a_condition_number_near_1_for_any_seed():
    Z = units()["standardised"]
    for seed in range(20):
        generator = Generator().manual_seed(seed)
        order = torch.rand(500, 3, generator=generator).argsort(dim=0)
        S = Z.gather(0, order)
        assert torch.linalg.cond(S.T @ S) < 1.5


def test_the_lowest_loss_is_near_half_the_noise_variance_for_any_seed():
    for seed in range(20):
        X, y = make_houses(500, Generator().manual_seed(seed))
        A = with_ones(X)
        best = torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]
        loss = (A @ best - y).square().mean() / 2
        truth = (A @ A.new_tensor([10, 15, 2, 40]) - y).square().mean() / 2
        # A mean of 500 squares scatters by 6.3 %; allow four times that.
        assert loss < truth and abs(truth / 200 - 1) < 0.26
        assert abs(loss / (200 * 496 / 500) - 1) < 0.26


def test_a_square_metre_alone_costs_more_because_it_brings_rooms_for_any_seed():
    for seed in range(20):
        X, y = make_houses(500, Generator().manual_seed(seed))
        area = X[:, 2] - X[:, 2].mean()
        assert 2.5 < area @ y / (area @ area) < 2.85


def test_a_fourth_bathroom_makes_the_bill_460():
    w, b = torch.tensor([10.0, 15.0, 2.0]), torch.tensor(40.0)
    assert predict(torch.tensor([[5.0, 4.0, 155.0]]), w, b).tolist() == [460.0]


def test_matrix_powers_take_the_steps_of_descent():
    (_, y), A = houses(), with_ones(units()["standardised"])
    lr, H = best_lr(A), A.T @ A / len(A)
    best = torch.linalg.lstsq(A, y[:, None], driver="gelsd").solution[:, 0]
    theta = torch.zeros(4, dtype=A.dtype)
    for _ in range(30):
        theta = theta - lr * A.T @ (A @ theta - y) / len(A)
    M = torch.eye(4, dtype=A.dtype) - lr * H
    assert_close(theta - best, torch.linalg.matrix_power(M, 30) @ -best)
    above = (A @ (theta - best)).square().mean().item() / 2
    assert math.isclose(above, excess(A, y, 30, lr), rel_tol=1e-9)
