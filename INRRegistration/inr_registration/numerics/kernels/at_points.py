"""A spline's value and first derivatives at points anywhere, compiled; nothing is differentiated through it."""

from __future__ import annotations

import numpy as np

from inr_registration.numerics.kernels.jit import Floats, Ints, Scalar, compiled, inlined, parts, run
from inr_registration.numerics.knots import Knots


@compiled
def _at_points(
    ranges: Ints, which: int, step: int, values: Floats, starts: Floats, steps: Floats, points: Floats, slopes: bool, out: Floats
) -> None:
    """``at_points`` for some of the points."""
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        w, s = np.empty((3, 4), np.float32), np.empty((3, 4), np.float32)
        for n in range(start, end):
            i = _pieces((points[0, n] - starts[0]) / steps[0], values.shape[3], w[0], s[0])
            j = _pieces((points[1, n] - starts[1]) / steps[1], values.shape[2], w[1], s[1])
            k = _pieces((points[2, n] - starts[2]) / steps[2], values.shape[1], w[2], s[2])
            for a in range(3):
                value, by_x, by_y, by_z = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
                for c in range(4):
                    plane, plane_x, plane_y = np.float32(0), np.float32(0), np.float32(0)
                    for b in range(4):
                        row = values[a, k + c, j + b]
                        v0, v1, v2, v3 = row[i], row[i + 1], row[i + 2], row[i + 3]
                        along = w[0, 0] * v0 + w[0, 1] * v1 + w[0, 2] * v2 + w[0, 3] * v3
                        plane += w[1, b] * along
                        if slopes:
                            plane_x += w[1, b] * (s[0, 0] * v0 + s[0, 1] * v1 + s[0, 2] * v2 + s[0, 3] * v3)
                            plane_y += s[1, b] * along
                    value += w[2, c] * plane
                    if slopes:
                        by_x += w[2, c] * plane_x
                        by_y += w[2, c] * plane_y
                        by_z += s[2, c] * plane
                out[a, n] = value
                if slopes:
                    out[3 + 3 * a, n], out[4 + 3 * a, n], out[5 + 3 * a, n] = by_x / steps[0], by_y / steps[1], by_z / steps[2]


@inlined
def _pieces(at: Scalar, count: int, w: Floats, s: Floats) -> int:
    """First of the four control points that reach a place, with their weights and the slopes of these; outside, those of the border."""
    one, last = np.float32(1), np.float32(count - 2)
    held = at if at > one else one  # so is what is not a number
    held = held if held < last else last
    first = min(int(held), count - 3)
    t = held - np.float32(first)
    r = one - t
    w[0], w[3] = r * r * r / 6, t * t * t / 6
    w[1], w[2] = (3 * t * t * t - 6 * t * t + 4) / 6, (-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6
    s[0], s[3] = -r * r / 2, t * t / 2
    s[1], s[2] = (3 * t * t - 4 * t) / 2, (-3 * t * t + 2 * t + 1) / 2
    return first - 1


def at_points(values: Floats, knots: Knots, points: Floats, slopes: bool) -> tuple[Floats, Floats | None]:
    """A spline at any points; beyond its valid range the border value goes on.

    Args:
        values: (3, nk, nj, ni) displacement of the control points.
        knots: Where they are.
        points: (3, n) in the unit of the knots.
        slopes: Whether the derivatives are wanted.

    Returns:
        (3, n) displacement; and (3, 3, n) its derivatives ``[i, d] = du_i / dx_d``, or None.
    """
    out = np.empty((12 if slopes else 3, points.shape[1]), np.float32)
    starts, steps = np.asarray(knots.start, np.float32), np.asarray(knots.step, np.float32)
    ranges = parts(points.shape[1], 50 * points.shape[1])
    run(_at_points, ranges, np.ascontiguousarray(values), starts, steps, np.ascontiguousarray(points), slopes, out)
    return out[:3], out[3:].reshape(3, 3, -1) if slopes else None
