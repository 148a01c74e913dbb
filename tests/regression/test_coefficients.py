"""Coefficients and their errors against torch, SymPy's mpmath, tables and counting."""

import math

import mpmath
import pytest
import torch
from torch import Generator
from torch.distributions import StudentT
from torch.linalg import LinAlgError
from torch.testing import assert_close

from firstdescent.regression.coefficients import (
    coef_table,
    fit_matrix,
    t_quantile,
    vif,
    with_ones,
)
from firstdescent.regression.house_prices import make_houses

D = torch.float64
LINE = torch.tensor([[0.0, 1], [1, 1], [2, 1], [3, 1]], dtype=D)  # x and ones


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def random_table(n: int, d: int, seed: int = 0):
    A = torch.randn(n, d, generator=seeded(seed), dtype=D)
    A[:, -1] = 1
    return A, torch.randn(n, generator=seeded(seed + 1), dtype=D)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (2, 3, 4), (0, 2)])
def test_the_column_of_ones_comes_last(shape):
    X = torch.full(shape, 7.0, dtype=D)
    A = with_ones(X)
    assert A.shape == (*shape[:-1], shape[-1] + 1)
    assert (A[..., :-1] == 7).all() and (A[..., -1] == 1).all()


@pytest.mark.parametrize("shape", [(), (3,)])
def test_ones_need_a_table(shape):
    with pytest.raises(ValueError, match="X must be"):
        with_ones(torch.zeros(shape))


@pytest.mark.parametrize(("n", "p"), [(2, 1), (5, 4), (30, 3)])
def test_the_fit_matrix_is_the_pseudoinverse_of_torch(n, p):
    A, _ = random_table(n, p)
    assert_close(fit_matrix(A), torch.linalg.pinv(A))


def test_a_batch_of_tables_is_fitted_table_by_table():
    A = torch.stack([random_table(6, 3, seed)[0] for seed in range(4)])
    y = torch.stack([random_table(6, 3, seed)[1] for seed in range(4)])
    for batch, one in zip(coef_table(A, y), range(3), strict=False):
        single = torch.stack([coef_table(a, b)[one] for a, b in zip(A, y, strict=True)])
        assert_close(batch, single)
    # One A serves many y.
    assert_close(coef_table(A[0], y).estimate[0], coef_table(A[0], y[0]).estimate)


@pytest.mark.parametrize(
    ("A", "message"),
    [
        (torch.ones(3), "more rows"),
        (torch.eye(3), "more rows"),
        (torch.ones(2, 3), "more rows"),
        (torch.full((3, 1), math.nan), "finite"),
        (torch.tensor([[1.0], [math.inf]]), "finite"),
    ],
)
def test_a_table_that_cannot_be_fitted_is_refused(A, message):
    with pytest.raises(ValueError, match=message):
        fit_matrix(A)


@pytest.mark.parametrize(
    "A",
    [
        torch.zeros(3, 1),
        torch.ones(5, 2),
        torch.stack([LINE, LINE[:, [0, 0]]]),
        torch.cat([LINE, LINE.sum(dim=1, keepdim=True)], dim=1)[:, :3],
    ],
)
def test_dependent_columns_are_refused(A):
    with pytest.raises(LinAlgError, match="dependent columns"):
        fit_matrix(A)


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize("n", [6, 40, 3000, 150_000])
def test_a_column_that_repeats_others_is_refused_at_any_size(n, dtype):
    A = with_ones(make_houses(n, seeded())[0]).to(dtype)
    feet, total = A[:, 2:3] * 10.764, A[:, :3].sum(dim=1, keepdim=True)
    for extra in (feet, total, feet - 3 * total + 7):
        with pytest.raises(LinAlgError, match="dependent columns"):
            fit_matrix(torch.cat([A, extra], dim=1))
        with pytest.raises(LinAlgError, match="dependent columns"):
            fit_matrix(torch.cat([extra, A], dim=1))


def test_many_good_houses_are_fitted_in_single_precision_too():
    X, y = make_houses(150_000, seeded())
    fit = coef_table(with_ones(X.float()), y.float())
    double = coef_table(with_ones(X), y)
    # Far nearer to the fit in double precision than the fit is to the truth.
    assert ((fit.estimate - double.estimate).abs() < 0.1 * double.se).all()
    assert_close(fit.se.double(), double.se, rtol=1e-2, atol=0)


