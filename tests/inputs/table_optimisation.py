"""Bad input to the functions of part four, Optimisation, and what must come of it."""

from unittest.mock import patch

import torch
import torch.distributed as dist
from torch import nn

from firstdescent.optimisation.accumulation_ddp import (
    accumulate,
    check_sum,
    compare_gradients,
    compare_walks,
    ddp_gradient,
    ddp_loss,
    ddp_walk,
    linear_from_zero,
    rows_per_rank,
    squared_sum,
)
from firstdescent.optimisation.averaging_losses import (
    check_batches,
    largest_gap,
    one_a_step,
    trajectory,
)
from firstdescent.optimisation.gd_vs_newton import (
    check_reached,
    check_start,
    classify_stationary,
    descend,
    measured_order,
    newton,
)
from firstdescent.optimisation.irls import (
    check_classes,
    column_scales,
    inverse_hessian,
    irls,
    penalties,
    refuse_separated,
    reweight,
    separates,
    shortened,
    summed_loss,
    weighted_gram,
)
from firstdescent.optimisation.learning_rate import (
    best_lr,
    best_momentum,
    heavy_ball,
    largest_curvature,
    lr_range_test,
)
from firstdescent.optimisation.minibatch import (
    check_choices,
    check_rows,
    expected_run,
    gradient_noise,
    predicted_floor,
    sgd_runs,
)
from firstdescent.optimisation.newton_in_practice import (
    check_free,
    length,
    newton_cg,
    slope_and_product,
    truncated_cg,
    two_loop,
)
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
from tests.inputs.driver import case
from tests.inputs.spoil import SEED

