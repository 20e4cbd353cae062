"""From a report in every iteration to a few updates a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from inr_registration.core.progress import Progress
from inr_registration.slicer.job.messages import Updated

UPDATES_PER_SECOND = 20


class Reporter:
    """Takes every report and posts the newest one now and then; a new phase is posted at once, since it may stay silent for long.

    Args:
        post: Takes the updates, in the thread that reports.
        clock: Seconds, never going back.
    """

    def __init__(self, post: Callable[[Updated], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._post, self._clock = post, clock
        self._newest: Progress | None = None
        self._points: list[Progress] = []
        self._terms: tuple[int, dict[str, float]] = (-1, {})
        self._phase, self._posted = "", float("-inf")

    def take(self, progress: Progress) -> None:
        """One report."""
        self._newest = progress
        if progress.terms and (progress.stage, progress.terms) != self._terms:
            self._terms = (progress.stage, progress.terms)
            self._points.append(progress)
        if progress.phase != self._phase or self._clock() - self._posted >= 1 / UPDATES_PER_SECOND:
            self.flush()

    def flush(self) -> None:
        """Post what was held back."""
        if self._newest is not None:
            self._phase, self._posted = self._newest.phase, self._clock()
            self._post(Updated(self._newest, tuple(self._points)))
            self._newest, self._points = None, []