@pytest.mark.parametrize("function", [with_ones, vif])
def test_integers_are_counted_in_double_precision(function):
    X = torch.tensor([[1, 5], [2, 4], [3, 7], [5, 1]])
    assert function(X).dtype == D
    assert_close(function(X), function(X.double()))


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units_do_not_make_columns_dependent(scale):
    A, y = random_table(10, 3)
    scaled = A * A.new_tensor([scale, 1, 1])
    assert_close(
        coef_table(scaled, y).estimate[0] * scale, coef_table(A, y).estimate[0]
    )


def test_a_line_through_four_points_by_hand():
    # x = 0..3, y = 0, 1, 3, 2: slope 4/5, constant 3/10, residuals -3, -1, 11, -7
    # tenths, RSS 9/5, df 2; the s.e. of the slope is sqrt(RSS / df / 5).
    fit = coef_table(LINE, torch.tensor([0.0, 1, 3, 2], dtype=D))
    assert_close(fit.estimate, torch.tensor([0.8, 0.3], dtype=D))
    assert fit.df == 2
    assert_close(fit.sigma.item(), math.sqrt(0.9))
    assert_close(fit.se[0].item(), math.sqrt(0.9 / 5))
    assert_close(fit.se[1].item(), math.sqrt(0.9 * (1 / 4 + 1.5**2 / 5)))


def test_the_estimate_is_that_of_torch_and_the_errors_those_of_the_inverse():
    A, y = random_table(12, 4)
    fit = coef_table(A, y)
    best = torch.linalg.lstsq(A, y[:, None], driver="gels")
    assert_close(fit.estimate, best.solution[:, 0])
    assert_close(fit.sigma**2, ((y - A @ best.solution[:, 0]) ** 2).sum() / 8)
    assert_close(fit.se, fit.sigma * torch.linalg.inv(A.T @ A).diag().sqrt())


@pytest.mark.parametrize(
    ("A", "y", "message"),
    [
        (LINE, torch.zeros(3, dtype=D), "needs finite y"),
        (LINE, torch.zeros(4, 1, dtype=D), "needs finite y"),
        (LINE[:, 0], torch.zeros(4, dtype=D), "needs finite y"),
        (LINE, torch.full((4,), math.nan, dtype=D), "needs finite y"),
        (LINE, torch.full((4,), -math.inf, dtype=D), "needs finite y"),
        (LINE, torch.zeros(4), "float64 and y .*float32"),
        (LINE, torch.zeros(4, dtype=torch.int64), "needs finite y"),
        (LINE[:2], torch.zeros(2, dtype=D), "more rows"),
    ],
)
def test_prices_that_do_not_fit_the_table_are_refused(A, y, message):
    with pytest.raises(ValueError, match=message):
        coef_table(A, y)


@pytest.mark.parametrize(
    ("df", "table"),  # as printed in tables of Student's t, 2.5 % above
    [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (16, 2.120), (100, 1.984)],
)
def test_the_quantiles_are_those_of_the_printed_tables(df, table):
    assert round(t_quantile(0.975, df), 3) == table


@pytest.mark.parametrize("p", [1e-4, 0.2, 0.5, 0.9, 0.995, 0.9999])
@pytest.mark.parametrize("df", [1, 2, 3, 16, 40, 2000, 10**7])
def test_the_chance_below_the_quantile_is_p(p, df):
    t = t_quantile(p, df)
    above = mpmath.betainc(df / 2, 0.5, 0, df / (df + t * t), regularized=True) / 2
    # The incomplete beta function gives Student's tail.
    assert abs(float(above) - min(p, 1 - p)) < 1e-8
    assert math.copysign(1, t) == (1 if p >= 0.5 else -1)


def test_the_area_under_torchs_density_up_to_the_quantile_is_p():
    x = torch.linspace(-300, t_quantile(0.9, 3), 400_001, dtype=D)
    density = StudentT(torch.tensor(3.0, dtype=D)).log_prob(x).exp()
    assert abs(torch.trapezoid(density, x) - 0.9) < 1e-6


def test_for_many_degrees_of_freedom_the_quantile_is_the_normal_one():
    normal = torch.special.ndtri(torch.tensor(0.975, dtype=D)).item()
    assert abs(t_quantile(0.975, 10**9) - normal) < 1e-7


@pytest.mark.parametrize(
    ("p", "df"),
    [
        (0, 3),
        (0.99e-4, 3),
        (1 - 0.99e-4, 3),
        (1, 3),
        (math.nan, 3),
        (0.9, 0),
        (0.9, 0.9),
        (0.9, 1.5),
        (0.9, 10**9 + 1),
        (0.9, math.inf),
        (0.9, math.nan),
    ],
)
def test_an_impossible_quantile_is_refused(p, df):
    with pytest.raises(ValueError, match="expected p in"):
        t_quantile(p, df)


