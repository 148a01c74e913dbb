"""firstdescent.optimisation.minibatch against answers that it did not compute."""

from itertools import product

import pytest
import torch
from torch.testing import assert_close

from firstdescent.optimisation.minibatch import (
    check_choices,
    check_rows,
    expected_run,
    gradient_noise,
    predicted_floor,
    sgd_runs,
)

NAN, INF = float("nan"), float("inf")
A = torch.tensor([[1.0, 2.0], [-1.0, 1.0], [0.5, 1.0]], dtype=torch.float64)
Y = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
START = torch.tensor([0.5, -1.0], dtype=torch.float64)
BEST = torch.linalg.lstsq(A, Y[:, None]).solution[:, 0]


def doubles(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def loss(theta, rows):
    return ((A[rows] @ theta - Y[rows]) ** 2).mean() / 2


def slope(theta, rows):
    theta = theta.detach().requires_grad_()
    return torch.autograd.grad(loss(theta, rows), theta)[0]


def excess(theta):
    return (loss(theta, [0, 1, 2]) - loss(BEST, [0, 1, 2])).item()


def after(theta, lr, steps, batch_size):
    """Every end of SGD, all batches with replacement written out."""
    ends = [theta]
    for _ in range(steps):
        batches = list(product(range(3), repeat=batch_size))
        ends = [t - lr * slope(t, list(b)) for t in ends for b in batches]
    return ends


def test_the_gradient_and_the_covariance_of_its_rows():
    each = torch.stack([slope(START, [i]) for i in range(3)])
    g, C = gradient_noise(A, Y, START)
    assert_close(g, slope(START, [0, 1, 2]))
    assert_close(C, torch.cov(each.T, correction=0))


def test_a_single_row_has_no_noise():
    _, C = gradient_noise(A[:1], Y[:1], START)
    assert C.tolist() == [[0, 0], [0, 0]]


def test_squares_of_gradients_that_overflow_are_refused():
    with pytest.raises(ValueError, match="overflow"):
        gradient_noise(1e100 * A, Y, START)
    with pytest.raises(ValueError, match="overflow"):
        gradient_noise(1e10 * A.float(), Y.float(), START.float())


@pytest.mark.parametrize(
    ("rows", "labels", "theta"),
    [
        (A[0], Y, START),
        (A, Y[:2], START),
        (A, Y[:, None], START),
        (A, Y, START[:1]),
        (A[:0], Y[:0], START),
        (A[:, :0], Y, START[:0]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(rows, labels, theta):
    for function in (check_rows, gradient_noise):
        with pytest.raises(ValueError, match=r"expected A \(n, p\), y \(n,\)"):
            function(rows, labels, theta)


@pytest.mark.parametrize("number", [NAN, INF])
def test_numbers_that_are_not_finite_are_refused(number):
    for k in range(3):
        data = [A.clone(), Y.clone(), START.clone()]
        data[k].view(-1)[1] = number
        with pytest.raises(ValueError, match="must be finite"):
            check_rows(*data)


def test_other_dtypes_are_refused():
    for data in [
        (A.long(), Y.long(), START.long()),
        (A.float(), Y, START),
        (A.cfloat(), Y.cfloat(), START.cfloat()),
        (A > 0, Y > 0, START > 0),
    ]:
        with pytest.raises(TypeError, match="one floating dtype"):
            check_rows(*data)


def test_each_run_is_that_of_torch():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(3, (5, 4, 2), generator=generator)
    lr = doubles(0.1, 0.3, 0.05, 0.2, 0.1)
    path = sgd_runs(A, Y, START, lr, rows)
    for run in range(4):
        theta = START.clone().requires_grad_()
        sgd = torch.optim.SGD([theta])
        for step in range(5):
            assert_close(path[step, run], theta.detach())
            sgd.param_groups[0]["lr"] = lr[step].item()
            sgd.zero_grad()
            loss(theta, rows[step, run]).backward()
            sgd.step()
        assert_close(path[5, run], theta.detach())


def test_no_steps_are_the_start():
    path = sgd_runs(A, Y, START, lr=doubles(), rows=torch.empty(0, 2, 1).long())
    assert_close(path, START.expand(1, 2, 2))


@pytest.mark.parametrize("lr", [[0.1, 0.0], [0.1, NAN], [0.1, INF], [0.1, -0.1]])
def test_a_step_size_that_is_not_positive_and_finite_is_refused(lr):
    with pytest.raises(ValueError, match="positive and finite"):
        sgd_runs(A, Y, START, doubles(*lr), torch.zeros(2, 1, 1).long())
    with pytest.raises(ValueError, match="positive and finite"):
        check_choices(doubles(*lr)[:, None], doubles(1), torch.float64)


def test_row_numbers_that_do_not_fit_are_refused():
    lr = doubles(0.1)
    for number in (-1, 3):
        with pytest.raises(ValueError, match="row numbers from 0 to 2"):
            sgd_runs(A, Y, START, lr, torch.full((1, 1, 1), number))
    for shape in ((1, 1), (2, 1, 1), (1, 1, 0)):
        with pytest.raises(ValueError, match=r"rows \(steps, runs, B\)"):
            sgd_runs(A, Y, START, lr, torch.zeros(shape).long())
    with pytest.raises(TypeError, match="int64"):
        sgd_runs(A, Y, START, lr, torch.zeros(1, 1, 1))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.complex128])
def test_step_sizes_that_are_not_floating_are_refused(dtype):
    lr = torch.ones(1, dtype=dtype)
    with pytest.raises(TypeError, match="floating lr"):
        sgd_runs(A, Y, START, lr, torch.zeros(1, 1, 1).long())
    with pytest.raises(TypeError, match="floating lr"):
        expected_run(A, Y, START, lr[:, None], doubles(1))


@pytest.mark.parametrize("size", [True, 1j])
def test_batch_sizes_that_are_no_numbers_of_rows_are_refused(size):
    with pytest.raises(TypeError, match="real batch_size"):
        check_choices(doubles(0.1)[:, None], torch.tensor([size]), torch.float64)


@pytest.mark.parametrize("lr", [1e60, 1e-60])
def test_a_step_size_must_be_positive_and_finite_in_the_dtype_of_the_rows(lr):
    data = A.float(), Y.float(), START.float()
    with pytest.raises(ValueError, match=r"positive and finite in torch\.float32"):
        sgd_runs(*data, doubles(lr), torch.zeros(1, 1, 1).long())
    with pytest.raises(ValueError, match=r"positive and finite in torch\.float32"):
        expected_run(*data, doubles(lr)[:, None], doubles(1))


def test_runs_keep_no_record_of_their_steps():
    start, rows = START.clone().requires_grad_(), torch.zeros(2, 1, 1).long()
    path = sgd_runs(A, Y, start, doubles(0.1, 0.1), rows)
    assert not path.requires_grad
    assert_close(path, sgd_runs(A, Y, START, doubles(0.1, 0.1), rows))


def test_a_run_that_overflows_says_so():
    with pytest.raises(FloatingPointError, match="lr is too large"):
        sgd_runs(A, Y, START, doubles(1e300).expand(3), torch.zeros(3, 1, 1).long())
    rows = torch.tensor([[[0], [1]]]).expand(3, 2, 1)
    still = torch.cat([A[:1], 0 * A[1:]])  # the second run does not move
    with pytest.raises(FloatingPointError, match="lr is too large"):
        sgd_runs(still, Y, START, doubles(1e300).expand(3), rows)


def test_the_floor_solves_the_equation_of_constant_noise():
    H, C, lr = A.T @ A / 3, doubles(2, 0.5, 0.5, 1).view(2, 2), 0.4
    eye = torch.eye(2, dtype=torch.float64)
    system = torch.kron(H, eye) + torch.kron(eye, H) - lr * torch.kron(H, H)
    M = torch.linalg.solve(system, lr / 8 * C.flatten()).view(2, 2)
    assert_close(H @ M + M @ H - lr * H @ M @ H, lr / 8 * C)
    assert predicted_floor(H, C, lr, 8) == pytest.approx((H @ M).trace().item() / 2)


def test_the_floor_exists_below_the_limit_only():
    H = torch.diag(doubles(1, 4))
    assert predicted_floor(H, H, 0.4999, 1) > 1000
    for lr in (0.5, 0.6, 0.0, -0.1, NAN):
        with pytest.raises(ValueError, match=r"0 < lr < 0\.5"):
            predicted_floor(H, H, lr, 1)
    with pytest.raises(ValueError, match="batch_size >= 1"):
        predicted_floor(H, H, 0.1, 0)


def test_the_floor_needs_two_square_matrices_and_a_minimum():
    H = torch.eye(2)
    for wrong in ((H[:1], H), (H, H[:1]), (H[0], H[0])):
        with pytest.raises(ValueError, match=r"shape \(p, p\)"):
            predicted_floor(*wrong, 0.1, 1)
    with pytest.raises(ValueError, match="positive definite"):
        predicted_floor(torch.diag(torch.tensor([1.0, 0.0])), H, 0.1, 1)
    with pytest.raises(ValueError, match="p > 0"):
        predicted_floor(H[:0, :0], H[:0, :0], 0.1, 1)


@pytest.mark.parametrize("seed", range(20))
def test_a_hessian_of_dependent_columns_has_no_floor(seed):
    rows = torch.randn(5, 2, generator=torch.Generator().manual_seed(seed)).double()
    rows = torch.column_stack([rows, rows[:, 0] + rows[:, 1]])
    with pytest.raises(ValueError, match="positive definite"):
        predicted_floor(rows.T @ rows / 5, torch.eye(3).double(), 1e-3, 1)


def test_the_floor_needs_finite_symmetric_matrices_of_one_dtype():
    H, skew = torch.eye(2), torch.tensor([[2, 1.9], [0, 2]])
    for wrong in (skew, NAN * H, INF * H):
        with pytest.raises(ValueError, match="H finite and symmetric"):
            predicted_floor(wrong, H, 0.1, 1)
        with pytest.raises(ValueError, match="C finite and symmetric"):
            predicted_floor(H, wrong, 0.1, 1)
    for data in ((H.long(), H.long()), (H, H.double()), (H.cfloat(), H.cfloat())):
        with pytest.raises(TypeError, match="one floating dtype"):
            predicted_floor(*data, 0.1, 1)


def test_a_covariance_has_no_negative_eigenvalues():
    H = torch.eye(2)
    for C in (-H, torch.diag(torch.tensor([3.0, -1.0]))):
        with pytest.raises(ValueError, match="covariance"):
            predicted_floor(H, C, 0.1, 1)
    assert predicted_floor(H, 0 * H, 0.1, 1) == 0
    for seed in range(20):  # of rank 1: the other eigenvalues round
        d = torch.randn(4, generator=torch.Generator().manual_seed(seed)).double()
        found = predicted_floor(torch.eye(4).double(), torch.outer(d, d), 0.1, 1)
        assert found == pytest.approx(0.05 / 1.9 * (d @ d).item())


@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_expectation_is_the_mean_over_all_batches_that_can_be_drawn(batch_size):
    lr = doubles(0.3).expand(4, 1)
    run = expected_run(A, Y, START, lr, doubles(batch_size))
    for steps in range(4 if batch_size == 1 else 3):
        ends = after(START, 0.3, steps, batch_size)
        mean = sum(excess(theta) for theta in ends) / len(ends)
        assert run.excess[steps].item() == pytest.approx(mean)
        H, square, noise = A.T @ A / 3, 0, 0
        for theta in ends:
            g = slope(theta, [0, 1, 2])
            each = torch.stack([slope(theta, [i]) for i in range(3)]) - g
            square += (g @ H @ g).item()
            noise += ((each @ H) * each).sum().item() / 3
        assert run.noise_scale[steps].item() == pytest.approx(noise / square)


def test_choices_stand_side_by_side_and_infinity_is_the_full_gradient():
    lr = doubles(0.3, 0.3, 0.1).expand(5, 3)
    both = expected_run(A, Y, START, lr, doubles(2, INF, INF))
    for j, size in enumerate((2, INF, INF)):
        alone = expected_run(A, Y, START, lr[:, j : j + 1], doubles(size))
        assert_close(alone.excess[:, 0], both.excess[:, j])
    theta = START
    for k in range(5):
        assert both.excess[k, 2].item() == pytest.approx(excess(theta))
        theta = theta - 0.1 * slope(theta, [0, 1, 2])


def test_a_batch_size_between_whole_numbers_takes_its_share_of_the_noise():
    lr = doubles(0.3).expand(2, 3)
    one, between, full = expected_run(A, Y, START, lr, doubles(1, 1.5, INF)).excess[1]
    assert_close(between, full + (one - full) / 1.5)


def test_columns_nearly_dependent_cost_digits_and_no_more_than_the_docstring_says():
    rows = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)).double()
    rows[:, 1] = rows[:, 0] + 1e-5 * rows[:, 1]
    labels, start = rows[:, 0] + 1, torch.ones(2).double()
    H, g = rows.T @ rows / 50, rows.T @ (rows @ start - labels) / 50
    run = expected_run(rows, labels, start, doubles(0.1).expand(2, 1), doubles(INF))
    fell = run.excess[0, 0] - run.excess[1, 0]
    exact = 0.1 * g @ g - 0.01 / 2 * g @ H @ g
    eps = torch.finfo(torch.float64).eps
    allowed = 10 * eps * torch.linalg.cond(H) * run.excess[0, 0]
    assert abs(fell - exact) < allowed < 1e-2 * run.excess[0, 0]


