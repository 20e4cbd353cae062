"""Which structure a region lies in, or which is nearest to it; pure numpy and scipy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from inr_registration.core.grid import Grid

if TYPE_CHECKING:
    from inr_registration.slicer.scene.structure import Structure

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def nearest_structures(index: Ints, owner: Ints, count: int, grid: Grid, structures: Sequence[Structure]) -> tuple[list[str], Array]:
    """Name and distance of a structure for each region.

    Args:
        index: (n, 3) voxels i, j, k of all regions.
        owner: (n,) the region of each voxel, sorted.
        count: How many regions there are.
        grid: The grid of the voxels.
        structures: Masks on that grid, cropped.

    Returns:
        Names, and distances (count,) in mm between voxel centres. A region that touches structures takes the one that it
        shares most voxels with, at distance 0. Without structures: empty names and not a number.
    """
    given = [structure for structure in structures if structure.mask.any()]
    if not given:
        return [""] * count, np.full(count, np.nan)
    shared = np.stack([np.bincount(owner, _inside(index, structure), count) for structure in given], axis=1)
    chosen, distances = shared.argmax(axis=1), np.zeros(count)
    apart = shared.max(axis=1) == 0
    if apart.any():
        far = apart[owner]
        chosen[apart], distances[apart] = _closest(index[far], owner[far], grid, given)
    return [given[n].name for n in chosen], distances


def _inside(index: Ints, structure: Structure) -> Mask:
    """Whether each voxel (n, 3) lies in a structure."""
    local = index - np.asarray(structure.first)
    size = np.array(structure.mask.shape[::-1])
    within = ((local >= 0) & (local < size)).all(axis=1)
    i, j, k = np.where(within[:, None], local, 0).T
    return np.asarray(within & structure.mask[k, j, i])


def _closest(index: Ints, owner: Ints, grid: Grid, structures: Sequence[Structure]) -> tuple[Ints, Array]:
    """Nearest structure and its distance in mm for each region that ``owner`` (sorted) names."""
    surfaces = [_surface(structure) for structure in structures]
    belongs = np.repeat(np.arange(len(surfaces)), [len(surface) for surface in surfaces])
    tree = cKDTree(grid.to_world(np.concatenate(surfaces)), balanced_tree=False, compact_nodes=False)
    distance, at = tree.query(grid.to_world(index))
    order = np.lexsort((distance, owner))
    starts = np.unique(owner[order], return_index=True)[1]
    best = order[starts]
    return belongs[at[best]], np.asarray(distance[best])


def _surface(structure: Structure) -> Ints:
    """Voxels (n, 3) i, j, k of a structure that have a neighbour outside it."""
    shell = structure.mask & ~ndimage.binary_erosion(structure.mask)
    return np.asarray(np.argwhere(shell)[:, ::-1] + np.asarray(structure.first))
