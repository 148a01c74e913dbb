"""Each claim of docs/en/tools/autograd_errors.md about PyTorch, put to PyTorch."""

import re
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).parents[2] / "docs/en/tools/autograd_errors.md"


def leaf(value, dtype=torch.float64):
    return torch.tensor(value, dtype=dtype, requires_grad=True)


def slope(f, at):
    t = leaf(at)
    return torch.autograd.grad(f(t), t)[0].tolist()


def twice():
    y = leaf(3.0) ** 2
    y.backward()
    y.backward()


def update_a_leaf():
    w = leaf(3.0)
    w -= 0.1


def overwrite_what_was_saved():
    e = leaf(0.0).exp()
    e.add_(1)
    e.backward()


def unused():
    torch.autograd.grad(leaf(1.0) * 2, leaf(1.0))


PROVOKED = [  # in the order of the page's table
    twice,
    update_a_leaf,
    overwrite_what_was_saved,
    lambda: torch.ones(()).backward(),
    lambda: torch.arange(4, requires_grad=True),
    lambda: (leaf([1.0, 2.0]) * 2).backward(),
    unused,
]


def table():
    rows = re.findall(r"^\| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == len(PROVOKED)
    return rows


@pytest.mark.parametrize("row", range(len(PROVOKED)))
def test_each_message_in_the_table_is_what_torch_says_today(row):
    with pytest.raises(RuntimeError, match=re.escape(table()[row])):
        PROVOKED[row]()


def test_whole_numbers_are_refused_by_the_method_too():
    with pytest.raises(RuntimeError, match="can require gradients"):
        torch.arange(4).requires_grad_()


def test_a_sum_goes_backward_twice_and_adds_up():
    w = leaf(3.0)
    y = w + 2
    y.backward()
    y.backward()
    assert w.grad.item() == 2.0


@pytest.mark.parametrize("f", [lambda w: 2 * w, torch.sin, torch.exp])
def test_a_node_that_saved_a_tensor_goes_backward_once(f):
    y = f(leaf(3.0))
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


@pytest.mark.parametrize("how", [{"retain_graph": True}, {"create_graph": True}])
def test_a_graph_can_be_kept_and_its_saved_tensors_with_it(how):
    w = leaf(3.0)
    y = w**2
    torch.autograd.grad(y, w, **how)
    assert y.grad_fn._saved_self.item() == 3.0
    torch.autograd.grad(y, w)
    with pytest.raises(RuntimeError, match="freed"):
        _ = y.grad_fn._saved_self


@pytest.mark.parametrize("keep", [True, False])
def test_with_two_layers_a_retained_total_meets_the_overwritten_weight(keep):
    w, v, total = leaf(1.0), leaf(2.0), torch.zeros(())

    def go():
        nonlocal total
        for _ in range(2):
            total = (total if keep else total.detach()) + (v * (3 * w) - 1) ** 2
            total.backward(retain_graph=keep)
            with torch.no_grad():
                for param in (w, v):
                    param -= 0.01 * param.grad
                    param.grad = None

    if keep:
        with pytest.raises(RuntimeError, match="modified by an inplace"):
            go()
    else:
        go()


def test_two_losses_on_a_shared_part_need_the_graph_kept_or_a_sum():
    w = leaf(0.0)
    shared = w.exp()
    (2 * shared).backward()
    with pytest.raises(RuntimeError, match="second time"):
        (3 * shared).backward()
    w.grad = None
    shared = w.exp()
    (2 * shared + 3 * shared).backward()
    assert w.grad.item() == 5.0


def test_an_optimiser_step_between_forward_and_backward_is_an_in_place_change():
    w = leaf(1.0)
    sgd = torch.optim.SGD([w], lr=0.1)
    w.grad = torch.ones_like(w)
    loss = w**2
    sgd.step()
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        loss.backward()


def under_no_grad(e):
    with torch.no_grad():
        e.add_(1)


@pytest.mark.parametrize(
    "change", [lambda e: e.add_(1), lambda e: e.detach().add_(1), under_no_grad]
)
def test_the_version_counter_sees_a_change(change):
    e = leaf(0.0).exp()
    change(e)
    assert e._version == 1
    with pytest.raises(RuntimeError, match="at version 1; expected version 0"):
        e.backward()


def test_data_gets_around_the_counter_and_the_slope_is_wrong():
    z = leaf(0.0)
    e = z.exp()
    e.data.add_(1)
    assert e._version == 0
    e.backward()
    assert z.grad.item() == 2.0  # d/dz (exp(z) + 1) at 0 is 1
    assert slope(lambda z: z.exp() + 1, 0.0) == 1.0


def test_gradcheck_finds_the_wrong_slope():
    def wrong(z):
        e = z.exp()
        e.data.add_(1)
        return e

    with pytest.raises(RuntimeError, match="mismatch"):
        torch.autograd.gradcheck(wrong, (leaf([0.0, 1.0]),))


def test_a_loss_that_asks_for_its_own_gradient_brings_none_to_the_weights():
    w = leaf(3.0)
    loss = torch.tensor(((w - 1) ** 2).item()).requires_grad_()
    loss.backward()
    assert (loss.grad.item(), w.grad) == (1.0, None)


def test_frozen_weights_leave_no_graph():
    assert ((leaf(3.0).requires_grad_(False) - 1) ** 2).grad_fn is None


@pytest.mark.parametrize(
    ("f", "answer"),
    [
        (torch.abs, 0.0),
        (torch.sqrt, torch.inf),
        (torch.relu, 0.0),
        (lambda t: torch.maximum(t, torch.zeros_like(t)), 0.5),
        (lambda t: t.clamp(min=0), 1.0),
        (lambda t: t.relu() - (-t).relu(), 0.0),
    ],
)
def test_the_answer_at_a_kink_is_a_convention(f, answer):
    assert slope(f, 0.0) == answer


def test_amax_shares_among_ties_and_max_gives_all_to_the_first():
    at = [1.0, 3.0, 3.0, 3.0]
    assert slope(torch.amax, at) == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert slope(lambda t: t.max(dim=0)[0], at) == [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(("f", "low", "high"), [("relu", 0, 1), ("abs", -1, 1)])
def test_the_subgradients_at_zero_are_an_interval(f, low, high):
    t = torch.linspace(-2, 2, 401, dtype=torch.float64)
    curve = getattr(torch, f)(t)
    for s in torch.linspace(-2, 2, 81, dtype=torch.float64):
        below = bool((curve >= s * t).all())
        assert below == (low <= s <= high)


def test_any_vector_of_length_at_most_one_is_a_subgradient_of_the_norm_at_zero():
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(1000, 3, generator=generator, dtype=torch.float64)
    s = torch.nn.functional.normalize(v.flip(0), dim=1)
    assert (v.norm(dim=1) >= (v * s).sum(dim=1)).all()
    longer = 1.01 * torch.nn.functional.normalize(v, dim=1)
    assert (v.norm(dim=1) < (v * longer).sum(dim=1)).all()


@pytest.mark.parametrize(
    ("f", "value"),
    [
        (lambda t: torch.where(t > 0, t.sqrt(), 0.0), 0.0),
        (lambda t: torch.where(t > 0, t.log(), 0.0), 0.0),
        (lambda t: torch.where(t > 0, 1 / t, 0.0), 0.0),
        (lambda t: torch.stack([t, t]).square().sum().sqrt(), 0.0),
    ],
)
def test_a_value_that_is_fine_has_a_slope_of_nan(f, value):
    assert f(torch.tensor(0.0)) == value
    assert torch.tensor(slope(f, 0.0)).isnan()


def naive_root(t):
    return torch.where(t > 0, t.sqrt(), 0.0)


def test_one_row_of_zeros_spoils_every_weight_and_the_next_prediction():
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(100, 3, generator=generator)
    X[7] = 0
    w = torch.ones(3, requires_grad=True)
    sgd = torch.optim.SGD([w], lr=0.1)
    naive_root(X @ w).mean().backward()
    sgd.step()
    assert w.isnan().all() and (X @ w).isnan().all()


def test_neither_clipping_nor_a_weight_of_zero_removes_the_nan():
    t, keep = leaf([0.0, 1.0]), torch.tensor([0.0, 1.0])
    (keep * naive_root(t)).sum().backward()
    assert t.grad.isnan().tolist() == [True, False]
    torch.nn.utils.clip_grad_norm_([t], 1.0)
    assert t.grad.isnan().all()  # clipping spreads it


def test_no_path_is_none_and_a_path_of_slope_zero_is_zero():
    a, b = leaf(1.0), leaf(1.0)
    (0 * a).backward()
    assert (a.grad.item(), b.grad) == (0.0, None)


@pytest.mark.parametrize(("cut", "expected"), [(False, 4.0), (True, 2.0)])
def test_a_state_cut_at_each_step_has_half_the_slope(cut, expected):
    w, h = leaf(0.5), torch.zeros((), dtype=torch.float64)
    for _ in range(60):
        h = w * (h.detach() if cut else h) + 1
    h.backward()
    # h = 1 / (1 - w): the whole slope is 1 / (1 - w)**2, that of one step is h.
    assert w.grad.item() == pytest.approx(expected)
