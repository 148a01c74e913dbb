"""What the page says of torch, by computer algebra, closed forms and replay."""

import math

import pytest
import sympy as sp
import torch
from torch import Generator, nn
from torch.testing import assert_close

from firstdescent.regression.concise import load_array
from firstdescent.regression.from_scratch import data_iter, synthetic_linear
from firstdescent.regression.house_prices import make_houses, standardise

X = sp.Matrix(3, 2, sp.symbols("x1:7"))
W = sp.Matrix(sp.symbols("w1:3"))
Y = sp.Matrix(sp.symbols("y1:4"))
R = X * W - Y


def test_the_gradient_without_the_half_keeps_the_two(page_says):
    page_says(
        r"\frac{\partial}{\partial w}\, \frac{1}{B} \sum_i r_i^2 = "
        r"\frac{2}{B}\, X^\top r"
    )
    mean = sp.Matrix([R.dot(R) / 3]).jacobian(W).T
    assert sp.expand(mean - sp.Rational(2, 3) * X.T * R) == sp.zeros(2, 1)


def test_all_pairs_of_labels_differ_by_twice_the_variance(page_says):
    page_says(r"\frac{1}{n^2} \sum_{i,j} (y_i - y_j)^2")
    pairs = sum((p - q) ** 2 for p in Y for q in Y) / sp.Integer(9)
    variance = sum((p - sum(Y) / 3) ** 2 for p in Y) / sp.Integer(3)
    assert sp.expand(pairs - 2 * variance) == 0


def test_the_range_in_the_source_is_one_over_root_d(page_says):
    page_says(r"\sqrt{6 / ((1 + a^2)\, d)}", r"1/\sqrt{3d}", r"1/\sqrt 3 = 0.577")
    d = sp.Symbol("d", positive=True)
    a = sp.sqrt(5)
    assert sp.simplify(sp.sqrt(6 / ((1 + a**2) * d)) - 1 / sp.sqrt(d)) == 0
    x = sp.Symbol("x")
    edge = 1 / sp.sqrt(d)
    variance = sp.integrate(x**2 / (2 * edge), (x, -edge, edge))
    assert sp.simplify(sp.sqrt(variance) - 1 / sp.sqrt(3 * d)) == 0


@pytest.mark.parametrize("d", [1, 7, 100])
def test_linear_starts_uniform_within_one_over_root_d(d):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = nn.Linear(d, 20_000)
    for values in (layer.weight[:, 0], layer.bias):
        scaled = values.detach() * math.sqrt(d)
        assert scaled.abs().max() <= 1 + 1e-6
        # The distance to a uniform distribution function scatters as 1 / sqrt(n).
        steps = torch.linspace(-1, 1, 20_000)
        assert (scaled.sort()[0] - steps).abs().max() < 4 / math.sqrt(20_000)


def test_the_step_alone_costs_the_last_bit():
    """With SGD's own update and Linear's own product, nothing is left to differ."""
    w = torch.tensor([2.0, -3.4], dtype=torch.float64)
    features, labels = synthetic_linear(w, 4.2, 100, 0.01, Generator().manual_seed(0))
    one = [nn.Linear(2, 1, dtype=torch.float64) for _ in range(2)]
    one[0].load_state_dict(one[1].state_dict())
    optimiser = torch.optim.SGD(one[0].parameters(), lr=0.03 / 2)
    generator = Generator().manual_seed(1)
    for X_batch, y_batch in data_iter(10, features, labels[:, None], generator):
        optimiser.zero_grad()
        nn.MSELoss()(one[0](X_batch), y_batch).backward()
        optimiser.step()
        (((one[1](X_batch) - y_batch) ** 2).mean() / 2).backward()
        for param in one[1].parameters():
            with torch.no_grad():
                param.add_(param.grad, alpha=-0.03)
            param.grad = None
        assert torch.equal(one[0].weight, one[1].weight)
        assert torch.equal(one[0].bias, one[1].bias)


def test_the_loader_draws_a_seed_an_order_and_a_permutation_that_it_drops():
    loader = load_array((torch.arange(30),), 7, True, Generator().manual_seed(5))
    replay = Generator().manual_seed(5)
    for _ in range(3):
        torch.empty((), dtype=torch.int64).random_(generator=replay)
        order = torch.randperm(30, generator=replay)
        torch.randperm(30, generator=replay)
        assert torch.equal(torch.cat([rows for (rows,) in loader]), order)


