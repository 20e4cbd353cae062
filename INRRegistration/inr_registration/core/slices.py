"""Telling a stack of slices from a heap of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core.volume import Volume

FEWEST = 12
"""Slices without which nothing is said."""
SAMPLES, BLOCKS = 64, 8
"""At most so many voxels along each side of a slice are looked at, and averaged to so many blocks: noise would hide the order."""
APART = 3
"""Slices so far apart differ more than neighbours do, where there is an order."""
HEAP, STACK = 1.3, 1.6
"""How many times as much: less than the first along one axis, and more than the second along both others, where slices are mixed up."""


def disordered(volume: Volume) -> str:
    """The voxel axis, ``i``, ``j`` or ``k``, along which the slices of a volume seem to be in a wrong order; empty where all is well.

    Along the axes of an image, slices three apart differ two to three times as much as neighbours. Where they do along two axes and
    not along the third, its slices were mixed up, by their file names or their numbers.
    """
    ratios = [_order(volume.values, axis) for axis in range(3)]
    for axis, ratio in enumerate(ratios):
        others = ratios[:axis] + ratios[axis + 1 :]
        if 0 < ratio < HEAP and min(others) > STACK:
            return "kji"[axis]
    return ""


def _order(values: npt.NDArray[np.generic], axis: int) -> float:
    """How many times as much slices three apart differ as neighbours do; 0 where that cannot be told."""
    count = values.shape[axis]
    if count < FEWEST:
        return 0.0
    steps = [1 if n == axis else max(size // SAMPLES, 1) for n, size in enumerate(values.shape)]
    seen = np.moveaxis(values[tuple(slice(None, None, step) for step in steps)], axis, 0).astype(np.float32)
    rows, columns = (max(size // BLOCKS, 1) for size in seen.shape[1:])
    seen = np.nan_to_num(seen[:, : seen.shape[1] // rows * rows, : seen.shape[2] // columns * columns], posinf=0.0, neginf=0.0)
    means = seen.reshape(count, seen.shape[1] // rows, rows, seen.shape[2] // columns, columns).mean(axis=(2, 4))
    near, far = (float(np.abs(means[step:] - means[:-step]).mean()) for step in (1, APART))
    return far / near if near > 0 else 0.0
