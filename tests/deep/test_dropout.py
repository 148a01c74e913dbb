"""firstdescent.deep.dropout against PyTorch, enumeration and simulation."""

import math
from fractions import Fraction
from itertools import product

import pytest
import torch
from torch import nn

from firstdescent.deep.dropout import check_rate, dropout, dropout_ridge, mc_dropout

D = torch.float64


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def table(n=40, seed=1):
    X = torch.randn(n, 3, generator=generator(seed), dtype=D)
    X = X * torch.tensor([1.0, 5.0, 0.2], dtype=D)
    noise = torch.randn(n, generator=generator(seed + 1), dtype=D)
    return X, X @ torch.tensor([1.0, -0.5, 2.0], dtype=D) + noise


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_unit_is_dropped_with_probability_p_and_else_divided_by_1_minus_p(p):
    x = torch.full((200_000,), 3.0, dtype=D)
    out = dropout(x, p, True, generator())
    kept = out[out != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 3 / (1 - p)))
    share = 1 - len(kept) / len(x)
    assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / len(x))


def test_coins_of_neighbours_and_of_rows_are_independent():
    kept = (dropout(torch.ones(50_000, 3), 0.5, True, generator()) != 0).double()
    cov = torch.cov(kept.T)
    torch.testing.assert_close(
        cov, torch.eye(3, dtype=D) / 4, atol=5 * 0.25 / math.sqrt(50_000), rtol=0
    )
    rows = torch.stack([kept[:-1, 0], kept[1:, 0]])
    assert abs(torch.cov(rows)[0, 1]) < 5 * 0.25 / math.sqrt(50_000)


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_in_evaluation_x_comes_back_itself(p):
    x = torch.randn(4, generator=generator())
    assert dropout(x, p, False) is x


def test_both_edges_agree_with_torch_and_p_1_has_gradient_0():
    for p in (0.0, 1.0):
        x = torch.tensor([1.0, -2.0], requires_grad=True)
        ours, theirs = dropout(x, p, True), nn.functional.dropout(x, p)
        assert torch.equal(ours, theirs)
        (slope,) = torch.autograd.grad(ours.sum(), x)
        assert slope.tolist() == [1 - p, 1 - p]


def test_the_gradient_passes_kept_units_only_scaled_like_them():
    x = torch.ones(1000, dtype=D, requires_grad=True)
    out = dropout(x, 0.25, True, generator())
    (slope,) = torch.autograd.grad(out.sum(), x)
    assert torch.equal(slope, out.detach())  # since x is 1


def test_a_dropped_inf_is_0_and_a_seed_repeats_the_mask():
    x = torch.full((100,), torch.inf)
    out = dropout(x, 0.5, True, generator())
    assert set(out.tolist()) == {0.0, torch.inf}
    assert torch.equal(out, dropout(x, 0.5, True, generator()))
    assert dropout(torch.ones(0, 3), 0.5, True).shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, D])
def test_dtype_and_shape_are_kept(dtype):
    out = dropout(torch.ones(2, 3, 4, dtype=dtype), 0.5, True, generator())
    assert out.dtype == dtype
    assert out.shape == (2, 3, 4)
    assert set(out.unique().tolist()) == {0.0, 2.0}


def test_a_fraction_is_a_rate_like_any_other():
    x, half = torch.ones(50, dtype=D), Fraction(1, 2)
    ours = dropout(x, half, True, generator())
    assert torch.equal(ours, dropout(x, 0.5, True, generator()))
    X, y = table()
    assert torch.equal(dropout_ridge(X, y, half), dropout_ridge(X, y, 0.5))


def test_torch_makes_a_dropped_inf_nan_and_a_half_can_overflow():
    torch.manual_seed(0)
    theirs = nn.functional.dropout(torch.full((100,), torch.inf), 0.5)
    assert theirs.isnan().any()
    x = torch.full((10_000,), 100.0, dtype=torch.float16)
    assert dropout(x, 0.999, True, generator()).isinf().any()


