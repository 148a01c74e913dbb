"""What draw_worlds asks of a classifier, and what it leaves out of its panels."""

import matplotlib.pyplot as plt
import torch

from firstdescent.deep.figures.label_shift import draw_worlds


def test_a_classifier_is_asked_once_in_float64_and_its_regions_have_no_grid():
    X, y = torch.tensor([[0.0, 0], [2, 0], [1, 1.7]]), torch.arange(3)
    asked = []

    def probs(rows):
        asked.append((rows.shape, rows.dtype))
        return torch.cat([rows, 0 * rows[:, :1] + 1], dim=1)

    draw_worlds({"a": (X, y), "b": (X, y)}, probs)
    panels = plt.gcf().axes
    plt.close("all")
    assert asked == [((161**2, 2), torch.float64)]
    for axes in panels:
        lines = (*axes.get_xgridlines(), *axes.get_ygridlines())
        assert not any(line.get_visible() for line in lines)
