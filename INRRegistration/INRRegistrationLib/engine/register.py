"""The one verb: ``register(problem, settings, report) -> Result``. Read this file first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from INRRegistrationLib import __version__
from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.progress import Command, Progress, Report, silent
from INRRegistrationLib.core.result import Curve, Outcome, Result
from INRRegistrationLib.core.settings import Settings
from INRRegistrationLib.engine import memory, prepare
from INRRegistrationLib.engine.add_ons import add_ons
from INRRegistrationLib.engine.device import choose_device, describe_device
from INRRegistrationLib.engine.finish import finish
from INRRegistrationLib.engine.fit import Diverged, fit_stage
from INRRegistrationLib.engine.fits.choose import check, new_fit
from INRRegistrationLib.engine.fits.pair_fit import PairFit
from INRRegistrationLib.engine.start.affine import align


class _Ended(Exception):
    """The user asked for an end."""

    def __init__(self, command: Command) -> None:
        super().__init__(command.value)
        self.command = command


@dataclass
class _Clock:
    """Time per phase, and the reports to the caller."""

    report: Report
    start: float = field(default_factory=time.perf_counter)
    timings_s: dict[str, float] = field(default_factory=dict)
    stopping: bool = False

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timings_s[name] = self.timings_s.get(name, 0.0) + time.perf_counter() - began

    def tell(self, progress: Progress) -> None:
        """Report, and raise where the answer is not to go on.

        A stop that comes before the fit is held back until the fit has begun: only then is there a result to keep.
        """
        command = self.report(replace(progress, elapsed_s=time.perf_counter() - self.start))
        self.stopping = self.stopping or command is Command.STOP
        if command is Command.CANCEL:
            raise _Ended(Command.CANCEL)
        if self.stopping and progress.phase == "fit":
            raise _Ended(Command.STOP)

    def goes_on(self, share: float) -> bool:
        """Whether the uncertainty, of which ``share`` is done, is still wanted: a stop keeps the result without it."""
        self.tell(Progress("uncertainty", 0.93 + 0.06 * share, 0.0))
        return not self.stopping


@dataclass
class _Run:
    """What is known so far of a running registration."""

    prepared: prepare.Prepared
    affine: np.ndarray
    fit: PairFit | None = None
    history: list[Curve] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    outcome: Outcome = Outcome.ITERATION_LIMIT


def register(problem: Problem, settings: Settings, report: Report = silent) -> Result:
    """Find the map from fixed world points to moving world points that brings the moving image onto the fixed one.

    Args:
        problem: The images, with what is known besides. Never changed.
        settings: How.
        report: Called in this thread with the progress; its answer lets the run go on, stops it with the result so far, or
            cancels it.

    Returns:
        The result, whatever the ending: ``Result.outcome`` says why the run ended.

    Raises:
        InputError: The problem or the settings make a registration impossible; raised before any work.
    """
    warnings = problem.check()
    check(problem, settings)
    device = choose_device(settings.device)
    clock = _Clock(report)
    try:
        result = _attempt(problem, settings, device, clock)
        if result.outcome is Outcome.OUT_OF_MEMORY:  # the failed attempt is over and holds nothing any more
            result = _attempt_with_less(problem, memory.halved(settings, problem.fixed.grid), device, clock)
        return replace(result, warnings=(*warnings, *result.warnings))
    finally:
        memory.give_back(device)


def _attempt(problem: Problem, settings: Settings, device: torch.device, clock: _Clock) -> Result:
    """One registration from start to end, whatever the ending."""
    partial = Result(Outcome.CANCELLED, Outcome.CANCELLED.value, settings.to_json(), device=describe_device(device))
    try:
        run = _start(problem, settings, device, clock)
        _fit(run, problem, settings, clock)
        return _finish(run, problem, settings, partial, clock)
    except _Ended:
        return replace(partial, timings_s=clock.timings_s)
    except Diverged as error:
        return _without(partial, Outcome.DIVERGED, str(error), clock)
    except (MemoryError, RuntimeError) as error:
        if not memory.is_shortage(error):
            raise
        return _without(partial, Outcome.OUT_OF_MEMORY, "", clock)


def _attempt_with_less(problem: Problem, less: Settings, device: torch.device, clock: _Clock) -> Result:
    """The second and last attempt; the result says that it was needed."""
    memory.give_back(device)
    result = _attempt(problem, less, device, clock)
    if result.outcome is Outcome.OUT_OF_MEMORY:
        memory.give_back(device)  # before free memory is read
        return _without(result, Outcome.OUT_OF_MEMORY, memory.advice(less, device), clock)
    return replace(result, choices=(memory.what_was_halved(less), *result.choices))


def _without(partial: Result, outcome: Outcome, cause: str, clock: _Clock) -> Result:
    message = f"{outcome.value} ({cause})" if cause else outcome.value
    return replace(partial, outcome=outcome, message=message, timings_s=clock.timings_s)


def _start(problem: Problem, settings: Settings, device: torch.device, clock: _Clock) -> _Run:
    """Clean the images, build the pyramid's frame and find the linear part."""
    with clock.phase("prepare"):
        clock.tell(Progress("prepare", 0.0, 0.0))
        prepared = prepare.prepare(problem, settings, device)
    run = _Run(prepared, np.eye(4) if problem.initial is None else np.asarray(problem.initial, float))
    with clock.phase("affine"):
        clock.tell(Progress("affine", 0.02, 0.0))
        if settings.affine.kind != "none":
            _align(run, settings, clock)
    run.choices += prepared.choose_similarity(settings, run.affine)
    return run


