"""Where in the fixed image chance explains as much as the map does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.doubt import Doubt, Point
from inr_registration.core.grid import Grid
from inr_registration.measure.chance import Rivals

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SMOOTHED = 2.0
"""Standard deviation, in voxels of the level, of the Gaussian by which the support of a place is averaged."""
LEAST = 0.02
"""With a lead over chance below this, nothing speaks for the map at a place."""
FEWEST = 64
"""Voxels of the level: smaller regions are chance themselves."""


def support(rivals: Rivals, found: Floats) -> Floats:
    """(k, j, i) by how much more than chance a map explains around each voxel; NaN where the fixed image does not count.

    Args:
        rivals: What chance explains.
        found: (n,) what the map explains.
    """
    lead, weight = np.zeros(rivals.weight.shape, np.float32), rivals.weight.astype(np.float32)
    lead[rivals.weight] = found - rivals.chance
    lead, weight = (ndimage.gaussian_filter(values, SMOOTHED) for values in (lead, weight))
    return np.where(rivals.weight, lead / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def doubts(rivals: Rivals, found: Floats) -> tuple[tuple[Doubt, ...], float]:
    """Regions in which nothing speaks for the map, largest first, and which share of the tissue they are, percent."""
    lead = support(rivals, found)
    low = np.nan_to_num(lead, nan=1.0) < LEAST
    labels, _ = ndimage.label(low)
    boxes = ndimage.find_objects(labels)
    made = [_doubt(labels[box] == n, lead[box], box, rivals.fixed.grid) for n, box in enumerate(boxes, start=1)]
    kept = sorted((doubt for doubt in made if doubt.voxels >= FEWEST), key=lambda doubt: -doubt.voxels)
    return tuple(kept), 100 * sum(doubt.voxels for doubt in kept) / max(int(rivals.weight.sum()), 1)


def _doubt(inside: Mask, lead: Floats, box: tuple[slice, ...], grid: Grid) -> Doubt:
    first = np.array([along.start for along in box])
    places = np.argwhere(inside) + first
    least = places[int(lead[inside].argmin())]
    i, j, k = (np.ptp(places, axis=0) + 1)[::-1] * grid.spacing
    return Doubt(
        place_lps=_point(grid, least),
        centre_lps=_point(grid, places.mean(axis=0)),
        volume_mm3=float(inside.sum() * abs(np.linalg.det(grid.affine[:3, :3]))),
        voxels=int(inside.sum()),
        bounds_mm=(float(i), float(j), float(k)),
        lead=float(lead[inside].mean()),
    )


def _point(grid: Grid, place: npt.ArrayLike) -> Point:
    """World position, LPS mm, of an index (k, j, i)."""
    x, y, z = grid.to_world(np.asarray(place, dtype=np.float64)[::-1])
    return float(x), float(y), float(z)
