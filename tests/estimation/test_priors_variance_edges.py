"""The edges of priors_variance: what refusals name, and what its figures draw."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from torch.testing import assert_close

from firstdescent.estimation.figures.priors_variance import (
    draw_beliefs,
    draw_curves,
    draw_outline,
)
from firstdescent.estimation.priors_variance import (
    bias_variance,
    check_scales,
    log_evidence,
    posterior,
)

D = torch.float64
A = torch.tensor([[1.0, 0], [1, 1], [0, 2]], dtype=D)
MEAN = torch.tensor([3.0, -2], dtype=D)
COV = torch.tensor([[4.0, 3], [3, 9]], dtype=D)


def test_refusals_name_what_came():
    with pytest.raises(TypeError, match=r"^sigma must be a real number, got '1'$"):
        check_scales("1")
    with pytest.raises(ValueError, match=r"^tau must be positive .* got 0\.0$"):
        check_scales(1.0, 0.0)
    with pytest.raises(ValueError, match=r"expected a finite w \(d,\), got \(3,\)$"):
        bias_variance(A, torch.ones(3, dtype=D), 1.0, 1.0)
    got = r"got torch\.float64 and torch\.float32$"
    with pytest.raises(TypeError, match=got):
        bias_variance(A, torch.ones(2), 1.0, 1.0)
    with pytest.raises(ValueError, match=r"not negative, got -2$"):
        bias_variance(A, MEAN, 1.0, -2)
    with pytest.raises(ValueError, match=r"overflows in torch\.float64$"):
        bias_variance(A, 1e200 * MEAN, 1.0, 1.0)
    too_far = r"^sigma 1e\+39, tau 1\.0 over- or underflow in torch\.float32$"
    with pytest.raises(ValueError, match=too_far):
        log_evidence(A.float(), A[:, 0].float(), 1e39, 1.0)
    too_wide = r"^sigma 1\.0, tau 1e\+20 over- or underflow in torch\.float32$"
    with pytest.raises(ValueError, match=too_wide):
        posterior(torch.ones(3, 2), torch.ones(3), 1.0, 1e20)


def test_a_standard_deviation_may_be_the_largest_number():
    largest = torch.finfo(D).max
    assert check_scales(largest, largest) is None


def test_a_bias_and_a_variance_whose_sum_overflows_are_refused():
    one, w = torch.ones(1, 1, dtype=D), torch.tensor([2.19e154], dtype=D)
    assert bias_variance(one, w, 1.0, 1.0)[0] > 1.19e308
    assert bias_variance(one, one[0], 2.19e154, 1.0)[1] > 1.19e308
    with pytest.raises(ValueError, match="bias or variance overflows"):
        bias_variance(one, w, 2.19e154, 1.0)


def test_the_outline_holds_95_per_cent():
    ax = Figure().subplots()
    draw_outline(ax, MEAN, COV, "C4", "--")
    (line,) = ax.lines
    off = torch.as_tensor(line.get_xydata()) - MEAN
    square = (off @ torch.linalg.inv(COV) * off).sum(dim=1)
    assert_close(square, torch.full_like(square, -2 * math.log(0.05)))
    assert_close(off[0], off[-1])  # it is closed
    assert_close(off[:-1].mean(dim=0), torch.zeros(2, dtype=D))  # all around
    assert line.get_linestyle() == "--"
    assert same_color(line.get_color(), "C4")


def test_three_beliefs_a_path_and_the_truth_are_drawn_and_named():
    ax, path = Figure().subplots(), torch.tensor([[0.0, 1], [5, 6], [9, 8]], dtype=D)
    draw_beliefs(ax, [(k * MEAN, COV) for k in range(3)], path, MEAN)
    *outlines, means, truth = ax.lines
    for k, line in enumerate(outlines):
        assert line.get_linestyle() == (":", "--", "-")[k]
        assert same_color(line.get_color(), f"C{k}")
        centre = torch.as_tensor(line.get_xydata())[:-1].mean(dim=0)
        assert_close(centre, k * MEAN)
    assert means.get_xydata().tolist() == path.tolist()
    assert (means.get_linestyle(), means.get_marker()) == ("-", "o")
    assert truth.get_xydata().tolist() == [MEAN.tolist()]
    assert truth.get_marker() == "*"
    assert same_color(truth.get_color(), plt.rcParams["text.color"])
    texts = {text.get_text(): text for text in ax.texts}
    colours = {"prior": "C0", "likelihood": "C1", "posterior": "C2"}
    colours |= {"narrow τ": "C3", "wide τ": "C3", "truth": plt.rcParams["text.color"]}
    assert texts.keys() == colours.keys()
    for name, colour in colours.items():
        assert same_color(texts[name].get_color(), colour)
    places = {name: text.get_position() for name, text in texts.items()}
    assert places["truth"] == (1, -2)
    assert places["narrow τ"] == (-6, 0)
    assert places["wide τ"] == (9, 3.5)
    for name in ("truth", "narrow τ"):  # left of what they name, and as high
        assert texts[name].get_ha() == "right"
        assert texts[name].get_va() == "center"
    assert texts["wide τ"].get_ha() == "center"
    assert texts["posterior"].get_ha() == "right"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("w₁, bedrooms", "w₂, bathrooms")
    assert ax.get_aspect() == 1
    assert (ax.get_xlim(), ax.get_ylim()) == ((-30, 52), (-35, 37))


def test_the_sum_of_the_curves_is_lowest_at_the_dot():
    ax = Figure().subplots()
    errors = torch.tensor([[1.0, 8], [2, 3], [9, 0.5]], dtype=D)
    draw_curves(ax, [0.1, 1.0, 10.0], errors, best=1.0)
    bias2, variance, total, dot = ax.lines
    assert bias2.get_xydata().tolist() == [[0.1, 1], [1, 2], [10, 9]]
    assert variance.get_xydata().tolist() == [[0.1, 8], [1, 3], [10, 0.5]]
    assert total.get_xydata().tolist() == [[0.1, 9], [1, 5], [10, 9.5]]
    assert dot.get_xydata().tolist() == [[1, 5]]
    styles = [(line.get_linestyle(), line.get_label()) for line in ax.lines[:3]]
    assert styles == [("--", "bias²"), (":", "variance"), ("-", "sum")]
    for line, colour in zip(ax.lines, ("C0", "C1", "C2", "C2"), strict=True):
        assert same_color(line.get_color(), colour)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_ylim() == (1e-3, 100)
    assert ax.get_ylabel() == "squared error, log axis"
