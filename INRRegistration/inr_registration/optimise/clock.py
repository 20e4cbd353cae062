"""Time per phase, and what is told to the caller and heard from it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from inr_registration.core.progress import Command, Progress, Report


class Ended(Exception):
    """The user asked for an end."""

    def __init__(self, command: Command) -> None:
        super().__init__(command.value)
        self.command = command


@dataclass
class Clock:
    """Time per phase, and the reports to the caller.

    Args:
        report: Of the caller.
        start: When the run began, as ``time.perf_counter`` gives it.
        timings_s: Seconds by phase.
        stopping: Whether the caller asked to stop and keep.
        compiling_s: Seconds that went into compiling so far.
        latest: What was told last.
    """

    report: Report
    start: float = field(default_factory=time.perf_counter)
    timings_s: dict[str, float] = field(default_factory=dict)
    stopping: bool = False
    compiling_s: float = 0.0
    latest: Progress = field(default_factory=lambda: Progress("prepare", 0.0, 0.0))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of a block to a phase."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timings_s[name] = self.timings_s.get(name, 0.0) + time.perf_counter() - began

    def tell(self, progress: Progress) -> None:
        """Report, and raise where the answer is not to go on.

        A stop that comes before the fit is held back until the fit has begun: only then is there a result to keep.
        """
        if progress.phase != "compile":
            self.latest = progress
        seconds = time.perf_counter() - self.start
        command = self.report(replace(progress, elapsed_s=seconds, compiling_s=self.compiling_s))
        self.stopping = self.stopping or command is Command.STOP
        if command is Command.CANCEL:
            raise Ended(Command.CANCEL)
        if self.stopping and progress.phase == "fit":
            raise Ended(Command.STOP)

    def compiling(self, seconds: float | None) -> None:
        """Tell that loops are being compiled; once that is over (``seconds``), that the run is back at what it did before."""
        if seconds is None:
            self.tell(replace(self.latest, phase="compile", terms={}))
        else:
            self.compiling_s += seconds

    def finishing(self, share: float) -> None:
        """Tell how much of the result's preparation is done."""
        self.tell(Progress("finish", 0.9 + 0.03 * share, 0.0))

    def goes_on(self, share: float) -> bool:
        """Whether the uncertainty, of which ``share`` is done, is still wanted: a stop keeps the result without it."""
        self.tell(Progress("uncertainty", 0.93 + 0.06 * share, 0.0))
        return not self.stopping
