"""Which fit the settings ask for."""

from __future__ import annotations

import torch

from inr_registration.core.calibration import estimator_for
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Settings
from inr_registration.methods.cardiac import CardiacFit, check_cardiac
from inr_registration.methods.cycle import CycleFit
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prepared import Prepared
from inr_registration.methods.single import SingleFit
from inr_registration.methods.steer import check_landmarks, check_start, steer
from inr_registration.numerics.frame import Array


def check(problem: Problem, settings: Settings) -> None:
    """Make sure, before any work, that the problem holds what the settings need.

    Raises:
        InputError: Landmarks, an axis or a usable centreline are missing, or the uncertainty was not calibrated.
    """
    check_landmarks(problem, settings)
    check_start(problem, settings)
    check_cardiac(problem, settings)
    if settings.geometry is not None and settings.geometry.kind == "tube":
        from inr_registration.methods.tube_checks import tubes_of  # loading what it needs takes half a second

        tubes_of(problem, settings.geometry)
    estimator_for(settings)


def new_fit(problem: Problem, prepared: Prepared, settings: Settings, affine: Array, generator: torch.Generator) -> PairFit:
    """The fit for these settings, before its first stage.

    Args:
        problem: The images as given, with centrelines and landmarks.
        prepared: Clean images and coordinates.
        settings: How.
        affine: (4, 4) world to world, applied after the displacement.
        generator: Source of the random numbers, on the CPU.

    Raises:
        InputError: The problem lacks what the settings need.
    """
    if settings.cycle is not None:
        both = CycleFit(prepared, settings, affine, generator)
        steer(both, problem, settings, both.forward, both.backward)
        return both
    if settings.geometry is not None and settings.geometry.kind == "cardiac":
        cardiac = CardiacFit(problem, prepared, settings, affine, generator)
        steer(cardiac, problem, settings, cardiac)
        return cardiac
    if settings.geometry is not None:
        from inr_registration.methods.tube import TubeFit  # loading what it needs takes half a second

        return TubeFit(problem, prepared, settings, affine, generator)
    single = SingleFit(prepared, settings, affine, generator)
    steer(single, problem, settings, single)
    return single
