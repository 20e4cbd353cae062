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

from inr_registration.core.doubt import Doubt
from inr_registration.core.grid import Grid
from inr_registration.slicer.scene.nearest import nearest_structures
from inr_registration.slicer.scene.resample import box_of

if TYPE_CHECKING:
    from inr_registration.slicer.scene.structure import Structure

Kind = Literal["folding", "compressed", "unsupported"]
Point = tuple[float, float, float]
Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDING: Kind = "folding"
COMPRESSED: Kind = "compressed"
UNSUPPORTED: Kind = "unsupported"
LISTED = 1000
"""At most so many regions of each kind are listed, the largest: a map that is noise can have tens of thousands."""


@dataclass(frozen=True)
class Region:
    """One connected region of the fixed grid.

    Args:
        kind: ``folding`` (det J <= 0), ``compressed`` (0 < det J < threshold, touching no fold), or ``unsupported``: chance explains
            the image there as well as the map does.
        voxels: How many.
        volume_mm3: In the fixed image.
        worst: Smallest det J; not a number where the region is not about it.
        worst_ras: World position of the centre of that voxel, or of that with the least support, RAS mm.
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


@dataclass(frozen=True)
class Found:
    """What a search gave.

    Args:
        regions: See ``search``.
        counts: How many regions of each kind there are, those that are not listed included.
    """

    regions: tuple[Region, ...] = ()
    counts: tuple[tuple[Kind, int], ...] = ()

    @property
    def unlisted(self) -> str:
        """A sentence that says what is not listed; empty where everything is."""
        cut = [f"{count} {kind} regions" for kind, count in self.counts if count > LISTED]
        return f"Of {' and '.join(cut)} only the {LISTED} largest are listed." if cut else ""


def search(
    jacobian: npt.NDArray[np.floating],
    grid: Grid,
    threshold: float,
    structures: Sequence[Structure] = (),
    mask: Mask | None = None,
) -> Found:
    """Regions that fold, then regions that are compressed below a threshold; each kind by volume, the ``LISTED`` largest; and how many.

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
        return Found()
    part, low = jacobian[box], low[box]
    first = np.array([box[2].start, box[1].start, box[0].start])
    folded = low & (part <= 0)
    labels = {FOLDING: _label(folded)}
    if threshold > 0:
        labels[COMPRESSED] = _without(*_label(low), folded)
    regions = tuple(region for kind in labels for region in _measure(kind, *labels[kind], part, grid, first, structures))
    return Found(regions, tuple((kind, count) for kind, (_, count) in labels.items()))


def unsupported(doubts: Sequence[Doubt]) -> tuple[Region, ...]:
    """Places where nothing speaks for a map, as regions, in their order."""

    def ras(lps: Point) -> Point:
        return _point(np.array(lps) * (-1.0, -1.0, 1.0))

    return tuple(
        Region(UNSUPPORTED, d.voxels, d.volume_mm3, float("nan"), ras(d.place_lps), ras(d.centre_lps), d.bounds_mm) for d in doubts
    )


def _label(mask: Mask) -> tuple[npt.NDArray[np.int32], int]:
    """Numbers (k, j, i) of the components, from 1, and how many there are."""
    labels, box = np.zeros(mask.shape, dtype=np.int32), box_of(mask)
    if box is None:
        return labels, 0
    return labels, int(ndimage.label(mask[box], structure=np.ones((3, 3, 3), dtype=bool), output=labels[box]))


def _without(labels: npt.NDArray[np.int32], count: int, folded: Mask) -> tuple[npt.NDArray[np.int32], int]:
    """Only the components that touch no fold, numbered anew: what surrounds a fold is seen when one looks at the fold."""
    kept = np.ones(count + 1, dtype=bool)
    kept[labels[folded]] = False
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return numbers[labels], int(kept.sum())


def _measure(
    kind: Kind,
    labels: npt.NDArray[np.int32],
    count: int,
    det: npt.NDArray[np.floating],
    grid: Grid,
    first: Ints,
    structures: Sequence[Structure],
) -> list[Region]:
    """The largest regions of labels (k, j, i) that start at voxel ``first`` (i, j, k) of the grid, largest first."""
    if count == 0:
        return []
    cells, owner, count = _largest(labels, count, det)
    starts = np.searchsorted(owner, np.arange(count))
    index = np.stack(np.unravel_index(cells, labels.shape)[::-1], axis=1) + first  # (n, 3) i, j, k
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
        for n in range(count)
    ]


def _largest(labels: npt.NDArray[np.int32], count: int, det: npt.NDArray[np.floating]) -> tuple[Ints, Ints, int]:
    """Cells of the ``LISTED`` largest components, the number of the component of each, and how many these are.

    Numbers go from 0, largest first, and of equal ones the worst first; each component is together, its worst cell first.
    """
    cells = np.flatnonzero(labels)
    owner, values = labels.ravel()[cells].astype(np.int64) - 1, det.ravel()[cells]
    worst = np.full(count, np.inf)
    np.minimum.at(worst, owner, values)
    listed = np.lexsort((worst, -np.bincount(owner, minlength=count)))[:LISTED]
    rank = np.full(count, -1, dtype=np.int64)
    rank[listed] = np.arange(len(listed))
    owner = rank[owner]
    order = np.lexsort((cells, values, owner))
    order = order[np.searchsorted(owner[order], 0) :]  # without those of rank -1
    return cells[order], owner[order], len(listed)


def _ras(grid: Grid, index: npt.ArrayLike) -> Array:
    """World positions (n, 3), RAS mm, of voxel indices (n, 3) i, j, k."""
    return grid.to_world(index) * (-1.0, -1.0, 1.0)


def _point(values: Array) -> Point:
    r, a, s = (float(value) + 0.0 for value in values)  # adding 0 turns -0 into 0
    return r, a, s