@pytest.mark.parametrize("d", [1, 2, 4])
def test_vif_is_the_diagonal_of_the_inverse_correlations(d):
    X = torch.randn(30, d, generator=seeded(), dtype=D)
    X = X + 2 * X[:, :1] + 5
    correlations = torch.corrcoef(X.T).reshape(d, d)
    assert_close(vif(X), torch.linalg.inv(correlations).diag())


def test_vif_ignores_units_and_is_one_without_correlation():
    X = torch.cartesian_prod(torch.arange(3.0), torch.arange(4.0)).double()
    assert_close(vif(X), torch.ones(2, dtype=D))
    Y = torch.randn(9, 3, generator=seeded(), dtype=D)
    assert_close(vif(Y), vif(Y * Y.new_tensor([1e-3, 1, 1e3]) + 7))
    # Without correlation, rounding alone would give some a little less than 1.
    for k in range(2, 9):
        grid = torch.cartesian_prod(torch.arange(k), torch.arange(7)).float()
        assert (vif(grid / 3) >= 1).all()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (torch.zeros(4), "X must be"),
        (torch.zeros(2, 4, 2), "X must be"),
        (torch.zeros(2, 2), "more rows"),
        (torch.zeros(0, 2), "n > 0"),
    ],
)
def test_vif_refuses_what_has_no_variance_inflation(X, message):
    with pytest.raises(ValueError, match=message):
        vif(X)


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize("n", [40, 20_000])
def test_columns_that_depend_jointly_are_refused(n, dtype):
    for seed in range(20 if n == 40 else 3):
        generator = seeded(seed)
        a, b = torch.randn(2, n, generator=generator, dtype=dtype)
        year = torch.randint(1950, 2026, (n,), generator=generator).to(dtype)
        for columns in (
            [a, a + 2**-10 * b, 2**-10 * b],
            [torch.ones_like(a), year, 2026 - year],
        ):
            with pytest.raises(LinAlgError, match="dependent columns"):
                fit_matrix(torch.stack(columns, dim=1))


@pytest.mark.parametrize("dtype", [torch.int64, torch.float16, torch.complex64])
def test_only_single_and_double_precision_are_fitted(dtype):
    with pytest.raises(TypeError, match="float32 or float64"):
        fit_matrix(torch.ones(3, 1, dtype=dtype))


def test_complex_features_are_refused():
    for function in (with_ones, vif):
        with pytest.raises(TypeError, match="real numbers"):
            function(torch.ones(3, 1, dtype=torch.complex64))


@pytest.mark.parametrize("dtype", [torch.float32, D])
@pytest.mark.parametrize(("parts", "accepted"), [(128, True), (64, False)])
def test_the_cutoff_is_ten_root_n_roundings_of_a_columns_length(dtype, parts, accepted):
    # 64 rows: the cutoff is 80 eps; the second column leaves `parts` eps of the first.
    sign = torch.tensor([1.0, -1.0], dtype=dtype).repeat(32)
    A = torch.stack([torch.ones_like(sign), 1 + parts * torch.finfo(dtype).eps * sign])
    if accepted:
        assert fit_matrix(A.T).isfinite().all()
    else:
        with pytest.raises(LinAlgError, match="dependent columns"):
            fit_matrix(A.T)


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_columns_whose_squares_overflow_or_vanish_are_fitted(size):
    A, y = random_table(12, 3)
    scaled = A * A.new_tensor([size, 1, 1])
    table, plain = coef_table(scaled, y), coef_table(A, y)
    assert_close(table.estimate[0] * size, plain.estimate[0])
    assert_close(table.se[0] * size, plain.se[0])
    with pytest.raises(ValueError, match="overflow"):
        coef_table(A, y * 1e200)


def test_a_constant_feature_has_no_variance_inflation():
    for column in (1.0, 0.0):
        X = torch.stack([LINE[:, 0], torch.full((4,), column, dtype=D)], dim=1)
        with pytest.raises(LinAlgError, match="dependent columns"):
            vif(X)


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_vif_takes_units_whose_squares_overflow_or_vanish(size):
    X = torch.randn(9, 2, generator=seeded(), dtype=D)
    assert_close(vif(X * X.new_tensor([size, 1])), vif(X))
