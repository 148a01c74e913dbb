"""The formulas of the page on label shift, each checked on a finite world."""

import pytest
import torch

D = torch.float64


class World:
    """Eight values of x, three classes, the same p(x | y) in source and target."""

    g = torch.Generator().manual_seed(0)
    looks = torch.rand(8, 3, generator=g, dtype=D)
    looks = looks / looks.sum(0)  # p(x | y) = q(x | y)
    q = torch.tensor([0.2, 0.3, 0.5], dtype=D)
    p = torch.tensor([0.7, 0.2, 0.1], dtype=D)
    source, target = looks * q, looks * p  # joint tables (x, y)
    P = source / source.sum(1, keepdim=True)  # q(y | x)
    hat = torch.tensor([0, 1, 2, 0, 1, 2, 2, 0])  # any rule
    told = torch.nn.functional.one_hot(hat, 3).to(D)  # (x, i)
    C = told.T @ looks
    mu = told.T @ target.sum(1)


def test_the_predictions_mix_the_columns_of_the_conditional_matrix(page_says):
    page_says(
        r"&= \sum_j p(\hat y = i \mid y = j)\, p_j",
        r"&= \sum_j q(\hat y = i \mid y = j)\, p_j",
        r"$C_{ij} = q(\hat y = i \mid y = j)$",
        r"$$C p = \mu$$",
    )
    torch.testing.assert_close(World.C @ World.p, World.mu)
    torch.testing.assert_close(World.C.sum(0), torch.ones(3, dtype=D))


def test_without_label_shift_only_the_third_line_fails():
    looks = World.looks.roll(1, 0)  # the target's classes look different
    target = looks * World.p
    joint = World.told.T @ target  # p(hat, y)
    mu = World.told.T @ target.sum(1)
    torch.testing.assert_close(joint.sum(1), mu)
    torch.testing.assert_close((joint / World.p) @ World.p, mu)
    assert not torch.allclose(World.C @ World.p, mu, atol=0.01)


def test_the_solution_sums_to_one_whatever_is_counted(page_says):
    page_says(r"$\sum_j p_j = \sum_i \sum_j C_{ij}\, p_j = \sum_i \mu_i = 1$")
    other = torch.tensor([0.05, 0.9, 0.05], dtype=D)
    assert torch.linalg.solve(World.C, other).sum().item() == pytest.approx(1)


def test_the_joint_matrix_solves_for_the_weights(page_says):
    page_says(
        r"$J_{ij} = q(\hat y = i, y = j) = C_{ij}\, q_j$",
        r"\sum_j C_{ij}\, (q_j w_j) = \mu_i",
        r"that leaves $w_j = p_j / q_j$",
    )
    J = World.told.T @ World.source
    torch.testing.assert_close(J, World.C * World.q)
    assert J.sum().item() == pytest.approx(1)
    torch.testing.assert_close(torch.linalg.solve(J, World.mu), World.p / World.q)
    for wrong in (World.C.T, J / J.sum(1, keepdim=True)):
        found = torch.linalg.solve(wrong, World.mu)
        assert not torch.allclose(found, World.p, atol=0.05)
        assert not torch.allclose(found, World.p / World.q, atol=0.05)


def test_rescaled_probabilities_are_the_targets(page_says):
    page_says(r"&= q(y = j \mid x)\, w_j\, \frac{q(x)}{p(x)}")
    truth = World.target / World.target.sum(1, keepdim=True)
    ratio = World.source.sum(1) / World.target.sum(1)
    by_line = World.P * (World.p / World.q) * ratio[:, None]
    torch.testing.assert_close(by_line, truth)
    product = World.P * (World.p / World.q)
    torch.testing.assert_close(product / product.sum(1, keepdim=True), truth)


def test_the_density_of_a_target_row_contains_p_only_in_the_sum(page_says):
    page_says(
        r"p(x_i) = \sum_j q(x_i \mid y = j)\, p_j",
        r"= q(x_i) \sum_j P_{ij}\, \frac{p_j}{q_j}",
    )
    density = World.source.sum(1) * (World.P @ (World.p / World.q))
    torch.testing.assert_close(density, World.target.sum(1))


def likelihood(P, q, p):
    return (P @ (p / q)).log().mean()


@pytest.fixture
def rows():
    g = torch.Generator().manual_seed(3)
    return torch.randn(60, 3, generator=g, dtype=D).mul(2).softmax(-1)