def test_bad_arguments_of_dropout_are_refused():
    x = torch.ones(2)
    for p in (-1e-9, 1 + 1e-9, math.nan, math.inf):
        with pytest.raises(ValueError, match="0 <= p <= 1"):
            dropout(x, p, True)
    for p in (True, "0.5", None, 1j):
        with pytest.raises(TypeError, match="number for the rate"):
            check_rate(p)
    for bad in (torch.ones(2, dtype=torch.long), x.bool(), x.to(torch.complex64)):
        with pytest.raises(TypeError, match="floating-point"):
            dropout(bad, 0.5, True)
    with pytest.raises(TypeError, match="True or False"):
        dropout(x, 0.5, 0.5)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.95])
def test_dropout_ridge_fits_all_masks_at_once(p):
    X, y = table()
    rows, labels = [], []
    for mask in product((0.0, 1.0), repeat=3):  # every row meets every mask
        kept = sum(mask)
        root = math.sqrt((1 - p) ** kept * p ** (3 - kept))
        rows.append(root * X * torch.tensor(mask, dtype=D) / (1 - p))
        labels.append(root * y)
    A, b = torch.cat(rows), torch.cat(labels)
    expected = torch.linalg.lstsq(A, b[:, None]).solution[:, 0]
    torch.testing.assert_close(dropout_ridge(X, y, p), expected)


def test_dropout_ridge_at_0_is_least_squares_and_units_do_not_matter():
    X, y = table()
    least = torch.linalg.lstsq(X, y[:, None]).solution[:, 0]
    torch.testing.assert_close(dropout_ridge(X, y, 0), least)
    units = torch.tensor([1e-200, 1e200, 7.0], dtype=D)  # squares out of range
    torch.testing.assert_close(
        dropout_ridge(X * units, y, 0.5) * units, dropout_ridge(X, y, 0.5)
    )


def test_edges_of_dropout_ridge():
    one = torch.tensor([[2.0]], dtype=D)
    w = dropout_ridge(one, torch.tensor([6.0], dtype=D), 0.25)
    torch.testing.assert_close(w, torch.tensor([3 * 0.75], dtype=D))
    X, y = table()
    X[:, 1] = 0
    assert dropout_ridge(X, y, 0.5)[1] == 0
    twice = torch.cat([X[:, :1], X[:, :1]], dim=1)
    w = dropout_ridge(twice, y, 0.5)
    torch.testing.assert_close(w[0], w[1])
    big, labels = table(100_000)
    w32 = dropout_ridge(big.float(), labels.float(), 0.3).double()
    torch.testing.assert_close(w32, dropout_ridge(big, labels, 0.3), rtol=1e-4, atol=0)


def test_bad_arguments_of_dropout_ridge_are_refused():
    X, y = table(5)
    for bad in (X[0], X[:0], X[:, :0], X[None]):
        with pytest.raises(ValueError, match="expected X"):
            dropout_ridge(bad, y, 0.5)
    with pytest.raises(ValueError, match="rate p < 1"):
        dropout_ridge(X, y, 1)
    for p in (-0.1, 1.1):
        with pytest.raises(ValueError, match="0 <= p <= 1"):
            dropout_ridge(X, y, p)
    with pytest.raises(ValueError, match="independent columns"):
        dropout_ridge(torch.cat([X, X], dim=1), y, 0.0)
    with pytest.raises(ValueError, match="needs a finite y"):
        dropout_ridge(X, y[:3], 0.5)
    for value in (torch.nan, torch.inf):
        broken = X.clone()
        broken[0, 0] = value
        with pytest.raises(ValueError, match="finite"):
            dropout_ridge(broken, y, 0.5)
    with pytest.raises(TypeError, match="share a dtype"):
        dropout_ridge(X, y.float(), 0.5)
    for cast in (torch.long, torch.float16, torch.complex128):
        with pytest.raises(TypeError, match="float32 or float64"):
            dropout_ridge(X.to(cast), y.to(cast), 0.5)
    with pytest.raises(ValueError, match="overflows"):
        dropout_ridge(X * 1e-300, y * 1e100, 0.5)


