"""The moving image under a spline displacement, with its slope; and the way back from slopes to control points."""

from __future__ import annotations

import numpy as np

from inr_registration.numerics.kernels.jit import Doubles, Floats, Ints, Scalar, Signs, called, compiled, inlined


@compiled
def warp(
    ranges: Ints,
    which: int,
    step: int,
    coefficients: Floats,
    firsts: Ints,
    weights: Floats,
    positions: Floats,
    rows: Ints,
    carry: Floats,
    moving: Floats,
    moving_weight: Floats,
    sure: Signs,
    held: Floats,
    values: Floats,
    slopes: Floats,
    seen: Floats,
    sides: Signs,
    left: Doubles,
) -> None:
    """Read the moving image at ``carry @ (position + displacement, 1)`` (its voxels).

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        coefficients: (3, nk, nj, ni) displacement of the control points, unit of the field.
        firsts: (3, n) first of the four control points that reach a voxel, along x, y, z.
        weights: (3, n, 4) theirs.
        positions: (3, n) of the voxels, unit of the field.
        rows: (D, H, 2) first voxel along x that is needed in each row, and one after the last.
        carry: (3, 4) unit of the field to voxels of the moving image.
        moving: (D', H', W').
        moving_weight: The same shape, or of size 0 where the moving image counts everywhere.
        sure: (D' H' W',), or of size 0 where the moving image counts everywhere: not 0 where all eight voxels of the cell from here on
            have weight 1.
        held: (D, H, W) cost of leaving the moving image, per voxel.
        values: (D, H, W), out.
        slopes: (3, D, H, W), out: derivative of the value by the displacement.
        seen: (D, H, W), out: the moving weight; 0 where a point is more than half a voxel outside the moving image.
        sides: (D, H, W), out: on which side of it (see ``_beyond``), 0 within.
        left: (parts,), out: weighted sum of the distances by which points are further out than that, voxels.
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
                    total += _warp_row(
                        row, firsts[0, x0:x1], weights[0, x0:x1], positions[0, x0:x1], positions[1, y], positions[2, z], carry, moving,
                        moving_weight, sure, held[z, y, x0:x1], values[z, y, x0:x1], slopes[:, z, y, x0:x1], seen[z, y, x0:x1],
                        sides[z, y, x0:x1],
                    )  # fmt: skip
        left[number] = total


@inlined
def blend_planes(four: Floats, w: Floats, plane: Floats) -> None:
    """The control points (3, nj, ni) of one plane of voxels, from four planes (3, 4, nj, ni)."""
    for a in range(plane.shape[0]):
        for j in range(plane.shape[1]):
            for i in range(plane.shape[2]):
                near = w[0] * four[a, 0, j, i] + w[1] * four[a, 1, j, i]
                plane[a, j, i] = near + w[2] * four[a, 2, j, i] + w[3] * four[a, 3, j, i]


@inlined
def blend_rows(four: Floats, w: Floats, row: Floats) -> None:
    """The control points (3, ni) of one row of voxels, from four rows (3, 4, ni)."""
    for a in range(row.shape[0]):
        for i in range(row.shape[1]):
            row[a, i] = w[0] * four[a, 0, i] + w[1] * four[a, 1, i] + w[2] * four[a, 2, i] + w[3] * four[a, 3, i]


@inlined
def _warp_row(
    row: Floats,
    firsts: Ints,
    weights: Floats,
    x: Floats,
    y: Scalar,
    z: Scalar,
    carry: Floats,
    moving: Floats,
    moving_weight: Floats,
    sure: Signs,
    held: Floats,
    values: Floats,
    slopes: Floats,
    seen: Floats,
    sides: Signs,
) -> Scalar:
    """``warp`` for voxels of one row, all arrays cut to them; returns the row's share of ``left``."""
    total, flat, flat_weight = 0.0, moving.ravel(), moving_weight.ravel()
    depth, height, width = moving.shape
    high_x, high_y, high_z = np.float32(width - 1), np.float32(height - 1), np.float32(depth - 1)
    for n in range(values.shape[0]):
        at_x, at_y, at_z = carried(row, firsts[n], weights[n], x[n], y, z, carry)
        if 0 < at_x < high_x and 0 < at_y < high_y and 0 < at_z < high_z:
            i, j, k = int(at_x), int(at_y), int(at_z)
            corner = (k * height + j) * width + i
            f, g, h = at_x - np.float32(i), at_y - np.float32(j), at_z - np.float32(k)
            values[n], dx, dy, dz = between(flat, corner, 1, width, width * height, f, g, h)
            sides[n], seen[n] = 0, 1
            if sure.size > 0 and sure[corner] == 0:
                seen[n] = read(flat_weight, moving_weight.shape, at_x, at_y, at_z)[0]
        else:
            near_x, near_y, near_z = held_within(at_x, high_x), held_within(at_y, high_y), held_within(at_z, high_z)
            values[n], dx, dy, dz = read(flat, moving.shape, near_x, near_y, near_z)
            values[n] += np.float32(0) * (at_x + at_y + at_z)  # not a number where the position is none, so that the fit ends
            dx, dy, dz = dx * (near_x == at_x), dy * (near_y == at_y), dz * (near_z == at_z)
            sides[n], beyond = _beyond(at_x - near_x, at_y - near_y, at_z - near_z)
            seen[n] = 1 if beyond == 0 else 0
            if sure.size > 0 and beyond == 0:
                seen[n] = read(flat_weight, moving_weight.shape, near_x, near_y, near_z)[0]
            total += beyond * held[n]
        for a in range(3):
            slopes[a, n] = carry[0, a] * dx + carry[1, a] * dy + carry[2, a] * dz
    return total


