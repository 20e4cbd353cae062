"""What some methods know beyond the map itself: its uncertainty, its inverse, a verdict, further maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.result import SplineTransform
from INRRegistrationLib.core.settings import Settings
from INRRegistrationLib.core.verdict import Verdict
from INRRegistrationLib.core.volume import Volume
from INRRegistrationLib.engine.consensus import Consensus
from INRRegistrationLib.engine.evidence import gather
from INRRegistrationLib.engine.export import as_transform
from INRRegistrationLib.engine.finish import Finished, as_spline
from INRRegistrationLib.engine.fits.pair_fit import PairFit
from INRRegistrationLib.engine.in_mask import image_in_mask
from INRRegistrationLib.engine.prepare import Prepared
from INRRegistrationLib.engine.strain import strain
from INRRegistrationLib.engine.uncertainty.estimate import GoOn, estimate
from INRRegistrationLib.engine.verdict import judge

JUDGED = ("siren", "relu", "velocity")
"""Representations on which the thresholds of the quality control were tried."""


@dataclass(frozen=True, eq=False)
class AddOns:
    """The fields are those of ``Result``, and ``strain`` that of ``Quality``."""

    uncertainty: Volume | None = None
    inverse: SplineTransform | None = None
    verdict: Verdict | None = None
    maps: Mapping[str, Volume] = field(default_factory=dict)
    strain: dict[str, dict[str, float]] = field(default_factory=dict)


def add_ons(fit: PairFit, made: Finished, prepared: Prepared, problem: Problem, settings: Settings, go_on: GoOn) -> AddOns:
    """Everything that the fit can say beyond its map.

    Args:
        fit: At its end.
        made: What was made of its map, on the CPU.
        prepared: What the fit started from.
        problem: The images as given.
        settings: As used.
        go_on: Asked now and then while the uncertainty is estimated; where it says no, there is none.
    """
    maps, means = strain(made.model, problem)
    return AddOns(
        uncertainty=_uncertainty(fit, made, prepared, problem, settings, go_on),
        inverse=_inverse(fit, prepared, problem, settings),
        verdict=_verdict(made, prepared, problem, settings),
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


def _verdict(made: Finished, prepared: Prepared, problem: Problem, settings: Settings) -> Verdict | None:
    """Of two maps whose thresholds were tried (``quality_control.py``)."""
    if not isinstance(made.model, Consensus) or settings.representation.kind not in JUDGED:
        return None
    return judge(gather(made.model, made, prepared, problem))


def _inverse(fit: PairFit, prepared: Prepared, problem: Problem, settings: Settings) -> SplineTransform | None:
    """Moving world point to fixed world point, where the fit has a map of its own for that."""
    inverse = fit.inverse()
    if inverse is None:
        return None
    grid = problem.moving.grid.orthogonal() if problem.moving.grid.is_sheared else problem.moving.grid
    lattice, frame, error = as_spline(inverse, grid, prepared.spacing, settings.seed)
    return as_transform(lattice, frame, inverse.affine, error)
