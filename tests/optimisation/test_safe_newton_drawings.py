"""What draw_damped_steps asks of the loss that it draws."""

import matplotlib.pyplot as plt
import torch

from firstdescent.optimisation.figures.safe_newton import draw_damped_steps


def test_a_loss_is_asked_in_the_dtype_of_its_point():
    asked = set()

    def f(w):
        asked.add(w.dtype)
        return w[0] ** 2 - w[1] ** 2 + w.sum()

    draw_damped_steps(f, torch.tensor([0.5, 0.5], dtype=torch.float64), 1.0)
    plt.close("all")
    assert asked == {torch.float64}