@inlined
def carried(row: Floats, m: int, weights: Floats, x: Scalar, y: Scalar, z: Scalar, carry: Floats) -> tuple[Scalar, Scalar, Scalar]:
    """``carry`` applied to a position and the displacement of a row of control points (3, ni) there, from number ``m`` on."""
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    u = x + w0 * row[0, m] + w1 * row[0, m + 1] + w2 * row[0, m + 2] + w3 * row[0, m + 3]
    v = y + w0 * row[1, m] + w1 * row[1, m + 1] + w2 * row[1, m + 2] + w3 * row[1, m + 3]
    w = z + w0 * row[2, m] + w1 * row[2, m + 1] + w2 * row[2, m + 2] + w3 * row[2, m + 3]
    at_x = carry[0, 0] * u + carry[0, 1] * v + carry[0, 2] * w + carry[0, 3]
    at_y = carry[1, 0] * u + carry[1, 1] * v + carry[1, 2] * w + carry[1, 3]
    at_z = carry[2, 0] * u + carry[2, 1] * v + carry[2, 2] * w + carry[2, 3]
    return at_x, at_y, at_z


@inlined
def _beyond(x: Scalar, y: Scalar, z: Scalar) -> tuple[int, Scalar]:
    """On which side a point is of an image's outer voxel faces, and by how many voxels, from its offset to the outermost centres.

    The side is ``a + 3 b + 9 c`` with a, b and c -1, 0 or 1 along x, y and z.
    """
    half, beyond, side, factor = np.float32(0.5), np.float32(0), 0, 1
    for offset in (x, y, z):
        if abs(offset) > half:
            beyond += abs(offset) - half
            side += factor if offset > 0 else -factor
        factor *= 3
    return side, beyond


@inlined
def held_within(at: Scalar, last: Scalar) -> Scalar:
    """A position moved to 0 to ``last``; one that is not a number to 0, because it would be read outside the image's memory."""
    above = at if at > 0 else np.float32(0)
    return above if above < last else last


