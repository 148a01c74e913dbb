"""What the lab says beside its cells: the answers to what a reader may try."""

import math
from collections import Counter

import pytest

from firstdescent.regression.house_prices import predict

OWN = 'return (2024 - row["built"]) ** 2  # change this'
TRIED = "tried = cross_val("
LEAK = 'print(f"inside the folds:'


def rmsle(scores) -> float:
    return scores.mean().sqrt().item()


@pytest.fixture(scope="module")
def plain(run):
    return run("house_lab")


def test_of_the_300_houses_47_share_their_area_with_no_other(plain):
    sizes = Counter(row["area"] for row in plain["train"])
    assert len(plain["train"]) == 300
    assert sum(size == 1 for size in sizes.values()) == 47


@pytest.mark.parametrize(
    ("mine", "least", "most"),
    [
        ('return row["area"] / row["bedrooms"]', 0, 0.002),
        ('return len(row["neighbourhood"])', -0.0005, 0.0005),
        ('return row["neighbourhood"] + str(row["heating"])', -0.003, 0.003),
    ],
    ids=["a ratio", "a length", "pairs"],
)
def test_these_columns_of_your_own_gain_nothing(run, mine, least, most):
    names = run("house_lab", (OWN, mine), until=TRIED)
    change = rmsle(names["tried"]) - rmsle(names["ladder"]["log area"])
    assert least <= change <= most


def test_pairs_of_words_are_about_twenty_more_weights(run):
    pairs = OWN, 'return row["neighbourhood"] + str(row["heating"])'
    names = run("house_lab", pairs, until=TRIED)
    encoder, fit = names["Encoder"], names["logged"](names["train"])
    few = encoder("price").fit(fit).transform(fit)[0].shape[1]
    mine = names["with_mine"](fit)
    many = encoder("price").fit(mine).transform(mine)[0].shape[1]
    assert 16 <= many - few <= 24


def test_without_indicators_each_rung_from_the_gaps_on_is_worse(run, plain):
    edit = 'Encoder("price")', 'Encoder("price", indicators=False)'
    bare = run("house_lab", edit, until="ladder =")["ladder"]
    for rung in ("gaps", "words", "log area"):
        assert rmsle(bare[rung]) > rmsle(plain["ladder"][rung])


def test_with_100_rows_to_learn_from_the_promise_stays_and_the_model_is_worse(
    run, plain
):
    half = "kfold(400, 4, seeded(0))[0]"
    few = run("house_lab", (half, half + "[::-1]"), ("sqrt(200)", "sqrt(600)"))
    assert len(few["train"]) == 100 and len(few["test"]) == 300
    assert f"{few['promise']:.2f}" == f"{plain['promise']:.2f}" == "0.23"
    assert f"{plain['truth']:.2f} {few['truth']:.2f}" == "0.21 0.22"
    mean, se = few["compare"](few["ladder"]["words"], few["ladder"]["log area"])
    assert f"{mean:.3f} {se:.3f}" == "-0.008 0.006"
    noise = [n["found"] / math.sqrt(2 * len(n["test"])) for n in (few, plain)]
    assert noise[0] < noise[1]


def test_in_groups_of_dozens_the_leak_is_small(run, plain):
    area = 'row["area"]'
    edits = [
        (f"setdefault({area}", f"setdefault({area} // 40"),
        (f"means.get({area}", f"means.get({area} // 40"),
    ]
    names = run("house_lab", *edits, until=LEAK)
    without = rmsle(plain["ladder"]["log area"])
    for score in (names["leaky"], names["inside"]):
        assert abs(score.item() - without) < 0.01
    sizes = Counter(row["area"] // 40 for row in names["train"])
    assert sorted(sizes.values())[len(sizes) // 2] >= 24


def test_a_new_place_is_reported_and_priced_at_the_mean_of_the_known_in_logs(run):
    names = run("house_lab", ('"Old Town"', '"Island"'))
    encoder, logged = names["encoder"], names["logged"]

    def log_price(place):
        rows = logged([{**names["house"], "neighbourhood": place}])
        return predict(encoder.transform(rows)[0], names["w"], names["b"]).item()

    assert encoder.unseen([names["house"]])
    places = {row["neighbourhood"] for row in names["train"]}
    known = [log_price(place) for place in places]
    assert log_price("Island") == pytest.approx(sum(known) / len(known), abs=1e-4)


def test_a_house_beyond_all_others_is_not_reported(run, plain):
    names = run("house_lab", ('"area": 90.0', '"area": 2000.0'))
    assert not names["encoder"].unseen([names["house"]])
    assert max(row["area"] for row in names["train"]) < 1000
    slope = math.log(names["price"] / plain["price"]) / math.log(2000 / 90)
    assert 0.3 < slope < 1.2  # on along the line: a power of the area
