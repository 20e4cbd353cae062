"""The moving image under a displacement and an affine map, read linearly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume
from inr_registration.numerics import kernels as compiled
from inr_registration.numerics.sampling import Image

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

ALL = slice(None)


def warp(moving: Volume, grid: Grid, affine: Array, displacement: Floats | None) -> Floats:
    """The moving image, read linearly at ``affine(p + u(p))`` for every voxel centre p of ``grid``: (k, j, i) float32.

    Points outside the moving image's outer voxel faces take its lowest value, so that nothing is made up there.
    """
    return warper(moving)(grid, affine, displacement)


def warper(moving: Volume) -> Callable[[Grid, Array, Floats | None], Floats]:
    """``warp`` of one image, prepared once for several parts of a grid."""
    values = moving.single()
    finite = np.isfinite(values)
    if finite.all():
        lowest = float(values.min())
    else:
        lowest = float(values[finite].min())
        values = np.where(finite, values, np.float32(lowest))
    if compiled.usable(torch.empty(0)):
        from inr_registration.numerics.kernels.resample import resampled  # loading the compiler takes a second

        def fast(grid: Grid, affine: Array, displacement: Floats | None) -> Floats:
            to_voxels = np.linalg.inv(moving.grid.affine) @ affine
            return resampled((to_voxels @ grid.affine)[:3], to_voxels[:3, :3], displacement, values, lowest, grid.shape)

        return fast
    image = Image(torch.tensor(values)[None], moving.grid)
    return lambda grid, affine, displacement: _read(image, lowest, grid, affine, displacement)


def _read(image: Image, lowest: float, grid: Grid, affine: Array, displacement: Floats | None) -> Floats:
    """``warp`` without a compiler, plane by plane."""
    out = np.empty(grid.shape, dtype=np.float32)
    for k in range(grid.size[2]):
        points = grid.part((slice(k, k + 1), ALL, ALL)).all_points()[0].astype(np.float64)
        moved = points if displacement is None else points + displacement[k]
        moved = moved @ affine[:3, :3].T + affine[:3, 3]
        values = image.at(torch.as_tensor(moved.transpose(2, 0, 1).copy(), dtype=torch.float64).float()).numpy()
        out[k] = np.where(image.grid.contains(moved), values, lowest)
    return out
