"""Shares of two tables can be compared by eye."""

import matplotlib.pyplot as plt
import torch

from firstdescent.deep.figures.distribution_shift import draw_kinds


def test_all_panels_have_the_same_scale():
    even = torch.full((2, 2), 0.25)
    steep = torch.tensor([[0.9, 0.05], [0.05, 0.0]])
    draw_kinds(even, {"one": even, "two": steep}, ["a", "b"])
    one, two = plt.gcf().axes
    plt.close("all")
    assert one.get_ylim() == two.get_ylim()
    assert one.get_ylim()[1] >= 0.95
