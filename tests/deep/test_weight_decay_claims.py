"""What the page says in words and no block of it shows."""

import pytest
import torch
from torch.optim import SGD, Adam, AdamW

A = torch.tensor([[2.0, -0.6], [-0.6, 1.0]], dtype=torch.float64)
BEST = torch.tensor([2.0, 1.0], dtype=torch.float64)


def bowl_walk(kind, steps, falling=False, **settings):
    w = torch.tensor([-0.6, 1.6], dtype=torch.float64, requires_grad=True)
    optimiser, far = kind([w], **settings), []
    for k in range(steps):
        if falling:
            optimiser.param_groups[0]["lr"] = settings["lr"] * (1 - k / steps)
        w.grad = A @ (w.detach() - BEST)
        optimiser.step()
        far.append((w.detach() - BEST).norm().item())
    return w.detach(), far


def test_a_longer_memory_makes_adamw_take_several_times_as_long(page_says):
    page_says("With 0.999 it takes several times as long.")
    late = []
    for beta, steps in ((0.98, 800), (0.999, 3500)):  # lr as on the page
        _, far = bowl_walk(AdamW, steps, lr=0.04, betas=(0.9, beta), weight_decay=0.3)
        late.append(next(k for k, e in enumerate(far) if e < 0.2))
    assert 3 * late[0] < late[1]


def test_at_a_constant_lr_adamw_does_not_rest_to_the_last_digit(page_says):
    page_says(
        "At a constant lr it does not rest to the last digit here.",
        "A falling lr cures it here.",
    )
    settings = {"lr": 0.04, "betas": (0.9, 0.98), "weight_decay": 0.3}
    _, far = bowl_walk(AdamW, 3000, **settings)
    assert 5e-4 < min(far[2500:]) <= max(far[2500:]) < 0.1
    _, far = bowl_walk(AdamW, 3000, falling=True, **settings)
    assert far[-1] < 1e-4


def test_the_lowest_point_of_the_bowl_inside_the_walls(page_says):
    page_says(
        r"it ends at the lowest point of the bowl with $|w_j| \le 1$",
        "The third, AdamW, ends at neither: it stops on a dotted vertical line "
        "at w₁ = 1, at w₂ = 0.4.",
    )
    side = torch.linspace(-1, 1, 201, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side) - BEST
    heights = ((grid @ A) * grid).sum(1) / 2
    torch.testing.assert_close(
        (grid + BEST)[heights.argmin()], torch.tensor([1.0, 0.4]).double()
    )


def left(kind, lam, gradients, lr=1e-3):
    w = torch.ones_like(gradients[0]).requires_grad_()
    optimiser = kind([w], lr=lr, weight_decay=lam)
    for g in gradients:
        w.grad = g.clone()
        optimiser.step()
    return w.detach()


def test_without_gradients_adam_shrinks_at_one_speed_whatever_lam_is(page_says):
    page_says(
        "at first about lr, *whatever λ is*",
        "At that pace it would arrive after 1000 steps.",
        "so the steps become shorter: 0.26 is left.",
    )
    ends = [left(Adam, lam, torch.zeros(1000, 1)).item() for lam in (0.001, 0.1, 10)]
    assert ends == pytest.approx([ends[0]] * 3, abs=0.01)
    assert ends[0] == pytest.approx(0.26, abs=0.005)  # at full speed it would be 0
    first = 1 - left(Adam, 0.1, torch.zeros(1, 1)).item()
    assert first == pytest.approx(1e-3, rel=1e-3)


def test_random_signs_shrink_on_average_as_alternating_ones_do():
    generator = torch.Generator().manual_seed(0)
    signs = 2.0 * torch.randint(2, (1000, 300, 2), generator=generator) - 1
    ends = left(Adam, 0.1, (signs * torch.tensor([0.1, 10.0])).double())
    torch.testing.assert_close(
        ends.mean(0), torch.tensor([0.46, 0.99]).double(), atol=0.01, rtol=0
    )
    ends = left(AdamW, 0.1, (signs * torch.tensor([0.1, 10.0])).double())
    torch.testing.assert_close(
        ends.mean(0), torch.tensor([0.905, 0.905]).double(), atol=0.01, rtol=0
    )


def test_the_defaults_of_adamw_are_those_the_page_names(page_says):
    page_says("These are AdamW's defaults, lr = 0.001 and λ = 0.01")
    settings = AdamW([torch.ones(1)]).defaults
    assert (settings["lr"], settings["weight_decay"]) == (0.001, 0.01)
    assert (settings["eps"], settings["betas"]) == (1e-8, (0.9, 0.999))
    assert SGD([torch.ones(1)]).defaults["weight_decay"] == 0
    assert Adam([torch.ones(1)]).defaults["weight_decay"] == 0


