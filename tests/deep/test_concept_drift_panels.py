"""The panels of draw_rules, one and three of them."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.deep.figures.concept_drift import draw_rules


@pytest.mark.parametrize("names", ["a", "abc"])
def test_the_lowest_panel_names_the_size_for_all(names):
    one = torch.tensor([1.0, 0.5])
    draw_rules(one, dict.fromkeys(names, (torch.eye(2), torch.tensor([0, 1]), one)))
    labels = [axes.get_xlabel() for axes in plt.gcf().axes]
    plt.close("all")
    assert labels == [*[""] * (len(names) - 1), "size (both standardised)"]