def test_two_seeded_loaders_may_be_given_one_list_of_rows():
    rows = [3, 0, 2, 1]
    loader = torch.utils.data.DataLoader(range(4), 2, sampler=rows)
    assert [batch.tolist() for batch in loader] == [[3, 0], [2, 1]]


def test_k_outputs_divide_the_gradient_by_k_and_a_sum_over_them_does_not():
    generator = Generator().manual_seed(0)
    y_hat = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    y_hat.requires_grad_()
    (mean,) = torch.autograd.grad(nn.MSELoss()(y_hat, y), y_hat)
    rows = ((y_hat - y) ** 2).sum(dim=1).mean()
    (summed,) = torch.autograd.grad(rows, y_hat)
    assert_close(summed, 2 * (y_hat.detach() - y) / 6)
    assert_close(mean, 2 * (y_hat.detach() - y) / 18)


def test_huber_pulls_at_most_with_delta_and_is_half_the_square_inside():
    r = torch.tensor([-100.0, -30.0, 3.0, 29.0, 1e5], requires_grad=True)
    total = nn.HuberLoss(delta=30.0, reduction="sum")(r, torch.zeros(5))
    (slope,) = torch.autograd.grad(total, r)
    assert slope.tolist() == [-30.0, -30.0, 3.0, 29.0, 30.0]


def huber_on_houses(search, start):
    """The loss before and after LBFGS, on houses of which one price is wrong."""
    houses, prices = make_houses(200, Generator().manual_seed(0))
    prices[0] *= 1000
    Z, _, _ = standardise(houses)
    net = nn.Linear(3, 1, dtype=torch.float64)
    nn.init.constant_(net.weight, start)
    nn.init.constant_(net.bias, start)
    params = net.parameters()
    optimiser = torch.optim.LBFGS(params, max_iter=25, line_search_fn=search)

    def closure():
        optimiser.zero_grad()
        value = nn.HuberLoss(delta=30.0)(net(Z), prices[:, None])
        value.backward()
        return value

    before = closure().item()
    for _ in range(5):
        optimiser.step(closure)
    return before, closure().item()


def test_lbfgs_runs_away_on_huber_from_some_starts_without_a_line_search():
    starts = (0.1, 0.5, 0.6)
    plain = [huber_on_houses(None, start) for start in starts]
    assert any(after > before for before, after in plain)
    searched = [huber_on_houses("strong_wolfe", start)[1] for start in starts]
    assert_close(searched, [min(searched)] * len(starts), rtol=1e-6, atol=0)


def test_gradient_descent_on_these_data_needs_four_gradients():
    w = torch.tensor([2.0, -3.4], dtype=torch.float64)
    X, y = synthetic_linear(w, 4.2, 1000, 0.01, Generator().manual_seed(0))
    A = torch.hstack([X, torch.ones(1000, 1, dtype=X.dtype)])
    best = torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]
    theta, steps = torch.zeros(3, dtype=X.dtype), 0
    while not torch.allclose(theta, best, atol=1e-5):
        theta = theta - 0.5 * 2 * A.T @ (A @ theta - y) / 1000
        steps += 1
    assert steps == 4
    curvatures = torch.linalg.eigvalsh(A.T @ A / 1000)
    assert curvatures[0] > 0.9 and curvatures[-1] < 1.1


def test_huber_does_not_help_against_a_wrong_feature():
    houses, prices = make_houses(200, Generator().manual_seed(0))
    houses[0, 2] *= 100
    Z, _, std = standardise(houses)
    net = nn.Linear(3, 1, dtype=torch.float64)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    search = {"line_search_fn": "strong_wolfe", "max_iter": 200}
    optimiser = torch.optim.LBFGS(net.parameters(), **search)

    def closure():
        optimiser.zero_grad()
        value = nn.HuberLoss(delta=30.0)(net(Z), prices[:, None])
        value.backward()
        return value

    for _ in range(5):
        optimiser.step(closure)
    assert abs((net.weight[0] / std)[2].item()) < 0.1  # the truth is 2
