"""Where a run is kept on its way, so that it can go on after the process ended."""

from __future__ import annotations

from typing import Protocol

from inr_registration.core.result import ModelState


class Checkpoints(Protocol):
    """Keeps the latest state of a run; what a state holds is the engine's business."""

    def load(self) -> ModelState | None:
        """The state to go on from; None to start from the beginning.

        Raises:
            InputError: What is kept cannot be read.
        """

    def due(self) -> bool:
        """Whether a state should be saved now; asked after each iteration."""

    def save(self, state: ModelState) -> None:
        """Keep this state in place of the one before."""
