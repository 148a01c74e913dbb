"""What the page of weighted sampling says in prose, over several seeds."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import WeightedRandomSampler

from firstdescent.tools.weighted_sampling import (
    balanced_weights,
    fit_logistic,
    precision_recall,
    prior_correction,
)

CENTRE = torch.tensor([1.5, 1.0], dtype=torch.float64)


def rows(n, seed, stretch=(1.0, 1.0)):
    """Return X, y and the generator: every 20th row positive, as on the page."""
    g = torch.Generator().manual_seed(seed)
    y = (torch.arange(n) % 20 == 0).double()
    noise = torch.randn(n, 2, generator=g, dtype=torch.float64)
    wide = torch.tensor(stretch, dtype=torch.float64)
    return torch.where(y[:, None] == 1, noise * wide + CENTRE, noise), y, g


def draw(y, g, n):
    sampler = WeightedRandomSampler(balanced_weights(y), n, generator=g)
    return torch.tensor(list(sampler))


def top_recall(fit, X, y, share):
    s = X @ fit[0] + fit[1]
    return precision_recall(s, y, s.quantile(1 - share).item())[1]


@pytest.fixture(scope="module")
def fits():
    """Slopes and intercepts, (40, 3) each, of 40 sets of 4000 rows."""
    found = {"plain": [], "weighted": [], "sampled": [], "ten": []}
    for seed in range(40):
        X, y, g = rows(4000, seed)
        i, ten = draw(y, g, 4000), draw(y, g, 40_000)
        found["plain"].append(fit_logistic(X, y))
        found["weighted"].append(fit_logistic(X, y, balanced_weights(y)))
        found["sampled"].append(fit_logistic(X[i], y[i]))
        times = torch.bincount(ten, minlength=4000).double()
        found["ten"].append(fit_logistic(X, y, times))
    return {
        name: torch.stack([torch.cat([w, b[None]]) for w, b in pairs])
        for name, pairs in found.items()
    }


@pytest.mark.parametrize("how", ["weighted", "sampled"])
def test_only_the_intercept_moves_and_by_log_19(fits, how):
    moved = fits[how] - fits["plain"]
    error = moved.std(0) / math.sqrt(len(moved))  # standard error of the mean
    expected = torch.tensor([0.0, 0.0, math.log(19)]).double()
    assert ((moved.mean(0) - expected).abs() < 3 * error).all()
    assert error[2] < 0.05


def test_the_plain_fit_scatters_about_the_truth(fits):
    truth = torch.tensor([1.5, 1.0, -math.log(19) - 1.625]).double()
    error = fits["plain"].std(0) / math.sqrt(40)
    assert ((fits["plain"].mean(0) - truth).abs() < 3 * error).all()


def test_weights_cost_precision_and_drawing_adds_noise(fits):
    spread = {k: v[:, :2].var(0).sum().sqrt() for k, v in fits.items()}
    assert spread["weighted"] > 1.1 * spread["plain"]
    assert spread["sampled"] > 1.02 * spread["weighted"]
    drawing = (fits["sampled"] - fits["weighted"])[:, :2].var(0).sum().sqrt()
    assert drawing > 0.2 * spread["weighted"]


def test_drawing_for_ten_epochs_comes_close_to_the_weights(fits):
    one = (fits["sampled"] - fits["weighted"])[:, :2].std()
    ten = (fits["ten"] - fits["weighted"])[:, :2].std()
    assert ten < 0.5 * one  # 1 / sqrt(10) = 0.32 in theory


@pytest.mark.parametrize("seed", range(3))
def test_the_sampler_finds_what_a_moved_threshold_finds(seed):
    X, y, g = rows(20_000, seed)
    train, held = slice(0, 10_000), slice(10_000, None)
    i = draw(y[train], g, 10_000)
    plain = fit_logistic(X[train], y[train])
    sampled = fit_logistic(X[train][i], y[train][i])
    for share in (0.01, 0.05, 0.2, 0.5):
        ours = top_recall(plain, X[held], y[held], share)
        theirs = top_recall(sampled, X[held], y[held], share)
        assert ours == pytest.approx(theirs, abs=0.02)
    s = X[held] @ sampled[0] + sampled[1]
    at_half = precision_recall(s, y[held], 0.0)
    moved = precision_recall(X[held] @ plain[0] + plain[1], y[held], -math.log(19))
    assert at_half == pytest.approx(moved, abs=0.04)
    assert s.sigmoid().mean() > 0.25
    constant = -0.05 * math.log(0.05) - 0.95 * math.log(0.95)
    log_loss = binary_cross_entropy_with_logits
    assert log_loss(s, y[held]) > 1.8 * constant
    fixed = prior_correction(s, 0.05, 0.5)
    best = log_loss(X[held] @ plain[0] + plain[1], y[held])
    assert log_loss(fixed, y[held]) < 1.02 * best
    assert fixed.sigmoid().mean() == pytest.approx(0.05, abs=0.006)


@pytest.mark.parametrize("seed", range(3))
def test_with_the_wrong_form_balancing_turns_the_line_and_trades_ends(seed):
    X, y, _ = rows(20_000, seed, stretch=(2.0, 0.5))
    plain = fit_logistic(X, y)
    balanced = fit_logistic(X, y, balanced_weights(y))
    assert plain[0][0] > 1.3 * balanced[0][0] and plain[0][1] < 0.8 * balanced[0][1]
    assert top_recall(plain, X, y, 0.02) > top_recall(balanced, X, y, 0.02) + 0.08
    assert top_recall(balanced, X, y, 0.3) > top_recall(plain, X, y, 0.3) + 0.02
    bent = torch.cat([X, X**2], 1)
    plain = fit_logistic(bent, y)
    balanced = fit_logistic(bent, y, balanced_weights(y))
    for share in (0.02, 0.3):
        ours, theirs = (top_recall(f, bent, y, share) for f in (plain, balanced))
        assert ours == pytest.approx(theirs, abs=0.02)


def test_the_expected_gradient_of_a_draw_is_that_of_the_weighted_mean():
    X, y, g = rows(400, 0)
    w = torch.tensor([0.3, -0.2], dtype=torch.float64)
    each = ((X @ w).sigmoid() - y)[:, None] * X  # gradient of each row's loss
    q = balanced_weights(y) / 2
    i = draw(y, g, 200_000)
    error = each[i].std(0) / math.sqrt(200_000)
    assert ((each[i].mean(0) - q @ each).abs() < 3 * error).all()


def test_pos_weight_is_the_balanced_loss_times_twice_the_negatives_share():
    X, y, _ = rows(400, 0)
    s = X.sum(1) - 2
    each = binary_cross_entropy_with_logits(s, y, reduction="none")
    balanced = (each[y == 0].mean() + each[y == 1].mean()) / 2
    p19 = torch.tensor(19.0).double()
    heavy = binary_cross_entropy_with_logits(s, y, pos_weight=p19)
    torch.testing.assert_close(heavy, 2 * 0.95 * balanced)


def test_weights_per_class_draw_two_rows_and_no_more():
    g = torch.Generator().manual_seed(0)
    assert set(WeightedRandomSampler([0.9, 0.1], 1000, generator=g)) == {0, 1}


def test_without_replacement_an_epoch_is_every_row_once():
    _, y, g = rows(1000, 0)
    bag = WeightedRandomSampler(balanced_weights(y), 1000, False, generator=g)
    order = torch.tensor(list(bag))
    assert sorted(order.tolist()) == list(range(1000))
    assert y[order[:100]].mean() > 0.25 and y[order[500:]].mean() < 0.01
    assert WeightedRandomSampler([1.0, 1.0], 1).replacement is True


def test_more_than_2_to_the_24_rows_is_an_error():
    many = torch.ones(1).double().expand(2**24 + 1)  # takes the room of one
    with pytest.raises(RuntimeError, match="cannot exceed"):
        list(WeightedRandomSampler(many, 1))


def test_a_batch_without_positives_pushes_the_intercept_down_and_not_every_score():
    X, y, _ = rows(20_000, 0)
    w, b = fit_logistic(X, y)
    raised = 0
    for x in X[y == 0][:3200].split(32):
        p = (x @ w + b).sigmoid()
        slope = torch.autograd.functional.jacobian(
            lambda b, x=x: binary_cross_entropy_with_logits(
                x @ w + b, torch.zeros(32, dtype=torch.float64)
            ),
            b,
        )
        assert slope > 0
        raised += ((x @ (p @ x) + p.sum()) < 0).sum().item()
    assert 0.1 < raised / 3200 < 0.4


@pytest.mark.parametrize("seed", range(2))
def test_the_lead_is_that_of_the_intercept_and_not_of_small_batches(seed):
    X, y, g = rows(20_000, seed)
    train, held = slice(0, 10_000), slice(10_000, None)

    def loss(order, size, b=0.0, shift=0.0):
        w, b = sgd(X[train], y[train], order, b, size)
        return binary_cross_entropy_with_logits(X[held] @ w + b - shift, y[held]).item()

    lead = {}
    for size in (8, 320):  # 66 % and almost none of the batches have no positive
        n = 313 * size
        shuffled = torch.cat([torch.randperm(10_000, generator=g) for _ in range(11)])
        best = loss(draw(y[train], g, n), size, shift=math.log(19))
        lead[size] = loss(shuffled[:n], size) - best
        assert loss(shuffled[:n], size, b=-math.log(19) - 1.625) - best < lead[size] / 4
    assert lead[8] == pytest.approx(lead[320], abs=0.004)


def test_a_model_that_knows_its_few_positives_by_heart_does_not_obey():
    X, y, g = rows(2000, 0)
    X = torch.cat([X, torch.randn(2000, 48, generator=g, dtype=torch.float64)], 1)
    plain, sampled = fit_logistic(X, y), None
    i = draw(y, g, 2000)
    sampled = fit_logistic(X[i], y[i])
    assert sampled[0].norm() > 1.1 * plain[0].norm()
    assert sampled[1] - plain[1] < 0.95 * math.log(19)


def sgd(X, y, order, b=0.0, size=32):
    A = torch.cat([X, torch.ones_like(X[:, :1])], 1)
    w = torch.tensor([0.0, 0.0, b], dtype=torch.float64)
    for i in order.split(size):
        w = w - 0.1 * ((A[i] @ w).sigmoid() - y[i]) @ A[i] / len(i)
    return w[:2], w[2]


@pytest.mark.parametrize("seed", range(3))
def test_the_sampler_is_ahead_after_one_epoch_and_not_after_twelve(seed):
    X, y, g = rows(20_000, seed)
    train, held = slice(0, 10_000), slice(10_000, None)

    def gap(epochs):
        n = 10_000
        plain = torch.cat([torch.randperm(n, generator=g) for _ in range(epochs)])
        balanced = torch.cat([draw(y[train], g, n) for _ in range(epochs)])
        losses = []
        for order, shift in ((plain, 0), (balanced, math.log(19))):
            w, b = sgd(X[train], y[train], order)
            s = X[held] @ w + b - shift
            losses.append(binary_cross_entropy_with_logits(s, y[held]).item())
        return losses[0] - losses[1]

    assert gap(1) > 0.012
    assert abs(gap(12)) < 0.004


@pytest.mark.parametrize("seed", range(3))
def test_part_of_the_lead_is_the_way_of_the_plain_intercept(seed):
    X, y, g = rows(20_000, seed)
    order, losses = torch.randperm(10_000, generator=g), []
    for start in (0.0, -math.log(19)):
        w, b = sgd(X[:10_000], y[:10_000], order, start)
        s = X[10_000:] @ w + b
        losses.append(binary_cross_entropy_with_logits(s, y[10_000:]).item())
    assert losses[0] > losses[1] + 0.006


def test_with_the_wrong_form_balanced_accuracy_gains_a_little():
    X, y, _ = rows(100_000, 0, stretch=(2.0, 0.5))
    best = []
    for weights in (None, balanced_weights(y)):
        w, b = fit_logistic(X, y, weights)
        ranked = y[(X @ w + b).argsort(descending=True)]
        found = ranked.cumsum(0) / ranked.sum()
        spared = 1 - (1 - ranked).cumsum(0) / (1 - ranked).sum()
        best.append((found + spared).max().item() / 2)
    assert best[0] + 0.002 < best[1] < best[0] + 0.03
