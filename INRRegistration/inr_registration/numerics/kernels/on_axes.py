"""A spline's displacement and determinant at every combination of positions along its axes, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from inr_registration.numerics.kernels.cells import blend_lines, blend_planes
from inr_registration.numerics.kernels.jit import Floats, Ints, Scalar, compiled, inlined, parts, run
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.spline import basis, locate


@compiled
def _on_axes(
    ranges: Ints,
    which: int,
    step: int,
    values: Floats,
    firsts: Ints,
    weights: Floats,
    slopes: Floats,
    axes: Floats,
    displacement: Floats,
    det: Floats,
) -> None:
    """``on_axes`` for some of the planes; ``firsts`` (3, n), ``weights`` and ``slopes`` (3, n, 4) are those of the positions."""
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        nj, ni = values.shape[2], values.shape[3]
        plane, plane_z = np.empty((3, nj, ni), np.float32), np.empty((3, nj, ni), np.float32)
        lines = np.empty((9, ni), np.float32)
        for z in range(start, end):
            blend_planes(values[:, firsts[2, z] : firsts[2, z] + 4], weights[2, z], slopes[2, z], plane, plane_z)
            for y in range(det.shape[1]):
                four = slice(firsts[1, y], firsts[1, y] + 4)
                blend_lines(plane[:, four], plane_z[:, four], weights[1, y], slopes[1, y], lines)
                _along_line(lines, firsts[0], weights[0], slopes[0], axes, displacement[z, y], det[z, y])


@inlined
def _along_line(lines: Floats, firsts: Ints, weights: Floats, slopes: Floats, axes: Floats, displacement: Floats, det: Floats) -> None:
    """One line of positions, from the control points (0 to 2) of the line and their slopes along y (3 to 5) and z (6 to 8)."""
    one = np.float32(1)
    for x in range(det.shape[0]):
        m, w, s = firsts[x], weights[x], slopes[x]
        xx, yx, zx = one + _read(lines[0], m, s), _read(lines[1], m, s), _read(lines[2], m, s)
        xy, yy, zy = _read(lines[3], m, w), one + _read(lines[4], m, w), _read(lines[5], m, w)
        xz, yz, zz = _read(lines[6], m, w), _read(lines[7], m, w), one + _read(lines[8], m, w)
        det[x] = xx * (yy * zz - yz * zy) - xy * (yx * zz - yz * zx) + xz * (yx * zy - yy * zx)
        if displacement.size > 0:
            u, v, t = _read(lines[0], m, w), _read(lines[1], m, w), _read(lines[2], m, w)
            for a in range(3):
                displacement[x, a] = axes[a, 0] * u + axes[a, 1] * v + axes[a, 2] * t


@inlined
def _read(line: Floats, first: int, w: Floats) -> Scalar:
    return w[0] * line[first] + w[1] * line[first + 1] + w[2] * line[first + 2] + w[3] * line[first + 3]


def on_axes(
    values: Floats, knots: Knots, positions: list[npt.NDArray[np.float64]], axes: npt.ArrayLike | None
) -> tuple[Floats | None, Floats]:
    """A spline at every combination of positions; beyond its valid range the border value goes on.

    Args:
        values: (3, nk, nj, ni) displacement of the control points, unit of the knots.
        knots: Where they are.
        positions: Along x, y and z.
        axes: (3, 3) by which displacements are multiplied, or None where only the determinant is wanted.

    Returns:
        (k, j, i, 3) displacement, or None; and (k, j, i) det of its Jacobian plus the identity.
    """
    count = [len(x) for x in positions]
    firsts, weights, slopes = np.zeros((3, max(count)), np.int64), *(np.zeros((3, max(count), 4), np.float32) for _ in range(2))
    for d, x in enumerate(positions):
        first, t = locate(torch.as_tensor(x), knots.start[d], knots.step[d], knots.count[d])
        firsts[d, : count[d]], weights[d, : count[d]] = first.numpy(), basis(t).numpy()
        slopes[d, : count[d]] = basis(t, 1).numpy() / knots.step[d]
    det = np.empty(count[::-1], np.float32)
    displacement = np.empty((*det.shape, 3 if axes is not None else 0), np.float32)
    turned = np.eye(3, dtype=np.float32) if axes is None else np.ascontiguousarray(axes, np.float32)
    run(_on_axes, parts(det.shape[0], det.size), np.ascontiguousarray(values), firsts, weights, slopes, turned, displacement, det)
    return (None if axes is None else displacement), det
