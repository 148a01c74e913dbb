"""Bad input to part five, From linear to deep, and what must come of it."""

import tempfile
from pathlib import Path

import torch
from torch import nn

from firstdescent.deep.activations_mlp import (
    adam_steps,
    bends,
    check_together,
    dead_units,
    mlp,
    slopes,
    spirals,
    train_together,
)
from firstdescent.deep.backprop import (
    backward,
    check_network,
    forward,
    node_table,
    saved_bytes,
)
from firstdescent.deep.concept_drift import (
    alarm_step,
    check_stream,
    labels_needed,
    online_sgd,
    same,
    track_error,
    turning_stream,
    window_fit,
)
from firstdescent.deep.distribution_shift import (
    auc,
    density_ratio,
    domain_logits,
    doubled_ranks,
    effective_size,
    permutation_p,
)
from firstdescent.deep.dropout import check_rate, dropout, dropout_ridge, mc_dropout
from firstdescent.deep.house_table import (
    Encoder,
    as_csv,
    as_number,
    cell_kind,
    check_names,
    column,
    column_kinds,
    draw_words,
    fair_log_price,
    fit_ridge,
    lose_frontage,
    make_complete,
    make_table,
    parse_table,
    read_cells,
    read_kaggle,
    read_table,
    rmsle,
    smearing,
)
from firstdescent.deep.init_stability import (
    check_counts,
    check_output,
    check_probe,
    depth_probe,
    he_std,
    rms,
    summary,
    xavier_std,
)
from firstdescent.deep.kfold_houses import (
    check_fold,
    check_tables,
    cross_val,
    group_kfold,
    held_out,
    inverse_gram,
    kfold,
    loo_residuals,
    mean_of_largest,
)
from firstdescent.deep.label_shift import (
    class_means,
    confusion,
    count_labels,
    em_shares,
    label_shares,
    mixture_se,
    nearest_shares,
    rescale,
)
from firstdescent.deep.softmax import (
    blobs,
    ce_grad,
    check_labels,
    check_scores,
    cross_entropy,
    fit_softmax,
    glyphs,
    log_softmax,
    log_sum_exp,
    softmax,
)
from firstdescent.deep.symmetry import (
    Weights,
    check_training,
    check_weights,
    distinct_units,
    draw_mask,
    permute_units,
    train,
    two_layer,
)
from firstdescent.deep.weight_decay import (
    adam_step,
    check_number,
    check_update,
    decay_groups,
    l2_penalty,
    sgd_step,
    shrink_after,
)
from tests.inputs.driver import case
from tests.inputs.spoil import SEED

A = torch.tensor([[1.0, 2], [3, -1], [2, 5], [-2, 1], [4, 3], [1, -3], [5, 1]])
y = torch.tensor([1.0, 4, -2, 3, 5, 2, -1])
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0])
SCORES = torch.tensor(
    [[1.0, 2, 0], [3, -1, 1], [2, 5, -2], [-2, 1, 4], [4, 3, 2], [1, -3, 0], [5, 1, 2]]
)
W1 = torch.tensor([[0.5, -1], [1, 0.25], [-0.5, 2], [1.5, 1]])
W2 = torch.tensor([[0.5, -1, 0.25, 1], [1, 0.5, -0.5, 0.25], [-1, 2, 0.75, 0.5]])
NET = Weights(W1, W1[:, 0] / 2, W2[:1], y[:1])
FOLDS = [
    ([2, 3, 4, 5, 6], [0, 1]),
    ([0, 1, 4, 5, 6], [2, 3]),
    ([0, 1, 2, 3], [4, 5, 6]),
]
C = torch.tensor([[0.75, 0.125, 0.25], [0.125, 0.5, 0.25], [0.125, 0.375, 0.5]])
PROBS = torch.tensor(
    [
        [0.5, 0.25, 0.25],
        [0.125, 0.75, 0.125],
        [0.25, 0.25, 0.5],
        [0.75, 0.125, 0.125],
        [0.125, 0.375, 0.5],
    ]
)
HOUSE = {
    "area": 90.0,
    "bathrooms": 1.0,
    "frontage": 12.0,
    "built": 1990.0,
    "garage": 20.0,
    "neighbourhood": "Hills",
    "heating": "gas",
}
ROWS = [
    {"area": 90.0, "heating": "gas"},
    {"area": 60.0, "heating": "wood"},
    {"area": 75.5, "heating": "gas"},
]
RECORDS = [
    "deep.backprop.Cache",
    "deep.backprop.Gradients",
    "deep.concept_drift.Run",
    "deep.init_stability.Probe",
    "deep.symmetry.Weights",
]
WITHOUT_INPUT = [
    "deep.softmax.glyph_shapes",
    "deep.backprop.LiveBytes",
]


