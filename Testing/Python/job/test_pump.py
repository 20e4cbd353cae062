from __future__ import annotations

from collections.abc import Callable

import pytest
from owners import LONG, HandTimer, Held, Owner

from inr_registration.core import Report
from inr_registration.slicer.job import PAUSE_S, Cancelled, Failed, Finished, Pump


class Desk:
    """A pump with timers that are ticked by hand."""

    def __init__(self) -> None:
        self.timers: list[HandTimer] = []
        self.slept: list[float] = []
        self.pump = Pump(self.make, self.slept.append)

    def make(self, tick: Callable[[], None]) -> HandTimer:
        self.timers.append(HandTimer(tick))
        return self.timers[-1]

    @property
    def running(self) -> list[HandTimer]:
        return [timer for timer in self.timers if timer.running]

    def tick_until(self, true: Callable[[], bool]) -> None:
        for _ in range(200_000):
            if true():
                return
            for timer in self.running:
                timer.tick()
        pytest.fail("it did not come true")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def quick(_: Report) -> str:
    return "done"


def test_there_is_one_timer_while_a_run_works_and_none_before_and_after(desk: Desk) -> None:
    owner, work = Owner(), Held()
    assert not desk.pump.active
    run = owner.start(work)
    desk.pump.drive(run)
    assert len(desk.running) == 1
    for _ in range(5):
        desk.timers[0].tick()
    assert desk.slept == [PAUSE_S] * 5
    desk.pump.drive(owner.start(quick))
    assert len(desk.timers) == 1
    desk.pump.stop()
    assert not desk.running
    assert not desk.pump.active
    run.cancel()
    work.step()


def test_it_ticks_until_the_run_has_told_its_end(desk: Desk) -> None:
    owner = Owner()
    desk.pump.drive(owner.start(quick))
    desk.tick_until(lambda: not desk.pump.active)
    assert [ending.payload for ending in owner.endings if isinstance(ending, Finished)] == ["done"]
    assert not desk.running


def test_it_goes_on_after_a_cancel_until_the_thread_has_ended(desk: Desk) -> None:
    owner, work = Owner(), Held()
    run = owner.start(work)
    desk.pump.drive(run)
    run.cancel()
    desk.timers[0].tick()
    assert owner.endings == [Cancelled()]
    assert desk.running
    work.step()
    desk.tick_until(lambda: not desk.pump.active)
    assert not run.working


def test_two_runs_in_a_row_share_a_timer_that_rests_in_between(desk: Desk) -> None:
    for _ in range(2):
        owner = Owner()
        desk.pump.drive(owner.start(quick))
        desk.tick_until(lambda: not desk.pump.active)
        assert isinstance(owner.endings[0], Finished)
        assert not desk.running
    assert len(desk.timers) == 1


def test_a_run_may_be_started_when_another_ends(desk: Desk) -> None:
    second = Owner()
    first = Owner(on_end=lambda _: desk.pump.drive(second.start(quick)))
    desk.pump.drive(first.start(quick))
    desk.tick_until(lambda: not desk.pump.active)
    assert [len(first.endings), len(second.endings)] == [1, 1]


def test_a_nested_event_loop_gives_the_lock_away_and_tells_nothing(desk: Desk) -> None:
    slept: list[int] = []

    def dialog(_: object) -> None:
        heard, before = len(owner.updates), len(desk.slept)
        for _ in range(10):
            desk.timers[0].tick()
        slept.append(len(desk.slept) - before)
        assert len(owner.updates) == heard

    owner, work = Owner(on_progress=dialog), Held()
    run = owner.start(work)
    desk.pump.drive(run)
    work.step()
    desk.tick_until(lambda: len(owner.updates) > 0)
    assert slept[0] == 10
    assert owner.endings == []
    run.stop()
    work.step()
    desk.tick_until(lambda: not desk.pump.active)
    assert isinstance(owner.endings[0], Finished)


@pytest.mark.usefixtures("caplog")
def test_an_owner_that_raises_does_not_stop_the_pump(desk: Desk) -> None:
    def broken(_: object) -> None:
        raise ValueError("no such widget")

    bad, good, work = Owner(broken, broken), Owner(), Held()
    desk.pump.drive(bad.start(work))
    desk.pump.drive(good.start(quick))
    work.step(2)
    desk.tick_until(lambda: not desk.pump.active)
    assert isinstance(bad.endings[-1], Failed)
    assert isinstance(good.endings[0], Finished)


def test_an_abandoned_run_is_dropped(desk: Desk) -> None:
    owner, work = Owner(), Held()
    run = owner.start(work)
    desk.pump.drive(run)
    run.abandon(0.0)
    work.step()
    assert run.abandon(LONG)
    desk.timers[0].tick()
    assert not desk.pump.active
    assert owner.endings == []
