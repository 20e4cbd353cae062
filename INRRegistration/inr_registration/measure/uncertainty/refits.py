"""Fitting again from the answer with something changed, to see how much of the change remains."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.settings import Settings, Stage
from inr_registration.maps.fitted_map import FittedMap
from inr_registration.measure.uncertainty.bend import bent, random_bend
from inr_registration.measure.uncertainty.sites import Sites, Tick, smoothed
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prepared import Prepared
from inr_registration.optimise.fit import fit_stage

Array = npt.NDArray[np.float64]

PAIRS = 2
"""Perturbations; each is applied forwards and backwards, so twice as many refits."""
LATTICE_ITERATIONS = 20
NETWORK_SHARE = 0.2
"""Of a stage's iterations in a refit of a network."""
BUMP = 6.0
"""Distance of the control points of a perturbation, in voxels of the level of the refit."""
AMPLITUDE = 1.0
"""Standard deviation of a perturbation along each axis, in voxels of the level of the refit."""


def again(fit: PairFit, prepared: Prepared, changed: Prepared) -> PairFit:
    """A copy of a fit, its fields as they are, that works on changed images from now on."""
    return copy.deepcopy(fit, {id(prepared): changed})


def refit_stage(prepared: Prepared, settings: Settings) -> Stage:
    """The last stage but one, shortened: most of the accuracy for an eighth of the voxels."""
    usable = prepared.usable_stages(settings)
    stage = usable[-2] if len(usable) > 1 else usable[-1]
    share = max(int(NETWORK_SHARE * stage.iterations), 1)
    return replace(stage, iterations=share if stage.points else min(LATTICE_ITERATIONS, stage.iterations))


def refitted(fit: PairFit, prepared: Prepared, changed: Prepared, settings: Settings, tick: Tick) -> FittedMap:
    """Fit again on changed images, from the fitted fields."""
    fresh = again(fit, prepared, changed)
    stage = refit_stage(prepared, settings)

    def counted(done: int, _terms: dict[str, float]) -> None:
        tick(done / stage.iterations)

    fit_stage(stage, fresh.begin(stage), replace(settings, tolerance=0.0), counted)
    return fresh.model()


def perturbation(
    fit: PairFit, prepared: Prepared, settings: Settings, where: Sites, strain: float, generator: torch.Generator, tick: Tick
) -> Tensor:
    """How much of a known small bend of the moving image a registration from the answer leaves, (D, H, W) mm.

    The moving image is bent by w; a perfect registration answers with a map phi' for which ``phi' + w(phi')`` is the old
    map. What is left of w is the part that the images cannot tell (after arXiv 2509.23355), and the raw estimate is what is left times
    the strain. Each bend is used in both directions and the halved difference taken, which
    cancels what any refit changes.
    """
    voxel = refit_stage(prepared, settings).shrink * prepared.spacing
    variance = torch.zeros(where.grid.shape)
    for number in range(PAIRS):
        bend = random_bend(prepared.moving.grid, BUMP * voxel, AMPLITUDE * voxel, generator)
        ends = []
        for side, chosen in enumerate((bend, bend.negative())):
            changed = replace(prepared, moving=bent(prepared.moving, chosen))
            new = refitted(fit, prepared, changed, settings, partial(_part, tick, 2 * number + side))
            del changed  # a whole image, which need not be held beside the next one
            mapped = new.map(where.points)
            ends.append(mapped + chosen(mapped))
        left = ((ends[0] - ends[1]) / 2) ** 2
        variance += torch.as_tensor(left.sum(axis=1).reshape(where.grid.shape)).float() / PAIRS
    return strain / AMPLITUDE * smoothed(variance.to(where.fixed), where.counted).sqrt()


def _part(tick: Tick, number: int, share: float) -> None:
    """One refit of all."""
    tick((number + share) / (2 * PAIRS))
