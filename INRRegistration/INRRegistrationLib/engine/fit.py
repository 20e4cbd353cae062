"""One stage of the fit: draw, compare, regularise, step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from INRRegistrationLib.core.result import Curve
from INRRegistrationLib.core.settings import Settings, Stage
from INRRegistrationLib.engine.data import Field, SampledPoints, StageData, WholeLevel
from INRRegistrationLib.engine.fields.jet import Jet
from INRRegistrationLib.engine.fields.lattice import Lattice, VelocityLattice, evaluate_at_points, evaluate_on_cells
from INRRegistrationLib.engine.fields.network import Network
from INRRegistrationLib.engine.stopping import RelativeGain, cosine
from INRRegistrationLib.engine.terms.regularity import order_needed, regularity

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


def fit_stage(stage: Stage, data: StageData, field: Field, settings: Settings, generator: torch.Generator, tick: Tick) -> StageOutcome:
    """Minimise the objective over the field's parameters, in place.

    Raises:
        Diverged: The objective is no longer a finite number.
    """
    evaluate = objective(stage, data, field, settings, generator)
    unit = data.fixed.grid.spacing.min() if isinstance(field, Lattice) else 1.0
    optimiser = torch.optim.Adam(field.parameters(), lr=stage.learning_rate * unit, betas=_betas(field))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda n: cosine(n / max(stage.iterations, 1), settings.lr_end))
    rule = RelativeGain(settings.tolerance, settings.patience)
    curve = Curve(f"{data.fixed.grid.spacing.min():.3g} mm", {}, [])
    converged, latest = False, {}
    for iteration in range(stage.iterations):
        optimiser.zero_grad()
        terms = evaluate()
        total = torch.stack(list(terms.values())).sum()
        total.backward()
        optimiser.step()
        schedule.step()
        if iteration % RECORD_EVERY == 0 or iteration == stage.iterations - 1 or settings.tolerance > 0:
            latest = _record(curve, iteration, terms, total)
            converged = rule.done(latest["total"])
        tick(iteration + 1, latest)
        if converged:
            break
    return StageOutcome(curve, converged)


def objective(
    stage: Stage, data: StageData, field: Field, settings: Settings, generator: torch.Generator
) -> Callable[[], dict[str, Tensor]]:
    """The weighted terms of one iteration, as a function to be called anew in each."""
    weights = settings.regularity
    if isinstance(field, Lattice) and stage.points == 0:
        whole = WholeLevel(data, field)
        return lambda: _whole_terms(whole, field, weights, generator)
    points = SampledPoints(data, stage.points, generator)
    if isinstance(field, Network):
        factor = 1.0 if settings.representation.coordinates == "per-axis" else 1 / data.frame.scale
        return lambda: _network_terms(points, field, weights, settings.regularity_points, factor)
    return lambda: _lattice_terms(points, field, weights, generator)


def _whole_terms(whole: WholeLevel, field: Lattice, weights: Mapping[str, float], generator: torch.Generator) -> dict[str, Tensor]:
    coefficients = field.coefficients()
    return {**whole.terms(coefficients), **lattice_regularity(field, coefficients, weights, generator)}


def _lattice_terms(points: SampledPoints, field: Lattice, weights: Mapping[str, float], generator: torch.Generator) -> dict[str, Tensor]:
    coefficients = field.coefficients()
    index, xi = points.draw()
    displacement = evaluate_at_points(coefficients, field.knots, xi).value
    return {**points.terms(index, xi, displacement), **lattice_regularity(field, coefficients, weights, generator)}


def lattice_regularity(field: Lattice, coefficients: Tensor, weights: Mapping[str, float], generator: torch.Generator) -> dict[str, Tensor]:
    """Regularity terms at one random position in every cell of the lattice (the same in all cells; another in each call).

    For a velocity lattice, bending and diffusion are of the velocity and the Jacobian terms of the resulting map.
    """
    offset = tuple(torch.rand(3, generator=generator).tolist())
    on_map = {name: w for name, w in weights.items() if w > 0 and "jacobian" in name}
    on_parameters = {name: w for name, w in weights.items() if w > 0 and "jacobian" not in name}
    terms: dict[str, Tensor] = {}
    if not isinstance(field, VelocityLattice):
        on_map, on_parameters = {**on_map, **on_parameters}, {}
    for chosen, values in ((on_map, coefficients), (on_parameters, field.values)):
        if chosen:
            jet = evaluate_on_cells(values, field.knots, (offset[0], offset[1], offset[2]), order_needed(chosen))
            terms.update(regularity(chosen, jet))
    return terms


def _network_terms(
    points: SampledPoints, field: Network, weights: Mapping[str, float], share: float, second_factor: float
) -> dict[str, Tensor]:
    """Similarity at all points and regularity at a share of them; at all of them, one pass serves both."""
    order = order_needed(weights)
    index, xi = points.draw()
    if share >= 1 or order == 0:
        jet = field.evaluate(xi, order)
        return {**points.terms(index, xi, jet.value), **regularity(weights, _scaled(jet, second_factor))}
    flat = xi.reshape(3, -1)
    some = max(int(share * flat.shape[1]), 1)
    chosen = flat[:, :: max(flat.shape[1] // some, 1)]
    jet = field.evaluate(chosen, order)
    return {**points.terms(index, xi, field(xi)), **regularity(weights, _scaled(jet, second_factor))}


def _scaled(jet: Jet, factor: float) -> Jet:
    """Second derivatives per mm: with isotropic coordinates the Jacobian has no unit, and these scale by 1 / s."""
    return Jet(jet.value, jet.first, None if jet.second is None else jet.second * factor)


def _betas(field: Field) -> tuple[float, float]:
    return (0.9, 0.99) if isinstance(field, Lattice) else (0.9, 0.999)


def _record(curve: Curve, iteration: int, terms: Mapping[str, Tensor], total: Tensor) -> dict[str, float]:
    latest = {name: float(value.detach()) for name, value in terms.items()} | {"total": float(total.detach())}
    if not math.isfinite(latest["total"]):
        raise Diverged(f"objective {latest['total']} at iteration {iteration}")
    if iteration % RECORD_EVERY == 0 or iteration < 5:
        curve.iterations.append(iteration)
        for name, value in latest.items():
            curve.terms.setdefault(name, []).append(value)
    return latest
