"""What the page derives, by computer algebra. Each formula is looked up on the page."""

import math

import sympy as sp
import torch

MINUS = "\N{MINUS SIGN}"
LR, LAM, M = sp.symbols("lr lam m", positive=True)
MU, L, KAPPA = sp.symbols("mu L kappa", positive=True)


def test_the_error_of_one_weight_is_a_power_of_the_factor(page_says):
    page_says(
        r"$$w_+ = w - \text{lr}\,\lambda w = (1 - \text{lr}\,\lambda)\, w$$",
        r"$(1 - \text{lr}\,\lambda)^k\, w_0$",
        r"the loss $\tfrac12 \lambda w^2$",
    )
    w, k = sp.Symbol("w"), sp.Symbol("k", integer=True, nonnegative=True)
    step = w - LR * sp.diff(LAM * w**2 / 2, w)
    assert sp.expand(step - (1 - LR * LAM) * w) == 0
    f, start = sp.Function("f"), sp.Symbol("w0")
    walk = sp.rsolve(f(k + 1) - (1 - LR * LAM) * f(k), f(k), {f(0): start})
    assert sp.simplify(walk - (1 - LR * LAM) ** k * start) == 0


def test_the_table_of_regimes(page_says):
    page_says(
        "| below 1/λ | 0 to 1 | creeps down one side |",
        "| 1/λ | 0 | arrives in one step |",
        f"| 1/λ to 2/λ | {MINUS}1 to 0 | jumps across, converges |",
        f"| 2/λ | {MINUS}1 | jumps to and fro for ever |",
        f"| above 2/λ | below {MINUS}1 | jumps across, diverges |",
    )
    factor = (1 - LR * LAM).subs(LR, sp.Symbol("c", positive=True) / LAM)
    (c,) = factor.free_symbols
    assert [factor.subs(c, v) for v in (0, 1, 2)] == [1, 0, -1]
    assert sp.diff(factor, c) == -1


def test_each_part_along_an_eigenvector_walks_alone(page_says):
    page_says(
        r"$$e_+ = \sum_i (1 - \text{lr}\,\lambda_i)\, c_i v_i$$",
        r"of curvature $\lambda$ is multiplied by $1 - \text{lr}\,\lambda$. Above"
        r" $1/\lambda$ it jumps across; from $2/\lambda$ on it does not converge",
    )
    turn = sp.Symbol("t", real=True)
    V = sp.Matrix([[sp.cos(turn), -sp.sin(turn)], [sp.sin(turn), sp.cos(turn)]])
    H, c = V * sp.diag(MU, L) * V.T, sp.Matrix(sp.symbols("c1:3"))
    after = (sp.eye(2) - LR * H) * V * c
    expected = V * sp.diag(1 - LR * MU, 1 - LR * L) * c
    assert sp.simplify(after - expected) == sp.zeros(2, 1)


def test_the_error_of_least_squares_takes_one_matrix_a_step(page_says):
    page_says(
        r"the gradient is $He$, with $H = A^\top A / n$ and the error"
        r" $e = \theta - \hat\theta$, so $e_+ = (I - \text{lr}\,H)\,e$"
    )
    A = torch.randn(7, 3, generator=torch.Generator().manual_seed(0)).double()
    y, theta = A[:, 0] * A[:, 1] + 1, torch.tensor([1.0, -2.0, 3.0]).double()
    best = torch.linalg.lstsq(A, y[:, None]).solution[:, 0]
    g = torch.func.grad(lambda t: ((A @ t - y) ** 2).mean() / 2)(theta)
    H = A.T @ A / 7
    torch.testing.assert_close(g, H @ (theta - best))
    after = (torch.eye(3).double() - 0.3 * H) @ (theta - best)
    torch.testing.assert_close(theta - 0.3 * g - best, after)


