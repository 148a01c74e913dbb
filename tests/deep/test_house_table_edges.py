"""What the refusals say, and tables on the edge of what is allowed."""

import re

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure

from firstdescent.deep.figures.house_table import draw_gaps
from firstdescent.deep.house_table import (
    Encoder,
    column,
    column_kinds,
    draw_words,
    fair_log_price,
    fit_ridge,
    read_cells,
    read_kaggle,
    read_table,
    rmsle,
    smearing,
)

HOUSE = {"area": 100.0, "bathrooms": 2.0, "built": 2004.0, "garage": 20.0}
HOUSE |= {"frontage": 15.0, "neighbourhood": "Hills", "heating": "wood"}


def refused(said):
    return pytest.raises(ValueError, match=re.escape(said))


def test_a_house_without_columns_is_refused_by_their_names():
    for name in ("area", "bathrooms", "built", "garage", "frontage"):
        rest = {c: v for c, v in HOUSE.items() if c != name}
        with refused(f"expected columns ['{name}'], got {list(rest)}"):
            fair_log_price(rest)
    with refused("['area', 'bathrooms', 'built', 'frontage', 'garage'], got []"):
        fair_log_price({})


def test_a_house_has_an_area_above_0_and_a_frontage():
    for cell, said in (
        ({"area": 0.0}, "an area > 0, got 15.0 and 0.0"),
        ({"area": -1.0}, "got 15.0 and -1.0"),
        ({"frontage": None}, "got None and 100.0"),
    ):
        with refused(said):
            fair_log_price({**HOUSE, **cell})
    small, large = (fair_log_price({**HOUSE, "area": a}) for a in (0.5, 50.0))
    assert large - small == pytest.approx(0.8 * torch.tensor(100.0).log().item())


def test_a_word_of_a_house_is_known():
    with refused("expected neighbourhood among ['Harbour', 'Hills', "):
        fair_log_price({**HOUSE, "neighbourhood": None})
    with refused("'Station'], got 'Moon'"):
        fair_log_price({**HOUSE, "neighbourhood": "Moon"})
    rest = {c: v for c, v in HOUSE.items() if c != "heating"}
    with refused("expected heating among ['district', 'gas', 'wood', None], got ''"):
        fair_log_price(rest)


def test_a_word_may_have_the_share_0():
    shares = {"never": (0.0, 0), "always": (1.0, 0), "nor": (0.0, 0)}
    words = draw_words(shares, 50, torch.Generator().manual_seed(0))
    assert words == ["always"] * 50


def test_many_words_have_their_shares_to_the_last_digit():
    k = 50_000
    shares = {i: (1 / k, 0) for i in range(k)}
    words = draw_words(shares, 20_000, torch.Generator().manual_seed(0))
    g = torch.Generator().manual_seed(0)
    u = torch.rand(20_000, generator=g, dtype=torch.float64)
    assert words == (k * u).long().tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a,b\n"1,2\n', "line 2: unexpected end of data"),
        ('a\n"x"y\n', "line 2: ',' expected after"),
    ],
)
def test_a_quote_is_closed_before_the_next_cell(text, said):
    with refused(said):
        read_cells(text)


def test_lines_may_end_as_they_did_on_old_computers():
    assert read_cells("a,b\r1,2\r3,4\r") == (
        ["a", "b"],
        [(2, ["1", "2"]), (3, ["3", "4"])],
    )


