"""The formulas of docs/en/deep/dropout.md, step by step."""

from itertools import product

import sympy as sp
import torch

from firstdescent.deep.dropout import dropout_ridge

P = sp.Symbol("p", positive=True)
MASKS = list(product((0, 1), repeat=3))


def mean(f):
    """The mean of f(mask) over all masks of three coins."""
    chance = [(1 - P) ** sum(m) * P ** (3 - sum(m)) for m in MASKS]
    return sum(c * f(m) for c, m in zip(chance, MASKS, strict=True))


def test_the_mean_stays_and_the_variance_is_p_over_1_minus_p(page_says):
    page_says(
        r"\mathbb{E}[\tilde x] = p \cdot 0 + (1 - p)\,\frac{x}{1 - p} = x",
        r"\mathbb{E}[\tilde x^2] = (1 - p)\,\frac{x^2}{(1 - p)^2} "
        r"= \frac{x^2}{1 - p}",
        r"\mathrm{Var}[\tilde x] = \frac{x^2}{1 - p} - x^2 = \frac{p}{1 - p}\,x^2",
    )
    x = sp.Symbol("x")
    first = mean(lambda m: m[0] * x / (1 - P))
    second = mean(lambda m: (m[0] * x / (1 - P)) ** 2)
    assert sp.simplify(first - x) == 0
    assert sp.simplify(second - x**2 / (1 - P)) == 0
    assert sp.simplify(second - first**2 - P / (1 - P) * x**2) == 0


def test_the_mean_over_all_masks_is_the_linear_output(page_says):
    page_says(
        r"\mathbb{E}[v \cdot \tilde h] = \sum_j v_j\, \mathbb{E}[\tilde h_j] "
        r"= v \cdot h"
    )
    v, h = sp.symbols("v1:4"), sp.symbols("h1:4")
    o = mean(
        lambda m: sum(a * b * c for a, b, c in zip(v, m, h, strict=True)) / (1 - P)
    )
    assert sp.simplify(o - sum(a * c for a, c in zip(v, h, strict=True))) == 0


def test_the_mean_squared_error_gains_a_penalty_for_each_weight(page_says):
    page_says(
        r"\mathbb{E}\,\lVert y - \tilde X w \rVert^2 = \lVert y - X w \rVert^2 "
        r"+ \sum_{i,j} w_j^2\, \mathrm{Var}[\tilde x_{ij}]",
        r"= \lVert y - X w \rVert^2 + \sum_j \lambda_j w_j^2",
        r"\lambda_j = \frac{p}{1 - p} \sum_i x_{ij}^2",
    )
    y, w, x = sp.Symbol("y"), sp.symbols("w1:4"), sp.symbols("x1:4")

    def square(m):
        terms = zip(w, m, x, strict=True)
        return (y - sum(a * b * c for a, b, c in terms) / (1 - P)) ** 2

    plain = (y - sum(a * c for a, c in zip(w, x, strict=True))) ** 2
    penalty = sum(P / (1 - P) * c**2 * a**2 for a, c in zip(w, x, strict=True))
    # One row; the rows have coins of their own, and their squares add up.
    assert sp.simplify(mean(square) - plain - penalty) == 0


def test_the_residual_after_dropout_has_the_residual_as_its_mean(page_says):
    page_says(r"$r_i = \tilde x_i \cdot w - y_i$", r"$r_i$ is $x_i \cdot w - y_i$")
    y, w, x = sp.Symbol("y"), sp.symbols("w1:4"), sp.symbols("x1:4")
    r = mean(
        lambda m: sum(a * b * c for a, b, c in zip(w, m, x, strict=True)) / (1 - P) - y
    )
    assert sp.simplify(r - (sum(a * c for a, c in zip(w, x, strict=True)) - y)) == 0


def test_columns_of_length_1_make_one_penalty_for_all(page_says):
    page_says(
        r"$u_j = c_j w_j$", r"the penalty is $\frac{p}{1 - p} \sum_j u_j^2$: usual"
    )
    x, w = sp.symbols("x1:4"), sp.Symbol("w")
    square = sum(v**2 for v in x)  # of the column: c_j^2
    u = sp.sqrt(square) * w
    assert sp.simplify(P / (1 - P) * square * w**2 - P / (1 - P) * u**2) == 0
    assert sp.simplify(x[0] / sp.sqrt(square) * u - x[0] * w) == 0


