"""What a reload of the module and the exit of the application do."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from pathlib import Path

from owners import LONG, Held, Owner

from inr_registration.slicer.job import Finished, wait, worker

SOURCE = Path(worker.__file__).parents[3]


def test_all_runs_are_found_silenced_and_waited_for() -> None:
    owner, works = Owner(), [Held(), Held()]
    runs = [owner.start(work) for work in works]
    assert works[0].begun.wait(LONG)
    assert len(worker.living()) == 2
    assert not worker.stop_all(0.01)
    works[0].step()
    assert worker.stop_all(LONG)
    assert worker.living() == []
    for run in runs:
        run.poll()
        assert run.over
    assert (owner.endings, works[1].begun.is_set()) == ([], False)


def test_nothing_to_stop_is_no_trouble() -> None:
    assert worker.stop_all(0.0)


def test_a_reloaded_module_finds_the_runs_of_the_old_one_and_a_new_run_waits_for_them() -> None:
    owner, work = Owner(), Held()
    run = owner.start(work)
    assert work.begun.wait(LONG)
    old = worker.Worker
    importlib.reload(worker)
    assert worker.Worker is not old
    assert len(worker.living()) == 1
    assert not worker.stop_all(0.01)
    again = worker.Worker(lambda _: work.ended.is_set())
    again.start()
    time.sleep(0.1)
    assert again.is_alive()
    work.step()
    again.join(LONG)
    assert [message.payload for message in again.take_messages() if isinstance(message, Finished)] == [True]
    run.poll()
    assert owner.endings == []
    assert isinstance(wait(owner.start(lambda _: 0)), Finished)


EXIT = """
import time
from inr_registration.slicer.job.run import Run

def work(report):
    time.sleep(600)

Run(work, print, print)
"""


def test_a_worker_that_hangs_does_not_keep_the_application_from_exiting() -> None:
    command = [sys.executable, "-W", "error", "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{EXIT}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
