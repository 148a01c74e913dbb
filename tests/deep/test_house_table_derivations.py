"""Formulas of house_table: fill and indicator, words under ridge, logs and means."""

import math

import pytest
import sympy as sp
import torch

from firstdescent.deep.house_table import (
    Encoder,
    column,
    fit_ridge,
    lose_frontage,
    make_complete,
    make_table,
    rmsle,
    smearing,
)
from firstdescent.regression.house_prices import predict, standardise
from firstdescent.regression.rank_deficiency import min_norm


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def logs(rows):
    return [{**row, "area": math.log(row["area"])} for row in rows]


def test_with_the_indicator_every_fill_value_spans_the_same_columns(page_says):
    page_says(r"x^{(c)} = x^{(0)} + c\,m")
    x0, m = vector(3, 0, 5, 0, 4), vector(0, 1, 0, 1, 0)
    xc = torch.where(m == 1, vector(7), x0)
    assert torch.equal(xc, x0 + 7 * m)
    y, one = vector(1, 2, 4, 0, 3), torch.ones(5, dtype=torch.float64)
    with_m = [torch.stack([x, m, one], 1) for x in (x0, xc)]
    torch.testing.assert_close(*[A @ min_norm(A, y) for A in with_m])
    alone = [torch.stack([x, one], 1) for x in (x0, xc)]
    a, b = (A @ min_norm(A, y) for A in alone)
    assert (a - b).abs().max() > 0.1  # without it the fill value matters


def test_with_ridge_mean_or_median_hardly_matters_but_999_does():
    rows = make_table(300, seeded(1))
    y, hats = column(rows, "price").log(), []
    for fill in ("mean", "median"):
        X, names = Encoder("price", fill=fill).fit(rows).transform(rows)
        hats.append(predict(X, *fit_ridge(X, y, 1.0)))
    far = [{**r, "frontage": r["frontage"] or 999.0} for r in rows]
    frontage = torch.tensor([r["frontage"] for r in far], dtype=torch.float64)
    X[:, names.index("frontage")] = standardise(frontage[:, None])[0][:, 0]
    hats.append(predict(X, *fit_ridge(X, y, 1.0)))
    assert 1e-8 < (hats[0] - hats[1]).abs().max() < 0.01
    assert (hats[0] - hats[2]).abs().max() > 0.05


def test_a_gap_can_depend_on_the_hidden_value_and_be_explained_by_another_cell():
    g = seeded(6)
    area = torch.randn(200_000, generator=g, dtype=torch.float64)
    noise = torch.randn(200_000, generator=g, dtype=torch.float64)
    front = 0.8 * area + 0.6 * noise
    u = torch.rand(200_000, generator=g, dtype=torch.float64)
    gap = u < (2 * area).sigmoid()
    assert gap[front > 1].double().mean() > 2 * gap[front < -1].double().mean()
    alike = area.abs() < 0.02  # at random, once the area is known
    wide, narrow = (
        gap[alike & side].double().mean() for side in (front > 0, front < 0)
    )
    assert abs(wide - narrow) < 0.06


def test_one_smearing_factor_needs_noise_that_is_the_same_at_every_house():
    noise = torch.randn(2, 200_000, generator=seeded(7), dtype=torch.float64)
    noise = noise * vector(0.1, 0.6)[:, None]
    factor = smearing(torch.zeros(400_000).double(), noise.flatten())
    calm, wild = (factor / e.exp().mean() for e in noise)
    assert calm > 1.05
    assert wild < 0.95


def test_rmsle_is_least_at_the_mean_of_the_logs_not_at_the_median():
    u = torch.rand(100_000, generator=seeded(8), dtype=torch.float64)
    price = (0.4 * (-torch.log1p(-u) - 1)).exp()
    at_mean = rmsle(price.log().mean().exp().expand_as(price), price)
    assert at_mean + 0.01 < rmsle(price.median().expand_as(price), price)


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex128])
def test_the_fit_takes_floating_point_only(dtype):
    X, y = torch.eye(3, 2).double(), vector(1, 2, 4)
    for pair, name in (((X.to(dtype), y), "X"), ((X, y.to(dtype)), "y")):
        with pytest.raises(TypeError, match=f"floating point in {name}"):
            fit_ridge(*pair, 1.0)