def test_the_covariance_of_two_outputs_under_dropout(page_says):
    page_says(
        r"$\frac{p}{1-p} \sum_j W_{1j} W_{2j} h_j^2 = \tfrac13 (3 - 4) = -\tfrac13$"
    )
    W, h = ((3, 1), (1, -1)), (1, 2)

    def o(i, m):
        return sum(a * b * c for a, b, c in zip(W[i], m, h, strict=False)) / (1 - P)

    cov = mean(lambda m: o(0, m) * o(1, m))
    cov -= mean(lambda m: o(0, m)) * mean(lambda m: o(1, m))
    terms = [a * b * c**2 for a, b, c in zip(*W, h, strict=True)]
    assert terms == [3, -4]
    assert sp.simplify(cov - P / (1 - P) * sum(terms)) == 0
    assert cov.subs(P, sp.Rational(1, 4)) == -sp.Rational(1, 3)


def test_for_the_logistic_loss_the_penalty_is_a_sum_of_squares_to_second_order():
    """Half of slope times variance, the slope s (1 - s) of the sigmoid at x . w."""
    for score in (0.0, 4.0):  # unsure and confident
        x, w = torch.tensor([1.0, 0.5, -2.0]).double(), torch.tensor([0.3, 1.0, 0.4])
        w, p = w.double() * 1e-3, 0.25
        masks = torch.tensor(MASKS).double()
        chance = torch.where(masks == 1, 1 - p, p).double().prod(dim=1)
        noise = (masks / (1 - p) - 1) * x @ w
        o = torch.tensor(score).double()
        softplus = torch.nn.functional.softplus
        penalty = chance @ softplus(o + noise) - softplus(o)
        slope = o.sigmoid() * (1 - o.sigmoid())
        squares = p / (1 - p) * (x**2 * w**2).sum()
        torch.testing.assert_close(penalty, slope * squares / 2, rtol=5e-3, atol=0)
    assert slope < 0.02  # hardly penalised, against 1/4 for the unsure row


def test_on_average_over_tables_the_shrunk_fit_predicts_1_minus_p_of_the_truth():
    """Uncorrelated columns of mean 0: 0.7 of the truth, however many rows."""
    g = torch.Generator().manual_seed(0)
    truth = torch.tensor([1.0, 2.0, -1.0]).double()
    X = torch.randn(20_000, 3, generator=g, dtype=torch.float64)
    y = X @ truth + 2 * torch.randn(20_000, generator=g, dtype=torch.float64)
    assert abs(dropout_ridge(X, y, 0.3).sum() - 0.7 * truth.sum()) < 0.1


def test_with_uncorrelated_columns_each_weight_shrinks_by_1_minus_p(page_says):
    page_says("each weight is $1 - p$ times that of least squares")
    for n in (8, 800):
        signs = torch.tensor(list(product((-1.0, 1.0), repeat=3)), dtype=torch.float64)
        X = signs.repeat(n // 8, 1) * torch.tensor([1.0, 3.0, 0.1]).double()
        y = torch.randn(n, generator=torch.Generator().manual_seed(n)).double()
        least = torch.linalg.lstsq(X, y[:, None]).solution[:, 0]
        torch.testing.assert_close(dropout_ridge(X, y, 0.3), 0.7 * least)


def test_the_geometric_mean_of_probabilities_is_that_of_eval():
    h, v = (1.0, 2.0, 1.5), (2.0, -1.0, 1.0)
    for p in (0.2, 0.5):
        log_yes = log_no = 0.0
        for m in MASKS:
            chance = (1 - p) ** sum(m) * p ** (3 - sum(m))
            o = sum(a * b * c for a, b, c in zip(v, m, h, strict=True)) / (1 - p)
            log_yes -= chance * float(sp.log(1 + sp.exp(-o)))
            log_no -= chance * float(sp.log(1 + sp.exp(o)))
        assert abs(log_yes - log_no - 1.5) < 1e-12  # the odds of v . h = 1.5


def test_the_spread_of_a_linear_model_is_the_formula_of_the_page(page_says):
    page_says(r"$\sqrt{p/(1-p) \sum_j w_j^2 x_j^2}$")
    w, x = sp.symbols("w1:4"), sp.symbols("x1:4")

    def o(m):
        return sum(a * b * c for a, b, c in zip(w, m, x, strict=True)) / (1 - P)

    variance = mean(lambda m: o(m) ** 2) - mean(o) ** 2
    formula = P / (1 - P) * sum((a * c) ** 2 for a, c in zip(w, x, strict=True))
    assert sp.simplify(variance - formula) == 0
