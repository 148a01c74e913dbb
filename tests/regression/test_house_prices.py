"""The houses and the linear model against plain Python, torch.nn and counting."""

import math
import statistics

import pytest
import torch
from torch import Generator, nn
from torch.testing import assert_close

from firstdescent.regression.house_prices import (
    fair_price,
    make_houses,
    predict,
    squared_loss,
    standardise,
)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=seeded(7), dtype=torch.float64)


def test_the_fair_price_is_the_bill_of_the_page():
    X = torch.tensor([[5.0, 3.0, 155.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert fair_price(X).tolist() == [50 + 45 + 310 + 40, 40, 67]


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_a_fair_price_of_integers_does_not_wrap_around(dtype):
    X = torch.tensor([[5, 3, 155]], dtype=dtype)
    assert fair_price(X).tolist() == [445.0]
    assert fair_price(X).dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_fair_price_keeps_the_float_type_of_the_houses(dtype):
    assert fair_price(torch.ones(2, 3, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("shape", [(3,), (4, 2), (2, 3, 3)])
def test_houses_without_three_features_have_no_fair_price(shape):
    with pytest.raises(ValueError, match=r"\(n, 3\)"):
        fair_price(torch.zeros(shape))


@pytest.mark.parametrize("n", [1, 7])
def test_houses_are_whole_rooms_and_whole_square_metres(n):
    X, y = make_houses(n, seeded())
    assert X.shape == (n, 3) and y.shape == (n,)
    assert X.dtype == y.dtype == torch.float64
    assert torch.equal(X, X.round())
    assert X[:, 0].min() >= 1 and X[:, 0].max() <= 5
    assert X[:, 1].min() >= 1 and X[:, 2].min() >= 20


def test_the_noise_has_mean_0_and_deviation_20_and_no_tie_to_the_features():
    n = 40_000
    X, y = make_houses(n, seeded())
    noise = (y - (10 * X[:, 0] + 15 * X[:, 1] + 2 * X[:, 2] + 40)) / 20
    # Five standard errors: 1 / sqrt(n) of a mean or a correlation.
    assert abs(noise.mean()) < 5 / math.sqrt(n)
    assert abs(noise.std() - 1) < 5 / math.sqrt(2 * n)
    ties = torch.corrcoef(torch.vstack([X.T, noise]))[3, :3]
    assert ties.abs().max() < 5 / math.sqrt(n)


def test_each_number_of_bedrooms_is_as_likely_and_large_houses_have_more():
    X, _ = make_houses(40_000, seeded())
    counts = X[:, 0].long().bincount()[1:]
    # 8000 of each; a count scatters by 80.
    assert (counts - 8000).abs().max() < 400
    means = torch.stack([X[X[:, 0] == k].mean(dim=0) for k in range(1, 6)])
    assert (means.diff(dim=0) > 0).all()
    # 12 sd of 25 bedrooms a house: 5 standard errors of 12 / sqrt(8000).
    assert_close(means[1:4, 2], means.new_tensor([80, 105, 130]), rtol=0, atol=0.7)


def test_one_seed_makes_one_market_and_another_seed_another():
    first, again, other = (make_houses(5, seeded(s))[1] for s in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_no_houses_are_refused():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        make_houses(0, seeded())


def test_standardising_gives_mean_0_and_deviation_1_as_the_standard_library_counts():
    X = torch.tensor([[1.0, 200.0], [2.0, 100.0], [6.0, 180.0]], dtype=torch.float64)
    Z, mean, std = standardise(X)
    for column, m, s, z in zip(X.T.tolist(), mean, std, Z.T, strict=True):
        assert m.item() == pytest.approx(statistics.fmean(column))
        assert s.item() == pytest.approx(statistics.pstdev(column))
        assert z.square().mean().item() == pytest.approx(1)
        assert z.sum().item() == pytest.approx(0, abs=1e-12)
    assert_close(Z * std + mean, X)


def test_integers_are_standardised_in_double_precision():
    Z, _, std = standardise(torch.tensor([[1], [3]]))
    assert Z.tolist() == [[-1.0], [1.0]] and std.dtype == torch.float64


@pytest.mark.parametrize("shape", [(3,), (0, 2), (2, 2, 2)])
def test_only_a_table_with_rows_can_be_standardised(shape):
    with pytest.raises(ValueError, match="expected X of shape"):
        standardise(torch.zeros(shape))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match="finite numbers"):
        standardise(torch.tensor([[1.0, 2.0], [2.0, bad]]))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_constant_column_is_refused_and_named(n):
    X = torch.stack([torch.arange(float(n)), torch.full((n,), 2.0)], dim=1)
    with pytest.raises(ValueError, match=r"columns that vary.*1\] do not"):
        standardise(X)


@pytest.mark.parametrize(("n", "dtype"), [(7, torch.float32), (7, torch.float64)])
def test_a_constant_column_is_refused_even_if_rounding_moves_it(n, dtype):
    X = torch.full((n, 1), 0.1, dtype=dtype)
    assert X.std(dim=0, correction=0) > 0
    with pytest.raises(ValueError, match="columns that vary"):
        standardise(X)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_a_deviation_that_under_or_overflows_is_refused(size):
    with pytest.raises(ValueError, match="finite std"):
        standardise(torch.tensor([[0.0], [size]], dtype=torch.float64))


@pytest.mark.parametrize(("m", "d"), [(4, 3), (1, 1), (0, 2)])
def test_a_prediction_is_the_linear_layer_of_torch(m, d):
    X, w, b = random(m, d), random(d), random(1)[0]
    assert_close(predict(X, w, b), nn.functional.linear(X, w[None], b[None])[:, 0])


def test_a_prediction_passes_gradients_to_weights_and_bias():
    w, b = random(2).requires_grad_(), random(1)[0].requires_grad_()
    assert torch.autograd.gradcheck(predict, (random(3, 2), w, b))


@pytest.mark.parametrize(
    ("X", "w", "b"),
    [
        ((4, 2), (2, 1), ()),
        ((4, 2), (3,), ()),
        ((4, 2), (2,), (1,)),
        ((4,), (), ()),
        ((2, 3, 3), (3, 3), ()),
    ],
)
def test_features_and_parameters_that_do_not_fit_are_refused(X, w, b):
    with pytest.raises(ValueError, match=r"needs w \(d,\) and b \(\)"):
        predict(torch.zeros(X), torch.zeros(w), torch.zeros(b))


def test_the_loss_is_half_the_mean_square_counted_by_hand():
    y_hat, y = torch.tensor([1.0, 5.0]), torch.tensor([3.0, 4.0])
    assert squared_loss(y_hat, y).item() == (4 + 1) / 2 / 2


@pytest.mark.parametrize("n", [1, 6])
def test_the_loss_is_half_of_mse_loss_and_differentiable(n):
    y_hat, y = random(n).requires_grad_(), torch.ones(n, dtype=torch.float64)
    assert_close(squared_loss(y_hat, y), nn.MSELoss()(y_hat, y) / 2)
    assert torch.autograd.gradcheck(squared_loss, (y_hat, y))


@pytest.mark.parametrize(
    "shapes",
    [((4,), (4, 1)), ((4, 1), (4,)), ((0,), (0,)), ((4, 3), (4, 3)), ((), ())],
)
def test_labels_of_another_shape_or_none_at_all_are_refused(shapes):
    with pytest.raises(ValueError, match="one shape"):
        squared_loss(*map(torch.zeros, shapes))


@pytest.mark.parametrize("function", [fair_price, standardise])
def test_complex_houses_are_refused(function):
    with pytest.raises(TypeError, match="real numbers"):
        function(torch.ones(2, 3, dtype=torch.complex64))
