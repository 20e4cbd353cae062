"""The one verb: ``register(problem, settings, report) -> Result``. Read this file first."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from inr_registration.app.add_ons import add_ons
from inr_registration.app.finish import finish
from inr_registration.app.standing import SAID, made_worse, may_stand, standing
from inr_registration.core.checkpoints import Checkpoints
from inr_registration.core.problem import Problem
from inr_registration.core.progress import Progress, Report, silent
from inr_registration.core.result import Outcome, Result
from inr_registration.core.settings import Settings
from inr_registration.core.verdict import Level, Verdict
from inr_registration.core.version import __version__
from inr_registration.images.shading import LEAST_FACTOR, LEAST_LEFT, MOST_ROUNDS, Shading, said
from inr_registration.measure.chance import Rivals, rivals
from inr_registration.methods import prepared as prepare
from inr_registration.methods.checkpoint import Keeper, Saved
from inr_registration.methods.choose import check, new_fit
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prealignment import prealign
from inr_registration.methods.stages import Stages
from inr_registration.numerics import compiling
from inr_registration.numerics.device import choose_device, current, describe_device
from inr_registration.optimise import memory
from inr_registration.optimise.clock import Clock, Ended
from inr_registration.optimise.guard import Diverged


@dataclass
class _Run:
    """What is known so far of a running registration."""

    prepared: prepare.Prepared
    affine: np.ndarray
    saved: Saved
    rivals: Rivals | None = None
    fit: PairFit | None = None
    outcome: Outcome = Outcome.ITERATION_LIMIT
    cause: str = ""


def register(problem: Problem, settings: Settings, report: Report = silent, checkpoints: Checkpoints | None = None) -> Result:
    """Find the map from fixed world points to moving world points that brings the moving image onto the fixed one.

    Args:
        problem: The images, with what is known besides. Never changed.
        settings: How.
        report: Called in this thread with the progress; its answer lets the run go on, stops it with the result so far, or
            cancels it.
        checkpoints: Keeps the fit on its way, and gives back what an earlier run left, to go on from there.

    Returns:
        The result, whatever the ending: ``Result.outcome`` says why the run ended.

    Raises:
        InputError: The problem or the settings make a registration impossible, or what was kept is of another run; raised before any work.
    """
    warnings = problem.check()
    check(problem, settings)
    device = choose_device(settings.device)
    clock, keeper = Clock(report), Keeper(checkpoints, problem, settings)
    try:
        halved = keeper.found is not None and keeper.found.halved
        with current(device), compiling.telling(clock.compiling):
            result = None if halved else _attempt(problem, settings, device, clock, keeper)
            if result is None or result.outcome is Outcome.OUT_OF_MEMORY:  # the failed attempt is over and holds nothing any more
                result = _attempt_with_less(problem, memory.halved(settings, problem.fixed.grid), device, clock, keeper)
        return replace(result, warnings=(*warnings, *result.warnings))
    finally:
        memory.give_back(device)


def _attempt(problem: Problem, settings: Settings, device: torch.device, clock: Clock, keeper: Keeper) -> Result:
    """One registration from start to end, whatever the ending."""
    partial = Result(Outcome.CANCELLED, Outcome.CANCELLED.value, settings.to_json(), device=describe_device(device))
    try:
        run = _start(problem, settings, device, clock, keeper)
        _fit(run, problem, settings, clock, keeper)
        return _finish(run, problem, settings, partial, clock)
    except Ended:
        return replace(partial, timings_s=clock.timings_s)
    except Diverged as error:
        return _without(partial, Outcome.DIVERGED, str(error), clock)
    except (MemoryError, RuntimeError) as error:
        if not memory.is_shortage(error):
            raise
        return _without(partial, Outcome.OUT_OF_MEMORY, "", clock)


def _attempt_with_less(problem: Problem, less: Settings, device: torch.device, clock: Clock, keeper: Keeper) -> Result:
    """The second and last attempt; the result says that it was needed."""
    memory.give_back(device)
    keeper.halved = True
    result = _attempt(problem, less, device, clock, keeper)
    if result.outcome is Outcome.OUT_OF_MEMORY:
        memory.give_back(device)  # before free memory is read
        return _without(result, Outcome.OUT_OF_MEMORY, memory.advice(less, device), clock)
    return replace(result, choices=(memory.what_was_halved(less), *result.choices))


def _without(partial: Result, outcome: Outcome, cause: str, clock: Clock) -> Result:
    return replace(partial, outcome=outcome, message=_message(outcome, cause), timings_s=clock.timings_s)


def _message(outcome: Outcome, cause: str) -> str:
    return f"{outcome.value} ({cause})" if cause else outcome.value


def _start(problem: Problem, settings: Settings, device: torch.device, clock: Clock, keeper: Keeper) -> _Run:
    """Clean the images, build the pyramid's frame and find the linear part, or take it from an earlier run."""
    with clock.phase("prepare"):
        clock.tell(Progress("prepare", 0.0, 0.0))
        prepared = prepare.prepare(problem, settings, device)
    initial = problem.linear_start()
    saved = keeper.taken()
    run = _Run(prepared, initial if saved is None else np.asarray(saved.affine), saved or Saved([], [*prepared.choices], keeper.halved))
    with clock.phase("affine"):
        clock.tell(Progress("affine", 0.02, 0.0))
        if settings.affine.kind != "none" and saved is None:
            _align(run, settings, initial, clock)
            _take_shading_away(run, settings, initial, clock)
        for found in [] if saved is None else saved.shading:
            prepared.take_away(Shading.of(found), settings)
    prepared.start = run.saved.start
    chosen = prepared.choose_similarity(settings, np.asarray(run.saved.aligned or run.affine))
    if saved is None:
        run.saved.affine = run.affine.tolist()
        run.saved.choices += chosen
    with clock.phase("quality control"):  # before the fit, which lets go of the images
        run.rivals = rivals(prepared, run.affine, lambda: clock.tell(Progress("affine", 0.08, 0.0)))
    return run