@inlined
def read(flat: Floats, shape: tuple[int, int, int], x: Scalar, y: Scalar, z: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """The trilinear value at a position in voxels within the outermost centres, and its slopes by the voxel.

    Args:
        flat: The image, ``ravel`` called once for all positions: it counts references, which costs more than reading.
        shape: (D, H, W) of it.
        x: Position along x.
        y: Along y.
        z: Along z.
    """
    depth, height, width = shape
    i, j, k = min(int(x), max(width - 2, 0)), min(int(y), max(height - 2, 0)), min(int(z), max(depth - 2, 0))
    corner = (k * height + j) * width + i
    right, down, back = min(width - 1, 1), width * min(height - 1, 1), width * height * min(depth - 1, 1)
    return between(flat, corner, right, down, back, x - np.float32(i), y - np.float32(j), z - np.float32(k))


@inlined
def between(
    flat: Floats, corner: int, right: int, down: int, back: int, f: Scalar, g: Scalar, h: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """The trilinear value at a place (f, g, h) in a cell and its slopes; the cell's voxels are so far apart in the flat image."""
    v000, v010, v100, v110 = flat[corner], flat[corner + down], flat[corner + back], flat[corner + back + down]
    d00, d01 = flat[corner + right] - v000, flat[corner + down + right] - v010
    d10, d11 = flat[corner + back + right] - v100, flat[corner + back + down + right] - v110
    r00, r01, r10, r11 = v000 + f * d00, v010 + f * d01, v100 + f * d10, v110 + f * d11
    front, rear = r00 + g * (r01 - r00), r10 + g * (r11 - r10)
    low, high = d00 + g * (d01 - d00), d10 + g * (d11 - d10)
    across = (r01 - r00) + h * ((r11 - r10) - (r01 - r00))
    return front + h * (rear - front), low + h * (high - low), across, rear - front


@compiled
def spread(
    ranges: Ints,
    which: int,
    step: int,
    push: Floats,
    slopes: Floats,
    held: Floats,
    of_leaving: Scalar,
    sides: Signs,
    carry: Floats,
    firsts: Ints,
    weights: Floats,
    rows: Ints,
    parts: Floats,
) -> None:
    """Give the pull of every voxel to the control points that reach it.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        push: (D, H, W) derivative of the objective by the warped value.
        slopes: (3, D, H, W) derivative of the warped value by the displacement.
        held: As in ``warp``.
        of_leaving: Derivative of the objective by the sum of ``left``.
        sides: As in ``warp``.
        carry: (3, 4) unit of the field to voxels of the moving image.
        firsts: As in ``warp``.
        weights: As in ``warp``.
        rows: As in ``warp``.
        parts: (parts, 3, n, nj, ni) out: derivative by the control points from the first that reaches the part on.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        out = parts[number]
        out[:] = 0
        plane = np.empty(out.shape[:1] + out.shape[2:], np.float32)
        row = np.empty((3, out.shape[3]), np.float32)
        for z in range(start, end):
            plane[:] = 0
            for y in range(rows.shape[1]):
                x0, x1 = rows[z, y]
                if x0 < x1:
                    row[:] = 0
                    _spread_row(
                        push[z, y, x0:x1], slopes[:, z, y, x0:x1], held[z, y, x0:x1], np.float32(of_leaving), sides[z, y, x0:x1], carry,
                        firsts[0, x0:x1], weights[0, x0:x1], row,
                    )  # fmt: skip
                    for c in range(4):
                        for a in range(3):
                            _add_scaled(plane[a, firsts[1, y] + c], weights[1, y, c], row[a])
            for c in range(4):
                for a in range(3):
                    for j in range(plane.shape[1]):
                        _add_scaled(out[a, firsts[2, z] - firsts[2, start] + c, j], weights[2, z, c], plane[a, j])


@inlined
def _spread_row(
    push: Floats, slopes: Floats, held: Floats, of_leaving: Scalar, sides: Signs, carry: Floats, firsts: Ints, weights: Floats, row: Floats
) -> None:
    """``spread`` from voxels of one row to the control points of that row."""
    for n in range(push.shape[0]):
        m, side = firsts[n], sides[n] + 13
        for a in range(3):
            pull = push[n] * slopes[a, n]
            if side != 13:
                away = carry[0, a] * (side % 3 - 1) + carry[1, a] * (side // 3 % 3 - 1) + carry[2, a] * (side // 9 - 1)
                pull += of_leaving * held[n] * np.float32(away)
            row[a, m] += weights[n, 0] * pull
            row[a, m + 1] += weights[n, 1] * pull
            row[a, m + 2] += weights[n, 2] * pull
            row[a, m + 3] += weights[n, 3] * pull


@called
def _add_scaled(to: Floats, factor: Scalar, values: Floats) -> None:
    for i in range(to.shape[0]):
        to[i] += factor * values[i]
