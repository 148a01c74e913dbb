"""What the page derives, by autograd and computer algebra.

A formula that is checked here is also looked up on the page.
"""

import pytest
import sympy as sp
import torch

from firstdescent.deep.symmetry import Weights, two_layer

D = torch.float64
X = torch.randn(100, 2, generator=torch.Generator().manual_seed(0), dtype=D)
Y = 2 * (X[:, 0] + 0.5).tanh() - (1.5 * X[:, 1]).tanh()


def constant(h, first, second):
    W1, W2 = torch.full((h, 2), first, dtype=D), torch.full((1, h), second, dtype=D)
    return Weights(W1, torch.zeros(h, dtype=D), W2, torch.zeros(1, dtype=D))


def drawn(h, seed):
    g = torch.Generator().manual_seed(seed)
    shapes = ((h, 2), (h,), (1, h), (1,))
    return Weights(*(torch.randn(s, generator=g, dtype=D) for s in shapes))


def slopes(net, activation=torch.tanh, mask=None):
    net = [part.clone().requires_grad_() for part in net]
    out = two_layer(X, Weights(*net), activation, mask)
    return Weights(*torch.autograd.grad(((out - Y) ** 2).mean() / 2, net))


@pytest.mark.parametrize("activation", [torch.tanh, torch.sigmoid, torch.relu])
def test_the_gradients_on_the_page_are_autograds(page_says, activation):
    page_says(
        r"\frac{\partial J}{\partial c} &= \text{mean of } r \\",
        r"\frac{\partial J}{\partial v_j} &= \text{mean of } r\, \varphi(z_j) \\",
        r"\frac{\partial J}{\partial b_j} &= \text{mean of } r\, v_j\, \varphi'(z_j)",
        r"{\partial w_j} &= \text{mean of } r\, v_j\, \varphi'(z_j)\, x",
        r"$$\text{mean of } r\, v_j\, m_j\, \varphi'(z_j)\, x$$",
    )
    net = drawn(3, 1)
    g = torch.Generator().manual_seed(3)
    mask = torch.randint(3, (100, 3), generator=g).to(D)
    found = slopes(net, activation, mask)
    r = two_layer(X, net, activation, mask) - Y
    for j in range(3):
        z = X @ net.W1[j] + net.b1[j]
        bend = {
            torch.tanh: 1 - z.tanh() ** 2,
            torch.sigmoid: z.sigmoid() * (1 - z.sigmoid()),
            torch.relu: (z > 0).to(D),
        }[activation]
        m, v = mask[:, j], net.W2[0, j]
        torch.testing.assert_close(found.W2[0, j], (r * m * activation(z)).mean())
        torch.testing.assert_close(found.b1[j], (r * v * m * bend).mean())
        torch.testing.assert_close(found.W1[j], X.T @ (r * v * m * bend) / 100)
    torch.testing.assert_close(found.b2[0], r.mean())


def test_the_gradient_at_equal_units_is_symmetric_for_any_outer_function(page_says):
    page_says(
        r"$J(P\theta) = J(\theta)$",
        r"$P^\top \nabla J(P\theta) = \nabla J(\theta)$",
        r"$P^\top \nabla J(\theta) = \nabla J(\theta)$",
    )
    w, u, b, a, v, t, c, x, y = sp.symbols("w u b a v t c x y")
    phi = sp.Function("phi")
    f = c + v * phi(w * x + b) + t * phi(u * x + a)
    J = sp.Function("loss")(f, y)
    swap = {w: u, u: w, b: a, a: b, v: t, t: v}
    assert J.subs(swap, simultaneous=True) == J
    theta = sp.Matrix([w, b, v, u, a, t, c])
    P = sp.eye(7).permute_rows([3, 4, 5, 0, 1, 2, 6])
    assert list(P * theta) == [q.subs(swap, simultaneous=True) for q in theta]
    grad = sp.Matrix([sp.diff(J, q) for q in theta])
    moved = grad.subs(swap, simultaneous=True).doit()
    assert sp.simplify(P.T * moved - grad) == sp.zeros(7, 1)
    equal = grad.subs({u: w, a: b, t: v}).doit()
    assert sp.simplify(equal[:3, :] - equal[3:6, :]) == sp.zeros(3, 1)
    assert equal[0] != 0


def test_the_rows_differ_by_the_outgoing_weights_times_a_mean(page_says):
    page_says(r"$$(v_1 - v_2) \cdot \text{mean of } r\, \varphi'(z_1)\, x$$")
    net = constant(2, 0.5, 0.5)._replace(W2=torch.tensor([[0.2, 0.9]], dtype=D))
    found = slopes(net)
    r, z = two_layer(X, net) - Y, X @ net.W1[0]
    expected = (0.2 - 0.9) * (X.T @ (r / z.cosh() ** 2)) / 100
    torch.testing.assert_close(found.W1[0] - found.W1[1], expected)


def test_equal_units_move_as_one_with_other_step_sizes(page_says):
    page_says(r"$h \cdot \text{lr}$", r"$\text{lr}/h$", "$V = h\\,v_1$")
    h, lr, v = 3, 0.2, 0.7
    wide, one = constant(h, 0.5, v), constant(1, 0.5, h * v)
    many, single = slopes(wide), slopes(one)
    torch.testing.assert_close(
        (wide.W2 - lr * many.W2).sum(), (one.W2 - h * lr * single.W2)[0, 0]
    )
    torch.testing.assert_close(
        (wide.W1 - lr * many.W1)[2], (one.W1 - lr / h * single.W1)[0]
    )
    torch.testing.assert_close(
        (wide.b1 - lr * many.b1)[2], (one.b1 - lr / h * single.b1)[0]
    )
