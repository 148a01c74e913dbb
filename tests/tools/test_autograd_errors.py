"""firstdescent.tools.autograd_errors against answers that it did not compute."""

import math
import warnings

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.tools.autograd_errors import (
    blame,
    fit_on_total,
    grad_report,
    safe_sqrt,
)
from firstdescent.tools.figures.autograd_errors import draw_fan, draw_roots, draw_totals

X = torch.tensor([1.0, -1.0], dtype=torch.float64)  # mean square 1: the slope is w - 3
Y = 3 * X


def test_a_detached_total_fits_as_gradient_descent_does():
    seen = fit_on_total(X, Y, lr=0.1, rounds=20, detach=True)
    assert [w for w, _, _ in seen] == pytest.approx([3 - 3 * 0.9**t for t in range(20)])
    assert [g for _, g, _ in seen] == pytest.approx([-3 * 0.9**t for t in range(20)])


def test_a_detached_total_has_the_graph_of_one_loss():
    # add, halve, mean, square, subtract, multiply, leaf
    nodes = [n for _, _, n in fit_on_total(X, Y, 0.1, 5, detach=True)]
    assert nodes == 5 * [7]


def test_a_retained_total_brings_the_sum_of_all_slopes_so_far():
    seen = fit_on_total(X, Y, lr=0.1, rounds=20, detach=False)
    slopes = [w - 3 for w, _, _ in seen]
    sums = [sum(slopes[: t + 1]) for t in range(20)]
    assert [g for _, g, _ in seen] == pytest.approx(sums)


def test_a_retained_total_swings_as_the_loop_that_never_clears():
    theta = math.acos(1 - 0.1 / 2)
    seen = fit_on_total(X, Y, lr=0.1, rounds=60, detach=False)
    wave = [
        3 - 3 * math.cos((t + 0.5) * theta) / math.cos(theta / 2) for t in range(60)
    ]
    assert [w for w, _, _ in seen] == pytest.approx(wave)


def test_a_retained_total_gains_six_nodes_a_round():
    nodes = [n for _, _, n in fit_on_total(X, Y, 0.1, 6, detach=False)]
    assert nodes == [7, 13, 19, 25, 31, 37]


def test_both_kinds_of_total_agree_in_their_first_round():
    for detach in (True, False):
        assert fit_on_total(X, Y, 0.1, 1, detach) == [(0.0, -3.0, 7)]


@pytest.mark.parametrize(
    ("x", "y"), [(X, Y[:1]), (X[:, None], Y[:, None]), (X[:0], Y[:0])]
)
def test_fit_on_total_refuses_what_are_not_two_vectors_of_one_length(x, y):
    with pytest.raises(ValueError, match="two vectors of one length"):
        fit_on_total(x, y, lr=0.1, rounds=1, detach=True)


def test_safe_sqrt_is_the_root_of_what_is_positive_and_zero_elsewhere():
    t = torch.tensor([4.0, 0.25, 0.0, -1.0, -math.inf, math.inf])
    expected = torch.tensor([2.0, 0.5, 0.0, 0.0, 0.0, math.inf])
    assert torch.equal(safe_sqrt(t), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_safe_sqrt_has_the_slope_of_the_root_and_zero_elsewhere(dtype):
    t = torch.tensor([4.0, 0.25, 0.0, -1.0], dtype=dtype, requires_grad=True)
    root = safe_sqrt(t)
    (slope,) = torch.autograd.grad(root.sum(), t)
    assert root.dtype == dtype
    assert torch.equal(slope, torch.tensor([0.25, 1.0, 0.0, 0.0], dtype=dtype))


def test_safe_sqrt_passes_gradcheck_away_from_zero():
    t = torch.tensor([2.0, -2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(safe_sqrt, (t,))


def test_safe_sqrt_hides_no_nan():
    assert safe_sqrt(torch.tensor(math.nan)).isnan()


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_safe_sqrt_keeps_the_shape(shape):
    assert safe_sqrt(torch.ones(shape)).shape == shape


def test_grad_report_tells_four_cases_apart():
    params = {name: torch.ones(3, requires_grad=True) for name in "abcd"}
    params["b"].grad = torch.tensor([0.0, math.nan, math.inf])
    params["c"].grad = torch.zeros(3)
    params["d"].grad = torch.tensor([0.0, 0.0, -1e-30])
    assert grad_report(params) == {
        "a": "none",
        "b": "not finite: 2 of 3",
        "c": "zero",
        "d": "fine",
    }


def test_grad_report_of_nothing_is_empty():
    assert grad_report({}) == {}


def test_blame_names_the_node_and_the_line_that_recorded_it():
    def program():
        e = torch.zeros((), requires_grad=True).exp()
        e.add_(1)
        return 5 * e

    line = "e = torch.zeros((), requires_grad=True).exp()"
    assert blame(program) == ("Error detected in ExpBackward0", line)


def test_blame_finds_the_first_nan_on_the_way_back():
    def program():
        t = torch.zeros(2, requires_grad=True)
        root = t.sqrt()
        return (0 * root).sum()

    assert blame(program) == ("Error detected in SqrtBackward0", "root = t.sqrt()")


def test_blame_leaves_anomaly_mode_and_the_warning_filters_as_they_were():
    filters = list(warnings.filters)
    with pytest.raises(ValueError, match="it did not"):
        blame(lambda: torch.ones((), requires_grad=True).exp())
    assert not torch.is_anomaly_enabled()
    assert warnings.filters == filters


def test_blame_passes_on_an_error_that_no_node_is_to_blame_for():
    with pytest.raises(RuntimeError, match="does not have a grad_fn"):
        blame(lambda: torch.ones(()))


def test_blame_passes_on_the_error_of_a_node_recorded_before_it_was_asked():
    z = torch.zeros((), requires_grad=True)
    e = z.exp()
    e.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        blame(lambda: 5 * e)


def test_the_pictures_hold_one_label_for_each_curve():
    seen = fit_on_total(X, Y, 0.1, 3, detach=True)
    draw_totals(seen, seen)
    words = [text.get_text() for axes in plt.gcf().axes for text in axes.texts]
    assert words == 2 * [" detached", " retained"]
    plt.close()
    draw_fan({"relu": 0.0, "clamp": 1.0})
    assert [text.get_text() for text in plt.gca().texts] == [
        "relu\nslope 0.0",
        "clamp\nslope 1.0",
    ]
    plt.close()
    t = torch.tensor([-1.0, 1.0])
    draw_roots(t, [torch.tensor([math.nan, 0.5]), torch.tensor([0.0, 0.5])])
    naive, safe = plt.gca().lines
    assert naive.get_ydata().tolist() == [-1.0, 0.5]  # nan has a line of its own
    assert safe.get_ydata().tolist() == [0.0, 0.5]
    plt.close()
