"""Lets background runs go on under a Qt event loop that holds the interpreter lock, as 3D Slicer's does.

There a Python thread hardly moves unless the main thread gives the lock away. So while a run is alive a timer of interval 0 polls
it and then sleeps a little, which does just that; with no run the timer rests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from inr_registration.slicer.job.run import PAUSE_S, Run


class Timer(Protocol):
    """What the pump needs of a timer, for example of a ``QTimer``."""

    def start(self) -> object:
        """Call the function again and again, whenever the event loop has nothing else to do."""

    def stop(self) -> object:
        """Call it no more."""


class Pump:
    """Drives runs until their threads have ended, also those that were cancelled: they too need the lock to get there.

    Args:
        make_timer: Makes a timer (interval 0, main thread) for a function; the pump keeps it alive.
        sleep: Gives the interpreter lock away for so many seconds.
    """

    def __init__(self, make_timer: Callable[[Callable[[], None]], Timer], sleep: Callable[[float], None] = time.sleep) -> None:
        self._make_timer, self._sleep = make_timer, sleep
        self._timer: Timer | None = None
        self._active = False
        self._runs: list[Run] = []

    @property
    def active(self) -> bool:
        """Whether the timer runs."""
        return self._active

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that it drives: those that are not over, and those whose threads are still winding up."""
        return tuple(self._runs)

    def drive(self, run: Run) -> None:
        """Poll a run from now on."""
        self._runs.append(run)
        if self._timer is None:
            self._timer = self._make_timer(self._tick)
        if not self._active:
            self._active = True
            self._timer.start()

    def stop(self) -> None:
        """Drop all runs and stop the timer. A run that is still at work then hardly moves: abandon it first.

        The timer itself is kept: this may be called from its own slot, and a Qt object must not die in there.
        """
        self._runs = []
        if self._timer is not None and self._active:
            self._active = False
            self._timer.stop()

    def _tick(self) -> None:
        for run in list(self._runs):
            run.poll()
        self._runs = [run for run in self._runs if run.working or not run.over]
        if self._runs:
            self._sleep(PAUSE_S)
        else:
            self.stop()