@pytest.mark.parametrize("f", [rmsle, smearing])
def test_complex_numbers_are_no_prices(f):
    one = torch.ones(2, dtype=torch.complex128)
    for pair in ((one, one.real), (one.real, one)):
        with pytest.raises(TypeError, match="expected real"):
            f(*pair)


def without_garage(indicators):
    residuals = []
    for seed in range(6):
        table = logs(lose_frontage(make_complete(600, seeded(seed)), seeded(seed)))
        encoder = Encoder("price", indicators=indicators).fit(table[:300])
        X, _ = encoder.transform(table[:300])
        w, b = fit_ridge(X, column(table[:300], "price").log(), 1.0)
        r = predict(encoder.transform(table[300:])[0], w, b)
        r = r - column(table[300:], "price").log()
        has = torch.tensor([row["garage"] is not None for row in table[300:]])
        residuals.append(torch.stack([r[has].mean(), r[~has].mean()]))
    return torch.stack(residuals).mean(0).tolist()


def test_without_the_indicator_a_house_with_a_garage_is_about_4_percent_too_cheap():
    has, has_not = without_garage(indicators=False)
    assert -0.055 < has < -0.025
    assert 0.1 < has_not < 0.16


def test_the_known_frontages_are_narrower_than_all():
    full = make_complete(5000, seeded(9))
    lost = lose_frontage(full, seeded(10))
    every = [r["frontage"] for r in full]
    known = [r["frontage"] for r in lost if r["frontage"] is not None]
    assert sum(known) / len(known) < sum(every) / len(every) - 1


def test_other_splits_have_median_errors_of_12_to_18_percent_and_a_skew_near_0():
    rows, errors, skews = make_table(400, seeded()), [], []
    for seed in range(20):
        order = torch.randperm(400, generator=seeded(seed)).tolist()
        train, valid = ([rows[i] for i in p] for p in (order[:300], order[300:]))
        encoder = Encoder("price").fit(train)
        y = column(train, "price").log()
        w, b = fit_ridge(encoder.transform(train)[0], y, 1.0)
        hat = predict(encoder.transform(valid)[0], w, b).exp()
        errors.append((hat / column(valid, "price") - 1).abs().median().item())
        skews.append((standardise(y[:, None])[0] ** 3).mean().item())
    assert (round(min(errors), 2), round(max(errors), 2)) == (0.12, 0.18)
    assert -0.1 < min(skews) < max(skews) < 0.35
    assert max(skews) > 0.25


def test_ridge_with_a_free_bias_solves_its_equations():
    X = torch.randn(9, 3, generator=seeded(), dtype=torch.float64)
    y = X @ vector(1, 2, 3) + 5
    w, b = fit_ridge(X, y, 2.0)
    r = predict(X, w, b) - y
    torch.testing.assert_close(X.T @ r + 2 * w, torch.zeros(3).double())
    assert abs(r.sum().item()) < 1e-12
    exact, level = fit_ridge(X, y, 0.0)
    torch.testing.assert_close(exact, vector(1, 2, 3))
    assert level.item() == pytest.approx(5)


def test_a_penalty_of_zero_refuses_one_hot_columns():
    rows = make_table(100, seeded())
    X, _ = Encoder("price").fit(rows).transform(rows)
    with pytest.raises(ValueError, match="penalty 0 needs independent columns"):
        fit_ridge(X, column(rows, "price"), 0.0)


@pytest.mark.parametrize("ones", [8, 86])
def test_ridge_keeps_less_of_a_rare_words_weight(ones, page_says):
    page_says(r"s/(s + \lambda)", r"s = k(n - k)/n")
    x = (torch.arange(300) < ones).double()[:, None]
    y = torch.randn(300, generator=seeded(), dtype=torch.float64)
    kept = fit_ridge(x, y, 1.0)[0] / fit_ridge(x, y, 0.0)[0]
    s = ones * (300 - ones) / 300
    assert kept.item() == pytest.approx(s / (s + 1))
    page_says(f"{s / (s + 1):.2f} for {ones} of 300" if ones == 8 else "0.98 for 86")
    assert ones == 8 or round(s / (s + 1), 2) == 0.98