def test_a_batch_of_any_size_needs_no_other_lam_beside_a_mean(page_says):
    page_says("In SGD such a λ needs no change if you change the batch size.")
    ends = []
    for rows in (1, 8):  # equal rows: only the size of the batch differs
        w = torch.tensor([2.0], requires_grad=True)
        optimiser = SGD([w], lr=0.1, weight_decay=0.5)
        for _ in range(20):
            optimiser.zero_grad()
            ((w.expand(rows) - 1) ** 2 / 2).mean().backward()
            optimiser.step()
        ends.append(w.item())
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


@pytest.mark.parametrize("g", [0.0, 0.9])
def test_with_the_sign_a_weight_jumps_across_zero(page_says, g):
    page_says(
        r"a weight jumps to and fro across 0, by up to about $2\,\text{lr}\,\lambda$"
    )
    w, jumps, share = 0.5, [], 0.1 * 0.31
    for _ in range(400):  # the loss pulls with g times lam
        before, w = w, w - share * (g + (1 if w > 0 else -1))
        if before * w < 0:
            jumps.append(abs(w - before) / share)
    assert len(jumps) > 10
    assert max(jumps) == pytest.approx(1 + g)


def test_what_random_starts_add_grows_with_the_square_of_their_scale(page_says):
    page_says(
        "On average over random starts, the second story grows with the square "
        "of their scale."
    )
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(25, 8, generator=generator, dtype=torch.float64)
    truth = torch.randn(8, generator=generator, dtype=torch.float64)
    y = X @ truth + torch.randn(25, generator=generator, dtype=torch.float64)
    one = torch.randn(8, generator=generator, dtype=torch.float64)
    excess, single = [], []
    for scale in (0, 1, 2):  # a start and its mirror image: their mean is 0
        w = (scale * torch.stack([one, -one], dim=1)).requires_grad_()
        optimiser = SGD([w], lr=0.1)
        for _ in range(3000):
            optimiser.zero_grad()
            (X[:5] @ w - y[:5, None]).square().mean(0).sum().backward()
            optimiser.step()
        loss = (X[5:] @ (w.detach() - truth[:, None])).square().mean(0) / 2
        excess.append(loss.mean())
        single.append(loss[0])
    torch.testing.assert_close(excess[2] - excess[0], 4 * (excess[1] - excess[0]))
    assert excess[1] - excess[0] > 0.1
    assert abs(single[2] - single[0] - 4 * (single[1] - single[0])) > 0.1


def test_two_options_break_the_sameness(page_says):
    page_says(
        "without two options: `maximize=True`, and Adam's "
        "`decoupled_weight_decay=True`, which makes it AdamW."
    )
    settings = {"lr": 0.04, "weight_decay": 0.3}
    ours, _ = bowl_walk(Adam, 50, decoupled_weight_decay=True, **settings)
    torch.testing.assert_close(ours, bowl_walk(AdamW, 50, **settings)[0])
    w = torch.ones(1, requires_grad=True)
    w.grad = torch.tensor([2.0])
    SGD([w], lr=0.1, weight_decay=1.0, maximize=True).step()
    penalised = 1 + 0.1 * (2 + 1)  # maximise 2 w + w^2 / 2
    assert w.item() == pytest.approx(1.1)
    assert w.item() != pytest.approx(penalised)


@pytest.mark.parametrize(("share", "kept"), [(0.0019, 1), (0.004, 0)])
def test_bfloat16_loses_small_shares(page_says, share, kept):
    page_says("in bfloat16: there a share below 0.0019 is rounded away")
    w = torch.arange(1, 2, 1 / 128, dtype=torch.bfloat16).requires_grad_()
    before, w.grad = w.detach().clone(), torch.zeros_like(w)
    AdamW([w], lr=1e-3, weight_decay=1e3 * share).step()
    assert (w == before).double().mean().item() == kept


def test_adam_and_sgd_may_end_at_two_points_if_there_are_two(page_says):
    page_says("If there is only one, as in a bowl, it is the same point.")
    ends = []
    for kind, lr in ((SGD, 0.02), (Adam, 0.3)):
        w = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
        optimiser = kind([w], lr=lr, weight_decay=0.2)
        for _ in range(2000):
            w.grad = 4 * w.detach() ** 3 - 4 * w.detach() + 0.3
            optimiser.step()
        ends.append(w.item())
        gradient = 4 * w.item() ** 3 - 4 * w.item() + 0.3 + 0.2 * w.item()
        assert gradient == pytest.approx(0, abs=1e-6)
    assert ends[1] < 0 < ends[0]
