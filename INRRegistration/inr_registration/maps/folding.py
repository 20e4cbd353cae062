"""Where a displacement folds, looked at more closely than voxel centres."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.fields.lattice import evaluate_on_axes
from inr_registration.numerics import kernels as compiled
from inr_registration.numerics.jet import jacobian_determinant
from inr_registration.numerics.knots import Knots

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

PLANES = 16
"""Looked at together where nothing is compiled: nine numbers a place take memory."""


def least_in_cells(values: Tensor, knots: Knots) -> Tensor:
    """The smallest determinant over the corners, edges, faces and the middle of every cell, ``(ck, cj, ci)``.

    Args:
        values: ``(3, nk, nj, ni)`` control points of a displacement on the CPU, in the unit of the knots.
        knots: Where they are.
    """
    positions = [s + t * (1 + np.arange(2 * (n - 3) + 1) / 2) for s, t, n in zip(knots.start, knots.step, knots.count, strict=True)]
    if compiled.usable(values):
        from inr_registration.numerics.kernels.on_axes import on_axes  # loading the compiler takes a second

        det = torch.from_numpy(on_axes(values.numpy(), knots, positions, None)[1])
    else:
        x, y, z = (torch.as_tensor(along) for along in positions)
        slabs = [evaluate_on_axes(values, knots, [x, y, some], 1).first for some in z.split(PLANES)]
        det = torch.cat([jacobian_determinant(first) for first in slabs if first is not None])
    for axis in range(3):  # of three places, every other one is also the first of the next three
        cells = (det.shape[axis] - 1) // 2
        first, middle, last = (
            det.narrow(axis, shift, 2 * cells - 1)[(slice(None),) * axis + (slice(None, None, 2),)] for shift in range(3)
        )
        det = first.minimum(middle).minimum(last)
    return det


def corner_folds(displacement: Floats, axes: npt.ArrayLike, least: float) -> Mask:
    """Voxels with a determinant of at most ``least`` by any combination of forward and backward differences, (k, j, i).

    Stricter than central differences, which look at every other voxel: each of the eight tetrahedra at a voxel keeps its side.

    Args:
        displacement: (k, j, i, 3).
        axes: (3, 3), column d the step from a voxel to the next along axis d of (i, j, k).
        least: As a share of the determinant without displacement, 0 to less than 1.
    """
    if compiled.usable(torch.empty(0)):
        from inr_registration.numerics.kernels.corners import corner_folds as fast  # loading the compiler takes a second

        return fast(displacement, axes, least)
    steps = np.asarray(axes, float)
    inverse, whole = np.linalg.inv(steps), slice(None)
    change = [np.diff(displacement, axis=2 - d) @ inverse.T + np.eye(3)[d] for d in range(3)]
    folded = np.zeros(displacement.shape[:3], dtype=bool)
    for sides in product((0, 1), repeat=3):
        voxels = [slice(side, folded.shape[2 - d] - 1 + side) for d, side in enumerate(sides)]  # i, j, k
        own = [tuple(reversed([whole if a == d else voxels[a] for a in range(3)])) for d in range(3)]
        x, y, z = (column[index] for column, index in zip(change, own, strict=True))
        folded[tuple(reversed(voxels))] |= (x * np.cross(y, z)).sum(axis=-1) <= least
    return folded