def nets():
    return [mlp([2, 4, 3], torch.Generator().manual_seed(k)) for k in range(2)]


def from_file(text, **how):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "table.csv").write_text(text, encoding="utf-8")
        return read_table(Path(folder, "table.csv"), **how)


def from_files(train, test):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "train.csv").write_text(train, encoding="utf-8")
        Path(folder, "test.csv").write_text(test, encoding="utf-8")
        return read_kaggle(folder)


def together(function):
    """A call with two networks in the dtype of X."""

    def call(X, y, **how):
        two = [net.to(X.dtype) if X.is_floating_point() else net for net in nets()]
        return function(two, X, y, **how)

    return call


def adam(w, g, lr, steps):
    w = w.requires_grad_()
    adam_steps(lambda: (w * g).sum(), [w], lr, steps)
    return w.detach()


def slopes_by_hand(W1, W2, X, y, lam):
    return backward(forward(W1, W2, X, y, lam)[1])


def encoded(rows, new):
    return Encoder("price").fit([{**row, "price": 1.0} for row in rows]).transform(new)


def trained(X, y, net, steps, batch_size, rate, generator):
    how = {"batch_size": batch_size, "rate": rate, "generator": generator}
    return train(net, X, y, lambda net: torch.optim.SGD(net, lr=0.01), steps, **how)


