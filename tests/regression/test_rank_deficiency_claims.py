"""What the page says in prose and no block shows, and what its figures show."""

import pytest
import torch
from matplotlib.figure import Figure
from torch import Generator
from torch.testing import assert_close

from firstdescent.regression.figures.rank_deficiency import draw_trace, draw_valley
from firstdescent.regression.house_prices import make_houses, standardise
from firstdescent.regression.rank_deficiency import (
    min_norm,
    ridge,
    row_space_projection,
)

A = torch.tensor([[1.0, 2.0], [2.0, 4.0], [2.0, 4.0], [4.0, 8.0]]).double()
Y = torch.tensor([50.0, 110.0, 90.0, 200.0]).double()
SHORTEST = torch.tensor([10.0, 20.0]).double()
OUTSIDE = torch.tensor([[4.0, -2.0], [-2.0, 1.0]]).double() / 5  # on (2, -1)


def seeded(seed=0):
    return Generator().manual_seed(seed)


def houses(seed=0):
    """Columns in m² and rounded ft², standardised; centred prices."""
    X, price = make_houses(200, seeded(seed))
    ft2 = (10.7639 * X[:, 2]).round()
    Z, _, _ = standardise(torch.column_stack([X, ft2]))
    return X, ft2, price, Z, price - price.mean()


def test_the_inverse_stops_too():
    with pytest.raises(torch.linalg.LinAlgError, match="singular"):
        torch.linalg.inv(A.T @ A)


def test_where_cholesky_went_through_the_order_of_the_rows_decides():
    a = torch.randn(200, 20, 1, generator=seeded()).double()
    y = a + torch.randn(200, 20, 1, generator=seeded(1)).double()
    weights = []
    for order in (torch.arange(20), torch.randperm(20, generator=seeded(2))):
        pairs = torch.cat([a, 3 * a], dim=2)[:, order]
        L, info = torch.linalg.cholesky_ex(pairs.mT @ pairs)
        solved = torch.cholesky_solve(pairs.mT @ y[:, order], L)[..., 0]
        weights.append(torch.where(info[:, None] == 0, solved, torch.nan))
    both = ~(weights[0] - weights[1]).isnan().any(dim=1)
    assert both.sum() > 5
    far = (weights[0] - weights[1])[both].abs().amax(dim=1) > 0.01
    assert far.double().mean() > 0.5


def test_adding_to_the_intercept_and_taking_from_the_dummies_changes_nothing():
    marks = torch.eye(5)[torch.arange(20) % 5]
    T = torch.hstack([marks, torch.ones(20, 1)])
    null = torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, -1.0])
    assert not (T @ null).any()
    assert torch.linalg.matrix_rank(T) == 5
    dropped = row_space_projection(T[:, 1:])
    assert_close(dropped, torch.eye(5))  # each weight is estimable


@pytest.mark.parametrize("seed", range(3))
def test_the_houses_behave_so_for_other_seeds(seed):
    X, ft2, price, Z, gap = houses(seed)
    B = torch.column_stack([X, ft2, torch.ones(200)])
    exact = torch.column_stack([X, 10.7639 * X[:, 2], torch.ones(200)])
    s = torch.linalg.svdvals(exact)
    assert s[4] < 1e-14 * s[0]
    assert min_norm(exact, price, 0.0)[2].abs() > 1e6
    ranks = [int(torch.linalg.matrix_rank(B, rtol=r)) for r in (1e-14, 1e-4, 1e-3)]
    assert ranks == [5, 4, 1]
    losses = [
        (B @ min_norm(B, price, rcond) - price).square().mean() / 2
        for rcond in (None, 1e-4, 1e-3)
    ]
    assert losses[1] < 1.01 * losses[0]
    assert losses[2] > 1.3 * losses[0]
    s = torch.linalg.svdvals(Z)
    assert s[2] > 0.1 * s[0] and s[3] < 1e-3 * s[0]  # the gap
    for penalty in (0.1, 1.0):
        m2, ft = ridge(Z, gap, penalty)[2:]
        assert abs(m2 - ft) < 5 < 25 < m2


def test_no_square_foot_is_off_by_more_than_a_half():
    X, ft2, *_ = houses()
    assert (ft2 - 10.7639 * X[:, 2]).abs().max() <= 0.5


def end_of(optimiser, start, steps, loss_at):
    theta = torch.tensor(start).double().requires_grad_()
    optimiser = optimiser([theta])
    for _ in range(steps):
        optimiser.zero_grad()
        loss_at(theta).backward()
        optimiser.step()
    return theta.detach()


def full(theta):
    return (A @ theta - Y).square().mean() / 2


def rows(y, generator):
    def loss_at(theta):
        row = torch.randint(4, (1,), generator=generator)
        return (A[row] @ theta - y[row]).square().mean() / 2

    return loss_at


