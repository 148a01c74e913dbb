"""Each claim of docs/en/tools/modules.md about PyTorch, put to PyTorch."""

import copy
import pickle

import pytest
import torch
from torch import nn


def step(net, optimiser, x):
    """Take one training step and return which parameters moved."""
    before = copy.deepcopy(list(net.parameters()))
    optimiser.zero_grad()
    net(x).sum().backward()
    optimiser.step()
    return [not p.equal(q) for p, q in zip(net.parameters(), before, strict=True)]


@pytest.fixture
def net():
    """Two layers, all weights one, so that every gradient is known to be there."""
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    for p in net.parameters():
        nn.init.ones_(p)
    return net


X = torch.tensor([[1.0, 2.0]])


def test_an_output_is_a_row_of_the_weight_with_the_whole_input_and_no_activation():
    layer = nn.Linear(3, 2)
    x = [1.0, -2.0, 3.0]
    W, b = layer.weight.tolist(), layer.bias.tolist()
    by_hand = [sum(w * v for w, v in zip(W[j], x, strict=True)) + b[j] for j in (0, 1)]
    assert layer(torch.tensor(x)).tolist() == pytest.approx(by_hand, abs=1e-6)
    torch.testing.assert_close(layer(torch.zeros(3)), layer.bias.detach())
    both = layer(torch.tensor(x)) + layer(-torch.tensor(x))  # a ReLU breaks this
    torch.testing.assert_close(both, 2 * layer.bias)


def test_the_stores_of_a_new_module_are_these():
    inside = vars(nn.Module())
    dictionaries = {"_parameters", "_buffers", "_modules", "_forward_hooks"}
    assert inside["training"] is True
    assert all(inside[name] == {} for name in dictionaries)
    assert sum(name.endswith("_hooks") for name in inside) > 3


def test_a_second_use_of_one_generator_gets_nothing(net):
    parameters = net.parameters()
    assert iter(parameters) is parameters
    optimiser = torch.optim.SGD(parameters, lr=0.1)
    assert len(optimiser.param_groups[0]["params"]) == 2
    net(X).sum().backward()
    with pytest.warns(UserWarning, match="empty generator"):
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    assert norm.item() == 0.0
    assert torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0).item() > 1


def test_what_is_trained_is_what_requires_gets_and_is_held(net):
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    assert step(net, optimiser, X) == [True, True]
    net[0].requires_grad_(False)
    assert step(net, optimiser, X) == [False, True]
    assert len(list(net.parameters())) == 2


def test_what_the_optimiser_does_not_hold_keeps_its_gradient(net):
    optimiser = torch.optim.SGD([net[1].weight], lr=0.1)
    assert step(net, optimiser, X) == [False, True]
    optimiser.zero_grad()
    assert net[0].weight.grad is not None
    net.zero_grad()
    assert net[0].weight.grad is None


def test_a_replaced_parameter_is_lost_to_the_optimiser_and_a_written_one_is_not(net):
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    net[0].weight = nn.Parameter(torch.ones(2, 2))
    assert step(net, optimiser, X) == [False, True]
    with torch.no_grad():
        net[1].weight.copy_(torch.full((1, 2), 3.0))
    assert step(net, optimiser, X) == [False, True]


def test_an_unused_parameter_stays_without_a_gradient(net):
    net.register_parameter("unused", nn.Parameter(torch.ones(1)))
    forward = nn.Sequential.forward
    net.forward = lambda x: forward(nn.Sequential(net[0], net[1]), x)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=1.0)
    assert step(net, optimiser, X) == [False, True, True]  # its own come first
    assert net.unused.grad is None


def test_nothing_is_registered_before_the_base_class_is_set_up():
    class NoSuper(nn.Module):
        def __init__(self, value):
            self.value = value

    for value in (nn.Parameter(torch.zeros(1)), nn.ReLU()):
        with pytest.raises(AttributeError, match=r"before Module\.__init__\(\) call"):
            NoSuper(value)


def test_a_parameter_given_after_init_is_registered_and_the_optimiser_misses_it(net):
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    net.late = nn.Parameter(torch.ones(1))
    assert "late" in dict(net.named_parameters())
    assert len(optimiser.param_groups[0]["params"]) == 2


def test_a_lazy_layer_is_trained_by_an_optimiser_built_before_its_shape_is_known():
    lazy = nn.LazyLinear(2)
    optimiser = torch.optim.SGD(lazy.parameters(), lr=0.1)
    lazy(X)
    assert step(lazy, optimiser, X) == [True, True]