X3 = torch.stack([A, A.flip(0)])
Y3 = torch.stack([LABELS, LABELS.flip(0)])
CASES = [
    case(
        spirals,
        "noise.none: answer",
        "huge: answer overflows",
        near_=0,
        n=5,
        generator=SEED,
        noise=0.1,
    ),
    case(mlp, sizes=[2, 3, 1], generator=SEED),
    case(
        slopes,
        "nan f.inf: propagates",
        "z.inf empty device half: answer",
        shapes_="z (any), result (any)",
        f=torch.tanh,
        z=y,
    ),
    case(
        bends,
        "nan: error answer",
        net=nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1)),
    ),
    case(
        dead_units,
        "net.nan inf: error answer",
        net=nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)),
        X=A,
        shapes_="X (n, 2)",
    ),
    case(
        check_together,
        "X.shape: error answer",
        "half: answer",
        call_=together(check_together),
        X=X3,
        y=Y3,
        shapes_="X (2, n, 2), y (2, n)",
    ),
    case(
        adam_steps,
        "w.nan w.inf: propagates",
        "half mixed g.whole steps.none: answer",
        "lr.huge: answer overflows",
        call_=adam,
        w=y,
        g=y.flip(0),
        lr=0.1,
        steps=2,
        shapes_="w (any), g (any)",
    ),
    case(
        train_together,
        "half: error answer",
        "steps.none: answer",
        call_=together(train_together),
        near_=100,
        X=X3,
        y=Y3,
        lr=0.01,
        steps=2,
        shapes_="X (2, n, 2), y (2, n)",
    ),
    case(check_network, "none: answer", W1=W1, W2=W2, X=A, y=LABELS, lam=0.1),
    case(forward, "none: answer", W1=W1, W2=W2, X=A, y=LABELS, lam=0.1),
    case(
        backward,
        "none: answer",
        call_=slopes_by_hand,
        shapes_="W1 (h, d), W2 (k, h), X (n, d), y (n,)",
        W1=W1,
        W2=W2,
        X=A,
        y=LABELS,
        lam=0.1,
    ),
    case(
        node_table,
        "empty device nan inf half complex: answer",
        call_=lambda x: node_table((x.requires_grad_() ** 2).sum(), {"x": x}),
        x=y,
        shapes_="x (any)",
    ),
    case(
        saved_bytes,
        "empty device nan inf half complex: answer",
        call_=lambda x: saved_bytes(lambda: x.requires_grad_() ** 2, [x]),
        x=y,
        shapes_="x (any)",
    ),
    case(turning_stream, "whole half: answer", angle=y, streams=3, generator=SEED),
    case(
        labels_needed,
        "before.none: answer",
        before=0.1,
        after=0.4,
        false_alarm=0.05,
        miss=0.2,
    ),
    case(
        alarm_step,
        "empty limit.inf: error answer",
        "whole half limit.fraction: answer",
        wrong=(A > 1).double(),
        window=3,
        limit=2,
    ),
    case(check_stream, "X.empty: error answer", X=A, y=y),
    case(
        same, "empty device whole half complex: answer", "nan inf: propagates", score=y
    ),
    case(
        online_sgd,
        "none start.whole start.half start.mixed: answer",
        X=A,
        y=y,
        lr=0.01,
        start=y[:2],
    ),
    case(window_fit, "X.empty: error answer", X=A, y=y, length=4),
    case(
        track_error,
        "speed.negative speed.none noise.none length.none fraction: answer",
        lr=0.1,
        speed=0.05,
        noise=0.5,
        d=2,
        length=1.5,
    ),
    case(
        domain_logits,
        "whole half mixed none: answer",
        source=A,
        target=A + 1,
        at=A[:3],
        penalty=0.5,
    ),
    case(
        density_ratio,
        "whole half mixed none: answer",
        source=A,
        target=A + 1,
        at=A[:3],
        penalty=0.5,
    ),
    case(effective_size, "whole half: answer", w=y.abs()),
    case(doubled_ranks, "inf: answer", source=y, target=y[:4] + 1),
    case(auc, "inf: answer", source=y, target=y[:4] + 1),
    case(
        permutation_p,
        "source.inf target.inf: answer",
        source=y,
        target=y[:4] + 1,
        generator=SEED,
        times=9,
    ),
    case(check_rate, "none: answer", p=0.5),
    case(
        dropout,
        "empty device half none: answer",
        "x.nan x.inf: answer propagates",
        shapes_="x (any), result (any)",
        x=y,
        p=0.5,
        training=True,
        generator=SEED,
    ),
    case(dropout_ridge, "none: answer", X=A, y=y, p=0.5),
    case(
        mc_dropout,
        "net.nan x.nan x.inf: propagates",
        "empty: answer",
        "huge: answer overflows",
        near_=0,
        net=nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5)),
        x=A,
        times=3,
        shapes_="x (n, 2)",
    ),
    case(
        fair_log_price,
        "none type negative: error answer",
        "nan inf: error propagates",
        row=HOUSE,
    ),
    case(
        draw_words,
        "shares.none shares.type shares.nan shares.inf shares.negative: error answer",
        "n.none: answer",
        shares={"a": (0.25, 1.0), "b": (0.75, 2.0)},
        n=4,
        generator=SEED,
    ),
    case(make_complete, n=3, generator=SEED),
    case(
        lose_frontage,
        "none rows.type: error answer",
        "nan: propagates",
        "inf: answer propagates",
        "negative word: answer",
        rows=[HOUSE, HOUSE],
        generator=SEED,
    ),
    case(make_table, n=3, generator=SEED),
    case(as_csv, "none type: error answer", "negative word: answer", rows=ROWS),
    case(as_number, "word: answer", cell="2.5"),
    case(read_cells, text="area,heating\n90,gas\n60,wood\n"),
    case(
        check_names,
        "none type word: answer",
        call_=lambda missing: check_names(missing=missing),
        missing=["NA"],
    ),
    case(
        parse_table,
        "none missing.word: answer",
        "missing.type: error answer",
        text="area,heating\n90,gas\n60,wood\n",
        numbers=["area"],
        words=["heating"],
        missing=["NA"],
    ),
    case(
        read_table,
        "none missing.word: answer",
        "missing.type: error answer",
        call_=from_file,
        text="area,heating\n90,gas\n60,wood\n",
        numbers=["area"],
        words=["heating"],
        missing=["NA"],
    ),
    case(
        read_kaggle,
        call_=from_files,
        train="MSSubClass,LotArea,Alley,SalePrice\n20,9000,NA,200000\n60,,Pave,150000\n",
        test="MSSubClass,LotArea,Alley\n20,8000,Grvl\n",
    ),
    case(column_kinds, "none type: error answer", "negative word: answer", rows=ROWS),
    case(
        cell_kind,
        "negative none where.type word: answer",
        "cell.type: error answer",
        cell=2.5,
        where="row 0",
    ),
    case(
        column,
        "none type: error answer",
        "negative word: answer",
        call_=lambda rows: column(rows, "area"),
        rows=ROWS,
    ),
    case(
        Encoder,
        "none type: error answer",
        "negative word: answer",
        call_=encoded,
        rows=ROWS,
        new=ROWS[:2],
    ),
    case(fit_ridge, "none: answer", X=A, y=y, penalty=0.5),
    case(rmsle, "whole half mixed: answer", price_hat=y.abs(), price=y.flip(0).abs()),
    case(
        smearing,
        "inf whole: error answer",
        "half mixed: answer",
        log_hat=y,
        log_price=y.flip(0),
    ),
    case(check_counts, call_=lambda n: check_counts(n=n), n=3),
    case(xavier_std, n_in=3, n_out=4),
    case(he_std, n_in=3),
    case(
        rms,
        "empty: error answer",
        "device half complex: answer",
        "nan inf: propagates",
        t=A,
    ),
    case(
        check_probe,
        "bias_std.none: answer",
        generator=SEED,
        weight_std=0.5,
        bias_std=0.5,
    ),
    case(
        check_output,
        "device nan inf: answer",
        call_=lambda h, z: check_output(h.requires_grad_(), z),
        h=A,
        z=A,
        shapes_="h (n, d), z (n, d)",
    ),
    case(
        depth_probe,
        "bias_std.none: answer",
        activation=torch.tanh,
        weight_std=0.5,
        depth=2,
        width=3,
        generator=SEED,
        bias_std=0.1,
        draws=2,
        batch=2,
    ),
    case(
        summary,
        "half complex mixed: answer",
        call_=lambda h, d, o: summary([h], (d,), [o]),
        h=X3,
        d=X3 / 2,
        o=X3 + 1,
        shapes_="h and d and o (draws, batch, width)",
    ),
    case(kfold, n=7, k=3, generator=SEED),
    case(
        group_kfold,
        "groups.none groups.type: error answer",
        "groups.inf groups.negative: answer",
        groups=[1.0, 1.0, 2.0, 3.0, 3.0],
        k=2,
        generator=SEED,
    ),
    case(
        check_fold,
        "train.none n.inf: error answer",
        "n.fraction: answer",
        train=[0, 1, 4],
        valid=[2, 3],
        n=5,
    ),
    case(
        cross_val,
        "score.shape rows.negative: answer",
        "none: error answer",
        fit=lambda rows: sum(rows) / len(rows),
        score=lambda model, rows: (torch.tensor(rows) - model).square().mean(),
        rows=[1.0, 2.0, 4.0, 3.0],
        folds=[([0, 1], [2, 3]), ([2, 3], [0, 1])],
    ),
    case(check_tables, "none: answer", A=A, y=y, penalty=0.5),
    case(
        inverse_gram,
        "A.empty: error answer",
        "mixed penalties.whole penalties.half: answer",
        A=A,
        penalties=y[:2].abs(),
    ),
    case(
        held_out,
        "folds.none: error answer",
        "penalty.none: answer",
        A=A,
        y=y,
        folds=FOLDS,
        penalty=0.5,
    ),
    case(loo_residuals, "none: answer", A=A, y=y, penalty=0.5),
    case(mean_of_largest, m=5),
    case(count_labels, labels=LABELS, k=3),
    case(confusion, predicted=LABELS.flip(0), y=LABELS, k=3),
    case(label_shares, "half: answer", C=C, predicted=LABELS),
    case(nearest_shares, "half: answer", p=y / 10),
    case(rescale, "half mixed: answer", P=PROBS, w=y[:3].abs()),
    case(
        em_shares,
        "half mixed: answer",
        "tol.inf: error answer",
        P=PROBS,
        q=torch.tensor([0.25, 0.25, 0.5]),
        tol=1e-3,
        steps=1000,
        near_=100,
    ),
    case(class_means, "half: answer", values=y, y=LABELS, k=3),
    case(
        mixture_se,
        "source.whole half mixed: answer",
        "target.huge: answer overflows",
        "p.huge: overflows",
        source=y,
        y=LABELS,
        target=y[:5],
        p=PROBS[0],
    ),
    case(check_scores, "empty inf: error answer", o=SCORES),
    case(
        check_labels,
        call_=lambda y: check_labels(y, (7, 3)),
        y=LABELS,
        shapes_="y (7,)",
    ),
    case(log_sum_exp, "empty inf: error answer", o=SCORES),
    case(log_softmax, "empty: error answer", "inf: error propagates", o=SCORES),
    case(softmax, "empty inf: error answer", o=SCORES),
    case(cross_entropy, "inf: error answer propagates", o=SCORES, y=LABELS),
    case(ce_grad, "inf: error answer", o=SCORES, y=LABELS),
    case(
        fit_softmax,
        "X.empty: error answer",
        "steps.none: answer",
        X=A,
        y=LABELS,
        classes=3,
        lr=0.1,
        steps=3,
    ),
    case(blobs, n=5, priors=[0.25, 0.5, 0.25], generator=SEED),
    case(glyphs, "none: answer", n=3, generator=SEED),
    case(check_weights, net=NET),
    case(
        two_layer,
        "X.empty net.whole net.half net.complex net.mixed: error answer",
        "nan: propagates",
        "inf: answer propagates",
        X=A,
        net=NET,
    ),
    case(
        draw_mask,
        "empty device like.nan like.inf whole half complex none: answer",
        like=y,
        n=3,
        rate=0.5,
        generator=SEED,
    ),
    case(
        check_training,
        "batch_size.type: error answer",
        "generator.type rate.none: answer",
        X=A,
        y=y,
        net=NET,
        steps=2,
        batch_size=3,
        rate=0.5,
        generator=SEED,
    ),
    case(
        train,
        "batch_size.type: error answer",
        "rate.none: answer",
        call_=trained,
        X=A,
        y=y,
        net=NET,
        steps=2,
        batch_size=3,
        rate=0.5,
        generator=SEED,
    ),
    case(
        distinct_units,
        "shape atol.inf: error answer",
        "none: answer",
        net=NET,
        atol=0.1,
    ),
    case(
        permute_units,
        "order.none signs.type: error answer",
        "signs.negative: answer",
        net=NET,
        order=[2, 0, 1, 3],
        signs=[1, -1, 1, 1],
    ),
    case(
        check_number,
        "none: answer",
        call_=lambda value: check_number("lr", value),
        value=0.5,
    ),
    case(
        l2_penalty,
        "empty device half mixed none: answer",
        "w.nan v.nan w.inf v.inf: propagates",
        "w.huge v.huge: overflows",
        "lam.huge: answer overflows",
        call_=lambda w, v, lam: l2_penalty([w, v], lam),
        w=y,
        v=A,
        lam=0.5,
        shapes_="w (any), v (any)",
    ),
    case(
        check_update,
        "lam.none: answer",
        w=y,
        call_=lambda w, g, lr, lam: check_update(w, g, lr=lr, lam=lam),
        g=y,
        lr=0.1,
        lam=0.1,
        shapes_="w (n,), g (n,)",
    ),
    case(
        sgd_step,
        "lr.huge lam.huge: answer overflows",
        "lam.none momentum.none: answer",
        w=y,
        g=y.flip(0),
        v=y / 2,
        lr=0.1,
        lam=0.1,
        momentum=0.5,
        shapes_="w (n,), g (n,), v (n,)",
    ),
    case(
        adam_step,
        "lam.none: answer",
        w=y,
        g=y.flip(0),
        m=y / 2,
        v=y.abs(),
        t=2,
        lr=0.1,
        lam=0.1,
        shapes_="w (n,), g (n,), m (n,), v (n,)",
    ),
    case(shrink_after, "none: answer", lrs=[0.1, 0.2], lam=0.5),
    case(
        decay_groups,
        "model.nan: propagates",
        "device none: answer",
        model=nn.Linear(2, 1),
        lam=0.5,
    ),
]
