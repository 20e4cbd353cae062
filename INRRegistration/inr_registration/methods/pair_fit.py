"""What ``register`` asks of whatever is fitted to a pair of images."""

from __future__ import annotations

from abc import ABC, abstractmethod

from inr_registration.core.settings import Stage
from inr_registration.maps.fitted_map import FittedMap
from inr_registration.optimise.step import Objective


class PairFit(ABC):
    """Fields that are fitted together, stage by stage.

    ``choices`` and ``warnings`` are sentences for the result: what was decided on the way, and what the user should know.
    ``done`` is how many iterations the fit counted, where it does something else in each: a run that is taken up again sets it.
    """

    def __init__(self) -> None:
        self.choices: list[str] = []
        self.warnings: list[str] = []
        self.done = 0

    @abstractmethod
    def begin(self, stage: Stage) -> Objective:
        """Take the fields to a stage: its images, its control points.

        Called once for each stage, coarse to fine; in a run that is taken up again, only for the stage where it was and the
        one before.
        """

    def finished(self) -> None:
        """Called once after the last stage, or after the one in which the user stopped: the time to judge what was found."""
        return

    @abstractmethod
    def model(self) -> FittedMap:
        """The map as it is now, fixed world point to moving world point."""

    def inverse(self) -> FittedMap | None:
        """The map from moving world points to fixed world points, where the method fits one of its own."""
        return None
