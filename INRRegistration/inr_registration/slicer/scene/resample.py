"""A mask from one grid on another by nearest neighbour, cropped to where it can be; pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]
Index = tuple[int, int, int]

ALIGNED = 1e-6
"""Voxels by which an axis may stray across the other grid and still count as parallel."""


def on_grid(mask: Volume, grid: Grid) -> tuple[Index, Mask]:
    """Where the voxel centres of a grid lie in a mask on any other grid.

    Args:
        mask: Positive inside; beyond its own grid nothing is inside.
        grid: The grid wanted.

    Returns:
        Index (i, j, k) of the first voxel of the box around the mask, and the mask in that box, (k, j, i). Where nothing is
        inside, the mask has no voxel.
    """
    inside = mask.inside()
    box = box_of(inside)
    if box is None:
        return (0, 0, 0), np.zeros((0, 0, 0), dtype=bool)
    step = np.linalg.inv(mask.grid.affine) @ grid.affine  # voxel of grid -> voxel of mask
    first, size = _target_box(box, step, grid)
    if min(size) < 1:
        return (0, 0, 0), np.zeros((0, 0, 0), dtype=bool)
    found = _lookup(inside, step, first, size)
    tight = box_of(found)
    if tight is None:
        return (0, 0, 0), np.zeros((0, 0, 0), dtype=bool)
    i, j, k = (int(first[axis]) + tight[2 - axis].start for axis in range(3))
    return (i, j, k), np.ascontiguousarray(found[tight])


def whole(mask: Volume, grid: Grid) -> Mask:
    """The same on all of the grid, (k, j, i)."""
    out = np.zeros(grid.shape, dtype=bool)
    paste(out, *on_grid(mask, grid))
    return out


def paste(out: npt.NDArray[np.generic], first: Index, mask: Mask, value: int = 1) -> None:
    """Set ``out`` (k, j, i) to ``value`` where the cropped mask that starts at ``first`` (i, j, k) is set."""
    part = tuple(slice(start, start + n) for start, n in zip(first[::-1], mask.shape, strict=True))
    out[part][mask] = value


def box_of(mask: Mask) -> tuple[slice, slice, slice] | None:
    """The smallest box (k, j, i) around what is set, or None."""
    ends = []
    for axis in range(3):
        places = np.flatnonzero(mask.any(axis=tuple(n for n in range(3) if n != axis)))
        if not len(places):
            return None
        ends.append(slice(int(places[0]), int(places[-1]) + 1))
    return ends[0], ends[1], ends[2]


def _target_box(box: tuple[slice, slice, slice], step: Array, grid: Grid) -> tuple[npt.NDArray[np.int64], Index]:
    """First voxel and size of the part of the grid that the box of the mask covers."""
    ends = np.array([[s.start - 0.5, s.stop - 0.5] for s in box[::-1]])
    picks = np.indices((2, 2, 2)).reshape(3, -1).T
    corners = ends[np.arange(3), picks]
    back = np.linalg.inv(step)
    there = corners @ back[:3, :3].T + back[:3, 3]
    first = np.maximum(np.floor(there.min(axis=0)).astype(np.int64), 0)
    last = np.minimum(np.ceil(there.max(axis=0)).astype(np.int64), np.asarray(grid.size) - 1)
    i, j, k = (int(n) for n in last - first + 1)
    return first, (i, j, k)


def _lookup(inside: Mask, step: Array, first: npt.NDArray[np.int64], size: Index) -> Mask:
    """Read the mask at the voxels of a box: axis by axis where the grids are parallel, else slice by slice."""
    linear, start = step[:3, :3], step[:3, :3] @ first + step[:3, 3]
    if np.abs((linear - np.diag(np.diag(linear))) * (np.asarray(size) - 1)).max(initial=0) < ALIGNED:
        axes = [_nearest(start[d] + linear[d, d] * np.arange(size[d]), inside.shape[2 - d]) for d in range(3)]
        found = inside[np.ix_(*(index for index, _ in axes[::-1]))]
        for d, (_, valid) in enumerate(axes):
            found &= valid.reshape([-1 if axis == 2 - d else 1 for axis in range(3)])
        return np.asarray(found)
    out = np.empty(size[::-1], dtype=bool)
    j, i = np.meshgrid(np.arange(size[1]), np.arange(size[0]), indexing="ij")
    for k in range(size[2]):
        places = [_nearest(start[d] + linear[d, 0] * i + linear[d, 1] * j + linear[d, 2] * k, inside.shape[2 - d]) for d in range(3)]
        (x, in_x), (y, in_y), (z, in_z) = places
        out[k] = inside[z, y, x] & in_x & in_y & in_z
    return out


def _nearest(place: Array, count: int) -> tuple[npt.NDArray[np.int64], Mask]:
    """Nearest index, kept within the range, and whether it was within."""
    index = np.floor(place + 0.5 - ALIGNED).astype(np.int64)
    return index.clip(0, count - 1), (index >= 0) & (index < count)
