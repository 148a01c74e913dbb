"""What the page derives by hand, by computer algebra, enumeration and simulation."""

from itertools import combinations

import pytest
import sympy as sp
import torch
from matplotlib.figure import Figure
from torch import Generator
from torch.testing import assert_close

from firstdescent.regression.figures.from_scratch import (
    draw_errors,
    draw_loop,
    draw_path,
)
from firstdescent.regression.from_scratch import synthetic_linear, train

X = sp.Matrix(3, 2, sp.symbols("x1:7"))
Y = sp.Matrix(sp.symbols("y1:4"))
W = sp.Matrix(sp.symbols("w1:3"))
B = sp.Symbol("b")
R = X * W + B * sp.ones(3, 1) - Y
A = X.row_join(sp.ones(3, 1))  # square: n = d + 1
TALL = sp.Matrix([[1, 2, 1], [0, -1, 1], [3, 1, 1], [2, 2, 1], [-1, 4, 1]])


def torch_data():
    generator = Generator().manual_seed(0)
    w = torch.tensor([2.0, -3.4], dtype=torch.float64)
    X, y = synthetic_linear(w, 4.2, 1000, 0.01, generator)
    return torch.hstack([X, X.new_ones(1000, 1)]), y, generator


def test_the_gradient_is_the_mean_of_residual_times_feature(page_says):
    page_says(
        r"L &= \frac{1}{2n} \sum_i r_i^2 \\",
        r"\frac{1}{2n} \sum_i 2\, r_i\, x_i = \frac{1}{n} X^\top r",
        r"\frac{1}{2n} \sum_i 2\, r_i = \frac{1}{n} \sum_i r_i",
    )
    loss = R.dot(R) / 6
    assert sp.expand(sp.Matrix([loss]).jacobian(W).T - X.T * R / 3) == sp.zeros(2, 1)
    assert sp.expand(sp.diff(loss, B) - sum(R) / 3) == 0


def test_the_hessian_is_the_mean_of_outer_products():
    hessian = sp.hessian(R.dot(R) / 6, [*W, B])
    assert sp.expand(hessian - A.T * A / 3) == sp.zeros(3)


def test_the_loss_over_all_pairs_splits_into_a_fit_of_the_mean_and_a_variance(
    page_says,
):
    page_says(
        r"\frac{1}{2n^2} \sum_{i,j} (\hat y_j - y_i)^2 "
        r"&= \frac{1}{2n} \sum_j (\hat y_j - \bar y)^2 \\ "
        r"&+ \frac{1}{2n} \sum_i (y_i - \bar y)^2"
    )
    y_hat, mean = sp.Matrix(sp.symbols("p1:4")), sum(Y) / 3
    pairs = sum((p - y) ** 2 for p in y_hat for y in Y) / 18
    split = (
        sum((p - mean) ** 2 for p in y_hat) / 6 + sum((y - mean) ** 2 for y in Y) / 6
    )
    assert sp.expand(pairs - split) == 0


def test_the_gradient_of_a_random_batch_is_on_average_that_of_all_rows():
    gradients = [X[i, :].T * R[i] for i in range(3)]
    batches = [sum(pair, sp.zeros(2, 1)) / 2 for pair in combinations(gradients, 2)]
    assert sp.expand(sum(batches, sp.zeros(2, 1)) / 3 - X.T * R / 3) == sp.zeros(2, 1)


def test_least_squares_passes_the_noise_on_with_covariance_inverse_of_gram(page_says):
    page_says(
        r"\hat\theta &= (A^\top A)^{-1} A^\top y = \theta + B\varepsilon",
        r"$$B\,(\sigma^2 I)\,B^\top = \sigma^2 (A^\top A)^{-1}$$",
    )
    inverse = (TALL.T * TALL).inv()
    noise, theta = sp.Matrix(sp.symbols("e1:6")), sp.Matrix([2, -3, 4])
    fit = inverse * TALL.T * (TALL * theta + noise)
    assert sp.expand(fit - theta - inverse * TALL.T * noise) == sp.zeros(3, 1)
    assert inverse * TALL.T * TALL * inverse == inverse


def test_the_best_residuals_are_the_noise_projected_and_lose_one_part_a_parameter(
    page_says,
):
    page_says(r"$-(I - P)\,\varepsilon$", r"\sigma^2 (n - d - 1)$")
    page_says(r"$\tfrac{17}{20}\,\sigma^2/2$")
    projection = TALL * (TALL.T * TALL).inv() * TALL.T
    rest = sp.eye(5) - projection
    assert rest * TALL == sp.zeros(5, 3)
    assert rest * rest == rest and rest.trace() == 5 - 3


def test_the_square_of_normal_noise_has_variance_two(page_says):
    page_says(r"standard deviation $\sqrt 2\,\sigma^2$", r"$\sqrt{2/n}$")
    e = sp.Symbol("e", real=True)
    density = sp.exp(-(e**2) / 2) / sp.sqrt(2 * sp.pi)
    assert sp.integrate((e**2 - 1) ** 2 * density, (e, -sp.oo, sp.oo)) == 2


