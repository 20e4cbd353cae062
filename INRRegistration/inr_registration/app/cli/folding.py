"""Local volume change of a displacement on any grid, measured with the full voxel axes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid

Floats = npt.NDArray[np.float32]


def determinants(displacement: Floats, grid: Grid) -> tuple[Floats, Floats]:
    """Find det J of p + u(p) from differences between neighbouring voxels.

    With A the grid's voxel axes and D the differences of u along them, det J = det(A + D) / det(A): spacing, direction
    and shear all enter, unlike in filters that know the spacing alone.

    Args:
        displacement: u at the voxel centres, (k, j, i, 3) LPS mm.
        grid: Of those voxels.

    Returns:
        (k, j, i) by central differences (one-sided at the border), and (k, j, i) the lowest of the eight combinations of
        one-sided differences: no corner of a voxel folds where that is positive.
    """
    central, lowest = np.empty(grid.shape, dtype=np.float32), np.empty(grid.shape, dtype=np.float32)
    for k in range(grid.size[2]):
        first = max(k - 1, 0)
        slab = displacement[first : k + 2].astype(np.float64)
        here = k - first
        forward, backward = zip(*(_one_sided(slab, axis, here) for axis in (2, 1, 0)), strict=True)
        central[k] = _det([(f + b) / 2 for f, b in zip(forward, backward, strict=True)], grid)
        corners = [[(forward, backward)[pick >> d & 1][d] for d in range(3)] for pick in range(8)]
        lowest[k] = np.minimum.reduce([_det(corner, grid) for corner in corners])
    return central, lowest


def _one_sided(slab: npt.NDArray[np.float64], axis: int, here: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Differences to the next and from the previous voxel along one axis, in the slice ``here``; the border repeats the inner one."""
    steps = np.diff(slab, axis=axis)
    if steps.shape[axis] == 0:
        steps = np.zeros_like(slab)
        return steps[here], steps[here]
    forward = np.concatenate([steps, steps.take([-1], axis=axis)], axis=axis)
    backward = np.concatenate([steps.take([0], axis=axis), steps], axis=axis)
    return forward[here], backward[here]


def _det(differences: list[npt.NDArray[np.float64]], grid: Grid) -> npt.NDArray[np.float64]:
    """Find det(A + D) / det(A) from the three columns of D, each (j, i, 3)."""
    axes = grid.affine[:3, :3]
    x, y, z = (difference + axes[:, d] for d, difference in enumerate(differences))
    return np.asarray(np.einsum("jia,jia->ji", x, np.cross(y, z)) / np.linalg.det(axes))
