"""The order within a label, one sampler alone, and drawings without a grid."""

import matplotlib.pyplot as plt
import pytest
import torch

from firstdescent.tools.datasets_samplers import stratified_batches
from firstdescent.tools.figures.datasets_samplers import draw_batches, draw_strips


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_the_rows_of_a_label_are_dealt_in_the_order_of_the_shuffle(dtype):
    n, k = 1000, 20
    y = torch.randint(3, (n,), generator=seeded()).to(dtype)
    shuffled = torch.randperm(n, generator=seeded()).tolist()
    by_label = sorted(shuffled, key=y.tolist().__getitem__)  # `sorted` is stable
    made = stratified_batches(y, n // k, seeded())
    assert made == [by_label[j::k] for j in range(k)]


def test_the_refusal_names_the_shape_of_y_and_the_size():
    with pytest.raises(ValueError, match=r"got \(2, 3\) and 0$"):
        stratified_batches(torch.ones(2, 3), 0, seeded())


def test_one_sampler_alone_is_drawn():
    draw_batches({"only": [[0, 1], [1, 2]]}, torch.tensor([0, 1, 1]))
    (ax,) = plt.gcf().axes
    plt.close()
    assert ax.get_title("left") == "only" and len(ax.containers) == 4


@pytest.mark.parametrize("usual", [True, False])
def test_no_line_of_a_grid_lies_behind_the_boxes_or_on_the_strips(usual):
    with plt.rc_context({"axes.grid": usual}):
        draw_batches({"a": [[0, 1]], "b": [[1], [0]]}, torch.tensor([0, 1]))
        draw_strips({"up": torch.arange(3), "down": torch.arange(3).flip(0)})
    drawn = [ax for number in plt.get_fignums() for ax in plt.figure(number).axes]
    plt.close("all")
    assert len(drawn) == 4
    for ax in drawn:
        lines = [*ax.get_xgridlines(), *ax.get_ygridlines()]
        assert lines and not any(line.get_visible() for line in lines)