def test_where_squares_overflow_the_noise_scale_is_infinite():
    run = expected_run(1e60 * A, Y, START, doubles(1e-130)[:, None], doubles(1))
    assert run.excess.isfinite().all()
    assert run.noise_scale.tolist() == [[INF]]


def test_where_squares_underflow_there_is_no_noise():
    assert gradient_noise(1e-100 * A, 1e-100 * Y, START)[1].tolist() == [[0, 0], [0, 0]]


def test_float32_and_row_counts_as_integers_will_do():
    lr = torch.full((3, 1), 0.3)
    run = expected_run(A.float(), Y.float(), START.float(), lr, torch.tensor([2]))
    double = expected_run(A, Y, START, lr, torch.tensor([2]))
    assert run.excess.dtype == torch.float32
    assert_close(run.excess.double(), double.excess, rtol=1e-4, atol=1e-5)


def test_what_overflows_is_infinite_and_never_nan():
    run = expected_run(A, Y, START, torch.full((900, 1), 50.0), doubles(1))
    assert not run.excess.isnan().any() | run.noise_scale.isnan().any()
    assert run.excess[-1].item() == INF


def test_where_no_gradient_is_left_the_noise_scale_is_infinite():
    theta, labels = torch.zeros(2).double(), torch.zeros(3).double()
    run = expected_run(A, labels, theta, torch.full((2, 1), 0.1), doubles(1))
    assert run.noise_scale.tolist() == [[INF], [INF]]
    assert run.excess.tolist() == [[0], [0]]


