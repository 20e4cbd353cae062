"""Where a map folds or nearly does: connected regions of small det J, each with a place to look at.

Voxels that share a face, an edge or a corner belong together (26 neighbours): a fold is a thin sheet, mostly oblique to the voxel
axes, and is one place to look at, not hundreds. Pure numpy and scipy; the world of a ``Grid`` is LPS, positions of a region are RAS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.scene.nearest import nearest_structures
from INRRegistrationLib.scene.resample import box_of

if TYPE_CHECKING:
    from INRRegistrationLib.scene.arrays import Structure

Kind = Literal["folding", "compressed"]
Point = tuple[float, float, float]
Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDING: Kind = "folding"
COMPRESSED: Kind = "compressed"


@dataclass(frozen=True)
class Region:
    """One connected region of the fixed grid.

    Args:
        kind: ``folding`` (det J <= 0) or ``compressed`` (0 < det J < threshold, touching no fold).
        voxels: How many.
        volume_mm3: In the fixed image.
        worst: Smallest det J.
        worst_ras: World position of the centre of that voxel, RAS mm.
        centre_ras: Mean position of the voxels, RAS mm; may lie outside a bent region.
        bounds_mm: Size of the box around it along the voxel axes i, j, k, in mm.
        structure: The structure that most of its voxels lie in, else the nearest one; empty where none is given.
        distance_mm: From the nearest voxel of the region to that structure, 0 inside; not a number where none is given.
        reviewed: Whether a person has looked at it.
    """

    kind: Kind
    voxels: int
    volume_mm3: float
    worst: float
    worst_ras: Point
    centre_ras: Point
    bounds_mm: Point
    structure: str = ""
    distance_mm: float = float("nan")
    reviewed: bool = False


def find_regions(
    jacobian: npt.NDArray[np.floating],
    grid: Grid,
    threshold: float,
    structures: Sequence[Structure] = (),
    mask: Mask | None = None,
) -> tuple[Region, ...]:
    """Regions that fold, then regions that are compressed below a threshold; each kind by volume, largest first.

    Args:
        jacobian: det J (k, j, i) on the fixed grid; what is not a number counts as sound.
        grid: The fixed grid.
        threshold: det J below which a region counts as compressed; at 0 or less there are only folding regions.
        structures: To name what a region lies in or near to.
        mask: (k, j, i), only voxels inside count; None for all.
    """
    low = jacobian < threshold if threshold > 0 else jacobian <= 0
    low = low if mask is None else low & mask
    box = box_of(low)
    if box is None:
        return ()
    part, low = jacobian[box], low[box]
    first = np.array([box[2].start, box[1].start, box[0].start])
    folded = low & (part <= 0)
    found = _measure(FOLDING, folded, part, grid, first, structures)
    if threshold > 0:
        found += _measure(COMPRESSED, _without_folds(low, folded), part, grid, first, structures)
    return tuple(found)


def _label(mask: Mask) -> tuple[npt.NDArray[np.int32], int]:
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3), dtype=bool))
    return labels, int(count)


def _without_folds(low: Mask, folded: Mask) -> Mask:
    """The parts of ``low`` that touch no fold: what surrounds a fold is seen when one looks at the fold."""
    if not folded.any():
        return low
    labels, count = _label(low)
    kept = np.ones(count + 1, dtype=bool)
    kept[labels[folded]] = False
    kept[0] = False
    return np.asarray(kept[labels])


def _measure(
    kind: Kind, mask: Mask, det: npt.NDArray[np.floating], grid: Grid, first: Ints, structures: Sequence[Structure]
) -> list[Region]:
    """All regions of a mask (k, j, i) that starts at voxel ``first`` (i, j, k) of the grid, largest first."""
    labels, count = _label(mask)
    if count == 0:
        return []
    cells = np.flatnonzero(mask)
    owner = labels.ravel()[cells].astype(np.int64) - 1
    order = np.lexsort((cells, det.ravel()[cells], owner))  # each region together, its worst voxel first
    cells, owner = cells[order], owner[order]
    starts = np.searchsorted(owner, np.arange(count))
    index = np.stack(np.unravel_index(cells, mask.shape)[::-1], axis=1) + first  # (n, 3) i, j, k
    names, distances = nearest_structures(index, owner, count, grid, structures)
    voxels = np.bincount(owner, minlength=count)
    centre = np.stack([np.bincount(owner, index[:, axis], count) for axis in range(3)], axis=1) / voxels[:, None]
    extent = np.maximum.reduceat(index, starts) - np.minimum.reduceat(index, starts) + 1
    bounds, worst_at, centre_at = extent * grid.spacing, _ras(grid, index[starts]), _ras(grid, centre)
    volumes, worst = voxels * abs(float(np.linalg.det(grid.affine[:3, :3]))), det.ravel()[cells[starts]]
    return [
        Region(
            kind,
            int(voxels[n]),
            float(volumes[n]),
            float(worst[n]),
            _point(worst_at[n]),
            _point(centre_at[n]),
            _point(bounds[n]),
            names[n],
            float(distances[n]),
        )
        for n in np.lexsort((worst, -voxels))
    ]


def _ras(grid: Grid, index: npt.ArrayLike) -> Array:
    """World positions (n, 3), RAS mm, of voxel indices (n, 3) i, j, k."""
    return grid.to_world(index) * (-1.0, -1.0, 1.0)


def _point(values: Array) -> Point:
    r, a, s = (float(value) + 0.0 for value in values)  # adding 0 turns -0 into 0
    return r, a, s
