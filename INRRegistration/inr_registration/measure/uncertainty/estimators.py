"""The estimators by name: each gives a raw value in mm at the sites, before calibration."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from inr_registration.core.settings import Settings
from inr_registration.measure.uncertainty import laplace
from inr_registration.measure.uncertainty.refits import perturbation
from inr_registration.measure.uncertainty.sites import Sites, Tick, fitted_spacing, sites, strain_of
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prepared import Prepared

Estimator = Callable[[PairFit, Prepared, Settings, Sites, torch.Generator, Tick], Tensor]
"""A fit at its end, what it started from, its settings, the sites, random numbers, progress -> (D, H, W) mm."""


def _laplace(fit: PairFit, prepared: Prepared, settings: Settings, where: Sites, generator: torch.Generator, tick: Tick) -> Tensor:
    """The images are looked at as finely as they were fitted, within reason; the system is solved at the sites."""
    model = fit.model()
    finest = fitted_spacing(prepared, settings)
    fine = sites(prepared, model, finest, laplace.MOST_VOXELS)
    seen = laplace.at_sites(laplace.information(fine), fine, where)
    # a strain that varies by tau from voxel to voxel varies less over wider steps
    unit = strain_of(model, where) * finest * (finest / where.spacing) ** 0.5
    return laplace.raw(seen, where, unit, generator, tick)


def _perturbation(fit: PairFit, prepared: Prepared, settings: Settings, where: Sites, generator: torch.Generator, tick: Tick) -> Tensor:
    return perturbation(fit, prepared, settings, where, strain_of(fit.model(), where), generator, tick)


ESTIMATORS: dict[str, Estimator] = {"laplace": _laplace, "perturbation": _perturbation}
