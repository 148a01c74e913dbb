"""What the page says in passing about slices, limits and shapes; its drawings."""

import math

import torch
from matplotlib.figure import Figure
from torch import Generator
from torch.testing import assert_close

from firstdescent.regression.figures.interpretability import (
    draw_shuffled,
    draw_simpson,
    draw_slices,
    draw_waterfall,
)
from firstdescent.regression.house_prices import fair_price, make_houses, predict
from firstdescent.regression.interpretability import slice_report

D = torch.float64


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def t_beyond(limit, freedom):
    """The chance that |t| exceeds limit, by adding up Student's density."""
    gamma = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    t = torch.linspace(0, limit, 20_001, dtype=D)
    density = (1 + t**2 / freedom) ** (-(freedom + 1) / 2)
    inside = torch.trapezoid(density, t).item()
    return 1 - 2 * inside * math.exp(gamma) / math.sqrt(math.pi * freedom)


def test_twenty_looks_at_two_standard_errors_mostly_find_something(page_says):
    page_says("$1 - 0.95^{20} = 0.64$")
    assert abs(1 - 0.95**20 - 0.64) < 0.005
    assert abs(t_beyond(2, 49) - 0.05) < 0.005


def test_one_look_in_400_exceeds_3_2_standard_errors(page_says):
    page_says("about once in 400", "about 20/400 = 5%")
    assert 1 / 450 < t_beyond(3.2, 49) < 1 / 390


def test_random_slices_give_these_false_alarms():
    noise = torch.randn(2000, 20, 50, generator=seeded(), dtype=D)
    t = noise.mean(dim=2) / (noise.std(dim=2) / 50**0.5)
    worst = t.abs().amax(dim=1)
    for limit, chance in ((2, 1 - (1 - t_beyond(2, 49)) ** 20), (3.2, 0.05)):
        share = (worst > limit).double().mean().item()
        assert abs(share - chance) < 4 * (chance * (1 - chance) / 2000) ** 0.5 + 0.003


def test_the_noise_of_one_slice_has_the_standard_error_that_it_reports():
    noise = torch.randn(4000, 9, generator=seeded(), dtype=D)
    reported = [slice_report(r, ["a"] * 9)[0].se ** 2 for r in noise]
    assert_close(sum(reported) / 4000, 1 / 9, rtol=0.05, atol=0)


def test_a_squared_term_mends_the_curve_and_two_columns_mend_the_districts():
    area = torch.linspace(40, 160, 121, dtype=D)
    one = torch.ones_like(area)

    def residuals(columns, y):
        A = torch.stack(columns, dim=1)
        return y - A @ torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]

    curve = 40 + 2 * area + 0.01 * (area - 100) ** 2
    assert residuals([area, one], curve).abs().max() > 5
    z = (area - 100) / 60
    assert residuals([z, z**2, one], curve).abs().max() < 1e-9
    district = (torch.arange(121) % 3 == 0).double()
    town = 40 + 2 * area + 60 * district
    assert residuals([area, one, district], town).abs().max() < 1e-9
    harbour = 40 + 2 * area + 1.5 * (area - 105) * district
    columns = [area, one, district, area * district]
    assert residuals(columns, harbour).abs().max() < 1e-9


def test_an_average_house_costs_the_same_in_the_harbour():
    X, _ = make_houses(100_000, seeded())
    extra = 1.5 * (X[:, 2] - 105)
    assert abs(extra.mean()) < 4 * extra.std() / 100_000**0.5 + 0.5


def test_a_wall_brings_ten_whatever_the_house():
    X, _ = make_houses(50, seeded())
    wall = X + X.new_tensor([1, 0, 0])
    assert_close(fair_price(wall) - fair_price(X), torch.full((50,), 10.0, dtype=D))


def test_a_cubic_in_three_features_has_twenty_terms():
    triples = torch.combinations(torch.arange(4), 3, with_replacement=True)
    assert len(triples) == math.comb(6, 3) == 20


def test_no_line_has_a_smaller_error_than_the_pooled_one():
    x, e = torch.randn(2, 60, generator=seeded(), dtype=D)
    y = -x + e
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    best = torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]
    for shift in torch.randn(20, 2, generator=seeded(1), dtype=D):
        assert (y - A @ (best + shift)).norm() > (y - A @ best).norm()


def test_the_waterfall_ends_at_the_prediction():
    ax = Figure().subplots()
    draw_waterfall(ax, 300.0, ["a", "b"], torch.tensor([-20.0, 50.0]))
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    assert spans == [(300, 280), (280, 330)]
    labels = [text.get_text() for text in ax.texts]
    assert labels[:3] == ["\N{MINUS SIGN}20", "+50", "330"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "prediction"]