def test_rounding_does_not_grow_over_many_steps():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(50, 4, generator=generator, dtype=torch.float64)
    rows[:, 1] = rows[:, 0] + 0.3 * rows[:, 1]
    labels = torch.randn(50, generator=generator, dtype=torch.float64)
    start, lr = 1000 * torch.ones(4, dtype=torch.float64), torch.full((3000, 1), 0.3)
    run = expected_run(rows, labels, start, lr, doubles(4))
    assert_close(run.excess[-1], run.excess[-1000], rtol=1e-6, atol=0)


def test_choices_that_do_not_fit_are_refused():
    for lr, sizes in (
        (doubles(0.1), doubles(1)),
        (torch.ones(2, 2), doubles(1)),
        (torch.ones(0, 1), doubles(1)),
        (torch.ones(1, 0), doubles()),
    ):
        with pytest.raises(ValueError, match=r"expected lr \(steps, K\)"):
            expected_run(A, Y, START, lr, sizes)
    for size in (0.99, 0, -1, NAN):
        with pytest.raises(ValueError, match="batch_size >= 1"):
            expected_run(A, Y, START, torch.ones(1, 1), doubles(size))


def test_an_expected_run_needs_independent_columns():
    with pytest.raises(torch.linalg.LinAlgError):
        expected_run(A[:, [0, 0]], Y, START, torch.ones(1, 1), doubles(1))
    with pytest.raises(ValueError, match="as many rows"):
        expected_run(A[:1], Y[:1], START, torch.ones(1, 1), doubles(1))
