"""All stages of a fit, coarse to fine: can be stopped, saved on the way and taken up again, and survive divergence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from inr_registration.core.errors import InputError
from inr_registration.core.progress import Command, Progress
from inr_registration.core.result import Outcome
from inr_registration.core.settings import Settings
from inr_registration.methods.checkpoint import REMEDY, UNKNOWN, Keeper, Saved
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prepared import Prepared
from inr_registration.optimise import memory
from inr_registration.optimise.clock import Clock, Ended
from inr_registration.optimise.fit import StageOutcome, StageRun, Tick, fit_stage
from inr_registration.optimise.guard import Diverged

KEPT_STATE = "The best state before that was kept: compare the images before you use it."


class Stages:
    """The stages of one fit.

    Args:
        fit: What is fitted, before its first stage.
        prepared: Clean images and coordinates.
        settings: How.
        generator: The source of random numbers that the fit draws from.
        clock: Told of every iteration.
        keeper: Keeps the run now and then.
        saved: What the keeper keeps: found, to go on from there, or new.
    """

    def __init__(
        self,
        fit: PairFit,
        prepared: Prepared,
        settings: Settings,
        generator: torch.Generator,
        clock: Clock,
        keeper: Keeper,
        saved: Saved,
    ) -> None:
        self.fit, self.prepared, self.settings, self.generator = fit, prepared, settings, generator
        self.clock, self.keeper, self.saved = clock, keeper, saved
        self.stages = prepared.usable_stages(settings)
        self.costs = np.cumsum([0.0, *(prepared.cost(stage) for stage in self.stages)])
        self.cause = ""

    def run(self) -> Outcome:
        """Fit them; the field holds the answer.

        Raises:
            Ended: The user cancelled.
            Diverged: The objective was never a finite number.
        """
        resumed = bool(self.saved.run)
        number = self.saved.number
        while resumed or number < len(self.stages):
            with self.clock.phase("pyramid"):
                run = self._resumed() if resumed else self._begun(number)
                if number == len(self.stages) - 1:
                    self._let_go()
            resumed = False
            try:
                with self.clock.phase("fit"):
                    ended = fit_stage(self.stages[number], run.objective, self.settings, self._tick(number, run), run)
            except Ended as error:
                if error.command is Command.CANCEL:
                    raise
                return Outcome.STOPPED
            except Diverged as error:
                if number == 0 and not error.found:
                    raise
                self.cause = f"{error}. {KEPT_STATE}"
                return Outcome.DIVERGED
            self._note(ended, run.objective.name)
            self.saved.history.append(ended.curve)
            self.saved.converged.append(ended.converged)
            self.saved.tensors = {} if self.keeper.checkpoints is None else _named("before", run.guard.copy())
            number += 1
        return Outcome.CONVERGED if self.settings.tolerance > 0 and all(self.saved.converged) else Outcome.ITERATION_LIMIT

    def _let_go(self) -> None:
        """Hold the images no longer, where nobody will ask for another level of them."""
        if self.settings.uncertainty == "none":
            self.prepared.forget_images()
            memory.trim()

    def _begun(self, number: int) -> StageRun:
        """A stage from its beginning."""
        self.saved.number = number
        self.saved.tensors["generator.before"] = self.generator.get_state()
        return StageRun(self.fit.begin(self.stages[number]), self.settings)

    def _resumed(self) -> StageRun:
        """A stage from where it was saved. A lattice is refined from the stage before, so that one is entered first."""
        saved = self.saved
        if saved.number not in range(len(self.stages)):
            raise InputError(f"{UNKNOWN} (stage {saved.number} of {len(self.stages)}); {REMEDY}")
        if saved.number > 0:
            saved.put("before", self.fit.begin(self.stages[saved.number - 1]).parameters)
        saved.put_generator("before", self.generator)
        run = StageRun(self.fit.begin(self.stages[saved.number]), self.settings)
        saved.put_into(run)
        saved.put_generator("now", self.generator)
        self.fit.done = saved.done
        saved.choices.append(f"went on from iteration {run.done} of stage {saved.number + 1}, where an earlier run had ended")
        return run

    def _tick(self, number: int, run: StageRun) -> Tick:
        """The report of each iteration of a stage."""
        planned, costs = self.stages[number].iterations, self.costs

        def tick(done: int, terms: dict[str, float]) -> None:
            kept = self.keeper.due()
            if kept:
                self._keep(run)
            cost = costs[number] + (costs[number + 1] - costs[number]) * done / planned
            try:
                share = min(0.1 + 0.8 * float(cost / costs[-1]), 0.9)  # rounding must not go beyond where finishing begins
                self.clock.tell(Progress("fit", share, 0.0, number, len(self.stages), done, terms))
            except Ended as ended:
                if ended.command is Command.STOP and not kept:  # what the user stops can be gone on with
                    self._keep(run)
                raise

        return tick

    def _keep(self, run: StageRun) -> None:
        """Save the fit as it is, where somebody keeps it."""
        if self.keeper.checkpoints is None:
            return
        self.saved.add(run)
        self.saved.done = self.fit.done
        self.saved.tensors["generator.now"] = self.generator.get_state()
        self.keeper.save(self.saved)

    def _note(self, ended: StageOutcome, name: str) -> None:
        """Warn of a stage that did not go well, and say once how it was computed, where that was not as planned."""
        if ended.note and ended.note not in self.saved.choices:
            self.saved.choices.append(ended.note)
        if ended.halvings:
            times = "once" if ended.halvings == 1 else f"{ended.halvings} times"
            shorter = f"went back to its best state and on with steps {2**ended.halvings} times shorter"
            self.saved.warnings.append(f"the stage at {name} diverged {times}; it {shorter}")
        if ended.worsened:
            remedy = "use a smaller learning_rate, or weights that suit each other"
            self.saved.warnings.append(f"the stage at {name} ended worse than it began; its best state was taken: {remedy}")


def _named(name: str, tensors: list[Tensor]) -> dict[str, Tensor]:
    return {f"{name}.{n}": tensor for n, tensor in enumerate(tensors)}
