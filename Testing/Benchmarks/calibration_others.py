"""Estimators that ``calibration.py`` compares and the engine does not offer, and the raw discrepancy of two fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core import Settings
from inr_registration.images import CleanImage
from inr_registration.maps import Consensus
from inr_registration.measure import AMPLITUDE, BUMP, Sites, bent, random_bend, refit_stage, refitted, smoothed, strain_of
from inr_registration.measure.uncertainty import laplace
from inr_registration.methods import PairFit, Prepared
from inr_registration.optimise import fit_stage

Array = npt.NDArray[np.float64]
Start = Callable[[Prepared, int], PairFit]
"""A fit at its beginning, on these images and with this seed."""

MEMBERS = 3
REFITS = 4
BLOCK = 8
"""Side of the blocks that the bootstrap draws, in voxels of the finest level."""
KEPT = 0.6
"""Share of the blocks in each refit of the bootstrap."""


def bootstrap(fit: PairFit, prepared: Prepared, settings: Settings, where: Sites, generator: torch.Generator) -> Tensor:
    """Spread of refits that each see a random part of the fixed image's blocks, (D, H, W) mm."""
    maps = []
    for _ in range(REFITS):
        changed = replace(prepared, fixed=_thinned(prepared.fixed, BLOCK * prepared.spacing, generator))
        maps.append(refitted(fit, prepared, changed, settings, lambda _share: None).map(where.points))
    return _spread(maps, where)


def ensemble(start: Start, prepared: Prepared, settings: Settings, where: Sites, generator: torch.Generator) -> Tensor:
    """Spread of fits from the beginning without the last stage, each with another seed and bend of the moving image, (D, H, W) mm."""
    stages = prepared.usable_stages(settings)
    voxel = refit_stage(prepared, settings).shrink * prepared.spacing
    maps = []
    for seed in range(MEMBERS):
        bend = random_bend(prepared.moving.grid, BUMP * voxel, AMPLITUDE * voxel, generator)
        fresh = start(replace(prepared, moving=bent(prepared.moving, bend)), 1 + seed)
        for stage in stages[:-1] or stages:
            fit_stage(stage, fresh.begin(stage), settings, lambda _done, _terms: None)
        mapped = fresh.model().map(where.points)
        maps.append(mapped + bend(mapped))
    return _spread(maps, where)


def texture(fit: PairFit, where: Sites) -> Tensor:
    """Free: one over the square root of the local structure tensor's least eigenvalue, over the noise; (D, H, W) mm."""
    least = torch.linalg.eigvalsh(laplace.information(where))[..., 0].clamp(min=0)
    return strain_of(fit.model(), where) * (least + 1 / (10 * where.spacing) ** 2).rsqrt()


def discrepancy(fit: PairFit, where: Sites) -> Tensor:
    """How far the two directions of a cycle-consistent fit are apart, as published: (D, H, W) mm."""
    model = fit.model()
    assert isinstance(model, Consensus)
    return torch.as_tensor(model.discrepancy(where.points).reshape(where.grid.shape))


def _thinned(image: CleanImage, side: float, generator: torch.Generator) -> CleanImage:
    """Blocks of ``side`` mm count or do not, at random."""
    numbers = [(np.arange(n) * s / side).astype(int) for n, s in zip(image.grid.size, image.grid.spacing, strict=True)]
    i, j, k = (int(n[-1]) + 1 for n in numbers)
    kept = (torch.rand(k, j, i, generator=generator) < KEPT).numpy()[np.ix_(*numbers[::-1])]
    return replace(image, valid=image.valid & kept)


def _spread(maps: list[Array], where: Sites) -> Tensor:
    """Standard deviation of the mapped points, smoothed over neighbours."""
    variance = np.var(maps, axis=0, ddof=1).sum(axis=1).reshape(where.grid.shape)
    return smoothed(torch.as_tensor(variance).to(where.fixed), where.counted).sqrt()
