"""Bad input to the functions of part one, Tools, and what must come of it."""

import torch
from torch import nn

from firstdescent.tools.autograd import (
    attach_grad,
    backward_edges,
    graph_nodes,
    parabola_path,
)
from firstdescent.tools.autograd_deeper import (
    conjugate_gradient,
    hessian_rows,
    hvp,
    recorded_gradient,
)
from firstdescent.tools.autograd_errors import (
    blame,
    fit_on_total,
    grad_report,
    safe_sqrt,
)
from firstdescent.tools.backward_on_vectors import (
    cross_example_leak,
    own_input_grads,
    per_example_grads,
    sum_input_grads,
    vjp,
)
from firstdescent.tools.custom_gradients import (
    Softplus,
    Square,
    StraightThroughRound,
    finite_difference,
)
from firstdescent.tools.dataloader import epoch_mean, load, padded
from firstdescent.tools.datasets_samplers import (
    ShuffleBuffer,
    Table,
    stratified_batches,
)
from firstdescent.tools.loader_workers import (
    Calls,
    Counting,
    EpochNoise,
    Incident,
    Noisy,
    ShardedStream,
    Stream,
    loader_schedule,
)
from firstdescent.tools.modules import Linear, activation_shapes, anatomy, reach
from firstdescent.tools.tensor_batches import TensorBatches, WholeBatches, count_rows
from firstdescent.tools.vectorise import Timer, add_in_a_loop, best_time
from firstdescent.tools.weighted_sampling import (
    balanced_weights,
    fit_logistic,
    precision_recall,
    prior_correction,
)
from tests.inputs.driver import case
from tests.inputs.spoil import SEED

X = torch.tensor([[1.0, 2], [3, -1], [2, 5], [-2, 1], [4, 3], [1, -3], [5, 1]])
y = torch.tensor([1.0, 4, -2, 3, 5, 2, -1])
LABELS = torch.tensor([0.0, 1, 0, 0, 1, 1, 0])
w = torch.tensor([0.5, -1, 2])
RECORDS = []
WITHOUT_INPUT = [
    "tools.loader_workers.numpy_draw",
    "tools.loader_workers.python_draw",
    "tools.vectorise.wait_for_gpu",
    "tools.vectorise.CountCalls",
    "tools.loader_workers.seed_worker",  # the loader gives it the worker's number
]


def bowl(w):
    return (w**2).sum() + w[0] * w[1]


def leaf_slope(function):
    """The value and the gradient of an autograd.Function."""

    def call(x, v):
        x = x.requires_grad_()
        value = function.apply(x)
        return value, torch.autograd.grad(value, x, v)[0]

    return call


def reported(w, g):
    w.grad = g
    return grad_report({"w": w})


def overwritten(x):
    """A program whose backward pass fails."""
    h = x.requires_grad_().exp()
    total = (h * h).sum()
    h += 1
    return total


def timed(clock, wait):
    timer = Timer(clock, wait)
    timer.stop()
    return timer.avg(), timer.sum(), timer.cumsum()


