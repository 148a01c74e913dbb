"""What the refusals of gaussian_mle name, and what its panels have in common."""

import pytest
import torch
from matplotlib.figure import Figure

from firstdescent.estimation.figures.gaussian_mle import draw_bells, draw_divisors
from firstdescent.estimation.gaussian_mle import gaussian_nll, sigma2_hat


def test_the_refusal_of_a_sigma_that_does_not_fit_names_both_shapes():
    with pytest.raises(ValueError, match=r"got r \(2, 3\) and sigma \(3,\)$"):
        gaussian_nll(torch.zeros(2, 3), torch.ones(3))


def test_the_refusal_of_a_correction_names_it():
    with pytest.raises(TypeError, match="expected a whole correction, got True"):
        sigma2_hat(torch.eye(3, 1), torch.arange(3.0), True)


def bells(figure):
    draw_bells(figure, torch.tensor([290.0, 320.0]), (280, 300), sigma=20)


def divisors(figure):
    values = torch.tensor([100.0, 110.0, 900.0])
    draw_divisors(figure, {"n": values, "n - p": values}, truth=400)


@pytest.mark.parametrize("draw", [bells, divisors])
def test_whoever_zooms_into_a_panel_zooms_into_all(draw):
    figure = Figure()
    draw(figure)
    first, second = figure.axes
    second.set(xlim=(300, 310), ylim=(0, 7))
    assert first.get_xlim() == (300, 310)
    assert first.get_ylim() == (0, 7)
