from __future__ import annotations

import threading
from typing import Any

import pytest
from owners import Held, Owner, counting, raising

from inr_registration.core import Command, InputError, Progress, Report
from inr_registration.slicer.job import Updated, run_blocking


def test_the_blocking_form_uses_no_thread() -> None:
    updates: list[Updated] = []

    def work(report: Report) -> int:
        counting(100)(report)
        return threading.get_ident()

    assert run_blocking(work, lambda update: updates.append(update)) == threading.get_ident()
    assert [point.iteration for update in updates for point in update.points] == list(range(100))
    assert run_blocking(work) == threading.get_ident()


def test_the_blocking_form_obeys_and_raises() -> None:
    def work(report: Report) -> Any:
        return [report(Progress(phase, 0.0, 0.0)) for phase in ("prepare", "fit")]

    assert run_blocking(work, lambda update: Command.STOP if update.progress.phase == "fit" else None) == [Command.CONTINUE, Command.STOP]
    with pytest.raises(InputError, match="choose"):
        run_blocking(raising(InputError("choose another")))


def test_the_blocking_form_waits_for_background_runs() -> None:
    work = Held()
    run = Owner().start(work)
    run.cancel()
    threading.Timer(0.2, work.step).start()
    assert run_blocking(lambda _: work.ended.is_set())
