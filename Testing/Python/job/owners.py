"""Works that tests hold in their hand, owners that write down what they hear, and a timer that is ticked by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from inr_registration.core import Command, Progress, Report
from inr_registration.slicer.job import Ending, Run, Updated

LONG = 20.0
"""Seconds after which a test that waits for something has failed."""


class Owner:
    """Writes down what a run tells it.

    Args:
        on_progress: Called besides.
        on_end: Called besides.
    """

    def __init__(self, on_progress: Callable[[Updated], Any] | None = None, on_end: Callable[[Ending], Any] | None = None) -> None:
        self.updates: list[Updated] = []
        self.endings: list[Ending] = []
        self._on_progress, self._on_end = on_progress, on_end

    def start(self, work: Callable[[Report], Any]) -> Run:
        return Run(work, self.progress, self.end)

    def progress(self, update: Updated) -> None:
        self.updates.append(update)
        if self._on_progress is not None:
            self._on_progress(update)

    def end(self, ending: Ending) -> None:
        self.endings.append(ending)
        if self._on_end is not None:
            self._on_end(ending)

    @property
    def phases(self) -> list[str]:
        """Without repetitions."""
        names = [update.progress.phase for update in self.updates]
        return [name for n, name in enumerate(names) if n == 0 or names[n - 1] != name]


class Held:
    """Work that goes one step each time it is let, and returns why it ended."""

    def __init__(self) -> None:
        self.may_go = threading.Semaphore(0)
        self.begun, self.ended = threading.Event(), threading.Event()
        self.steps = 0

    def __call__(self, report: Report) -> str:
        self.begun.set()
        answer = Command.CONTINUE
        while answer is Command.CONTINUE:
            assert self.may_go.acquire(timeout=LONG)
            self.steps += 1
            answer = report(Progress("fit", 0.0, 0.0, iteration=self.steps, terms={"total": 1.0 / self.steps}))
        self.ended.set()
        return answer.value

    def step(self, times: int = 1) -> None:
        self.may_go.release(times)


class HandTimer:
    """A timer that ticks when the test says so."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self.tick, self.running = tick, False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


def counting(steps: int) -> Callable[[Report], int]:
    """Work of so many reports that returns how many it made."""

    def work(report: Report) -> int:
        for n in range(steps):
            report(Progress("fit", n / steps, 0.0, iteration=n, terms={"total": float(n)}))
        return steps

    return work


def raising(error: BaseException) -> Callable[[Report], None]:
    def work(report: Report) -> None:
        report(Progress("fit", 0.5, 0.0))
        raise error

    return work
