"""Sentences of gd_vs_newton about costs and about many data sets."""

import pytest
import torch
from torch.func import grad, jacrev
from torch.nn.functional import softplus
from torch.utils.flop_counter import FlopCounterMode

N = 200


def flops(f, *args):
    with FlopCounterMode(display=False) as counter:
        f(*args)
    return counter.get_total_flops()


def slope_for(A):
    return grad(lambda w: softplus(A @ w[:, None]).mean())


@pytest.mark.parametrize("d", [10, 100])
def test_autograd_forms_a_hessian_for_d_gradients_of_4nd_each(d, page_says):
    page_says(
        "autograd, which knows nothing of the loss, differentiates $d$ more times",
        "For this model each time costs one gradient.",
        "A gradient takes $4nd$ here: two products with $X$, of $2nd$ each.",
        "here $d$ more gradients, $d^2$ numbers",
    )
    A = torch.ones(N, d)
    slope = slope_for(A)
    assert flops(lambda w: A @ w[:, None], A[0]) == 2 * N * d
    assert flops(slope, A[0]) == 4 * N * d
    assert flops(jacrev(slope), A[0]) == (d + 1) * 4 * N * d


def test_the_formula_for_the_hessian_takes_half(page_says):
    page_says(r"here $X^\top S X / n$, with a diagonal $S$, takes half")
    d = 100
    A = torch.randn(N, d, generator=torch.Generator().manual_seed(0)).double()
    w = torch.linspace(-1, 1, d, dtype=torch.float64)

    def formed(w):
        p = torch.sigmoid(A @ w[:, None])
        return A.T @ (A * (p * (1 - p))) / N

    by_autograd = jacrev(slope_for(A))
    torch.testing.assert_close(formed(w), by_autograd(w))
    assert flops(formed, w) / flops(by_autograd, w) == pytest.approx(0.5, abs=0.01)


def test_products_of_a_matrix_and_a_vector_are_not_counted(page_says):
    page_says("A @ w would not be counted: hence [:, None]")
    A = torch.ones(N, 10)
    assert flops(grad(lambda w: softplus(A @ w).mean()), A[0]) == 0


def test_elimination_takes_two_thirds_of_the_cube_and_cholesky_half(page_says):
    page_says(
        r"about $\tfrac23 d^3$ operations",
        "(Cholesky, where $H$ is positive definite, takes half.)",
        "With these counts the solving overtakes the forming at $d = 6n$.",
    )
    d = 600
    # Step k leaves a square of side d - k: a product and a difference each.
    eliminated = sum(2 * (d - k) ** 2 for k in range(1, d))
    one_triangle = sum((d - k) * (d - k + 1) for k in range(1, d))
    assert eliminated / d**3 == pytest.approx(2 / 3, rel=0.01)
    assert one_triangle / eliminated == pytest.approx(1 / 2, rel=0.01)
    for side, solving_is_more in ((5.9, False), (6.1, True)):
        d = side * N
        assert (2 / 3 * d**3 > 4 * N * d * d) == solving_is_more


def counted(seed):
    """Steps of both methods, to the truth's distance and to 1e-8, by formulas."""
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(60, N, 2, generator=g, dtype=torch.float64)
    X = X * torch.tensor([1, 2.5])
    truth = torch.tensor([2.0, 1.0], dtype=torch.float64)
    label = torch.bernoulli(torch.sigmoid(X @ truth), generator=g)

    def parts(w):
        p = torch.sigmoid((X * w[:, None]).sum(2))
        return (X * (p - label)[..., None]).mean(1), X.mT @ (
            X * (p * (1 - p))[..., None]
        ) / N

    climbs = [torch.zeros(60, 2, dtype=torch.float64)]
    slides = climbs[:]
    for _ in range(9):
        gradient, H = parts(climbs[-1])
        climbs.append(climbs[-1] - (torch.linalg.inv(H) @ gradient[..., None])[..., 0])
    low, high = torch.linalg.eigvalsh(parts(climbs[-1])[1]).T
    for _ in range(200):
        slides.append(slides[-1] - (2 / (low + high))[:, None] * parts(slides[-1])[0])
    miss = (truth - climbs[-1]).norm(dim=1)
    errors = [(torch.stack(path) - climbs[-1]).norm(dim=2) for path in (climbs, slides)]
    return [[(e > goal).sum(0) for e in errors] for goal in (miss, 1e-8)]


def test_the_counts_of_sixty_data_sets_are_those_of_the_formulas(page_says):
    said = []
    for name, (newton, descent) in zip(("the miss", "1e-8"), counted(1), strict=True):
        said.append(f"to {name}, medians: {newton.median()} and {descent.median()}")
        sooner, later = (newton < descent).sum(), (newton > descent).sum()
        said.append(f"Newton sooner in {sooner}, later in {later}")
    page_says(*said)
    page_says(
        "the medians are two steps apart", "3 and 5 steps to the data's own error"
    )
    page_says("6 and 86 to 1e-8")


@pytest.mark.parametrize("seed", range(2, 6))
def test_the_lead_is_short_up_to_the_truth_and_long_after_it_for_other_data(seed):
    (newton, descent), (newton_far, descent_far) = counted(seed)
    assert 1 <= descent.median() - newton.median() <= 3
    assert (newton < descent).sum() > 30 > 12 > (newton > descent).sum()
    assert descent_far.median() - newton_far.median() > 70
    assert (newton_far < descent_far).all()
