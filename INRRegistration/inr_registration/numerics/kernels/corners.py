"""Folding between neighbouring voxels, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.numerics.kernels.jit import Floats, Ints, Signs, compiled, parts, run


@compiled
def _folded(ranges: Ints, which: int, step: int, displacement: Floats, axes: Floats, least: float, size: float, out: Signs) -> None:
    """``corner_folds`` for some of the planes; ``size`` is a length below which differences cannot fold."""
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        depth, height, width = out.shape
        columns, lengths = np.empty((3, 2, 3), np.float32), np.empty((3, 2), np.float32)
        for k in range(start, end):
            for j in range(height):
                for i in range(width):
                    largest = np.float32(0)
                    for d in range(3):
                        for side in range(2):
                            x, y, z = i + (side if d == 0 else 0), j + (side if d == 1 else 0), k + (side if d == 2 else 0)
                            bx, by, bz = x - (1 if d == 0 else 0), y - (1 if d == 1 else 0), z - (1 if d == 2 else 0)
                            if bx < 0 or by < 0 or bz < 0 or x >= width or y >= height or z >= depth:
                                lengths[d, side] = -1
                                continue
                            length = np.float32(0)
                            for a in range(3):
                                difference = displacement[z, y, x, a] - displacement[bz, by, bx, a]
                                columns[d, side, a] = axes[a, d] + difference
                                length += difference * difference
                            lengths[d, side] = length
                            largest = max(largest, length)
                    out[k, j, i] = 0
                    if 3 * largest < size * size:
                        continue
                    for corner in range(8):
                        p, q, r = corner & 1, (corner >> 1) & 1, corner >> 2
                        if lengths[0, p] < 0 or lengths[1, q] < 0 or lengths[2, r] < 0:
                            continue
                        x0, x1, x2 = columns[0, p]
                        y0, y1, y2 = columns[1, q]
                        z0, z1, z2 = columns[2, r]
                        det = x0 * (y1 * z2 - y2 * z1) + x1 * (y2 * z0 - y0 * z2) + x2 * (y0 * z1 - y1 * z0)
                        if det <= least:
                            out[k, j, i] = 1


def corner_folds(displacement: Floats, axes: npt.ArrayLike, least: float) -> npt.NDArray[np.bool_]:
    """Voxels with a determinant of at most ``least`` by any combination of forward and backward differences, (k, j, i).

    Args:
        displacement: (k, j, i, 3).
        axes: (3, 3), column d the step from a voxel to the next along axis d of (i, j, k).
        least: Smallest determinant that does not count as folded, 0 to less than 1.
    """
    steps = np.asarray(axes, float)
    volume = float(np.linalg.det(steps))
    if volume < 0:  # a mirrored grid: so are all determinants
        steps, volume = -steps, -volume
        displacement = -displacement
    # det(A + D) > (1 - s)^3 det A for differences D whose length (Frobenius) is below s / |A^-1|, s < 1
    size = (1 - least ** (1 / 3)) / float(np.linalg.norm(np.linalg.inv(steps)))
    out = np.empty(displacement.shape[:3], np.int8)
    moved = np.ascontiguousarray(displacement, np.float32)
    run(_folded, parts(len(out), out.size), moved, steps.astype(np.float32), np.float32(least * volume), np.float32(size), out)
    return out.view(np.bool_)