def test_a_buffer_is_saved_and_moved_and_not_trained():
    class Buffered(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("kept", torch.ones(2))
            self.register_buffer("loose", torch.ones(2), persistent=False)
            self.new = nn.Buffer(torch.ones(2))
            self.plain = torch.ones(2)

    module = Buffered().double()
    assert list(module.state_dict()) == ["kept", "new"]
    assert list(module.parameters()) == []
    kinds = [t.dtype for t in (module.kept, module.loose, module.new, module.plain)]
    assert kinds == 3 * [torch.float64] + [torch.float32]


def test_a_list_hides_its_layers_without_an_error_if_one_layer_is_beside_it():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(2, 2)]
            self.head = nn.Linear(2, 1)

        def forward(self, x):
            return self.head(self.layers[0](x))

    half = Half()
    hidden = half.layers[0].weight.detach().clone()
    assert step(half, torch.optim.SGD(half.parameters(), lr=0.1), X)[1]
    torch.testing.assert_close(half.layers[0].weight.detach(), hidden)
    assert list(half.state_dict()) == ["head.weight", "head.bias"]
    assert half.double().layers[0].weight.dtype == torch.float32


def test_a_module_list_registers_its_layers_and_has_no_forward():
    layers = nn.ModuleList([nn.Linear(2, 2), nn.ReLU()])
    assert [name for name, _ in layers.named_parameters()] == ["0.weight", "0.bias"]
    with pytest.raises(NotImplementedError, match="forward"):
        layers(X)


def test_weights_only_refuses_a_whole_module(tmp_path, net):
    torch.save(net, tmp_path / "net.pt")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(tmp_path / "net.pt", weights_only=True)


def test_a_state_dict_holds_the_living_tensors_and_loading_copies(net):
    state = net.state_dict()
    assert state["0.weight"].data_ptr() == net[0].weight.data_ptr()
    other = copy.deepcopy(net)
    other.load_state_dict(state)
    assert other[0].weight.data_ptr() != net[0].weight.data_ptr()


def test_loading_wants_every_name_and_no_other(net):
    state = net.state_dict()
    with pytest.raises(RuntimeError, match="Missing key"):
        net.load_state_dict({"0.weight": state["0.weight"]})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        net.load_state_dict({**state, "2.weight": torch.ones(1)})


def test_forward_skips_the_hooks_of_the_module_and_not_those_of_its_parts(net):
    heard = []
    net.register_forward_hook(lambda *args: heard.append("net"))
    net[0].register_forward_hook(lambda *args: heard.append("part"))
    net(X)
    assert heard == ["part", "net"]
    heard.clear()
    net.forward(X)
    assert heard == ["part"]


def test_train_and_eval_set_a_flag_in_every_part_and_nothing_else(net):
    before = copy.deepcopy(net.state_dict())
    net.eval()
    assert [part.training for part in net.modules()] == 3 * [False]
    net.train()
    assert [part.training for part in net.modules()] == 3 * [True]
    torch.testing.assert_close(net.state_dict(), before)
    assert all(p.requires_grad for p in net.eval().parameters())


def test_sgd_subtracts_the_learning_rate_times_whatever_gradient_it_finds():
    w = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    w.grad = torch.tensor([5.0, -7.0], dtype=torch.float64)
    torch.optim.SGD([w], lr=0.1).step()
    assert w.tolist() == pytest.approx([1 - 0.1 * 5, 2 + 0.1 * 7])


def test_normal_takes_a_standard_deviation():
    draws = torch.empty(100_000, dtype=torch.float64)
    draws.normal_(0, 0.01, generator=torch.Generator().manual_seed(0))
    assert draws.std().item() == pytest.approx(0.01, rel=0.01)
    assert draws.var().item() == pytest.approx(1e-4, rel=0.02)


def test_a_parameter_added_to_the_optimiser_later_is_trained():
    layer = nn.Linear(2, 1)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer.extra = nn.Parameter(torch.ones(1))
    optimiser.add_param_group({"params": [layer.extra]})
    (layer(torch.ones(1, 2)) * layer.extra).sum().backward()
    optimiser.step()
    assert layer.extra.item() != 1.0


def test_a_parameter_frozen_after_its_gradient_still_moves():
    w = nn.Parameter(torch.ones(1))
    w.grad = torch.ones(1)
    w.requires_grad_(False)
    torch.optim.SGD([w], lr=0.5).step()
    assert w.item() == 0.5


def test_adagrad_refuses_what_sgd_and_adam_accept():
    for accepts in (torch.optim.SGD, torch.optim.Adam):
        accepts(nn.LazyLinear(2).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="uninitialized parameter"):
        torch.optim.Adagrad(nn.LazyLinear(2).parameters(), lr=0.1)


def test_what_matched_has_been_loaded_when_a_missing_key_raises():
    layer = nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match="Missing key"):
        layer.load_state_dict({"weight": torch.full((1, 2), 7.0)})
    assert layer.weight.tolist() == [[7.0, 7.0]]


def test_what_a_hook_returns_replaces_the_output_and_keywords_do_not_reach_it():
    layer, heard = nn.ReLU(), []

    def hook(*given):
        heard.append(given[1])
        return torch.zeros(1)

    layer.register_forward_hook(hook)
    assert layer(input=torch.ones(1)).item() == 0.0
    assert heard == [()]
