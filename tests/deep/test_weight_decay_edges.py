"""The defaults of the steps, what the refusals name, and drawings of other data."""

from math import nan

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn
from torch.optim import Adam
from torch.testing import assert_close

from firstdescent.deep.figures.weight_decay import draw_decay, draw_speed
from firstdescent.deep.weight_decay import (
    adam_step,
    check_update,
    decay_groups,
    l2_penalty,
    sgd_step,
)

W = torch.tensor([1.0, -2.0], dtype=torch.float64)
G = torch.tensor([0.5, 3.0], dtype=torch.float64)


def test_sgd_step_has_by_default_neither_decay_nor_momentum():
    w, v = sgd_step(W, G, W, 0.1)
    assert_close(w, W - 0.1 * G)
    assert_close(v, G)


def test_sgd_step_decays_inside_by_default():
    _, v = sgd_step(W, G, 0 * W, 0.1, 0.3)
    assert_close(v, G + 0.3 * W)


@pytest.mark.parametrize("lam", [0.0, 0.3])
def test_adam_step_is_torchs_adam_by_default(lam):
    parameter = W.clone().requires_grad_()
    parameter.grad = G.clone()
    Adam([parameter], lr=0.1, weight_decay=lam).step()
    settings = {"lam": lam} if lam else {}
    w, _, _ = adam_step(W, G, 0 * W, 0 * W, 1, 0.1, **settings)
    assert_close(w, parameter.detach())


def test_with_betas_of_zero_a_step_is_a_sign():
    w, m, v = adam_step(W, G, W, W**2, 7, 0.1, betas=(0.0, 0.0), eps=1e-12)
    assert_close((w, m, v), (W - 0.1, G, G**2))


@pytest.mark.parametrize(
    "step",
    [
        lambda: l2_penalty([W], -1.0),
        lambda: check_update(W, lr=0.1, lam=-1.0),
        lambda: sgd_step(W, G, W, 0.1, -1.0),
    ],
)
def test_a_negative_lam_is_refused_by_its_name(step):
    with pytest.raises(ValueError, match=r"^expected a finite lam >= 0, got -1\.0$"):
        step()


@pytest.mark.parametrize("place", range(4))
def test_a_step_refuses_nan_in_each_of_its_tensors(place):
    tensors = [W, G, W, W**2]
    tensors[place] = tensors[place] * nan
    with pytest.raises(ValueError, match="expected finite numbers"):
        adam_step(*tensors, 1, 0.1)
    if place < 3:
        with pytest.raises(ValueError, match="expected finite numbers"):
            sgd_step(*tensors[:3], 0.1)


def test_momentum_and_lr_are_refused_by_their_names():
    with pytest.raises(ValueError, match=r"^expected a finite lr > 0, got 0\.0$"):
        sgd_step(W, G, W, 0.0)
    with pytest.raises(ValueError, match=r"^expected a finite momentum >= 0, got -1$"):
        sgd_step(W, G, W, 0.1, momentum=-1)


def test_the_weights_of_a_module_named_bias_decay():
    model = nn.ModuleDict({"bias": nn.Linear(2, 3)})
    weights, rest = decay_groups(model, 0.1)
    assert [p.shape for p in weights["params"]] == [(3, 2)]
    assert [p.shape for p in rest["params"]] == [(3,)]


@pytest.fixture
def drawn():
    yield lambda: plt.gcf().axes[0].lines
    plt.close("all")


def test_three_paths_have_three_kinds_of_line_over_a_loss_in_the_dtype_of_the_marks(
    drawn,
):
    asked, path = [], torch.stack([W, G])

    def loss(w):
        asked.append(w.dtype)
        return w.square().sum()

    draw_decay(loss, 0.5, dict.fromkeys("abc", path), {"loss": W})
    assert asked == [torch.float64]
    assert [line.get_linestyle() for line in drawn()[2:8:2]] == ["-", "--", "-."]


def test_three_optimisers_have_three_kinds_of_line(drawn):
    draw_speed(torch.tensor([1.0, 2.0]), dict.fromkeys("abc", torch.ones(2)))
    assert [line.get_linestyle() for line in drawn()] == ["-", "--", ":"]
