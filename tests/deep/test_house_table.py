"""firstdescent.deep.house_table: reading a table, against cells counted by hand."""

import math
from pathlib import Path

import pytest
import torch

from firstdescent.deep.house_table import (
    HEATINGS,
    HOUSES,
    NEIGHBOURHOODS,
    as_csv,
    as_number,
    cell_kind,
    check_names,
    column,
    column_kinds,
    draw_words,
    fair_log_price,
    lose_frontage,
    make_complete,
    make_table,
    parse_table,
    read_cells,
    read_kaggle,
    read_table,
)

SAMPLE = Path(__file__).parent / "kaggle_sample"


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_shipped_file_is_the_generators_output():
    assert HOUSES.read_text(encoding="utf-8") == as_csv(make_table(400, seeded()))
    assert len(HOUSES.read_bytes()) < 40_000


def test_rows_survive_being_written_and_read():
    rows = make_table(50, seeded(1))
    assert parse_table(as_csv(rows)) == rows
    tricky = [{"a,b": 'x "y"', "n": -0.1}, {"a,b": None, "n": 1e300}]
    assert parse_table(as_csv(tricky)) == tricky
    assert as_csv([{"Id": 3, "p": 2.0, "q": 0.5}]) == "Id,p,q\n3,2,0.5\n"


def test_what_a_word_loses_on_its_way_through_a_file(tmp_path):
    rows = [{"a": " x ", "b": "7", "c": "NA", "d": "x\r\ny"}]
    path = tmp_path / "a.csv"
    path.write_bytes(as_csv(rows).encode())
    assert read_table(path) == [{"a": "x", "b": 7.0, "c": None, "d": "x\r\ny"}]
    with pytest.raises(ValueError, match="row 0, column 'a': expected a finite"):
        as_csv([{"a": math.nan}])
    with pytest.raises(TypeError, match="row 0, column 'a'"):
        as_csv([{"a": [1.0]}])


@pytest.mark.parametrize("rows", [[], [{"a": 1.0}, {"b": 1.0}]])
def test_rows_without_common_columns_are_not_written(rows):
    with pytest.raises(ValueError, match="same columns"):
        as_csv(rows)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("12", 12.0), ("-1.5e3", -1500.0), ("0", 0.0), (" 7 ", 7.0)]
    + [(c, None) for c in ("nan", "inf", "1_000", "1O5", "", "1,5", "1e999")],
)
def test_only_finite_decimal_numbers_are_numbers(cell, number):
    assert as_number(cell) == number


def test_cells_become_numbers_words_and_gaps():
    text = "\ufeffarea, heating ,empty\r\n 96 ,gas,\r\n\r\nNA,,NA\r\n".removeprefix(
        "\ufeff"
    )
    assert parse_table(text) == [
        {"area": 96.0, "heating": "gas", "empty": None},
        {"area": None, "heating": None, "empty": None},
    ]
    assert column_kinds(parse_table(text)) == {
        "area": "number",
        "heating": "word",
        "empty": "empty",
    }


def test_a_file_with_excels_mark_reads_like_one_without(tmp_path):
    for name, mark in (("a.csv", b""), ("b.csv", b"\xef\xbb\xbf")):
        (tmp_path / name).write_bytes(mark + "größe\n1\n".encode())
        assert read_table(tmp_path / name) == [{"größe": 1.0}]
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "c.csv")


def test_the_caller_says_what_a_gap_is():
    text = "a\nNone\n-9\n4\n"
    assert [r["a"] for r in parse_table(text)] == ["None", "-9", "4"]
    gaps = parse_table(text, missing=["None", "-9"])
    assert [r["a"] for r in gaps] == [None, None, 4.0]


