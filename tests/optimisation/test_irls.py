"""firstdescent.optimisation.irls against answers that it did not compute."""

import math
from itertools import combinations, pairwise

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from firstdescent.optimisation.irls import irls, weighted_gram
from firstdescent.regression.coefficients import with_ones

D = torch.float64


def table(n, d, seed=0, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    A = with_ones(size * torch.randn(n, d, generator=generator, dtype=D))
    chance = torch.sigmoid(A @ torch.linspace(-1, 1, d + 1, dtype=D) / size)
    return A, torch.bernoulli(chance, generator=generator)


def derivatives(A, y, theta, ridge=0.0):
    """The gradient and the Hessian of PyTorch's own loss, by autograd."""

    def loss(theta):
        fit = binary_cross_entropy_with_logits(A @ theta, y, reduction="sum")
        return fit + (ridge * theta**2).sum() / 2

    g = torch.autograd.functional.jacobian(loss, theta)
    return loss(theta), g, torch.autograd.functional.hessian(loss, theta)


@pytest.mark.parametrize(("n", "d"), [(40, 1), (300, 5), (3000, 2), (2000, 20)])
def test_the_gradient_of_torchs_loss_vanishes_and_se_is_its_inverse_hessian(n, d):
    A, y = table(n, d)
    fit = irls(A, y)
    loss, g, H = derivatives(A, y, fit.theta)
    assert g.abs().max() < 1e-6
    torch.testing.assert_close(
        fit.se, torch.linalg.inv(H).diag().sqrt(), rtol=5e-3, atol=0
    )
    assert fit.losses[-1] == pytest.approx(loss.item(), rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_two_groups_give_the_log_of_the_odds_and_their_known_standard_errors(seed):
    generator = torch.Generator().manual_seed(seed)
    a, b, c, d = torch.randint(1, 30, (4,), generator=generator).tolist()
    x = torch.tensor([[1.0]] * (a + b) + [[0.0]] * (c + d), dtype=D)
    y = torch.tensor([1] * a + [0] * b + [1] * c + [0] * d)
    fit = irls(with_ones(x), y)
    slope = math.log(a / b) - math.log(c / d)
    torch.testing.assert_close(
        fit.theta, torch.tensor([slope, math.log(c / d)], dtype=D)
    )
    se = [(1 / a + 1 / b + 1 / c + 1 / d) ** 0.5, (1 / c + 1 / d) ** 0.5]
    torch.testing.assert_close(fit.se, torch.tensor(se, dtype=D), rtol=5e-3, atol=0)


@pytest.mark.parametrize("n", [50, 5000])
def test_the_losses_begin_at_n_log_2_and_never_rise(n):
    losses = irls(*table(n, 3)).losses
    assert losses[0] == pytest.approx(n * math.log(2))
    assert all(new <= old * (1 + 2e-14) for old, new in pairwise(losses))


def full_steps(A, y, steps):
    theta, losses = A.new_zeros(A.shape[1]), []
    for _ in range(steps):
        loss, g, H = derivatives(A, y, theta)
        losses.append(loss.item())
        theta = theta - torch.linalg.solve(H, g)
    return losses


def test_where_a_full_step_raises_the_loss_a_halved_one_does_not():
    generator = torch.Generator().manual_seed(359)  # a rare table
    X = torch.randn(20, 5, generator=generator, dtype=D) ** 3
    A = with_ones(X)
    y = torch.bernoulli(torch.full((20,), 0.5, dtype=D), generator=generator)
    full = full_steps(A, y, 7)
    assert any(new > old + 1e-3 for old, new in pairwise(full))
    fit = irls(A, y)
    assert all(new <= old for old, new in pairwise(fit.losses[:-1]))
    assert derivatives(A, y, fit.theta)[1].abs().max() < 1e-6


@pytest.mark.parametrize("n", [60, 4000])
def test_scaling_columns_scales_the_fit_and_nothing_else(n):
    A, y = table(n, 2)
    plain = irls(A, y)
    units = torch.tensor([2.0**-600, 2.0**400, 1.0], dtype=D)
    scaled = irls(A * units, y)
    assert torch.equal(scaled.theta * units, plain.theta)  # powers of two: exact
    assert torch.equal(scaled.se * units, plain.se)
    units = torch.tensor([1e-7, 3e9, 7.0], dtype=D)
    scaled = irls(A * units, y)
    torch.testing.assert_close(scaled.theta * units, plain.theta)


@pytest.mark.parametrize("offset", [1e3, 1e5])
def test_a_large_offset_moves_only_the_intercept(offset):
    A, y = table(500, 1)
    moved = A + torch.tensor([offset, 0.0], dtype=D)
    slope = irls(A, y).theta[0]
    torch.testing.assert_close(irls(moved, y).theta[0], slope, rtol=1e-6, atol=0)


def test_100_000_rows_of_float32_are_summed_in_float64():
    A, y = table(100_000, 3, size=30.0)
    A = (A + torch.tensor([2000.0, 0, 0, 0], dtype=D)).float()
    fit = irls(A, y)
    assert fit.theta.dtype == fit.se.dtype == torch.float32
    exact = irls(A.double(), y)
    torch.testing.assert_close(fit.theta, exact.theta.float())
    assert derivatives(A.double(), y, exact.theta)[1].abs().max() < 1e-3


def test_the_number_of_steps_does_not_grow_with_the_rows():
    counts = [len(irls(*table(n, 3)).losses) - 1 for n in (100, 2000, 50_000)]
    assert max(counts) <= 9


@pytest.mark.parametrize("kind", [torch.bool, torch.int64, torch.float32])
def test_labels_of_any_real_kind_mean_the_same(kind):
    A, y = table(40, 2)
    assert torch.equal(irls(A, y.to(kind)).theta, irls(A, y).theta)


def test_no_gradient_is_kept_and_the_table_is_left_alone():
    A, y = table(40, 2)
    before = A.clone()
    penalty = torch.tensor(1.0, requires_grad=True)
    fit = irls(A.requires_grad_(), y.requires_grad_(), penalty)
    assert not (fit.theta.requires_grad or fit.se.requires_grad)
    assert torch.equal(A, before)


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (300, 4), (5000, 70)])
def test_weighted_gram_is_the_sum_over_rows(shape):
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(shape, generator=generator, dtype=D)
    s = torch.rand(shape[0], generator=generator, dtype=D)
    torch.testing.assert_close(weighted_gram(A, s), torch.einsum("n,np,nq", s, A, A))