def test_the_slope_is_the_mean_of_r_over_p(page_says, rows):
    page_says(
        r"\ell(p) = \frac{1}{m} \sum_i \log \sum_j P_{ij}\, \frac{p_j}{q_j}",
        r"The slope of $\ell$ in $p_j$ is the mean of $r_{ij} / p_j$",
    )
    p = torch.tensor([0.1, 0.6, 0.3], dtype=D, requires_grad=True)
    slope = torch.autograd.grad(likelihood(rows, World.q, p), p)[0]
    r = rows * (p / World.q).detach()
    r = r / r.sum(1, keepdim=True)
    torch.testing.assert_close(slope, r.mean(0) / p.detach())
    assert (slope * p.detach()).sum().item() == pytest.approx(1)


def test_no_em_step_goes_down_and_each_rises_by_its_bound(page_says, rows):
    page_says(
        r"$p'_j = \frac{1}{m} \sum_i r_{ij}$",
        r"&= \frac{1}{m} \sum_i \log \sum_j r_{ij}\, \frac{p'_j}{p_j}",
        r"&\ge \frac{1}{m} \sum_i \sum_j r_{ij} \log \frac{p'_j}{p_j}",
        r"&= \sum_j p'_j \log \frac{p'_j}{p_j} \ge 0",
    )
    g = torch.Generator().manual_seed(4)
    for _ in range(100):
        p = torch.rand(3, generator=g, dtype=D)
        p = p / p.sum()
        r = rows * p / World.q
        r = r / r.sum(1, keepdim=True)
        new = r.mean(0)
        rise = likelihood(rows, World.q, new) - likelihood(rows, World.q, p)
        first = (r @ (new / p)).log().mean()
        second = (r * (new / p).log()).sum(1).mean()
        third = (new * (new / p).log()).sum()
        torch.testing.assert_close(rise, first)
        torch.testing.assert_close(second, third)
        assert first >= second - 1e-12
        assert third >= 0


def test_the_log_likelihood_is_concave_in_the_shares(rows):
    g = torch.Generator().manual_seed(5)
    a, b = torch.rand(2, 200, 3, generator=g, dtype=D).softmax(-1)
    value = [likelihood(rows, World.q, v) for v in (a[0], b[0], (a[0] + b[0]) / 2)]
    assert value[2] >= (value[0] + value[1]) / 2
    H = torch.autograd.functional.hessian(
        lambda p: likelihood(rows, World.q, p), World.p
    )
    assert torch.linalg.eigvalsh(H)[-1] < 0


def test_a_share_is_the_mean_of_an_entry_of_the_inverse(page_says):
    page_says(
        r"$p_j = \sum_i (C^{-1})_{ji}\, \mu_i$",
        r"the number $b = (C^{-1})_{j \hat y}$",
    )
    inverse = torch.linalg.inv(World.C)
    b = inverse[:, World.hat]  # (j, x)
    torch.testing.assert_close(b @ World.target.sum(1), World.p)
    torch.testing.assert_close(b @ World.looks, torch.eye(3, dtype=D))


def test_the_partner_gives_d_the_mean_zero_under_any_shares(page_says):
    page_says(
        r"\sum_i a_i\, C_{ij} = E_q[t \mid y = j]",
        r"$d = t - a_{\hat y}$",
        r"$C^\top a$ is the list of the class means of $t$",
    )
    t = World.P.amax(1)
    a = torch.linalg.solve(World.C.T, t @ World.looks)
    d = t - a[World.hat]
    torch.testing.assert_close(d @ World.looks, torch.zeros(3, dtype=D))
    for shares in ([0.7, 0.2, 0.1], [0.0, 0.5, 0.5]):
        mean = d @ (World.looks @ torch.tensor(shares, dtype=D))
        assert mean.item() == pytest.approx(0, abs=1e-12)


def test_two_classes_give_the_formula_of_rogan_and_gladen(page_says):
    page_says(
        r"s = \frac{\mu_1 + \text{specificity} - 1}"
        r"{\text{sensitivity} + \text{specificity} - 1}"
    )
    for sens, spec, mu in ((0.8, 0.9, 0.31), (0.6, 0.95, 0.2)):
        C = torch.tensor([[spec, 1 - sens], [1 - spec, sens]], dtype=D)
        s = torch.linalg.solve(C, torch.tensor([1 - mu, mu], dtype=D))[1].item()
        assert s == pytest.approx((mu + spec - 1) / (sens + spec - 1))
        assert torch.linalg.det(C).item() == pytest.approx(sens + spec - 1)