def test_a_declared_kind_wins():
    assert parse_table("a\n20\n60\n", words=["a"]) == [{"a": "20"}, {"a": "60"}]
    assert parse_table("a\nNA\n", numbers=["a"]) == [{"a": None}]
    with pytest.raises(ValueError, match="line 4, column 'a': expected a number, got"):
        parse_table("a,b\n1,2\n\n1O5,2\n", numbers=["a"])


@pytest.mark.parametrize(
    ("numbers", "words"), [(["b"], []), ([], ["b"]), (["a"], ["a"])]
)
def test_a_declared_column_exists_and_has_one_kind(numbers, words):
    with pytest.raises(ValueError, match="each once"):
        parse_table("a\n1\n", numbers, words)


@pytest.mark.parametrize("name", ["numbers", "words", "missing"])
def test_one_string_is_no_list_of_strings(name):
    with pytest.raises(TypeError, match=f"a list of strings for {name}, got 'NA'"):
        parse_table("air\nN\nNA\n", **{name: "NA"})
    assert check_names(**{name: ["NA"]}) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least one row, got 0 lines"),
        ("a,b\n", "at least one row, got 1 lines"),
        ("a,a\n1,2\n", "each different"),
        ("a,\n1,2\n", "each different"),
        ("a,b\n1,2\n3\n", "line 3: expected 2 cells, got 1"),
        ('a,b\n"1,2\n', "line 2: "),
    ],
)
def test_a_text_that_is_no_table_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        read_cells(text)


def test_a_row_of_several_lines_is_named_by_its_last():
    _, rows = read_cells('a,b\n"x\ny",1\nz,2\n')
    assert rows == [(3, ["x\ny", "1"]), (4, ["z", "2"])]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "at least one row"),
        ([{"a": 1.0}, {"b": 1.0}], "row 1: expected"),
        ([{"a": 1.0}, {"a": "x"}], "row 1, column 'a': expected a number, as before"),
        ([{"a": "x"}, {"a": 1.0}], "expected a word, as before, got 1.0"),
        ([{"a": math.nan}], "row 0, column 'a': expected a finite number"),
    ],
)
def test_rows_that_are_no_table_are_refused(rows, said):
    with pytest.raises(ValueError, match=said):
        column_kinds(rows)


@pytest.mark.parametrize("cell", [True, 1j, [1.0], torch.tensor(1.0)])
def test_a_cell_is_a_number_a_word_or_none(cell):
    with pytest.raises(TypeError, match="here: expected a number, a word or None"):
        cell_kind(cell, "here")
    assert [cell_kind(c, "") for c in (1, 2.5, "x", None)] == [
        "number",
        "number",
        "word",
        "empty",
    ]


def test_a_column_of_labels_has_no_gaps():
    y = column(iter([{"p": 1}, {"p": 2.5}]), "p")
    assert y.dtype == torch.float64
    assert y.tolist() == [1.0, 2.5]
    for cell in (None, "x"):
        with pytest.raises(ValueError, match="row 1, column 'p': expected a number"):
            column([{"p": 1.0}, {"p": cell}], "p")
    with pytest.raises(ValueError, match="got None"):
        column([{}], "p")
    with pytest.raises(TypeError, match="row 0, column 'p'"):
        column([{"p": True}], "p")


def test_one_house_is_worth_what_the_docstring_adds_up_to():
    house = {"area": 100.0, "bathrooms": 2.0, "built": 2004.0, "garage": 20.0}
    house |= {"frontage": 15.0, "neighbourhood": "Hills", "heating": "wood"}
    expected = 8.4 + 0.8 * math.log(100) + 0.06 + 0.3 - 0.08 + 0.15 + 0.2 - 0.05
    assert fair_log_price(house) == pytest.approx(expected)
    bare = {**house, "garage": None, "heating": None}
    assert fair_log_price(bare) == pytest.approx(expected - 0.15 - 0.15)
    with pytest.raises(ValueError, match="known frontage"):
        fair_log_price({**house, "frontage": None})


