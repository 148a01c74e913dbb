"""Sentences of the page that no block shows."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import ASGD, SGD, Adadelta, Adagrad, Adam, AdamW, RAdam, RMSprop, Rprop
from torch.optim.lr_scheduler import ReduceLROnPlateau

from firstdescent.optimisation.averaging_losses import largest_gap, trajectory
from firstdescent.regression.from_scratch import synthetic_linear
from firstdescent.regression.rank_deficiency import ridge
from firstdescent.tools.dataloader import epoch_mean

SEEDS = range(2)
KINDS = {
    "SGD": (SGD, {}),
    "momentum": (SGD, {"momentum": 0.9}),
    "Nesterov": (SGD, {"momentum": 0.9, "nesterov": True}),
    "Adam": (Adam, {}),
    "AdamW": (AdamW, {"weight_decay": 0.0}),
    "RMSprop": (RMSprop, {}),
    "Adagrad": (Adagrad, {}),
}


def batches(n, size, epochs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, generator=generator, dtype=torch.float64)
    y = X @ torch.tensor([2.0, -3.4], dtype=torch.float64) + 4.2 + noise
    return epochs * list(zip(X.split(size), y.split(size), strict=True))


def gap(data, name, mean, total):
    """Between the mean's run and the sum's, whose lr is divided for SGD only."""
    kind, settings = KINDS[name]
    rate = 0.3 / len(data[0][1]) if kind is SGD else 0.3
    one = trajectory(data, kind, lr=0.3, **settings | mean)
    return largest_gap(
        one, trajectory(data, kind, "sum", **{"lr": rate} | settings | total)
    )


def clip(how, c):
    return {"before_step": lambda theta: how([theta], c)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", KINDS)
class TestTheMapOnOtherData:
    def test_alone_each_optimiser_has_its_rule(self, name, seed):
        assert gap(batches(96, 32, 4, seed), name, {}, {}) < 1e-5

    def test_decay_needs_the_factor_except_in_adamw(self, name, seed):
        data = batches(96, 32, 4, seed)
        mean = {"weight_decay": 0.1}
        as_it_was = gap(data, name, mean, mean)
        times = gap(data, name, mean, {"weight_decay": 3.2})
        if name == "AdamW":
            assert as_it_was < 1e-5
            assert times > 1e-2
        else:
            assert as_it_was > 1e-3
            assert times < 1e-5

    @pytest.mark.parametrize("how", [clip_grad_norm_, clip_grad_value_])
    def test_thresholds_need_the_factor(self, name, seed, how):
        data = batches(96, 32, 4, seed)
        mean = clip(how, 4.0)
        assert gap(data, name, mean, mean) > 1e-3
        assert gap(data, name, mean, clip(how, 128.0)) < 1e-5

    def test_a_short_batch_is_repaired_by_its_lr_for_plain_sgd_only(self, name, seed):
        data = batches(100, 32, 2, seed)
        sizes = [len(y) for _, y in data]
        base = 0.3 if KINDS[name][0] is SGD else 0.3 * 32
        own = gap(data, name, {}, {"lr": [base / m for m in sizes]})
        assert gap(data, name, {}, {}) > 1e-3
        assert own < 1e-12 if name == "SGD" else own > 1e-3

    def test_dividing_each_loss_by_its_rows_repairs_every_one(self, name, seed):
        data = batches(100, 30, 2, seed)  # 30, 30, 30 and 10 rows
        ones = [1 / len(y) for _, y in data]
        assert gap(data, name, {}, {"lr": 0.3, "scale": ones}) < 1e-12


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("how", [clip_grad_norm_, clip_grad_value_])
def test_on_the_page_some_gradients_are_clipped_and_some_are_not(name, how):
    sizes, order = [], 2 if how is clip_grad_norm_ else torch.inf

    def shorten(theta):
        sizes.append(theta.grad.norm(order).item())
        how([theta], 4.0)

    kind, settings = KINDS[name]
    generator = torch.Generator().manual_seed(0)
    true_w = torch.tensor([2.0, -3.4], dtype=torch.float64)
    X, y = synthetic_linear(true_w, 4.2, 96, 1.0, generator)
    data = 4 * list(zip(X.split(32), y.split(32), strict=True))
    trajectory(data, kind, lr=0.3, before_step=shorten, **settings)
    assert min(sizes) < 4 < max(sizes)


@pytest.mark.parametrize("size", [4, 32])
@pytest.mark.parametrize("name", ["SGD", "momentum", "Nesterov"])
def test_powers_of_two_give_the_same_bits(name, size):
    for seed in SEEDS:
        assert gap(batches(96, size, 2, seed), name, {}, {}) == 0


@pytest.mark.parametrize("size", [3, 10, 12, 30])
def test_other_sizes_agree_up_to_rounding(size):
    for seed in SEEDS:
        data = batches(120, size, 2, seed)
        assert gap(data, "momentum", {}, {}) < 1e-12


def test_the_bits_differ_once_numbers_underflow():
    # Times 1e-300 the mean's gradient is stored with fewer digits, the sum's is not.
    data = batches(96, 32, 1)
    tiny = [2.0**-1070] * len(data)
    mean = trajectory(data, SGD, lr=2.0**1000, scale=tiny)
    total = trajectory(data, SGD, "sum", lr=2.0**995, scale=tiny)
    assert not torch.equal(mean, total)


def test_the_sum_with_the_means_lr_explodes():
    path = trajectory(batches(96, 32, 4), SGD, "sum", lr=0.3)
    assert path.abs().max() > 1e9


def test_a_penalty_in_the_loss_is_multiplied_too():
    """Full-batch ridge: the decay of the mean is the penalty of the sum over n."""
    X, y = batches(96, 96, 1)[0]
    X = X - X.mean(dim=0)
    y = y - y.mean()  # so that the constant stays at 0
    for reduction, lr, decay in (("mean", 0.5, 0.2), ("sum", 0.5 / 96, 0.2 * 96)):
        path = trajectory([(X, y)] * 80, SGD, reduction, lr=lr, weight_decay=decay)
        expected = ridge(X, y, 0.2 * 96)
        torch.testing.assert_close(path[-1][:2], expected, atol=1e-8, rtol=0)


def test_adam_far_below_epsilon_is_nearly_sgd_with_the_lr_over_epsilon():
    data = batches(96, 96, 30)
    adam = trajectory(data, Adam, lr=0.3, scale=1e-12)[-1]
    sgd = trajectory(data, SGD, lr=0.3, scale=1e-12 / 1e-8)[-1]
    torch.testing.assert_close(adam, sgd, rtol=0.01, atol=0)


def test_sgd_with_ten_times_the_loss_diverges_at_this_lr():
    assert trajectory(batches(96, 96, 60), SGD, lr=0.3, scale=10.0)[-1].norm() > 1e6


def test_adamw_multiplies_the_parameters_themselves(page_says):
    page_says(r"`AdamW` multiplies $\theta$ by $1 - \text{lr} \cdot \text{decay}$")
    theta = torch.tensor([3.0, -1.0], dtype=torch.float64, requires_grad=True)
    theta.grad = torch.zeros_like(theta)
    AdamW([theta], lr=0.5, weight_decay=0.1).step()
    expected = torch.tensor([3.0, -1.0], dtype=torch.float64) * 0.95
    torch.testing.assert_close(theta.detach(), expected)


def test_adagrads_start_needs_the_square_of_the_factor():
    data = batches(96, 32, 4)
    mean = {"initial_accumulator_value": 0.1}
    assert gap(data, "Adagrad", mean, mean) > 1e-3
    times = {"initial_accumulator_value": 0.1 * 32**2}
    assert gap(data, "Adagrad", mean, times) < 1e-8


def test_rprop_uses_signs_only():
    data = batches(96, 32, 4)
    mean = trajectory(data, Rprop, lr=0.1)
    assert torch.equal(mean, trajectory(data, Rprop, "sum", lr=0.1))
    odd = [0.1 * (k + 1) for k in range(len(data))]  # another factor at each step
    assert torch.equal(mean, trajectory(data, Rprop, lr=0.1, scale=odd))


def test_radam_divides_in_its_later_steps_only():
    data = batches(96, 32, 4)
    mean = trajectory(data, RAdam, lr=0.1)
    divided = trajectory(data, RAdam, "sum", lr=0.1 / 32)
    kept = trajectory(data, RAdam, "sum", lr=0.1)
    assert largest_gap(mean[:6], divided[:6]) < 1e-12
    assert largest_gap(mean, divided) > 1e-3
    assert largest_gap(mean[:2], kept[:2]) > 1
    steps = (mean.diff(dim=0), divided.diff(dim=0))
    assert (steps[0][6:].norm() / steps[1][6:].norm()).item() > 10


def test_asgd_has_a_hidden_decay():
    data = batches(96, 32, 4)
    mean = trajectory(data, ASGD, lr=0.1)
    assert largest_gap(mean, trajectory(data, ASGD, "sum", lr=0.1 / 32)) > 1e-5
    times = trajectory(data, ASGD, "sum", lr=0.1 / 32, lambd=1e-4 * 32)
    assert largest_gap(mean, times) < 1e-12


def test_with_class_weights_the_sum_is_the_mean_times_the_weights_of_the_batch():
    weight = torch.tensor([1.0, 3.0])
    logits = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    for labels, divisor in (([0, 0, 0, 1], 6), ([1, 1, 1, 0], 10)):
        label = torch.tensor(labels)
        mean = torch.func.grad(lambda s, y=label: cross_entropy(s, y, weight))(logits)
        total = torch.func.grad(
            lambda s, y=label: cross_entropy(s, y, weight, reduction="sum")
        )(logits)
        torch.testing.assert_close(total, divisor * mean)


@pytest.mark.parametrize("share", [[1.0, 3.0], [0.1, 0.3]])
def test_epoch_mean_takes_the_weights_as_counts(share):
    weight = torch.tensor(share, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(10, 2, generator=generator, dtype=torch.float64)
    label = torch.tensor([0, 1, 1, 0, 0, 0, 1, 0, 1, 0])
    parts = list(zip(logits.split(4), label.split(4), strict=True))
    means = [cross_entropy(s, y, weight).item() for s, y in parts]
    sums = [weight[y].sum().item() for _, y in parts]
    whole = cross_entropy(logits, label, weight).item()
    assert epoch_mean(means, sums) == pytest.approx(whole)
    assert abs(epoch_mean(means, [4, 4, 2]) - whole) > 1e-3


@pytest.mark.parametrize("kind", [Adam, AdamW, RMSprop, Adagrad])
def test_with_32_times_the_eps_four_optimisers_take_the_very_same_path(kind):
    data = batches(96, 32, 4)
    eps = kind([torch.zeros(1)]).defaults["eps"]
    mean = trajectory(data, kind, lr=0.3)
    assert torch.equal(mean, trajectory(data, kind, "sum", lr=0.3, eps=32 * eps))


def test_adadeltas_eps_is_not_repaired_by_the_factor():
    data = batches(96, 32, 4)
    mean = trajectory(data, Adadelta, lr=1.0)
    same = trajectory(data, Adadelta, "sum", lr=1.0)
    times = trajectory(data, Adadelta, "sum", lr=1.0, eps=32e-6)
    assert largest_gap(mean, same) < 1e-5 < 1e-2 < largest_gap(mean, times)


def test_probabilities_as_labels_divide_the_weighted_loss_by_the_rows():
    logits = torch.tensor([[2.0, 0], [0, 1], [1, 1]])
    label, weight = torch.tensor([0, 1, 1]), torch.tensor([1.0, 3.0])
    each = cross_entropy(logits, label, weight, reduction="none")
    hot = torch.nn.functional.one_hot(label).float()
    torch.testing.assert_close(cross_entropy(logits, hot, weight), each.mean())


def test_rows_of_class_weight_zero_give_a_gradient_of_nan():
    logits = torch.zeros(2, 2, requires_grad=True)
    weight = torch.tensor([0.0, 1.0])
    cross_entropy(logits, torch.zeros(2, dtype=torch.long), weight).backward()
    assert logits.grad.isnan().all()


def test_a_plateaus_min_lr_is_a_learning_rate():
    def last(lr, **settings):
        optimiser = SGD([torch.zeros(1, requires_grad=True)], lr=lr)
        plateau = ReduceLROnPlateau(optimiser, patience=0, **settings)
        for _ in range(8):
            optimiser.step()
            plateau.step(1.0)
        return optimiser.param_groups[0]["lr"]

    mean = last(0.01, min_lr=1e-4)
    assert 32 * last(0.01 / 32, min_lr=1e-4) == pytest.approx(32 * mean)
    assert 32 * last(0.01 / 32, min_lr=1e-4 / 32) == pytest.approx(mean)


@pytest.mark.parametrize("name", ["momentum", "RMSprop", "Adam", "AdamW", "Adagrad"])
def test_after_a_short_batch_a_step_has_another_direction(name):
    kind, settings = KINDS[name]
    data = batches(100, 32, 2)
    rate = 0.1 / 32 if kind is SGD else 0.3
    mean = trajectory(data, kind, lr=32 * rate if kind is SGD else rate, **settings)
    total = trajectory(data, kind, "sum", lr=rate, **settings)
    one, other = mean.diff(dim=0), total.diff(dim=0)
    cosine = torch.cosine_similarity(one, other, dim=1)
    assert (cosine[:3] > 1 - 1e-9).all()
    assert cosine[3:6].min() < 1 - 1e-3


def test_a_plateau_is_judged_by_ratio_unless_it_is_set_to_abs():
    losses = [1.0, 0.9, 0.8999, 0.8998, 0.8997, 0.8996]

    def rates(scale, **mode):
        optimiser = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        settings = {"patience": 1, "threshold": 1e-3} | mode
        plateau = ReduceLROnPlateau(optimiser, **settings)
        seen = []
        for loss in losses:
            optimiser.step()
            plateau.step(scale * loss)
            seen.append(optimiser.param_groups[0]["lr"])
        return seen

    assert min(rates(1.0)) < 1.0
    assert rates(1.0) == rates(32.0)
    assert rates(1.0, threshold_mode="abs") != rates(32.0, threshold_mode="abs")