def test_one_hot_weights_add_up_to_zero_so_a_new_word_gets_the_plain_mean():
    rows = logs(make_table(200, seeded(2)))
    encoder = Encoder("price").fit(rows)
    X, names = encoder.transform(rows)
    w, _ = fit_ridge(X, column(rows, "price").log(), 3.0)
    for word in ("neighbourhood", "heating"):
        mine = [j for j, n in enumerate(names) if n.startswith(word)]
        assert len(mine) in (4, 5)
        assert abs(w[mine].sum().item()) < 1e-12


def test_the_indicators_weight_is_a_metres_worth_times_the_metres_missing(page_says):
    page_says(r"0.02 \cdot (\text{mean hidden} - \text{fill})")
    full = make_complete(4000, seeded(3))
    rows = lose_frontage(full, seeded(4))
    hidden = [
        a["frontage"] for a, b in zip(full, rows, strict=True) if b["frontage"] is None
    ]
    encoder = Encoder("price").fit(logs(rows))
    X, names = encoder.transform(logs(rows))
    w, _ = fit_ridge(X, column(rows, "price").log(), 1.0)
    expected = 0.02 * (sum(hidden) / len(hidden) - encoder.fills["frontage"])
    assert 0.1 < expected < 0.25
    found = w[names.index("frontage missing")].item()
    assert found == pytest.approx(expected, abs=0.03)  # three standard errors


def test_the_mean_of_exp_of_normal_noise(page_says):
    page_says(
        r"the density $e^{-\varepsilon^2/(2\sigma^2)} / (\sigma\sqrt{2\pi})$",
        r"the mean of $e^{\log y - \hat f}$",
        r"\varepsilon - \frac{\varepsilon^2}{2\sigma^2} &= \frac{\sigma^2}{2} "
        r"- \frac{(\varepsilon - \sigma^2)^2}{2\sigma^2}",
        r"E\, e^\varepsilon &= e^{\sigma^2/2}",
    )
    e, s = sp.symbols("e", real=True), sp.symbols("s", positive=True)
    left = e - e**2 / (2 * s**2)
    assert sp.expand(left - (s**2 / 2 - (e - s**2) ** 2 / (2 * s**2))) == 0
    density = sp.exp(-(e**2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
    mean = sp.integrate(sp.exp(e) * density, (e, -sp.oo, sp.oo))
    assert sp.simplify((mean - sp.exp(s**2 / 2)).rewrite(sp.erf)) == 0


def test_the_mean_of_exp_of_the_exercises_noise(page_says):
    page_says(r"E\,e^\varepsilon = e^{-0.4}/(1 - 0.4) = 1.117")
    t = sp.symbols("t", positive=True)
    s = sp.Rational(2, 5)
    mean = sp.integrate(sp.exp(s * (t - 1)) * sp.exp(-t), (t, 0, sp.oo))
    assert sp.simplify(mean - sp.exp(-s) / (1 - s)) == 0
    assert float(mean) == pytest.approx(1.117, abs=5e-4)


def test_rmsle_is_the_rmse_of_logs():
    error = rmsle(vector(math.e, 1.0), vector(1.0, math.e**3))
    assert error.item() == pytest.approx(5**0.5)  # logs differ by 1 and by -3
    assert rmsle(vector(2.6e5), vector(2e5)).item() == pytest.approx(math.log(1.3))
    assert rmsle(vector(1e-300), vector(1e300)).item() == pytest.approx(
        600 * math.log(10)
    )


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_rmsle_needs_positive_prices(bad):
    for pair in ((vector(bad), vector(1.0)), (vector(1.0), vector(bad))):
        with pytest.raises(ValueError, match="positive, finite prices"):
            rmsle(*pair)


@pytest.mark.parametrize("f", [rmsle, smearing])
@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 1), (2,)), ((0,), (0,))])
def test_shapes_must_match(f, shapes):
    with pytest.raises(ValueError, match="expected two tensors of one shape"):
        f(*[torch.ones(s) for s in shapes])


def test_smearing_is_the_mean_ratio_of_price_to_prediction():
    hat, y = vector(0, 1, 2), vector(math.log(2), 1, 2 + math.log(3))
    assert smearing(hat, y).item() == pytest.approx((2 + 1 + 3) / 3)
    assert smearing(hat, hat).item() == 1
    for bad in (float("nan"), 1e9, -1e9):
        with pytest.raises(ValueError, match="a finite, positive factor"):
            smearing(hat, y + bad)
