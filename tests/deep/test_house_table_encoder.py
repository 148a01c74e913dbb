"""The Encoder of house_table against matrices written by hand."""

from pathlib import Path

import pytest
import torch

from firstdescent.deep.house_table import (
    Encoder,
    column,
    fit_ridge,
    make_table,
    read_kaggle,
)
from firstdescent.regression.house_prices import predict

SAMPLE = Path(__file__).parent / "kaggle_sample"
ROWS = [
    {"p": 1.0, "a": 1.0, "g": 2.0, "k": 7.0, "w": "x", "c": "same", "e": None},
    {"p": 2.0, "a": 3.0, "g": None, "k": 7.0, "w": "y", "c": "same", "e": None},
    {"p": 3.0, "a": 5.0, "g": 8.0, "k": 7.0, "w": None, "c": "same", "e": None},
    {"p": 4.0, "a": 7.0, "g": 2.0, "k": 7.0, "w": "x", "c": "same", "e": None},
]
NAMES = ["a", "g", "g missing", "w=x", "w=y", "w missing"]


def test_a_small_table_becomes_the_matrix_written_by_hand():
    X, names = Encoder("p").fit(ROWS).transform(ROWS)
    assert names == NAMES
    a, g = 5**0.5, 6**0.5  # deviations of 1 3 5 7 and of 2 4 8 2
    expected = [
        [-3 / a, -2 / g, 0, 1, 0, 0],
        [-1 / a, 0, 1, 0, 1, 0],
        [1 / a, 4 / g, 0, 0, 0, 1],
        [3 / a, -2 / g, 0, 1, 0, 0],
    ]
    torch.testing.assert_close(X, torch.tensor(expected, dtype=torch.float64))


def test_the_median_is_the_middle_and_indicators_can_be_left_away():
    encoder = Encoder("p", fill="median", indicators=False).fit(ROWS)
    assert encoder.fills["g"] == 2.0
    X, names = encoder.transform(ROWS)
    assert names == ["a", "g", "w=x", "w=y", "w missing"]
    assert X[1, 1] == X[0, 1]
    even = [{"p": 0.0, "a": v} for v in (1.0, 2.0, 4.0, 9.0)]
    assert Encoder("p", fill="median").fit(even).fills["a"] == 3.0


def test_new_rows_meet_the_old_numbers_and_change_none():
    encoder = Encoder("p").fit(ROWS)
    before, _ = encoder.transform(ROWS)
    new = [{"a": None, "g": 1e6, "k": 0.0, "w": "z", "c": None, "e": "q"}]
    X, names = encoder.transform(new)
    assert names == NAMES
    assert X[0, 0] == 0
    assert X[0, 2:].tolist() == [0, 0, 0, 0]
    assert encoder.unseen(new) == {
        "a missing": 1,
        "w=z": 1,
        "c missing": 1,
        "e=q": 1,
    }
    assert encoder.unseen(ROWS) == {}
    assert torch.equal(encoder.transform(ROWS)[0], before)


def test_what_fit_learns_does_not_depend_on_later_rows():
    table = make_table(120, torch.Generator().manual_seed(0))
    alone, _ = Encoder("price").fit(table[:60]).transform(table[:60])
    both, _ = Encoder("price").fit(table[:60]).transform(table)
    assert torch.equal(both[:60], alone)
    other, _ = Encoder("price").fit(table).transform(table[:60])
    assert other.shape != alone.shape or not torch.allclose(other, alone)


def test_rows_may_come_once_and_whole_numbers_count():
    X, _ = Encoder("p").fit(iter(ROWS)).transform(iter(ROWS))
    whole = [{**r, "a": int(r["a"])} for r in ROWS]
    assert torch.equal(Encoder("p").fit(whole).transform(whole)[0], X)
    assert Encoder("p").fit(iter(ROWS)).unseen(iter([{**ROWS[0], "w": "z"}])) == {
        "w=z": 1
    }


def test_one_row_and_no_row_and_a_second_fit():
    encoder = Encoder("p").fit(ROWS)
    assert encoder.transform([])[0].shape == (0, 6)
    assert encoder.fit(ROWS[:1]).transform(ROWS)[0].shape == (4, 0)  # nothing varies


def test_a_number_that_varies_only_in_its_gaps_leaves_its_indicator():
    rows = [{"p": 0.0, "a": 5.0}, {"p": 1.0, "a": None}]
    X, names = Encoder("p").fit(rows).transform(rows)
    assert (names, X.tolist()) == (["a missing"], [[0.0], [1.0]])


