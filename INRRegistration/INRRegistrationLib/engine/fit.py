"""One stage of a fit, whatever is fitted: evaluate the objective, step, record."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from INRRegistrationLib.core.result import Curve
from INRRegistrationLib.core.settings import Settings, Stage
from INRRegistrationLib.engine.adam import Adam
from INRRegistrationLib.engine.stopping import RelativeGain, cosine

RECORD_EVERY = 5

Tick = Callable[[int, dict[str, float]], None]
"""Called after each iteration with how many are done and the latest terms; may raise to end the run."""


class Diverged(Exception):
    """The objective became infinite or undefined."""


@dataclass(frozen=True)
class StageOutcome:
    """How a stage ended."""

    curve: Curve
    converged: bool


@dataclass(frozen=True)
class Objective:
    """What a stage minimises.

    Args:
        terms: Draws, compares and regularises: the weighted terms of one iteration, called anew in each.
        parameters: What is fitted.
        rate: First step of Adam, in the unit of the parameters.
        betas: Of Adam.
        name: Of the stage, for curves.
    """

    terms: Callable[[], dict[str, Tensor]]
    parameters: list[Tensor]
    rate: float
    betas: tuple[float, float]
    name: str


def fit_stage(stage: Stage, objective: Objective, settings: Settings, tick: Tick) -> StageOutcome:
    """Minimise the objective over its parameters, in place.

    Values are read now and then, and on a GPU one reading late, so that the device never waits for Python.

    Raises:
        Diverged: The objective is no longer a finite number.
    """
    optimiser = Adam(objective.parameters, objective.betas)
    records = _Records(objective.name, RelativeGain(settings.tolerance, settings.patience))
    for iteration in range(stage.iterations):
        optimiser.forget_gradients()
        terms = objective.terms()
        total = torch.stack(list(terms.values())).sum()
        total.backward()
        optimiser.step(objective.rate * cosine(iteration / max(stage.iterations, 1), settings.lr_end))
        if iteration % RECORD_EVERY == 0 or iteration == stage.iterations - 1 or settings.tolerance > 0:
            records.add(Reading(iteration, terms, total))
        tick(iteration + 1, records.latest)
        if records.converged:
            break
    records.read_all()
    return StageOutcome(records.curve, records.converged)


class Reading:
    """The terms of one iteration on their way to Python.

    Args:
        iteration: Number of it.
        terms: Scalars by name.
        total: Their sum.
    """

    def __init__(self, iteration: int, terms: Mapping[str, Tensor], total: Tensor) -> None:
        self.iteration, self.names = iteration, (*terms, "total")
        self.numbers = torch.stack([*terms.values(), total]).detach()
        self.there: torch.cuda.Event | None = None
        if self.numbers.is_cuda:
            pinned = torch.empty(self.numbers.shape, dtype=self.numbers.dtype, pin_memory=True)
            self.numbers = pinned.copy_(self.numbers, non_blocking=True)
            self.there = torch.cuda.Event()
            self.there.record()

    @property
    def delay(self) -> int:
        """How many readings may be on their way before the oldest is waited for."""
        return 0 if self.there is None else 1

    def values(self) -> dict[str, float]:
        """Wait for the numbers, where they are not there yet."""
        if self.there is not None:
            self.there.synchronize()
        return dict(zip(self.names, self.numbers.tolist(), strict=True))


class _Records:
    """The curve of a stage, and whether it has anything left to gain."""

    def __init__(self, name: str, rule: RelativeGain) -> None:
        self.curve, self.rule = Curve(name, {}, []), rule
        self.coming: deque[Reading] = deque()
        self.latest: dict[str, float] = {}
        self.converged = False

    def add(self, reading: Reading) -> None:
        """Take what an iteration found, and read what has arrived."""
        self.coming.append(reading)
        while len(self.coming) > reading.delay:
            self._read(self.coming.popleft())

    def read_all(self) -> None:
        """Read what is still on its way."""
        while self.coming:
            self._read(self.coming.popleft())

    def _read(self, reading: Reading) -> None:
        self.latest = reading.values()
        if not math.isfinite(self.latest["total"]):
            raise Diverged(f"objective {self.latest['total']} at iteration {reading.iteration}")
        self.converged = self.converged or self.rule.done(self.latest["total"])
        if reading.iteration % RECORD_EVERY == 0 or reading.iteration < 5:
            self.curve.iterations.append(reading.iteration)
            for name, value in self.latest.items():
                self.curve.terms.setdefault(name, []).append(value)
