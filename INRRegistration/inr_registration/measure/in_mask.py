"""A quantity that can be asked for at any world point, as an image: inside the mask only, NaN where nothing is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume
from inr_registration.images.cleaning import on_grid
from inr_registration.methods.prepared import Prepared

Array = npt.NDArray[np.float64]

EXACT = 150_000
"""With more voxels in the mask, about this many points are evaluated and the voxels between them interpolated linearly."""


def image_in_mask(of: Callable[[Array], Array], prepared: Prepared, grid: Grid, name: str) -> Volume:
    """A quantity at the voxel centres of a grid that count in the fixed image, float32; NaN elsewhere.

    Args:
        of: (n, 3) world points, LPS mm, to (n,) values.
        prepared: Knows where the fixed image counts.
        grid: Of the image to make.
        name: Of the image to make.
    """
    mask = on_grid(Volume(prepared.fixed.measured, prepared.fixed.grid), grid)
    out = np.full(grid.shape, np.nan, dtype=np.float32)
    strides = _strides(int(mask.sum()), grid)
    if max(strides) == 1:
        out[mask] = of(grid.to_world(np.argwhere(mask)[:, ::-1]))
    else:
        nodes = _on_nodes(of, mask, grid, strides)
        for k in np.flatnonzero(mask.any(axis=(1, 2))):
            j, i = np.nonzero(mask[k])
            place = [np.full(len(j), k) / strides[0], j / strides[1], i / strides[2]]
            out[k, j, i] = ndimage.map_coordinates(nodes, place, order=1)
    return Volume(out, grid, name)


def _strides(count: int, grid: Grid) -> tuple[int, int, int]:
    """Distance of the evaluated points in voxels (k, j, i), about the same in mm along each axis."""
    if count <= EXACT:
        return 1, 1, 1
    distance = (count * float(grid.spacing.prod()) / EXACT) ** (1 / 3)
    i, j, k = (max(int(np.ceil(distance / step)), 1) for step in grid.spacing)
    return k, j, i


def _on_nodes(of: Callable[[Array], Array], mask: npt.NDArray[np.bool_], grid: Grid, strides: tuple[int, int, int]) -> Array:
    """Values at every ``strides``-th voxel, wherever a voxel of the mask lies next to it; 0 elsewhere."""
    steps = np.asarray(strides)
    needed = np.zeros([-(-(n - 1) // s) + 2 for n, s in zip(mask.shape, strides, strict=True)], dtype=bool)
    cells = np.argwhere(_any_in_cells(mask, strides))
    for corner in np.ndindex(2, 2, 2):
        needed[tuple((cells + corner).T)] = True
    values = np.zeros(needed.shape)
    values[needed] = of(grid.to_world((np.argwhere(needed) * steps)[:, ::-1]))
    return values


def _any_in_cells(mask: npt.NDArray[np.bool_], strides: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """Whether a cell of ``strides`` voxels holds one of the mask."""
    for axis, stride in enumerate(strides):
        mask = np.logical_or.reduceat(mask, np.arange(0, mask.shape[axis], stride), axis=axis)
    return mask
