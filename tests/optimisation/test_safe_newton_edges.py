"""The edges of safe_newton, and what its refusals name."""

from math import inf

import pytest
import torch

from firstdescent.optimisation.safe_newton import (
    Model,
    TrustStep,
    backtrack,
    judge,
    levenberg_marquardt,
    secular_root,
    trust_newton,
    trust_region,
    trust_step,
    unit_step,
)

ONE = torch.tensor(1.0).double()
EYE = torch.eye(2).double()


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def bowl(w):
    return w @ w / 2


def test_the_refusals_of_backtrack_name_what_came():
    w = vector(1.0)
    with pytest.raises(ValueError, match=r"got \(1,\) and \(2,\)"):
        backtrack(bowl, w, vector(1.0, 2.0))
    with pytest.raises(TypeError, match=r"got torch\.float64 and torch\.float32"):
        backtrack(bowl, w, -w.float())
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.5"):
        backtrack(bowl, w, -w, 1.5)
    with pytest.raises(ValueError, match="finite loss at w, got inf"):
        backtrack(lambda w: inf * bowl(w), w, -w)
    with pytest.raises(ValueError, match=r"downhill step, got slope 2$"):
        backtrack(bowl, w, 2 * w)


def test_the_secular_root_refuses_other_shapes_and_negative_curvatures():
    with pytest.raises(ValueError, match=r"got \(2,\), \(1,\) and 0\.5"):
        secular_root(vector(1.0, 1.0), vector(0.5))
    with pytest.raises(ValueError, match=r"got \(2,\), \(2,\) and -0\.5"):
        secular_root(vector(1.0, 1.0), vector(1.0, -0.5))


def test_the_secular_root_takes_a_rounding_error_below_0_for_0():
    mu = secular_root(vector(3.0, 4.0), vector(1.0, -1e-12))
    assert (vector(3.0, 4.0) / (vector(1.0, 0.0) + mu)).norm().item() == pytest.approx(
        1
    )


def test_the_refusal_of_a_unit_step_names_shapes_and_devices():
    with pytest.raises(ValueError, match=r"got \(2,\) on cpu and \(1, 2\) on cpu"):
        unit_step(vector(1.0, 2.0), EYE[:1])
    with pytest.raises(ValueError, match=r"got \(2,\) on cpu and \(2, 2\) on meta"):
        unit_step(vector(1.0, 2.0), EYE.to("meta"))


def test_the_refusals_of_a_trust_step_name_what_came():
    g = vector(1.0, 2.0)
    with pytest.raises(TypeError, match=r"float64, got .*torch\.float16"):
        trust_step(g, EYE, ONE.half())
    with pytest.raises(ValueError, match=r"got \(2,\), \(2, 2\), \(1,\)"):
        trust_step(g, EYE, ONE[None])


def test_the_refusals_of_a_judge_name_dtypes_or_shapes():
    here = Model(vector(1.0), vector(1.0)[:, None], EYE[None, :1, :1])
    s = TrustStep(vector(-1.0)[:, None], vector(1.0), vector(0.0))
    with pytest.raises(TypeError, match=r"one dtype, got .*torch\.float32"):
        judge(here, here, s, vector(1.0).float())
    with pytest.raises(ValueError, match=r"got .*\[2\].* and .*\[1, 1\]"):
        judge(here, here, s, vector(1.0, 1.0))
    wide = s._replace(step=vector(-1.0, 0.0)[None])
    with pytest.raises(ValueError, match=r"got .*\[1\].* and .*\[1, 2\]"):
        judge(here, here, wide, vector(1.0))


def test_the_refusals_of_a_search_name_what_came():
    start = vector(1.0)
    with pytest.raises(TypeError, match=r"float64, got torch\.float16"):
        trust_newton(bowl, start.half())
    with pytest.raises(ValueError, match=r"tol, radius > 0, got 0\.5, -2\.0"):
        trust_newton(bowl, start, tol=0.5, radius=-2.0)
    with pytest.raises(ValueError, match="below inf, got nan"):
        trust_newton(bowl, start, floor=float("nan"))


def test_a_model_of_another_dtype_is_named():
    def model(w):
        return Model(bowl(w).float(), w, EYE[:1, :1])

    with pytest.raises(TypeError, match=r"got \[torch\.float32, torch\.float64"):
        trust_region(model, vector(1.0))


def test_of_many_bad_starts_five_are_named():
    starts = -torch.arange(1.0, 8.0).double()[:, None]
    with pytest.raises(ValueError, match=r"in rows \[0, 1, 2, 3, 4\]"):
        trust_newton(lambda w: w.log().sum(), starts)


def test_the_refusals_of_a_loss_and_of_residuals_name_their_shapes():
    with pytest.raises(ValueError, match=r"a loss \(\), got \(2,\)"):
        trust_newton(lambda w: w, vector(1.0, 2.0))
    with pytest.raises(ValueError, match=r"residuals \(n,\), got \(2, 1\)"):
        levenberg_marquardt(lambda w: w[:, None], vector(1.0, 2.0))


def test_problems_of_different_sizes_side_by_side_do_not_see_each_other():
    g = torch.stack([vector(1e20, 0.0), vector(1.0, 1e-3), vector(3.0, 4.0)])
    H = torch.stack([1e20 * EYE, vector(1.0, 0.0).diag(), 0 * EYE])
    for rows in ([0, 1, 2], [1, 0, 2]):
        together = unit_step(g[rows], H[rows])
        for k, row in enumerate(rows):
            alone = unit_step(g[row], H[row])
            torch.testing.assert_close(together.step[k], alone.step)
            torch.testing.assert_close(together.damping[k], alone.damping)


def test_problems_may_stand_in_a_table():
    g = torch.tensor([[[3.0, 4.0], [0.1, 0.0]], [[1.0, 1.0], [0.0, 0.0]]]).double()
    H = torch.stack([EYE, -EYE, 2 * EYE, vector(1.0, -2.0).diag()]).view(2, 2, 2, 2)
    radius = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).double()
    table = trust_step(g, H, radius)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        alone = trust_step(g[i, j], H[i, j], radius[i, j])
        torch.testing.assert_close(table.step[i, j], alone.step)
        torch.testing.assert_close(table.damping[i, j], alone.damping)
        torch.testing.assert_close(table.lowest[i, j], alone.lowest)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("share", "entered"), [(4.0, True), (1.0, False)])
def test_a_slope_of_d_roundings_where_nothing_bends_is_noise(dtype, share, entered):
    noise = share * torch.finfo(dtype).eps  # for d = 2 the bound is twice eps
    g, H = torch.tensor([1.0, noise], dtype=dtype), torch.eye(2, dtype=dtype)
    H[1, 1] = 0
    assert (unit_step(g, H).damping.item() > 0) == entered
