"""What the page says in prose: repeated with other seeds."""

import torch
from torch import Generator

from firstdescent.deep.kfold_houses import held_out, kfold, mean_of_largest
from firstdescent.regression.coefficients import t_quantile

D = torch.float64


def tables(count, n, d, seed):
    g = Generator().manual_seed(seed)
    A = torch.randn(count, n, d, generator=g, dtype=D)
    return A, A.sum(dim=2) + torch.randn(count, n, generator=g, dtype=D)


def parts_of(squares, folds):
    return torch.stack([squares[:, valid].mean(dim=1) for _, valid in folds])


def test_two_of_five_fits_share_three_quarters_of_their_rows():
    folds = [set(train) for train, _ in kfold(60, 5, Generator().manual_seed(0))]
    for i in range(5):
        for j in range(i):
            assert len(folds[i] & folds[j]) / len(folds[i]) == 0.75


def test_the_naive_error_is_too_small_and_shuffles_are_only_a_part():
    A, y = tables(6000, 60, 10, seed=77)
    runs = [kfold(60, 5, Generator().manual_seed(s)) for s in range(3)]
    parts = torch.stack([parts_of(held_out(A, y, f).square(), f) for f in runs])
    means = parts.mean(dim=1)  # (shuffles, tables)
    scatter = means[0].std()
    naive = (parts[0].var(dim=0) / 5).mean().sqrt()
    assert 0.75 < naive / scatter < 0.88
    assert means.std(dim=0).mean() < 0.6 * scatter
    assert means.mean(dim=0).std() > 0.8 * scatter
    risk = 1 + 10 / (60 - 10 - 1)
    se = (parts[0].var(dim=0) / 5).sqrt()
    normal, student = (
        ((means[0] - risk).abs() < c * se).double().mean() for c in (1.96, 2.78)
    )
    assert normal < 0.87
    assert normal < student < 0.95


def test_students_factor_for_five_scores():
    assert abs(t_quantile(0.975, 4) - 2.78) < 0.005


def test_the_score_does_not_know_which_table_was_fitted_well():
    A, y = tables(1000, 60, 10, seed=78)
    w = torch.linalg.lstsq(A, y[..., None]).solution[..., 0]
    risk = (w - 1).square().sum(dim=1)
    score = held_out(A, y, kfold(60, 5)).square().mean(dim=1)
    assert torch.corrcoef(torch.stack([score, risk]))[0, 1].abs() < 0.15


def test_least_squares_with_a_bias_ignores_shift_and_scale_of_a_column():
    A, y = tables(1, 30, 4, seed=3)
    ones = torch.ones(1, 30, 1, dtype=D)
    folds = kfold(30, 5)
    scaled = 3 * A + torch.tensor([1.0, 2.0, -5.0, 0.5], dtype=D)
    before = held_out(torch.cat([A, ones], dim=2), y, folds)
    after = held_out(torch.cat([scaled, ones], dim=2), y, folds)
    torch.testing.assert_close(before, after)


def equal_settings(count, seed):
    g = Generator().manual_seed(seed)
    A = torch.randn(count, 30, 60, 11, generator=g, dtype=D)
    A[..., 0] = A[:, :1, :, 0]
    y = A[..., 0] + torch.randn(count, 1, 60, generator=g, dtype=D)
    score = held_out(A, y, kfold(60, 5)).square().mean(dim=2)
    w = torch.linalg.lstsq(A, y[..., None]).solution[..., 0]
    w[..., 0] -= 1
    return score, 1 + w.square().sum(dim=2)


def test_the_best_of_thirty_equal_settings_promises_too_much_and_is_worse():
    score, risk = equal_settings(60, seed=79)
    low, best = score.min(dim=1)
    kept = risk.gather(1, best[:, None])[:, 0]
    gain = kept - risk.mean(dim=1)
    assert gain.mean() > 3 * gain.std() / 60**0.5
    gap = kept - low
    assert gap.mean() > 4 * gap.std() / 60**0.5
    predicted = score.mean() - score.std(dim=1).mean() * mean_of_largest(30)
    assert abs(predicted - low.mean()) < 0.05


def test_a_file_sorted_by_price_makes_a_fold_of_cheap_houses_only():
    prices = torch.arange(20.0).tolist()
    _, valid = kfold(20, 4)[0]
    assert max(prices[i] for i in valid) < min(prices[i] for i in range(5, 20))


def test_the_interval_of_a_hundred_squares_is_nearly_honest():
    g = Generator().manual_seed(0)
    squares = torch.randn(20_000, 100, generator=g, dtype=D).square()
    mean, se = squares.mean(dim=1), squares.std(dim=1) / 10
    inside = ((mean - 1).abs() < 1.96 * se).double().mean()
    assert 0.92 < inside < 0.95


def test_few_folds_can_hide_the_luck_of_the_best():
    g = Generator().manual_seed(6)
    A = torch.randn(30, 30, 60, 21, generator=g, dtype=D)
    A[..., 0] = A[:, :1, :, 0]
    y = A[..., 0] + torch.randn(30, 1, 60, generator=g, dtype=D)
    w = torch.linalg.lstsq(A, y[..., None]).solution[..., 0]
    w[..., 0] -= 1
    risk = 1 + w.square().sum(dim=2)
    gap = {}
    for k in (2, 5):
        low, best = held_out(A, y, kfold(60, k)).square().mean(dim=2).min(dim=1)
        gap[k] = (risk.gather(1, best[:, None])[:, 0] - low).mean().item()
    assert gap[2] < 0 < 0.2 < gap[5]


def test_the_bates_independence_is_given_the_features(page_says):
    page_says("given the features, the score and the risk of the fit are independent")
    A, _ = tables(1, 60, 10, seed=80)
    A = A.expand(4000, -1, -1)
    noise = torch.randn(4000, 60, generator=Generator().manual_seed(1), dtype=D)
    y = A.sum(dim=2) + noise
    risk = (torch.linalg.pinv(A[0]) @ noise.T).square().sum(dim=0)
    score = held_out(A, y, kfold(60, 5)).square().mean(dim=1)
    ranks = torch.stack([score, risk]).argsort(dim=1).argsort(dim=1).double()
    assert torch.corrcoef(ranks)[0, 1].abs() < 4 / 4000**0.5
