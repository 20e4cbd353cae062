"""How far the map is expected to be off, in mm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from inr_registration.core.calibration import calibrated, crosses_contrasts, estimator_for, method_of
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Settings
from inr_registration.core.volume import Volume
from inr_registration.measure.in_mask import image_in_mask
from inr_registration.measure.uncertainty.estimators import ESTIMATORS
from inr_registration.measure.uncertainty.sites import fitted_spacing, sites
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prepared import MULTI_MODAL, MULTI_MODAL_POINTS, Prepared
from inr_registration.numerics.frame import Array
from inr_registration.numerics.sampling import Image
from inr_registration.optimise.guard import Diverged
from inr_registration.optimise.memory import trim

GoOn = Callable[[float], bool]
"""Told the share of the estimate that is done; False ends it without a result. May raise to end more than that."""


class _Ended(Exception):
    """Told not to go on."""


def estimate(fit: PairFit, prepared: Prepared, problem: Problem, settings: Settings, go_on: GoOn) -> Volume | None:
    """The expected error at the voxels of the fixed image, mm; NaN where the fixed image does not count.

    On the calibration cases, known warps, the mean true error of points with the value U was U; the shares of points
    within U and within 2 U are in the table, and a sentence in ``fit.choices`` gives them.

    Args:
        fit: At its end; its fields stay as they are.
        prepared: What the fit started from.
        problem: The images as given.
        settings: As used.
        go_on: Asked now and then.

    Returns:
        None where the settings ask for none, none was calibrated for the method or for these contrasts, or ``go_on`` said no.

    Raises:
        InputError: The settings name an estimator that was not calibrated for the method.
    """
    name = estimator_for(settings)
    if name is None:
        return None
    if _contrasts_differ(prepared, settings):
        fit.warnings.append("uncertainty: none, since no estimate was calibrated for images of different contrasts")
        return None
    finest = fitted_spacing(prepared, settings)
    numbers = calibrated(method_of(settings))[name]

    def tick(share: float) -> None:
        if not go_on(share):
            raise _Ended

    try:
        tick(0.0)
        where = sites(prepared, fit.model(), finest)
        generator = torch.Generator().manual_seed(settings.seed)
        raw = ESTIMATORS[name](fit, prepared, settings, where, generator, tick)
    except (_Ended, Diverged) as error:
        cause = "the run was stopped" if isinstance(error, _Ended) else "a refit diverged"
        fit.choices.append(f"uncertainty: left out, since {cause}")
        return None
    trim()  # what the estimator held, before an image is drawn
    image = Image((numbers.floor * finest + numbers.scale * raw)[None].float().cpu(), where.grid)

    def at(points: Array) -> Array:
        return np.asarray(image.at(torch.as_tensor(points.T.copy(), dtype=torch.float32)).double().numpy())

    fit.choices.append(
        f"uncertainty: {name}, in mm; on known warps between images of one contrast "
        f"{100 * numbers.within:.0f} % of true errors were at most the stated value and "
        f"{100 * numbers.within_twice:.0f} % at most twice it (rank correlation {numbers.rank:.2f})"
    )
    return image_in_mask(at, prepared, problem.fixed.grid, "uncertainty")


def _contrasts_differ(prepared: Prepared, settings: Settings) -> bool:
    """Whether the similarity is one for different modalities: by the settings, or chosen after a look at the images."""
    if "auto" in settings.similarity:
        return prepared.similarity in (MULTI_MODAL, MULTI_MODAL_POINTS)
    return crosses_contrasts(settings)
