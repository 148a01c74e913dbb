"""The edges of laplace_robust: what just passes, what refusals name, what is drawn."""

import matplotlib.pyplot as plt
import pytest
import torch
from torch.distributions import Laplace, Normal
from torch.testing import assert_close

from firstdescent.estimation import laplace_robust
from firstdescent.estimation.figures.laplace_robust import (
    draw_bounce,
    draw_densities,
    draw_kinks,
)
from firstdescent.estimation.laplace_robust import (
    best_proved,
    corner,
    least_absolute,
    scaled_table,
    subgradient_path,
    through_points,
)
from firstdescent.regression.coefficients import with_ones

D = torch.float64
LINE = with_ones(torch.arange(4.0, dtype=D)[:, None])
Y = torch.tensor([0.0, 1, 3, 2], dtype=D)


def test_refusals_name_the_shapes_that_came():
    with pytest.raises(ValueError, match=r"got \(4, 2\) and \(3,\)$"):
        scaled_table(LINE, Y[:3])
    with pytest.raises(ValueError, match=r"expected rows .* got \(3,\) on cpu$"):
        corner(LINE, Y, torch.tensor([0, 1, 2]))
    for y, u in ((Y, Y[:3]), (Y[:3], Y), (Y[:3], Y[:3])):
        got = rf"got \(4, 2\), \({len(y)},\) and \({len(u)},\)$"
        with pytest.raises(ValueError, match=f"expected A .* {got}"):
            best_proved(LINE, y, [(Y[:2], u)])


def test_a_hundred_million_residuals_are_not_too_many(monkeypatch):
    expected = through_points(LINE, Y)[0]
    monkeypatch.setattr(laplace_robust, "comb", lambda n, p: 25_000_000)
    assert torch.equal(through_points(LINE, Y)[0], expected)
    monkeypatch.setattr(laplace_robust, "comb", lambda n, p: 25_000_001)
    with pytest.raises(ValueError, match="too many choices of 2 of 4 rows: 25,000,001"):
        through_points(LINE, Y)


def test_a_million_residuals_are_held_at_a_time(monkeypatch):
    sizes, solve = [], torch.linalg.solve_ex

    def watched(Z, t):
        sizes.append(200 * len(Z))
        return solve(Z, t)

    x = torch.linspace(-1, 1, 200, dtype=D)
    monkeypatch.setattr(torch.linalg, "solve_ex", watched)
    through_points(with_ones(x[:, None]), x**3)  # 19,900 pairs
    assert sizes == [10**6, 10**6, 10**6, 980_000]


def test_a_line_that_is_too_steep_for_its_dtype_hides_no_other():
    x = torch.tensor([0, 1e-310, 1, 2, 3], dtype=D)
    y = torch.tensor([0, 1, 1, 2, 3], dtype=D)
    theta, _ = through_points(with_ones(x[:, None]), y)
    torch.testing.assert_close(theta, torch.tensor([1, 0], dtype=D))


@pytest.mark.parametrize(("short", "left"), [(5e-15, 0), (2e-14, 1e-14)])
def test_the_allowance_for_rounding_grows_with_the_rows(short, left):
    """The bound is `short` of the sum, 100; 100 times 1e-14 of it are forgiven."""
    A, y = torch.ones(100, 1, dtype=D), torch.ones(100, dtype=D)
    y[50:] = -1
    theta = torch.zeros(1, dtype=D)
    _, share = best_proved(A, y, [(theta, -(1 - short) * y)])
    assert share.item() == pytest.approx(left, rel=0.05, abs=0)


@pytest.mark.parametrize("tol", [1e-9, 1.0])
def test_the_ends_of_the_range_of_shares_are_allowed(tol):
    least = (LINE @ through_points(LINE, Y)[0] - Y).abs().sum()
    total = (LINE @ least_absolute(LINE, Y, tol=tol) - Y).abs().sum()
    assert least <= total * (1 + 1e-12)
    assert total * (1 - tol) <= least


def test_the_path_to_a_single_number():
    path = subgradient_path(torch.tensor([3.0]), 0.0, 1.0, 4)
    assert path.tolist() == [0, 1, 2, 3, 3]


def test_a_step_of_infinite_size_is_refused_as_such():
    with pytest.raises(ValueError, match="positive, finite lr, got inf"):
        subgradient_path(Y, 0.0, float("inf"), 1)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("sd", [0.5, 2.0])
def test_the_densities_are_torchs_up_to_five_standard_deviations(sd):
    beta = sd / 2**0.5
    draw_densities(beta, sd)
    zero = torch.zeros((), dtype=D)
    noises = (Laplace(zero, beta), Normal(zero, sd))
    top, bottom = plt.gcf().axes
    for k, noise in enumerate(noises):
        for line, log in ((top.lines[k], False), (bottom.lines[k], True)):
            r, height = (torch.as_tensor(v) for v in line.get_data())
            assert (r[0], r[-1]) == (-5 * sd, 5 * sd)
            minus_log = -noise.log_prob(r.double())
            assert_close(height, minus_log if log else (-minus_log).exp())


def test_with_an_even_count_the_slope_between_the_middle_two_is_zero():
    draw_kinks(torch.tensor([1.0, 2, 4, 9], dtype=D), low=0, high=10)
    top, bottom = plt.gcf().axes
    place = {text.get_text(): text.get_position() for text in bottom.texts}
    assert place["+0"][0] == 3
    assert place["+0"][1] < 0 < place["+2"][1] - 2  # below its piece, and above
    bars = [line for line in bottom.lines if line.get_linestyle() == ":"]
    assert [bar.get_color() for bar in bars] == ["C0", "C1", "C1", "C0"]
    best = [line.get_xdata() for line in top.lines if line.get_color() == "C1"]
    assert best == [[2], [4]]


def test_the_kinks_stand_where_the_numbers_are():
    draw_kinks(torch.tensor([0.1, 0.3, 0.7], dtype=D), low=0.0, high=0.7)
    top, bottom = plt.gcf().axes
    assert top.lines[1].get_xdata().tolist() == [0.1, 0.3]
    assert len(bottom.texts) == 3  # no piece begins at the right edge


def test_steps_of_more_than_a_twenty_fifth_have_an_arrow():
    draw_bounce(
        torch.tensor([0.04, 0.0], dtype=D), torch.tensor([0.041, 0.0], dtype=D), 0.3
    )
    assert [len(ax.texts) for ax in plt.gcf().axes] == [0, 1]
