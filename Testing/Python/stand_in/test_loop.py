"""The event loop that holds the interpreter lock starves other threads, as Slicer's does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import qt
from stand_in.loop import run_holding_gil

import stand_in  # noqa: F401


@dataclass
class Counter:
    """Counts in a thread, as fast as it can."""

    value: int = 0
    go_on: bool = True

    def run(self) -> None:
        while self.go_on:
            for _ in range(1000):
                pass
            self.value += 1


@pytest.fixture
def counter() -> Iterator[Counter]:
    counting = Counter()
    thread = threading.Thread(target=counting.run)
    thread.start()
    yield counting
    counting.go_on = False
    thread.join()


def rate(counter: Counter, loop_seconds: float = 0.5) -> float:
    before, start = counter.value, time.perf_counter()
    run_holding_gil(seconds=loop_seconds)
    return (counter.value - before) / (time.perf_counter() - start)


def free_rate(counter: Counter) -> float:
    before, start = counter.value, time.perf_counter()
    time.sleep(0.5)
    return (counter.value - before) / (time.perf_counter() - start)


def test_a_thread_nearly_stands_still_in_the_plain_loop(counter: Counter) -> None:
    assert rate(counter) < 0.1 * free_rate(counter)


def test_a_timer_that_sleeps_lets_the_thread_run(counter: Counter) -> None:
    pump = qt.QTimer()
    pump.connect("timeout()", lambda: time.sleep(0.01))
    pump.start(0)
    pumped = rate(counter)
    pump.stop()
    assert pumped > 0.4 * free_rate(counter)


def test_the_loop_ends_when_the_condition_holds_and_says_so() -> None:
    start = time.perf_counter()
    assert run_holding_gil(lambda: time.perf_counter() - start > 0.1, seconds=20, check_every=0.02)
    assert time.perf_counter() - start < 5


def test_the_loop_ends_in_time_and_runs_timers_and_slots() -> None:
    calls: list[str] = []
    qt.QTimer.singleShot(0, lambda: calls.append("a"))
    assert not run_holding_gil(lambda: False, seconds=0.2)
    assert calls == ["a"]