def test_from_every_start_it_converges_below_two_over_the_largest_only(page_says):
    page_says(
        r"with $L = \lambda_{\max}$, and all $\lambda_i > 0$, the walk converges"
        r" from every start if and only if $$0 < \text{lr} < \frac{2}{L}$$",
        "The steepest direction sets the limit, $2/L$",
    )
    curves = torch.tensor([0.05, 0.4, 2.0, 2.7], dtype=torch.float64)
    mixed = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    Q = torch.linalg.qr(mixed.double()).Q
    H = Q @ curves.diag() @ Q.T
    eye = torch.eye(4, dtype=torch.float64)
    low, high = 1e-3, 1e3
    for share, size in (
        *[(share, (0, low)) for share in (0.05, 0.5, 0.999)],
        (1.0, (0.99, 1.01)),  # at the limit the steepest part stays
        *[(share, (high, math.inf)) for share in (-0.01, 1.001, 1.5)],
    ):
        walk = torch.linalg.matrix_power(eye - share * 2 / 2.7 * H, 10_000)
        longest = torch.linalg.matrix_norm(walk.nan_to_num(1e9), 2).item()
        assert size[0] <= longest <= size[1], share


def test_the_steps_that_always_suffice(page_says):
    page_says(
        r"steps to a thousandth of the first error."
        r" $\ln 1000 / \ln(1/\rho)$ steps, rounded up, always suffice"
    )
    k, rate = sp.symbols("k rho", positive=True)
    (count,) = sp.solve(sp.Eq(sp.log(rate) * k, -sp.log(1000)), k)
    assert sp.simplify(count - sp.log(1000) / sp.log(1 / rate)).subs(rate, 0.7) == 0
    for rate in (0.3, 0.9, 0.99):
        enough = math.ceil(math.log(1000) / math.log(1 / rate))
        assert rate**enough <= 1 / 1000 < rate ** (enough - 1)


def test_the_best_lr_and_its_rate(page_says):
    page_says(
        r"The best constant lr, $2/(\mu + L)$, lies right below it",
        r"$$\rho = \max_i |1 - \text{lr}\,\lambda_i|$$",
        r"$1 - \text{lr}\,\mu$, which falls with lr, and $\text{lr}\,L - 1$, which",
        r"1 - \text{lr}\,\mu = \text{lr}\,L - 1 \quad &\Rightarrow \quad"
        r" \text{lr} = \frac{2}{\mu + L}",
        r"\rho = \frac{L - \mu}{L + \mu} &= \frac{\kappa - 1}{\kappa + 1},"
        r" \quad \kappa = \frac{L}{\mu}",
    )
    (best,) = sp.solve(sp.Eq(1 - LR * MU, LR * L - 1), LR)
    assert sp.simplify(best - 2 / (MU + L)) == 0
    rate = 1 - best * MU
    assert sp.simplify(rate - (L - MU) / (L + MU)) == 0
    assert sp.simplify(rate.subs(L, KAPPA * MU) - (KAPPA - 1) / (KAPPA + 1)) == 0
    # the other factors lie between the two: a curvature between gives one between
    share = sp.Symbol("s", positive=True)
    factor = 1 - best * (MU + share * (L - MU))
    assert sp.simplify(factor - (1 - 2 * share) * rate) == 0


def test_the_limit_is_one_plus_one_over_kappa_times_the_best(page_says):
    page_says(r"the limit is only $1 + 1/\kappa$ times the best lr")
    assert sp.simplify((2 / L) / (2 / (MU + L)) - (1 + MU / L)) == 0


def test_half_the_limit_never_needs_twice_the_steps(page_says):
    page_says("less than twice those at the best, whatever $\\kappa$ is")
    # ln((k + 1)/(k - 1)) < 2 ln(k/(k - 1)), as exponentials:
    best, half = (KAPPA + 1) / (KAPPA - 1), KAPPA / (KAPPA - 1)
    assert sp.simplify((half**2 - best) * (KAPPA - 1) ** 2) == 1
    # at 1/L the worst factor is that of mu
    assert sp.simplify((1 - MU / L).subs(L, KAPPA * MU) - 1 / half) == 0


def test_a_curvature_is_a_weighted_mean_of_the_eigenvalues(page_says):
    page_says(
        r"$$v \cdot Hv = \sum_i c_i^2\, \lambda_i \le \lambda_{\max}$$",
        r"$v = \sum_i c_i v_i$ and $\sum_i c_i^2 = 1$",
    )
    turn, part = sp.symbols("t u", real=True)
    V = sp.Matrix([[sp.cos(turn), -sp.sin(turn)], [sp.sin(turn), sp.cos(turn)]])
    c = sp.Matrix([sp.cos(part), sp.sin(part)])
    v, H = V * c, V * sp.diag(MU, L) * V.T
    along = (v.T * H * v)[0] - (c[0] ** 2 * MU + c[1] ** 2 * L)
    assert sp.simplify(along) == 0


