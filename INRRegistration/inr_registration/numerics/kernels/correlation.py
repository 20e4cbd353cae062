"""Local correlation and squared differences of two images on a whole level, with the derivative by the second one."""

from __future__ import annotations

import numpy as np

from inr_registration.numerics.kernels.jit import Doubles, Floats, Ints, Scalar, called, compiled, inlined

EPSILON = np.float32(1e-8)


@compiled
def window_sums(ranges: Ints, which: int, step: int, radius: int, rows: Ints, first: Floats, second: Floats, sums: Floats) -> None:
    """Sums over windows within each plane of the second image, its square, and its product with the first.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        radius: Of the window, voxels.
        rows: (D, H, 2) first voxel along x that counts in each row, and one after the last; 0 is taken elsewhere.
        first: (D, H, W) fixed values.
        second: (D, H, W) warped values.
        sums: (3, D, H, W), out, over the window in x and y.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        height, width = second.shape[1], second.shape[2]
        along = np.zeros((3, height, width), np.float32)
        line = np.zeros((3, width + 2 * radius), np.float32)
        for z in range(start, end):
            for y in range(height):
                x0, x1 = rows[z, y]
                along[:, y] = 0
                if x0 >= x1:
                    continue
                line[:] = 0
                _multiply(first[z, y, x0:x1], second[z, y, x0:x1], line[:, x0 + radius : x1 + radius])
                _add_along(line, radius, x0, x1, along[:, y])
            _add_across(along, radius, rows[z], sums[:, z])


@called
def _multiply(first: Floats, second: Floats, out: Floats) -> None:
    """The second values, their squares, and their product with the first."""
    for x in range(first.shape[0]):
        out[0, x] = second[x]
        out[1, x] = second[x] * second[x]
        out[2, x] = second[x] * first[x]


@called
def _add(to: Floats, values: Floats) -> None:
    for x in range(to.shape[0]):
        to[x] += values[x]


@inlined
def _add_along(line: Floats, radius: int, x0: int, x1: int, out: Floats) -> None:
    """Window sums of padded lines at voxels ``x0`` to ``x1``."""
    for q in range(line.shape[0]):
        for shift in range(2 * radius + 1):
            _add(out[q, x0:x1], line[q, x0 + shift : x1 + shift])


@inlined
def _add_across(along: Floats, radius: int, rows: Ints, out: Floats) -> None:
    """Window sums over neighbouring rows of a plane."""
    height = along.shape[1]
    for q in range(along.shape[0]):
        for y in range(height):
            x0, x1 = rows[y]
            out[q, y, x0:x1] = 0
            for other in range(max(y - radius, 0), min(y + radius + 1, height)):
                _add(out[q, y, x0:x1], along[q, other, x0:x1])


@compiled
def correlate(
    ranges: Ints,
    which: int,
    step: int,
    radius: int,
    rows: Ints,
    counts: Floats,
    fixed: Floats,
    mean: Floats,
    variance: Floats,
    second: Floats,
    weight: Floats,
    seen: Floats,
    sums: Floats,
    pulls: Floats,
    totals: Doubles,
) -> None:
    """Correlation of each window, and what its derivative needs.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        radius: Of the window, voxels.
        rows: (D, H, 2) where the fixed weight is above 0.
        counts: (3, n) voxels of a window along x, y, z.
        fixed: (D, H, W).
        mean: (D, H, W) of the fixed values in each window.
        variance: The same.
        second: (D, H, W) warped values.
        weight: (D, H, W) of the fixed image.
        seen: (D, H, W) of the moving image.
        sums: (3, D, H, W) of ``window_sums``.
        pulls: (4, D, H, W), out: what is summed over windows for the derivative, not yet divided by the total weight.
        totals: (parts, 3), out: weighted correlation, weighted squared difference, weight.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        depth, width = second.shape[0], second.shape[2]
        box = np.zeros((3, width), np.float32)
        agreed, differed, counted = 0.0, 0.0, 0.0
        for z in range(start, end):
            for y in range(rows.shape[1]):
                x0, x1 = rows[z, y]
                box[:, x0:x1] = 0
                for other in range(max(z - radius, 0), min(z + radius + 1, depth)):
                    for q in range(3):
                        _add(box[q, x0:x1], sums[q, other, y, x0:x1])
                across = counts[1, y] * counts[2, z]
                for x in range(x0, x1):
                    w = weight[z, y, x] * seen[z, y, x]
                    per = np.float32(1) / (across * counts[0, x])
                    own = box[0, x] * per
                    spread = max(box[1, x] * per - own * own, np.float32(0))
                    covariance = box[2, x] * per - own * mean[z, y, x]
                    scale = np.float32(1) / (variance[z, y, x] * spread + EPSILON)
                    pull = 2 * covariance * scale * w * per
                    push = pull * covariance * scale * variance[z, y, x]
                    pulls[0, z, y, x] = pull
                    pulls[1, z, y, x] = pull * mean[z, y, x]
                    pulls[2, z, y, x] = push
                    pulls[3, z, y, x] = push * own
                    agreed += w * covariance * covariance * scale
                    differed += w * (fixed[z, y, x] - second[z, y, x]) ** 2
                    counted += w
        totals[number, 0] = agreed
        totals[number, 1] = differed
        totals[number, 2] = counted


