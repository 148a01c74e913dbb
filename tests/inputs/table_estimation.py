"""Bad input to the functions of part three, Estimation, and what must come of it."""

import torch

from firstdescent.estimation.gaussian_mle import (
    check_sigma,
    gaussian_nll,
    normal_pdf,
    sigma2_hat,
)
from firstdescent.estimation.laplace_robust import (
    best_proved,
    corner,
    laplace_nll,
    laplace_noise,
    least_absolute,
    scaled_table,
    subgradient_path,
    through_points,
)
from firstdescent.estimation.outliers import (
    absolute_start,
    huber_fit,
    huber_gap,
    huber_weight,
    in_old_units,
    least_trimmed,
    leverage,
    noise_scale,
    start_scale,
    student_t_fit,
    t_nll,
    t_weight,
    weighted_fit,
)
from firstdescent.estimation.priors_variance import (
    bias_variance,
    check_scales,
    log_evidence,
    posterior,
)
from firstdescent.estimation.probability import (
    bayes,
    check_probs,
    conditional,
    is_independent,
    marginals,
    running_mean,
)
from firstdescent.estimation.unequal_noise import (
    fit_unequal,
    noise_step,
    unequal_nll,
    weighted_least_squares,
)
from tests.inputs.driver import case
from tests.inputs.spoil import SEED

A = torch.tensor([[1.0, 2], [3, -1], [2, 5], [-2, 1], [4, 3], [1, -3], [5, 1]])
y = torch.tensor([1.0, 4, -2, 3, 5, 2, -1])
JOINT = torch.tensor([[0.125, 0.25, 0.125], [0.25, 0.125, 0.125]])
LONG = torch.tensor([1.5, -2, 0.5, 3, -1, 2, -0.5, 1, -3, 2.5, 0.25, -1.5])
ONES = torch.stack([LONG, torch.ones(12)], 1)
LABELS = 2 * LONG + torch.tensor(
    [0.3, -1, 2, 0.7, -0.2, 1.4, -2, 0.1, 0.9, -0.6, 1, -1.2]
)
S = torch.stack([torch.ones(12), LONG.abs()], 1)
RECORDS = ["estimation.outliers.RobustFit", "estimation.unequal_noise.UnequalFit"]
WITHOUT_INPUT = []


