"""A spline that folds at a few isolated places, smoothed there until it does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.grid import Grid
from inr_registration.fields.lattice import SplineLattice
from inr_registration.images.crop import crop_box
from inr_registration.maps.export import sampled
from inr_registration.maps.folding import corner_folds, least_in_cells
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.knots import Knots

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

FLOOR = 0.05
"""Smallest determinant of the deformable part that is left as it is, in a cell of the lattice."""
CORNER_FLOOR = 0.01
"""The same between neighbouring voxels."""
ISOLATED = 2e-3
"""Share of the cells up to which places are taken to be isolated. Where more fold, the regularity is too weak for the images, which a
repair would hide."""
GENTLE = 0.3
"""Share of the smoothed values that the first two rounds take on, the next two twice that, and so on up to all: most places need
little, and what is not smoothed away stays."""
ROUNDS = 60
SLAB_VOXELS = 2_000_000
"""About so many voxels of a grid are looked at together: they and their displacements take little memory."""
REACH = 4
"""Cells to either side that notice when the control points of a cell are changed, and one more."""


def unfolded(lattice: SplineLattice, frame: Frame, grid: Grid, voxels: Indices | None = None) -> tuple[SplineLattice, int]:
    """The spline without folds where few cells have some: in 27 places of a cell, and between neighbouring voxels of a grid.

    The control points that reach such a cell are smoothed a little, and again those of the cells that still fold, until none
    is left; all others keep their values. Determinants are those of the deformable part, without the affine one.

    Args:
        lattice: On the CPU.
        frame: Of its axes.
        grid: Of the fixed image.
        voxels: What ``folded_voxels`` gives for the spline on that grid, where it is known already.

    Returns:
        The spline, and how many cells were mended; the given spline and 0 where nothing folds or too much does.
    """
    values = lattice.values.detach()
    first = bad = _bad_cells(lattice, frame, grid, voxels)
    count = int(first.sum())
    if count == 0 or count > max(ISOLATED * first.numel(), 8):
        return lattice, 0
    for done in range(ROUNDS):
        values = _eased(values, bad, min(GENTLE * 2 ** (done // 2), 1.0))
        mended = SplineLattice(lattice.knots, values)
        bad = _still_bad(mended, frame, grid, bad)
        if not bool(bad.any()):
            return mended, count
    return lattice, 0


def folded_voxels(displacement: Floats, grid: Grid, planes: slice) -> Indices:
    """(n, 3) voxels (i, j, k) of some planes of a grid that fold together with their neighbours in these planes.

    Args:
        displacement: (k, j, i, 3) of these planes, LPS mm.
        grid: The whole grid.
        planes: Along k, from a start on.
    """
    found = np.argwhere(corner_folds(displacement, grid.affine[:3, :3], CORNER_FLOOR))[:, ::-1]
    return np.asarray(found + np.array([0, 0, planes.start]))


def slabs(grid: Grid) -> Iterator[slice]:
    """Planes k of a grid to be looked at together; each slab begins with the last plane of the one before."""
    step = max(SLAB_VOXELS // (grid.size[0] * grid.size[1]), 1)
    for start in range(0, max(grid.size[2] - 1, 1), step):
        yield slice(start, min(start + step + 1, grid.size[2]))


def _bad_cells(lattice: SplineLattice, frame: Frame, grid: Grid, voxels: Indices | None = None) -> Tensor:
    """(ck, cj, ci), whether a cell folds, or holds a voxel that does together with its neighbours."""
    values, knots = lattice.values.detach(), lattice.knots
    bad = least_in_cells(values, knots) < FLOOR
    if voxels is None:
        parts = (folded_voxels(sampled(lattice, frame, np.eye(4), grid, planes)[0], grid, planes) for planes in slabs(grid))
        voxels = np.concatenate(list(parts))
    if len(voxels):
        bad[tuple(_cells_of(frame.to_unit(grid.to_world(voxels)), knots)[:, ::-1].T)] = True
    return bad


def _still_bad(lattice: SplineLattice, frame: Frame, grid: Grid, before: Tensor) -> Tensor:
    """``_bad_cells`` after the control points of the cells that were bad before have changed; looks only around them."""
    step = np.linalg.inv(frame.axes) @ grid.affine[:3, :3]
    corner, along = frame.to_unit(grid.origin), np.diag(step)
    found, whole = before.nonzero().numpy()[:, ::-1], np.asarray(before.shape)[::-1]
    low, high = np.maximum(found.min(axis=0) - REACH, 0), np.minimum(found.max(axis=0) + REACH + 1, whole)
    knots = lattice.knots
    x, y, z = (float(s + n * t) for s, n, t in zip(knots.start, low, knots.step, strict=True))
    i, j, k = (int(n) + 3 for n in high - low)
    part = Knots((x, y, z), knots.step, (i, j, k))
    seen = [
        np.flatnonzero((part.start[d] + part.step[d] <= at) & (at <= part.start[d] + (part.count[d] - 2) * part.step[d]))
        for d, at in enumerate(corner[d] + along[d] * np.arange(n) for d, n in enumerate(grid.size))
    ]
    if np.abs(step - np.diag(along)).max() > 1e-6 * np.abs(step).max() or min(map(len, seen)) < 2:
        return _bad_cells(lattice, frame, grid)
    a, b, c = (len(indices) for indices in seen)
    values = lattice.values.detach()[:, low[2] : high[2] + 3, low[1] : high[1] + 3, low[0] : high[0] + 3].contiguous()
    bad = torch.zeros_like(before)
    around = grid.cropped([indices[0] for indices in seen], (a, b, c))
    bad[low[2] : high[2], low[1] : high[1], low[0] : high[0]] = _bad_cells(SplineLattice(part, values), frame, around)
    return bad


def _cells_of(points: npt.NDArray[np.float64], knots: Knots) -> npt.NDArray[np.int64]:
    """(n, 3) cells i, j, k of points in the lattice's axes, the nearest where they lie beyond its valid range."""
    cells = np.floor((points - knots.start) / knots.step).astype(np.int64) - 1
    return np.clip(cells, 0, np.asarray(knots.count) - 4)


def _eased(values: Tensor, cells: Tensor, share: float) -> Tensor:
    """Control points with a share of their smoothed values where they reach these cells; looks only at the box around them."""
    reach = _reach(cells)
    k, j, i = crop_box(reach.numpy(), 1)  # smoothing asks the next ones
    part = values[:, k, j, i]
    eased = share * reach[k, j, i].to(values)
    out = values.clone()
    out[:, k, j, i] = (1 - eased) * part + eased * _smoothed(part)
    return out


def _reach(cells: Tensor) -> Tensor:
    """Whether a control point reaches one of these cells; (nk, nj, ni), three more than cells along each axis."""
    for axis in range(3):
        n = cells.shape[axis]
        wider = cells.new_zeros([size + 3 * (a == axis) for a, size in enumerate(cells.shape)])
        for shift in range(4):
            wider.narrow(axis, shift, n).logical_or_(cells)
        cells = wider
    return cells


def _smoothed(values: Tensor) -> Tensor:
    """(C, nk, nj, ni) averaged with the neighbours along each axis by 1/4, 1/2, 1/4; the border value goes on."""
    for axis in (1, 2, 3):
        n = values.shape[axis]
        first, last = values.narrow(axis, 0, 1), values.narrow(axis, n - 1, 1)
        before = torch.cat([first, values.narrow(axis, 0, n - 1)], dim=axis)
        after = torch.cat([values.narrow(axis, 1, n - 1), last], dim=axis)
        values = values / 2 + (before + after) / 4
    return values
