"""The stopwatch against clocks whose readings are known."""

import math
import threading
import time

import pytest
import torch

from firstdescent.tools.vectorise import (
    CountCalls,
    Timer,
    add_in_a_loop,
    best_time,
    wait_for_gpu,
)


def clock(*readings: float):
    """A clock that shows these readings, one a look."""
    return iter(readings).__next__


def test_a_timer_runs_from_the_moment_it_is_made():
    timer = Timer(clock=clock(5.0, 7.0))
    assert timer.stop() == 2.0


def test_a_timer_keeps_each_time_and_leaves_out_what_lies_between():
    timer = Timer(clock=clock(0, 10, 11, 20, 22, 30, 33))
    for expected in (1, 2, 3):
        timer.start()
        assert timer.stop() == expected
    assert timer.times == [1, 2, 3]
    assert (timer.avg(), timer.sum(), timer.cumsum()) == (2, 6, [1, 3, 6])


def test_the_last_cumulative_sum_is_the_sum_and_the_average_its_share():
    timer = Timer(clock=clock(0, 0.5, 1, 4, 9, 9.25))
    timer.stop()
    for _ in range(2):
        timer.start()
        timer.stop()
    assert timer.cumsum()[-1] == timer.sum() == 3.75
    assert timer.avg() == pytest.approx(timer.sum() / 3)


def test_a_second_start_begins_anew():
    timer = Timer(clock=clock(0, 5, 6))
    timer.start()
    assert timer.stop() == 1


def test_a_timer_that_took_no_time_yet_has_sums_and_no_average():
    timer = Timer(clock=clock(0))
    assert (timer.sum(), timer.cumsum()) == (0, [])
    with pytest.raises(RuntimeError, match="got none yet"):
        timer.avg()


def test_a_timer_refuses_to_be_stopped_twice_and_keeps_what_it_has():
    timer = Timer(clock=clock(0, 1, 2))
    timer.stop()
    with pytest.raises(RuntimeError, match="stop\\(\\) twice"):
        timer.stop()
    assert timer.times == [1]


def test_the_clock_of_a_timer_is_never_set_back():
    assert Timer().clock is time.perf_counter
    assert time.get_clock_info("perf_counter").monotonic
    assert not time.get_clock_info("perf_counter").adjustable
    assert time.get_clock_info("time").adjustable


def test_a_timer_waits_before_each_look_at_the_clock():
    seen = []

    def look():
        seen.append("look")
        return 0.0

    timer = Timer(clock=look, wait=lambda: seen.append("wait"))
    timer.stop()
    timer.start()
    assert seen == ["wait", "look"] * 3


@pytest.mark.parametrize(("used", "waits"), [(True, 1), (False, 0)])
def test_a_gpu_is_waited_for_once_it_is_in_use(monkeypatch, used, waits):
    calls = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: used)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: calls.append(1))
    wait_for_gpu()
    assert len(calls) == waits
    Timer()
    assert len(calls) == 2 * waits


def test_work_that_is_only_ordered_is_missed_without_waiting():
    """An asynchronous device whose work moves the clock by eight seconds."""
    for waits, expected in ((False, 0.0), (True, 8.0)):
        now, released, orders = [0.0], threading.Event(), []

        def work(now=now, released=released):
            released.wait()
            now[0] += 8.0

        def wait(waits=waits, released=released, orders=orders):
            for order in orders if waits else []:
                released.set()
                order.join()

        timer = Timer(clock=lambda now=now: now[0], wait=wait)
        orders.append(threading.Thread(target=work))
        orders[0].start()
        assert timer.stop() == expected
        released.set()
        orders[0].join()
        assert now[0] == 8.0


def test_the_best_time_is_that_of_the_fastest_call():
    looks = clock(0, 1, 4, 10, 110, 200, 202)  # Timer(), then three calls: 3, 100, 2
    assert best_time(lambda: None, repeats=3, clock=looks) == 2


def test_the_best_time_warms_up_and_then_calls_that_often():
    calls = []
    assert best_time(lambda: calls.append(1), repeats=4) >= 0
    assert len(calls) == 5


def test_the_best_time_is_of_five_calls_unless_told_and_of_one_if_told():
    calls = []
    best_time(lambda: calls.append(1))
    assert len(calls) == 1 + 5
    assert best_time(lambda: None, repeats=1, clock=clock(0, 1, 4)) == 3


def test_the_best_time_refuses_no_repeats():
    with pytest.raises(ValueError, match="expected repeats >= 1, got 0"):
        best_time(lambda: None, repeats=0)


@pytest.mark.parametrize("n", [0, 1, 7])
def test_the_loop_adds_as_plus_does(n):
    a = torch.arange(float(n))
    assert torch.equal(add_in_a_loop(a, 2 * a), 3 * a)


@pytest.mark.parametrize("b", [torch.ones(4), torch.ones(3, dtype=torch.float64)])
def test_the_loop_refuses_two_vectors_that_are_not_alike_and_names_both(b):
    got = rf"alike, got \(3,\) torch.float32, \({len(b)},\) {b.dtype}$"
    with pytest.raises(ValueError, match=got):
        add_in_a_loop(torch.ones(3), b)


def test_the_loop_is_slower_by_far_more_than_a_clock_could_err():
    a = torch.ones(5000)
    loop = best_time(lambda: add_in_a_loop(a, a), repeats=3)
    whole = best_time(lambda: a + a, repeats=21)
    assert loop > 100 * whole  # about 20,000 on a quiet machine


def test_a_loop_over_a_list_is_faster_than_one_over_a_tensor():
    a = torch.ones(2000)
    x = a.tolist()
    tensor = best_time(lambda: add_in_a_loop(a, a), repeats=5)
    plain = best_time(lambda: [p + q for p, q in zip(x, x, strict=True)], repeats=5)
    assert tensor > 5 * plain  # about 200 on a quiet machine


def test_a_coarse_clock_is_right_on_average():
    """The mean of floor(s + d) - floor(s) over a uniform start s is d, exactly."""
    tick, took = 15.6, 1.0
    starts = [tick * k / 1560 for k in range(1560)]  # all phases of a tick
    seen = [
        math.floor((s + took) / tick) * tick - math.floor(s / tick) * tick
        for s in starts
    ]
    assert sum(seen) / len(seen) == pytest.approx(took)
    assert set(seen) == {0.0, tick}


def test_the_loop_makes_five_calls_a_number_and_plus_one_in_all():
    a = torch.ones(7)
    with CountCalls() as loop:
        add_in_a_loop(a, a)
    with CountCalls() as whole:
        a + a
    assert len(loop.names) == 1 + 5 * 7
    assert whole.names == ["add"]
    assert (loop.tensors, whole.tensors) == (36, 1)


def test_a_call_that_is_counted_gets_its_keywords():
    with CountCalls() as count:
        a = torch.full((2,), 3.0, dtype=torch.float64)
    assert (a.dtype, count.names) == (torch.float64, ["full"])


def test_what_is_called_outside_is_not_counted():
    a = torch.ones(3)
    with CountCalls() as count:
        a.unbind()
    a.sin()
    assert count.names == ["unbind"]
    assert count.tensors == 3