START = [40.0, 0.0]
END = SHORTEST + OUTSIDE @ torch.tensor(START).double()


def sgd(**options):
    return lambda params: torch.optim.SGD(params, **options)


def test_momentum_ends_at_the_same_solution():
    found = end_of(sgd(lr=0.01, momentum=0.9), START, 600, full)
    assert_close(found, END)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_keeps_what_no_row_sees_but_does_not_rest_at_a_constant_step(momentum):
    loss_at = rows(Y, seeded())
    optimiser = sgd(lr=0.002, momentum=momentum)
    ends = [end_of(optimiser, START, 400 + k, loss_at) for k in range(5)]
    for end in ends:
        assert_close(OUTSIDE @ end, OUTSIDE @ torch.tensor(START).double())
    assert (torch.stack(ends) - END).norm(dim=1).max() > 0.01


def by_rows(y, steps, lr_at):
    """Plain SGD, one row at a time, in plain numbers; the distance to END."""
    order = torch.randint(4, (steps,), generator=seeded(1)).tolist()
    table, (w1, w2) = A.tolist(), START
    for step, row in enumerate(order):
        a1, a2 = table[row]
        r = a1 * w1 + a2 * w2 - y[row]
        w1, w2 = w1 - lr_at(step) * r * a1, w2 - lr_at(step) * r * a2
    return (torch.tensor([w1, w2]).double() - END).norm().item()


def test_sgd_converges_if_every_row_can_be_met_or_if_the_step_decays():
    met = (A @ SHORTEST).tolist()
    assert by_rows(met, 2000, lambda step: 0.01) < 1e-9
    assert by_rows(Y.tolist(), 2000, lambda step: 0.01) > 0.01
    distances = [
        by_rows(Y.tolist(), steps, lambda step: 1 / (100 + 10 * step))
        for steps in (1_000, 100_000)
    ]
    assert distances[1] < 0.02 and distances[1] < distances[0]


def test_weight_decay_is_ridge_whatever_the_start(page_says):
    page_says(r"with `MSELoss`, a mean without, $\lambda = n\mu/2$")
    for start in ([0.0, 0.0], START):
        found = end_of(sgd(lr=0.01, weight_decay=5.0), start, 400, full)
        assert_close(found, ridge(A, Y, 4 * 5.0))

    def mse(theta):
        return torch.nn.functional.mse_loss(A @ theta, Y)

    found = end_of(sgd(lr=0.01, weight_decay=5.0), START, 400, mse)
    assert_close(found, ridge(A, Y, 4 * 5.0 / 2))


def test_adam_ends_where_the_diagonal_meets_the_solutions():
    found = end_of(lambda p: torch.optim.Adam(p, lr=0.5), [0.0, 0.0], 1000, full)
    assert_close(found, torch.tensor([50 / 3, 50 / 3]).double(), rtol=1e-6, atol=0)


def test_other_units_give_ridge_other_predictions_but_least_squares_none():
    X, *_, gap = houses()
    C = X - X.mean(dim=0)
    other = C * torch.tensor([1.0, 1.0, 1e-4]).double()  # the area in hectares
    assert (C @ ridge(C, gap, 10) - other @ ridge(other, gap, 10)).abs().max() > 10
    assert_close(C @ min_norm(C, gap), other @ min_norm(other, gap))


def test_the_mean_is_missed_by_the_share_that_a_penalised_intercept_loses():
    _, _, price, Z, _ = houses()
    ones = torch.column_stack([Z, torch.ones(200)])
    for rise in (0, 1000):
        target = price + rise
        error = (ones @ ridge(ones, target, 10)).mean() - target.mean()
        assert_close(error, -10 / 210 * target.mean())


def test_the_length_never_grows_with_the_penalty_but_a_single_weight_may():
    *_, Z, gap = houses()
    trace = torch.stack([ridge(Z, gap, 10.0**k) for k in range(-8, 6)])
    assert (trace.norm(dim=1).diff() < 0).all()
    assert trace[10, 0].abs() > 2 * trace[0, 0].abs()


def test_gels_stops_at_a_column_of_zeros_and_elsewhere_returns_rounding_errors():
    zeros = torch.tensor([[1.0, 0.0], [2.0, 0.0], [1.0, 0.0]]).double()
    with pytest.raises(torch.linalg.LinAlgError, match="full rank"):
        torch.linalg.lstsq(zeros, zeros[:, :1], driver="gels")
    far = 0
    for seed in range(20):
        a = torch.randn(20, 1, generator=seeded(seed)).double()
        pair = torch.hstack([a, 3 * a])
        y = a + torch.randn(20, 1, generator=seeded(100 + seed)).double()
        try:
            theta = torch.linalg.lstsq(pair, y, driver="gels").solution[:, 0]
        except torch.linalg.LinAlgError:
            continue
        far += (theta - min_norm(pair, y[:, 0])).norm() > 0.01
    assert far > 5