CASES = [
    case(
        graph_nodes,
        "empty device nan inf half complex: answer",
        call_=lambda x: len(graph_nodes(x.requires_grad_() * x)),
        shapes_="x (any)",
        x=y,
    ),
    case(
        backward_edges,
        "shape: error answer",
        "device half: answer",
        "nan inf: propagates",
        call_=lambda x: backward_edges(x.requires_grad_() ** 2),
        shapes_="x ()",
        x=w[0],
    ),
    case(
        parabola_path,
        "half steps.none: answer",
        "word: error answer",
        start=w[0],
        order="clear backward step",
        lr=0.5,
        steps=3,
    ),
    case(
        attach_grad,
        "empty device nan inf half complex: answer",
        call_=lambda x: (attach_grad(x), x.grad),
        x=y,
    ),
    case(recorded_gradient, "nan inf: propagates", "device half: answer", f=bowl, w=w),
    case(
        hessian_rows,
        "f.nan f.inf: propagates",
        "w.nan w.inf device half: answer",
        f=bowl,
        w=w,
    ),
    case(
        hvp,
        "f.nan v.nan f.inf v.inf: propagates",
        "w.nan w.inf half mixed v.whole: answer",
        f=bowl,
        w=w,
        v=w.flip(0),
    ),
    case(
        conjugate_gradient,
        "empty half none: answer",
        product=lambda v: v * torch.tensor([1.0, 2, 4]).to(v),
        b=w,
        steps=3,
    ),
    case(
        fit_on_total,
        "half mixed negative none: answer",
        "y.whole: error answer",
        x=y,
        y=y.flip(0),
        lr=0.01,
        rounds=3,
        detach=True,
    ),
    case(
        blame,
        "empty device nan inf half: answer",
        call_=lambda x: blame(lambda: overwritten(x)),
        shapes_="x (any)",
        x=y,
    ),
    case(
        safe_sqrt,
        "empty device whole half: answer",
        "nan: propagates",
        "inf: answer propagates",
        t=y,
    ),
    case(
        grad_report,
        "nan inf: answer",
        call_=reported,
        shapes_="w (n,), g (n,)",
        w=y,
        g=y.flip(0),
    ),
    case(
        vjp,
        "nan inf: propagates",
        "half mixed v.whole: answer",
        f=lambda x: x**2,
        x=y,
        v=y.flip(0),
        shapes_="x (n,), v (n,)",
    ),
    case(
        sum_input_grads,
        "nan inf: propagates",
        "empty device half complex: answer",
        g=lambda X: (X**2).sum(1),
        X=X,
    ),
    case(
        own_input_grads,
        "nan inf: propagates",
        "empty: error answer",
        "device half: answer",
        g=lambda X: (X**2).sum(1),
        X=X,
    ),
    case(
        cross_example_leak,
        "g.nan g.inf: propagates",
        "X.nan X.inf half: answer",
        "g.shape: error answer",
        g=lambda X: (X - X.mean(0)).sum(1),
        X=X,
    ),
    case(
        per_example_grads,
        "nan inf: propagates",
        "X.huge: overflows",
        "y.whole: error answer",
        "y.half y.mixed: answer",
        loss=lambda w, x, y: (x @ w - y) ** 2,
        w=w[:2],
        X=X,
        y=y,
        shapes_="X (n, p), y (n,)",
    ),
    case(
        finite_difference,
        "f.nan x.nan f.inf x.inf: propagates",
        "h.inf: error propagates",
        "shape empty device half: answer",
        "x.huge: nan",
        "h.huge: answer nan",
        f=lambda x: x**2,
        x=y,
        h=0.5,
        scheme="central",
    ),
    case(
        Square,
        "nan inf: propagates",
        "x.huge: overflows",
        "half mixed v.whole: answer",
        call_=leaf_slope(Square),
        shapes_="x (n,), v (n,)",
        x=y,
        v=y.flip(0),
    ),
    case(
        Softplus,
        "nan v.inf: propagates",
        "x.inf: answer propagates",
        "half mixed v.whole: answer",
        call_=leaf_slope(Softplus),
        shapes_="x (n,), v (n,)",
        x=y,
        v=y.flip(0),
    ),
    case(
        StraightThroughRound,
        "nan inf: propagates",
        "half mixed v.whole: answer",
        call_=leaf_slope(StraightThroughRound),
        shapes_="x (n,), v (n,)",
        x=y,
        v=y.flip(0),
    ),
    case(
        load,
        "X.empty sampler.type: error answer",
        "device whole half complex mixed sampler.none sampler.negative: answer",
        "X.nan y.nan X.inf y.inf: answer propagates",
        call_=lambda X, y, sampler, batch_size, generator: list(
            load(Table(X, y), sampler, batch_size, generator)
        ),
        shapes_="X (n, ...), y (n, ...)",
        X=X,
        y=y,
        sampler=[0, 3, 2, 5],
        batch_size=3,
        generator=SEED,
    ),
    case(
        padded,
        "empty: answer",
        "nan inf: propagates",
        call_=lambda a, b: padded([a, b]),
        shapes_="a (n,), b (m,)",
        a=y,
        b=w,
    ),
    case(
        epoch_mean,
        "means.none means.type: error answer",
        "means.nan means.inf: propagates",
        "counts.nan counts.inf: error propagates",
        "means.negative: answer",
        "huge: answer overflows",
        means=[1.0, 2.5],
        counts=[3.0, 2.0],
    ),
    case(
        Table,
        "X.empty: error answer",
        "device whole half complex mixed: answer",
        "nan inf: propagates",
        call_=lambda X, y: list(Table(X, y)),
        shapes_="X (n, ...), y (n, ...)",
        X=X,
        y=y,
    ),
    case(
        ShuffleBuffer,
        "source.none source.negative: answer",
        "source.type size.inf: error answer",
        "source.nan source.inf: propagates",
        call_=lambda **args: list(ShuffleBuffer(**args)),
        source=[1.0, 2.0, 3.0, 4.0],
        size=2,
        generator=SEED,
    ),
    case(
        stratified_batches,
        "empty device y.nan y.inf whole half fraction: answer",
        "batch_size.inf: error answer",
        y=LABELS,
        batch_size=3,
        generator=SEED,
    ),
    case(
        Calls,
        "n.inf: error answer",
        "fraction i.none: answer",
        call_=lambda n, i: Calls(n, lambda: 1.0)[i],
        n=5,
        i=2,
    ),
    case(
        Incident,
        "n.inf: error answer",
        "at.inf fraction at.nan at.negative at.none i.none at.type: answer",
        call_=lambda n, at, i: Incident(n, at, lambda: None)[i],
        n=5,
        at=3,
        i=3,
    ),
    case(
        Counting,
        "i.negative i.none: answer",
        "i.type: error answer",
        call_=lambda n, i: Counting(n)[i],
        n=5,
        i=2,
    ),
    case(
        Noisy,
        "n.inf seed.type: error answer",
        "seed.inf fraction seed.nan seed.negative seed.none i.none: answer",
        call_=lambda n, seed, i: Noisy(n, seed)[i],
        n=5,
        seed=1,
        i=2,
    ),
    case(
        Stream, "none: answer", call_=lambda n: (list(Stream(n)), len(Stream(n))), n=5
    ),
    case(
        ShardedStream,
        "none: answer",
        call_=lambda n: (list(ShardedStream(n)), len(ShardedStream(n))),
        n=5,
    ),
    case(
        EpochNoise,
        "nan inf negative none fraction type: answer",
        call_=lambda seed, epoch, i: EpochNoise(seed)[epoch, i],
        seed=1,
        epoch=2,
        i=3,
    ),
    case(
        loader_schedule,
        "loads.none train.none workers.none prefetch.nan prefetch.fraction: answer",
        "loads.inf train.inf: error propagates",
        "prefetch.inf: error answer",
        "train.huge: answer overflows",
        loads=[1.0, 2.0, 1.5],
        train=0.5,
        workers=2,
        prefetch=2,
    ),
    case(anatomy, "nan device: answer", module=nn.Linear(2, 1)),
    case(reach, "nan device: answer", module=nn.Linear(2, 1)),
    case(
        Linear,
        "n_out.none half complex: answer",
        "empty: error answer",
        "x.nan x.inf: propagates",
        call_=lambda n_in, n_out, x, generator: Linear(n_in, n_out, generator).to(
            x.dtype
        )(x),
        shapes_="x (..., n_in), result (..., n_out)",
        n_in=2,
        n_out=3,
        x=X,
        generator=SEED,
    ),
    case(
        activation_shapes,
        "nan inf: answer",
        "shape empty: error answer",
        net=nn.Sequential(nn.Linear(2, 3), nn.ReLU()),
        x=X,
        shapes_="x (n, 2)",
    ),
    case(
        TensorBatches,
        "X.empty: error answer",
        "X.nan y.nan X.inf y.inf: propagates",
        "whole half complex mixed: answer",
        call_=lambda X, y, **how: list(TensorBatches(X, y, **how)),
        shapes_="X (n, ...), y (n, ...)",
        X=X,
        y=y,
        batch_size=3,
        generator=SEED,
    ),
    case(
        count_rows,
        "X.empty: error answer",
        "nan inf whole half complex mixed: answer",
        call_=lambda X, y: count_rows(X, y),
        shapes_="X (n, ...), y (n, ...)",
        X=X,
        y=y,
    ),
    case(
        WholeBatches,
        "X.empty type: error answer",
        "X.nan y.nan X.inf y.inf: answer propagates",
        "whole half complex mixed none negative fraction: answer",
        call_=lambda X, y, rows: WholeBatches(X, y).__getitems__(rows),
        shapes_="X (n, ...), y (n, ...)",
        X=X,
        y=y,
        rows=[0, 3],
    ),
    case(
        Timer,
        "clock.nan clock.inf: propagates",
        "wait.nan wait.inf wait.shape: answer",
        call_=timed,
        clock=lambda: 1.0,
        wait=lambda: None,
    ),
    case(
        best_time,
        "f.nan f.inf shape: answer",
        call_=lambda f, repeats: best_time(f, repeats) < 1,
        f=lambda: None,
        repeats=2,
    ),
    case(add_in_a_loop, "a.device: answer", "nan inf: propagates", a=y, b=y.flip(0)),
    case(balanced_weights, "inf whole half: answer", y=LABELS),
    case(
        fit_logistic,
        "X.empty X.half: error answer",
        "X.nan weights.nan X.inf weights.inf: error propagates",
        "y.half weights.half mixed weights.whole: answer",
        X=torch.cat([X, X]),
        y=torch.cat([LABELS, 1 - LABELS]),
        weights=torch.cat([y, y.flip(0)]).abs(),
        near_=100,
    ),
    case(
        precision_recall,
        "score.inf whole half mixed negative none: answer",
        "threshold.inf: answer propagates",
        "score.tiny zero: answer nan",
        "threshold.huge: nan",
        score=y,
        y=LABELS,
        threshold=0.5,
    ),
    case(
        prior_correction,
        "empty device half complex: answer",
        "logit.nan logit.inf: propagates",
        "whole: error answer",
        logit=y,
        share=0.1,
        drawn=0.5,
    ),
]
