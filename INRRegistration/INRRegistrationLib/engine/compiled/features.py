"""Squared differences of MIND features on a whole level, compiled."""

from __future__ import annotations

import numpy as np

from INRRegistrationLib.engine.compiled.jit import Doubles, Floats, Ints, Scalar, compiled, inlined
from INRRegistrationLib.engine.compiled.warp import held_within
from INRRegistrationLib.engine.terms.mind import CHANNELS


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
            _blend(coefficients[:, firsts[2, z] : firsts[2, z] + 4], weights[2, z], plane)
            for y in range(rows.shape[1]):
                x0, x1 = rows[z, y]
                if x0 < x1:
                    _blend_row(plane[:, firsts[1, y] : firsts[1, y] + 4], weights[1, y], row)
                    total += _along_row(
                        row, firsts[0, x0:x1], weights[0, x0:x1], positions[0, x0:x1], positions[1, y], positions[2, z], carry,
                        fixed[z, y, x0:x1], moving, weight[z, y, x0:x1], seen[z, y, x0:x1], pulls[:, z, y, x0:x1],
                    )  # fmt: skip
        totals[number] = total


@inlined
def _blend(four: Floats, w: Floats, plane: Floats) -> None:
    """The control points (3, nj, ni) of one plane of voxels, from four planes (3, 4, nj, ni)."""
    for a in range(plane.shape[0]):
        for j in range(plane.shape[1]):
            for i in range(plane.shape[2]):
                plane[a, j, i] = w[0] * four[a, 0, j, i] + w[1] * four[a, 1, j, i] + w[2] * four[a, 2, j, i] + w[3] * four[a, 3, j, i]


@inlined
def _blend_row(four: Floats, w: Floats, row: Floats) -> None:
    """The control points (3, ni) of one row of voxels, from four rows (3, 4, ni)."""
    for a in range(row.shape[0]):
        for i in range(row.shape[1]):
            row[a, i] = w[0] * four[a, 0, i] + w[1] * four[a, 1, i] + w[2] * four[a, 2, i] + w[3] * four[a, 3, i]


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
        m, w0, w1, w2, w3 = firsts[n], weights[n, 0], weights[n, 1], weights[n, 2], weights[n, 3]
        u = x[n] + w0 * row[0, m] + w1 * row[0, m + 1] + w2 * row[0, m + 2] + w3 * row[0, m + 3]
        v = y + w0 * row[1, m] + w1 * row[1, m + 1] + w2 * row[1, m + 2] + w3 * row[1, m + 3]
        w = z + w0 * row[2, m] + w1 * row[2, m + 1] + w2 * row[2, m + 2] + w3 * row[2, m + 3]
        at_x = carry[0, 0] * u + carry[0, 1] * v + carry[0, 2] * w + carry[0, 3]
        at_y = carry[1, 0] * u + carry[1, 1] * v + carry[1, 2] * w + carry[1, 3]
        at_z = carry[2, 0] * u + carry[2, 1] * v + carry[2, 2] * w + carry[2, 3]
        near_x, near_y, near_z = held_within(at_x, high_x), held_within(at_y, high_y), held_within(at_z, high_z)
        i, j, k = min(int(near_x), width - 2), min(int(near_y), height - 2), min(int(near_z), depth - 2)
        f, g, h = near_x - np.float32(i), near_y - np.float32(j), near_z - np.float32(k)
        corner = ((k * height + j) * width + i) * CHANNELS
        squares, dx, dy, dz = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for c in range(CHANNELS):
            at = corner + c
            v000, v010, v100, v110 = flat[at], flat[at + down], flat[at + back], flat[at + back + down]
            d00, d01 = flat[at + right] - v000, flat[at + down + right] - v010
            d10, d11 = flat[at + back + right] - v100, flat[at + back + down + right] - v110
            r00, r01, r10, r11 = v000 + f * d00, v010 + f * d01, v100 + f * d10, v110 + f * d11
            front, rear = r00 + g * (r01 - r00), r10 + g * (r11 - r10)
            low, high = d00 + g * (d01 - d00), d10 + g * (d11 - d10)
            unlike = front + h * (rear - front) - fixed[n, c]
            squares += unlike * unlike
            dx += unlike * (low + h * (high - low))
            dy += unlike * ((r01 - r00) + h * ((r11 - r10) - (r01 - r00)))
            dz += unlike * (rear - front)
        share = counted * np.float32(1 / CHANNELS)
        total += share * squares
        total += np.float32(0) * (at_x + at_y + at_z)  # not a number where the position is none
        dx, dy, dz = 2 * share * dx * (near_x == at_x), 2 * share * dy * (near_y == at_y), 2 * share * dz * (near_z == at_z)
        for a in range(3):
            pulls[a, n] = carry[0, a] * dx + carry[1, a] * dy + carry[2, a] * dz
    return total
