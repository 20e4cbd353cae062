"""What some methods know beyond the map itself: its uncertainty, its inverse, a verdict, further maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from inr_registration.app.finish import as_spline
from inr_registration.core.doubt import Doubt, doubt_note
from inr_registration.core.problem import Problem
from inr_registration.core.result import SplineTransform
from inr_registration.core.settings import Settings
from inr_registration.core.verdict import Level, Verdict
from inr_registration.core.volume import Volume
from inr_registration.maps.consensus import Consensus
from inr_registration.maps.export import as_transform
from inr_registration.measure.chance import Rivals
from inr_registration.measure.doubt import doubts
from inr_registration.measure.evidence import gather, reached
from inr_registration.measure.finished import Finished
from inr_registration.measure.in_mask import image_in_mask
from inr_registration.measure.strain import strain
from inr_registration.measure.uncertainty.estimate import GoOn, estimate
from inr_registration.measure.verdict import judge
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prepared import Prepared


@dataclass(frozen=True, eq=False)
class AddOns:
    """The fields are those of ``Result``, and ``strain`` and ``notes`` those of ``Quality``."""

    verdict: Verdict
    doubts: tuple[Doubt, ...] = ()
    notes: tuple[str, ...] = ()
    uncertainty: Volume | None = None
    inverse: SplineTransform | None = None
    maps: Mapping[str, Volume] = field(default_factory=dict)
    strain: dict[str, dict[str, float]] = field(default_factory=dict)


def add_ons(fit: PairFit, made: Finished, prepared: Prepared, rivals: Rivals, problem: Problem, settings: Settings, go_on: GoOn) -> AddOns:
    """Everything that the fit can say beyond its map.

    Args:
        fit: At its end.
        made: What was made of its map, on the CPU.
        prepared: What the fit started from.
        rivals: What chance explains of the same images.
        problem: The images as given.
        settings: As used.
        go_on: Asked now and then while the uncertainty is estimated; where it says no, there is none.
    """
    maps, means = strain(made.model, problem)
    verdict, places, said = _control(made, prepared, reached(rivals, problem, settings), problem)
    return AddOns(
        verdict=verdict,
        doubts=places,
        notes=(said,) if said else (),
        uncertainty=_uncertainty(fit, made, prepared, problem, settings, go_on),
        inverse=_inverse(fit, prepared, problem, settings),
        maps=maps,
        strain=means,
    )


def _uncertainty(fit: PairFit, made: Finished, prepared: Prepared, problem: Problem, settings: Settings, go_on: GoOn) -> Volume | None:
    """In mm on the fixed grid, where it was asked for."""
    if isinstance(made.model, Consensus) and settings.uncertainty in ("auto", "cycle"):
        go_on(0.0)  # told only: a fit of both directions has it anyway
        found = image_in_mask(made.model.discrepancy, prepared, problem.fixed.grid, "uncertainty")
        go_on(0.5)
        return found
    return estimate(fit, prepared, problem, settings, go_on)


def _control(made: Finished, prepared: Prepared, rivals: Rivals, problem: Problem) -> tuple[Verdict, tuple[Doubt, ...], str]:
    """The verdict, and unless it is RED the places where nothing speaks for the map, and what to say of them."""
    warped, seen = rivals.warped(made.model.map)
    places, share = doubts(rivals, rivals.explained(warped, seen))
    verdict = judge(replace(gather(made, prepared, rivals, problem, warped, seen), doubt_percent=share))
    return (verdict, (), "") if verdict.level is Level.RED else (verdict, places, doubt_note(places, share))


def _inverse(fit: PairFit, prepared: Prepared, problem: Problem, settings: Settings) -> SplineTransform | None:
    """Moving world point to fixed world point, where the fit has a map of its own for that."""
    inverse = fit.inverse()
    if inverse is None:
        return None
    grid = problem.moving.grid.orthogonal() if problem.moving.grid.is_sheared else problem.moving.grid
    lattice, frame, error = as_spline(inverse, grid, prepared.spacing, settings.seed)
    return as_transform(lattice, frame, inverse.affine, error)
