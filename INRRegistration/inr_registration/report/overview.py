"""A coarse look at the whole problem: what is foreground, and where to cut the planes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.core.volume import Volume
from inr_registration.report.raster import finite
from inr_registration.report.views import Source, read

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

COARSE = 128
"""At most about this many voxels along each axis are looked at."""

SMOOTH_MM = 4.0
"""Half width of the box over which displacements are averaged before the largest is looked for."""

MARGIN = 0.15
"""Share of each axis, at either end, that counts as border."""


@dataclass(frozen=True, eq=False)
class Overview:
    """The fixed space, thinned out.

    Args:
        stride: Every how many voxels along i, j, k.
        grid: The thinned grid.
        foreground: (k, j, i) on that grid: the fixed mask, or else what is brighter than the background.
    """

    stride: tuple[int, int, int]
    grid: Grid
    foreground: Mask

    def thin(self, source: Source) -> npt.NDArray[np.generic]:
        """An array (k, j, i, ...) on the fixed grid, thinned to this grid."""
        i, j, k = (slice(None, None, step) for step in self.stride)
        return read(source, (k, j, i))


def overview(problem: Problem) -> Overview:
    """Thin the fixed grid out and tell its foreground from its background."""
    fixed = problem.fixed
    i, j, k = (-(-n // COARSE) for n in fixed.grid.size)
    values = finite(fixed.values[::k, ::j, ::i])
    affine = fixed.grid.affine @ np.diag([i, j, k, 1])
    grid = Grid((values.shape[2], values.shape[1], values.shape[0]), affine)
    inside = values > otsu(values) if problem.fixed_mask is None else read_mask(problem.fixed_mask, grid)
    return Overview((i, j, k), grid, inside if inside.any() else np.ones_like(inside))


def covered(moved: Array) -> Mask:
    """Where a moved image, thinned, has something to show: outside the moving image it takes its lowest value."""
    return np.asarray(moved > moved.min())


def otsu(values: Array) -> float:
    """The threshold that parts values into two classes of the largest variance between them (doi 10.1109/TSMC.1979.4310076)."""
    low, high = np.percentile(values, [0.5, 99.5])
    counts, edges = np.histogram(np.clip(values, low, high), bins=128)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sums = np.cumsum(counts * middles)
    gap = sums[:-1] / np.maximum(below, 1) - (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1:-1][np.argmax(below * above * gap**2)])


def read_mask(mask: Volume, grid: Grid) -> Mask:
    """A mask of any grid at the voxel centres of ``grid``, (k, j, i); False outside."""
    index, legal = mask.grid.nearest(grid.all_points())
    i, j, k = np.moveaxis(np.clip(index, 0, np.asarray(mask.grid.size) - 1), -1, 0)
    return np.asarray(legal & (mask.values[k, j, i] > 0))


def focus(seen: Overview, warped: Volume | None, displacement: Array | None) -> tuple[int, int, int]:
    """The voxel (i, j, k) of the fixed grid through which the planes are cut.

    The foreground voxel, away from the border and seen by the moving image, of the largest displacement averaged over a
    few mm; the middle of the foreground where nothing is displaced.

    Args:
        seen: The fixed space.
        warped: The moving image on the fixed grid.
        displacement: (k, j, i, 3), thinned.
    """
    candidates = seen.foreground
    shown = [] if warped is None else [covered(finite(seen.thin(warped.values)))]
    for wish in (_interior(candidates.shape), *shown):
        candidates = candidates & wish if (candidates & wish).any() else candidates
    if displacement is None or not np.any(displacement):
        middle = np.argwhere(candidates).mean(axis=0)
        nearest = np.argwhere(candidates)[np.argmin(((np.argwhere(candidates) - middle) ** 2).sum(axis=1))]
    else:
        moved = np.linalg.norm(displacement, axis=-1)
        smooth = box_mean(finite(moved), [round(SMOOTH_MM / step) for step in seen.grid.spacing[::-1]])
        nearest = np.array(np.unravel_index(int(np.argmax(np.where(candidates, smooth, -1.0))), smooth.shape))
    i, j, k = (int(n) * step for n, step in zip(nearest[::-1], seen.stride, strict=True))
    return i, j, k


def box_mean(values: Array, radii: list[int]) -> Array:
    """Mean over boxes of ``2 * radius + 1`` voxels along each axis, cut off at the border."""
    for axis, radius in enumerate(radii):
        if radius > 0:
            sums = np.concatenate([np.zeros_like(values.take([0], axis)), np.cumsum(values, axis)], axis)
            at = np.arange(values.shape[axis])
            last, first = np.minimum(at + radius + 1, len(at)), np.maximum(at - radius, 0)
            width = (last - first).reshape([-1 if n == axis else 1 for n in range(values.ndim)])
            values = (sums.take(last, axis) - sums.take(first, axis)) / width
    return values


def _interior(shape: tuple[int, ...]) -> Mask:
    inside = np.zeros(shape, dtype=bool)
    inside[tuple(slice(max(round(n * MARGIN), 1 if n > 4 else 0), n - max(round(n * MARGIN), 1 if n > 4 else 0)) for n in shape)] = True
    return inside
