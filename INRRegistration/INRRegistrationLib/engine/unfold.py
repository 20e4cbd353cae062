"""A spline that folds at a few isolated places, smoothed there until it does not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.engine.export import sampled
from INRRegistrationLib.engine.fields.lattice import Knots, SplineLattice
from INRRegistrationLib.engine.folding import corner_folds, least_in_cells
from INRRegistrationLib.engine.frame import Frame

FLOOR = 0.05
"""Smallest determinant of the deformable part that is left as it is, in a cell of the lattice."""
CORNER_FLOOR = 0.01
"""The same between neighbouring voxels."""
ISOLATED = 1e-3
"""Share of the cells up to which places are taken to be isolated. Where more fold, the regularity is too weak for the images, which a
repair would hide."""
ROUNDS = 30


def unfolded(lattice: SplineLattice, frame: Frame, grid: Grid) -> tuple[SplineLattice, int]:
    """The spline without folds where few cells have some: in 27 places of a cell, and between neighbouring voxels of a grid.

    The control points that reach such a cell, and fading out around them, are smoothed until none is left; all others keep
    their values. Determinants are those of the deformable part, without the affine one.

    Args:
        lattice: On the CPU.
        frame: Of its axes.
        grid: Of the fixed image.

    Returns:
        The spline, and how many cells were mended; the given spline and 0 where nothing folds or too much does.
    """
    values = lattice.values.detach()
    first = bad = _bad_cells(lattice, frame, grid)
    count = int(first.sum())
    if count == 0 or count > max(ISOLATED * first.numel(), 8):
        return lattice, 0
    touched = torch.zeros_like(first)
    for _ in range(ROUNDS):
        touched |= bad
        share = _reach(touched, values)
        values = (1 - share) * values + share * _smoothed(values)
        mended = SplineLattice(lattice.knots, values.contiguous())
        bad = _bad_cells(mended, frame, grid)
        if not bool(bad.any()):
            return mended, count
    return lattice, 0


def _bad_cells(lattice: SplineLattice, frame: Frame, grid: Grid) -> Tensor:
    """(ck, cj, ci), whether a cell folds, or holds a voxel that does together with its neighbours."""
    values, knots = lattice.values.detach(), lattice.knots
    bad = least_in_cells(values, knots) < FLOOR
    displacement, _ = sampled(lattice, frame, np.eye(4), grid)
    voxels = np.argwhere(corner_folds(displacement, grid.affine[:3, :3], CORNER_FLOOR))
    if len(voxels):
        bad[tuple(_cells_of(frame.to_unit(grid.to_world(voxels[:, ::-1])), knots)[:, ::-1].T)] = True
    return bad


def _cells_of(points: npt.NDArray[np.float64], knots: Knots) -> npt.NDArray[np.int64]:
    """(n, 3) cells i, j, k of points in the lattice's axes, the nearest where they lie beyond its valid range."""
    cells = np.floor((points - knots.start) / knots.step).astype(np.int64) - 1
    return np.clip(cells, 0, np.asarray(knots.count) - 4)


def _reach(cells: Tensor, values: Tensor) -> Tensor:
    """1 at control points that reach these cells, falling to 0 over two more; (nk, nj, ni)."""
    share = cells.to(values)[None, None]
    share = torch.nn.functional.max_pool3d(torch.nn.functional.pad(share, (3,) * 6), 4, stride=1)
    wide = torch.nn.functional.max_pool3d(share, 3, stride=1, padding=1)
    return torch.maximum(share, _smoothed(wide[0]))[0]


def _smoothed(values: Tensor) -> Tensor:
    """(C, nk, nj, ni) averaged with the neighbours along each axis by 1/4, 1/2, 1/4; the border value goes on."""
    for axis in (1, 2, 3):
        n = values.shape[axis]
        first, last = values.narrow(axis, 0, 1), values.narrow(axis, n - 1, 1)
        before = torch.cat([first, values.narrow(axis, 0, n - 1)], dim=axis)
        after = torch.cat([values.narrow(axis, 1, n - 1), last], dim=axis)
        values = values / 2 + (before + after) / 4
    return values