@compiled
def pull_sums(ranges: Ints, which: int, step: int, radius: int, rows: Ints, pulls: Floats, sums: Floats) -> None:
    """Sums of four images over windows within each plane; they are 0 outside ``rows`` (arguments as in ``window_sums``)."""
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        height, width = pulls.shape[2], pulls.shape[3]
        along = np.zeros((4, height, width), np.float32)
        line = np.zeros((4, width + 2 * radius), np.float32)
        for z in range(start, end):
            for y in range(height):
                x0, x1 = rows[z, y]
                along[:, y] = 0
                if x0 >= x1:
                    continue
                line[:] = 0
                for q in range(4):  # one array put into another takes two seconds to compile, for the words of its error
                    for x in range(x0, x1):
                        line[q, x + radius] = pulls[q, z, y, x]
                _add_along(line, radius, x0, x1, along[:, y])
            _add_across(along, radius, rows[z], sums[:, z])


@compiled
def derive(
    ranges: Ints,
    which: int,
    step: int,
    radius: int,
    rows: Ints,
    fixed: Floats,
    second: Floats,
    weight: Floats,
    seen: Floats,
    sums: Floats,
    of_correlation: Scalar,
    of_difference: Scalar,
    push: Floats,
) -> None:
    """Derivative of the objective by the warped values.

    Args:
        ranges: (parts, 2) first plane of each part, and one after its last.
        which: Part to begin with.
        step: From one part to the next.
        radius: Of the window, voxels.
        rows: (D, H, 2) where any window reaches.
        fixed: (D, H, W).
        second: (D, H, W) warped values.
        weight: (D, H, W) of the fixed image.
        seen: (D, H, W) of the moving image.
        sums: (4, D, H, W) of ``pull_sums``.
        of_correlation: Derivative of the objective by the weighted sum of correlations.
        of_difference: Derivative of the objective by the weighted sum of squared differences.
        push: (D, H, W), out.
    """
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        depth, width = second.shape[0], second.shape[2]
        box = np.zeros((4, width), np.float32)
        outer, inner = np.float32(of_correlation), np.float32(2 * of_difference)
        for z in range(start, end):
            for y in range(rows.shape[1]):
                x0, x1 = rows[z, y]
                box[:, x0:x1] = 0
                for other in range(max(z - radius, 0), min(z + radius + 1, depth)):
                    for q in range(4):
                        _add(box[q, x0:x1], sums[q, other, y, x0:x1])
                for x in range(x0, x1):
                    here, there = second[z, y, x], fixed[z, y, x]
                    toward = there * box[0, x] - box[1, x] - (here * box[2, x] - box[3, x])
                    push[z, y, x] = outer * toward + inner * weight[z, y, x] * seen[z, y, x] * (here - there)