def test_a_number_that_varies_only_by_the_rounding_of_its_mean_is_left_out():
    rows = [{"p": 1.0, "a": 0.47}] * 297 + [{"p": 1.0, "a": None}] * 3
    encoder = Encoder("p").fit(rows)
    X, names = encoder.transform([{"a": 1.47}, {"a": None}])
    assert (names, X.tolist()) == (["a missing"], [[0.0], [1.0]])


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"g": (None, 1.0), "g missing": (5.0, 7.0)}, "g missing"),
        ({"a": ("b=c", "d"), "a=b": ("c", "d")}, "a=b=c"),
    ],
)
def test_two_columns_of_x_never_share_a_name(columns, name):
    rows = [{"p": 0.0} | {c: v[i] for c, v in columns.items()} for i in range(2)]
    with pytest.raises(ValueError, match=rf"X would have two of \['{name}'\]"):
        Encoder("p").fit(rows)


@pytest.mark.parametrize("bad", [[0.0, 1e-200], [1e308, 1e308, -1e308]])
def test_a_column_without_a_finite_deviation_is_named_and_the_old_fit_stays(bad):
    encoder = Encoder("p").fit(ROWS)
    before, _ = encoder.transform(ROWS)
    with pytest.raises(ValueError, match="column 'a': "):
        encoder.fit([{"p": 1.0, "a": v} for v in bad])
    after, names = encoder.transform(ROWS)
    assert names == NAMES
    assert torch.equal(before, after)


def test_a_table_of_labels_alone_has_no_columns():
    X, names = Encoder("p").fit([{"p": 1.0}]).transform([{"p": 1.0}] * 3)
    assert (tuple(X.shape), names) == ((3, 0), [])


def test_one_string_is_no_list_of_columns():
    with pytest.raises(TypeError, match="a list of strings for skip, got 'Id'"):
        Encoder("p", skip="Id")


@pytest.mark.parametrize("use", ["transform", "unseen"])
def test_errors_of_later_rows_name_row_and_column(use):
    with pytest.raises(RuntimeError, match=r"fit\(rows\) before"):
        getattr(Encoder("p"), use)(ROWS)
    encoder = Encoder("p").fit(ROWS)
    for cell, said in (
        ({"a": "big"}, "row 1, column 'a': expected a number, got 'big'"),
        ({"w": 3.0}, "row 1, column 'w': expected a word, got 3.0"),
        ({"a": float("inf")}, "row 1, column 'a': expected a finite number"),
    ):
        with pytest.raises(ValueError, match=said):
            getattr(encoder, use)([ROWS[0], {**ROWS[1], **cell}])
    with pytest.raises(ValueError, match="column 'g': expected this column"):
        getattr(encoder, use)([{"a": 1.0}])
    with pytest.raises(TypeError, match="row 0, column 'a'"):
        getattr(encoder, use)([{**ROWS[0], "a": True}])


def test_settings_and_fitted_rows_are_checked():
    with pytest.raises(ValueError, match="'mean' or 'median', got 'mode'"):
        Encoder("p", fill="mode")
    for label, skip in (("P", []), ("p", ["Id"])):
        with pytest.raises(ValueError, match="to leave out"):
            Encoder(label, skip).fit(ROWS)
    with pytest.raises(ValueError, match="at least one row"):
        Encoder("p").fit([])
    with pytest.raises(TypeError, match="expected a number, a word or None"):
        Encoder("p").fit([{"p": 1.0, "a": [1]}])


def test_all_81_columns_of_the_sample_become_a_matrix_that_can_be_fitted():
    train, test = read_kaggle(SAMPLE)
    encoder = Encoder("SalePrice", skip=["Id"]).fit(train)
    A, names = encoder.transform(train)
    V, _ = encoder.transform(test)
    assert A.shape == (8, len(names)) and V.shape == (5, len(names))
    assert A.isfinite().all() and V.isfinite().all()
    assert {"1stFlrSF", "MSSubClass=20", "LotFrontage missing"} <= set(names)
    assert not any(n.startswith(("Id", "SalePrice", "PoolArea")) for n in names)
    zoning = [j for j, n in enumerate(names) if n.startswith("Neighborhood=")]
    assert V[1, zoning].sum() == 0
    unseen = encoder.unseen(test)
    for name in (
        "MSZoning missing",
        "Neighborhood=Veenker",
        "TotalBsmtSF missing",
        "MSSubClass=150",
        "PoolQC=Gd",
    ):
        assert unseen[name] == 1
    w, b = fit_ridge(A, column(train, "SalePrice").log(), 1.0)
    prices = predict(V, w, b).exp()
    assert ((prices > 30_000) & (prices < 1_000_000)).all()
