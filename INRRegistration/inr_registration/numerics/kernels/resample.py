"""An image on another grid, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.numerics.kernels.jit import Floats, Ints, Scalar, compiled, parts, run
from inr_registration.numerics.kernels.warp import held_within, read


@compiled
def _resample(
    ranges: Ints,
    which: int,
    step: int,
    carry: Floats,
    push: Floats,
    displacement: Floats,
    moving: Floats,
    outside: Scalar,
    out: Floats,
) -> None:
    """``resampled`` for some of the planes."""
    for number in range(which, ranges.shape[0], step):
        start, end = ranges[number]
        half, flat = np.float32(0.5), moving.ravel()
        high_x, high_y, high_z = np.float32(moving.shape[2] - 1), np.float32(moving.shape[1] - 1), np.float32(moving.shape[0] - 1)
        for k in range(start, end):
            for j in range(out.shape[1]):
                for i in range(out.shape[2]):
                    x = carry[0, 0] * np.float32(i) + carry[0, 1] * np.float32(j) + carry[0, 2] * np.float32(k) + carry[0, 3]
                    y = carry[1, 0] * np.float32(i) + carry[1, 1] * np.float32(j) + carry[1, 2] * np.float32(k) + carry[1, 3]
                    z = carry[2, 0] * np.float32(i) + carry[2, 1] * np.float32(j) + carry[2, 2] * np.float32(k) + carry[2, 3]
                    if displacement.size > 0:
                        u, v, w = displacement[k, j, i, 0], displacement[k, j, i, 1], displacement[k, j, i, 2]
                        x += push[0, 0] * u + push[0, 1] * v + push[0, 2] * w
                        y += push[1, 0] * u + push[1, 1] * v + push[1, 2] * w
                        z += push[2, 0] * u + push[2, 1] * v + push[2, 2] * w
                    if -half <= x <= high_x + half and -half <= y <= high_y + half and -half <= z <= high_z + half:
                        near_x, near_y, near_z = held_within(x, high_x), held_within(y, high_y), held_within(z, high_z)
                        out[k, j, i] = read(flat, moving.shape, near_x, near_y, near_z)[0]
                    else:
                        out[k, j, i] = outside


def resampled(
    carry: npt.ArrayLike, push: npt.ArrayLike, displacement: Floats | None, moving: Floats, outside: float, shape: tuple[int, ...]
) -> Floats:
    """Trilinear values of an image at ``carry @ (i, j, k, 1) + push @ displacement``, in its voxels; (k, j, i) float32.

    Args:
        carry: (3, 4).
        push: (3, 3).
        displacement: (k, j, i, 3), or None for none.
        moving: (D, H, W) float32.
        outside: Value of points beyond the image's outer voxel faces.
        shape: Of the result.
    """
    out = np.empty(shape, np.float32)
    moved = np.empty((0, 0, 0, 0), np.float32) if displacement is None else np.ascontiguousarray(displacement)
    linear, by = np.ascontiguousarray(carry, np.float32), np.ascontiguousarray(push, np.float32)
    run(_resample, parts(shape[0], out.size), linear, by, moved, moving, np.float32(outside), out)
    return out
