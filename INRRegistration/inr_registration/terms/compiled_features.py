"""Squared differences of MIND features on a whole level, compiled."""

from __future__ import annotations

import numpy as np

from inr_registration.numerics.kernels.jit import Doubles, Floats, Ints, Scalar, compiled, inlined
from inr_registration.numerics.kernels.warp import between, blend_planes, blend_rows, carried, held_within
from inr_registration.terms.mind import CHANNELS


@compiled
def differ(
    ranges: Ints,
    which: int,
    step: int,
    coefficients: Floats,
    firsts: Ints,
    weights: Floats,
    positions: Floats,
    rows: Ints,
    carry: Floats,
    fixed: Floats,
    moving: Floats,
    weight: Floats,
    seen: Floats,
    pulls: Floats,
    totals: Doubles,
) -> None:
    """The mean over channels of squared differences of features, and its derivative by the displacement.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        coefficients: As in ``warp.warp``, like ``firsts``, ``weights``, ``positions`` and ``rows``.
        firsts: (3, n).
        weights: (3, n, 4).
        positions: (3, n).
        rows: (D, H, 2).
        carry: (3, 4) unit of the field to voxels of the moving features.
        fixed: (D, H, W, 12).
        moving: (D', H', W', 12), at least two voxels along each axis.
        weight: (D, H, W) of the fixed image.
        seen: (D, H, W) of the moving image.
        pulls: (3, D, H, W), out: the weighted derivative, not yet divided by the total weight; 0 where nothing counts.
        totals: (parts,), out: weighted sum.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        plane = np.empty((3, coefficients.shape[2], coefficients.shape[3]), np.float32)
        row = np.empty((3, coefficients.shape[3]), np.float32)
        total = 0.0
        for z in range(start, end):
            blend_planes(coefficients[:, firsts[2, z] : firsts[2, z] + 4], weights[2, z], plane)
            for y in range(rows.shape[1]):
                x0, x1 = rows[z, y]
                if x0 < x1:
                    blend_rows(plane[:, firsts[1, y] : firsts[1, y] + 4], weights[1, y], row)
                    total += _along_row(
                        row, firsts[0, x0:x1], weights[0, x0:x1], positions[0, x0:x1], positions[1, y], positions[2, z], carry,
                        fixed[z, y, x0:x1], moving, weight[z, y, x0:x1], seen[z, y, x0:x1], pulls[:, z, y, x0:x1],
                    )  # fmt: skip
        totals[number] = total


@inlined
def _along_row(
    row: Floats,
    firsts: Ints,
    weights: Floats,
    x: Floats,
    y: Scalar,
    z: Scalar,
    carry: Floats,
    fixed: Floats,
    moving: Floats,
    weight: Floats,
    seen: Floats,
    pulls: Floats,
) -> Scalar:
    """``differ`` for voxels of one row, all arrays cut to them."""
    depth, height, width, _ = moving.shape
    flat = moving.ravel()
    right, down, back = CHANNELS, width * CHANNELS, width * height * CHANNELS
    high_x, high_y, high_z = np.float32(width - 1), np.float32(height - 1), np.float32(depth - 1)
    total = 0.0
    for n in range(firsts.shape[0]):
        counted = weight[n] * seen[n]
        if counted == 0:
            pulls[0, n], pulls[1, n], pulls[2, n] = 0, 0, 0
            continue
        at_x, at_y, at_z = carried(row, firsts[n], weights[n], x[n], y, z, carry)
        near_x, near_y, near_z = held_within(at_x, high_x), held_within(at_y, high_y), held_within(at_z, high_z)
        i, j, k = min(int(near_x), width - 2), min(int(near_y), height - 2), min(int(near_z), depth - 2)
        f, g, h = near_x - np.float32(i), near_y - np.float32(j), near_z - np.float32(k)
        corner = ((k * height + j) * width + i) * CHANNELS
        squares, dx, dy, dz = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for c in range(CHANNELS):
            value, by_x, by_y, by_z = between(flat, corner + c, right, down, back, f, g, h)
            unlike = value - fixed[n, c]
            squares += unlike * unlike
            dx, dy, dz = dx + unlike * by_x, dy + unlike * by_y, dz + unlike * by_z
        share = counted * np.float32(1 / CHANNELS)
        total += share * squares
        total += np.float32(0) * (at_x + at_y + at_z)  # not a number where the position is none
        dx, dy, dz = 2 * share * dx * (near_x == at_x), 2 * share * dy * (near_y == at_y), 2 * share * dz * (near_z == at_z)
        for a in range(3):
            pulls[a, n] = carry[0, a] * dx + carry[1, a] * dy + carry[2, a] * dz
    return total