def test_the_figure_draws_the_solutions_the_paths_and_the_star():
    start = torch.tensor([[40.0, 0.0], [42.0, 4.0]]).double()
    long = torch.cat([start, start[-1:].expand(40, 2)])
    ax = Figure().subplots()
    draw_valley(ax, A, Y, [long], start * 0, SHORTEST)
    line, path, adam, star, met = ax.lines
    w1, w2 = torch.tensor(line.get_xydata()).T
    assert_close(w1 + 2 * w2, w1 * 0 + 50)
    assert_close(torch.tensor(path.get_xydata()), long[:25])
    assert met.get_xydata().tolist() == [[0.0, 0.0]]
    (rings,) = ax.collections
    for level, ring in zip([200, 800, 2000], rings.get_paths(), strict=True):
        corners = torch.tensor(ring.vertices[:2])
        height = (corners @ A.T - Y).square().mean(dim=1) / 2
        # contour interpolates a parabola on a coarse grid
        assert_close(height, height * 0 + level, rtol=0.05, atol=0)
    assert star.get_xydata().tolist() == [[10.0, 20.0]]
    along = torch.tensor(path.get_xydata()).diff(dim=0)[0]
    assert along @ torch.tensor([2.0, -1.0]).double() == 0  # perpendicular
    assert adam.get_linestyle() == "--"


def test_the_trace_has_a_curve_for_each_column():
    ax = Figure().subplots()
    trace = torch.tensor([[-1250.0, 1330.0], [40.0, 41.0]])
    draw_trace(ax, [1e-8, 1.0], trace)
    curves = [line.get_ydata().tolist() for line in ax.lines]
    assert curves == trace.T.tolist()
    assert ax.get_yscale() == "symlog" and ax.get_xscale() == "log"


@pytest.mark.parametrize("k", [10.7639, 1e2, 1e4, 1e9])
def test_columns_of_one_length_show_what_is_estimable_in_any_units(k):
    X, *_ = houses()
    B = torch.column_stack([X, k * X[:, 2], torch.ones(200)])
    diagonal = row_space_projection(B / B.norm(dim=0)).diag()
    assert_close(diagonal, torch.tensor([1, 1, 0.5, 0.5, 1]).double())
    plain = row_space_projection(B).diag()
    if k == 1e4:  # m² and cm²
        assert_close(plain[2:4], torch.tensor([1e-8, 1 - 1e-8]).double())
        assert round(plain[3].item(), 2) == 1


def test_the_second_pivot_is_what_the_first_column_leaves(page_says):
    page_says("$100 - 50^2 / 25 = 0$", r"$v_1 = (1, 2)/\sqrt 5$ with $s_1^2 = 125$")
    assert (A.T @ A).tolist() == [[25.0, 50.0], [50.0, 100.0]]
    assert_close(torch.linalg.svdvals(A) ** 2, torch.tensor([125.0, 0.0]).double())
    seen = A @ torch.tensor([1.0, 2.0]).double()
    assert_close(seen.square().sum() / 5, torch.tensor(125.0).double())


def test_one_more_square_metre_moves_both_columns(page_says):
    page_says(r"$w_3 + 10.76\, w_4$", r"$0.02 + 10.76 \cdot 0.19 \approx 2.1$")
    X, *_ = houses()
    B = torch.column_stack([X, 10.7639 * X[:, 2], torch.ones(200)])
    more = torch.tensor([0, 0, 1, 10.7639, 0]).double()
    assert_close(row_space_projection(B) @ more, more)


def test_the_cutoff_is_the_longer_side_times_the_spacing(page_says):
    page_says(r"$\max(n, p)\, \varepsilon$")
    for shape in ((50, 2), (2, 50)):
        wide = torch.zeros(shape).double()
        wide[0, 0], wide[1, 1] = 1, 60 * 2.0**-52
        assert min_norm(wide, wide[:, 1])[1] == 1
        wide[1, 1] = 40 * 2.0**-52
        assert min_norm(wide, wide[:, 1])[1] == 0


def test_the_least_norm_curve_is_no_longer_than_the_one_the_points_came_from(page_says):
    page_says("$1 - 2t + 3t^3$", "of the truth {14**0.5:.2f}")
    truth = torch.tensor([1.0, -2, 0, 3, 0, 0, 0, 0, 0, 0]).double()
    assert_close(truth.norm(), torch.tensor(14**0.5).double())
    powers = torch.tensor([-1.0, -0.3, 0.4, 1.0]).double()[:, None] ** torch.arange(10)
    shortest = min_norm(powers, powers @ truth)
    assert_close(powers @ shortest, powers @ truth)
    assert shortest.norm() < truth.norm()
