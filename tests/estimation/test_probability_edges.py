"""The edges of probability: what just passes, what refusals name, what is drawn."""

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from firstdescent.estimation.figures.probability import draw_paths, draw_people
from firstdescent.estimation.probability import bayes, check_probs


def test_a_sum_may_be_off_by_the_whole_of_the_tolerance():
    check_probs(torch.tensor([0.5, 0.5 + 2**-39], dtype=torch.float64))
    with pytest.raises(ValueError, match="sum 1"):
        check_probs(torch.tensor([0.5, 0.5 + 2**-39 + 2**-50], dtype=torch.float64))


def test_the_refusal_of_a_prior_that_does_not_fit_names_both_shapes():
    with pytest.raises(ValueError, match=r"got \(3,\) and \(2, 2\)$"):
        bayes(torch.ones(3) / 3, torch.eye(2), 0)


def test_the_refusal_of_a_type_names_all_three():
    prior = torch.tensor([0.5, 0.5], dtype=torch.float64)
    with pytest.raises(TypeError, match=r"torch\.float64, torch\.float32, int$"):
        bayes(prior, torch.eye(2), 0)
    with pytest.raises(TypeError, match=r"torch\.float64, torch\.float64, float$"):
        bayes(prior, torch.eye(2).double(), 0.0)


def test_the_crowd_keeps_its_size_where_figures_are_laid_out():
    with plt.rc_context({"figure.constrained_layout.use": True}):
        figure = Figure()
        draw_people(figure, torch.tensor([5, 6]), sick=1)
        figure.draw_without_rendering()
    width = figure.axes[0].get_window_extent().width / figure.dpi
    assert width == pytest.approx(5.6 * 0.88)


def test_paths_take_the_first_six_colours_in_turn():
    ax = Figure().subplots()
    draw_paths([ax], torch.tensor([1, 10]), {"a": torch.ones(8, 2)}, ylim=(0, 2))
    for k, line in enumerate(ax.lines):
        assert same_color(line.get_color(), f"C{k % 6}")