def test_each_district_has_a_panel_with_its_own_houses():
    names = ["hills", "centre", "old town", "harbour", "hills"]
    axes = Figure().subplots(3)
    draw_slices(axes, torch.arange(5.0), torch.arange(5.0) * 10, names)
    drawn = [ax.lines[1].get_ydata().tolist() for ax in axes]
    assert drawn == [[0, 40], [20], [30]]


def test_the_two_panels_show_one_line_and_a_line_for_each_district():
    area = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    axes = Figure().subplots(2)
    draw_simpson(axes, area, 2 * area, [(-1.0, 5.0), (2.0, 0.0), (2.0, 0.0)])
    assert list(axes[0].lines[1].get_ydata()) == [5, 2]
    assert list(axes[1].lines[1].get_ydata()) == [0, 2]
    assert list(axes[1].lines[3].get_ydata()) == [4, 6]
    assert (
        "\N{MINUS SIGN}1.0" in axes[0].get_title() and "2.0, 2.0" in axes[1].get_title()
    )


def test_the_shuffled_panel_keeps_the_bedrooms():
    axes = Figure().subplots(2)
    area = torch.tensor([50.0, 90.0])
    draw_shuffled(axes, torch.tensor([1.0, 3.0]), [area, area.flip(0)])
    for ax, sizes in zip(axes, ([50, 90], [90, 50]), strict=True):
        assert ax.lines[0].get_xdata().tolist() == sizes
        assert ax.lines[0].get_ydata().tolist() == [1, 3]


def test_the_line_on_a_parabola_is_flat_and_explains_nothing(page_says):
    page_says("for $y = x^2$ on $[-1, 1]$ the best line is flat and $R^2 = 0$")
    x = torch.linspace(-1, 1, 101, dtype=D)
    A = torch.stack([x, torch.ones_like(x)], dim=1)
    theta = torch.linalg.lstsq(A, (x**2)[:, None], driver="gels").solution[:, 0]
    assert abs(theta[0]) < 1e-12
    r = A @ theta - x**2
    assert abs(1 - r.square().mean() / (x**2).var(correction=0)) < 1e-12


def fit(X, y):
    A = torch.hstack([X, X.new_ones(len(X), 1)])
    return torch.linalg.lstsq(A, y[:, None], driver="gels").solution[:, 0]


def test_the_fits_own_error_makes_more_false_alarms(page_says):
    page_says("the 5% become 8 or 9%")
    alarms = []
    for world in range(150):
        generator = seeded(world)
        X, y = make_houses(400, generator)
        new, label = make_houses(1000, generator)
        theta = fit(X, y)
        r = new @ theta[:3] + theta[3] - label
        for _ in range(10):
            order = torch.randperm(1000, generator=generator)
            parts = r[order].reshape(20, 50)
            t = parts.mean(dim=1) / (parts.std(dim=1) / 50**0.5)
            alarms.append((t.abs() > 3.2).any().item())
    assert 0.06 < sum(alarms) / len(alarms) < 0.12


def test_another_thousand_houses_give_66_to_72_for_the_step_from_3_bedrooms_to_4():
    steps = []
    for seed in range(200):
        X, y = make_houses(1000, seeded(seed))
        beds = X[:, 0]
        steps.append((y[beds == 4].mean() - y[beds == 3].mean()).item())
    steps = sorted(steps)
    # Two thirds of them, in the middle.
    assert 63 < steps[33] < 67 and 69 < steps[166] < 73


def test_a_useless_feature_can_have_a_negative_importance():
    negative, larger = 0, []
    for seed in range(100):
        generator = seeded(seed)
        X, y = make_houses(400, generator)
        junk = torch.randn(1400, 1, generator=generator, dtype=D)
        new, label = make_houses(1000, generator)
        theta = fit(torch.hstack([X, junk[:400]]), y)
        H = torch.hstack([new, junk[400:]])
        r = H @ theta[:4] + theta[4] - label
        cov = ((H - H.mean(dim=0)) * r[:, None]).mean(dim=0)
        first = 2 * theta[:4] ** 2 * H.var(dim=0, correction=0)
        last = -2 * theta[:4] * cov
        negative += bool(first[3] + last[3] < 0)
        larger.append((last / first).abs())
    middle = torch.stack(larger).median(dim=0).values
    assert middle[3] > 0.5 and (middle[:3] < 0.15).all()
    assert negative > 10


def test_the_bars_of_the_waterfall_are_coloured_by_their_sign():
    ax = Figure().subplots()
    draw_waterfall(ax, 300.0, ["a", "b"], torch.tensor([-20.0, 50.0]))
    down, up = (bar.get_facecolor() for bar in ax.patches)
    assert down != up
    assert list(ax.lines[0].get_xdata()) == [300, 300]  # the average


def test_the_model_in_the_head_asks_290(page_says):
    page_says("$30 + 20 + 200 + 40 = 290$")
    house = torch.tensor([[3.0, 2, 100]])
    weights, bias = torch.tensor([10.0, 10, 2]), torch.tensor(40.0)
    assert predict(house, weights, bias).item() == 290
