"""What is small, and what is none, in the drawing of a Jacobian."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.tools.figures.backward_on_vectors import draw_jacobian


def marks(J):
    """The area of each mark, by its column and its place in there."""
    draw_jacobian(torch.tensor(J))
    groups = plt.gca().collections
    plt.close()
    return {
        (round(column), round(row, 1)): area
        for group in groups
        for (column, row), area in zip(
            group.get_offsets().tolist(), group.get_sizes().tolist(), strict=True
        )
    }


@pytest.mark.parametrize("share", [1e-3, -1e-3, 1e-6])
def test_a_small_share_of_the_largest_entry_has_a_mark_of_that_share(share):
    drawn = marks([[1.0, 0.0], [0.0, share]])
    assert set(drawn) == {(0, 0), (1, 1), (0, 2.3), (1, 2.3)}
    assert drawn[1, 1] / drawn[0, 0] == pytest.approx(abs(share))
