"""One stage of a fit, whatever is fitted: evaluate the objective, step, record."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from inr_registration.core.result import Curve
from inr_registration.core.settings import Settings, Stage
from inr_registration.optimise.adam import Adam
from inr_registration.optimise.guard import Diverged, Guard
from inr_registration.optimise.step import Objective, new_step
from inr_registration.optimise.stopping import RelativeGain, cosine

RECORD_EVERY = 5

Tick = Callable[[int, dict[str, float]], None]
"""Called after each iteration with how many are done and the latest terms; may raise to end the run."""


@dataclass(frozen=True)
class StageOutcome:
    """How a stage ended.

    Args:
        curve: What was recorded.
        converged: Whether there was nothing more to gain.
        halvings: How often it went back to its best state and on with half the step.
        worsened: Whether it ended worse than it began; it went back to its best state then.
        note: How it was computed, where that was not as planned.
    """

    curve: Curve
    converged: bool
    halvings: int = 0
    worsened: bool = False
    note: str = ""


def fit_stage(stage: Stage, objective: Objective, settings: Settings, tick: Tick, run: StageRun | None = None) -> StageOutcome:
    """Minimise the objective over its parameters, in place.

    Values are read now and then, and on a GPU one reading late, so that the device never waits for Python. Where one is no
    finite number, the stage goes back to its best state and on with half the step.

    Args:
        stage: How many iterations, and how long the steps are.
        objective: What to minimise.
        settings: How.
        tick: Told of each iteration.
        run: The same stage at an earlier point, to go on from there; a new one where None.

    Raises:
        Diverged: The objective is no finite number with shorter steps either; the parameters are the best that were seen.
    """
    run = StageRun(objective, settings) if run is None else run
    while run.done < stage.iterations and not run.records.converged:
        read = run.done % RECORD_EVERY == 0 or run.done == stage.iterations - 1 or settings.tolerance > 0
        before = run.guard.copy() if read else []
        terms, total = run.step(objective.rate * cosine(run.done / stage.iterations, settings.lr_end) * run.guard.rate)
        run.done += 1
        if read:
            run.take(Reading(run.done - 1, terms, total, before))
        tick(run.done, run.records.latest)
    return run.ended()


class StageRun:
    """A stage while it is being fitted: all that has to be known to go on with it later.

    Args:
        objective: What is minimised.
        settings: How.
    """

    def __init__(self, objective: Objective, settings: Settings) -> None:
        self.objective = objective
        self.done = 0
        self.step = new_step(objective, Adam(objective.parameters, objective.betas))
        self.guard = Guard(objective.parameters)
        self.records = _Records(objective.name, RelativeGain(settings.tolerance, settings.patience), self.guard)

    @property
    def optimiser(self) -> Adam:
        """Of the parameters; another one after the steps were shortened."""
        return self.step.optimiser

    def take(self, reading: Reading) -> None:
        """Take what an iteration found, and read what has arrived.

        Raises:
            Diverged: It is no finite number, and the steps were halved often enough.
        """
        try:
            self.records.add(reading)
        except _NotFinite as error:
            self._shorten(error)

    def settle(self) -> None:
        """Read what is still on its way; may raise like ``take``."""
        try:
            self.records.read_all()
        except _NotFinite as error:
            self._shorten(error)

    def ended(self) -> StageOutcome:
        """What came out; parameters that are no numbers, or worse than in the beginning, give way to the best.

        Raises:
            Diverged: The objective was never a finite number.
        """
        self.settle()
        sound = torch.stack([(parameter.detach() * 0).sum() for parameter in self.objective.parameters]).sum()
        if not math.isfinite(Reading(self.done, {}, sound).values()["total"]):
            self._shorten(_NotFinite(f"parameters undefined at iteration {self.done}"))
        if self.guard.halvings and not math.isfinite(self.guard.lowest):
            raise Diverged("the objective was never a finite number", found=False)
        worsened = self.objective.steady and self.guard.worsened
        if worsened:
            self.guard.go_back()
        return StageOutcome(self.records.curve, self.records.converged, self.guard.halvings, worsened, self.step.note)

    def _shorten(self, error: _NotFinite) -> None:
        self.guard.shorten(str(error))
        self.records.coming.clear()
        self.step = new_step(self.objective, Adam(self.objective.parameters, self.objective.betas))


class Reading:
    """The terms of one iteration on their way to Python.

    Args:
        iteration: Number of it.
        terms: Scalars by name.
        total: Their sum.
        parameters: With which they were computed.
    """

    def __init__(self, iteration: int, terms: Mapping[str, Tensor], total: Tensor, parameters: list[Tensor] | None = None) -> None:
        self.iteration, self.names = iteration, (*terms, "total")
        self.parameters = parameters or []
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


class _NotFinite(Exception):
    """A value was read that is infinite or undefined."""


class _Records:
    """The curve of a stage, and whether it has anything left to gain."""

    def __init__(self, name: str, rule: RelativeGain, guard: Guard) -> None:
        self.curve, self.rule, self.guard = Curve(name, {}, []), rule, guard
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
        values = reading.values()
        if not math.isfinite(values["total"]):
            raise _NotFinite(f"objective {values['total']} at iteration {reading.iteration}")
        self.latest = values
        self.guard.saw(values["total"], reading.parameters)
        self.converged = self.converged or self.rule.done(values["total"])
        if reading.iteration % RECORD_EVERY == 0 or reading.iteration < 5:
            self.curve.iterations.append(reading.iteration)
            for name, value in values.items():
                self.curve.terms.setdefault(name, []).append(value)