A = torch.tensor([[1.0, 2], [3, -1], [2, 5], [-2, 1], [4, 3], [1, -3], [5, 1]])
y = torch.tensor([1.0, 4, -2, 3, 5, 2, -1])
LABELS = torch.tensor([0.0, 1, 0, 0, 1, 1, 0])
SIGNS = 2 * LABELS - 1
w = torch.tensor([0.5, -1, 2])
H = torch.tensor([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
RATES = torch.tensor([0.01, 0.02, 0.01, 0.005])
ROWS = torch.tensor([[[0, 1], [2, 3], [4, 5]]] * 4)
RECORDS = [
    "optimisation.irls.LogisticFit",
    "optimisation.minibatch.ExpectedRun",
    "optimisation.newton_in_practice.CGStep",
    "optimisation.newton_in_practice.FreeDescent",
    "optimisation.safe_newton.Descent",
    "optimisation.safe_newton.TrustStep",
]
WITHOUT_INPUT = [
    "optimisation.accumulation_ddp.join_group",
    "optimisation.accumulation_ddp.main",
]


def bowl(w):
    return (w**2).sum() + w[0] * w[1]


def alone(function, rank=0):
    """A call by the only process of a group."""

    def call(**args):
        where = {"store": dist.HashStore(), "rank": 0, "world_size": 1}
        dist.init_process_group("gloo", **where)
        try:
            with patch.object(dist, "get_rank", lambda: rank):
                return function(**args)
        finally:
            dist.destroy_process_group()

    return call


def accumulated(model, X, y, total):
    """The loss and the gradient of two chunks."""
    chunks = list(zip(X.split(4), y.split(4), strict=True))
    loss = accumulate(model, chunks, squared_sum, total)
    return loss, [p.grad for p in model.parameters()]


def judged(here, there, s, radius):
    return judge(here, there, s, radius, 1.0)


HERE = Model(
    torch.tensor([3.0, 2]), torch.tensor([[1.0, 2, 3], [2, 1, 0]]), H.expand(2, 3, 3)
)
THERE = Model(HERE.loss - 1, HERE.g / 2, HERE.H)

CASES = [
    case(
        squared_sum,
        "nan inf: propagates",
        "huge: overflows",
        "half mixed: answer",
        y_hat=A,
        y=A.flip(0),
        shapes_="y_hat (n, k), y (n, k)",
    ),
    case(check_sum, "device nan inf whole half: answer", loss=w[0]),
    case(
        accumulate,
        "y.half y.mixed fraction: answer",
        call_=accumulated,
        shapes_="X (n, d), y (n, 1)",
        model=nn.Linear(2, 1),
        X=A,
        y=y[:, None],
        total=7,
    ),
    case(
        rows_per_rank,
        "device.type: error answer",
        call_=alone(rows_per_rank),
        n_local=3,
        device="cpu",
    ),
    case(
        ddp_loss,
        "loss_sum.nan loss_sum.inf: propagates",
        "whole half: answer",
        call_=alone(ddp_loss),
        loss_sum=w[0],
        n_local=3,
    ),
    case(linear_from_zero, "empty: error answer", "device nan inf half: answer", X=A),
    case(
        ddp_gradient,
        "nan inf: propagates",
        "half mixed: answer",
        "loss.shape: error answer",
        call_=alone(ddp_gradient),
        X=A,
        y=y[:, None],
        loss=squared_sum,
    ),
    case(
        ddp_walk,
        "half mixed fraction: answer",
        slow_=True,
        call_=alone(ddp_walk),
        X=A / 5,
        y=y[:, None],
        total=7,
        quiet=False,
    ),
    case(
        compare_gradients,
        "half mixed: answer",
        slow_=True,
        call_=alone(compare_gradients, rank=1),
        X=torch.cat([A, A, A, A, A[:2]]).repeat(1, 2)[:, :3],
        y=torch.cat([y, y, y, y, y[:2]])[:, None],
    ),
    case(
        compare_walks,
        "mixed y.half: answer",
        slow_=True,
        call_=alone(compare_walks),
        X=torch.cat([A, A, A, A, A[:2]]),
        y=torch.cat([y, y, y, y, y[:2]])[:, None],
    ),
    case(
        check_batches,
        "nan inf: answer",
        call_=lambda X, y: check_batches([(A.to(X), y[:1].expand(7)), (X, y)]),
        X=A,
        y=y,
        shapes_="X (m, 2), y (m,)",
    ),
    case(
        one_a_step,
        "value.none value.type: error answer",
        "value.negative: answer",
        value=[0.1, 0.2, 0.3],
        steps=3,
    ),
    case(
        trajectory,
        "X.empty scale.none scale.type: error answer",
        "lr.none scale.negative: answer",
        call_=lambda X, y, **how: trajectory([(X, y), (X, y)], torch.optim.SGD, **how),
        X=A,
        y=y,
        reduction="mean",
        lr=0.01,
        scale=[1.0, 2.0],
    ),
    case(largest_gap, "half mixed: answer", a=A, b=A.flip(0)),
    case(check_start, "half none: answer", start=w, steps=3),
    case(
        check_reached,
        "empty whole half complex word type shape: answer",
        w=w,
        step="step 1",
    ),
    case(descend, "half steps.none: answer", loss=bowl, start=w, lr=0.1, steps=3),
    case(
        newton,
        "none: answer",
        shapes_="start (d,) or (k, d)",
        loss=bowl,
        start=w,
        steps=2,
    ),
    case(measured_order, errors=[0.5, 0.2, 0.03, 0.001]),
    case(
        classify_stationary,
        "loss.nan loss.inf: answer",
        loss=bowl,
        w=torch.zeros(3),
        tol=1e-3,
    ),
    case(
        check_classes,
        "A.device A.nan A.inf mixed y.whole y.half: answer",
        A=A,
        y=LABELS,
    ),
    case(column_scales, "empty whole: error answer", "half: answer", A=A),
    case(
        penalties,
        "A.empty: error answer",
        "A.nan A.inf whole half mixed: answer",
        A=A,
        penalty=w[:2].abs(),
    ),
    case(weighted_gram, "half A.complex mixed s.whole: answer", A=A, s=y.abs()),
    case(
        inverse_hessian,
        "half mixed s.whole ridge.whole: answer",
        A=A,
        s=y.abs(),
        ridge=w[:2].abs(),
    ),
    case(
        separates,
        "shape: error answer",
        "nan inf sign.whole sign.half sign.mixed: answer",
        A=A,
        sign=SIGNS,
        direction=w[:2],
    ),
    case(
        refuse_separated,
        "shape A.inf sign.inf way.inf: error answer",
        "nan ridge.inf sign.whole sign.half sign.mixed: answer",
        "ridge.whole ridge.half ridge.mixed ridge.complex: answer",
        call_=lambda A, sign, ridge, way: refuse_separated(A, sign, ridge, way),
        A=A,
        sign=SIGNS,
        ridge=torch.tensor([0.0, 1]),
        way=w[:2],
    ),
    case(
        summed_loss,
        "nan ridge.inf: propagates",
        "sign.inf point.inf: answer propagates",
        "sign.whole sign.half sign.mixed: answer",
        "point.huge: answer overflows",
        sign=SIGNS,
        ridge=w[:2].abs(),
        point=torch.cat([w[:2], y]),
    ),
    case(
        shortened,
        "loss.nan slope.nan step.nan loss.inf slope.inf step.inf: answer",
        "negative none whole half mixed: answer",
        "start.nan point.nan point.inf: propagates",
        "start.inf: answer propagates",
        loss=lambda w: (w**2).sum().item(),
        start=5.25,
        slope=-10.5,
        point=w,
        step=-w,
    ),
    case(
        reweight,
        "sign.whole tol.inf: error answer",
        "sign.half sign.mixed: answer",
        A=A,
        sign=SIGNS,
        ridge=w[:2].abs(),
        tol=1e-4,
        steps=50,
        dtypes_=[torch.float64],
    ),
    case(
        irls,
        "mixed y.whole y.half penalty.none: answer",
        A=A,
        y=LABELS,
        penalty=0.5,
        tol=1e-4,
        steps=50,
    ),
    case(best_lr, low=0.5, high=4.0),
    case(best_momentum, low=0.5, high=4.0),
    case(
        heavy_ball,
        "half steps.none momentum.none: answer",
        loss=bowl,
        start=w,
        lr=0.1,
        steps=3,
        momentum=0.5,
    ),
    case(
        largest_curvature,
        "w.nan w.inf fraction: answer",
        "steps.inf: error answer",
        loss=bowl,
        w=w,
        steps=3,
        generator=SEED,
    ),
    case(
        lr_range_test,
        "start.huge: overflows",
        "lrs.huge: answer overflows",
        "half steps.none momentum.none: answer",
        "lrs.none: error answer",
        loss=bowl,
        start=w,
        lrs=[0.1, 0.2],
        steps=3,
        momentum=0.5,
    ),
    case(check_rows, A=A, y=y, theta=w[:2]),
    case(gradient_noise, A=A, y=y, theta=w[:2]),
    case(
        sgd_runs,
        "lr.half lr.mixed: answer",
        "rows.empty: error answer",
        A=A,
        y=y,
        start=w[:2],
        lr=RATES,
        rows=ROWS,
    ),
    case(
        predicted_floor,
        "batch_size.inf: error answer",
        H=H,
        C=H,
        lr=0.1,
        batch_size=4.0,
    ),
    case(
        check_choices,
        "half mixed: answer",
        "batch_size.inf batch_size.whole: error answer",
        call_=lambda lr, batch_size: check_choices(lr, batch_size, torch.float64),
        lr=RATES.view(2, 2),
        batch_size=torch.tensor([1.0, 4]),
    ),
    case(
        expected_run,
        "start.huge: overflows",
        "lr.huge: error answer overflows",
        "lr.half batch_size.half lr.mixed batch_size.mixed: answer",
        "batch_size.inf batch_size.whole: error answer",
        near_=0,
        A=A,
        y=y,
        start=w[:2],
        lr=RATES.view(2, 2),
        batch_size=torch.tensor([1.0, 4]),
    ),
    case(
        truncated_cg,
        "product.nan product.inf rtol.none: answer",
        product=lambda v: H.to(v) @ v,
        g=w,
        rtol=0.01,
        steps=3,
    ),
    case(
        check_free,
        "steps.none floor.none inner.nan inner.fraction floor.negative: answer",
        "inner.inf floor.inf: error answer",
        start=w,
        steps=3,
        tol=1e-3,
        inner=3,
        floor=-1e15,
    ),
    case(length, "nan inf: propagates", "whole: error answer", "half: answer", g=w),
    case(
        slope_and_product,
        "nan inf: propagates",
        "half mixed v.whole: answer",
        call_=lambda loss, w, v: (lambda g, product: (g, product(v)))(
            *slope_and_product(loss, w)
        ),
        loss=bowl,
        w=w,
        v=w.flip(0),
    ),
    case(
        newton_cg,
        "steps.none floor.none floor.negative: answer",
        "floor.inf: error answer",
        loss=bowl,
        start=w,
        steps=5,
        tol=1e-3,
        inner=5,
        floor=-1e15,
    ),
    case(
        two_loop,
        call_=lambda g, s, y: two_loop(g, [(s, y), (s, y)]),
        g=w,
        s=w.abs(),
        y=w.abs() + 1,
        shapes_="s (d,), y (d,)",
    ),
    case(backtrack, "w.tiny: error answer underflows", loss=bowl, w=w, step=-w, c=1e-4),
    case(
        secular_root,
        "nan a.inf: propagates",
        "h.inf: answer propagates",
        "half a.complex mixed: answer",
        "h.whole: error answer",
        a=w * 3,
        h=w.abs(),
    ),
    case(
        unit_step,
        "g.nan g.inf: propagates",
        "H.nan: error answer",
        "H.inf: error answer propagates",
        g=w * 3,
        H=H,
    ),
    case(trust_step, g=w * 3, H=H, radius=w[2]),
    case(
        Model,
        "nan inf whole half complex mixed: answer",
        "g.empty H.empty: error answer",
        shapes_="loss (any), g (any), H (any)",
        call_=lambda loss, g, H: Model(loss, g, H).is_finite(),
        loss=HERE.loss,
        g=HERE.g,
        H=HERE.H,
    ),
    case(
        judge,
        "here.shape there.shape s.shape here.device s.device: error answer",
        "here.empty there.empty s.empty: error answer",
        "here.nan there.nan inf: answer",
        "s.nan: answer propagates",
        "radius.nan: propagates",
        near_=0,
        call_=judged,
        shapes_="loss and damping and lowest (k,), g and step (k, d), H (k, d, d)",
        here=HERE,
        there=THERE,
        s=TrustStep(-HERE.g / 4, w[1:].abs(), w[1:]),
        radius=w[1:].abs(),
    ),
    case(
        trust_region,
        "steps.none floor.none floor.negative: answer",
        "floor.inf: error answer",
        near_=0,
        model=lambda w: Model(
            bowl(w), 2 * w + torch.stack([w[1], w[0], 0 * w[2]]), 2 * torch.eye(3).to(w)
        ),
        start=w,
        steps=5,
        tol=1e-3,
        radius=1.0,
        floor=-1e15,
    ),
    case(
        trust_newton,
        "steps.none floor.none floor.negative: answer",
        "floor.inf: error answer",
        near_=0,
        loss=bowl,
        start=w,
        steps=5,
        tol=1e-3,
        radius=1.0,
        floor=-1e15,
    ),
    case(
        levenberg_marquardt,
        "residual.shape floor.inf: error answer",
        "steps.none floor.none floor.negative: answer",
        near_=0,
        residual=lambda w: w**2 + w.sum(),
        start=w,
        steps=5,
        tol=1e-3,
        radius=1.0,
        floor=-1e15,
    ),
]
