"""What a running registration tells, and what it can be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Command(Enum):
    """The answer to a report: go on, stop with the result so far, or give up and keep nothing."""

    CONTINUE = "continue"
    STOP = "stop"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Progress:
    """One report of a running registration.

    Args:
        phase: What is being done: ``prepare``, ``affine``, ``fit``, ``finish`` or ``uncertainty``; ``compile`` within any of them.
        fraction: Share of the whole work that is done, 0 to 1.
        elapsed_s: Seconds since the start.
        stage: Index of the current stage, from 0.
        stages: Number of stages.
        iteration: Iterations done in this stage.
        terms: Current value of each weighted term of the objective, by name.
        compiling_s: Seconds of those since the start that went into compiling, which is not done again.
    """

    phase: str
    fraction: float
    elapsed_s: float
    stage: int = 0
    stages: int = 1
    iteration: int = 0
    terms: dict[str, float] = field(default_factory=dict)
    compiling_s: float = 0.0

    @property
    def remaining_s(self) -> float | None:
        """Seconds left if the work goes on at the same rate; None while too little is done to tell."""
        return (self.elapsed_s - self.compiling_s) * (1 / self.fraction - 1) if self.fraction > 0.02 else None


Report = Callable[[Progress], Command]
"""Called from the fitting thread with each report; its answer steers the run."""


def silent(_: Progress) -> Command:
    """A report that says nothing and lets the run go on."""
    return Command.CONTINUE