def test_the_descent_lemma_adds_up_the_slopes(page_says):
    page_says(
        r"-g \cdot g(w_t) &= -\lVert g \rVert^2 + g \cdot (g - g(w_t)) \\",
        r"&\le -\lVert g \rVert^2 + L\,t\,\lVert g \rVert^2",
        r"$$f(w_+) \le f(w) - \text{lr}\,\Bigl(1 - \frac{\text{lr}\,L}{2}\Bigr)"
        r" \lVert g \rVert^2$$",
    )
    t, g = sp.symbols("t g", positive=True)
    fall = sp.integrate(-(g**2) + L * t * g**2, (t, 0, LR))
    assert sp.expand(fall + LR * (1 - LR * L / 2) * g**2) == 0


def test_the_descent_lemma_holds_where_it_should_and_is_sharp(page_says):
    # cos has curvatures between -1 and 1, and is not convex
    w = torch.linspace(-7, 7, 500, dtype=torch.float64)
    for lr in (0.3, 1.0, 1.9):
        slope = -w.sin()
        bound = w.cos() - lr * (1 - lr / 2) * slope**2
        assert (((w - lr * slope).cos()) <= bound + 1e-12).all()
    # on a quadratic it is an equation, with the curvature along g
    page_says(
        r"$-\text{lr}\,(1 - \text{lr}\,\alpha/2)\,\lVert g \rVert^2$ exactly",
    )
    w1, w2 = sp.symbols("w1 w2", real=True)
    f = (MU * w1**2 + L * w2**2) / 2
    g = sp.Matrix([MU * w1, L * w2])
    c = (MU * g[0] ** 2 + L * g[1] ** 2) / (g.T * g)[0]
    after = f.subs({w1: w1 - LR * g[0], w2: w2 - LR * g[1]}, simultaneous=True)
    change = -LR * (1 - LR * c / 2) * (g.T * g)[0]
    assert sp.simplify(after - f - change) == 0


def test_the_bound_for_the_logistic_loss(page_says):
    page_says(
        r"has the Hessian $A^\top S A / n$, where $S$ is diagonal with entries"
        r" $p_i (1 - p_i) \le \tfrac14$, and $p_i$, the sigmoid of $(A\theta)_i$,",
        r"v \cdot Hv = \frac1n \sum_i p_i (1 - p_i)\, (Av)_i^2"
        r" \le \frac{\lVert A \rVert^2}{4n}",
    )
    p, z = sp.symbols("p z", real=True)
    assert (
        sp.expand(sp.Rational(1, 4) - p * (1 - p) - (p - sp.Rational(1, 2)) ** 2) == 0
    )
    sigmoid = 1 / (1 + sp.exp(-z))
    loss = sp.log(1 + sp.exp(z))
    assert sp.simplify(sp.diff(loss, z, 2) - sigmoid * (1 - sigmoid)) == 0
    A = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)).double()
    theta = torch.tensor([0.7, -1.2]).double()

    def logistic(t):
        label = torch.tensor([0, 1, 1, 0, 1, 0]).double()
        return (torch.nn.functional.softplus(A @ t) - label * (A @ t)).mean()

    H = torch.autograd.functional.hessian(logistic, theta)
    p = torch.sigmoid(A @ theta)
    torch.testing.assert_close(H, A.T @ (p * (1 - p)).diag() @ A / 6)


def test_the_valley(page_says):
    page_says("The lowest point is $\\ln 2 = 0.693$. There the curvature is 2")
    w = sp.Symbol("w", real=True)
    f = sp.exp(w) - 2 * w
    assert sp.solve(sp.diff(f, w), w) == [sp.log(2)]
    assert sp.diff(f, w, 2).subs(w, sp.log(2)) == 2