def test_simulated_errors_have_the_variance_of_the_formula(page_says):
    page_says(r"\sigma^2\, \mathrm{tr} \left[ (A^\top A)^{-1} \right]_w")
    A, _, generator = torch_data()
    noise = 0.01 * torch.randn(1000, 4000, generator=generator, dtype=A.dtype)
    errors = torch.linalg.lstsq(A, noise, driver="gels").solution
    measured = errors[:2].square().sum(dim=0)
    formula = 1e-4 * torch.linalg.inv(A.T @ A).diag()[:2].sum()
    standard_error = measured.std() / 4000**0.5
    assert abs(measured.mean() - formula) < 4 * standard_error


def test_the_floor_is_expected_at_the_truth_and_just_below_at_the_best_fit():
    A, _, generator = torch_data()
    A = A[:30]
    noise = torch.randn(30, 20_000, generator=generator, dtype=A.dtype)
    best = torch.linalg.lstsq(A, noise, driver="gels").solution
    for residuals, expected in ((noise, 0.5), (noise - A @ best, 0.5 * 27 / 30)):
        losses = residuals.square().mean(dim=0) / 2
        assert abs(losses.mean() - expected) < 4 * losses.std() / 20_000**0.5


def test_a_constant_step_keeps_the_loop_from_resting_and_its_mean_is_nearer():
    A, y, generator = torch_data()
    best = torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]
    path = train(A[:, :2], y, 0.03, 10, 10, generator)[500:]
    strays = (path - best).norm(dim=1).square().mean().sqrt()
    assert strays > 1e-4
    assert (path.mean(dim=0) - best).norm() < strays


def test_the_picture_shows_each_shape_and_each_bug_once():
    ax = Figure().subplots()
    draw_loop(ax)
    texts = [text.get_text() for text in ax.texts]
    for label in ("X_batch (m, d)", "y_batch (m,)", "ŷ (m,)", "loss ()", *"12345"):
        assert texts.count(label) == 1


def test_the_run_ends_on_the_floor_from_near_and_far():
    A, y, generator = torch_data()
    for start in (0.0, 1000.0):
        end = train(A[:, :2], y, 0.03, 10, 5, generator, start=start)[-1]
        loss = (A @ end - y).square().mean() / 2
        # The mean of 1000 squares scatters by 4.5 %; allow four times that.
        assert abs(loss / 5e-5 - 1) < 0.18


@pytest.mark.parametrize("lr", [0.01, 0.03])
def test_at_a_small_step_each_update_shrinks_a_far_distance_by_about_one_minus_lr(lr):
    A, y, generator = torch_data()
    best = torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]
    path = train(A[:, :2], y, lr, 10, 1, generator, start=1000.0)
    distance = (path - best).norm(dim=1)
    assert abs((distance[50] / distance[0]) ** (1 / 50) - (1 - lr)) < 0.1 * lr


def test_the_drawn_path_has_a_dot_for_each_batch_and_one_for_the_start():
    A, y, generator = torch_data()
    path = train(A[:, :2], y, 0.03, 10, 3, generator)
    ax = Figure().subplots()
    draw_path(ax, lambda t: (t @ A.T - y).square().mean(-1) / 2, path)
    assert sum(len(line.get_xdata()) for line in ax.lines) == 301
    first = ax.lines[0].get_xydata()[0]
    assert_close(torch.tensor(first), path[1, [1, 0]])  # w2 to the right
    for x, y_ in ax.collections[0].get_paths()[0].vertices[:3]:
        theta = torch.hstack([torch.tensor([y_, x]), path[-1, 2]])
        height = (theta @ A.T - y).square().mean() / 2
        assert abs(height - 0.1) < 0.02  # the innermost ring, on a coarse grid


def test_the_drawn_errors_lie_on_the_formula_and_the_formula_nears_the_law():
    ax = Figure().subplots()
    draw_errors(ax, Generator().manual_seed(0))
    *points, law = ax.lines
    measured = torch.tensor([line.get_ydata()[0].item() for line in points[1::3]])
    formula = torch.tensor([line.get_ydata()[0].item() for line in points[2::3]])
    # The root mean square of 400 two-dimensional errors scatters by 2.5 %.
    assert_close(measured, formula, rtol=0.1, atol=0)
    assert_close(law.get_ydata()[-1], (2 / 3000) ** 0.5)
    assert_close(law.get_ydata()[0], 0.2**0.5)
    single = torch.tensor([line.get_ydata().tolist() for line in points[::3]])
    rms = single.square().mean(dim=1).sqrt()
    # 30 of the 400 fits: their root mean square scatters by 9 %.
    assert_close(rms, measured, rtol=0.4, atol=0, check_dtype=False)
    assert_close(formula[-1].item(), (2 / 3000) ** 0.5, rtol=0.1, atol=0)
