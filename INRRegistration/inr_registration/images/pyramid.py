"""Smoothed copies of an image at coarser, near-isotropic spacings."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume
from inr_registration.numerics.sampling import Image

Array = npt.NDArray[np.float64]
Scale = tuple[float, float] | None
"""The intensities that are to be 0 and 1; None where values are to stay as they are."""

THICKEST = 2.0
"""Voxels of a level are at most so many times as long along one axis as along another."""
THINNEST = 8
"""A level with fewer voxels along its shortest side holds too little to fit."""
SLAB_VOXELS = 4_000_000
"""About so many voxels of an image are looked at together while a level is made."""


ROUNDING = 3
"""Decimals of a number of voxels that count. Headers keep spacings as float32 or turn them with the axes; where the true number lies
between two whole ones, as with 77 voxels at a shrink of 2, what is lost there would decide which it becomes."""


def nearest(count: float) -> int:
    """The whole number, from 1 up, nearest to a number of voxels that was reckoned from lengths; halves go to the even one."""
    return max(round(round(float(count), ROUNDING)), 1)


def working_spacing(fixed: Grid, max_voxels: int) -> float:
    """The spacing in mm of the finest level.

    The finest spacing of the image where that stays within ``max_voxels``; thick slices are interpolated (see ``level``).
    """
    volume = float(np.prod(np.asarray(fixed.size) * fixed.spacing))
    finest = max(fixed.spacing.min(), (fixed.spacing.prod() ** (1 / 3)) / 1.5)
    return float(max(finest, (volume / max_voxels) ** (1 / 3)))


def orthogonal(volume: Volume) -> Volume:
    """The volume itself, or a linear resampling of it to right-angled axes where its grid is sheared."""
    if not volume.grid.is_sheared:
        return volume
    grid = volume.grid.orthogonal()
    step = np.linalg.inv(volume.grid.affine) @ grid.affine
    flip = np.ix_([2, 1, 0], [2, 1, 0])
    values = np.asarray(volume.values, dtype=np.float32)
    outside = np.nan  # told apart from the image by clean()
    moved = ndimage.affine_transform(values, step[:3, :3][flip], step[:3, 3][::-1], output_shape=grid.shape, order=1, cval=outside)
    return Volume(moved, grid, volume.name)


def level(
    values: npt.NDArray[np.generic],
    grid: Grid,
    spacing: float,
    device: torch.device,
    smooth: bool = True,
    thickest: float = THICKEST,
    scale: Scale = None,
) -> Image:
    """An image at a near-isotropic spacing along its own axes, covering the same field of view.

    Along axes whose voxels are longer than the spacing these are kept, up to ``thickest`` times the spacing: finer ones would cost
    as much as voxels that tell something; coarser ones, a fit on 5 mm slices, waste what the other two axes know.

    Args:
        values: (k, j, i) on ``grid``.
        grid: LPS mm, any geometry.
        spacing: Of the level, mm, along axes that are as fine.
        device: Where the level is to live.
        smooth: Gaussian first where the level is coarser than the image, cubic interpolation where it is finer; else
            linear interpolation only (for masks).
        thickest: Longest side of a voxel over the spacing; 1 for cubes.
        scale: Of the values, applied first.
    """
    spacings = np.clip(grid.spacing, spacing, thickest * spacing)
    counts = [nearest(n * s / own) for n, s, own in zip(grid.size, grid.spacing, spacings, strict=True)]
    matrices, first, steps = [], [], []
    for axis in range(3):
        size, native = grid.size[axis], float(grid.spacing[axis])
        step = float(spacings[axis]) / native
        start = (size - 1) / 2 - (counts[axis] - 1) / 2 * step
        matrices.append(_axis_operator(size, start, step, counts[axis], smooth))
        first.append(start)
        steps.append(step)
    affine = grid.affine @ np.diag([*steps, 1.0])
    affine[:3, 3] = grid.to_world(first)
    along_i, along_j, along_k = (m.to(device) for m in matrices)
    return Image(_applied(values, along_k, along_j, along_i, scale), Grid((counts[0], counts[1], counts[2]), affine))


def _applied(values: npt.NDArray[np.generic], along_k: Tensor, along_j: Tensor, along_i: Tensor, scale: Scale = None) -> Tensor:
    """One matrix for each axis, slabs of planes at a time: a large image or mask is never held in single precision as a whole."""
    planes = max(SLAB_VOXELS // values[0].size, 1)
    slabs = []
    for start in range(0, len(values), planes):
        slab = torch.as_tensor(scaled(values[start : start + planes], scale), device=along_i.device)
        slabs.append(along_j @ (slab @ along_i.T))
    flat = torch.cat(slabs).reshape(len(values), -1)
    return (along_k @ flat).reshape(1, len(along_k), len(along_j), len(along_i))


def scaled(values: npt.NDArray[np.generic], scale: Scale) -> npt.NDArray[np.float32]:
    """Values in single precision from 0 to 1, those at the first intensity of the scale and below and at the second and above."""
    out = np.asarray(values, dtype=np.float32)
    if scale is None:
        return out
    out = out - np.float32(scale[0])
    out /= np.float32(scale[1] - scale[0])
    return np.clip(out, 0, 1, out=out)


@lru_cache(maxsize=64)
def _axis_operator(size: int, start: float, step: float, count: int, smooth: bool) -> Tensor:
    """Matrix (count, size) that smooths one axis and reads it at ``start + n * step`` voxels; not to be changed."""
    positions: Array = start + step * np.arange(count, dtype=np.float64)
    if smooth and step < 0.8 and size >= 4:
        matrix = _cubic(size, positions)
    else:
        matrix = _linear(size, positions)
    sigma = 0.5 * np.sqrt(max(step**2 - 1, 0))
    if smooth and sigma > 0.1:
        distance = np.arange(size)[:, None] - np.arange(size)[None, :]
        kernel = np.exp(-0.5 * (distance / sigma) ** 2)
        matrix = matrix @ (kernel / kernel.sum(axis=1, keepdims=True))
    return torch.as_tensor(matrix, dtype=torch.float32)


def _linear(size: int, positions: Array) -> Array:
    clamped = np.clip(positions, 0, size - 1)
    lower = np.minimum(clamped.astype(int), max(size - 2, 0))
    matrix = np.zeros((len(positions), size))
    rows = np.arange(len(positions))
    np.add.at(matrix, (rows, lower), 1 - (clamped - lower))
    np.add.at(matrix, (rows, np.minimum(lower + 1, size - 1)), clamped - lower)
    return matrix


def _cubic(size: int, positions: Array) -> Array:
    """Cubic spline interpolation with mirrored ends: scipy on unit impulses, so the mathematics is the library's."""
    coordinates = np.clip(positions, 0, size - 1)[None]
    columns = [ndimage.map_coordinates(impulse, coordinates, order=3, mode="mirror") for impulse in np.eye(size)]
    return np.stack(columns, axis=1)
