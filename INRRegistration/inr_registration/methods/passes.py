"""One iteration over one field: its similarity and regularity, and the field itself for terms that build on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from inr_registration.core.catalogue import REGULARITY_TERMS
from inr_registration.core.settings import Settings, Stage
from inr_registration.fields.kinds import Field
from inr_registration.fields.lattice import Lattice, VelocityLattice, evaluate_at_points, evaluate_on_cells
from inr_registration.fields.network import Network
from inr_registration.methods.data import SampledPoints, StageData, WholeLevel
from inr_registration.numerics import kernels as compiled
from inr_registration.numerics.held import Held
from inr_registration.numerics.jet import Jet
from inr_registration.numerics.knots import Knots
from inr_registration.terms.regularity import order_needed, regularity

SMOOTHNESS = tuple(name for name, term in REGULARITY_TERMS.items() if term.of_velocity)
"""Regularity that is asked of a stationary velocity; the other terms are about the map that it makes."""
SPARSE = 4000
"""Random points offered to further terms where the similarity is evaluated on a whole level."""


@dataclass(frozen=True)
class Pass:
    """What one iteration sees of a field, for terms beyond similarity and regularity to build on.

    Args:
        terms: The weighted terms of the objective.
        evaluate: The field as it is in this iteration, at ``(3, n)`` unit coordinates, with derivatives up to an order;
            the coefficients of a lattice are not made anew for it.
        look: At most about so many points that were seen already, unit coordinates ``(3, n)``, and the field there with
            derivatives up to an order, evaluated anew only where needed. On a whole level, random points of the mask.
    """

    terms: dict[str, Tensor]
    evaluate: Callable[[Tensor, int], Jet]
    look: Callable[[int, int], tuple[Tensor, Jet]]


@dataclass(frozen=True)
class OnePass:
    """One iteration over one field: its random numbers, and the work with them.

    Random numbers come from the CPU into tensors that stay where they are. The work after that is the same in each
    iteration and asks nothing of the CPU, so that a GPU can record it once and repeat it.

    Args:
        draw: Draw the random numbers of the next iteration.
        draw_look: Draw those that ``Pass.look`` needs besides, where it is going to be used.
        see: The iteration; any number of times.
    """

    draw: Callable[[], None]
    draw_look: Callable[[], None]
    see: Callable[[], Pass]


def passes(stage: Stage, data: StageData, field: Field, settings: Settings, generator: torch.Generator) -> OnePass:
    """One iteration over one field of a stage."""
    weights = settings.regularity
    offset = Held(data.fixed.values.device)

    def draw_offset() -> None:
        offset.take(torch.rand(3, generator=generator))

    if isinstance(field, Lattice) and stage.points == 0:
        whole, sparse = _level(data, field), SampledPoints(replace(data, similarity={}), SPARSE, generator)
        return OnePass(draw_offset, sparse.renew, lambda: _whole_pass(whole, sparse, field, settings, offset))
    points = SampledPoints(data, stage.points, generator)
    if not isinstance(field, Lattice):
        factor = 1.0 if settings.representation.coordinates == "per-axis" else 1 / data.frame.scale
        return OnePass(points.renew, _nothing, lambda: _network_pass(points, field, weights, settings.regularity_points, factor))

    def draw_both() -> None:
        points.renew()
        draw_offset()

    return OnePass(draw_both, _nothing, lambda: _lattice_pass(points, field, settings, offset))


def _nothing() -> None:
    """What is drawn already is enough to look at."""


class Level(Protocol):
    """Every voxel of a level in each iteration."""

    def terms(self, coefficients: Tensor) -> dict[str, Tensor]:
        """Weighted similarity terms under these coefficients."""


def _level(data: StageData, field: Lattice) -> Level:
    """The whole level, compiled where that is possible."""
    weights = {name for name, weight in data.similarity.items() if weight > 0}
    if "local_ncc" in weights and weights <= {"local_ncc", "mse", "mind"} and compiled.usable(data.fixed.values):
        from inr_registration.methods.compiled_level import CompiledLevel  # loading the compiler takes a second

        return CompiledLevel(data, field.knots)
    return WholeLevel(data, field)


def _whole_pass(whole: Level, sparse: SampledPoints, field: Lattice, settings: Settings, offset: Held) -> Pass:
    coefficients = field.coefficients()
    terms = {**whole.terms(coefficients), **lattice_regularity(field, coefficients, settings, offset.tensor)}

    def evaluate(at: Tensor, order: int) -> Jet:
        return evaluate_at_points(coefficients, field.knots, at, order)

    def look(count: int, order: int) -> tuple[Tensor, Jet]:
        xi = _thinned(sparse.held()[1], count)
        return xi, evaluate(xi, order)

    return Pass(terms, evaluate, look)


def _lattice_pass(points: SampledPoints, field: Lattice, settings: Settings, offset: Held) -> Pass:
    coefficients = field.coefficients()
    index, xi = points.held()
    displacement = evaluate_at_points(coefficients, field.knots, xi).value
    terms = {**points.terms(index, xi, displacement), **lattice_regularity(field, coefficients, settings, offset.tensor)}

    def evaluate(at: Tensor, order: int) -> Jet:
        return evaluate_at_points(coefficients, field.knots, at, order)

    def look(count: int, order: int) -> tuple[Tensor, Jet]:
        some = _thinned(xi.reshape(3, -1), count)
        return some, evaluate(some, order) if order > 0 else Jet(_thinned(displacement.reshape(3, -1), count))

    return Pass(terms, evaluate, look)


def lattice_regularity(field: Lattice, coefficients: Tensor, settings: Settings, offset: Tensor) -> dict[str, Tensor]:
    """Regularity terms at one position in every cell of the lattice, (3,) shares of a cell and the same in all of them.

    For a velocity lattice, bending and diffusion are of the velocity and the Jacobian terms of the resulting map.
    """
    used = {name: weight for name, weight in settings.regularity.items() if weight > 0}
    parts = [(used, coefficients)]
    if isinstance(field, VelocityLattice):
        on_velocity = {name: used[name] for name in SMOOTHNESS if name in used}
        on_map = {name: weight for name, weight in used.items() if name not in SMOOTHNESS}
        parts = [(on_map, coefficients), (on_velocity, field.values)]
    terms: dict[str, Tensor] = {}
    for chosen, values in parts:
        terms.update(_on_cells(chosen, values, field.knots, offset, settings.diffusion_knee))
    return terms


def _on_cells(weights: Mapping[str, float], values: Tensor, knots: Knots, offset: Tensor, knee: float) -> dict[str, Tensor]:
    """Weighted regularity terms of a spline at one position in every cell, compiled where that is possible."""
    terms, rest = {}, dict(weights)
    if weights and compiled.usable(values):
        from inr_registration.numerics.kernels.cells import TERMS, mean_density  # loading the compiler takes a second

        x, y, z = offset.tolist()
        terms = {name: rest.pop(name) * mean_density(name, values, knots, (x, y, z), knee) for name in weights if name in TERMS}
    return terms | (regularity(rest, evaluate_on_cells(values, knots, offset, order_needed(rest)), knee) if rest else {})


def _network_pass(points: SampledPoints, field: Network, weights: Mapping[str, float], share: float, second_factor: float) -> Pass:
    """Similarity at all points and regularity at a share of them; at all of them, one evaluation serves both."""
    order = order_needed(weights)
    index, xi = points.held()
    flat = xi.reshape(3, -1)
    steep = flat if share >= 1 or order == 0 else _thinned(flat, max(int(share * flat.shape[1]), 1))
    jet = field.evaluate(steep, order)
    displacement = jet.value if steep is flat else field(flat)
    terms = {**points.terms(index, xi, displacement.reshape(xi.shape)), **regularity(weights, _scaled(jet, second_factor))}

    def look(count: int, needed: int) -> tuple[Tensor, Jet]:
        some = _thinned(flat, count)
        if needed == 0:
            return some, Jet(_thinned(displacement, count))
        if jet.first is None or needed > 1:
            return some, field.evaluate(some, needed)
        return _thinned(steep, count), Jet(_thinned(jet.value, count), _thinned(jet.first, count))

    return Pass(terms, field.evaluate, look)


def _thinned(values: Tensor, count: int) -> Tensor:
    """About ``count`` of the points along the last axis, evenly spread; all where there are fewer."""
    return values[..., :: max(values.shape[-1] // count, 1)]


def _scaled(jet: Jet, factor: float) -> Jet:
    """Second derivatives per mm: with isotropic coordinates the Jacobian has no unit, and these scale by 1 / s."""
    return Jet(jet.value, jet.first, None if jet.second is None else jet.second * factor)
