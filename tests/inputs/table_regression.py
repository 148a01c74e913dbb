"""Bad input to the functions of part two, Regression, and what must come of it."""

import torch
from torch import nn

from firstdescent.regression.closed_form import gram, normal_equations, solve_gram
from firstdescent.regression.coefficients import (
    coef_table,
    fit_matrix,
    t_quantile,
    vif,
    with_ones,
)
from firstdescent.regression.concise import load_array, train_concise
from firstdescent.regression.conditioning import (
    by_cholesky,
    by_inverse,
    by_qr,
    by_svd,
    check_problem,
    condition,
    ill_conditioned,
    inverse_triangle,
)
from firstdescent.regression.from_scratch import (
    data_iter,
    sgd_,
    synthetic_linear,
    train,
)
from firstdescent.regression.house_prices import (
    fair_price,
    make_houses,
    predict,
    squared_loss,
    standardise,
)
from firstdescent.regression.interpretability import (
    contributions,
    permutation_importance,
    slice_report,
)
from firstdescent.regression.rank_deficiency import (
    check_labels,
    min_norm,
    ridge,
    row_space_projection,
    visible_directions,
)
from firstdescent.regression.robust_errors import bootstrap, robust_se
from tests.inputs.driver import case
from tests.inputs.spoil import SEED

A = torch.tensor([[1.0, 2], [3, -1], [2, 5], [-2, 1], [4, 3], [1, -3], [5, 1]])
y = torch.tensor([1.0, 4, -2, 3, 5, 2, -1])
HOUSES = torch.tensor([[2.0, 1, 60], [3, 2, 95], [4, 2, 130], [1, 1, 40]])
RECORDS = ["regression.coefficients.CoefTable", "regression.interpretability.Slice"]
WITHOUT_INPUT = []


def updated(w, g, lr):
    """The parameter w with the gradient g, after a step of `sgd_`."""
    w.grad = g
    sgd_([w], lr)
    return w


def trained(net, X, y, lr, epochs):
    optimiser = torch.optim.SGD(net.parameters(), lr=lr)
    return train_concise(net, [(X, y)], nn.MSELoss(), optimiser, epochs)


CASES = [
    case(gram, A=A, y=y),
    case(solve_gram, M=gram(A, y)),
    case(normal_equations, A=A, y=y),
    case(with_ones, "empty device whole half: answer", "nan inf: propagates", X=A),
    case(fit_matrix, "empty: error answer", A=A),
    case(coef_table, "A.empty: error answer", "y.tiny: answer underflows", A=A, y=y),
    case(t_quantile, p=0.975, df=4),
    case(vif, "empty whole: error answer", X=A),
    case(
        load_array,
        "X.empty batch_size.type: error answer",
        "device whole half complex mixed: answer",
        "X.nan y.nan X.inf y.inf: propagates",
        call_=lambda X, y, batch_size, generator: list(
            load_array((X, y), batch_size, True, generator)
        ),
        shapes_="X (n, ...), y (n, ...)",
        X=A,
        y=y,
        batch_size=3,
        generator=SEED,
    ),
    case(
        train_concise,
        "net.nan X.nan y.nan lr.nan X.inf y.inf X.huge: spent",
        "lr.inf: error spent",
        "lr.huge: error spent answer",
        "y.whole y.half y.mixed none: answer",
        call_=trained,
        net=nn.Linear(2, 1),
        X=A,
        y=y[:, None],
        lr=0.01,
        epochs=2,
        shapes_="X (m, d), y (m, 1)",
    ),
    case(check_problem, A=A, y=y),
    case(by_inverse, A=A, y=y),
    case(by_cholesky, A=A, y=y),
    case(
        inverse_triangle,
        "complex none fraction: answer",
        R=torch.tensor([[2.0, 1], [0, 3]]),
        n=7,
    ),
    case(by_qr, A=A, y=y),
    case(by_svd, A=A, y=y),
    case(condition, "zero: answer overflows", A=A),
    case(ill_conditioned, n=4, p=3, kappa=100.0, generator=SEED),
    case(
        synthetic_linear,
        "w.nan b.nan w.inf b.inf: propagates",
        "half b.negative b.none sigma.none: answer",
        "b.huge sigma.huge: answer overflows",
        "b.type: error answer",
        w=y[:3],
        b=4.0,
        n=5,
        sigma=0.1,
        generator=SEED,
    ),
    case(
        data_iter,
        "X.empty: error answer",
        "device whole half complex mixed: answer",
        "X.nan y.nan X.inf y.inf: propagates",
        call_=lambda **args: list(data_iter(**args)),
        shapes_="X (n, ...), y (n, ...)",
        batch_size=3,
        X=A,
        y=y,
        generator=SEED,
    ),
    case(
        sgd_,
        "w.nan g.nan w.inf g.inf: propagates",
        "lr.huge: answer overflows",
        call_=updated,
        shapes_="w (n, d), g (n, d)",
        w=A,
        g=A.flip(0),
        lr=0.1,
    ),
    case(
        train,
        "X.empty y.whole: error answer",
        "half mixed epochs.none start.none start.negative: answer",
        X=A,
        y=y,
        lr=0.01,
        batch_size=3,
        epochs=2,
        generator=SEED,
        start=0.5,
    ),
    case(
        fair_price,
        "empty: error answer",
        "device whole half: answer",
        "nan inf: propagates",
        X=HOUSES,
    ),
    case(make_houses, n=5, generator=SEED),
    case(standardise, "empty whole: error answer", "half: answer", X=A),
    case(
        predict,
        "X.empty: error answer",
        "nan inf: propagates",
        "b.whole b.half b.complex b.mixed: answer",
        X=A,
        w=y[:2],
        b=y[2],
    ),
    case(
        squared_loss,
        "nan inf: propagates",
        "huge: overflows",
        "whole: error answer",
        "half complex mixed: answer",
        y_hat=y,
        y=y.flip(0),
    ),
    case(
        contributions,
        "nan inf: propagates",
        "w.whole half complex mixed: answer",
        "X.whole mean.whole X.empty: error answer",
        w=y[:2],
        X=A,
        mean=y[1:3],
    ),
    case(
        slice_report,
        "huge: answer overflows",
        "half: answer",
        "type: error nan",
        "word: nan",
        residual=y,
        group=list("abcabca"),
    ),
    case(
        permutation_importance,
        "X.whole half complex mixed: answer",
        "y.whole groups.none groups.type: error answer",
        model=lambda X: X.sum(1),
        X=A,
        y=y,
        generator=SEED,
        groups=[[0], [0, 1]],
        repeats=3,
    ),
    case(visible_directions, "none: answer", "type: error answer", A=A, rcond=1e-5),
    case(
        check_labels,
        "A.shape A.empty: error answer",
        "A.device A.nan A.inf: answer",
        A=A,
        y=y,
    ),
    case(min_norm, "none: answer", "type: error answer", A=A, y=y, rcond=1e-5),
    case(row_space_projection, "none: answer", "type: error answer", A=A, rcond=1e-5),
    case(ridge, "none: answer", A=A, y=y, penalty=0.5),
    case(bootstrap, A=A, y=y, times=3, generator=SEED),
    case(robust_se, "A.empty: error answer", A=A, y=y),
]