def _align(run: _Run, settings: Settings, start: np.ndarray, clock: Clock) -> None:
    """Find the linear part."""
    found = prealign(run.prepared, settings, start, lambda: clock.tell(Progress("affine", 0.05, 0.0)))
    run.affine, run.saved.aligned = found.start, found.closest.tolist()
    run.saved.choices = [*run.prepared.choices, f"pre-alignment: {found.said}"]
    run.saved.start, run.saved.warnings = found.facts, found.warnings


def _take_shading_away(run: _Run, settings: Settings, start: np.ndarray, clock: Clock) -> None:
    """Find a smooth factor between the images and take it away, and align them anew where there was one."""
    whole = 1.0
    for _ in range(MOST_ROUNDS):
        found = run.prepared.shading(np.asarray(run.saved.aligned), LEAST_FACTOR if whole == 1 else LEAST_LEFT)
        if found is None:
            break
        whole *= found.ratio
        run.saved.shading.append({**vars(found)})
        run.prepared.take_away(found, settings)
        _align(run, settings, start, clock)
    if whole > 1:
        run.saved.warnings.append(said(whole))


def _fit(run: _Run, problem: Problem, settings: Settings, clock: Clock, keeper: Keeper) -> None:
    """All stages, coarse to fine. A stop keeps the field as it is."""
    generator = torch.Generator().manual_seed(settings.seed)
    with clock.phase("start"):
        run.fit = new_fit(problem, run.prepared, settings, run.affine, generator)
    stages = Stages(run.fit, run.prepared, settings, generator, clock, keeper, run.saved)
    run.outcome = stages.run()
    run.cause = stages.cause


def _finish(run: _Run, problem: Problem, settings: Settings, partial: Result, clock: Clock) -> Result:
    """Everything that a caller will want to show, computed here and not where it is shown."""
    with clock.phase("finish"):
        clock.finishing(0.0)
        assert run.fit is not None and run.rivals is not None
        run.fit.finished()
        memory.trim()
        settled = run.outcome not in (Outcome.STOPPED, Outcome.DIVERGED)
        fitted = run.fit.model() if settings.stages else standing(run.prepared, run.affine)
        made = finish(fitted, run.prepared, problem, settings, settled, clock.finishing)
        if made_worse(made.quality) and may_stand(problem, settings):
            initial = problem.linear_start()
            made = finish(standing(run.prepared, initial), run.prepared, problem, settings, settled)
            run.saved.warnings.append(SAID)
        clock.stopping = clock.stopping or run.outcome is Outcome.DIVERGED
        memory.trim()
        more = add_ons(run.fit, made, run.prepared, run.rivals, problem, settings, clock.goes_on)
    clock.timings_s["total"] = time.perf_counter() - clock.start
    state = made.model.state(
        settings=partial.settings,
        software={"inr-registration": __version__, "torch": torch.__version__, "numpy": np.__version__},
        inputs={"fixed": problem.fixed.sha256(), "moving": problem.moving.sha256()},
    )
    return replace(
        partial,
        outcome=run.outcome,
        message=_message(run.outcome, run.cause),
        timings_s=clock.timings_s,
        history=tuple(run.saved.history),
        choices=(*run.saved.choices, *run.fit.choices),
        warnings=(*run.saved.warnings, *run.fit.warnings),
        model=state,
        transform=made.transform,
        warped=made.warped,
        jacobian=made.jacobian,
        derived=made.derived,
        quality=replace(made.quality, strain=more.strain, notes=(*made.quality.notes, *more.notes)),
        doubts=more.doubts,
        uncertainty=more.uncertainty,
        inverse=more.inverse,
        verdict=more.verdict if run.outcome is not Outcome.DIVERGED else Verdict(Level.RED, (_message(run.outcome, run.cause),)),
        maps=more.maps,
    )