def _align(run: _Run, settings: Settings, clock: _Clock) -> None:
    """Find the linear part."""
    levels = run.prepared.affine_levels()

    def tick() -> None:
        clock.tell(Progress("affine", 0.05, 0.0))

    similarity = prepare.affine_similarity(settings)
    choice = settings.affine
    run.affine, said = align(levels, choice.kind, run.affine, similarity, settings.local_ncc_radius, choice.iterations, tick)
    run.choices.append(f"pre-alignment: {said}")


def _fit(run: _Run, problem: Problem, settings: Settings, clock: _Clock) -> None:
    """All stages, coarse to fine. A stop keeps the field as it is."""
    with clock.phase("start"):
        run.fit = new_fit(problem, run.prepared, settings, run.affine, torch.Generator().manual_seed(settings.seed))
    stages = run.prepared.usable_stages(settings)
    costs = np.cumsum([0.0, *(run.prepared.cost(stage) for stage in stages)])
    converged = []
    for number, stage in enumerate(stages):
        with clock.phase("pyramid"):
            objective = run.fit.begin(stage)

        def tick(done: int, terms: dict[str, float], number: int = number, iterations: int = stage.iterations) -> None:
            cost = costs[number] + (costs[number + 1] - costs[number]) * done / iterations
            fraction = 0.1 + 0.8 * cost / costs[-1]
            clock.tell(Progress("fit", fraction, 0.0, number, len(costs) - 1, done, terms))

        try:
            with clock.phase("fit"):
                ended = fit_stage(stage, objective, settings, tick)
        except _Ended as error:
            if error.command is Command.CANCEL:
                raise
            run.outcome = Outcome.STOPPED
            return
        run.history.append(ended.curve)
        converged.append(ended.converged)
    if settings.tolerance > 0 and all(converged):
        run.outcome = Outcome.CONVERGED


def _finish(run: _Run, problem: Problem, settings: Settings, partial: Result, clock: _Clock) -> Result:
    """Everything that a caller will want to show, computed here and not where it is shown."""
    with clock.phase("finish"):
        clock.report(Progress("finish", 0.92, time.perf_counter() - clock.start))
        assert run.fit is not None
        run.fit.finished()
        made = finish(run.fit.model(), run.prepared, problem, settings, run.outcome is not Outcome.STOPPED)
        more = add_ons(run.fit, made, run.prepared, problem, settings, clock.goes_on)
    clock.timings_s["total"] = time.perf_counter() - clock.start
    state = made.model.state(
        settings=partial.settings,
        software={"inr-registration": __version__, "torch": torch.__version__, "numpy": np.__version__},
        inputs={"fixed": problem.fixed.sha256(), "moving": problem.moving.sha256()},
    )
    return replace(
        partial,
        outcome=run.outcome,
        message=run.outcome.value,
        timings_s=clock.timings_s,
        history=tuple(run.history),
        choices=(*run.choices, *run.fit.choices),
        warnings=tuple(run.fit.warnings),
        model=state,
        transform=made.transform,
        warped=made.warped,
        before=made.before,
        aligned=made.aligned,
        jacobian=made.jacobian,
        displacement=made.displacement,
        quality=replace(made.quality, strain=more.strain),
        uncertainty=more.uncertainty,
        inverse=more.inverse,
        verdict=more.verdict,
        maps=more.maps,
    )