def test_the_velocity_drops_out_of_the_recursion(page_says):
    page_says(
        r"$v \leftarrow m\,v + g$, then $w \leftarrow w - \text{lr}\,v$",
        r"$g = \lambda e_k$, and the step is"
        r" $e_{k+1} = e_k - \text{lr}\,(m\,v_k + \lambda e_k)$",
        r"$\text{lr}\,v_k = e_{k-1} - e_k$",
        r"$$e_{k+1} = (1 + m - \text{lr}\,\lambda)\, e_k - m\, e_{k-1}$$",
        r"$r^2 - (1 + m - \text{lr}\,\lambda)\, r + m = 0$",
    )
    e, old, r = sp.symbols("e old r")
    velocity = (old - e) / LR
    after = e - LR * (M * velocity + LAM * e)
    assert sp.expand(after - ((1 + M - LR * LAM) * e - M * old)) == 0
    tried = r**2 - (1 + M - LR * LAM) * r + M
    assert sp.expand(tried - r * (r - (1 + M - LR * LAM)) - M) == 0
    a, b = sp.solve(tried, r)
    assert sp.simplify(a * b - M) == 0


def test_where_the_roots_are_complex(page_says):
    page_says(
        r"$$(1 - \sqrt m)^2 < \text{lr}\,\lambda < (1 + \sqrt m)^2$$",
        r"they are conjugate, hence of equal size. So both have the size $\sqrt m$",
    )
    s, x = sp.symbols("s x", positive=True)  # s = sqrt(m), x = lr lam
    discriminant = (1 + s**2 - x) ** 2 - 4 * s**2
    factored = (x - (1 - s) ** 2) * (x - (1 + s) ** 2)
    assert sp.expand(discriminant - factored) == 0
    r = sp.Symbol("r")
    one, other = sp.solve(4 * r**2 - r + 1, r)  # m = 1/4, x = 1
    assert sp.simplify(one - sp.conjugate(other)) == 0
    assert not one.is_real
    assert sp.simplify(abs(one)) == sp.simplify(abs(other)) == sp.Rational(1, 2)


def test_the_best_momentum_puts_both_ends_on_the_border(page_says):
    page_says(
        r"$$\sqrt m = \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}, \qquad"
        r" \text{lr} = \frac{4}{(\sqrt\mu + \sqrt L)^2}$$",
        r"$\sqrt{\text{lr}\,\mu} = 1 - \sqrt m$ and"
        r" $\sqrt{\text{lr}\,L} = 1 + \sqrt m$",
        r"shrink like $k\,\sqrt m^{\,k}$",
    )
    a, b = sp.symbols("a b", positive=True)  # the roots of mu and of L
    s, lr = (b - a) / (b + a), 4 / (a + b) ** 2
    assert sp.simplify(lr * a**2 - (1 - s) ** 2) == 0
    assert sp.simplify(lr * b**2 - (1 + s) ** 2) == 0
    root, left = sp.symbols("root left", positive=True)  # those of lr and of m
    ends = [sp.Eq(root * a, 1 - left), sp.Eq(root * b, 1 + left)]
    (only,) = sp.solve(ends, [root, left], dict=True)
    assert sp.simplify(only[left] - s) == 0
    assert sp.simplify(only[root] ** 2 - lr) == 0
    # with a double root r the recursion e+ = 2 r e - r^2 old has k r^k as well
    k, r = sp.symbols("k r")
    double = (k + 1) * r ** (k + 1) - 2 * r * k * r**k + r**2 * (k - 1) * r ** (k - 1)
    assert sp.simplify(double) == 0


def test_the_limit_with_momentum(page_says):
    page_says(r"the limit becomes $2\,(1 + m)/L$")
    for m in (0.0, 0.3, 0.9):
        for share, shrinks in ((0.99, True), (1.01, False)):
            x = share * 2 * (1 + m)  # lr times lambda
            step = torch.tensor([[1 + m - x, -m], [1.0, 0.0]]).double()
            assert (torch.linalg.eigvals(step).abs().max() < 1) == shrinks
        for x in (0.01, 0.5, 1.5):  # and nothing below it diverges
            step = torch.tensor([[1 + m - x, -m], [1.0, 0.0]]).double()
            assert torch.linalg.eigvals(step).abs().max() < 1


def test_an_lr_has_the_units_of_a_squared_weight(page_says):
    page_says(r"changes $w = z/100$ by $-\text{lr}\,g/10^4$")
    w, z = sp.symbols("w z")
    f = sp.Function("f")
    slope = sp.diff(f(z / 100), z).doit().subs(z, 100 * w)
    moved = (-LR * slope / 100).simplify()
    expected = -LR / 10**4 * sp.diff(f(w), w)
    assert sp.simplify((moved - expected).doit().replace(f, sp.exp)) == 0
