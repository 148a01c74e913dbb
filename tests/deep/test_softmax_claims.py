"""What docs/en/deep/softmax.md says in prose and no block of it shows."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from firstdescent.deep.softmax import (
    blobs,
    cross_entropy,
    fit_softmax,
    glyph_shapes,
    glyphs,
    log_softmax,
    log_sum_exp,
    softmax,
)
from firstdescent.regression.coefficients import with_ones

D = torch.float64


def test_exp_overflows_where_the_page_says(page_says):
    page_says("`exp` overflows above 88.7, in float16 above 11.1")
    for kind, limit in (
        (torch.float32, 88.7),
        (torch.bfloat16, 88.7),
        (torch.float16, 11.1),
    ):
        assert math.log(torch.finfo(kind).max) == pytest.approx(limit, abs=0.05)
        below, above = torch.tensor([limit - 0.5, limit + 0.5], dtype=kind).exp()
        assert below.isfinite() and above == math.inf


def test_a_float16_score_from_65520_is_lost_before_any_softmax(page_says):
    page_says("the score itself, from 65520 in float16")
    assert torch.tensor(65519.9).half() == torch.finfo(torch.float16).max == 65504
    o = torch.tensor([65520.0, 0.0]).half()
    assert o[0] == math.inf
    assert functional.log_softmax(o.float(), 0).isnan().any()
    assert torch.tensor([7e4, 0.0]).bfloat16().isfinite().all()


def test_the_largest_score_taken_out_bounds_the_sum(page_says):
    page_says(r"the sum lies between 1 and $k$")
    o = 50 * torch.randn(300, 6, generator=torch.Generator().manual_seed(0))
    total = (o - o.amax(1, keepdim=True)).exp().sum(1)
    assert total.min() >= 1 and total.max() <= 6


def test_a_first_loss_far_above_log_k_takes_a_lead_as_large(page_says):
    page_says("If the mean is far above", "some scores start out far ahead")
    o = 6 * torch.randn(2000, 5, generator=torch.Generator().manual_seed(0)).double()
    lead = o.amax(1) - o[:, 0]
    loss = cross_entropy(o, torch.zeros(2000, dtype=torch.int64))
    assert (loss - math.log(5) <= lead + 1e-12).all()


def test_torchs_module_and_function_take_scores_and_average(page_says):
    page_says("`F.cross_entropy` and `nn.CrossEntropyLoss` want *scores*")
    o = torch.tensor([[2.0, 1.0, -1.0], [0.0, 3.0, 1.0]], dtype=D)
    y = torch.tensor([1, 0])
    mean = cross_entropy(o, y).mean()
    torch.testing.assert_close(nn.CrossEntropyLoss()(o, y), mean)
    torch.testing.assert_close(functional.cross_entropy(o, y), mean)


def test_log_softmax_twice_changes_nothing(page_says):
    page_says("`log_softmax` twice is harmless")
    o = 9 * torch.randn(50, 4, generator=torch.Generator().manual_seed(0), dtype=D)
    once = log_softmax(o)
    torch.testing.assert_close(log_softmax(once), once)
    torch.testing.assert_close(once.logsumexp(1), torch.zeros(50, dtype=D))


def test_ten_classes_fed_through_two_softmaxes_stay_above_146(page_says):
    page_says("starts at 2.30 and will not go below 1.46")
    y = torch.arange(10)
    o = torch.zeros(10, 10, dtype=D, requires_grad=True)
    assert functional.cross_entropy(softmax(o), y).item() == pytest.approx(
        2.3026, abs=1e-4
    )
    for size in (1.0, 10.0, 1000.0):
        perfect = size * torch.eye(10, dtype=D)
        assert functional.cross_entropy(softmax(perfect), y) > 1.46
    assert math.log(math.e + 3) - 1 == pytest.approx(0.74, abs=5e-3)  # the footnote


def test_noisy_labels_keep_a_correct_loss_above_146_but_the_accuracy_is_low(page_says):
    page_says("a correct loss stays high too, but then the accuracy is low")
    g = torch.Generator().manual_seed(0)
    X, y = glyphs(2000, g)
    redrawn = torch.rand(2000, generator=g) < 0.5
    y = torch.where(redrawn, torch.randint(10, (2000,), generator=g), y)
    right = 0.5 + 0.5 / 10
    assert -right * math.log(right) - 0.45 * math.log(0.05) > 1.46  # the best rule's
    W, b = fit_softmax(X, y, 10, 0.7, 200)
    o = X @ W.T + b
    assert cross_entropy(o, y).mean() > 1.6
    assert (o.argmax(1) == y).double().mean() < 0.6


def test_a_softmax_too_many_is_deaf_too(page_says):
    page_says("A softmax too many puts an $H$ in the way as well")
    o = torch.tensor([[0.0, 12.0]], dtype=D, requires_grad=True)
    y = torch.tensor([0])
    (twice,) = torch.autograd.grad(functional.cross_entropy(softmax(o), y), o)
    (once,) = torch.autograd.grad(functional.cross_entropy(o, y), o)
    assert once[0, 0] < -0.99 and twice.abs().max() < 1e-4


def test_temperature_keeps_the_order(page_says):
    page_says("The order stays, and with it every prediction.")
    o = torch.randn(200, 5, generator=torch.Generator().manual_seed(0), dtype=D)
    for tau in (0.2, 7.0):
        assert torch.equal(softmax(o / tau).argsort(1), o.argsort(1))


def test_half_the_largest_eigenvalue_bounds_every_curvature(page_says):
    page_says(r"No curvature is above $L$, half of that eigenvalue.")
    g = torch.Generator().manual_seed(0)
    X, y = (
        torch.randn(30, 3, generator=g, dtype=D),
        torch.randint(4, (30,), generator=g),
    )
    A = with_ones(X)
    L = torch.linalg.eigvalsh(A.T @ A / 30)[-1] / 2

    def loss(theta):
        return functional.cross_entropy(A @ theta.view(4, 4).T, y)

    for size in (0.0, 0.3, 3.0):
        theta = size * torch.randn(16, generator=g, dtype=D)
        H = torch.autograd.functional.hessian(loss, theta)
        curvatures = torch.linalg.eigvalsh(H)
        assert curvatures[0] > -1e-12 and curvatures[-1] <= L


def test_the_mean_square_of_the_moved_scores_row_by_row(page_says):
    page_says(r"$D_j (A^\top A / n) D_j^\top$ to the mean of $\lVert D a_i \rVert^2$")
    g = torch.Generator().manual_seed(0)
    A = with_ones(torch.randn(30, 3, generator=g, dtype=D))
    M = A.T @ A / 30
    for _ in range(20):
        direction = torch.randn(5, 4, generator=g, dtype=D)
        direction /= direction.norm()
        mean = (A @ direction.T).square().sum(1).mean()
        torch.testing.assert_close(mean, sum(r @ M @ r for r in direction))
        assert mean <= torch.linalg.eigvalsh(M)[-1]


def test_the_limits_of_lr_for_the_blobs_and_the_images(page_says):
    page_says("For the blobs above it is 1.5, for the 4000 images further down 0.75.")
    g = torch.Generator().manual_seed(1)
    for (X, _), limit in (
        (blobs(2000, (0.5, 0.3, 0.2), g), 1.5),
        (glyphs(4000, g), 0.75),
    ):
        A = with_ones(X)
        got = 4 / torch.linalg.eigvalsh(A.T @ A / len(A))[-1].item()
        assert got == pytest.approx(limit, rel=0.06)


def test_the_six_numbers_of_the_blobs_are_uncertain_by_a_tenth_to_a_fifth(page_says):
    """Standard errors from the information matrix, at the true weights."""
    page_says("each number is uncertain by 0.1 to 0.2")
    X, _ = blobs(2000, (0.5, 0.3, 0.2), torch.Generator().manual_seed(0))
    c = torch.tensor([[0, 0], [2, 0], [1, 1.7]], dtype=D)
    bias = torch.tensor([0.5, 0.3, 0.2], dtype=D).log() - c.square().sum(1) / 1.28
    p = (X @ c.T / 0.64 + bias).softmax(1)
    H = (p.diag_embed() - p[:, :, None] * p[:, None, :])[:, 1:, 1:]
    A = with_ones(X)
    information = torch.einsum("nij,na,nb->iajb", H, A, A).reshape(6, 6)
    errors = information.inverse().diag().sqrt()
    assert errors.min() > 0.095 and errors.max() < 0.23


def test_a_row_may_see_its_labels_score_pushed_down_by_the_others(page_says):
    page_says("other rows may pull harder the other way")
    X = torch.tensor([[1.0, 0.0]] * 3, dtype=D)
    W, b = fit_softmax(X, torch.tensor([0, 1, 1]), 2, lr=0.5, steps=1)
    o = X[0] @ W.T + b
    assert o[0] < 0 < o[1]  # row 0 has the label 0, and started from scores 0


def test_terms_that_underflow_change_nothing(page_says):
    page_says("Terms that underflow to 0 are too small to matter beside that 1.")
    for kind, low in ((D, -800.0), (torch.float32, -120.0)):
        o = torch.tensor([0.0, low], dtype=kind)
        assert o[1].exp() == 0
        assert log_sum_exp(o).item() == pytest.approx(math.log1p(math.exp(low)))
        o = torch.tensor([3.0, 3 + low], dtype=kind)
        assert log_sum_exp(o).item() == 3


def test_with_20_000_images_a_linear_model_stays_below_nine_in_ten(page_says):
    page_says("Even 20 000 images, fitted nearly to the minimum, bring it to 86 %")
    g = torch.Generator().manual_seed(1)
    (X, y), (new, asked) = glyphs(20_000, g), glyphs(6000, g)
    model = nn.Linear(64, 10, dtype=D)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    walk = torch.optim.LBFGS(
        model.parameters(), max_iter=50, line_search_fn="strong_wolfe"
    )

    def loss():
        walk.zero_grad()
        value = functional.cross_entropy(model(X), y)
        value.backward()
        return value

    walk.step(loss)
    assert model.weight.grad.norm() < 0.01
    share = (model(new).argmax(1) == asked).double().mean().item()
    assert share == pytest.approx(0.86, abs=0.015)


def test_the_loss_falls_at_every_step_below_the_limit_and_not_always_above():
    g = torch.Generator().manual_seed(0)
    X, y = glyphs(60, g)
    A = with_ones(X)
    limit = 4 / torch.linalg.eigvalsh(A.T @ A / 60)[-1].item()

    def walk(lr):
        fits = [fit_softmax(X, y, 10, lr, steps) for steps in range(15)]
        return [cross_entropy(X @ W.T + b, y).mean().item() for W, b in fits]

    low, high = walk(0.99 * limit), walk(20 * limit)
    assert all(b < a for a, b in pairwise(low))
    assert any(b > a for a, b in pairwise(high))


def test_the_ten_weights_of_a_pixel_add_up_to_zero(page_says):
    page_says("For each pixel the ten weights add up to 0")
    W, b = fit_softmax(*glyphs(50, torch.Generator().manual_seed(0)), 10, 0.7, 30)
    assert W.abs().max() > 0.05
    assert W.sum(0).abs().max() < 1e-12 and abs(b.sum()) < 1e-12


@pytest.mark.parametrize("seed", [1])
def test_modest_early_overconfident_late_and_mended_by_a_temperature(page_says, seed):
    page_says("too modest, after 2000 it is overconfident", "reaches three quarters")
    page_says("near 0.7, later 1.5 to 1.6", "74 to 76 %, later 70 to 73 %")
    g = torch.Generator().manual_seed(seed)
    (X, y), (new, asked) = glyphs(400, g), glyphs(3000, g)
    more, known = glyphs(1000, g)
    gaps, taus, shares = [], [], []
    for steps in (200, 2000):
        W, b = fit_softmax(X, y, 10, 0.7, steps)
        o, other = new @ W.T + b, more @ W.T + b
        shares.append((o.argmax(1) == asked).double().mean().item())
        gaps.append(softmax(o).amax(1).mean().item() - shares[-1])
        grid = torch.logspace(-0.5, 0.5, 31).tolist()
        taus.append(
            min(grid, key=lambda t: functional.cross_entropy(other / t, known).item())
        )
        then = softmax(o / taus[-1]).amax(1).mean().item()
        assert abs(then - shares[-1]) < 0.035
    assert gaps[0] < -0.06 and gaps[1] > 0.06
    assert 0.6 < taus[0] < 0.8 and 1.4 < taus[1] < 1.8
    assert 0.72 < shares[0] < 0.78 and 0.68 < shares[1] < shares[0]


def test_images_that_do_not_move_are_no_trouble_for_a_linear_model(page_says):
    page_says("That is the model's form")
    g = torch.Generator().manual_seed(0)

    def still(n):
        y = torch.randint(10, (n,), generator=g)
        noise = torch.randn(n, 64, generator=g, dtype=D)
        return glyph_shapes()[y, 0] + 0.3 * noise, y

    W, b = fit_softmax(*still(400), 10, 0.7, 200)
    X, y = still(2000)
    assert ((X @ W.T + b).argmax(1) == y).double().mean() > 0.98
