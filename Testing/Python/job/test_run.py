from __future__ import annotations

import logging
import os
import threading

import pytest
from owners import LONG, Held, Owner, counting, raising

from inr_registration.core import Command, InputError
from inr_registration.slicer.job import Cancelled, Failed, Finished, Run, wait


def test_progress_comes_in_order_then_the_payload_once_then_nothing() -> None:
    owner = Owner()
    run = owner.start(counting(5000))
    ending = wait(run)
    run.poll()
    assert [type(ending), ending] == [Finished, *owner.endings]
    assert isinstance(ending, Finished)
    assert ending.payload == 5000
    points = [point.iteration for update in owner.updates for point in update.points]
    assert points == list(range(5000))
    assert owner.phases == ["load", "fit"] or owner.phases == ["fit"]
    assert owner.updates[-1].progress.iteration == 4999


def test_everything_is_told_in_the_thread_of_the_owner_and_done_in_another() -> None:
    told: list[int] = []
    run = Run(lambda _: threading.get_ident(), lambda _: told.append(threading.get_ident()), lambda _: told.append(threading.get_ident()))
    ending = wait(run)
    assert isinstance(ending, Finished)
    assert ending.payload != threading.get_ident()
    assert set(told) == {threading.get_ident()}


def test_a_cancelled_run_is_over_for_its_owner_while_the_thread_winds_up() -> None:
    owner, work = Owner(), Held()
    run = owner.start(work)
    assert work.begun.wait(LONG)
    run.cancel()
    run.poll()
    assert owner.endings == [Cancelled()]
    assert run.over
    assert run.working
    work.step()
    assert work.ended.wait(LONG)
    run.poll()
    assert owner.endings == [Cancelled()]


def test_a_stopped_run_delivers_what_it_has() -> None:
    owner, work = Owner(), Held()
    run = owner.start(work)
    run.stop()
    run.poll()
    assert owner.endings == []
    work.step()
    assert wait(run) is owner.endings[0]
    assert owner.endings[0].payload == Command.STOP.value  # type: ignore[union-attr]


@pytest.mark.parametrize("first", ["stop", "cancel"])
def test_cancel_prevails_over_stop(first: str) -> None:
    owner, work = Owner(), Held()
    run = owner.start(work)
    for name in (first, "cancel", "stop"):
        getattr(run, name)()
    work.step()
    assert wait(run) == Cancelled()
    assert len(owner.endings) == 1


def test_a_cancel_after_the_end_changes_nothing() -> None:
    owner = Owner()
    run = owner.start(counting(3))
    ending = wait(run)
    run.cancel()
    run.poll()
    assert [run.ending] == [ending] == owner.endings


def test_the_next_run_waits_for_the_thread_of_a_cancelled_one() -> None:
    work, first, second = Held(), Owner(), Owner()
    old = first.start(work)
    assert work.begun.wait(LONG)
    old.cancel()
    seen: list[bool] = []
    new = second.start(lambda _: seen.append(work.ended.is_set()))
    while second.phases != ["wait"]:
        new.poll()
    assert seen == []
    work.step()
    assert isinstance(wait(new), Finished)
    assert seen == [True]
    assert work.steps == 1


def test_a_run_that_waits_for_another_can_be_cancelled_and_then_never_works() -> None:
    work, second = Held(), Owner()
    old = Owner().start(work)
    worked: list[bool] = []
    new = second.start(lambda _: worked.append(True))
    new.cancel()
    assert wait(new) == Cancelled()
    old.cancel()
    work.step()
    assert new.abandon(LONG)
    assert worked == []


def test_late_messages_of_an_old_run_do_not_reach_the_owner_of_a_new_one() -> None:
    owner, work = Owner(), Held()
    old = owner.start(work)
    work.step(3)
    old.cancel()
    new = owner.start(counting(10))
    heard = [wait(run) for run in (old, new)]
    assert owner.endings == heard
    assert heard[0] == Cancelled()
    assert [point.iteration for update in owner.updates for point in update.points] == list(range(10))


def test_unusable_input_speaks_for_itself() -> None:
    assert wait(Owner().start(raising(InputError("choose another image")))) == Failed("choose another image")


