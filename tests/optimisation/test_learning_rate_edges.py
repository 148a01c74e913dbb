"""The edges of learning_rate, and what its refusals name."""

import pytest
import torch

from firstdescent.optimisation.learning_rate import (
    best_lr,
    heavy_ball,
    largest_curvature,
)


def square(w):
    return (w**2).sum() / 2


def test_a_curvature_whose_lr_is_just_below_the_largest_number_is_accepted():
    assert best_lr(1.2e-308, 1.2e-308) == pytest.approx(1 / 1.2e-308)


def test_the_refusal_of_a_start_names_its_dtype_and_its_shape():
    with pytest.raises(ValueError, match=r"got torch\.int64 of shape \(1, 3\)"):
        heavy_ball(square, torch.ones(1, 3).long(), 0.1, 1)


def test_the_refusal_of_numbers_out_of_range_names_them():
    with pytest.raises(ValueError, match=r"got lr -0\.5, momentum 0\.25, steps 3"):
        heavy_ball(square, torch.ones(1), -0.5, 3, 0.25)


@pytest.mark.parametrize("steps", [1, 3])
def test_the_step_that_overflows_is_named(steps):
    lr = 10.0 ** (39 / steps)  # so much longer each step, and 1e39 is no float32
    with pytest.raises(FloatingPointError, match=f"step {steps} is not finite"):
        heavy_ball(square, torch.ones(1), lr, 9)


def test_the_refusal_of_a_point_names_its_shape_and_the_steps():
    generator = torch.Generator()
    with pytest.raises(ValueError, match=r"got \(2, 2\) and 5 steps"):
        largest_curvature(square, torch.ones(2, 2), 5, generator)


def test_the_generator_alone_decides_where_the_products_begin():
    def loss(w):
        return (w**2 @ torch.arange(1.0, 7.0)) / 2

    def found(seed):
        generator = torch.Generator().manual_seed(seed)
        return largest_curvature(loss, torch.zeros(6), 1, generator)

    assert found(3) == found(3) != found(4)


@pytest.mark.parametrize("size", [1e-200, 1e-9, 1e9, 1e200])
def test_the_size_of_the_curvatures_decides_nothing(size):
    loss, w = lambda w: size * (w[0] ** 2 + 3 * w[1] ** 2) / 2, torch.zeros(2).double()
    found = largest_curvature(loss, w, 2, torch.Generator().manual_seed(0))
    assert found / size == pytest.approx(3)
