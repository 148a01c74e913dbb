"""The made-up data of docs/en/deep/softmax.md: blobs and images of digits."""

import pytest
import torch

from firstdescent.deep.softmax import DIGITS, blobs, glyph_shapes, glyphs


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_blobs_have_the_promised_centres_spread_and_shares():
    X, y = blobs(30_000, (0.2, 0.3, 0.5), seeded())
    assert X.shape == (30_000, 2) and X.dtype == torch.float64
    shares = y.bincount() / 30_000
    torch.testing.assert_close(
        shares, torch.tensor([0.2, 0.3, 0.5]), atol=0.012, rtol=0
    )
    for c, centre in enumerate([(0, 0), (2, 0), (1, 1.7)]):
        cloud = X[y == c]
        assert cloud.mean(0).tolist() == pytest.approx(centre, abs=0.045)
        cov = cloud.T.cov()
        assert cov.diag().tolist() == pytest.approx([0.64, 0.64], abs=0.05)
        assert cov[0, 1].item() == pytest.approx(0, abs=0.04)


def test_blobs_may_leave_out_a_class_and_hold_one_point():
    X, y = blobs(1, (0, 1, 0), seeded())
    assert X.shape == (1, 2) and y.tolist() == [1]


def test_blobs_take_priors_as_a_tensor_and_draw_the_same():
    priors = (0.5, 0.3, 0.2)
    X, y = blobs(50, torch.tensor(priors, dtype=torch.float64), seeded())
    same, labels = blobs(50, priors, seeded())
    assert torch.equal(X, same) and torch.equal(y, labels)


def test_blobs_refuse_half_a_point():
    with pytest.raises(TypeError):
        blobs(2.5, (0.5, 0.3, 0.2), seeded())


def test_the_bottom_row_has_ink_and_three_sides_have_none(page_says):
    page_says("The top row, the two columns on the left and the one on the right")
    ink = glyph_shapes().sum((0, 1)).view(8, 8) > 0
    assert ink[7].any() and ink[1:7, 2:7].all()
    assert not ink[0].any() and not ink[:, [0, 1, 7]].any()


@pytest.mark.parametrize(
    ("n", "priors"),
    [
        (0, (0.2, 0.3, 0.5)),
        (5, (0.5, 0.5)),
        (5, (0.5, 0.6, -0.1)),
        (5, (1, 1, 1)),
        (5, (0.5, 0.3, 0.2001)),
        (5, (float("nan"), 0.5, 0.5)),
    ],
)
def test_blobs_refuse_what_are_no_priors(n, priors):
    with pytest.raises(ValueError, match="3 priors of sum 1"):
        blobs(n, priors, seeded())


def test_the_strings_are_the_shapes():
    shapes = glyph_shapes()
    assert shapes.shape == (10, 4, 64)
    drawing = DIGITS.strip().split("\n")
    for d in range(10):
        for place, (top, left) in enumerate([(1, 2), (1, 3), (2, 2), (2, 3)]):
            image = shapes[d, place].view(8, 8)
            inked = {tuple(cell) for cell in image.nonzero().tolist()}
            expected = {
                (top + i, left + j)
                for i in range(6)
                for j in range(4)
                if drawing[i][5 * d + j] == "#"
            }
            assert inked == expected
    assert set(shapes.unique().tolist()) == {0.0, 1.0}


def test_no_two_of_the_forty_shapes_are_the_same():
    assert len(glyph_shapes().flatten(0, 1).unique(dim=0)) == 40


def test_glyphs_are_shapes_with_normal_noise_and_equal_shares():
    X, y = glyphs(4000, seeded())
    assert X.shape == (4000, 64) and X.dtype == torch.float64
    assert y.bincount(minlength=10).min() > 330
    shapes = glyph_shapes()[y]  # (4000, 4, 64)
    gap, place = (X[:, None] - shapes).square().sum(2).min(1)
    assert gap.mean().item() == pytest.approx(64 * 0.09, rel=0.02)
    assert place.bincount(minlength=4).min() > 900


def test_glyphs_depend_on_the_generator_only():
    assert torch.equal(glyphs(5, seeded(3))[0], glyphs(5, seeded(3))[0])
    assert not torch.equal(glyphs(5, seeded(3))[0], glyphs(5, seeded(4))[0])


def test_glyphs_may_be_none_but_not_fewer():
    assert glyphs(0, seeded())[0].shape == (0, 64)
    with pytest.raises(ValueError, match="n >= 0"):
        glyphs(-1, seeded())
