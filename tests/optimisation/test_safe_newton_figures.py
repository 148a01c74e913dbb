"""The figure of safe_newton shows what its caption says."""

import matplotlib.pyplot as plt
import pytest
import torch
from numpy.testing import assert_allclose

from firstdescent.optimisation.figures.safe_newton import draw_damped_steps


@pytest.fixture(autouse=True)
def panels():
    yield lambda: plt.gcf().axes
    plt.close("all")


def tilted(w):
    return -(w[0] ** 2) + 1.5 * w[1] ** 2 + w[0] + 2 * w[1]


def test_the_curve_of_steps_meets_the_circle_at_the_radius(panels):
    w = torch.tensor([0.2, -0.3]).double()
    draw_damped_steps(tilted, w, 0.5)
    top, below = panels()
    family, circle, dot, start = top.lines
    assert_allclose(start.get_xydata(), [w.tolist()])
    assert_allclose(((circle.get_xydata() - w.numpy()) ** 2).sum(1), 0.25)
    (at,) = dot.get_xydata() - w.numpy()
    assert (at**2).sum() ** 0.5 == pytest.approx(0.5, abs=0.01)
    # (H + damping) s = -g: g = (0.6, 1.1), H = diag(-2, 3) at w.
    damping, length = below.lines[-1].get_xydata()[0]
    assert_allclose(at, [-0.6 / (damping - 2), -1.1 / (damping + 3)])
    assert length == pytest.approx((at**2).sum() ** 0.5)
    assert below.lines[1].get_xdata() == [2, 2]  # minus the lowest curvature
    assert len(family.get_xydata()) == len(below.lines[0].get_xydata()) == 1000


def test_one_arrow_is_the_gradient_downhill_and_the_other_is_newtons(panels):
    w = torch.tensor([0.2, -0.3]).double()
    draw_damped_steps(tilted, w, 0.5)
    arrows = [c for c in panels()[0].collections if hasattr(c, "U")]
    assert_allclose([[a.U[0], a.V[0]] for a in arrows], [[-0.6, -1.1], [0.3, -1.1 / 3]])