class Batched(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(3), nn.Dropout(0.5)

    def forward(self, x):
        if self.norm.training or not self.drop.training:
            raise RuntimeError("wrong modes")
        return self.drop(self.norm(x))


def test_mc_dropout_switches_on_dropout_only_and_puts_the_modes_back():
    torch.manual_seed(0)
    net = Batched()
    net.norm.eval()
    before = [part.training for part in net.modules()]
    mean, sd = mc_dropout(net, torch.ones(2, 3), 4000)
    assert [part.training for part in net.modules()] == before
    assert not mean.requires_grad
    # Batch normalisation with fresh statistics divides by sqrt(1 + eps).
    torch.testing.assert_close(mean, torch.ones(2, 3), atol=0.08, rtol=0)
    torch.testing.assert_close(sd, torch.ones(2, 3), atol=0.01, rtol=0)


def test_the_spread_of_two_passes_divides_by_one():
    """Two outputs a and b: the squared spread is (a - b)^2 / 2, 2 or 0 here."""
    torch.manual_seed(0)
    _, sd = mc_dropout(nn.Dropout(0.5), torch.ones(1000), 2)
    assert {round(v, 6) for v in sd.tolist()} == {0.0, round(math.sqrt(2), 6)}


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.p = 0.5

    def forward(self, x):
        return nn.functional.dropout(x, self.p, self.training)


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 8, num_layers=2, dropout=0.5)

    def forward(self, x):
        return self.lstm(x)[0]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.5)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Dropout(0.5),
        lambda: nn.Dropout1d(0.5),
        lambda: nn.Dropout2d(0.5),
        lambda: nn.Dropout3d(0.5),
        lambda: nn.AlphaDropout(0.5),
        lambda: nn.FeatureAlphaDropout(0.5),
        lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True),
        Functional,
        Lstm,
        Attention,
    ],
)
def test_dropout_of_every_kind_is_switched_on(make):
    torch.manual_seed(0)
    net = make().eval()
    shape = (2, 3, 8) if not isinstance(net, nn.Dropout2d) else (2, 3, 8, 8)
    if isinstance(net, nn.Dropout3d | nn.FeatureAlphaDropout):
        shape = (2, 3, 4, 4, 4)
    _, sd = mc_dropout(net, torch.randn(shape), 50)
    assert sd.mean() > 0.005


def test_mc_dropout_puts_the_modes_back_after_an_error():
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 1)).eval()
    with pytest.raises(RuntimeError):
        mc_dropout(net, torch.ones(2, 5), 2)
    assert not any(part.training for part in net.modules())


def test_bad_arguments_of_mc_dropout_are_refused():
    net = nn.Dropout(0.5)
    for times in (2.0, True, "3"):
        with pytest.raises(TypeError, match="integer number of passes"):
            mc_dropout(net, torch.ones(2), times)
    for times in (1, 0, -1):
        with pytest.raises(ValueError, match="2 or more"):
            mc_dropout(net, torch.ones(2), times)
    for bare in (nn.Identity(), nn.Dropout(0.0), nn.LSTM(2, 2)):
        with pytest.raises(ValueError, match="no rate above 0"):
            mc_dropout(bare, torch.ones(2), 2)
    whole = nn.Sequential(net, nn.Flatten(0))
    whole.forward = lambda x: x.long()
    for bad in (whole, nn.LSTM(2, 2, num_layers=2, dropout=0.5)):
        with pytest.raises(TypeError, match="one floating-point tensor"):
            mc_dropout(bad, torch.ones(1, 2), 2)
