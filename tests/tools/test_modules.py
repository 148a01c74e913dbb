"""firstdescent.tools.modules against answers that it did not compute."""

import matplotlib.pyplot as plt
import pytest
import torch
from torch import Generator, nn

from firstdescent.tools.figures.modules import draw_affine, draw_xray
from firstdescent.tools.modules import Linear, activation_shapes, anatomy, reach


class Everything(nn.Module):
    """One thing in each store, and a list with a layer in it."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.register_buffer("saved", torch.ones(2))
        self.register_buffer("thrown", torch.ones(2), persistent=False)
        self.child = nn.Sequential(nn.Linear(2, 2))
        self.silent = nn.ReLU()
        self.plain = torch.ones(2)
        self.listed = [nn.Linear(2, 2)]
        self.word = "word"


def twin(in_features, out_features):
    """Return our layer and PyTorch's, with the same random numbers."""
    draws = Generator().manual_seed(0)
    W = torch.randn(out_features, in_features, generator=draws)
    b = torch.randn(out_features, generator=draws)
    ours, theirs = Linear(in_features, out_features), nn.Linear(*W.shape[::-1])
    with torch.no_grad():
        for layer in (ours, theirs):
            layer.weight.copy_(W)
            layer.bias.copy_(b)
    return ours, theirs


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)])
def test_linear_gives_what_nn_linear_gives(shape):
    ours, theirs = twin(3, 4)
    x = torch.randn(shape, generator=Generator().manual_seed(1))
    torch.testing.assert_close(ours(x), theirs(x))


def test_linear_has_the_gradients_of_nn_linear():
    ours, theirs = twin(3, 4)
    x = torch.randn(5, 3, generator=Generator().manual_seed(1))
    for layer in (ours, theirs):
        layer(x).square().mean().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    torch.testing.assert_close(ours.bias.grad, theirs.bias.grad)


def test_linear_of_one_number_is_a_line():
    ours, _ = twin(1, 1)
    at = ours(torch.tensor([[0.0], [1.0], [2.0]])).flatten()
    torch.testing.assert_close(at[2] - at[1], at[1] - at[0])
    torch.testing.assert_close(at[1] - at[0], ours.weight[0, 0])


def test_linear_keeps_what_nn_linear_keeps():
    ours, theirs = twin(3, 2)
    assert anatomy(ours)["parameters"] == anatomy(theirs)["parameters"]
    assert ours.load_state_dict(theirs.state_dict()).missing_keys == []


def test_linear_starts_with_small_draws_of_its_generator_and_a_zero_bias():
    layers = [Linear(300, 300, Generator().manual_seed(s)) for s in (0, 0, 1)]
    assert torch.equal(layers[0].weight, layers[1].weight)
    assert not torch.equal(layers[0].weight, layers[2].weight)
    # The standard error of the standard deviation of 90000 draws is 0.24 %.
    assert layers[0].weight.std().item() == pytest.approx(0.01, rel=0.015)
    assert layers[0].weight.mean().abs().item() < 2e-4
    assert not layers[0].bias.any()


def test_anatomy_names_what_lies_in_each_store():
    assert anatomy(Everything()) == {
        "parameters": ["weight"],
        "buffers": ["saved", "thrown"],
        "children": ["child", "silent"],
        "hooks": [],
        "attributes": ["plain", "listed", "word"],
    }


def test_anatomy_of_an_empty_module_is_empty():
    assert not any(anatomy(nn.Module()).values())
    assert anatomy(nn.ReLU())["attributes"] == ["inplace"]


def test_anatomy_leaves_out_a_bias_that_is_none():
    assert anatomy(nn.Linear(2, 2, bias=False))["parameters"] == ["weight"]


def test_anatomy_agrees_with_pytorch_on_a_layer_that_has_buffers():
    norm = nn.BatchNorm1d(3)
    kept = anatomy(norm)
    assert kept["parameters"] == [name for name, _ in norm.named_parameters()]
    assert kept["buffers"] == [name for name, _ in norm.named_buffers()]


def test_anatomy_names_the_hooks_in_use_and_forgets_them():
    layer = nn.ReLU()
    handle = layer.register_forward_hook(lambda *args: None)
    assert anatomy(layer)["hooks"] == ["_forward_hooks"]
    handle.remove()
    assert anatomy(layer)["hooks"] == []


@pytest.mark.parametrize("function", [anatomy, reach])
def test_what_is_no_module_is_refused(function):
    with pytest.raises(TypeError, match=r"expected an nn\.Module, got list"):
        function([nn.ReLU()])


@pytest.mark.parametrize("training", [True, False])
def test_reach_tells_the_calls_apart(training):
    module = Everything().train(training)
    assert reach(module) == {
        "parameters": {"weight", "child"},
        "state_dict": {"weight", "saved", "child"},
        "to": {"weight", "saved", "thrown", "child"},
        "train": {"training", "child", "silent"},
    }


def test_reach_leaves_the_module_alone():
    module = Everything()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    reach(module)
    assert module.training and module.child.training
    for name, tensor in module.state_dict().items():
        torch.testing.assert_close(tensor, before[name])


def test_activation_shapes_follows_the_calls():
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 1)))
    shapes = [("0", (5, 4)), ("1.0", (5, 4)), ("1.1", (5, 1))]
    assert activation_shapes(net, torch.ones(5, 3)) == shapes


def test_activation_shapes_names_a_layer_that_is_its_own_net():
    assert activation_shapes(nn.ReLU(), torch.ones(2)) == [("", (2,))]


def test_activation_shapes_lists_a_layer_that_is_called_twice_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.ReLU()

        def forward(self, x):
            return self.layer(self.layer(x)[:1])

    shapes = [("layer", (3,)), ("layer", (1,))]
    assert activation_shapes(Twice(), torch.ones(3)) == shapes


def test_activation_shapes_takes_its_hooks_off_even_after_an_error():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 1))
    with pytest.raises(RuntimeError):
        activation_shapes(net, torch.ones(2, 3))
    assert not any(anatomy(part)["hooks"] for part in net.modules())


def test_activation_shapes_refuses_a_layer_that_returns_a_pair():
    with pytest.raises(TypeError, match="expected a tensor from '', got tuple"):
        activation_shapes(nn.LSTM(2, 2), torch.ones(1, 2))


def test_activation_shapes_really_runs_the_net():
    norm = nn.BatchNorm1d(3)
    activation_shapes(norm, torch.ones(2, 3))
    assert norm.num_batches_tracked.item() == 1


def test_the_picture_of_a_layer_shows_every_number():
    W, b = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([10.0, 20.0])
    draw_affine(torch.tensor([[5.0, 6.0]]), W, b, sample=0, output=1)
    drawn = [text.get_text() for text in plt.gca().texts]
    lit = [t.get_text() for t in plt.gca().texts if t.get_weight() == "bold"]
    plt.close()
    assert {"X (1, 2)", "Wᵀ (2, 2)", "b (2,)", "Y (1, 2)"} < set(drawn)
    assert lit == ["5", "6", "3", "4", "20", "59"]  # 5·3 + 6·4 + 20


def test_the_xray_has_one_dot_for_each_name_that_a_call_reaches():
    module = Everything()
    draw_xray(anatomy(module), reach(module))
    drawn = {text.get_text() for text in plt.gca().texts}
    dots = [line for line in plt.gca().lines if line.get_marker() == "o"]
    plt.close()
    assert len(dots) == 2 + 3 + 4 + 3
    assert {"weight", "saved", "thrown", "child", "plain", "listed"} < drawn