def test_words_come_with_their_shares():
    words = draw_words(HEATINGS, 20_000, seeded())
    for word, (share, _) in HEATINGS.items():
        assert words.count(word) / 20_000 == pytest.approx(share, abs=0.012)
    for shares in ({"a": 0.5, "b": 0.4}, {"a": 1.5, "b": -0.5}, {}):
        with pytest.raises(ValueError, match="shares >= 0 that add up to 1"):
            draw_words({w: (s, 0) for w, s in shares.items()}, 3, seeded())


def test_log_prices_scatter_by_a_fifth_around_the_fair_ones():
    rows = make_complete(5000, seeded(2))
    noise = torch.tensor([math.log(r["price"]) - fair_log_price(r) for r in rows])
    assert abs(noise.mean().item()) < 4 * 0.2 / 5000**0.5
    assert noise.std().item() == pytest.approx(0.2, abs=0.01)
    assert all(row["price"] % 100 == 0 for row in rows)
    assert {row["neighbourhood"] for row in rows} == set(NEIGHBOURHOODS)
    assert all(row["built"] <= 2024 for row in rows)
    with pytest.raises(ValueError, match="n must be at least 1"):
        make_complete(0, seeded())
    assert len(make_table(1, seeded())) == 1


def test_wide_plots_lose_their_frontage_more_often_unless_at_random():
    rows = make_complete(5000, seeded(3))
    for at_random, wide, narrow in ((False, 0.75, 0.06), (True, 0.2, 0.2)):
        lost = lose_frontage(rows, seeded(4), at_random)
        for above, share in ((True, wide), (False, narrow)):
            gaps = [
                b["frontage"] is None
                for a, b in zip(rows, lost, strict=True)
                if (a["frontage"] > 22) == above
            ]
            assert sum(gaps) / len(gaps) == pytest.approx(share, abs=0.1)
    assert all(row["frontage"] is not None for row in rows)  # copies
    with pytest.raises(ValueError, match="a known frontage in each row"):
        lose_frontage(lost, seeded())


def test_kaggles_files_are_read_with_one_kind_for_both():
    train, test = read_kaggle(SAMPLE)
    assert (len(train), len(train[0])) == (8, 81)
    assert (len(test), len(test[0])) == (5, 80)
    kinds = column_kinds(train)
    assert kinds["MSSubClass"] == "word"
    assert kinds["1stFlrSF"] == kinds["SalePrice"] == "number"
    assert kinds["PoolQC"] == "empty"
    for name, kind in column_kinds(test).items():
        assert "empty" in (kind, kinds[name]) or kind == kinds[name]


def test_a_column_of_gaps_in_training_is_read_as_the_test_file_suggests(tmp_path):
    (tmp_path / "train.csv").write_text("MSSubClass,A,B,SalePrice\n20,NA,NA,9\n")
    (tmp_path / "test.csv").write_text("MSSubClass,A,B\n20,7,x\n")
    train, test = read_kaggle(tmp_path)
    assert train[0]["A"] is train[0]["B"] is None
    assert (test[0]["A"], test[0]["B"]) == (7.0, "x")


def test_a_typing_error_in_one_row_turns_the_column_of_all_rows_into_words():
    rows = parse_table("area\n96\n80\n1O5\n")
    assert column_kinds(rows[:2]) == {"area": "word"}


def test_a_test_file_with_other_columns_is_refused(tmp_path):
    (tmp_path / "train.csv").write_text("Id,MSSubClass,A,SalePrice\n1,20,x,9\n")
    for text, said in (
        ("Id,MSSubClass,A,B\n2,20,x,y\n", "test.csv: expected"),
        ("Id,MSSubClass\n2,20\n", "expected columns of"),
        ("Id,MSSubClass,A\nx,20,x\n", "line 2, column 'Id': expected a number"),
    ):
        (tmp_path / "test.csv").write_text(text)
        with pytest.raises(ValueError, match=said):
            read_kaggle(tmp_path)
