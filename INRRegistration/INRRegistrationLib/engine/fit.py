"""One stage of a fit, whatever is fitted: evaluate the objective, step, record."""

from __future__ import annotations

import math
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

    Raises:
        Diverged: The objective is no longer a finite number.
    """
    optimiser = Adam(objective.parameters, objective.betas)
    rule = RelativeGain(settings.tolerance, settings.patience)
    curve = Curve(objective.name, {}, [])
    converged, latest = False, {}
    for iteration in range(stage.iterations):
        optimiser.forget_gradients()
        terms = objective.terms()
        total = torch.stack(list(terms.values())).sum()
        total.backward()
        optimiser.step(objective.rate * cosine(iteration / max(stage.iterations, 1), settings.lr_end))
        if iteration % RECORD_EVERY == 0 or iteration == stage.iterations - 1 or settings.tolerance > 0:
            latest = _record(curve, iteration, terms, total)
            converged = rule.done(latest["total"])
        tick(iteration + 1, latest)
        if converged:
            break
    return StageOutcome(curve, converged)


def _record(curve: Curve, iteration: int, terms: Mapping[str, Tensor], total: Tensor) -> dict[str, float]:
    latest = {name: float(value.detach()) for name, value in terms.items()} | {"total": float(total.detach())}
    if not math.isfinite(latest["total"]):
        raise Diverged(f"objective {latest['total']} at iteration {iteration}")
    if iteration % RECORD_EVERY == 0 or iteration < 5:
        curve.iterations.append(iteration)
        for name, value in latest.items():
            curve.terms.setdefault(name, []).append(value)
    return latest
