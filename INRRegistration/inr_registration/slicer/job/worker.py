"""The thread that does the work of one run, and how to find all of them."""

from __future__ import annotations

import os
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from inr_registration.core.errors import RegistrationError
from inr_registration.core.progress import Command, Progress, Report
from inr_registration.slicer.job.messages import LOADING, WAITING, Failed, Finished, Message
from inr_registration.slicer.job.reporter import Reporter

Work = Callable[[Report], Any]
"""Everything heavy, importing torch included: called in the worker's thread; what it returns is the payload of ``Finished``."""

GLANCE_S = 0.05
"""How often a worker that waits for an earlier one looks whether it is still wanted."""


class Worker(threading.Thread):
    """Does the work of one run once all earlier workers have ended, so that there are never two fits at once.

    It is a daemon: a GPU that hangs cannot keep the application from exiting.

    Args:
        work: The work.
    """

    is_registration = True  # for living(): after a reload of this file, the class of an older worker is another one

    def __init__(self, work: Work) -> None:
        super().__init__(name="INRRegistration", daemon=True)
        self.command = Command.CONTINUE
        self.abandoned = False
        self._work: Work | None = work
        self._earlier = living()
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._reporter = Reporter(self._messages.put)
        self._began = time.monotonic()

    def steer(self, command: Command) -> None:
        """Answer the following reports with this command; once cancelled is cancelled for good."""
        if self.command is not Command.CANCEL:
            self.command = command

    def abandon(self) -> None:
        """Give up; the owner wants to hear nothing any more."""
        self.abandoned = True
        self.steer(Command.CANCEL)

    def take_messages(self) -> Iterator[Message]:
        """What was posted since the last call, oldest first; never waits."""
        while True:
            try:
                yield self._messages.get_nowait()
            except queue.Empty:
                return

    def run(self) -> None:
        """The thread."""
        try:
            self._wait_for(self._earlier)
            if self.command is not Command.CANCEL and self._work is not None:
                self._say(LOADING)
                prepare_environment()
                self._end(Finished(self._work(self._report)))
        except BaseException as error:  # whatever it is: a thread that ends without a word would leave its owner waiting
            self._end(failure(error))
        finally:
            self._work = None  # it holds the images
            self._earlier = []

    def _report(self, progress: Progress) -> Command:
        self._reporter.take(progress)
        return self.command

    def _end(self, message: Finished | Failed) -> None:
        """The last message; nobody waits for that of a run that was given up, and it may be large."""
        if self.command is not Command.CANCEL:
            self._reporter.flush()
            self._messages.put(message)

    def _say(self, phase: str) -> None:
        self._reporter.take(Progress(phase, 0.0, time.monotonic() - self._began))

    def _wait_for(self, earlier: Sequence[threading.Thread]) -> None:
        for thread in earlier:
            while thread.is_alive() and self.command is not Command.CANCEL:
                self._say(WAITING)
                thread.join(GLANCE_S)


def failure(error: BaseException) -> Failed:
    """An exception as a message: errors that were raised on purpose speak for themselves, others come with their traceback."""
    if isinstance(error, RegistrationError):
        return Failed(str(error))
    said = str(error)
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Failed(text, "".join(traceback.format_exception(type(error), error, error.__traceback__)))


def prepare_environment() -> None:
    """Before torch is imported: threads of its that wait must not take the cores of those that work, nor the lock of the window."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def living() -> list[Any]:
    """The workers that have not ended, whoever started them.

    The interpreter's own list of threads is the register: it outlives every reload of this package.
    """
    return [thread for thread in threading.enumerate() if getattr(thread, "is_registration", False)]


def stop_all(timeout_s: float = 5.0) -> bool:
    """Give up every run without a word, for a reload of the module and for the exit of the application.

    Args:
        timeout_s: How long to wait for all of them together.

    Returns:
        Whether all have ended.
    """
    workers, end = living(), time.monotonic() + timeout_s
    for worker in workers:
        worker.abandon()
    for worker in workers:
        worker.join(max(end - time.monotonic(), 0.0))
    return not any(worker.is_alive() for worker in workers)
