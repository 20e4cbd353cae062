"""One run as its owner sees it. Every function here is called in the owner's thread, in Slicer the main thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from inr_registration.core.progress import Command, Progress
from inr_registration.slicer.job.messages import Cancelled, Ending, Failed, Updated, merged
from inr_registration.slicer.job.reporter import Reporter
from inr_registration.slicer.job.worker import Work, Worker, failure, living, prepare_environment

PAUSE_S = 0.010
"""How long the main thread sleeps at a time, so that the worker has the interpreter lock for itself."""

log = logging.getLogger(__name__)


class Run:
    """Starts the work in the background and hands what it says to two functions, whenever ``poll`` is called.

    Each run has a queue of its own, so that nothing which an older run says late can reach the owner of a newer one.

    Args:
        work: Everything heavy; see ``Work``.
        on_progress: Takes updates; several that came between two polls arrive as one.
        on_end: Takes the ending, once. Nothing is called after it.
    """

    def __init__(self, work: Work, on_progress: Callable[[Updated], None], on_end: Callable[[Ending], None]) -> None:
        self._on_progress, self._on_end = on_progress, on_end
        self._told = self._polling = False
        self.ending: Ending | None = None
        self._worker = Worker(work)
        self._worker.start()

    @property
    def over(self) -> bool:
        """Whether the owner has been told the ending, or does not want to hear it."""
        return self._told or self._worker.abandoned

    @property
    def working(self) -> bool:
        """Whether the thread still runs; after a cancel it does until its next report."""
        return self._worker.is_alive()

    def stop(self) -> None:
        """End the fit soon and keep the result so far: the ending will be ``Finished``."""
        self._worker.steer(Command.STOP)

    def cancel(self) -> None:
        """End at once: the next poll tells ``Cancelled``, while the thread winds up by itself and its result is dropped."""
        self._worker.steer(Command.CANCEL)
        if self.ending is None:
            self.ending = Cancelled()

    def abandon(self, timeout_s: float = 5.0) -> bool:
        """Give up without a word, and wait for the thread: for a scene that closes and the like.

        Returns:
            Whether the thread has ended.
        """
        self._worker.abandon()
        self._worker.join(timeout_s)
        return not self._worker.is_alive()

    def poll(self) -> None:
        """Tell the owner what is new. An error in one of its functions is logged and makes the run fail, but is not raised.

        A poll from within one of those functions (which may open a dialog) does nothing.
        """
        if self._polling or self.over:
            return
        self._polling = True
        try:
            if self.ending is None:
                self._tell_progress()
            if self.ending is not None and not self._worker.abandoned:
                self._tell_ending(self.ending)
        finally:
            self._polling = False

    def _tell_progress(self) -> None:
        messages = list(self._worker.take_messages())
        updates = [message for message in messages if isinstance(message, Updated)]
        if updates:
            try:
                self._on_progress(merged(updates))
            except Exception as error:
                self._worker.steer(Command.CANCEL)
                self.ending = _handler_failed(error, "the progress could not be shown")
        if self.ending is None and len(updates) < len(messages):
            self.ending = messages[-1]  # type: ignore[assignment]  # an ending is the last message

    def _tell_ending(self, ending: Ending) -> None:
        self._told = True
        try:
            self._on_end(ending)
        except Exception as error:
            self.ending = _handler_failed(error, "the result could not be shown")
            if not isinstance(ending, Failed):
                self._tell_ending(self.ending)


def _handler_failed(error: Exception, what: str) -> Failed:
    log.error("%s", what, exc_info=error)
    failed = failure(error)
    return Failed(f"{what}: {failed.text}", failed.details)


def wait(run: Run, process_events: Callable[[], object] | None = None) -> Ending:
    """Poll until the run is over, for scripts and self tests.

    Args:
        run: A run that nobody abandoned.
        process_events: Keeps a window alive meanwhile.
    """
    while not run.over:
        if process_events is not None:
            process_events()
        run.poll()
        time.sleep(PAUSE_S)
    return run.ending if run.ending is not None else Cancelled()


def run_blocking(work: Work, on_progress: Callable[[Updated], Command | None] | None = None) -> Any:
    """Do the work in this thread, without any other, once all background runs have ended.

    Args:
        work: As for ``Run``.
        on_progress: Takes updates; its answer steers the work, None lets it go on.

    Returns:
        The payload. Exceptions of the work pass through.
    """
    for worker in living():
        worker.join()
    answer: Command | None = None

    def post(update: Updated) -> None:
        nonlocal answer
        answer = on_progress(update) if on_progress is not None else None

    reporter = Reporter(post)

    def report(progress: Progress) -> Command:
        reporter.take(progress)
        return answer or Command.CONTINUE

    prepare_environment()
    payload = work(report)
    reporter.flush()
    return payload
