"""What draw_maps asks of the functions that it draws."""

import matplotlib.pyplot as plt
import torch

from firstdescent.deep.figures.symmetry import draw_maps


def test_a_function_is_asked_in_float64():
    asked = []

    def f(rows):
        asked.append((rows.shape, rows.dtype))
        return rows[:, 0]

    draw_maps({"f": f})
    plt.close("all")
    assert asked == [((50**2, 2), torch.float64)]
