"""What a session tells, and whom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from inr_registration.core.progress import Progress
from inr_registration.core.result import Outcome
from inr_registration.slicer.scene.store import ResultNodes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Started:
    """A run began in the background."""

    number: int


@dataclass(frozen=True)
class Progressed:
    """A run goes on.

    Args:
        progress: The newest.
        curve: The objective at each recorded iteration so far, all stages one after the other.
    """

    progress: Progress
    curve: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Ended:
    """A run is over.

    Args:
        outcome: Why; None where an error ended it.
        message: For the user.
        details: For a bug report: versions, device, settings, times, warnings and, of an error, the traceback.
        nodes: The result, where there is one.
    """

    outcome: Outcome | None
    message: str
    details: str = ""
    nodes: ResultNodes | None = None


Event = Started | Progressed | Ended
Listener = Callable[[Event], object]


class Listeners:
    """Functions that hear of every event. One that raises spoils neither the run nor what the others hear."""

    def __init__(self) -> None:
        self._known: list[Listener] = []
        self._failed: list[Listener] = []

    def add(self, listener: Listener) -> None:
        """Tell this one too."""
        self._known.append(listener)

    def remove(self, listener: Listener) -> None:
        """Tell it no more."""
        self._known = [known for known in self._known if known != listener]

    def tell(self, event: Event) -> None:
        """Call all of them. The progress comes many times a second: an error in it is logged once for each run and listener."""
        if isinstance(event, Started):
            self._failed = []
        for listener in list(self._known):
            try:
                listener(event)
            except Exception:  # whatever it is: a run of many minutes must not be lost to a label that cannot be set
                if listener not in self._failed or not isinstance(event, Progressed):
                    log.exception("a listener failed at %s", type(event).__name__)
                    self._failed.append(listener)


def call_finished(finished: Callable[[Ended], object] | None, ended: Ended) -> None:
    """Call what a script wants called at the end; an error of it is logged, since the run itself is over."""
    try:
        if finished is not None:
            finished(ended)
    except Exception:  # it is the script's own function: it must not make the run end twice
        log.exception("the function that was to be called at the end failed")