CASES = [
    case(
        check_sigma,
        "empty values.nan values.inf mixed sigma.whole sigma.half: answer",
        values=y,
        sigma=y.abs(),
    ),
    case(
        normal_pdf,
        "x.inf mu.inf mixed mu.whole sigma.whole mu.half sigma.half: answer",
        x=y,
        mu=y.flip(0),
        sigma=y.abs(),
        shapes_="x (any), mu (any), sigma (any)",
    ),
    case(
        gaussian_nll,
        "mixed sigma.whole sigma.half: answer",
        r=torch.stack([y, y.flip(0)]),
        sigma=torch.tensor([1.0, 2]),
    ),
    case(
        sigma2_hat,
        "A.empty: error answer",
        "negative none: answer",
        A=A,
        y=y,
        correction=2,
    ),
    case(laplace_noise, "n.none: answer", n=5, scale=2.0, generator=SEED),
    case(laplace_nll, "half: answer", r=y, scale=1.5),
    case(scaled_table, A=A, y=y),
    case(through_points, A=A, y=y),
    case(
        corner,
        "A.nan A.inf: propagates",
        "y.nan y.inf: answer propagates",
        "A.zero: answer nan",
        "y.shape range: error answer",
        A=A,
        y=y,
        rows=torch.tensor([0, 3]),
    ),
    case(
        best_proved,
        "y.half u.half y.mixed u.mixed: answer",
        "nan inf: propagates",
        "y.whole u.whole: error answer",
        call_=lambda A, y, theta, u: best_proved(A, y, [(theta, u), (-theta, u)]),
        A=A,
        y=y,
        theta=y[:2],
        u=y.flip(0) / 5,
    ),
    case(least_absolute, A=A, y=y, tol=1e-4, steps=500),
    case(
        subgradient_path,
        "half start.negative start.none steps.none: answer",
        y=y,
        start=0.5,
        lr=0.1,
        steps=3,
    ),
    case(
        huber_weight, "empty device u.inf half: answer", "u.nan: propagates", u=y, c=1.5
    ),
    case(t_weight, "empty device u.inf half: answer", "u.nan: propagates", u=y, nu=3.0),
    case(noise_scale, "none: answer", r=y, fitted=2),
    case(
        weighted_fit,
        "whole half w.mixed w.complex: answer",
        "A.mixed y.mixed: error answer",
        A=A,
        y=y,
        w=y.abs(),
    ),
    case(
        start_scale,
        "y.half y.mixed: answer",
        call_=lambda A, y, theta: start_scale(A, y, theta, y.dtype),
        A=A,
        y=y,
        theta=y[:2],
    ),
    case(absolute_start, call_=lambda A, y: absolute_start(A, y, y.dtype), A=A, y=y),
    case(
        huber_gap,
        "r.nan u.nan r.inf u.inf: propagates",
        "whole: error answer",
        "half complex mixed: answer",
        r=y,
        u=y / 3,
        c=1.5,
    ),
    case(huber_fit, A=A, y=y, c=1.345, tol=1e-6, steps=500),
    case(
        in_old_units,
        "y.half y.mixed weights.device: answer",
        "weights.nan weights.inf: propagates",
        y=y,
        units=y[:2],
        z=y[1:3],
        scale=y[3],
        weights=y.abs(),
        dtypes_=[torch.float64],
    ),
    case(t_nll, "half: answer", r=y, scale=1.5, nu=3.0),
    case(
        student_t_fit,
        "start.whole start.half start.mixed: answer",
        A=A,
        y=y,
        nu=3.0,
        start=y[:2] / 4,
        tol=1e-6,
        steps=500,
    ),
    case(leverage, "empty: error answer", A=A),
    case(
        least_trimmed,
        "keep.type: error answer",
        A=A,
        y=y,
        generator=SEED,
        keep=5,
        tries=50,
    ),
    case(check_scales, sigma=1.5, tau=2.0),
    case(posterior, A=A, y=y, sigma=1.5, tau=2.0),
    case(bias_variance, "penalty.none: answer", A=A, w=y[:2], sigma=1.5, penalty=0.5),
    case(log_evidence, A=A, y=y, sigma=1.5, tau=2.0),
    case(check_probs, p=JOINT),
    case(marginals, joint=JOINT),
    case(conditional, "none: answer", joint=JOINT, dim=1),
    case(is_independent, "none: answer", joint=JOINT, atol=0.01),
    case(
        bayes,
        "none: answer",
        prior=JOINT[0] * 2,
        likelihood=torch.tensor(
            [[0.5, 0.25, 0.125, 0.125], [0.25] * 4, [0.125, 0.125, 0.5, 0.25]]
        ),
        observed=1,
    ),
    case(running_mean, "empty: error answer", x=A.T),
    case(
        weighted_least_squares,
        "A.empty y.mixed: error answer",
        "y.tiny: answer underflows",
        "y.whole y.half: answer",
        A=A,
        y=y,
        weight=y.abs(),
    ),
    case(
        unequal_nll,
        "r.huge: overflows",
        "log_sigma.huge: answer overflows",
        "mixed log_sigma.half log_sigma.complex: answer",
        "log_sigma.whole: error answer",
        r=y,
        log_sigma=y.flip(0),
    ),
    case(noise_step, phi=y[:2] / 10, r=LABELS, S=S),
    case(
        fit_unequal,
        "A.empty S.empty: error answer",
        A=ONES,
        y=LABELS,
        S=S,
        steps=500,
        near_=100,
    ),
]
