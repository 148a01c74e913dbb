"""The edges of outliers: what just passes, and what refusals name."""

import math

import pytest
import torch

from firstdescent.estimation import outliers as o

D = torch.float64
X = torch.tensor([-2.0, -1, 0, 1, 2, 3], dtype=D)
A = torch.stack([X, torch.ones_like(X)], dim=1)
Y = torch.tensor([-3.2, -0.9, 1.1, 2.7, 5.3, 9.0], dtype=D)


def test_refusals_of_one_argument_name_it():
    for call in (
        lambda: o.huber_weight(torch.arange(3), 1.0),
        lambda: o.t_weight(torch.arange(3), 3.0),
        lambda: o.noise_scale(torch.arange(3)),
        lambda: o.t_nll(torch.arange(3), 1.0, 3.0),
    ):
        with pytest.raises(TypeError, match=r"residuals, got torch\.int64$"):
            call()
    with pytest.raises(ValueError, match=r"expected 0 < c < inf, got -1$"):
        o.huber_weight(Y, -1)
    with pytest.raises(ValueError, match=r"expected 0 < c < inf, got inf$"):
        o.huber_weight(Y, math.inf)
    for nu in (0.9e-3, 1.1e6):
        with pytest.raises(ValueError, match=rf"expected nu .* got {nu}$"):
            o.t_weight(Y, nu)
    with pytest.raises(ValueError, match=r"n > 6 >= 0, got \(6,\)$"):
        o.noise_scale(Y, fitted=6)
    with pytest.raises(ValueError, match=r"n > -1 >= 0, got \(6,\)$"):
        o.noise_scale(Y, fitted=-1)
    with pytest.raises(ValueError, match=r"n > 0, got \(6, 1\)$"):
        o.t_nll(Y[:, None], 1.0, 3.0)
    for scale in (math.inf, -1.0):
        with pytest.raises(ValueError, match=rf"scale > 0.* got {scale} and 3\.0$"):
            o.t_nll(Y, scale, 3.0)
    with pytest.raises(ValueError, match=r"expected A \(n, p\), got \(6,\)$"):
        o.leverage(X)


@pytest.mark.parametrize("nu", [1e-3, 1e6])
def test_the_ends_of_the_range_of_nu_are_allowed(nu):
    zero, df = torch.zeros((), dtype=D), torch.full((), nu, dtype=D)
    noise = torch.distributions.StudentT(df, zero, zero + 1)
    torch.testing.assert_close(o.t_nll(Y, 1.0, nu), -noise.log_prob(Y).sum())
    assert o.t_weight(Y, nu).isfinite().all()


@pytest.mark.parametrize(
    "parts",
    [
        (X, Y, Y),
        (A[:0], Y[:0], Y[:0]),
        (A[:, :0], Y, Y),
        (A, Y[:5], Y),
        (A, Y, Y[:5]),
        (A, Y[:5], Y[:5]),
    ],
)
def test_a_weighted_fit_names_the_three_shapes(parts):
    got = ".* ".join(str(tuple(part.shape)) for part in parts)
    pattern = "got " + got.replace("(", r"\(").replace(")", r"\)") + "$"
    with pytest.raises(ValueError, match=pattern):
        o.weighted_fit(*parts)


@pytest.mark.parametrize("k", [0, 1, 2])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_weighted_fit_needs_finite_numbers(k, bad):
    parts = [A.clone(), Y.clone(), torch.ones(6, dtype=D)]
    parts[k][2] = bad
    with pytest.raises(ValueError, match="A, y and w must be finite"):
        o.weighted_fit(*parts)


