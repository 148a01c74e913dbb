"""What the page derives, by computer algebra and by counting."""

from itertools import combinations

import sympy as sp

M1, M2 = sp.symbols("m1 m2", real=True)
N1, N2 = sp.symbols("n1 n2", positive=True)
N = N1 + N2
ERROR = (M1 + M2) / 2 - (N1 * M1 + N2 * M2) / N


def test_the_error_of_two_chunks_is_the_product_on_the_page(page_says):
    page_says(
        r"\text{error} = \frac{m_1 + m_2}{2} - \frac{n_1 m_1 + n_2 m_2}{N}",
        r"= \frac{(N - 2 n_1)\, m_1 + (N - 2 n_2)\, m_2}{2 N}",
        r"= \frac{(n_2 - n_1)(m_1 - m_2)}{2 N}",
        "$N = n_1 + n_2$ rows",
        "$N - 2 n_1 = n_2 - n_1$, and $N - 2 n_2$ is its negative",
        "$(n_2 - n_1)(m_1 - m_2) / 2N$",
    )
    second = ((N - 2 * N1) * M1 + (N - 2 * N2) * M2) / (2 * N)
    assert sp.simplify(ERROR - second) == 0
    assert sp.simplify(ERROR - (N2 - N1) * (M1 - M2) / (2 * N)) == 0
    assert sp.expand(N - 2 * N1 + (N - 2 * N2)) == 0


def test_with_sums_for_means_it_is_the_formula_of_the_brief():
    l1, l2 = sp.symbols("l1 l2", real=True)
    sums = ERROR.subs({M1: l1 / N1, M2: l2 / N2})
    brief = (N1 - N2) * (l2 * N1 - l1 * N2) / (2 * N1 * N2 * N)
    assert sp.simplify(sums - brief) == 0


def test_the_error_vanishes_only_for_equal_counts_or_equal_means():
    assert set(sp.solve(sp.numer(sp.together(ERROR)), M1)) == {M2}
    # SymPy divides by n1 - n2 there; the other factor:
    assert sp.simplify(ERROR.subs(N2, N1)) == 0
    assert sp.factor(sp.numer(sp.together(ERROR))).has(N1 - N2)


def test_the_error_of_many_chunks_is_minus_a_covariance(page_says):
    page_says(
        r"\bar m - \frac{1}{N} \sum_j n_j m_j "
        r"= -\frac{1}{k \bar n} \sum_j (n_j - \bar n)\, m_j "
        r"= -\frac{1}{\bar n} \cdot \frac{1}{k} \sum_j "
        r"(n_j - \bar n)(m_j - \bar m)"
    )
    for k in (2, 3, 5):
        n = sp.symbols(f"n1:{k + 1}", positive=True)
        m = sp.symbols(f"m1:{k + 1}", real=True)
        n_bar, m_bar = sum(n) / k, sum(m) / k
        error = m_bar - sum(a * b for a, b in zip(n, m, strict=True)) / sum(n)
        first = sum((a - n_bar) * b for a, b in zip(n, m, strict=True))
        both = sum((a - n_bar) * (b - m_bar) for a, b in zip(n, m, strict=True))
        assert sp.simplify(error + first / (k * n_bar)) == 0
        assert sp.simplify(error + both / n_bar / k) == 0


def test_over_all_ways_to_cut_the_error_averages_to_zero():
    losses = [sp.Integer(v) for v in (3, 1, 4, 1, 5, 9)]
    right = sum(losses) / sp.Integer(6)
    errors = []
    for short in combinations(range(6), 2):
        m1 = sum(losses[i] for i in short) / sp.Integer(2)
        m2 = sum(losses[i] for i in range(6) if i not in short) / sp.Integer(4)
        errors.append((m1 + m2) / 2 - right)
    assert sum(errors) == 0
    assert any(errors)


def test_the_weights_of_the_bars_are_those_of_the_mean_of_means(page_says):
    page_says("1/22 and 1/202: 9.2 times")
    losses = sp.symbols("l1:113")
    naive = sum(losses[:11]) / 11 / 2 + sum(losses[11:]) / 101 / 2
    assert sp.diff(naive, losses[0]) == sp.Rational(1, 22)
    assert sp.diff(naive, losses[-1]) == sp.Rational(1, 202)
    assert round(202 / 22, 1) == 9.2


def test_each_rank_must_multiply_its_sum_by_w_over_n(page_says):
    page_says(
        r"$$g = \frac{1}{W} \sum_r \nabla L_r$$",
        r"$$\frac{1}{W} \sum_r c\, \nabla l_r = \frac{c}{W} \sum_r \nabla l_r$$",
        r"this should be $\frac{1}{N} \sum_r \nabla l_r$. So $c = W/N$.",
    )
    W, total, c = sp.symbols("W N c", positive=True)
    gradients = sp.symbols("g0:4")
    made = sum(c * g for g in gradients) / W
    assert sp.solve(made - sum(gradients) / total, c) == [W / total]
