"""What the page on label shift says in prose, measured."""

import pytest
import torch

from firstdescent.deep.label_shift import (
    class_means,
    confusion,
    em_shares,
    label_shares,
    mixture_se,
    nearest_shares,
    rescale,
)
from firstdescent.deep.softmax import blobs

D = torch.float64
Q = torch.tensor([0.2, 0.3, 0.5], dtype=D)
SHARES = torch.tensor([0.7, 0.2, 0.1], dtype=D)
CENTRES = torch.tensor([[0, 0], [2, 0], [1, 1.7]], dtype=D)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def exact(X, q=Q):
    """The true posteriors: the classes are normal with the same width 0.8."""
    squared = (X[..., None, :] - CENTRES).square().sum(-1)
    return (q.log() - squared / (2 * 0.8**2)).softmax(-1)


def draw(shares, worlds, n, g):
    X, y = blobs(worlds * n, shares.tolist(), g)
    return X.view(worlds, n, 2), y.view(worlds, n)


def test_a_model_that_memorised_its_rows_returns_the_counts():
    g = generator()
    X, y = blobs(200, Q.tolist(), g)
    fresh, _ = blobs(300, SHARES.tolist(), g)

    def nearest_row(rows):
        return y[torch.cdist(rows, X).argmin(1)]

    C = confusion(nearest_row(X), y, 3)
    assert torch.equal(C, torch.eye(3, dtype=D))
    hat = nearest_row(fresh)
    counts = torch.bincount(hat, minlength=3) / 300
    torch.testing.assert_close(label_shares(C, hat), counts.double())


def test_em_with_the_true_probabilities_has_no_bias_to_be_seen():
    X, _ = draw(SHARES, 200, 500, generator())
    found = em_shares(exact(X), Q)
    se = found.std(0) / 200**0.5
    assert ((found.mean(0) - SHARES).abs() < 3 * se).all()


def test_sharper_probabilities_lead_em_to_the_counts():
    X, _ = draw(SHARES, 1, 5000, generator())
    P = exact(X)[0]
    counts = torch.bincount(P.argmax(1), minlength=3) / 5000
    gap = []
    for factor in (1, 3, 30, 300):
        found = em_shares((factor * P.log()).softmax(-1), Q)
        gap.append((found - counts).norm().item())
    assert gap == sorted(gap, reverse=True)
    assert gap[-1] < 0.005 < 0.1 < gap[0]


def test_the_nearest_shares_are_never_further_from_any_shares():
    g = generator()
    raw = torch.randn(1000, 4, generator=g, dtype=D)
    truth = torch.rand(1000, 4, generator=g, dtype=D)
    truth = truth / truth.sum(1, keepdim=True)
    before, after = (raw - truth).norm(dim=1), (nearest_shares(raw) - truth).norm(dim=1)
    assert (after <= before + 1e-12).all()


def test_the_error_is_at_most_kappa_times_the_noise_of_the_counts():
    g = generator()
    for _ in range(200):
        C = torch.rand(3, 3, generator=g, dtype=D)
        C = C / C.sum(0)
        hat = torch.randint(3, (50,), generator=g)
        mu = torch.bincount(hat, minlength=3) / 50
        error = (label_shares(C, hat) - SHARES).norm()
        bound = torch.linalg.cond(C) * (mu - C @ SHARES).norm()
        assert error <= bound * (1 + 1e-9)


def test_the_standard_error_is_that_of_the_bootstrap():
    g = generator()
    X, y = blobs(1000, Q.tolist(), g)
    fresh, _ = blobs(800, SHARES.tolist(), g)
    hat, now = exact(X).argmax(1), exact(fresh).argmax(1)
    C = confusion(hat, y, 3)
    p, inverse = label_shares(C, now), torch.linalg.inv(C)
    rows = torch.randint(1000, (1000, 1000), generator=g)
    again = torch.randint(800, (1000, 800), generator=g)
    drawn = label_shares(confusion(hat[rows], y[rows], 3), now[again]).std(0)
    for j in range(3):
        se = mixture_se(inverse[j][hat], y, inverse[j][now], p)
        assert se.item() == pytest.approx(drawn[j].item(), rel=0.12)


def test_after_a_swap_of_meanings_the_corrected_classifier_is_mostly_wrong():
    X, y = blobs(1000, SHARES.tolist(), generator())
    swapped = torch.tensor([1, 0, 2])[y]
    wrong = rescale(exact(X), SHARES / Q).argmax(1)
    assert (wrong == swapped).double().mean() < 0.2


def test_any_functions_of_x_may_stand_for_the_predictions():
    g = generator()
    X, y = draw(Q, 300, 1000, g)
    fresh, _ = draw(SHARES, 300, 1000, g)
    for f in (lambda X: exact(X).sqrt(), lambda X: torch.cat([X, X[..., :1] ** 2], -1)):
        columns = [class_means(f(X)[..., i], y, 3) for i in range(3)]
        C = torch.stack(columns, -2)
        found = torch.linalg.solve(C, f(fresh).mean(-2)[..., None])[..., 0]
        middle = found.median(0).values
        torch.testing.assert_close(middle, SHARES, atol=0.03, rtol=0)