@pytest.mark.parametrize("error", [ZeroDivisionError("by nothing"), MemoryError(), SystemExit(3)])
def test_any_other_error_comes_with_its_traceback(error: BaseException) -> None:
    owner = Owner()
    ending = wait(owner.start(raising(error)))
    assert isinstance(ending, Failed)
    assert ending.text.startswith(type(error).__name__)
    assert "in work" in ending.details
    assert "Traceback" in ending.details
    assert owner.updates[-1].progress.fraction == 0.5


def test_an_abandoned_run_tells_nothing_and_is_waited_for() -> None:
    owner, work = Owner(), Held()
    run = owner.start(work)
    assert work.begun.wait(LONG)
    assert not run.abandon(0.01)
    run.poll()
    work.step()
    assert run.abandon(LONG)
    run.poll()
    assert (owner.updates, owner.endings, run.over, run.working) == ([], [], True, False)
    assert wait(run) == Cancelled()


def test_an_error_of_the_owner_is_logged_and_ends_the_run_as_failed(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> None:
        raise ValueError("no such widget")

    owner, work = Owner(on_progress=broken), Held()
    run = owner.start(work)
    work.step()
    with caplog.at_level(logging.ERROR):
        ending = wait(run)
    assert isinstance(ending, Failed)
    assert ending.text == "the progress could not be shown: ValueError: no such widget"
    assert "in broken" in ending.details
    assert owner.endings == [ending]
    assert "no such widget" in caplog.text
    work.step()
    assert run.abandon(LONG)


def test_an_error_while_the_result_is_shown_is_told_as_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    def broken(ending: object) -> None:
        if isinstance(ending, Finished):
            raise ValueError("no such node")

    owner = Owner(on_end=broken)
    run = owner.start(counting(1))
    with caplog.at_level(logging.ERROR):
        ending = wait(run)
    assert [type(told) for told in owner.endings] == [Finished, Failed]
    assert ending is owner.endings[1]
    assert "no such node" in caplog.text


def test_an_owner_that_fails_every_time_is_asked_twice_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> None:
        raise ValueError("again")

    owner = Owner(on_end=broken)
    with caplog.at_level(logging.ERROR):
        wait(owner.start(counting(1)))
    assert len(owner.endings) == 2


def test_a_poll_from_within_an_owner_does_nothing() -> None:
    runs: list[Run] = []
    nested: list[int] = []

    def dialog(_: object) -> None:
        before = len(owner.updates) + len(owner.endings)
        runs[0].poll()
        nested.append(len(owner.updates) + len(owner.endings) - before)

    owner, work = Owner(dialog, dialog), Held()
    runs.append(owner.start(work))
    work.step(5)
    runs[0].stop()
    wait(runs[0])
    assert set(nested) == {0}
    assert len(owner.endings) == 1


def test_an_owner_may_cancel_when_it_hears_of_progress() -> None:
    owner = Owner(on_progress=lambda _: run.cancel())
    run = owner.start(counting(1))
    assert wait(run) == Cancelled()
    assert owner.endings == [Cancelled()]


def test_the_work_and_all_that_it_holds_is_let_go_when_it_is_done() -> None:
    import weakref

    work = Held()
    images = weakref.ref(work)
    run = Owner().start(work)
    run.stop()
    work.step()
    del work
    wait(run)
    assert run.abandon(LONG)
    assert images() is None


def test_the_environment_is_prepared_before_the_work_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    for set_before, expected in ((None, "PASSIVE"), ("ACTIVE", "ACTIVE")):
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
        if set_before is not None:
            monkeypatch.setenv("OMP_WAIT_POLICY", set_before)
        ending = wait(Owner().start(lambda _: os.environ.get("OMP_WAIT_POLICY")))
        assert isinstance(ending, Finished)
        assert ending.payload == expected


def test_waiting_keeps_a_window_alive() -> None:
    work = Held()
    run = Owner().start(work)
    run.stop()
    turns: list[int] = []

    def process_events() -> None:
        turns.append(1)
        if len(turns) == 3:
            work.step()

    assert isinstance(wait(run, process_events), Finished)
    assert len(turns) >= 3