def separated(A, y):
    """Whether an integer table has d with sign A d >= 0, not all 0: by its edges.

    If there is one, there is one at right angles to p - 1 rows.
    """
    M = (2 * y - 1)[:, None] * A
    n, p = M.shape
    for rows in combinations(range(n), p - 1):
        _, s, V = torch.linalg.svd(M[list(rows)], full_matrices=True)
        if p > 1 and s[-1] < 1e-9:
            continue
        gains = M @ V[-1]
        for g in (gains, -gains):
            if g.min() > -1e-9 and g.max() > 1e-9:
                return True
    return False


def test_separation_is_found_where_enumeration_finds_it_in_300_small_tables():
    generator = torch.Generator().manual_seed(0)
    seen = {True: 0, False: 0}
    for trial in range(300):
        n, d = 4 + trial % 9, 1 + trial % 2
        A = with_ones(torch.randint(-2, 3, (n, d), generator=generator).to(D))
        y = torch.randint(0, 2, (n,), generator=generator).to(D)
        if torch.linalg.matrix_rank(A) < d + 1:
            continue
        truth = separated(A, y)
        seen[truth] += 1
        if truth:
            with pytest.raises(ValueError, match=r"separated|all are"):
                irls(A, y)
        else:
            assert derivatives(A, y, irls(A, y).theta)[1].abs().max() < 1e-8
    assert min(seen.values()) > 70