def test_a_file_is_read_with_the_gaps_that_the_caller_names(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n-9,\n4,x\n")
    rows = read_table(tmp_path / "a.csv", missing=["-9"])
    assert rows == [{"a": None, "b": ""}, {"a": 4.0, "b": "x"}]
    rows = read_table(tmp_path / "a.csv")
    assert rows == [{"a": -9.0, "b": None}, {"a": 4.0, "b": "x"}]


def test_a_gap_changes_no_kind():
    assert column_kinds([{"a": 1.0}, {"a": None}]) == {"a": "number"}
    with refused("row 2, column 'a': expected a number, as before, got 'x'"):
        column_kinds([{"a": 1.0}, {"a": None}, {"a": "x"}])


def test_the_refusal_of_a_label_shows_it():
    with refused("row 1, column 'p': expected a number, got 'x'"):
        column([{"p": 1.0}, {"p": "x"}], "p")


def test_the_columns_to_leave_out_that_are_not_there_are_named():
    with refused("expected columns ['Id', 'P'] to leave out"):
        Encoder("P", ["Id", "a"]).fit([{"p": 1.0, "a": 2.0}])


def test_each_unseen_word_and_gap_is_counted():
    rows = [{"p": 0.0, "a": 1.0, "w": "x"}, {"p": 1.0, "a": 2.0, "w": "y"}]
    new = [{"a": None, "w": w} for w in ("z", "z", "x", None, None, "q")]
    found = Encoder("p").fit(rows).unseen(new)
    assert found == {"a missing": 6, "w=z": 2, "w missing": 2, "w=q": 1}


def test_words_that_are_whole_numbers_to_python_are_no_words():
    encoder = Encoder("p").fit([{"p": 0.0, "a": 1}, {"p": 1.0, "a": None}])
    with refused("row 0, column 'a': expected a number, got '1'"):
        encoder.transform([{"a": "1"}])


def test_a_column_of_gaps_may_hold_anything_later():
    rows = [{"p": 0.0, "e": None}, {"p": 1.0, "e": None}]
    encoder = Encoder("p").fit(rows)
    new = [{"e": "x"}, {"e": 2.0}, {"e": None}]
    assert encoder.transform(new)[0].shape == (3, 0)
    assert encoder.unseen(new) == {"e=x": 1, "e=2.0": 1}


@pytest.mark.parametrize("f", [rmsle, smearing])
def test_the_refusal_of_two_shapes_names_both(f):
    with refused("got (2,) and (3,)"):
        f(torch.ones(2), torch.ones(3))


def test_one_price_is_enough():
    hat, price = torch.tensor([2.0]), torch.tensor([1.0])
    torch.testing.assert_close(rmsle(hat, price), torch.tensor(2.0).log())
    torch.testing.assert_close(smearing(hat, price), torch.tensor(-1.0).exp())


def test_prices_between_0_and_1_are_positive():
    ratio = rmsle(torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.25]))
    torch.testing.assert_close(ratio, torch.tensor(2.0).log())


@pytest.mark.parametrize("bad", [0.0, -2.0, float("inf")])
def test_the_first_bad_price_is_named(bad):
    good = torch.tensor([0.5, 3.0, 4.0])
    with refused(f"positive, finite prices, got {bad}"):
        rmsle(good, torch.tensor([0.5, bad, 2.0]))
    with refused(f"positive, finite prices, got {bad}"):
        rmsle(torch.tensor([0.5, bad, -7.0]), good)


def test_a_factor_that_rounds_to_0_is_refused():
    with refused("a finite, positive factor, got 0.0"):
        smearing(torch.tensor([1000.0]), torch.tensor([-1000.0]))


def test_the_refusal_of_whole_numbers_names_their_type():
    with pytest.raises(TypeError, match=r"in y, got torch\.int64"):
        fit_ridge(torch.ones(2, 1), torch.ones(2).long(), 1.0)


def test_the_columns_of_kaggles_files_are_named_if_they_differ(tmp_path):
    (tmp_path / "train.csv").write_text("MSSubClass,A,SalePrice\n20,x,9\n")
    (tmp_path / "test.csv").write_text("MSSubClass,A,B\n20,x,y\n")
    with refused("expected ['MSSubClass', 'A'], got ['MSSubClass', 'A', 'B']"):
        read_kaggle(tmp_path)


@pytest.mark.parametrize("lines", [False, True])
def test_the_gaps_have_no_grid_whatever_the_style(lines):
    with plt.rc_context({"axes.grid": lines}):
        ax = Figure().subplots()
        draw_gaps(ax, [{"a": 1.0, "b": None}])
    for line in (*ax.get_xgridlines(), *ax.get_ygridlines()):
        assert not line.get_visible()
