"""Which parameters decay."""

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

from firstdescent.deep.weight_decay import decay_groups


def names(model):
    weights, rest = decay_groups(model, 0.1)
    assert (weights["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    found = {id(p): name for name, p in model.named_parameters()}
    return [[found[id(p)] for p in group["params"]] for group in (weights, rest)]


def test_weights_decay_and_biases_and_norms_do_not():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.PReLU(2), nn.Linear(2, 3)
    )
    rest = ["0.bias", "1.weight", "1.bias", "2.weight", "3.bias"]
    assert names(model) == [["0.weight", "3.weight"], rest]


def test_the_scale_of_a_norm_over_two_dimensions_does_not_decay():
    model = nn.Sequential(nn.LayerNorm((2, 3)), nn.RMSNorm((2, 3)), nn.GroupNorm(1, 2))
    weights, rest = names(model)
    assert weights == []
    assert len(rest) == 5


def test_recurrent_layers_attention_and_embeddings_decay_only_their_matrices():
    model = nn.ModuleDict(
        {
            "rnn": nn.LSTM(2, 3),
            "attention": nn.MultiheadAttention(4, 2),
            "embedding": nn.Embedding(5, 4),
            "more": nn.MultiheadAttention(4, 2, add_bias_kv=True),
        }
    )
    weights, rest = names(model)
    assert all("bias" in name for name in rest)
    assert not any("bias" in name for name in weights)
    assert "embedding.weight" in weights
    assert {"more.bias_k", "more.bias_v"} <= set(rest)  # shape (1, 1, 4)


def test_the_scale_of_weight_norm_decays_as_documented():
    model = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    weights, rest = names(model)
    assert [name[-9:] for name in weights] == ["original0", "original1"]
    assert rest == ["bias"]


def test_a_shared_a_frozen_and_an_own_parameter_come_once():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    model.scale = nn.Parameter(torch.ones(()))
    model[0].bias.requires_grad_(False)
    weights, rest = decay_groups(model, 0.1)
    assert [id(p) for p in weights["params"]] == [id(model[0].weight)]
    assert len(rest["params"]) == 3
    AdamW([weights, rest])  # torch refuses a parameter in two groups


def test_a_weight_shared_with_a_norm_does_not_decay_in_either_order():
    for order in (False, True):
        layers = [nn.Linear(3, 2, bias=False), nn.LayerNorm((2, 3), bias=False)]
        layers[1].weight = layers[0].weight
        weights, rest = decay_groups(nn.Sequential(*layers[:: -1 if order else 1]), 1.0)
        assert (len(weights["params"]), len(rest["params"])) == (0, 1)


def test_only_the_weights_move_when_all_gradients_are_zero():
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    before = [p.detach().clone() for p in model.parameters()]
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    SGD(decay_groups(model, 0.5), lr=1.0).step()
    for p, old, share in zip(model.parameters(), before, (0.5, 1, 1, 1), strict=True):
        torch.testing.assert_close(p.detach(), share * old)


def test_groups_refuse_no_module_no_parameters_lazy_ones_and_a_bad_lam():
    with pytest.raises(TypeError, match="expected a Module, got list"):
        decay_groups([nn.Linear(1, 1)], 0.1)
    with pytest.raises(ValueError, match="expected a model with parameters"):
        decay_groups(nn.ReLU(), 0.1)
    with pytest.raises(ValueError, match="run one batch first"):
        decay_groups(nn.Sequential(nn.LazyLinear(2)), 0.1)
    with pytest.raises(ValueError, match="finite lam"):
        decay_groups(nn.Linear(1, 1), -0.1)
