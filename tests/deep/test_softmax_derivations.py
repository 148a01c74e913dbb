"""What docs/en/deep/softmax.md derives, by computer algebra.

A formula that is checked here is also looked up on the page.
"""

import pytest
import sympy as sp
import torch

K = 3
SCORES = sp.Matrix(sp.symbols("o1:4", real=True))
SUM = sum(sp.exp(o) for o in SCORES)
P = SCORES.applyfunc(lambda o: sp.exp(o) / SUM)
V = sp.Matrix(sp.symbols("v1:4", real=True))


def is_zero(expression):
    return sp.simplify(expression) == 0


def one_hot(y):
    return sp.Matrix([int(j == y) for j in range(K)])


def test_only_differences_count_and_the_odds_are_exponentials(page_says):
    page_says(
        r"p_j = \frac{e^{o_j}}{\sum_i e^{o_i}}",
        r"$p_i / p_j = e^{o_i - o_j}$",
        "$p_1 = 1/(1 + e^{-(o_1 - o_2)})$",
    )
    c = sp.Symbol("c", real=True)
    shift = {o: o + c for o in SCORES}
    assert all(is_zero(p.subs(shift, simultaneous=True) - p) for p in P)
    assert is_zero(P[0] / P[1] - sp.exp(SCORES[0] - SCORES[1]))
    two = sp.exp(SCORES[0]) / (sp.exp(SCORES[0]) + sp.exp(SCORES[1]))
    assert is_zero(two - 1 / (1 + sp.exp(-(SCORES[0] - SCORES[1]))))


def test_the_loss_is_minus_the_log_of_the_labels_probability(page_says):
    page_says(
        r"$$\ell = -\log p_y = \log \sum_i e^{o_i} - o_y$$",
        r"$\ell = -\sum_j t_j \log p_j$",
    )
    for y in range(K):
        loss = sp.log(SUM) - SCORES[y]
        assert is_zero(sp.exp(-loss) - P[y])
        both = -sum(t * sp.log(p) for t, p in zip(one_hot(y), P, strict=True))
        assert is_zero(sp.exp(-both) - P[y])


def test_the_gradient_is_one_formula_for_all_classes(page_says):
    page_says(
        r"\frac{\partial \ell}{\partial o_j} = \frac{e^{o_j}}{\sum_i e^{o_i}} - t_j",
        "= p_j - t_j$$",
        r"\frac{\partial p_y}{\partial o_y} &= p_y (1 - p_y)",
        r"\frac{\partial p_y}{\partial o_j} &= -p_y\, p_j \quad (j \ne y)",
        "You get $p_y - 1$ and $p_j$.",
    )
    for y in range(K):
        t = one_hot(y)
        for j in range(K):
            slope = sp.diff(sp.log(SUM) - SCORES[y], SCORES[j])
            assert is_zero(slope - (P[j] - t[j]))
            case = P[y] * (1 - P[y]) if j == y else -P[y] * P[j]
            assert is_zero(sp.diff(P[y], SCORES[j]) - case)
            assert is_zero(-case / P[y] - (P[y] - 1 if j == y else P[j]))


def test_the_gradient_in_a_row_of_the_weights(page_says):
    page_says(
        r"$(p_j - t_j)\, x$",
        "With the rows' $p - t$ in a matrix $G$",
        r"$G^\top X / n$",
        "The slope of $o_j$ in the bias $b_j$ is 1",
        "the mean of column $j$ of $G$",
    )
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(6, 2, generator=generator, dtype=torch.float64)
    W = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    b = torch.randn(3, generator=generator, dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    W.requires_grad_()
    b.requires_grad_()
    torch.nn.functional.cross_entropy(X @ W.T + b, y).backward()
    G = (X @ W.T + b).detach().softmax(1) - torch.eye(3, dtype=torch.float64)[y]
    torch.testing.assert_close(b.grad, G.mean(0))
    torch.testing.assert_close(W.grad, G.T @ X / 6)
    torch.testing.assert_close(W.grad[1], (G[:, 1, None] * X).mean(0))


def test_the_hessian_is_the_covariance_of_a_one_hot_draw(page_says):
    page_says(
        r"H_{ij} = \frac{\partial p_j}{\partial o_i} = p_j\,([i = j] - p_i)",
        r"$H = \mathrm{diag}(p) - p\,p^\top$",
        r"$[i = j]\, e^{o_j} / S - e^{o_j} e^{o_i} / S^2$",
        r"$v^\top H v = \mathrm{Var}(v_Y) \ge 0$",
        r"The variance is 0 along $v = (1, \dots, 1)$",
    )
    H = sp.hessian(sp.log(SUM) - SCORES[1], list(SCORES))
    e = SCORES.applyfunc(sp.exp)
    quotient = sp.diag(*e) / SUM - e * e.T / SUM**2
    assert (H - quotient).applyfunc(sp.simplify) == sp.zeros(K)
    formula = sp.diag(*P) - P * P.T
    assert (H - formula).applyfunc(sp.simplify) == sp.zeros(K)
    draws = [one_hot(y) for y in range(K)]
    mean = sum((P[y] * draws[y] for y in range(K)), sp.zeros(K, 1))
    square = sum((P[y] * draws[y] * draws[y].T for y in range(K)), sp.zeros(K))
    assert (mean - P).applyfunc(sp.simplify) == sp.zeros(K, 1)
    assert (square - sp.diag(*P)).applyfunc(sp.simplify) == sp.zeros(K)
    m = sum(P[y] * V[y] for y in range(K))
    variance = sum(P[y] * (V[y] - m) ** 2 for y in range(K))
    assert is_zero((V.T * formula * V)[0] - variance)
    assert (formula * sp.ones(K, 1)).applyfunc(sp.simplify) == sp.zeros(K, 1)


def test_no_curvature_is_above_a_half_and_two_even_classes_reach_it(page_says):
    page_says(
        r"No entry is further than $(v_+ - v_-)/2$ from the middle",
        r"at most $(v_+ - v_-)^2/4$",
        r"$(v_+ - v_-)^2 \le 2(v_+^2 + v_-^2) \le 2$",
    )
    a, b = sp.symbols("a b", real=True)
    assert sp.expand(2 * (a**2 + b**2) - (a - b) ** 2 - (a + b) ** 2) == 0
    o = 4 * torch.randn(20_000, 5, generator=torch.Generator().manual_seed(1))
    p = torch.vstack([o.softmax(1), torch.tensor([[0.5, 0.5, 0, 0, 0]])]).double()
    H = p.diag_embed() - p[:, :, None] * p[:, None, :]
    top = torch.linalg.eigvalsh(H)[:, -1]
    assert top.max().item() == pytest.approx(0.5, abs=1e-6)
