"""What the lab says beside its cells: the answers to what a reader may try.

That the words stay with other threads needs no test of its own: the lab is proven with
one thread by plain `-n auto`, and with two when its record is written anew.
"""

import pytest

from firstdescent.tools.loader_workers import loader_schedule

RACE = 'print("batches of 1000:'
SHARE = 'print("so fast, or nearly'


def gains(names: dict) -> dict[int, float]:
    """Return for each batch size how many times as fast `by_index` is."""
    both = zip(names["old"], names["new"], strict=True)
    return {B: a / b for B, (a, b) in zip(names["sizes"], both, strict=True)}


@pytest.fixture(scope="module")
def plain(run):
    return gains(run("feed_lab", until=RACE))


def test_wide_rows_gain_a_good_deal_less(run, plain):
    wide = gains(run("feed_lab", ("randn(n, 20,", "randn(n, 2000,"), until=RACE))
    assert wide[1000] < plain[1000] / 3


def test_in_batches_of_one_the_gain_is_a_few_times_not_tens_of_times(run, plain):
    edits = ("sizes = [10,", "sizes = [1, 10,"), ("old[2]", "old[3]")
    one = gains(run("feed_lab", *edits, until=RACE))[1]
    assert 1 < one < 10 < plain[100]


def test_beside_a_big_step_loading_matters_little(run):
    names = run("feed_lab", ("trainer(width=0)", "trainer(width=16384)"), until=SHARE)
    wait, work = names["L"][names["by_rows"]], names["T"][names["by_rows"]]
    assert wait / (wait + work) < 0.25
    assert names["foretold"] < 1.3


def a_batch(load: float, step: float, workers: int) -> float:
    """Return what a batch costs in the long run, by the schedule that the lab uses."""
    ends = loader_schedule([load] * 400, step, workers)[1]
    return (ends[-1][1] - ends[199][1]) / 200


@pytest.mark.parametrize(("step", "costs"), [(0.02, 0.02), (0.04, 0.04)])
def test_with_a_slow_model_one_worker_is_worth_starting(step, costs):
    assert a_batch(0.02, step, 0) == pytest.approx(0.02 + step)
    assert a_batch(0.02, step, 1) == pytest.approx(costs)
    assert a_batch(0.02, step, 2) == pytest.approx(costs)


def test_with_a_slow_disk_the_fourth_worker_still_gains_and_a_fifth_does_not():
    three, four, five = (a_batch(0.04, 0.01, k) for k in (3, 4, 5))
    assert three > four == pytest.approx(0.01)
    assert five == pytest.approx(four)
