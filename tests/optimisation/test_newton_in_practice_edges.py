"""The edges of newton_in_practice, and what its refusals name."""

from math import inf

import pytest
import torch

from firstdescent.optimisation import newton_in_practice
from firstdescent.optimisation.newton_in_practice import (
    CGStep,
    length,
    newton_cg,
    truncated_cg,
    two_loop,
)


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def bowl(w):
    return w @ w / 2


def test_the_refusals_of_cg_name_what_came():
    with pytest.raises(TypeError, match=r"got torch\.float16"):
        truncated_cg(lambda v: v, torch.ones(1).half(), 0.1, 1)
    with pytest.raises(ValueError, match=r"finite g \(d,\), d > 0, got \(1, 2\)"):
        truncated_cg(lambda v: v, torch.ones(1, 2), 0.1, 1)
    with pytest.raises(ValueError, match=r"steps > 0, got 1\.5, 7"):
        truncated_cg(lambda v: v, vector(1.0), 1.5, 7)
    with pytest.raises(ValueError, match=r"got \(1, 1\), torch\.float32"):
        truncated_cg(lambda v: v[:, None].float(), vector(1.0), 0.1, 1)


def test_the_refusals_of_a_search_name_what_came():
    w = vector(1.0)
    with pytest.raises(TypeError, match=r"got torch\.float16"):
        newton_cg(bowl, w.half())
    with pytest.raises(ValueError, match=r"one start \(d,\), got \(1, 1\)"):
        newton_cg(bowl, w[None])
    with pytest.raises(ValueError, match=r"inner > 0, got 0\.5 and 0"):
        newton_cg(bowl, w, tol=0.5, inner=0)
    with pytest.raises(ValueError, match="below inf, got nan"):
        newton_cg(bowl, w, floor=float("nan"))
    with pytest.raises(ValueError, match="finite loss and gradient at the start"):
        newton_cg(lambda w: inf * bowl(w), w)


@pytest.mark.parametrize("bad", [torch.ones(2, 2), torch.ones(1) * 1j])
def test_a_length_refuses_what_is_no_real_vector(bad):
    with pytest.raises(ValueError, match=r"expected real g \(d,\), got torch\."):
        length(bad)


def test_the_refusals_of_the_two_loops_name_what_came():
    g = vector(1.0, 2.0)
    with pytest.raises(TypeError, match=r"got torch\.float16"):
        two_loop(g.half(), [])
    with pytest.raises(ValueError, match=r"got shape \(1, 2\)"):
        two_loop(g[None], [])
    with pytest.raises(ValueError, match=r"got \(2,\) .*float64, \(1,\) .*float32"):
        two_loop(g, [(g, g[:1].float())])
    with pytest.raises(ValueError, match="between 0 and inf, got -5 and 5"):
        two_loop(g, [(-g, g)])


def test_a_residual_of_just_rtol_is_small_enough():
    H = vector(1.0, 3.0).diag()  # the first step halves the residual
    s = truncated_cg(lambda v: H @ v, vector(1.0, 1.0), 0.5, 9)
    assert (s.step.tolist(), s.products) == ([-0.5, -0.5], 1)
    assert s.reason == "small residual"


def test_a_curvature_that_overflows_is_not_finite_though_the_product_is():
    s = truncated_cg(lambda v: 1e308 * v, vector(1.0, 1.0), 0.1, 9)
    assert (s.step.tolist(), s.reason) == ([-1.0, -1.0], "not finite")


def test_a_search_refuses_an_infinite_tolerance_and_accepts_one_product():
    with pytest.raises(ValueError, match="expected tol > 0"):
        newton_cg(bowl, vector(1.0), tol=inf)
    assert newton_cg(bowl, vector(1.0), inner=1).w.tolist() == [0.0]


def test_a_search_takes_100_steps_unless_asked():
    end = newton_cg(lambda w: (w**4).sum(), vector(1.0), tol=1e-80)
    assert (end.reason, len(end.products)) == ("out of steps", 100)
    assert end.w.item() == pytest.approx((2 / 3) ** 100)


def test_a_step_takes_250_products_unless_asked():
    h = torch.logspace(0, 12, 600).double()
    end = newton_cg(lambda w: h @ w**2 / 2, 1 / h, steps=1)
    assert end.products == [250]


def test_a_loss_is_unbounded_below_minus_1e15_and_not_at_its_floor():
    assert newton_cg(lambda w: w.sum(), vector(-1e15 - 0.5)).losses == [-1e15 - 0.5]
    at_floor = newton_cg(lambda w: w @ w - 2, vector(1.0), floor=-1.0)
    assert (at_floor.reason, at_floor.w.item()) == ("small gradient", 0)


def test_a_gradient_of_just_tol_is_small():
    end = newton_cg(bowl, vector(0.25), steps=0, tol=0.25)
    assert end.reason == "small gradient"


@pytest.mark.parametrize(
    "loss", [lambda w: (w - inf).sum(), lambda w: (w - 1).sqrt().sum()]
)
def test_a_loss_or_a_gradient_that_is_infinite_at_the_start_is_refused(loss):
    with pytest.raises(ValueError, match="finite loss and gradient at the start"):
        newton_cg(loss, vector(1.0))


@pytest.mark.parametrize("bad", [(1.0, -1.0), (0.25, 0.25)])
def test_a_step_across_the_slope_or_uphill_is_replaced(monkeypatch, bad):
    broken = CGStep(vector(*bad), 1, "out of steps")
    monkeypatch.setattr(newton_in_practice, "truncated_cg", lambda *_: broken)
    end = newton_cg(bowl, vector(1.0, 1.0))
    assert (end.w.tolist(), end.reason) == ([0.0, 0.0], "small gradient")


def test_a_search_stalls_where_the_slope_overflows():
    end = newton_cg(lambda w: 1e200 * w.sum(), vector(1.0))
    assert (end.reason, end.w.item()) == ("stalled", 1.0)


def test_a_search_stalls_before_an_infinite_gradient():
    # From 1/4 a step of -1/2, halved as the loss is nan at -1/4, leads to 0.
    end = newton_cg(lambda w: w.sqrt().sum(), vector(0.25))
    assert (end.reason, end.w.item()) == ("stalled", 0.25)


def test_a_pair_whose_product_overflows_is_refused():
    with pytest.raises(ValueError, match="between 0 and inf, got inf and 1e\\+200"):
        two_loop(vector(1.0), [(vector(1e300), vector(1e100))])