def fitted(X, y):
    """Softmax regression of each table by Newton's method, the last logit 0."""
    A = torch.cat([X, torch.ones_like(X[..., :1])], -1)
    Y = torch.nn.functional.one_hot(y, 3).to(D)
    W = A.new_zeros(*A.shape[:-2], 6)
    for _ in range(8):
        P = posterior(W, X)[..., :2]
        g = (A[..., None, :] * (P - Y[..., :2])[..., None]).sum(-3).flatten(-2)
        S = torch.diag_embed(P) - P[..., :, None] * P[..., None, :]
        H = torch.einsum("tnij,tna,tnb->tiajb", S, A, A).reshape(-1, 6, 6)
        W = W - torch.linalg.solve(H, g[..., None])[..., 0]
    return W


def posterior(W, X):
    A = torch.cat([X, torch.ones_like(X[..., :1])], -1)
    logits = A @ W.unflatten(-1, (2, 3)).mT
    return torch.cat([logits, torch.zeros_like(logits[..., :1])], -1).softmax(-1)


def test_the_check_depends_on_what_it_looks_at(page_says):
    page_says(
        "(With the first coordinate as $t$ it sees next to nothing.",
        "wrong by about six of its own standard errors on average",
    )
    g = generator(1)
    W = fitted(*draw(Q, 100, 2000, g))  # a classifier for each world
    X, y = draw(Q, 100, 1000, g)
    fresh, label = draw(SHARES, 100, 1000, g)
    moved = fresh + 0.5 * torch.stack([label == 0, label < 0], -1)
    P_old, P_new = posterior(W, X), posterior(W, moved)
    hat, now = P_old.argmax(-1), P_new.argmax(-1)
    C = confusion(hat, y, 3)
    p = label_shares(C, now)
    b = torch.linalg.inv(C)[:, 0]
    se = mixture_se(b.gather(-1, hat), y, b.gather(-1, now), p)
    assert 5.5 < ((0.7 - p[:, 0]) / se).mean() < 6.5
    alarms = {}
    pairs = {"x": (X[..., 0], moved[..., 0])}
    pairs["P"] = (P_old.amax(-1), P_new.amax(-1))
    for name, (old, new) in pairs.items():
        a = torch.linalg.solve(C.mT, class_means(old, y, 3)[..., None])[..., 0]
        r = old - a.gather(-1, hat), new - a.gather(-1, now)
        z = r[1].mean(-1) / mixture_se(r[0], y, r[1], p)
        alarms[name] = (z.abs() > 1.96).double().mean().item()
    assert alarms["x"] < 0.15 < 0.9 < alarms["P"]


def test_em_scatters_less_though_its_classifier_is_fitted_anew(page_says):
    page_says("here little more than half as much as the equations")
    g = generator(2)
    W = fitted(*draw(Q, 100, 2000, g))
    X, y = draw(Q, 100, 1000, g)
    fresh, _ = draw(SHARES, 100, 1000, g)
    C = confusion(posterior(W, X).argmax(-1), y, 3)
    P = posterior(W, fresh)
    solved, found = label_shares(C, P.argmax(-1)), em_shares(P, Q, tol=1e-4)
    assert 0.45 < (found.std(0).max() / solved.std(0).max()).item() < 0.75
    assert ((found.mean(0) - SHARES).abs() < 4 * found.std(0) / 10).all()


def test_probabilities_given_one_coordinate_are_calibrated_and_will_do(page_says):
    page_says("those given one coordinate will do, with more scatter")
    X, _ = draw(SHARES, 200, 500, generator(3))
    squared = (X[..., :1] - CENTRES[:, 0]).square()
    P = (Q.log() - squared / (2 * 0.8**2)).softmax(-1)
    assert (P - exact(X)).abs().mean() > 0.1
    one, all_of_x = em_shares(P, Q, tol=1e-5), em_shares(exact(X), Q)
    se = one.std(0) / 200**0.5
    assert ((one.mean(0) - SHARES).abs() < 4 * se).all()
    assert (one.std(0) > 1.3 * all_of_x.std(0)).all()


def test_a_few_hundred_rows_do_nearly_what_labels_do():
    g = generator(4)
    W, W_now = fitted(*draw(Q, 20, 2000, g)), fitted(*draw(SHARES, 20, 2000, g))
    X, y = draw(Q, 20, 1000, g)
    fresh, _ = draw(SHARES, 20, 300, g)
    test, label = draw(SHARES, 1, 4000, g)
    C = confusion(posterior(W, X).argmax(-1), y, 3)
    shares = nearest_shares(label_shares(C, posterior(W, fresh).argmax(-1)))
    P = rescale(posterior(W, test), shares / Q)
    right = [
        (v.argmax(-1) == label).double().mean(-1) for v in (P, posterior(W_now, test))
    ]
    before = (posterior(W, test).argmax(-1) == label).double().mean(-1).median()
    mended, bought = (v.median() for v in right)
    assert bought - mended < 0.01 < 0.05 < mended - before