def test_a_scale_and_a_gap_name_the_shapes_that_do_not_fit():
    theta = torch.zeros(2, dtype=D)
    with pytest.raises(ValueError, match=r"got \(6, 2\) and \(5,\)$"):
        o.start_scale(A, Y[:5], theta, D)
    with pytest.raises(ValueError, match=r"got \(6,\) and \(6,\)$"):
        o.start_scale(X, Y, theta, D)
    for r, u, c, got in (
        (A, A, 1.0, r"\(6, 2\), \(6, 2\) and 1\.0"),
        (Y, Y[:5], 1.0, r"\(6,\), \(5,\) and 1\.0"),
        (Y, Y, 0, r"\(6,\), \(6,\) and 0"),
        (Y, Y, math.inf, r"\(6,\), \(6,\) and inf"),
    ):
        with pytest.raises(ValueError, match=rf"expected r .* got {got}$"):
            o.huber_gap(r, u, c)


def test_the_ends_of_the_ranges_of_the_fits():
    for c, tol in ((1e-6, 1e-8), (1e6, 1e-8), (1.345, 1e-12), (1.345, 1.0)):
        assert o.huber_fit(A, Y, c=c, tol=tol).theta.isfinite().all()
    for c, tol in ((0.9e-6, 1.0), (1.1e6, 1.0), (1.0, 0.9e-12), (1.0, 1.1)):
        pair = rf"\({c}, {tol}\)".replace(".", r"\.")
        with pytest.raises(ValueError, match=f"got {pair}$"):
            o.huber_fit(A, Y, c=c, tol=tol)
    for tol in (1e-12, 1.0):
        assert o.student_t_fit(A, Y, tol=tol).theta.isfinite().all()
    for tol in (0.9e-12, 1.1):
        with pytest.raises(ValueError, match=f"expected tol .* got {tol}$"):
            o.student_t_fit(A, Y, tol=tol)
    with pytest.raises(ValueError, match=r"start \(p,\), got \(3,\)$"):
        o.student_t_fit(A, Y, start=torch.zeros(3, dtype=D))
    with pytest.raises(ValueError, match=r"start \(p,\), got \(2,\)$"):
        o.student_t_fit(A, Y, start=torch.full((2,), 1j))


def test_the_counts_of_the_trimmed_fit_have_ends():
    g = torch.Generator().manual_seed(0)
    for keep, tries in ((3, 1), (6, 1)):
        assert len(o.least_trimmed(A, Y, g, keep=keep, tries=tries)[1]) == keep
    assert len(o.least_trimmed(A, Y, g)[1]) == 4  # (6 + 2 + 1) // 2
    for keep, tries in ((2, 500), (7, 500), (4, 0)):
        got = rf"expected keep in 3\.\.6, .* got \({keep}, {tries}\)$"
        with pytest.raises(ValueError, match=got):
            o.least_trimmed(A, Y, g, keep=keep, tries=tries)


def test_what_comes_back_to_the_old_units_has_to_fit():
    one, two = torch.ones((), dtype=D), torch.ones(2, dtype=D)
    fit = o.in_old_units(Y, 3 * two, two, one, Y)
    assert fit.theta.tolist() == [3, 3]
    assert fit.scale.item() == 9  # the largest label
    assert o.in_old_units(0 * Y, two, two, 5 * one, Y).scale.item() == 5
    good = [Y, two, two, one, Y]
    for k in range(5):
        bad = list(good)
        bad[k] = bad[k].long() if k == 0 else bad[k].float()
        with pytest.raises(TypeError, match="expected float64 and floating y"):
            o.in_old_units(*bad)
    for k, part in ((0, Y[:5]), (1, two[:1]), (2, two[:1]), (3, two), (4, Y[:5])):
        bad = list(good)
        bad[k] = part
        shapes = ", ".join(str(tuple(p.shape)) for p in bad)
        pattern = shapes.replace("(", r"\(").replace(")", r"\)")
        with pytest.raises(ValueError, match=rf"got \[{pattern}\]$"):
            o.in_old_units(*bad)
    for theta, scale in ((1e39, 1.0), (1.0, 1e39)):
        with pytest.raises(ValueError, match=r"too large for torch\.float32$"):
            o.in_old_units(Y.float(), two, theta * two, scale * one, Y)
