"""How far the run is, on standard error, and what Ctrl-C does meanwhile."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as RichProgress

from inr_registration.core.errors import Terminated
from inr_registration.core.progress import Command, Progress

PHASES = {
    "prepare": "preparing",
    "affine": "aligning",
    "compile": "compiling (first run)",
    "fit": "fitting",
    "finish": "finishing",
    "uncertainty": "estimating uncertainty",
}
SHARE = 0.1
"""Without a terminal, a line is printed about each time this share of the work is done."""

ALWAYS = {"compile", "finish"}
"""Phases that get a line of their own whatever their share."""


class ProgressBar:
    """A report for ``register``: draws the progress, and turns the first Ctrl-C into a stop that keeps the result so far.

    A stop is passed on once there is a fit to keep. The second Ctrl-C raises ``KeyboardInterrupt``. A SIGTERM sets
    ``terminating``, and the next report raises ``Terminated``; a second SIGTERM ends the process at once.

    Args:
        quiet: Draw nothing; signals mean the same.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.stopping = self.terminating = False
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        columns = TextColumn("{task.description:<22}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}")
        self._bar = RichProgress(*columns, console=self._console)
        self._task = self._bar.add_task("starting", total=1.0, left="")
        self._next = 0.0
        self._said: set[str] = set()
        self._before: list[Any] = []

    def __enter__(self) -> ProgressBar:
        self._before = [signal.signal(signal.SIGINT, self._interrupted), signal.signal(signal.SIGTERM, self._terminated)]
        if self._drawn:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._drawn:
            self._bar.stop()
        for kind, handler in zip((signal.SIGINT, signal.SIGTERM), self._before, strict=True):
            signal.signal(kind, handler)

    def __call__(self, progress: Progress) -> Command:
        """Show a report; answer whether to go on.

        Raises:
            Terminated: The system asked for an end.
        """
        if self.terminating:
            raise Terminated
        if not self.quiet:
            (self._draw if self._drawn else self._print)(progress)
        return Command.STOP if self.stopping and progress.phase == "fit" else Command.CONTINUE

    @property
    def _drawn(self) -> bool:
        return self._console.is_terminal and not self.quiet

    def _draw(self, progress: Progress) -> None:
        self._bar.update(self._task, completed=progress.fraction, description=_words(progress), left=time_left(progress))

    def _print(self, progress: Progress) -> None:
        first = progress.phase in ALWAYS - self._said
        if progress.fraction >= self._next or first:
            self._said.add(progress.phase)
            self._next = progress.fraction + SHARE
            print(f"{_words(progress):<22} {100 * progress.fraction:3.0f} %  {time_left(progress)}".rstrip(), file=sys.stderr, flush=True)

    def _terminated(self, number: int, _frame: FrameType | None) -> None:
        self.terminating = True
        signal.signal(number, signal.SIG_DFL)

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            raise KeyboardInterrupt
        self.stopping = True
        if not self.quiet:
            self._console.print("stopping: the result so far will be kept; press Ctrl-C again to cancel")


def _words(progress: Progress) -> str:
    name = PHASES.get(progress.phase, progress.phase)
    return f"{name}, stage {progress.stage + 1} of {progress.stages}" if progress.phase == "fit" else name


def time_left(progress: Progress) -> str:
    """How long the rest will take, in words; empty while that cannot be told."""
    seconds = progress.remaining_s
    if seconds is None or progress.phase != "fit":
        return ""
    return f"about {seconds / 60:.0f} min left" if seconds > 90 else f"about {seconds:.0f} s left"
