"""What the page newton_in_practice says of PyTorch's optimisers, outside its blocks."""

import inspect

import pytest
import torch
from torch.nn.functional import softplus
from torch.optim import LBFGS, lbfgs

from firstdescent.optimisation.learning_rate import heavy_ball
from firstdescent.optimisation.newton_in_practice import newton_cg


def problem(n=1000, d=100):
    options = {"generator": torch.Generator().manual_seed(0), "dtype": torch.float64}
    scale = torch.logspace(-1, 1, d, dtype=torch.float64)
    X = torch.randn(n, d, **options) * scale / d**0.5
    odds = torch.sigmoid(X @ (torch.randn(d, **options) / scale))
    label = (torch.rand(n, **options) < odds).double()

    def loss(w):
        z = X @ w
        return (softplus(z) - label * z).mean() + 5e-6 * w @ w

    return loss, X, label


def patched():
    """LBFGS with its threshold for storing a pair set to 0, and nothing else."""
    source = inspect.getsource(lbfgs)
    assert source.count("if ys > 1e-10:") == 1
    names = {"__name__": "torch.optim.patched", "__package__": "torch.optim"}
    exec(source.replace("if ys > 1e-10:", "if ys > 0:"), names)
    return names["LBFGS"]


def run(optimiser, loss, d=100, most=1200):
    w, values = torch.zeros(d, dtype=torch.float64, requires_grad=True), []
    o = optimiser(
        [w],
        max_iter=most,
        max_eval=most,
        tolerance_grad=1e-8,
        tolerance_change=0,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def closure():
        o.zero_grad()
        value = loss(w)
        value.backward()
        values.append(value.item())
        return value

    o.step(closure)
    return w.detach(), values, w.grad.abs().max().item()


def evaluations(optimiser, loss):
    _, values, slope = run(optimiser, loss)
    return len(values), slope


def test_it_is_the_threshold_for_pairs_that_makes_lbfgs_crawl():
    count, slope = evaluations(patched(), problem()[0])
    assert count < 700
    assert slope <= 1e-8
    count, slope = evaluations(LBFGS, problem()[0])
    assert count >= 1200
    assert slope > 1e-8


def test_the_defaults_of_lbfgs_are_those_the_page_names():
    defaults = LBFGS([torch.zeros(1, requires_grad=True)]).defaults
    assert (defaults["max_iter"], defaults["tolerance_change"]) == (20, 1e-9)
    assert defaults["line_search_fn"] is None


@pytest.mark.parametrize("unit", [1.0, 1024.0])
def test_newton_follows_the_unit_of_a_weight_and_adam_keeps_its_size(unit):
    def loss(z):  # z is w in another unit
        return ((unit * z - 3) ** 2).sum() + (unit * z - 3).sum()

    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([z], lr=0.01)
    loss(z).backward()
    adam.step()
    torch.testing.assert_close(z.item(), 0.01)
    end = newton_cg(loss, torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(unit * end.w.item(), 2.5)


def test_adam_keeps_its_size_only_while_gradients_are_above_its_eps():
    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([z], lr=0.01)
    (1e-9 * z).sum().backward()
    adam.step()
    torch.testing.assert_close(z.item(), -0.01 / 11)  # g / (|g| + eps)


def test_with_600_columns_lbfgs_arrives_before_one_newton_step(page_says):
    page_says(r"With 3000 rows and $d = 600$")
    n, d = 3000, 600
    loss, X, label = problem(n, d)
    w, path = torch.zeros(d, dtype=torch.float64), []
    for _ in range(5):  # full steps fall here: no line search is needed
        p = torch.sigmoid(X @ w)
        g = X.T @ (p - label) / n + 1e-5 * w
        H = (X.T * (p * (1 - p))) @ X / n + 1e-5 * torch.eye(d)
        w = w - torch.linalg.solve(H, g)
        path.append(loss(w).item())
    assert path == sorted(path, reverse=True)
    assert [height - path[-1] > 1e-8 for height in path[:4]] == [True] * 3 + [False]
    values = run(LBFGS, lambda w: 1024 * loss(w), d, most=500)[1]
    first = next(k for k, v in enumerate(values) if v / 1024 - path[-1] < 1e-8)
    assert 2 * first + 2 < 0.9 * (d + d**2 / (3 * n))


def test_a_rotation_keeps_the_runs_and_makes_standardising_useless(page_says):
    page_says(r"standardising leaves $\kappa$ above 1000")
    loss, X, label = problem()
    options = {"generator": torch.Generator().manual_seed(1), "dtype": torch.float64}
    Q = torch.linalg.qr(torch.randn(100, 100, **options))[0]
    zero = torch.zeros(100, dtype=torch.float64)

    def turned(w):
        return loss(Q @ w)  # the loss of the rows X Q

    torch.testing.assert_close(turned(Q.T @ X[0]), loss(X[0]))
    one, two = (newton_cg(f, zero, steps=3) for f in (loss, turned))
    torch.testing.assert_close(one.losses, two.losses, rtol=1e-6, atol=0)
    one, two = (heavy_ball(f, zero, 0.1, 50, 0.8)[-1] for f in (loss, turned))
    torch.testing.assert_close(one, Q @ two)
    one, two = (run(LBFGS, f, most=12)[1] for f in (loss, turned))
    torch.testing.assert_close(one, two, rtol=1e-6, atol=0)

    def kappa(X):  # at the minimum, 12 Newton steps from 0
        w = zero
        for _ in range(12):
            p = torch.sigmoid(X @ w)
            g = X.T @ (p - label) / len(X) + 1e-5 * w
            H = (X.T * (p * (1 - p))) @ X / len(X) + 1e-5 * torch.eye(100)
            w = w - torch.linalg.solve(H, g)
        assert g.norm() < 1e-12
        curves = torch.linalg.eigvalsh(H)
        return (curves[-1] / curves[0]).item()

    mixed = X @ Q
    assert 3 < kappa(X / X.std(dim=0)) < 5
    assert kappa(mixed / mixed.std(dim=0)) > 1000


def test_gradient_descent_manages_the_players_as_well():
    generator = torch.Generator().manual_seed(0)
    i, j = torch.randint(2000, (2, 6000), generator=generator)
    winner, loser = i[i != j], j[i != j]
    assert torch.bincount(torch.cat([winner, loser])).max() <= 19

    def loss(w):
        return softplus(w[loser] - w[winner]).sum() + w @ w / 2

    H = torch.func.jacrev(torch.func.grad(loss))(torch.zeros(2000).double())
    curves = torch.linalg.eigvalsh(H)
    assert curves[0] > 1 - 1e-9
    assert curves[-1] <= 1 + 19 / 2
    w = heavy_ball(loss, torch.zeros(2000).double(), 1 / 4, 60)[-1]
    assert torch.func.grad(loss)(w).norm() < 1e-4


def test_a_step_of_strong_wolfe_makes_a_pair_with_positive_product(monkeypatch):
    def wavy(w):  # not convex
        return (1 - torch.cos(w)).sum() + w @ w / 50

    found, search = [], lbfgs._strong_wolfe

    def spied(obj, x, t, d, f, g, gtd, **options):
        f_new, g_new, t, count = search(obj, x, t, d, f, g, gtd, **options)
        found.append((t * d @ (g_new - g)).item())
        return f_new, g_new, t, count

    monkeypatch.setattr(lbfgs, "_strong_wolfe", spied)
    w = torch.linspace(-9, 8, 6, dtype=torch.float64).requires_grad_()
    o = LBFGS([w], max_iter=12, line_search_fn="strong_wolfe")

    def closure():
        o.zero_grad()
        value = wavy(w)
        value.backward()
        return value

    o.step(closure)
    assert len(found) >= 5
    assert min(found) > 0


def excess_of_sgd(h, c, rows):
    """The mean excess loss per direction: exact second moments of Gaussian rows."""
    square = [1.0] * len(h)  # of each error
    for k in range(rows):
        lr = c / (k + 4 * c)
        total = 1 + sum(a * e for a, e in zip(h, square, strict=True))
        square = [
            e * (1 - lr * a) ** 2 + lr**2 * a * (a * e + total)
            for a, e in zip(h, square, strict=True)
        ]
    return [a * e / 2 for a, e in zip(h, square, strict=True)]


def test_no_constant_in_the_lr_of_sgd_suits_two_curvatures_far_apart():
    rows = 20_000
    least_squares = 1 / (2 * rows)  # in each direction
    for c in (1, 10, 50, 100, 200):
        assert max(excess_of_sgd([1.0, 0.01], c, rows)) > 10 * least_squares
    assert max(excess_of_sgd([1.0, 1.0], 1, rows)) < 1.1 * least_squares
